//! A recorded prompt, encoded once per codec and shared by all calls.

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
    /// From 8 kHz linear samples. (First cut: silence; the codec tables follow.)
    pub fn from_samples(id: &str, samples: &[i16]) -> Self {
        Self { id: id.to_owned(), alaw: vec![0xd5; samples.len()].into(), ulaw: vec![0xff; samples.len()].into() }
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
