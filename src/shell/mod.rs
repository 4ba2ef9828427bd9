//! The first shell: the only place with sockets, files and clocks.

// Clocks, sleeps and chance live here and nowhere else (clippy.toml).
#![allow(clippy::disallowed_methods)]

pub mod clock;
pub mod media;
