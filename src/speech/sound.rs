//! Raw speech to a telephone prompt, and what a prompt measures.
//!
//! A synthesiser's voice is dull and uneven on a telephone: here it is trimmed, cleared of what G.711's band cannot carry,
//! lifted where consonants live, brought to 8 kHz and to one level. The same input gives the same bytes.

use crate::speech::resample::resample;
use crate::speech::wav::RATE;
use crate::speech::words::Kind;
use std::f64::consts::PI;
use std::time::Duration;

/// The version of this processing. It is part of what the ledger notes of every sound, so that a change of it builds all of them again:
/// a test knows what this version makes of a sound, and fails when another one does not say so.
pub const CHAIN: &str = "sound 2";

/// Quieter than this before the first and after the last sound is silence.
const TRIM_DBFS: f64 = -44.0;
/// The level of the parts that sound (as G.711 engineers count: 0 dBov is the loudest square wave).
const ACTIVE_DBOV: f64 = -21.0;
/// No sample is louder, so that no codec or gain on the way clips.
const PEAK_DBFS: f64 = -3.0;
/// The waiting tone lies under speech, so that a voice that cuts in stands out.
const TONE_DBOV: f64 = -24.0;
/// Pauses inside a text are cut to this: a synthesiser's full stop is longer than a caller's patience.
const PAUSE_MAX_MS: usize = 200;
/// Over how much a cut is faded.
const CUT_MS: usize = 4;
const SAMPLES_PER_MS: usize = RATE as usize / 1000;

/// Silence before the first sound and after the last, in milliseconds. Parts of one sentence follow each other closely.
pub(super) fn silence(kind: Kind) -> (usize, usize) {
    match kind {
        // Heard within 40 ms of the ACK: this much and the engine's own few.
        Kind::Sentence => (20, 120),
        // "정책자금은" – "일번": a breath inside one phrase.
        Kind::GoingOn => (40, 10),
        // The end of one choice; the lead of the next makes the pause between them.
        Kind::Ending => (20, 100),
        // 60 ms between digits of a group.
        Kind::Digit => (40, 20),
        Kind::Tone => (0, 0),
    }
}

/// A prompt from raw speech at `rate`, from -1 to 1; `None` when it holds no sound.
pub fn prompt(raw: &[f64], rate: u32, kind: Kind) -> Option<Vec<i16>> {
    let mut speech: Vec<f64> = trimmed(raw).iter().map(|&sample| sample * 32_768.0).collect();
    if speech.is_empty() || rate == 0 {
        return None;
    }
    Biquad::high_pass(f64::from(rate), 250.0).run(&mut speech);
    Biquad::peak(f64::from(rate), 2500.0, 6.0).run(&mut speech);
    let mut speech = resample(&speech, rate, RATE);
    shorten_pauses(&mut speech);
    fade(&mut speech, 5, 10);
    let gain = gain(&speech, ACTIVE_DBOV);
    let (lead, tail) = silence(kind);
    let mut out = vec![0; lead * SAMPLES_PER_MS];
    out.extend(speech.iter().map(|&sample| to_i16(sample * gain)));
    out.resize(out.len() + tail * SAMPLES_PER_MS, 0);
    Some(out)
}

/// A part of a sentence with as much silence at its ends as those of [`prompt`] have, whatever it was recorded with: what it is joined with follows at
/// the right distance. The samples, and those of twice the rate where there are some. What holds no sound stays.
pub fn with_ends(samples: Vec<i16>, wide: Option<Vec<i16>>, kind: Kind) -> (Vec<i16>, Option<Vec<i16>>) {
    let Some((first, last)) = ends(&samples) else { return (samples, wide) };
    let (lead, tail) = silence(kind);
    let cut = |samples: Vec<i16>, rate: usize| {
        let ms = SAMPLES_PER_MS * rate;
        let (before, after) = (lead * ms, tail * ms);
        let (first, last) = (first * rate, (last + 1) * rate);
        let sound = samples.get(first.saturating_sub(before)..samples.len().min(last + after)).unwrap_or_default();
        let mut out = vec![0; before.saturating_sub(first)];
        let begins = out.len();
        out.extend_from_slice(sound);
        fade_cuts(out.get_mut(begins..).unwrap_or_default(), CUT_MS * ms);
        out.resize(before + last - first + after, 0);
        out
    };
    (cut(samples, 1), wide.map(|wide| cut(wide, 2)))
}

