//! What a caller notices, kept for those who follow one call.

use super::World;
use crate::sim::caller::text;
use crate::sim::setup::Moment;

impl World {
    pub(super) fn notice_sent(&mut self, bytes: &[u8]) {
        let Some(message) = text::Message::read(bytes) else { return };
        if message.method() == Some("REFER") {
            let target = text::destination(text::address(message.get("Refer-To").unwrap_or(""))).to_owned();
            let repeated = self.moments().last().is_some_and(|(_, last)| *last == Moment::Refers(target.clone()));
            if !repeated {
                self.moment(|| Moment::Refers(target));
            }
        }
        let answered = message.status().is_some_and(|status| (200..300).contains(&status));
        if answered && message.cseq().is_some_and(|(number, method)| (number, method) == (1, "INVITE")) {
            let known = self.moments().iter().any(|(_, moment)| *moment == Moment::Connects);
            if !known {
                self.moment(|| Moment::Connects);
            }
        }
    }

    pub(super) fn notice_delivered(&mut self, bytes: &[u8]) {
        let Some(message) = text::Message::read(bytes) else { return };
        let status = match (message.method(), message.cseq()) {
            (Some("NOTIFY"), _) => text::fragment_status(message.body),
            (None, Some((_, "REFER"))) => message.status(),
            _ => None,
        };
        if let Some(status) = status.filter(|status| *status >= 300) {
            self.moment(|| Moment::Fails(status));
        }
    }

    pub(super) fn moment(&mut self, moment: impl FnOnce() -> Moment) {
        if let Some(moments) = &mut self.moments {
            moments.push((self.now, moment()));
        }
    }
}
