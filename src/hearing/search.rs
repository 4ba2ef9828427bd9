//! Prompts within a sound: where each was heard, and what is wrong with it.
//!
//! Candidates come from cross-correlation of the whole prompt; each is then compared piece by piece, so that a prompt counts that was stopped, lost its
//! beginning, or waited in the middle while the engine was late. Level and polarity do not matter, nor does the coding of G.711 or G.722.

use super::correlate::{LEAST_ALIKE, alike, likeness};
use super::template::{AROUND, Template, bright};
use super::{ALIKE, CLIPPED_MS, LEVEL_DB, MS};
use crate::limits::PROMPT_PLACES_MAX;
use std::ops::Range;

/// Compared at once.
const FRAME: usize = 20 * MS;
/// A piece that is at least so much like the prompt is the prompt.
const SAME: f64 = 0.8;
/// What is less like the prompt as a whole is another sound with some of its syllables.
const LIKE: f64 = 0.6;
/// Less than this is no proof of a prompt, unless it is hardly longer.
const LEAST: usize = 120 * MS;
/// What is searched for behind a break.
const ANCHOR: usize = 160 * MS;
/// A prompt that goes on later than this is told twice.
const WAITS_MAX: usize = 1500 * MS;
/// What is left out of a prompt by so much or less is looked for as what waits is.
const SKIPS_LITTLE: usize = 60 * MS;
/// A prompt that leaves out more than this is told twice.
const SKIPS_MAX: usize = 1100 * MS;
/// Breaks within one prompt; more is another sound.
const BREAKS_MAX: usize = 64;
/// What stands in another sound is a prompt when so much of it is heard, undistorted. All shipped prompts looked for in all others: what two share from the
/// middle of one on was 300 ms at the most.
const SURE_WHOLE: usize = 400;
/// The same, of what is distorted or broken: there a second is a sentence that both end with.
const SURE_BROKEN: usize = 1000;
/// How much of what is missing at an edge is looked at; a pause between two prompts is longer.
const EDGE: usize = 100;
/// What is heard in the place of what is missing is no noise from −13 dB of it on.
const NOISE: f64 = 0.05;

/// A prompt that was heard.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// Which.
    pub name: String,
    /// Where the first of its sound was heard, and the end of its last, in samples.
    pub start: usize,
    /// See `start`.
    pub end: usize,
    /// Since the last key; `None` without one.
    pub after_key_ms: Option<i64>,
    /// How long it sounds when it is whole.
    pub length_ms: usize,
    /// How much of it was heard.
    pub heard_ms: usize,
    /// What is missing at its beginning.
    pub clipped_ms: usize,
    /// What is missing at its end.
    pub cut_ms: usize,
    /// Within it.
    pub gaps: Vec<Gap>,
    /// How alike what was heard is, 1 being the same.
    pub correlation: f64,
    /// How much louder than it was recorded, in dB.
    pub level_db: f64,
    /// Every sample has the other sign, as behind a crossed pair of wires. No ear hears it.
    pub inverted: bool,
}

/// A prompt that was heard, or some syllables of another sound that are like some of its own.
struct Hit {
    found: Found,
    /// Milliseconds that are alike at one place.
    alike_ms: usize,
    /// Where it should sound, and something else may.
    instead: Option<Range<usize>>,
}

/// A gap within a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Where, in samples of what was heard.
    pub at: usize,
    /// How long.
    pub ms: usize,
    /// What becomes of the words.
    pub words: Words,
}

/// What becomes of the words in a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Words {
    /// They are lost: time went on.
    Lost,
    /// They come after it: the prompt waited.
    Late,
    /// They are left out, and what follows came that much too early.
    Skipped,
}

impl Found {
    /// Whole from its beginning, without gaps, undistorted, about as loud as it was recorded. That it was stopped is no fault.
    pub fn is_well(&self) -> bool {
        self.is_whole() && self.level_db.abs() <= LEVEL_DB
    }

    fn is_whole(&self) -> bool {
        self.clipped_ms < CLIPPED_MS && self.gaps.is_empty() && self.correlation >= ALIKE
    }

    fn overlap(&self, other: &Self) -> usize {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }
}

