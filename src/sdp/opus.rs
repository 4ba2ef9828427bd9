//! What a description says of Opus (RFC 7587 §6.1): how its writer wants to be spoken to.
//!
//! Prompts are encoded once for all calls, so there are few ways to speak, and a peer's wish is met by the nearest that keeps it. What it says
//! of two channels and of error correction needs no answer: we speak with one, and send none.

/// What our descriptions say. What we hear is a voice, put before a telephone or a recording: more than 16 kHz is heard by nobody, and a packet
/// on its way from one telephone to another must fit a packet of ours. The error correction in a packet behind a lost one is used.
pub(super) const PARAMETERS: &str =
    "maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=40000;stereo=0;useinbandfec=1";

/// The most that [`PARAMETERS`] let a peer send, in bits a second.
const TOLD_BITS: u32 = 40_000;

/// How a peer wants Opus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Manner {
    /// How much of a voice.
    pub rate: Rate,
    /// Each packet as long as the others: with SRTP, lengths can tell what was said (RFC 6562).
    pub constant: bool,
    /// What it takes of another peer, as that encoded it.
    pub untouched: Untouched,
}

/// What a peer takes of another one without our encoding it anew. Two channels are no reason: whoever decodes Opus decodes them (RFC 7587 §6.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Untouched {
    /// Packets of so many milliseconds and less.
    UpTo(u8),
    /// None: it wants less than our descriptions let the other one send.
    Nothing,
}

impl Default for Untouched {
    fn default() -> Self {
        Self::UpTo(LONGEST)
    }
}

/// The longest packet there is, in milliseconds (RFC 6716 §3.2.5).
const LONGEST: u8 = 120;

/// How much of a voice is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Rate {
    /// Up to 8 kHz, at 20 kbit/s: what RFC 7587 §3.1.1 advises for such a voice.
    #[default]
    Wide,
    /// A telephone's band, at 12 kbit/s.
    Narrow,
    /// The same at 8 kbit/s: with less, a voice is hard to understand, whatever a peer allows.
    Least,
}

impl Rate {
    /// Bits in a second.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Wide => 20_000,
            Self::Narrow => 12_000,
            Self::Least => 8_000,
        }
    }
}

impl Manner {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// Its number among them.
    pub const fn place(self) -> usize {
        self.rate as usize * 2 + self.constant as usize
    }
}

/// The parameters of an encoding, from however many `fmtp` lines. What was said first holds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Parameters {
    playback: Option<u32>,
    bits: Option<u32>,
    constant: Option<u32>,
    /// Some write here what belongs to a line of its own.
    longest: Option<u32>,
}

impl Parameters {
    /// Adds those of a line; what is none of ours, or has no number, says nothing.
    pub(super) fn read(&mut self, line: &[u8]) {
        for (name, value) in pairs(line) {
            let place = match name.to_ascii_lowercase().as_slice() {
                b"maxplaybackrate" => &mut self.playback,
                b"maxaveragebitrate" => &mut self.bits,
                b"cbr" => &mut self.constant,
                b"maxptime" => &mut self.longest,
                _ => continue,
            };
            *place = place.or_else(|| std::str::from_utf8(value).ok()?.parse().ok());
        }
    }

    /// The longest packet that it takes, in milliseconds; `told`: by a line of its own.
    pub(super) fn longest(&self, told: Option<u8>) -> u8 {
        let here = self.longest.and_then(|ms| u8::try_from(ms).ok());
        [told, here].into_iter().flatten().filter(|ms| *ms > 0).fold(LONGEST, u8::min)
    }

    pub(super) fn manner(&self, longest: u8) -> Manner {
        let bits = self.bits.unwrap_or(u32::MAX);
        let rate = match () {
            () if bits < Rate::Narrow.bits() => Rate::Least,
            () if bits < Rate::Wide.bits() || self.playback.is_some_and(|rate| rate < 16_000) => Rate::Narrow,
            () => Rate::Wide,
        };
        let constant = self.constant == Some(1);
        let untouched = match constant || rate != Rate::Wide || bits < TOLD_BITS {
            true => Untouched::Nothing,
            false => Untouched::UpTo(longest),
        };
        Manner { rate, constant, untouched }
    }
}

/// Names and values. Between them stand semicolons, or what some write instead; around the `=` there may be spaces.
fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| b";,".contains(byte)).flat_map(|mut rest| {
        std::iter::from_fn(move || {
            let (before, after) = rest.split_at_checked(rest.iter().position(|&byte| byte == b'=')?)?;
            let after = after.get(1..)?.trim_ascii_start();
            let end = after.iter().position(u8::is_ascii_whitespace).unwrap_or(after.len());
            let (value, further) = after.split_at_checked(end)?;
            rest = further;
            let name = before.trim_ascii().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
            Some((name, value))
        })
    })
}

#[cfg(test)]
#[path = "opus_tests.rs"]
mod tests;
