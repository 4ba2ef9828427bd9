//! What a table allows and asks for, read with simple means of its own.

use super::tape::TapeLaw;
use crate::routing::Plan;
use crate::routing::plan::Success;
use crate::sim::caller::text;
use crate::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// What the table allows and asks for.
#[derive(Clone, Debug)]
pub struct Law {
    /// Where a REFER may lead, without scheme, parameters and headers.
    pub(super) targets: BTreeSet<String>,
    /// Targets whose centre counts as reached when the REFER is accepted.
    pub(super) accepted: BTreeSet<String>,
    /// Each target with what is pressed for it before anybody talks to it.
    pub(super) post_dial: BTreeSet<(String, String)>,
    /// Rows that are menus, and how long each may be silent.
    pub(super) menus: BTreeMap<String, Duration>,
    /// The longest a call may last.
    pub(super) call_max: Duration,
    /// What is recorded.
    pub(super) tapes: TapeLaw,
}

impl Law {
    /// The law of a table.
    pub fn of(plan: &Plan) -> Self {
        let mut law = Self {
            targets: BTreeSet::new(),
            accepted: BTreeSet::new(),
            post_dial: BTreeSet::new(),
            menus: BTreeMap::new(),
            call_max: plan.call_max,
            tapes: TapeLaw::of(plan),
        };
        for center in &plan.centers {
            for target in &center.targets {
                let target = text::destination(&target.to_string()).to_owned();
                if center.transfer.success == Success::Accepted {
                    law.accepted.insert(target.clone());
                }
                let keys = center.post_dial.iter().flat_map(|post_dial| post_dial.keys()).map(|key| key.as_char());
                law.post_dial.insert((target.clone(), keys.collect()));
                law.targets.insert(target);
            }
        }
        for input in &plan.inputs {
            law.menus.insert(input.row.to_string(), input.digit_timeout.max(input.interdigit));
        }
        for menu in &plan.menus {
            law.menus.insert(menu.row.to_string(), menu.digit_timeout.max(menu.interdigit));
        }
        law
    }

    /// The law of two tables, of which now one and now the other is live.
    pub fn and(mut self, other: Self) -> Self {
        self.targets.extend(other.targets);
        self.accepted.extend(other.accepted);
        self.post_dial.extend(other.post_dial);
        self.menus.extend(other.menus);
        self.tapes.extend(other.tapes);
        self
    }
}
