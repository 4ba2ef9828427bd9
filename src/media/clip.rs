//! A recorded prompt, encoded once per codec and shared by all calls.

use super::codec;
use crate::sdp::Codec;
use std::fmt;
use std::time::Duration;

/// A prompt ready to send: 8,000 samples a second in both G.711 laws.
pub struct Clip {
    /// The prompt's name, for logs and transcripts.
    pub id: String,
    /// A-law samples.
    pub alaw: Box<[u8]>,
    /// µ-law samples.
    pub ulaw: Box<[u8]>,
}

impl Clip {
    /// From 8 kHz linear samples.
    pub fn from_samples(id: &str, samples: &[i16]) -> Self {
        Self {
            id: id.to_owned(),
            alaw: samples.iter().map(|&sample| codec::encode_alaw(sample)).collect(),
            ulaw: samples.iter().map(|&sample| codec::encode_ulaw(sample)).collect(),
        }
    }

    /// The samples as this codec sends them; the same number in each.
    pub fn encoded(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcma => &self.alaw,
            Codec::Pcmu => &self.ulaw,
        }
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.alaw.len() as u64 * 125)
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({}, {:?})", self.id, self.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_holds_the_same_sound_in_both_laws() {
        let samples: Vec<i16> = (0..800).map(|n| (n * 37 % 20_000 - 10_000) as i16).collect();
        let clip = Clip::from_samples("greeting", &samples);
        assert_eq!(clip.duration(), Duration::from_millis(100));
        for (at, &sample) in samples.iter().enumerate() {
            let alaw = codec::decode_alaw(clip.encoded(Codec::Pcma)[at]);
            let ulaw = codec::decode_ulaw(clip.encoded(Codec::Pcmu)[at]);
            assert!((alaw - sample).abs() <= 330 && (ulaw - sample).abs() <= 330, "{at}: {sample} {alaw} {ulaw}");
        }
    }
}
