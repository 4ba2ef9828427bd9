//! The second shell: the whole engine in simulated time.

pub mod backend;
pub mod caller;
pub mod network;
