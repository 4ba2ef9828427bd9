//! ivr1357: the IVR and call-routing engine of 1357. (The map follows as the modules land.)

pub mod call;
pub mod cli;
pub mod engine;
pub mod leg;
pub mod limits;
pub mod media;
pub mod number;
pub mod random;
pub mod routing;
pub mod sdp;
pub mod shell;
pub mod sim;
pub mod sip;
pub mod speech;
pub mod time;
