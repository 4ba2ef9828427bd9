//! Our session refreshes (RFC 4028 §10): UPDATE where the peer allows it, else a re-INVITE with our description as it
//! is; and what their answers mean (RFC 3261 §12.2.1.2, §14.1).

use super::asking::{Answer, Purpose};
use super::receive::offer;
use super::{Agent, AgentEvent, AgentOutput, DialogKey};
use crate::limits::{SESSION_REFRESHES_422_MAX, SESSION_RETRY_UNSENT};
use crate::sip::dialog::{Dialog, State, contact};
use crate::sip::reader::Name;
use crate::sip::reason::Reason;
use crate::sip::session_timer::{Due, SessionTimer, Terms, seconds};
use crate::sip::status::StatusCode;
use crate::sip::writer::{ALLOW, write_supported};
use crate::time::{Duration, Instant};
use std::io::Write;

impl Agent {
    /// A session timer's time has come.
    pub(super) fn wake_session(&mut self, now: Instant, key: DialogKey, due: Due, out: &mut Vec<AgentOutput>) {
        match due {
            Due::Nothing => {}
            Due::Refresh => self.refresh_session(now, key, out),
            Due::Expired => self.lose(now, key, Some(Reason::q850(102)), AgentEvent::Expired { dialog: key }, out),
        }
    }

    /// The dialog ends by our BYE and its owner learns why.
    fn lose(
        &mut self,
        now: Instant,
        key: DialogKey,
        reason: Option<Reason>,
        event: AgentEvent,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let State::Live { open, bye, .. } = &mut dialog.state else { return };
        let (open, wanted) = (open.take(), bye.is_some());
        if let Some(open) = open {
            self.refuse_open(now, &open, StatusCode::TERMINATED, b"", out);
        }
        self.send_bye(now, key, reason, out);
        if !wanted {
            out.push(AgentOutput::Event(event));
        }
    }

    fn refresh_session(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        let wait = Duration::from_millis(1000 + self.random.below(1000));
        let shortest = self.config.session.shortest;
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let Some(timer) = &mut dialog.timer else { return };
        let quiet = matches!(dialog.state, State::Live { open: None, success: None, bye: None });
        if !quiet || dialog.refreshing.is_some() {
            // One offer at a time; an UPDATE could overtake the ACK too.
            return timer.again(now, wait);
        }
        // Our description repeats our key of SRTP: it goes by the way that may show it, or not at all, and the session runs out.
        let shows_keys = !dialog.updates
            && memchr::memmem::find(&dialog.described, b"a=crypto:").is_some()
            && !self.config.peers.srtp(dialog.trunk, dialog.next.transport).1;
        if shows_keys {
            return timer.again(now, wait);
        }
        let mut lines = Vec::with_capacity(160);
        let least = shortest.max(dialog.least_interval);
        write!(lines, "Session-Expires: {};refresher=uac\r\nMin-SE: {}\r\n", timer.interval.as_secs(), least.as_secs())
            .expect("a Vec takes every write");
        write_supported(&mut lines);
        lines.extend_from_slice(ALLOW);
        let reinvite = !dialog.updates;
        let (body, purpose) = match reinvite {
            false => (Vec::new(), Purpose::Update(key)),
            true => (dialog.described.clone(), Purpose::Reinvite(key)),
        };
        let (transaction, _) = self.send_request(now, key, &lines, &body, purpose, out);
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.refreshing = Some((transaction, reinvite));
        }
    }

    /// Our refresh was answered: a re-INVITE, or an UPDATE.
    pub(super) fn refreshed(
        &mut self,
        now: Instant,
        key: DialogKey,
        reinvite: bool,
        status: StatusCode,
        answer: Answer<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let drawn = self.random.below(201);
        let answer_public = self.config.answers_public();
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.refreshing = None;
        let Some(timer) = &mut dialog.timer else { return };
        match (status.code(), answer) {
            (200..300, Answer::Reply(reply)) => {
                dialog.refused_422 = 0;
                dialog.timer = Some(SessionTimer::new(now, Terms::of_response(reply, timer.interval)));
                let moved = dialog.refresh(None, contact(reply), answer_public);
                if moved {
                    self.moved(now, key, out);
                }
                if reinvite {
                    out.push(AgentOutput::Event(AgentEvent::Refreshed { dialog: key, body: offer(reply) }));
                }
            }
            (422, Answer::Reply(reply)) if dialog.refused_422 < SESSION_REFRESHES_422_MAX => {
                dialog.refused_422 += 1;
                let least = reply.value(Name::MinSe).and_then(seconds).unwrap_or_default();
                dialog.least_interval = dialog.least_interval.max(least);
                timer.interval = timer.interval.max(least);
                timer.again(now, Duration::ZERO);
            }
            // Whoever made the Call-ID waits longer (RFC 3261 §14.1).
            (491, _) => timer.again(
                now,
                match dialog.placed_to {
                    None => Duration::from_millis(10 * drawn),
                    Some(_) => Duration::from_millis(2_100 + 10 * drawn.min(190)),
                },
            ),
            (408 | 481, _) => return self.lose(now, key, None, AgentEvent::Lost { dialog: key }, out),
            (405 | 501, _) if !reinvite => {
                dialog.updates = false;
                timer.again(now, Duration::ZERO);
            }
            // It never left, or its connection broke: not the peer's word, so the next may go well at once.
            (_, Answer::Nothing) => timer.again(now, SESSION_RETRY_UNSENT),
            _ => timer.later(now),
        }
        self.schedule_dialog(key);
    }

    /// A dialog that ends waits for no refresh any more.
    pub(super) fn leave_refresh(&mut self, now: Instant, key: DialogKey) {
        let refreshing = self.dialogs.get_mut(&key).and_then(Dialog::take_refresh);
        if let Some(request) = refreshing {
            self.conclude(now, request);
            self.settle(now, request);
        }
    }
}
