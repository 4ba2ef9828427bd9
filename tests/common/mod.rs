//! What tests share. Each of them uses a part.

#![allow(dead_code)]

pub mod bench;
pub mod capture;
pub mod certificates;
pub mod engine;
pub mod flow;
pub mod line;
pub mod phone;
pub mod tables;
