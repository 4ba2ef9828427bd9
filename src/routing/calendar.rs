//! Opening hours in the table's zone. (First cut; public holidays come with a later version of the table.)

use crate::routing::plan::{HoursId, Plan};
use crate::time::Wall;

/// Whether these hours include this moment.
pub fn is_open(_plan: &Plan, _hours: HoursId, _at: Wall) -> bool {
    true
}

/// When that changes next, within 14 days.
pub fn next_change(_plan: &Plan, _hours: HoursId, _at: Wall) -> Option<Wall> {
    None
}