impl Hit {
    /// So long, or so well, that chance does not make it; or next to a silence, where what is missing of it is truly missing.
    fn is_sure(&self) -> bool {
        let Found { length_ms, correlation, gaps, .. } = &self.found;
        let sure = if *correlation >= ALIKE && gaps.is_empty() { SURE_WHOLE } else { SURE_BROKEN };
        self.instead.is_none() || self.found.is_whole() || self.alike_ms >= sure.min(length_ms * 2 / 3)
    }

    /// Whether what sounds in its place is a prompt, too: one that was stopped, or is stopped by it.
    fn is_beside(&self, taken: &[Found]) -> bool {
        let middle = self.instead.as_ref().map(|instead| instead.start.midpoint(instead.end));
        middle.is_some_and(|middle| taken.iter().any(|found| (found.start..found.end).contains(&middle)))
    }
}

/// All prompts that are heard, in order of time. Where two would stand in one place, the longer one does. `progress` hears of each that was looked for.
pub(super) fn find(samples: &[i16], templates: &[Template], progress: &mut dyn FnMut()) -> Vec<Found> {
    let heard: Vec<f32> = samples.iter().map(|&sample| f32::from(sample)).collect();
    let heard_bright = bright(&heard);
    let mut hits: Vec<Hit> = Vec::new();
    for template in templates {
        let [upright, inverted] = candidates(&heard_bright, template);
        hits.extend(followed(&heard, template, upright));
        let turned = followed(&heard, &template.inverted(), inverted);
        hits.extend(turned.into_iter().map(|hit| Hit { found: Found { inverted: true, ..hit.found }, ..hit }));
        progress();
    }
    let worth = |Hit { found, .. }: &Hit| found.heard_ms as f64 * found.correlation;
    hits.sort_by(|a, b| b.is_sure().cmp(&a.is_sure()).then(worth(b).total_cmp(&worth(a))));
    let mut taken: Vec<Found> = Vec::new();
    for hit in hits {
        let overlapped: usize = taken.iter().map(|other| other.overlap(&hit.found)).sum();
        let is_free = overlapped * 10 <= (hit.found.end - hit.found.start) * 3;
        if is_free && (hit.is_sure() || hit.is_beside(&taken)) {
            taken.push(hit.found);
        }
    }
    taken.sort_by_key(|found| found.start);
    taken
}

/// A template at each of the places where it may stand.
fn followed(heard: &[f32], template: &Template, lags: Vec<i64>) -> Vec<Hit> {
    let mut used: Vec<Hit> = Vec::new();
    let mut failures = 0;
    for lag in lags {
        // Twenty false places in a row: the next ones are no better.
        if failures >= 20 {
            break;
        }
        let begins = lag + template.active.start as i64;
        let known = |Hit { found, .. }: &Hit| {
            let clipped = (found.clipped_ms * MS) as i64;
            (begins - found.start as i64 + clipped).abs() < (FRAME * 2) as i64
        };
        if used.iter().any(known) {
            continue;
        }
        match follow(heard, template, lag) {
            Some(hit) if used.iter().any(|known| known.found.overlap(&hit.found) > 0) => {}
            Some(hit) => {
                failures = 0;
                used.push(hit);
            }
            None => failures += 1,
        }
    }
    used
}

/// Where the template's first sample may stand, and where it may with the other sign; the most likely first.
fn candidates(heard: &[f32], template: &Template) -> [Vec<i64>; 2] {
    let pattern = template.bright.get(template.active.clone()).unwrap_or_default();
    // Neighbours of a sound are alike by chance; the shorter it is, the more.
    let least = (4.0 / (pattern.len() as f32 / 3.0).sqrt()).max(LEAST_ALIKE);
    let likeness = likeness(heard, pattern);
    let offset = (pattern.len() + template.active.start) as i64;
    [1.0, -1.0].map(|sign| {
        let mut peaks: Vec<(f32, usize)> = Vec::new();
        // The best of each 10 ms.
        for (n, window) in likeness.chunks(10 * MS).enumerate() {
            let signed = window.iter().map(|&value| value * sign).enumerate();
            let best = signed.max_by(|(_, a), (_, b)| a.total_cmp(b));
            peaks.extend(best.filter(|&(_, value)| value > least).map(|(place, value)| (value, n * 10 * MS + place)));
        }
        peaks.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        peaks.truncate(PROMPT_PLACES_MAX);
        peaks.into_iter().map(|(_, place)| place as i64 - offset).collect()
    })
}

