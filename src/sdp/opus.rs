//! What a description says of Opus (RFC 7587 §6.1): how its writer wants to be spoken to.
//!
//! Prompts are encoded once for all calls, so there are few ways to speak, and a peer's wish is met by the nearest that keeps it. What it says
//! of two channels and of error correction needs no answer: we speak with one, and send none.

/// What our descriptions say. What we hear is a voice, put before a telephone or a recording: more than 16 kHz is heard by nobody, and a packet
/// on its way from one telephone to another must fit a packet of ours. The error correction in a packet behind a lost one is used.
pub(super) const PARAMETERS: &str =
    "maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=40000;stereo=0;useinbandfec=1";

/// How a peer wants Opus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Manner {
    /// How much of a voice.
    pub rate: Rate,
    /// Each packet as long as the others: with SRTP, lengths can tell what was said (RFC 6562).
    pub constant: bool,
}

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

    /// Of the parameters of an `fmtp` line; what is none of ours, or has no number, says nothing.
    pub(super) fn read(parameters: &[u8]) -> Self {
        let (mut playback, mut bits, mut constant) = (u32::MAX, u32::MAX, false);
        for parameter in parameters.split(|&byte| byte == b';') {
            let mut parts = parameter.splitn(2, |&byte| byte == b'=').map(<[u8]>::trim_ascii);
            let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            let Some(number) = number else { continue };
            match name.to_ascii_lowercase().as_slice() {
                b"maxplaybackrate" => playback = number,
                b"maxaveragebitrate" => bits = number,
                b"cbr" => constant = number == 1,
                _ => {}
            }
        }
        let rate = match () {
            () if bits < Rate::Narrow.bits() => Rate::Least,
            () if bits < Rate::Wide.bits() || playback < 16_000 => Rate::Narrow,
            () => Rate::Wide,
        };
        Self { rate, constant }
    }
}

#[cfg(test)]
#[path = "opus_tests.rs"]
mod tests;