/// Where a recording is cut, what it still holds grows from nothing and ends in nothing: a room's noise that begins at once is a click, and so is a
/// recording that begins within its first word.
fn fade_cuts(samples: &mut [i16], over: usize) {
    let weigh = |(at, sample): (usize, &mut i16)| *sample = (i32::from(*sample) * at as i32 / over as i32) as i16;
    samples.iter_mut().take(over).enumerate().for_each(weigh);
    samples.iter_mut().rev().take(over).enumerate().for_each(weigh);
}

/// Soft music for waiting: eight plucked notes in 6 s. Each note's end rings over the first notes, so that it loops without a seam.
pub fn waiting_tone() -> Vec<i16> {
    // C, E, G, E, A, C, E, G below 700 Hz: far from every pair of key tones.
    const NOTES: [f64; 8] = [261.63, 329.63, 392.0, 329.63, 220.0, 261.63, 329.63, 392.0];
    let note = (RATE * 3 / 4) as usize;
    let length = note * NOTES.len();
    let mut mix = vec![0.0; length];
    for (index, frequency) in NOTES.iter().enumerate() {
        // Two loops long: what is still ringing then is below the last bit.
        for at in 0..length * 2 {
            let time = at as f64 / f64::from(RATE);
            let attack = (time / 0.03).min(1.0);
            let phase = 2.0 * PI * frequency * time;
            let sound = phase.sin() + 0.25 * (2.0 * phase).sin();
            mix[(index * note + at) % length] += attack * (-time / 0.7).exp() * sound;
        }
    }
    let gain = gain(&mix, TONE_DBOV);
    mix.iter().map(|&sample| to_i16(sample * gain)).collect()
}

/// A sound of the program's own, by its name in the table of texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// [`waiting_tone`].
    Music,
    /// [`beep`].
    Beep,
}

impl Tone {
    /// From the word in the `pronunciation` column; nothing there is music.
    pub fn from_word(word: Option<&str>) -> Option<Self> {
        match word {
            None | Some("music") => Some(Self::Music),
            Some("beep") => Some(Self::Beep),
            Some(_) => None,
        }
    }

    /// Its samples.
    pub fn samples(self) -> Vec<i16> {
        match self {
            Self::Music => waiting_tone(),
            Self::Beep => beep(),
        }
    }
}

/// "Speak now": 400 ms of 1000 Hz. One frequency alone is never taken for a key.
pub fn beep() -> Vec<i16> {
    let wave = |at: usize| (2.0 * PI * 1000.0 * at as f64 / f64::from(RATE)).sin();
    let mut tone: Vec<f64> = (0..400 * SAMPLES_PER_MS).map(wave).collect();
    fade(&mut tone, 10, 10);
    let gain = gain(&tone, ACTIVE_DBOV);
    let mut out = vec![0; 20 * SAMPLES_PER_MS];
    out.extend(tone.iter().map(|&sample| to_i16(sample * gain)));
    out.resize(out.len() + 20 * SAMPLES_PER_MS, 0);
    out
}

/// What a prompt measures.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measure {
    /// The level of the parts that sound, in dBov.
    pub active_dbov: f64,
    /// The loudest sample, in dBFS.
    pub peak_dbfs: f64,
    /// Before the first sound.
    pub lead: Duration,
    /// After the last.
    pub tail: Duration,
}

/// Measures a prompt; `None` when it holds no sound.
pub fn measure(samples: &[i16]) -> Option<Measure> {
    let (first, last) = ends(samples)?;
    let as_float: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    let peak = peak(&as_float);
    let duration = |count: usize| Duration::from_micros(count as u64 * 125);
    Some(Measure {
        active_dbov: 20.0 * (active_rms(&as_float) / 32_768.0).log10(),
        peak_dbfs: 20.0 * (peak / 32_768.0).log10(),
        lead: duration(first),
        tail: duration(samples.len() - 1 - last),
    })
}

/// The first and the last sample that are heard.
fn ends(samples: &[i16]) -> Option<(usize, usize)> {
    let loud = |&sample: &i16| f64::from(sample).abs() >= full(TRIM_DBFS);
    Some((samples.iter().position(loud)?, samples.iter().rposition(loud)?))
}

fn full(db: f64) -> f64 {
    32_768.0 * 10f64.powf(db / 20.0)
}

