//! `routing.toml`: the file as written, with spans -> every mistake at once -> the plan calls follow.
//!
//! [`check::check`] is the only way to a [`plan::Plan`]: a table that does not check never reaches the engine.

pub mod accepts;
pub mod bundle;
pub mod calendar;
pub mod check;
pub mod diagnostic;
pub mod explain;
mod file;
pub mod heard;
pub mod online;
pub mod opening;
pub mod ourselves;
pub mod pattern;
pub mod plan;
pub mod published;
pub mod resolved;
pub mod rules;
pub mod schema;
pub mod select;
pub mod slots;
pub mod stand_in;
pub mod switch;
pub mod test_row;
pub mod ways;

pub use check::{Checked, check, check_bytes, check_heard, check_without_sound};
pub use diagnostic::{Diagnostic, Language, Severity};
pub use heard::Heard;
pub use plan::Plan;
pub use published::check_published;
