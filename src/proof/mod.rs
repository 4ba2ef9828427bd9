//! What a table does to callers, shown by walking every way through it.
//!
//! [`explore()`] drives [`crate::call::Session`] itself over every state a call can be in (states, not paths: a thousand ways to
//! one place are one place), [`promise`] holds what was found against the promises to callers and the `[prove]` rules of the table,
//! [`diff`] walks two tables in step, and [`way`] tells a way through the table as keys to press and as a script for `ivr1357 try`.
//! [`cases`] runs the `[[test]]` rows with a [`caller`] in time.
//! Nothing here knows SIP or sound, and nothing here decides what a call does.

pub mod caller;
pub mod cases;
pub mod circumstance;
pub mod diff;
pub mod explore;
pub mod line;
pub mod promise;
pub mod replay;
pub mod way;

pub use circumstance::Circumstance;
pub use explore::{Graph, explore};
pub use line::{Line, Step};
pub use promise::{Broken, Promise, prove};
