//! What a caller heard, scored against what should have been played: captures and recordings in, figures out.
//!
//! No file, no clock. [`capture`] finds RTP within pcap and pcapng, [`way`] tells how its packets came, [`sound`] puts them on one line of time, and
//! [`search`] finds prompts in it, however they were coded, how loud, or where they were stopped. [`told`] and [`picture`] show it.

pub mod capture;
mod correlate;
pub mod picture;
pub mod search;
pub mod sound;
mod template;
pub mod told;
pub mod way;

use crate::media::codec;
use crate::sdp::Codec;
use capture::Capture;
use search::Found;
use sound::Sound;
use std::net::SocketAddr;
use template::Template;
use way::Way;

/// Samples in a millisecond.
const MS: usize = 8;

/// A prompt that should be heard.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its samples, 8,000 a second.
    pub samples: Vec<i16>,
}

/// Which stream of a capture, and how it is read.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The stream's SSRC; without one, the stream in which most of what was expected is heard, else the longest.
    pub ssrc: Option<u32>,
    /// Codecs under dynamic numbers.
    pub payloads: Vec<(u8, Codec)>,
}

/// Where the sound came from.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its sender.
    pub from: SocketAddr,
    /// Its receiver.
    pub to: SocketAddr,
    /// Its source.
    pub ssrc: u32,
    /// How its packets came.
    pub way: Way,
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// `None` for a recording.
    pub stream: Option<Stream>,
    /// Other streams of the capture: source, sender, packets.
    pub others: Vec<(u32, SocketAddr, usize)>,
    /// The sound, with its levels.
    pub sound: Sound,
    /// What was heard of the expected, in order of time.
    pub found: Vec<Found>,
    /// Expected and not heard.
    pub missing: Vec<String>,
    /// Heard in another order than expected.
    pub disorder: bool,
    /// Milliseconds of sound that are none of the expected; `None` where nothing was expected.
    pub unknown_ms: Option<usize>,
}

/// A prompt that lost so much of its beginning is clipped; less is the edge of a measurement.
pub const CLIPPED_MS: usize = 10;
/// A prompt that is less like what was played than this is distorted.
pub const ALIKE: f64 = 0.95;
/// A prompt that is more than this louder or fainter than it was recorded is too loud or too faint, in dB: to the ear that is twice, or half, as loud.
/// Gateways that are set on purpose change less.
pub const LEVEL_DB: f64 = 10.0;

impl Judgement {
    /// Whether all that was expected was heard whole from its beginning, as loud as it was recorded, in order and without gaps. A prompt that was stopped is no fault: a key does that.
    pub fn is_well(&self) -> bool {
        self.missing.is_empty() && !self.disorder && self.found.iter().all(Found::is_well)
    }
}

/// Hears how many searches of how many are done: each looks for one prompt in one stream.
pub type Progress<'p> = &'p mut dyn FnMut(usize, usize);

/// Scores a recording.
pub fn judge_recording(samples: Vec<i16>, expected: &[Expected], in_order: bool, progress: Progress<'_>) -> Judgement {
    let mut done = 0;
    judge(Sound::of_recording(samples), expected, in_order, &mut || {
        done += 1;
        progress(done, expected.len());
    })
}

/// Scores one stream of a capture; `None` where it has none with sound in a codec that is known.
pub fn judge_capture(
    capture: &Capture<'_>,
    choice: &Choice,
    expected: &[Expected],
    in_order: bool,
    progress: Progress<'_>,
) -> Option<Judgement> {
    /// More streams than this are not all searched.
    const SEARCHED: usize = 4;
    let sounding = |packet: &capture::Packet<'_>| codec_of(packet.payload_type, &choice.payloads).is_some();
    let mut streams: Vec<(usize, &capture::Stream<'_>)> = capture
        .streams
        .iter()
        .map(|stream| (stream.packets.iter().filter(|packet| sounding(packet)).count(), stream))
        .filter(|&(packets, stream)| packets > 0 && choice.ssrc.is_none_or(|ssrc| ssrc == stream.ssrc))
        .collect();
    streams.sort_by_key(|&(packets, _)| std::cmp::Reverse(packets));
    let longest = streams.first()?.0;
    let searched = if expected.is_empty() { 1 } else { SEARCHED };
    let candidates = streams.iter().take(searched).filter(|&&(packets, _)| packets * 10 >= longest);
    let (mut done, all) = (0, candidates.clone().count() * expected.len());
    let judged = candidates.map(|&(_, stream)| {
        let sound = Sound::of_stream(stream, &capture.keys, &choice.payloads);
        let mut judgement = judge(sound, expected, in_order, &mut || {
            done += 1;
            progress(done, all);
        });
        let way = Way::of(stream, &choice.payloads);
        judgement.stream = Some(Stream { from: stream.from, to: stream.to, ssrc: stream.ssrc, way });
        judgement
    });
    // The first of those that are equally good: it has more packets.
    let heard = |judgement: &Judgement| judgement.found.iter().map(|found| found.heard_ms).sum::<usize>();
    let mut best = judged.reduce(|best, next| if heard(&next) > heard(&best) { next } else { best })?;
    let chosen = best.stream.as_ref().map(|stream| (stream.ssrc, stream.from));
    let others = streams.iter().filter(|(_, stream)| Some((stream.ssrc, stream.from)) != chosen);
    best.others = others.map(|&(packets, stream)| (stream.ssrc, stream.from, packets)).collect();
    Some(best)
}

fn judge(mut sound: Sound, expected: &[Expected], in_order: bool, progress: &mut dyn FnMut()) -> Judgement {
    let templates: Vec<Template> = expected.iter().filter_map(Template::new).collect();
    let mut found = search::find(&sound.samples, &templates, progress);
    // Silent ones are looked for in no time.
    (templates.len()..expected.len()).for_each(|_| progress());
    for one in &mut found {
        let begins = one.start as i64;
        one.after_key_ms =
            sound.keys.iter().rev().find(|key| key.at <= begins).map(|key| (begins - key.at) / MS as i64);
    }
    let unknown_ms = (!expected.is_empty()).then(|| sound.active_outside(&found));
    sound.measure();
    let name = |found: &Found| found.name.clone();
    let missing = expected.iter().map(|one| &one.name).filter(|name| found.iter().all(|found| found.name != **name));
    let missing: Vec<String> = missing.cloned().collect();
    // Each of the expected is looked for behind the one before it.
    let mut rest = found.iter().map(name);
    let disorder = in_order
        && missing.is_empty()
        && !expected.iter().all(|expected| rest.by_ref().any(|found| found == expected.name));
    Judgement { stream: None, others: Vec::new(), sound, found, missing, disorder, unknown_ms }
}

/// What a payload type carries, if it is sound that we can decode.
fn codec_of(number: u8, payloads: &[(u8, Codec)]) -> Option<Codec> {
    let named = payloads.iter().find(|(known, _)| *known == number).map(|&(_, codec)| codec);
    named.or(match number {
        0 => Some(Codec::Pcmu),
        8 => Some(Codec::Pcma),
        9 => Some(Codec::G722),
        _ => None,
    })
}

/// A decoder for one direction.
type Decoder = codec::Decoder;