/// A part of the template that is heard in one piece of time.
struct Piece {
    range: Range<usize>,
    lag: i64,
    /// Within the range, what is not there.
    holes: Vec<Range<usize>>,
}

/// Compares the template at a place, and follows it where it breaks off and goes on a little later.
fn follow(heard: &[f32], template: &Template, lag: i64) -> Option<Hit> {
    let (mut gain, alike_ms) = gain(heard, template, lag, template.active.clone())?;
    let length_ms = template.sounding(template.active.clone());
    if alike_ms * MS < LEAST.min(length_ms * MS / 2) {
        return None;
    }
    let first = present(heard, template, lag, gain, template.active.clone())?;
    let mut pieces = vec![first];
    for _ in 0..BREAKS_MAX {
        let last = pieces.last()?;
        let (end, lag) = (last.range.end, last.lag);
        let next = resumes(heard, template, end, lag).or_else(|| skips(heard, template, end, lag, false));
        let Some((from, lag)) = next else { break };
        let piece = present(heard, template, lag, gain, from..template.active.end);
        let Some(piece) = piece.filter(|piece| is_rest(template, piece, last.lag - lag)) else { break };
        pieces.push(piece);
    }
    for _ in 0..BREAKS_MAX {
        let first = pieces.first()?;
        let (start, lag) = (first.range.start, first.lag);
        let next = preceded(heard, template, start, lag).or_else(|| skips(heard, template, start, lag, true));
        let Some((until, lag)) = next else { break };
        let piece = present(heard, template, lag, gain, template.active.start..until);
        let Some(piece) = piece.filter(|piece| is_rest(template, piece, lag - first.lag)) else { break };
        pieces.insert(0, piece);
    }
    if let [only] = pieces.as_slice() {
        gain = self::gain(heard, template, only.lag, only.range.clone()).map_or(gain, |(gain, _)| gain);
    }
    let found = scored(heard, template, &pieces, gain);
    let instead = instead(heard, template, &pieces, gain);
    (found.correlation >= LIKE).then_some(Hit { found, alike_ms, instead })
}

/// Where the template should sound before the first of its pieces, or behind the last when nothing is missing before, and another sound does.
fn instead(heard: &[f32], template: &Template, pieces: &[Piece], gain: f64) -> Option<Range<usize>> {
    let (first, last) = (pieces.first()?, pieces.last()?);
    let sounding = |ms: &usize| template.sounds(*ms);
    let (begin, end) = (first.range.start / MS, last.range.end.div_ceil(MS));
    let (lag, missing): (i64, Vec<usize>) = if first.range.start - template.active.start >= CLIPPED_MS * MS {
        (first.lag, (template.active.start / MS..begin).rev().filter(sounding).take(EDGE).collect())
    } else {
        (last.lag, (end..template.active.end / MS).filter(sounding).take(EDGE).collect())
    };
    let place = |ms: usize| usize::try_from((ms * MS) as i64 + lag).ok();
    let power = |samples: Option<&[f32]>| -> f64 {
        samples.unwrap_or_default().iter().map(|&sample| f64::from(sample).powi(2)).sum()
    };
    let due: f64 = missing.iter().map(|&ms| power(template.samples.get(ms * MS..(ms + 1) * MS))).sum();
    let sounds: f64 = missing.iter().filter_map(|&ms| place(ms)).map(|at| power(heard.get(at..at + MS))).sum();
    let (from, to) = (*missing.iter().min()?, *missing.iter().max()?);
    (sounds > due * gain * gain * NOISE).then(|| place(from).unwrap_or(0)..place(to + 1).unwrap_or(0))
}

