//! A recorded prompt, encoded once per codec and shared by all calls.

use super::codec;
use crate::sdp::{Codec, Codecs};
use std::fmt;
use std::time::Duration;

/// A prompt ready to send, in the codecs that calls may agree on. In each of them a byte sounds for an eighth of a millisecond, so a place in one
/// is a place in all.
#[derive(Default)]
pub struct Clip {
    /// The prompt's name, for logs and transcripts.
    pub id: String,
    /// A-law samples; empty where it is not held.
    pub alaw: Box<[u8]>,
    /// µ-law samples.
    pub ulaw: Box<[u8]>,
    /// G.722: a byte is two samples of 16 kHz.
    pub g722: Box<[u8]>,
}

impl Clip {
    /// From 8 kHz linear samples, in the usual codecs.
    pub fn from_samples(id: &str, samples: &[i16]) -> Self {
        Self::held_in(Codecs::USUAL, id, samples)
    }

    /// From 8 kHz linear samples.
    pub fn held_in(codecs: Codecs, id: &str, samples: &[i16]) -> Self {
        Self::of_recording(codecs, id, samples, None)
    }

    /// From 8 kHz linear samples, and for G.722 from those of 16 kHz where the recording had them: twice as many.
    pub fn of_recording(codecs: Codecs, id: &str, samples: &[i16], wide: Option<&[i16]>) -> Self {
        let wide = wide.filter(|wide| wide.len() == samples.len() * 2);
        let held = |codec, encode: &dyn Fn() -> Box<[u8]>| if codecs.has(codec) { encode() } else { Box::default() };
        Self {
            id: id.to_owned(),
            alaw: held(Codec::Pcma, &|| samples.iter().map(|&sample| codec::encode_alaw(sample)).collect()),
            ulaw: held(Codec::Pcmu, &|| samples.iter().map(|&sample| codec::encode_ulaw(sample)).collect()),
            g722: held(Codec::G722, &|| match wide {
                Some(wide) => codec::encode_g722_wide(wide),
                None => codec::encode_g722(samples),
            }),
        }
    }

    /// The bytes as this codec sends them; empty where it is not held, and else as many as in every other.
    pub fn encoded(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcma => &self.alaw,
            Codec::Pcmu => &self.ulaw,
            Codec::G722 => &self.g722,
        }
    }

    /// Eighths of a millisecond that it sounds.
    pub fn eighths(&self) -> usize {
        Codec::ALL.iter().map(|&codec| self.encoded(codec).len()).max().unwrap_or(0)
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.eighths() as u64 * 125)
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

    #[test]
    fn g722_carries_what_a_wide_recording_has_above_a_telephones_band() {
        // 5 kHz: nothing of it is left at 8 kHz.
        let turn = std::f64::consts::TAU * 5000.0 / 16_000.0;
        let wide: Vec<i16> = (0..16_000).map(|at| ((f64::from(at) * turn).sin() * 12_000.0) as i16).collect();
        let level = |wide: Option<&[i16]>| {
            let clip = Clip::of_recording(Codecs::new(vec![Codec::G722]), "greeting", &[0; 8000], wide);
            let decoded = audio_codec::Decoder::decode(&mut audio_codec::g722::G722Decoder::new(), &clip.g722);
            decoded.iter().skip(1600).map(|sample| sample.unsigned_abs()).max()
        };
        assert!(level(Some(&wide)) > Some(8000), "{:?}", level(Some(&wide)));
        assert!(level(None) < Some(200));
        // One that does not fit its narrow sound is not taken: clips are as long in each codec.
        assert!(level(Some(&wide[..15_000])) < Some(200));
    }

    #[test]
    fn a_clip_is_held_in_what_was_asked_for_and_as_long_in_each() {
        let samples = [1000i16; 801];
        for (codecs, held) in [
            (vec![Codec::Pcma], [801, 0, 0]),
            (vec![Codec::G722, Codec::Pcmu], [0, 801, 801]),
            (Codec::ALL.to_vec(), [801, 801, 801]),
        ] {
            let clip = Clip::held_in(Codecs::new(codecs), "greeting", &samples);
            assert_eq!(Codec::ALL.map(|codec| clip.encoded(codec).len()), held);
            assert_eq!(clip.eighths(), 801);
        }
    }
}
