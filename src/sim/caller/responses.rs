//! What the engine answers to a caller: to the INVITE, to what changes the call, and to everything else.

use super::manner::HoldForm;
use super::text::Message;
use super::{End, Packet, Phone, Purpose, Request, Stage, Task};
use crate::time::{Duration, Instant};

impl Phone {
    pub(super) fn response(&mut self, now: Instant, message: &Message<'_>, out: &mut Vec<Packet>) {
        let (Some(status), Some((cseq, method))) = (message.status(), message.cseq()) else {
            return;
        };
        if message.call_id() == self.story.call_id
            && method == "INVITE"
            && (200..300).contains(&status)
            && let Some(ack) = self.acks.get(&cseq)
        {
            // The 200 repeats: its ACK was lost.
            self.acknowledge(ack.clone(), out);
            return;
        }
        if self.manner.merged && status == 482 && message.call_id() == self.story.call_id && method == "INVITE" {
            // One of the two ways was found to be one too many; the other decides.
            return self.acknowledge_refusal(message, out);
        }
        let same = |request: &Request| {
            request.cseq == cseq && request.method == method && request.call_id == message.call_id()
        };
        let Some(index) = self.requests.iter().position(same) else {
            // A final response that repeats has not seen its ACK.
            if method == "INVITE" && status >= 200 {
                if message.call_id() == self.story.call_id {
                    if status >= 300 {
                        self.acknowledge_refusal(message, out);
                    } else if !self.remote_tag.is_empty() {
                        // A re-INVITE that was forgotten when its caller hung up.
                        let ack = self.request("ACK", cseq, &format!("z9hG4bKa{cseq}"), "", "");
                        self.acks.insert(cseq, ack.clone());
                        out.push(self.post(self.server, ack));
                        if cseq == self.invite_cseq && self.stage == Stage::Over {
                            // The connection broke and we took the call for failed (RFC 3261 §13.2.2.4: ACK, then BYE).
                            self.leave(now, out);
                        }
                    }
                } else {
                    self.acknowledge_dial(message.call_id(), out);
                }
            }
            return;
        };
        if status < 200 {
            self.provisional(now, index, status, message, out);
            return;
        }
        let request = self.requests.remove(index);
        match request.purpose {
            Purpose::Invite => self.answered_invite(now, status, message, out),
            Purpose::Reinvite { hold } => self.answered_reinvite(now, status, hold, message, out),
            Purpose::Dial(dial) => self.dial_answered(now, dial, status, message, out),
            Purpose::Bye => self.stage = Stage::Over,
            Purpose::Info => self.next_info(now, out),
            Purpose::Offerless { answers } => {
                // An offer that is not answered changes nothing (RFC 3261 §14.1): its numbers are nobody's.
                if status < 300 && answers {
                    self.learn_media(message.body);
                }
                let body = if answers { self.description(None) } else { String::new() };
                self.answered_strange(status, message, &body, out);
            }
            Purpose::Second => {
                if status < 300 {
                    self.learn_media(message.body);
                }
                self.answered_strange(status, message, "", out);
            }
            Purpose::Update { hold } => {
                if status < 300 {
                    self.learn_media(message.body);
                    self.story.holding = hold.is_some();
                    self.held = hold;
                }
            }
            Purpose::Refresh => {
                if status < 300 {
                    self.learn_timer(now, message);
                } else if status == 491 || status == 500 {
                    self.agenda.push((now + Duration::from_secs(3), Task::Refresh));
                }
            }
            Purpose::Cancel | Purpose::Notify | Purpose::DialEnd | Purpose::Prack | Purpose::Strange => {}
        }
    }

    pub(super) fn provisional(
        &mut self,
        now: Instant,
        index: usize,
        status: u16,
        message: &Message<'_>,
        out: &mut Vec<Packet>,
    ) {
        let Some(request) = self.requests.get_mut(index) else {
            return;
        };
        match request.purpose {
            Purpose::Invite => {
                request.next = None;
                // As long as a real telephone lets it ring.
                request.until = now + Duration::from_secs(180);
                self.stage = match self.stage {
                    Stage::Calling(_) => Stage::Calling(true),
                    stage => stage,
                };
                if status > 100 {
                    self.progress(now, message);
                }
            }
            Purpose::Dial(dial) => {
                request.next = None;
                request.until = now + Duration::from_secs(180);
                if status > 100 {
                    self.dial_rings(now, dial, status, out);
                }
            }
            Purpose::Cancel
            | Purpose::Bye
            | Purpose::Info
            | Purpose::Reinvite { .. }
            | Purpose::Offerless { .. }
            | Purpose::Second
            | Purpose::Update { .. }
            | Purpose::Prack
            | Purpose::Refresh
            | Purpose::Strange
            | Purpose::Notify
            | Purpose::DialEnd => {}
        }
    }

