//! Session timers (RFC 4028) as telephones have them: who refreshes, and how a refresh of the other side is met.

use super::manner::{RefreshAnswer, TimerForm};
use super::text::Message;
use super::{Packet, Phone, Purpose, Stage, Task};
use crate::time::{Duration, Instant};

impl Phone {
    /// The header lines of an INVITE.
    pub(super) fn timer_lines(&self) -> String {
        let Some(form) = self.manner.timer else { return String::new() };
        let allow = if form.updates { "Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, UPDATE\r\n" } else { "" };
        let refresher = form.refresher.map(|side| format!(";refresher={side}")).unwrap_or_default();
        format!("Supported: timer\r\nSession-Expires: {}{refresher}\r\n{allow}", form.interval)
    }

    /// What the 2xx to our INVITE, or to our refresh, agrees on.
    pub(super) fn learn_timer(&mut self, now: Instant, message: &Message<'_>) {
        let (Some(form), Some(value)) = (self.manner.timer, message.get("Session-Expires")) else { return };
        let interval = value.split(';').next().and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(1800);
        self.agenda.retain(|(_, task)| !matches!(task, Task::Refresh | Task::Expire));
        if value.contains("refresher=uac") {
            if form.keeps {
                self.agenda.push((now + Duration::from_secs(interval / 2), Task::Refresh));
            } else {
                self.story.deserted = true;
            }
        } else {
            self.await_refresh(now, interval);
        }
    }

    /// Without a refresh the session is over for us as well (§10), a moment before the engine sees it so.
    fn await_refresh(&mut self, now: Instant, interval: u64) {
        let before = (interval / 3).min(32) + 1;
        self.agenda.retain(|(_, task)| !matches!(task, Task::Expire));
        self.agenda.push((now + Duration::from_secs(interval.saturating_sub(before)), Task::Expire));
    }

    /// No refresh came: we give the call up.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Packet>) {
        if self.stage == Stage::Talking {
            self.story.deserted = true;
            self.hang_up(now, out);
        }
    }

    /// Our turn.
    pub(super) fn refresh(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let Some(form) = self.manner.timer.filter(|_| self.stage == Stage::Talking) else { return };
        if self.is_offering() {
            self.agenda.push((now + Duration::from_secs(2), Task::Refresh));
            return;
        }
        let more = format!("Supported: timer\r\nSession-Expires: {};refresher=uac\r\n", form.interval);
        if form.updates {
            return self.inside(now, Purpose::Refresh, "UPDATE", &more, "", out);
        }
        let body = self.description(self.held);
        self.inside(now, Purpose::Reinvite { hold: self.held }, "INVITE", &more, &body, out);
    }

    /// INVITE or UPDATE of the other side inside the call; `None` when it meets silence.
    pub(super) fn reoffered(&mut self, now: Instant, message: &Message<'_>, out: &mut Vec<Packet>) -> Option<Vec<u8>> {
        let form = self.manner.timer.unwrap_or_default();
        let offers = message.method() == Some("INVITE") || !message.body.is_empty();
        let crosses = matches!(form.answers, RefreshAnswer::Crosses) && offers;
        if crosses && !self.crossed && !self.is_offering() {
            self.crossed = true;
            self.reinvite(now, self.held, out);
        }
        if offers && self.is_offering() {
            return Some(message.answer(491, "Request Pending", &self.tag, "", ""));
        }
        match form.answers {
            RefreshAnswer::Never => {
                self.story.deserted = true;
                return None;
            }
            RefreshAnswer::Gone => {
                self.story.deserted = true;
                return Some(message.answer(481, "No Such Call", &self.tag, "", ""));
            }
            RefreshAnswer::TooBrief if !self.crossed => {
                self.crossed = true;
                let more = format!("Min-SE: {}\r\n", form.interval + 60);
                return Some(message.answer(422, "Session Interval Too Small", &self.tag, &more, ""));
            }
            RefreshAnswer::NotKnown if message.method() == Some("UPDATE") => {
                return Some(message.answer(405, "Method Not Allowed", &self.tag, "Allow: INVITE, ACK, BYE\r\n", ""));
            }
            RefreshAnswer::Right
            | RefreshAnswer::LosesFirst
            | RefreshAnswer::Crosses
            | RefreshAnswer::TooBrief
            | RefreshAnswer::NotKnown => {}
        }
        let mut more = format!("Contact: {}\r\n", self.contact());
        if let (Some(_), Some(interval)) = (self.manner.timer, message.get("Session-Expires")) {
            more.push_str(&format!("Require: timer\r\nSession-Expires: {interval}\r\n"));
            let seconds = interval.split(';').next().and_then(|seconds| seconds.trim().parse().ok());
            self.await_refresh(now, seconds.unwrap_or(1800));
        }
        let body = if offers { self.description(self.held) } else { String::new() };
        if offers {
            more.push_str("Content-Type: application/sdp\r\n");
        }
        let bytes = message.answer(200, "OK", &self.tag, &more, &body);
        if form.answers == RefreshAnswer::LosesFirst && !self.crossed && self.manner.tcp.is_none() {
            // It is on record as answered, and leaves when the request comes again.
            self.crossed = true;
            let (Some(method), Some((cseq, _))) = (message.method(), message.cseq()) else { return None };
            self.answered.push((format!("{cseq} {method} {}", message.branch()), bytes));
            return None;
        }
        Some(bytes)
    }
}

impl Default for TimerForm {
    /// A telephone without timers still answers re-INVITEs.
    fn default() -> Self {
        Self { interval: 1800, refresher: None, updates: true, keeps: true, answers: RefreshAnswer::Right }
    }
}
