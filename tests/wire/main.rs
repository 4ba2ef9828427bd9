//! Bytes from the network: what they are read as, what we write, and that none of them does harm.

#[path = "../common/capture.rs"]
mod capture;

mod corpus;
mod hearing;
mod hearing_files;
mod sip_fuzz;
mod sip_written;
mod talk_off;
mod torture;
