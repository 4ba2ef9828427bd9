//! What tests on real sockets share. Each of them uses a part.

#![allow(dead_code)]

pub mod bench;
pub mod capture;
pub mod certificates;
pub mod engine;
pub mod line;
pub mod tables;
