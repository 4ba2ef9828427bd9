//! Those who are no callers: strangers, whoever makes noise, and the carrier we register with.

use super::{Oracle, plainly};
use crate::sim::caller::text::Message;
use crate::sip::trunk::Strangers;
use crate::time::Instant;

impl Oracle {
    /// Something leaves to a source that may not talk to us; `policy` is what such sources meet.
    pub fn told_stranger(&mut self, now: Instant, bytes: &[u8], policy: Option<Strangers>) {
        let refused = Message::read(bytes).is_some_and(|message| message.status() == Some(403));
        if policy != Some(Strangers::Forbidden) || !refused {
            let what = String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
            self.broken(now, "strangers", "", format!("{what} to a stranger"));
        }
    }

    /// Something leaves to whoever made noise, from a network that may talk to us.
    pub fn told_noise(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let Some(message) = Message::read(text.as_bytes()) else { return };
        self.noise.insert(plainly(message.call_id()));
        self.name_stream(&message);
    }

    /// Something leaves to the carrier: the only place where our credentials may go.
    pub fn to_carrier(&mut self, now: Instant, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else {
            return self.broken(now, "readable", "", String::from_utf8_lossy(bytes).into_owned());
        };
        if message.method() != Some("REGISTER") && message.status().is_none() {
            self.broken(now, "target of the settings", "", format!("{} to the carrier", message.first));
        }
    }

    /// The carrier's registrar saw something it should not.
    pub fn carrier_saw(&mut self, now: Instant, what: String) {
        self.broken(now, "credentials", "", what);
    }
}
