//! What is heard of one sender: its packets as they come, understood ([`Decoder`]), put back in order ([`Jitter`]) and taken at our own pace.

use super::codec::Decoder;
use super::jitter::Jitter;
use crate::sdp::Codec;
use crate::time::Duration;

/// Sound on its way from packets to samples.
pub struct Ear {
    decoder: Decoder,
    pub(super) jitter: Jitter,
    /// Of one packet.
    samples: Vec<i16>,
}

impl Ear {
    /// One in which sound waits so long for what was sent before it, and what is missing is hidden.
    pub fn new(delay: Duration) -> Self {
        Self { decoder: Decoder::default(), jitter: Jitter::new(delay).concealing(), samples: Vec::with_capacity(480) }
    }

    /// A packet, with its source and its time stamp.
    pub fn hear(&mut self, codec: Codec, (ssrc, timestamp): (u32, u32), payload: &[u8]) {
        self.samples.clear();
        if let Some(begins) = self.decoder.hear(codec, (ssrc, timestamp), payload, &mut self.samples) {
            self.jitter.put(ssrc, codec.clock(), begins, &self.samples);
        }
    }

    /// As many samples as have gone by.
    pub fn take(&mut self, samples: &mut [i16]) {
        self.jitter.take(samples);
    }

    /// Nothing of what has come is to be heard.
    pub fn clear(&mut self) {
        self.jitter.clear();
    }
}
