//! A call that another dialog takes over (RFC 3891): the new leg is answered before the old one is hung up, and what does
//! not fit leaves the call where it is.

use super::far::Far;
use super::{Engine, Output, Stage};
use crate::call::{CallKey, Event};
use crate::leg::Leg;
use crate::media::StreamKey;
use crate::number::Caller;
use crate::sdp::Refusal;
use crate::sip::rejection::Rejection;
use crate::sip::{DialogKey, Invite, StatusCode};
use crate::time::Now;
use tracing::info;

/// Who takes a call over, while the socket is opened.
pub(super) struct Successor {
    pub(super) leg: Leg,
    caller: Caller,
}

impl Engine {
    /// An INVITE that takes the place of one of our dialogs: the call goes on, on a leg of its own.
    pub(super) fn succeeded(&mut self, now: Now, invite: Invite, old: DialogKey, out: &mut Vec<Output>) {
        let dialog = invite.dialog;
        let call = self.dialogs.get(&old).copied();
        let entry = call.and_then(|call| Some((call, self.calls.get(&call)?)));
        let Some((call, entry)) =
            entry.filter(|(_, entry)| entry.stage == Stage::Answered && entry.successor.is_none())
        else {
            return self.agent(now, out, |agent, to| agent.reject(now, dialog, StatusCode::NO_DIALOG, to));
        };
        // Only the caller's place may be taken: that of a centre would leave the caller alone.
        if entry.leg.dialog != old {
            info!(%call, "somebody asked for the place of a centre");
            return self.agent(now, out, |agent, to| agent.reject(now, dialog, StatusCode::DECLINE, to));
        }
        let stream = StreamKey(self.next_stream);
        self.next_stream += 1;
        let local = invite.flow.local.ip();
        let (codecs, beside) = (entry.edition.codecs, entry.far.as_ref().map(Far::stream));
        let caller = invite.identity.caller.clone();
        let leg = self.leg(now, invite, stream, codecs);
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.successor = Some(Successor { leg, caller });
        }
        self.streams.insert(stream, call);
        out.push(Output::OpenStream { stream, local, beside });
    }

    /// The socket of the new leg is open: its 200, our BYE to the old one, and the caller hears the menu again. What
    /// does not fit is refused, and the call stays where it is.
    pub(super) fn take_over(
        &mut self,
        now: Now,
        call: CallKey,
        Successor { mut leg, caller }: Successor,
        port: Option<u16>,
        out: &mut Vec<Output>,
    ) {
        let dialog = leg.dialog;
        // The caller it is taken from may have hung up while the socket was opened.
        let lives = self.calls.get(&call).is_some_and(|entry| entry.stage == Stage::Answered);
        let fits = match port {
            // Its caller may have gone meanwhile.
            Some(port) if self.agent.waits(dialog) && lives => leg.opened(port).map_err(|Refusal(why)| {
                info!(%call, why, "offer refused");
                Some(why)
            }),
            Some(_) | None => Err(None),
        };
        let Some(entry) = self.calls.get_mut(&call) else { return };
        if let Err(why) = fits {
            match port {
                Some(_) => self.close(leg.stream, out),
                None => drop(self.streams.remove(&leg.stream)),
            }
            let rejection = why.map_or(StatusCode::UNAVAILABLE.into(), Rejection::of_offer);
            return self.agent(now, out, |agent, to| agent.reject(now, dialog, rejection, to));
        }
        info!(%call, "call taken over by another dialog");
        let (stream, sdp, command) = (leg.stream, leg.description(), leg.configuration());
        let old = std::mem::replace(&mut entry.leg, leg);
        entry.refers.clear();
        self.dialogs.remove(&old.dialog);
        self.dialogs.insert(dialog, call);
        self.close(old.stream, out);
        out.extend(command.map(|command| Output::Media { stream, command }));
        self.agent(now, out, |agent, to| agent.answer(now, dialog, sdp, to));
        self.moved(dialog, out);
        self.agent(now, out, |agent, to| agent.bye(now, old.dialog, None, to));
        self.session(now, call, Event::Replaced(caller), out);
    }
}