fn scored(heard: &[f32], template: &Template, pieces: &[Piece], gain: f64) -> Found {
    let place = |at: usize, lag: i64| usize::try_from(at as i64 + lag).unwrap_or(0);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let mut gaps = Vec::new();
    let mut before: Option<&Piece> = None;
    let mut heard_ms = 0;
    for piece in pieces {
        if let Some(before) = before {
            let at = place(before.range.end, before.lag);
            let waited = (piece.lag - before.lag) / MS as i64;
            let missed = template.sounding(before.range.end..piece.range.start);
            if waited > 0 {
                gaps.push(Gap { at, ms: waited as usize + missed, words: Words::Late });
            } else {
                gaps.push(Gap { at, ms: waited.unsigned_abs() as usize, words: Words::Skipped });
            }
        }
        heard_ms += template.sounding(piece.range.clone());
        for hole in &piece.holes {
            heard_ms -= template.sounding(hole.clone()).min(heard_ms);
            gaps.push(Gap { at: place(hole.start, piece.lag), ms: hole.len() / MS, words: Words::Lost });
        }
        let begin = place(piece.range.start, piece.lag);
        a.extend_from_slice(heard.get(begin..(begin + piece.range.len()).min(heard.len())).unwrap_or_default());
        b.extend_from_slice(template.samples.get(piece.range.clone()).unwrap_or_default());
        before = Some(piece);
    }
    let (first, last) = (pieces.first(), pieces.last());
    let clipped = first.map_or(0..0, |piece| template.active.start..piece.range.start);
    let cut = last.map_or(0..0, |piece| piece.range.end..template.active.end);
    Found {
        name: template.name.clone(),
        start: first.map_or(0, |piece| place(piece.range.start, piece.lag)),
        end: last.map_or(0, |piece| place(piece.range.end, piece.lag)),
        after_key_ms: None,
        length_ms: template.active.len() / MS,
        heard_ms,
        clipped_ms: clipped.len() / MS,
        cut_ms: cut.len() / MS,
        gaps,
        correlation: alike(&a, &b),
        level_db: 20.0 * gain.log10(),
        inverted: false,
    }
}

/// How much louder the template is heard at this place, and how many milliseconds of it are; `None` where it is not.
fn gain(heard: &[f32], template: &Template, lag: i64, range: Range<usize>) -> Option<(f64, usize)> {
    let (mut both, mut energy, mut frames) = (0.0, 0.0, 0);
    let mut at = range.start;
    while at + FRAME <= range.end {
        let wanted = template.samples.get(at..at + FRAME).unwrap_or_default();
        if template.sounding(at..at + FRAME) * MS * 2 >= FRAME
            && let Some(heard) = window(heard, at as i64 + lag, FRAME)
            && alike(heard, wanted) >= SAME
        {
            let sums = heard.iter().zip(wanted).fold((0.0, 0.0), |(both, energy), (&heard, &wanted)| {
                let (heard, wanted) = (f64::from(heard), f64::from(wanted));
                (both + heard * wanted, energy + wanted * wanted)
            });
            (both, energy, frames) = (both + sums.0, energy + sums.1, frames + 1);
        }
        at += FRAME;
    }
    (frames > 0 && both > 0.0).then(|| (both / energy, frames * FRAME / MS))
}

/// What a millisecond of the template is at a place of the heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Yes,
    No,
    /// The template is silent there.
    Silent,
}

