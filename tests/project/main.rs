//! The project itself: its modules import one way, and its documents claim what tests show.

mod conformance;
mod readme;
mod tidy;
