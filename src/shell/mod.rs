//! The first shell: the only place with sockets, files and clocks.
//!
//! ```text
//! main thread     settings, start-up, signals                                         serve
//! engine thread   UDP sockets, the engine, every decision                             engine_thread, listen, inbox
//! tcp thread      connections and TLS, on a tokio runtime of their own                tcp, tls
//! names thread    questions to the name system                                        resolver
//! media threads   RTP sockets, one 20 ms tick for many streams                        media
//! journal thread  one write and one sync for every start that waits                   journal
//! ```
//!
//! An [`instance`] is one engine with all its threads; `serve --stand-ins` and `demo` run two of them.

// Clocks, sleeps and chance live here and nowhere else (clippy.toml).
#![allow(clippy::disallowed_methods)]

mod alarm;
pub mod clock;
pub mod control;
pub mod demo;
pub mod engine_thread;
pub mod inbox;
pub mod instance;
mod intake;
pub mod journal;
mod lasting;
pub mod listen;
pub mod live;
pub mod local;
pub mod log;
pub mod media;
pub mod parallel;
pub mod prompts;
pub mod publish;
pub mod reason;
pub mod recorder;
pub mod resolver;
pub mod serve;
pub mod settings;
pub mod switches;
pub mod table;
pub mod tcp;
pub mod tls;
pub mod versions;

#[cfg(test)]
#[path = "../../tests/common/certificates.rs"]
mod certificates;
#[cfg(test)]
#[path = "../../tests/common/patient.rs"]
mod patient;