/// The part of a range that is heard at one lag, with its holes.
fn present(heard: &[f32], template: &Template, lag: i64, gain: f64, range: Range<usize>) -> Option<Piece> {
    let begin = range.start / MS;
    // What is heard beside the template where it is there: the noise of coding and of the line.
    let mut rests: Vec<f64> = Vec::new();
    let here: Vec<Here> = (begin..range.end.div_ceil(MS))
        .map(|ms| match template.sounds(ms) {
            false => Here::Silent,
            true => match rest(heard, template, lag, gain, ms) {
                Some((rest, all)) if rest < all / 2.0 => {
                    rests.push(rest);
                    Here::Yes
                }
                Some(_) | None => Here::No,
            },
        })
        .collect();
    rests.sort_by(f64::total_cmp);
    let noise = rests.get(rests.len() / 2).copied().unwrap_or(0.0);
    // Runs that are not there, across silences between them; each is looked at as a whole once more.
    let mut absent: Vec<Range<usize>> = Vec::new();
    let mut run: Option<Range<usize>> = None;
    for (at, here) in here.iter().enumerate() {
        match here {
            Here::No => run = Some(run.map_or(at, |run| run.start)..at + 1),
            Here::Silent => {}
            Here::Yes => absent.extend(run.take()),
        }
    }
    absent.extend(run);
    let samples = |run: &Range<usize>| (begin + run.start) * MS..((begin + run.end) * MS).min(range.end);
    absent.retain(|run| is_absent(heard, template, lag, gain, noise, samples(run)));
    join(&mut absent, &here);
    let is_yes = |at: usize| here.get(at) != Some(&Here::Silent) && !absent.iter().any(|run| run.contains(&at));
    let first = (0..here.len()).find(|&at| is_yes(at))?;
    let last = (0..here.len()).rfind(|&at| is_yes(at))?;
    // So little may be chance.
    let piece = samples(&(first..last + 1));
    let holes: Vec<Range<usize>> =
        absent.iter().filter(|run| run.start > first && run.end <= last).map(samples).collect();
    let there =
        template.sounding(piece.clone()) - holes.iter().map(|hole| template.sounding(hole.clone())).sum::<usize>();
    (there >= 10).then_some(Piece { range: piece, lag, holes })
}

/// What stands between two absences, or between one and an end, and is no longer than a syllable's edge, is there by chance: vowels are like themselves.
fn join(absent: &mut Vec<Range<usize>>, here: &[Here]) {
    const ISLAND: usize = 30;
    const BESIDE: usize = 20;
    let seen =
        |range: Range<usize>| here.get(range).unwrap_or_default().iter().filter(|&&here| here == Here::Yes).count();
    let mut joined: Vec<Range<usize>> = Vec::new();
    for run in absent.drain(..) {
        match joined.last_mut() {
            Some(last) if seen(last.end..run.start) < ISLAND.min(last.len().max(run.len())) => last.end = run.end,
            Some(_) => joined.push(run),
            None if run.len() >= BESIDE && seen(0..run.start) < ISLAND.min(run.len() / 2) => joined.push(0..run.end),
            None => joined.push(run),
        }
    }
    if let Some(last) = joined.last_mut()
        && last.len() >= BESIDE
        && seen(last.end..here.len()) < ISLAND.min(last.len() / 2)
    {
        last.end = here.len();
    }
    *absent = joined;
}

/// In 5 ms around a millisecond: the power of what is not the template, and that of the template; a sample's mean.
fn rest(heard: &[f32], template: &Template, lag: i64, gain: f64, ms: usize) -> Option<(f64, f64)> {
    let begin = (ms * MS + MS / 2).saturating_sub(AROUND / 2);
    let wanted = template.samples.get(begin..(begin + AROUND).min(template.samples.len()))?;
    let heard = window(heard, begin as i64 + lag, wanted.len())?;
    let (mut rest, mut all) = (0.0, 0.0);
    for (&heard, &wanted) in heard.iter().zip(wanted) {
        let wanted = f64::from(wanted) * gain;
        rest += (f64::from(heard) - wanted).powi(2);
        all += wanted * wanted;
    }
    let length = wanted.len().max(1) as f64;
    Some((rest / length, all / length))
}

/// Whether a run of milliseconds is truly missing: silent, or something else. What the noise would hide is not.
fn is_absent(heard: &[f32], template: &Template, lag: i64, gain: f64, noise: f64, run: Range<usize>) -> bool {
    /// Shorter than any packet: noise.
    const SHORTEST: usize = 4 * MS;
    if run.len() < SHORTEST {
        return false;
    }
    let Some(wanted) = template.samples.get(run.clone()) else { return true };
    let Some(heard) = window(heard, run.start as i64 + lag, run.len()) else { return true };
    let power = |samples: &[f32]| {
        samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
    };
    let due = power(wanted) * gain * gain;
    power(heard) < due / 10.0 || (due > 4.0 * noise && alike(heard, wanted) < 0.5)
}

