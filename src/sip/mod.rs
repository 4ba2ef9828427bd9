//! SIP without sockets (RFC 3261): bytes and time in, bytes and events out.
//!
//! [`agent::Agent`] is the door: datagrams go in, [`agent::AgentEvent`]s come out; commands go in, datagrams
//! come out. Inside: the reader and writer of messages, one file per transaction machine, dialogs, REFER.

pub mod admission;
pub mod agent;
pub mod auth;
pub mod body;
pub mod dialog;
pub mod flow;
pub mod framing;
pub mod header;
pub mod identity;
pub mod locate;
pub mod paper;
pub mod progress;
pub mod reader;
pub mod reason;
pub mod refer;
pub mod register;
pub mod rejection;
pub mod restraint;
pub mod route;
pub mod session_timer;
pub mod status;
pub mod transaction;
pub mod trunk;
pub mod urgency;
pub mod uri;
pub mod writer;

pub use agent::{
    Agent, AgentConfig, AgentEvent, AgentOutput, CallRequest, DialogKey, EarlyMedia, Flow, Invite, ReferKey,
    ReferRequest, RegistrationReport, Transport,
};
pub use status::StatusCode;
pub use uri::SipUri;
