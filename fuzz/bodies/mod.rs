//! What each fuzz target does with its bytes, and what must hold whatever they are.
//!
//! Called by libFuzzer through `fuzz_targets/` and, with the corpus that is kept, by `tests/wire/corpus.rs` on a stable compiler.
//! It calls the crate that ships, and no fuzzer's.

// Each target calls one of them.
#![allow(dead_code)]

pub mod agent;
pub mod auth;
pub mod bridge;
pub mod capture;
pub mod message;
pub mod rtp;
pub mod sdp;
pub mod srtp;
pub mod stream;
pub mod uri;

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("agent", agent::run),
    ("auth", auth::run),
    ("bridge", bridge::run),
    ("capture", capture::run),
    ("message", message::run),
    ("rtp", rtp::run),
    ("sdp", sdp::run),
    ("srtp", srtp::run),
    ("stream", stream::run),
    ("uri", uri::run),
];

/// Bytes as choices: whoever asks for more than is left gets zeros.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn number(&mut self) -> u16 {
        u16::from(self.byte()) << 8 | u16::from(self.byte())
    }

    /// The next bytes, or what is left of them.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
