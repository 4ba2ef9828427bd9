//! Calls through the engine without sockets: scripted, simulated, and what is kept of them.

mod bench;
mod flow;
mod sim_table;
#[path = "../common/tables.rs"]
mod tables;

mod bridged_calls;
mod call_flows;
mod called_side;
mod edition;
mod engine_panic;
mod hanging_disk;
mod journal;
mod last_words;
mod message_flows;
mod post_dial;
mod recordings;
mod sim_flows;
mod sim_swarm;
mod transfer_flows;
