//! What comes before the answer: reliable provisional responses (RFC 3262), sound and keys in the early dialog.

use super::manner::Prack;
use super::text::Message;
use super::{Packet, Phone, Purpose, Stage, Task};
use crate::time::{Duration, Instant};

impl Phone {
    /// Sound can be heard, and keys can be pressed.
    pub(super) fn hears(&self) -> bool {
        self.stage == Stage::Talking || (matches!(self.stage, Stage::Calling(_)) && self.story.early.is_some())
    }

    /// 180 or 183.
    pub(super) fn progress(&mut self, now: Instant, message: &Message<'_>) {
        self.remote_tag = message.tag("To").to_owned();
        if let Some(contact) = message.contact() {
            self.remote = contact.to_owned();
        }
        let has_sdp = message.body.starts_with(b"v=0");
        if has_sdp && self.story.early.is_none() {
            self.learn_media(message.body);
            self.story.early = Some(now);
            let silence = self.sender.silence(now);
            self.agenda.push((now, Task::Sound(silence)));
            if let Some((after, key)) = self.manner.early_key {
                self.agenda.push((now + after, Task::Key(key)));
            }
        }
        let reliable = message.get("Require").is_some_and(|tags| tags.contains("100rel"));
        let rseq = message.get("RSeq").and_then(|rseq| rseq.parse().ok()).filter(|_| reliable);
        let (Some(rseq), Some(form)) = (rseq, self.manner.reliable) else { return };
        // What repeats has been acknowledged, or soon is.
        if rseq <= self.rseq {
            return;
        }
        self.rseq = rseq;
        let body =
            if has_sdp && self.manner.late_offer && !self.agreed { self.description(None) } else { String::new() };
        match form {
            Prack::Never => return,
            Prack::AtOnce | Prack::LostFirst => self.agenda.push((now, Task::Prack(rseq, body))),
            Prack::Late(after) => self.agenda.push((now + after, Task::Prack(rseq, body))),
            Prack::Twice => {
                self.agenda.push((now, Task::Prack(rseq, body.clone())));
                self.agenda.push((now + Duration::from_millis(5), Task::Prack(rseq, body)));
            }
        }
        self.agreed |= has_sdp;
        if self.manner.early_update && has_sdp {
            self.agenda.push((now + Duration::from_millis(400), Task::EarlyUpdate));
        }
    }

    pub(super) fn prack(&mut self, now: Instant, rseq: u32, body: &str, out: &mut Vec<Packet>) {
        if !matches!(self.stage, Stage::Calling(_) | Stage::Talking) {
            return;
        }
        let more = format!("RAck: {rseq} {} INVITE\r\n", self.invite_cseq);
        let more = if body.is_empty() { more } else { format!("{more}Content-Type: application/sdp\r\n") };
        let before = out.len();
        self.inside(now, Purpose::Prack, "PRACK", &more, body, out);
        if self.manner.reliable == Some(Prack::LostFirst) {
            out.truncate(before);
        }
    }

    /// An offer before the answer; a PRACK must have completed the first one (RFC 3311 §5.1).
    pub(super) fn early_update(&mut self, now: Instant, out: &mut Vec<Packet>) {
        let waits = self.requests.iter().any(|request| request.purpose == Purpose::Prack);
        if matches!(self.stage, Stage::Calling(_)) && self.agreed && !waits {
            let offer = self.description(None);
            self.inside(now, Purpose::Update { hold: None }, "UPDATE", "", &offer, out);
        }
    }
}
