//! How the registrations of trunks stand, for those who watch.

use super::{Engine, Registration};
use crate::sip::register::Standing;
use crate::sip::{RegistrationReport, StatusCode};
use crate::time::Now;

impl Engine {
    /// How the registrations stand, in the order of the settings.
    pub fn registrations(&self, now: Now) -> Vec<Registration> {
        let told = |report: RegistrationReport| Registration {
            trunk: report.trunk,
            until: match report.standing {
                Standing::Registered(until) => Some(until),
                Standing::Unregistered => None,
            },
            status: report.last.map(StatusCode::code),
        };
        self.agent.registrations(now).into_iter().map(told).collect()
    }

    /// Whether [`Engine::registrations`] says something else than when this was last asked.
    pub fn registrations_changed(&mut self) -> bool {
        self.agent.registrations_changed()
    }
}
