//! Words to frames: the prompt catalogue, particles, numerals, and the clips behind the words.

pub mod catalogue;

pub use catalogue::Catalogue;
