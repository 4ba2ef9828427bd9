//! Opus (RFC 6716), computed by libopus: one voice, 20 ms in a packet.
//!
//! Prompts are held in frames, so all of our packets have one, and of the one length that every peer takes (RFC 7587 §4.2). What peers send may
//! have several, of any length and of two channels. Built without `opus`, nothing here can be made, and nothing agrees on it.

use crate::limits::OPUS_FRAME_BYTES_MAX;
use crate::sdp::Manner;
use std::sync::OnceLock;

/// A frame of ours, in samples of 8 kHz.
pub const FRAME: usize = 160;
/// The longest packet of a peer: 120 ms (RFC 6716 §3.2.5).
const LONGEST: usize = 960;

/// How much is computed for a sound like that before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// For prompts, which are encoded once: all there is.
    Most,
    /// For what is said at this moment.
    Live,
}

/// A packet of silence, as it leaves in place of a prompt.
pub fn silence(manner: Manner) -> &'static [u8] {
    static PACKETS: [OnceLock<Box<[u8]>>; Manner::COUNT] = [const { OnceLock::new() }; Manner::COUNT];
    let encode = || {
        let mut packet = [0; OPUS_FRAME_BYTES_MAX];
        let mut encoder = Encoder::new(manner, Band::Narrow, Effort::Most)?;
        // The first tells of a beginning, the second says silence and leans on nothing that was said before.
        encoder.encode(&[0; FRAME], &mut packet);
        encoder.lean_on_nothing(true);
        let length = encoder.encode(&[0; FRAME], &mut packet);
        packet.get(..length).map(Box::from)
    };
    PACKETS.get(manner.place()).map_or(&[], |packet| packet.get_or_init(|| encode().unwrap_or_default()))
}

/// How long a packet sounds, in samples of 8 kHz (RFC 6716 §3.1, §3.2); `None`: it is none.
pub fn samples(packet: &[u8]) -> Option<usize> {
    let &toc = packet.first()?;
    let frame = match toc >> 3 {
        configuration @ 0..=11 => [80, 160, 320, 480].get(usize::from(configuration & 3)),
        configuration @ 12..=15 => [80, 160].get(usize::from(configuration & 1)),
        configuration => [20, 40, 80, 160].get(usize::from(configuration & 3)),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(packet.get(1)? & 0x3f),
    };
    frame.map(|frame| frame * frames).filter(|samples| (1..=LONGEST).contains(samples))
}

/// What a sound has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Band {
    /// 8,000 samples a second.
    Narrow,
    /// 16,000.
    Wide,
}

impl Band {
    /// Its samples to one of 8 kHz.
    pub const fn scale(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Wide => 2,
        }
    }
}

#[cfg(feature = "opus")]
pub use built::{Decoder, Encoder};
#[cfg(not(feature = "opus"))]
pub use left_out::{Decoder, Encoder};

#[cfg(feature = "opus")]
mod built {
    use super::{Band, Effort, LONGEST};
    use crate::sdp::Manner;
    use opus::{Application, Bitrate, Channels, Signal};

    /// An encoder of one voice.
    pub struct Encoder(opus::Encoder);

    impl Encoder {
        /// `None`: there is no memory.
        pub fn new(manner: Manner, band: Band, effort: Effort) -> Option<Self> {
            let rate = 8000 * band.scale() as u32;
            let mut encoder = opus::Encoder::new(rate, Channels::Mono, Application::Voip).ok()?;
            encoder.set_bitrate(Bitrate::Bits(manner.rate.bits() as i32)).ok()?;
            encoder.set_vbr(!manner.constant).ok()?;
            encoder.set_signal(Signal::Voice).ok()?;
            encoder.set_complexity(if effort == Effort::Most { 10 } else { 5 }).ok()?;
            Some(Self(encoder))
        }

        /// A packet of 20 ms; its length, 0 if there is none.
        pub fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> usize {
            self.0.encode(samples, packet).unwrap_or(0)
        }

        /// How many samples what is encoded lies behind.
        pub fn lookahead(&mut self) -> usize {
            self.0.get_lookahead().ok().and_then(|samples| usize::try_from(samples).ok()).unwrap_or(0)
        }

        /// Packets from here on can be understood by who did not hear the one before.
        pub fn lean_on_nothing(&mut self, alone: bool) {
            // It is a number that libopus knows.
            let _ = self.0.set_prediction_disabled(alone);
        }
    }

    /// A decoder to 8,000 samples a second.
    pub struct Decoder(opus::Decoder);

    impl Decoder {
        /// `None`: there is no memory.
        pub fn new() -> Option<Self> {
            opus::Decoder::new(8000, Channels::Mono).ok().map(Self)
        }

        /// Adds the samples of a packet; one that is none adds nothing.
        pub fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) {
            if !packet.is_empty() {
                self.add(packet, LONGEST, false, samples);
            }
        }

        /// Adds so many samples that were lost, by the error correction of the packet behind them where it has some, else by guess.
        pub fn conceal(&mut self, lost: usize, next: &[u8], samples: &mut Vec<i16>) {
            self.add(next, lost.min(LONGEST), true, samples);
        }

        fn add(&mut self, packet: &[u8], most: usize, correction: bool, samples: &mut Vec<i16>) {
            let before = samples.len();
            samples.resize(before + most, 0);
            let room = samples.get_mut(before..).unwrap_or_default();
            let added = self.0.decode(packet, room, correction).unwrap_or(0);
            samples.truncate(before + added.min(most));
        }
    }
}

#[cfg(not(feature = "opus"))]
mod left_out {
    use super::{Band, Effort};
    use crate::sdp::Manner;
    use std::convert::Infallible;

    /// There is none.
    pub struct Encoder(Infallible);

    impl Encoder {
        /// Never one.
        pub fn new(_: Manner, _: Band, _: Effort) -> Option<Self> {
            None
        }

        /// Never called.
        pub fn encode(&mut self, _: &[i16], _: &mut [u8]) -> usize {
            match self.0 {}
        }

        /// Never called.
        pub fn lookahead(&mut self) -> usize {
            match self.0 {}
        }

        /// Never called.
        pub fn lean_on_nothing(&mut self, _: bool) {
            match self.0 {}
        }
    }

    /// There is none.
    pub struct Decoder(Infallible);

    impl Decoder {
        /// Never one.
        pub fn new() -> Option<Self> {
            None
        }

        /// Never called.
        pub fn decode(&mut self, _: &[u8], _: &mut Vec<i16>) {
            match self.0 {}
        }

        /// Never called.
        pub fn conceal(&mut self, _: usize, _: &[u8], _: &mut Vec<i16>) {
            match self.0 {}
        }
    }
}

#[cfg(all(test, feature = "opus"))]
#[path = "opus_tests.rs"]
mod tests;
