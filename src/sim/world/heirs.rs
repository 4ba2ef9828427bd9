//! Another telephone that takes a call over (RFC 3891): the caller picks up elsewhere, or an exchange moves the call.

use super::World;
use crate::sim::caller::{Action, Manner, Step};
use crate::time::Duration;

impl World {
    /// One of those who talk now has an heir.
    pub(super) fn inherit(&mut self) {
        let talking: Vec<(String, String)> =
            self.phones.iter().filter_map(|phone| Some((phone.heirloom()?, phone.manner().dials.clone()))).collect();
        if talking.is_empty() {
            return;
        }
        let heard_of = self.random.below(talking.len() as u64) as usize;
        let Some((replaces, dials)) = talking.get(heard_of).cloned() else { return };
        let mut manner = Manner::plain(&dials);
        manner.replaces = Some(replaces);
        manner.patience = Duration::from_secs(20 + self.random.below(200));
        for _ in 0..self.random.below(3) {
            let after = Duration::from_millis(200 + self.random.below(9_000));
            let key = ['1', '2', '3', '0', '#', '*'][self.random.below(6) as usize];
            manner.steps.push(Step { after, action: Action::Key(key) });
        }
        self.add_caller(manner, self.now);
    }
}