fn to_i16(sample: f64) -> i16 {
    sample.round().clamp(-32_768.0, 32_767.0) as i16
}

fn peak(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |peak: f64, sample| peak.max(sample.abs()))
}

fn trimmed(raw: &[f64]) -> &[f64] {
    let loud = |&sample: &f64| sample.abs() * 32_768.0 >= full(TRIM_DBFS);
    match (raw.iter().position(loud), raw.iter().rposition(loud)) {
        (Some(first), Some(last)) => &raw[first..=last],
        _ => &[],
    }
}

/// Root mean square of the frames that sound: 20 ms frames within 30 dB of the loudest.
fn active_rms(samples: &[f64]) -> f64 {
    let powers: Vec<f64> = samples
        .chunks(20 * SAMPLES_PER_MS)
        .map(|frame| frame.iter().map(|sample| sample * sample).sum::<f64>() / frame.len() as f64)
        .collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let active: Vec<f64> = powers.into_iter().filter(|&power| power > 0.0 && power >= loudest / 1000.0).collect();
    (active.iter().sum::<f64>() / active.len().max(1) as f64).sqrt()
}

/// What brings the active level to `dbov`, or less where the peak would pass its bound.
fn gain(samples: &[f64], dbov: f64) -> f64 {
    let (rms, peak) = (active_rms(samples), peak(samples));
    if rms <= 0.0 || peak <= 0.0 {
        return 0.0;
    }
    (full(dbov) / rms).min(full(PEAK_DBFS) / peak)
}

fn fade(samples: &mut [f64], in_ms: usize, out_ms: usize) {
    let (rise, fall) = (in_ms * SAMPLES_PER_MS, out_ms * SAMPLES_PER_MS);
    for (at, sample) in samples.iter_mut().take(rise).enumerate() {
        *sample *= at as f64 / rise as f64;
    }
    for (at, sample) in samples.iter_mut().rev().take(fall).enumerate() {
        *sample *= at as f64 / fall as f64;
    }
}

/// Cuts the middle out of pauses longer than [`PAUSE_MAX_MS`].
fn shorten_pauses(samples: &mut Vec<f64>) {
    let quiet = full(TRIM_DBFS);
    let longest = PAUSE_MAX_MS * SAMPLES_PER_MS;
    let mut out = Vec::with_capacity(samples.len());
    let mut run = 0;
    for &sample in samples.iter() {
        run = if sample.abs() < quiet { run + 1 } else { 0 };
        // What comes after the bound is left out, except its end, which the next sound grows out of.
        if run > longest {
            out.remove(out.len() - longest / 2);
        }
        out.push(sample);
    }
    *samples = out;
}