/// Where the template goes on behind a break: a place of it that sounds, and the lag there.
fn resumes(heard: &[f32], template: &Template, end: usize, lag: i64) -> Option<(usize, i64)> {
    let mut from = end;
    // The anchor begins with sound; what comes before may be lost.
    while from + ANCHOR <= template.active.end {
        if template.sounding(from..from + ANCHOR) * MS * 2 >= ANCHOR {
            if let Some(lag) = anchored(heard, template, from, lag - SKIPS_LITTLE as i64..lag + WAITS_MAX as i64, lag) {
                return Some((end, lag));
            }
            // 20 ms further, up to a few lost packets.
            if from >= end + 10 * FRAME {
                return None;
            }
        }
        from += FRAME;
    }
    None
}

/// Where the template was before a break.
fn preceded(heard: &[f32], template: &Template, start: usize, lag: i64) -> Option<(usize, i64)> {
    let mut from = start.checked_sub(ANCHOR)?;
    loop {
        if from < template.active.start {
            return None;
        }
        if template.sounding(from..from + ANCHOR) * MS * 2 >= ANCHOR {
            if let Some(lag) = anchored(heard, template, from, lag - WAITS_MAX as i64..lag + SKIPS_LITTLE as i64, lag) {
                return Some((start, lag));
            }
            if from + ANCHOR + 10 * FRAME <= start {
                return None;
            }
        }
        from = from.checked_sub(FRAME)?;
    }
}

/// Where the template goes on behind a break (or was before it, `back`) when some of it was left out: what is heard right there is another part of it.
fn skips(heard: &[f32], template: &Template, at: usize, lag: i64, back: bool) -> Option<(usize, i64)> {
    /// The edge of a piece is not known better than this.
    const EDGE: usize = 2 * FRAME;
    let active = &template.active;
    let within = match back {
        true => at.saturating_sub(SKIPS_MAX + ANCHOR).max(active.start)..at,
        false => at..(at + SKIPS_MAX + ANCHOR).min(active.end),
    };
    let long = template.samples.get(within.clone())?;
    let break_at = at as i64 + lag;
    // Silence tells nothing of its place: a little further there may be words.
    let found = [EDGE, 3 * EDGE, 5 * EDGE].into_iter().find_map(|beside| {
        let begin = break_at + if back { -((beside + ANCHOR) as i64) } else { beside as i64 };
        let likeness = likeness(long, window(heard, begin, ANCHOR)?);
        let (place, &alike) = likeness.get(ANCHOR..)?.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        (alike >= 0.9).then(|| begin - (within.start + place) as i64)
    })?;
    let edge = usize::try_from(break_at - found).ok()?;
    match back {
        true => (found > lag).then(|| (at.min(edge + EDGE), found)),
        false => (found < lag).then(|| (at.max(edge.saturating_sub(EDGE)), found)),
    }
}

/// Whether a piece that begins so much too early is what is left of the prompt, and no syllable that what was played instead shares with it: it is long,
/// or has the prompt's own end or beginning.
fn is_rest(template: &Template, piece: &Piece, skipped: i64) -> bool {
    let active = &template.active;
    skipped <= SKIPS_LITTLE as i64
        || template.sounding(piece.range.clone()) >= SURE_WHOLE
        || piece.range.end + FRAME >= active.end
        || piece.range.start <= active.start + FRAME
}

/// The lag within a range at which a piece of the template is heard, other than the one known.
fn anchored(heard: &[f32], template: &Template, from: usize, lags: Range<i64>, known: i64) -> Option<i64> {
    let wanted = template.samples.get(from..from + ANCHOR)?;
    let place = |lag: i64| usize::try_from(from as i64 + lag).unwrap_or(0).min(heard.len());
    let (begin, end) = (place(lags.start), (place(lags.end) + ANCHOR).min(heard.len()));
    let likeness = likeness(heard.get(begin..end)?, wanted);
    // Its first places hang over the beginning.
    let lags = (0i64..).map(|at| begin as i64 + at - from as i64).zip(likeness.get(ANCHOR..)?);
    let others = lags.filter(|(lag, _)| (lag - known).unsigned_abs() as usize >= MS);
    let (lag, &alike) = others.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (alike >= 0.9).then_some(lag)
}

fn window(heard: &[f32], at: i64, length: usize) -> Option<&[f32]> {
    let at = usize::try_from(at).ok()?;
    heard.get(at..at.checked_add(length)?)
}
