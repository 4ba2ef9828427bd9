//! The program as its users start it, on real sockets, beside real processes.

#![allow(clippy::disallowed_methods)] // Real sockets need real time.

#[path = "../common/capture.rs"]
mod capture;
#[path = "../common/certificates.rs"]
mod certificates;
mod engine;
mod heard;
mod line;
#[path = "../common/patient.rs"]
mod patient;
mod phone;

mod bridge;
mod bridged_serve;
mod connections;
mod flood;
mod messages_kept;
mod opus;
mod publish;
mod registrations;
mod serve;
mod sipp_caller;
mod softphone;
mod srtp;
mod tls;
