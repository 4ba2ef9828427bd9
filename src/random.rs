//! Chance as an argument: one seeded generator per engine, and a second one for keys.
//!
//! Tags, branches and call keys must not be guessable from outside (RFC 3261 §19.3), so the generator is
//! ChaCha; the shell seeds it from the operating system, the simulator from its seed.

use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use rand_core::{Rng, SeedableRng};
use std::fmt;

/// A seeded, cryptographically strong generator. The same seed gives the same trace.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

/// What only its owner may know: the keys of SRTP. All twenty rounds of ChaCha, and a seed of its own: whoever sees
/// our tags and branches sees nothing that came from here.
pub struct Secrets(ChaCha20Rng);

impl Secrets {
    /// From 32 bytes of the operating system's randomness, which nothing else is made from.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// From a small number, for simulations and tests.
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// Bytes that nobody can guess.
    pub fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Random {
    /// From 32 bytes of the operating system's randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// From a small number, for simulations and tests.
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, evenly spread; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // 64 random bits over a 64-bit bound: the bias is below one in 2^32 for every bound in use.
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with probability `share` (0.0 to 1.0).
    pub fn chance(&mut self, share: f64) -> bool {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64 <= share && share > 0.0
    }

    /// `length` random characters of `[0-9a-v]`, five bits each: a tag, a branch, a Call-ID.
    pub fn token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut bits = 0u64;
        (0..length)
            .map(|index| {
                if index % 12 == 0 {
                    bits = self.u64();
                }
                let character = ALPHABET[(bits & 31) as usize];
                bits >>= 5;
                char::from(character)
            })
            .collect()
    }
}
