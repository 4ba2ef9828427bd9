//! Which row leads to which: what is pressed, what follows silence, where a closed door sends on.

use crate::routing::plan::{Destination, Plan, Rung};
use std::collections::BTreeSet;

/// Every place a row leads to.
pub fn ways(plan: &Plan, from: Destination) -> Vec<Destination> {
    let closed = plan.doors(from).map(|(_, doors)| doors.closed);
    ways_inside(plan, from).into_iter().chain(closed).collect()
}

/// Every place that callers may come to from these, and these themselves.
pub fn reached(plan: &Plan, from: impl IntoIterator<Item = Destination>) -> BTreeSet<Destination> {
    let mut open: Vec<Destination> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(at) = open.pop() {
        if reached.insert(at) {
            open.extend(ways(plan, at));
        }
    }
    reached
}

/// Whether somebody may be served behind this place: more than announcements are there.
pub fn serves(plan: &Plan, at: Destination) -> bool {
    reached(plan, [at]).iter().any(|at| !matches!(at, Destination::Notice(_) | Destination::End))
}

fn ways_inside(plan: &Plan, from: Destination) -> Vec<Destination> {
    match from {
        Destination::Menu(id) => plan.menus.get(id.0).map_or_else(Vec::new, |menu| {
            menu.choices.values().copied().chain([menu.no_input.then, menu.no_match.then]).collect()
        }),
        Destination::Input(id) => plan.inputs.get(id.0).map_or_else(Vec::new, |input| {
            vec![input.then, input.no_input.then, input.no_match.then, input.star, input.hash]
        }),
        Destination::Center(id) => plan.centers.get(id.0).map_or_else(Vec::new, |center| {
            let rungs = center.transfer.ladder.iter().filter_map(|rung| match rung {
                Rung::Center(id) => Some(Destination::Center(*id)),
                Rung::Notice(id) => Some(Destination::Notice(*id)),
                Rung::Refer | Rung::NextTarget | Rung::Bridge => None,
            });
            rungs.chain([Destination::Notice(center.transfer.give_up)]).chain(center.closed).collect()
        }),
        Destination::Notice(id) => plan.notices.get(id.0).map_or_else(Vec::new, |notice| vec![notice.then]),
        Destination::Message(id) => {
            plan.messages.get(id.0).map_or_else(Vec::new, |message| vec![message.then, message.otherwise])
        }
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => Vec::new(),
    }
}
