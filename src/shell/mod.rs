//! The first shell: the only place with sockets, files and clocks.
pub mod prompts;