    pub(super) fn unanswered(&mut self, now: Instant, purpose: Purpose, out: &mut Vec<Packet>) {
        match purpose {
            Purpose::Invite => {
                self.stage = Stage::Over;
                self.story.end.get_or_insert((now, End::NoAnswer));
            }
            Purpose::Bye => self.stage = Stage::Over,
            Purpose::Dial(dial) => self.dial_failed(now, dial, 408, out),
            // RFC 3261 §14.1: a re-INVITE nobody answers means the other side is gone.
            Purpose::Reinvite { .. } | Purpose::Offerless { .. } => self.hang_up(now, out),
            Purpose::Info => self.next_info(now, out),
            Purpose::Cancel
            | Purpose::Notify
            | Purpose::DialEnd
            | Purpose::Second
            | Purpose::Update { .. }
            | Purpose::Prack
            | Purpose::Refresh
            | Purpose::Strange => {}
        }
    }

    pub(super) fn answered_invite(&mut self, now: Instant, status: u16, message: &Message<'_>, out: &mut Vec<Packet>) {
        self.story.finals.insert(status);
        self.remote_tag = message.tag("To").to_owned();
        if status >= 300 {
            self.acknowledge_refusal(message, out);
            let end = if status == 487 { End::Cancelled } else { End::Refused(status) };
            self.story.end.get_or_insert((now, end));
            self.stage = Stage::Over;
            return;
        }
        self.remote = message.contact().unwrap_or("sip:1357@engine.invalid").to_owned();
        self.learn_media(message.body);
        self.learn_timer(now, message);
        let body = if self.manner.late_offer && !self.agreed { self.description(None) } else { String::new() };
        let branch = format!("z9hG4bKa{}", self.random.token(8));
        if self.manner.wrong_ack {
            let wrong = self.request("ACK", self.invite_cseq + 97, &format!("{branch}w"), "", "");
            out.push(self.post(self.server, wrong));
        }
        let ack = self.request("ACK", self.invite_cseq, &branch, "", &body);
        self.acks.insert(self.invite_cseq, ack.clone());
        self.acknowledge(ack, out);
        self.story.connected.get_or_insert(now);
        self.stage = Stage::Talking;
        if self.agenda.iter().any(|(_, task)| matches!(task, Task::Cancel)) || self.manner.cancel.is_some() {
            // The 200 crossed our CANCEL, or came just before it: the caller has put the receiver down.
            self.agenda.retain(|(_, task)| !matches!(task, Task::Cancel));
            self.hang_up(now, out);
            return;
        }
        let silence = self.sender.silence(now);
        self.agenda.push((now, Task::Sound(silence)));
        self.agenda.push((now + self.manner.patience, Task::Patience));
        if let Some(first) = self.manner.steps.first() {
            self.agenda.push((now + first.after, Task::Step(0)));
        }
    }

    pub(super) fn answered_reinvite(
        &mut self,
        now: Instant,
        status: u16,
        hold: Option<HoldForm>,
        message: &Message<'_>,
        out: &mut Vec<Packet>,
    ) {
        let cseq = message.cseq().map_or(0, |(cseq, _)| cseq);
        match status {
            200..300 => {
                self.learn_media(message.body);
                let branch = format!("z9hG4bKa{}", self.random.token(8));
                let ack = self.request("ACK", cseq, &branch, "", "");
                self.acks.insert(cseq, ack.clone());
                out.push(self.post(self.server, ack));
                self.story.holding = hold.is_some();
                self.held = hold;
                self.learn_timer(now, message);
            }
            491 => {
                self.acknowledge_refusal(message, out);
                // RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 seconds.
                let pause = Duration::from_millis(2100 + self.random.below(1900));
                self.agenda.push((now + pause, Task::Reinvite(hold)));
            }
            481 | 408 => {
                self.acknowledge_refusal(message, out);
                self.hang_up(now, out);
            }
            _ => self.acknowledge_refusal(message, out),
        }
    }
}
