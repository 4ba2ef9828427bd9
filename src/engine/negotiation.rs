//! From what the peer offers or answers inside the dialog of a call to what its leg makes of it.

use super::{Engine, Output};
use crate::call::Event;
use crate::sdp::Refusal;
use crate::sip::rejection::Rejection;
use crate::sip::{DialogKey, StatusCode};
use crate::time::Now;
use tracing::info;

impl Engine {
    pub(super) fn acknowledged(
        &mut self,
        now: Now,
        dialog: DialogKey,
        body: Option<Vec<u8>>,
        first: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(&call) = self.dialogs.get(&dialog) else { return };
        let Some(entry) = self.calls.get_mut(&call) else { return };
        match entry.leg.acknowledged(body) {
            Ok(command) => {
                let (stream, held) = (entry.leg.stream, entry.leg.is_held());
                out.extend(command.map(|command| Output::Media { stream, command }));
                if first {
                    self.session(now, call, Event::Connected, out);
                }
                self.session(now, call, Event::Held(held), out);
            }
            Err(Refusal(why)) => {
                info!(%call, why, "answer refused");
                // In a re-INVITE the session goes on as it was (RFC 3261 §14.1).
                if first {
                    self.session(now, call, Event::Unusable, out);
                }
            }
        }
    }

    /// The caller has our 183, and answers the offer in it if it was one.
    pub(super) fn pracked(&mut self, now: Now, dialog: DialogKey, body: Option<Vec<u8>>, out: &mut Vec<Output>) {
        let Some(&call) = self.dialogs.get(&dialog) else { return };
        let Some(entry) = self.calls.get_mut(&call) else { return };
        match entry.leg.acknowledged(body) {
            Ok(command) => {
                let stream = entry.leg.stream;
                out.extend(command.map(|command| Output::Media { stream, command }));
                self.session(now, call, Event::Progressed, out);
            }
            Err(Refusal(why)) => {
                info!(%call, why, "answer refused");
                self.refuse(now, call, Rejection::of_offer(why), out);
            }
        }
    }

    /// The answer to our own description, which a session refresh repeated.
    pub(super) fn refreshed(&mut self, now: Now, dialog: DialogKey, body: Option<Vec<u8>>, out: &mut Vec<Output>) {
        let Some(&call) = self.dialogs.get(&dialog) else { return };
        let Some(entry) = self.calls.get_mut(&call) else { return };
        match entry.leg.refreshed(body) {
            Ok(command) => {
                let (stream, held) = (entry.leg.stream, entry.leg.is_held());
                out.extend(command.map(|command| Output::Media { stream, command }));
                self.session(now, call, Event::Held(held), out);
            }
            // The session goes on as it was.
            Err(Refusal(why)) => info!(%call, why, "answer to a refresh not understood"),
        }
    }

    pub(super) fn reinvited(&mut self, now: Now, dialog: DialogKey, offer: Option<Vec<u8>>, out: &mut Vec<Output>) {
        let call = self.dialogs.get(&dialog).copied();
        let Some((call, entry)) = call.and_then(|call| Some((call, self.calls.get_mut(&call)?))) else {
            return self.agent(now, out, |agent, to| agent.reject_reinvite(now, dialog, StatusCode::NO_DIALOG, to));
        };
        match entry.leg.reoffered(offer, self.agent.hides_reoffer(dialog), &mut self.secrets) {
            Ok((sdp, command)) => {
                let (stream, held) = (entry.leg.stream, entry.leg.is_held());
                out.extend(command.map(|command| Output::Media { stream, command }));
                self.agent(now, out, |agent, to| agent.answer_reinvite(now, dialog, sdp, to));
                self.session(now, call, Event::Held(held), out);
            }
            Err(Refusal(why)) => {
                info!(%call, why, "re-offer refused");
                self.agent(now, out, |agent, to| agent.reject_reinvite(now, dialog, Rejection::of_offer(why), to));
            }
        }
    }
}
