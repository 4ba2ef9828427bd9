//! ivr1357: the IVR and call-routing engine of 1357, Korea's call centre for small firms.
//!
//! # The map
//!
//! Imports point one way: bytes, messages, calls, engine, shell. `tests/project/tidy.rs` holds the table.
//!
//! * [`time`], [`number`], [`random`], [`limits`]: time and chance as arguments, keys and masked callers, every bound
//!   with its reason.
//! * [`sip`]: a user agent without sockets. Reads and writes messages, runs transactions and dialogs, answers by itself what
//!   needs no decision; its door is [`sip::Agent`].
//! * [`sdp`]: session descriptions as telephones really write them; offer and answer as functions.
//! * [`media`]: one leg's sound. Prompts encoded once and shared, key presses told from RTP events.
//! * [`hearing`]: captures and recordings of calls, scored against the prompts that should have been heard.
//! * [`leg`]: a dialog with its offers, answers and stream.
//! * [`speech`]: the words and their sound: the prompt catalogue, particles, numerals, pronunciation.
//! * [`routing`]: `routing.toml` as written, every mistake in it at once, and the [`routing::Plan`] it means.
//! * [`call`]: what a call is about: menus, announcements, the ladder of transfers, the record.
//! * [`proof`]: every way through a table, walked with the call's own machine; what is promised to callers holds on all.
//! * [`chart`]: the linkage flow chart of a table, for print and for other tools.
//! * [`engine`]: owns the agent, the calls and the streams; turns inputs into outputs and decides nothing.
//! * [`sim`]: the engine in simulated time, against callers and centres that share no code with it, watched by an oracle.
//! * [`shell`]: the engine on sockets, files and clocks; the only place that has them.
//! * [`cli`]: the subcommands.
//!
//! # The way of a call
//!
//! A datagram and the time enter as [`engine::Input::Received`]. The agent answers 100 and tells of the INVITE; the engine asks
//! for a socket ([`engine::Output::OpenStream`]) and for the start of the record on disk ([`engine::Output::Journal`]), and
//! when both have been answered the 200 leaves. The ACK starts the [`call::Session`], which says what is played; keys come
//! back as [`media::Event::Key`] and lead through the menus of the plan. A centre is reached by REFER; its NOTIFYs decide
//! whether our BYE follows or the next rung of the ladder. The end of the session is the one line of its record.

pub mod call;
pub mod chart;
pub mod cli;
pub mod engine;
pub mod hearing;
pub mod leg;
pub mod limits;
pub mod media;
pub mod number;
pub mod proof;
pub mod random;
pub mod routing;
pub mod sdp;
pub mod shell;
pub mod sim;
pub mod sip;
pub mod speech;
pub mod time;