/// A second-order filter (the audio EQ cookbook's).
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    fn high_pass(rate: f64, frequency: f64) -> Self {
        let w = 2.0 * PI * frequency / rate;
        let alpha = w.sin() / (2.0 * std::f64::consts::FRAC_1_SQRT_2);
        let (cos, a0) = (w.cos(), 1.0 + alpha);
        let b = (1.0 + cos) / 2.0;
        Self { b: [b / a0, -2.0 * b / a0, b / a0], a: [-2.0 * cos / a0, (1.0 - alpha) / a0] }
    }

    fn peak(rate: f64, frequency: f64, db: f64) -> Self {
        let w = 2.0 * PI * frequency / rate;
        let alpha = w.sin() / 2.0;
        let amplitude = 10f64.powf(db / 40.0);
        let (cos, a0) = (w.cos(), 1.0 + alpha / amplitude);
        Self {
            b: [(1.0 + alpha * amplitude) / a0, -2.0 * cos / a0, (1.0 - alpha * amplitude) / a0],
            a: [-2.0 * cos / a0, (1.0 - alpha / amplitude) / a0],
        }
    }

    fn run(&self, samples: &mut [f64]) {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for sample in samples {
            let x = *sample;
            let y = self.b[0] * x + self.b[1] * x1 + self.b[2] * x2 - self.a[0] * y1 - self.a[1] * y2;
            (x2, x1, y2, y1) = (x1, x, y1, y);
            *sample = y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone between silences, at a synthesiser's rate.
    fn raw(frequency: f64, seconds: f64) -> Vec<f64> {
        let tone =
            (0..(seconds * 22_050.0) as usize).map(|at| 0.27 * (2.0 * PI * frequency * at as f64 / 22_050.0).sin());
        let silence = || std::iter::repeat_n(0.0001, 5000);
        silence().chain(tone).chain(silence()).collect()
    }

    #[test]
    fn a_prompt_has_one_level_and_short_silences() {
        for kind in [Kind::Sentence, Kind::GoingOn, Kind::Ending, Kind::Digit] {
            let (lead, tail) = silence(kind);
            let made = prompt(&raw(800.0, 1.0), 22_050, kind).unwrap();
            let measured = measure(&made).unwrap();
            assert!((measured.active_dbov + 21.0).abs() < 0.5, "{measured:?}");
            assert!(measured.peak_dbfs <= -3.0 + 1e-3, "{measured:?}");
            assert!((lead..lead + 6).contains(&(measured.lead.as_millis() as usize)), "{measured:?}");
            assert!((tail..tail + 10).contains(&(measured.tail.as_millis() as usize)), "{measured:?}");
        }
    }

    #[test]
    fn a_part_has_the_silence_of_its_kind_whatever_it_was_recorded_with() {
        let ours = prompt(&raw(800.0, 0.5), 22_050, Kind::Digit).unwrap();
        let measured = measure(&ours).unwrap();
        let word =
            &ours[measured.lead.as_micros() as usize / 125..ours.len() - measured.tail.as_micros() as usize / 125];
        for (lead, tail) in [(0, 0), (3, 5), (40, 20), (140, 240), (500, 0)] {
            // A studio is never quite silent.
            let hiss = |ms: usize| (0..ms * SAMPLES_PER_MS).map(|at| (at % 7) as i16 - 3).collect::<Vec<_>>();
            let recorded = [hiss(lead), word.to_vec(), hiss(tail)].concat();
            let twice: Vec<i16> = recorded.iter().flat_map(|sample| [*sample; 2]).collect();
            let (made, wide) = with_ends(recorded, Some(twice), Kind::Digit);
            let measured = measure(&made).unwrap();
            // Where the recording has none of its own, a cut is faded within the word.
            let (lead_ms, tail_ms) = (measured.lead.as_millis(), measured.tail.as_millis());
            assert!((40..=43).contains(&lead_ms) && (20..=23).contains(&tail_ms), "{lead} {tail}: {measured:?}");
            let narrow: Vec<i16> = wide.unwrap().chunks(2).map(|pair| pair[0]).collect();
            // A fade of twice as many samples is a half of one further on.
            let near = narrow.iter().zip(&made).all(|(narrow, made)| narrow.abs_diff(*made) <= 80);
            assert!(narrow.len() == made.len() && near, "both stay in step");
        }
        assert_eq!(with_ends(vec![0; 80], None, Kind::Digit), (vec![0; 80], None));
    }

    #[test]
    fn a_part_is_cut_without_a_click() {
        // The noise of a room at −46 dBFS, and a voice that is there with the first sample.
        let noise =
            |ms: usize| (0..ms * SAMPLES_PER_MS).map(|at| if at % 16 < 8 { 164 } else { -164 }).collect::<Vec<i16>>();
        let voice: Vec<i16> =
            (0..2400).map(|at| (8000.0 * (2.0 * PI * 220.0 * (at as f64 + 9.0) / 8000.0).sin()) as i16).collect();
        for (lead, tail) in [(100, 100), (2, 1), (0, 0)] {
            let recorded = [noise(lead), voice.clone(), noise(tail)].concat();
            let twice = recorded.iter().flat_map(|sample| [*sample; 2]).collect();
            let (made, wide) = with_ends(recorded, Some(twice), Kind::GoingOn);
            for made in [made, wide.unwrap()] {
                let heard = |sample: &i16| *sample != 0;
                let (first, last) = (made.iter().position(heard).unwrap(), made.iter().rposition(heard).unwrap());
                let steps = (made[first].unsigned_abs(), made[last].unsigned_abs());
                assert!(steps.0 < 256 && steps.1 < 256 && first > 0, "{lead} {tail}: {steps:?}");
                assert!(lead < 100 || steps.0.max(steps.1) < 8, "{lead} {tail}: {steps:?}");
            }
        }
    }

    /// What the version of [`CHAIN`] makes of one sound: length, and the squares of it in eight parts, which no last bit of a processor moves.
    /// Another result is another version: raise `CHAIN`, build the prompts again, and write down what this test prints.
    #[test]
    fn a_change_of_the_processing_is_a_version_of_its_own() {
        let sweep = |at: usize| {
            let time = at as f64 / 22_050.0;
            let word = if (0.3..0.8).contains(&time) { 0.0 } else { 0.2 };
            word * (2.0 * PI * (200.0 + 1500.0 * time) * time).sin()
        };
        let raw: Vec<f64> = (0..33_075).map(sweep).collect();
        let made = [Kind::Sentence, Kind::GoingOn, Kind::Ending, Kind::Digit].map(|kind| {
            let made = prompt(&raw, 22_050, kind).unwrap();
            let power = |part: &[i16]| part.iter().map(|&sample| i64::from(sample).pow(2)).sum::<i64>() / 100_000;
            (made.len(), made.chunks(made.len() / 8 + 1).map(power).collect::<Vec<i64>>())
        });
        let known: [(usize, [i64; 8]); 4] = [
            (10405, [41092, 65312, 0, 162763, 157640, 105395, 6, 0]),
            (9685, [29793, 59692, 16919, 84285, 168324, 126010, 47185, 0]),
            (10245, [40169, 66227, 8, 151171, 158675, 115477, 480, 0]),
            (9765, [30198, 60381, 15825, 90621, 168093, 125191, 41899, 0]),
        ];
        for ((length, powers), (known_length, known_powers)) in made.iter().zip(known) {
            assert_eq!((*length, CHAIN), (known_length, "sound 2"), "{made:?}");
            let near = powers.iter().zip(known_powers).all(|(power, known)| (power - known).abs() <= known / 1000 + 2);
            assert!(near, "{made:?}");
        }
    }

    #[test]
    fn what_a_telephone_cannot_carry_is_gone() {
        let level = |frequency| {
            let mut tone: Vec<f64> = raw(frequency, 1.0).into_iter().map(|sample| sample * 32_768.0).collect();
            Biquad::high_pass(22_050.0, 250.0).run(&mut tone);
            // The tone itself, without the clicks of its abrupt ends.
            active_rms(&resample(&tone, 22_050, RATE)[3000..8000])
        };
        assert!(level(1000.0) > 6000.0);
        assert!(level(60.0) < 500.0, "{}", level(60.0));
        assert!(level(4300.0) < 100.0, "{}", level(4300.0));
    }

    #[test]
    fn a_long_pause_is_shortened_and_a_short_one_kept() {
        let with_pause = |ms: usize| {
            let mut samples = vec![5000.0; 800];
            samples.extend(vec![0.0; ms * 8]);
            samples.extend(vec![5000.0; 800]);
            shorten_pauses(&mut samples);
            (samples.len() - 1600) / 8
        };
        assert_eq!(with_pause(100), 100);
        assert_eq!(with_pause(900), PAUSE_MAX_MS);
    }

    #[test]
    fn the_beep_is_short_and_as_loud_as_speech() {
        let beep = Tone::from_word(Some("beep")).unwrap().samples();
        assert_eq!(beep.len(), 440 * SAMPLES_PER_MS);
        let measured = measure(&beep).unwrap();
        assert!((measured.active_dbov + 21.0).abs() < 0.5, "{measured:?}");
        assert!(Tone::from_word(Some("gong")).is_none());
    }

    #[test]
    fn silence_is_no_prompt() {
        assert_eq!(prompt(&[0.0001; 4000], 22_050, Kind::Sentence), None);
        assert_eq!(prompt(&[], 22_050, Kind::Sentence), None);
        assert_eq!(measure(&[0; 100]), None);
    }

    #[test]
    fn the_waiting_tone_loops_without_a_seam_and_never_falls_silent() {
        let tone = waiting_tone();
        assert_eq!(tone.len(), 48_000);
        let step = |a: i16, b: i16| (i32::from(a) - i32::from(b)).abs();
        let largest = tone.windows(2).map(|pair| step(pair[0], pair[1])).max().unwrap();
        assert!(step(tone[0], tone[tone.len() - 1]) <= largest);
        let measured = measure(&tone).unwrap();
        assert!((measured.active_dbov + 24.0).abs() < 0.5, "{measured:?}");
        for (index, second) in tone.chunks(8000).enumerate() {
            assert!(measure(second).unwrap().active_dbov > -30.0, "second {index}");
        }
    }
}
