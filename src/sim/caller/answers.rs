//! What a telephone answers to our requests: a copy meets the same answer, a copy by another way a refusal, and a 200 to a re-INVITE
//! repeats until its ACK (RFC 3261 §14.2, §13.3.1.4).

use super::text::Message;
use super::{FIRST_REPEAT, GIVE_UP, LONGEST_REPEAT, Packet, Phone};
use crate::time::{Duration, Instant};
use std::net::SocketAddr;

/// A 200 without its ACK.
#[derive(Debug)]
pub(super) struct Repeat {
    cseq: u32,
    to: SocketAddr,
    bytes: Vec<u8>,
    next: Instant,
    interval: Duration,
    until: Instant,
}

impl Phone {
    /// What a request meets that is here already.
    pub(super) fn answer_again(&mut self, message: &Message<'_>) -> Option<Vec<u8>> {
        let (method, (cseq, _)) = (message.method()?, message.cseq()?);
        let number = format!("{cseq} {method} ");
        let key = format!("{number}{}", message.branch());
        if let Some((_, bytes)) = self.answered.iter().find(|(known, _)| *known == key) {
            return Some(bytes.clone());
        }
        // By the other of its host's addresses. The standard has no word of its own for that (§8.2.2.2, §12.2.2, §14.2).
        let elsewhere = self.manner.host.is_some() && self.answered.iter().any(|(known, _)| known.starts_with(&number));
        let status = [482, 491, 500][self.random.below(if elsewhere { 3 } else { 1 }) as usize];
        elsewhere.then(|| message.answer(status, "Here Already", &self.tag, "", ""))
    }

    /// A request has met this answer.
    pub(super) fn has_answered(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>, bytes: &[u8]) {
        let (Some(method), Some((cseq, _))) = (message.method(), message.cseq()) else { return };
        self.answered.push((format!("{cseq} {method} {}", message.branch()), bytes.to_vec()));
        if method == "INVITE" && bytes.starts_with(b"SIP/2.0 200") {
            let (next, until) = (now + FIRST_REPEAT, now + GIVE_UP);
            let bytes = bytes.to_vec();
            self.unacknowledged.push(Repeat { cseq, to: from, bytes, next, interval: FIRST_REPEAT, until });
        }
    }

    /// An ACK of the engine.
    pub(super) fn acknowledged(&mut self, message: &Message<'_>) {
        let cseq = message.cseq().map(|(cseq, _)| cseq);
        if message.call_id() == self.story.call_id {
            self.unacknowledged.retain(|repeat| Some(repeat.cseq) != cseq);
        }
    }

    /// When a 200 is next due.
    pub(super) fn next_answer(&self) -> Option<Instant> {
        self.unacknowledged.iter().map(|repeat| repeat.next.min(repeat.until)).min()
    }

    /// 200s that are due. Whoever never acknowledges one is gone.
    pub(super) fn repeat_answers(&mut self, now: Instant, out: &mut Vec<Packet>) {
        for repeat in self.unacknowledged.iter_mut().filter(|repeat| repeat.next <= now && now < repeat.until) {
            out.push(Self::packet(&self.manner, self.at, self.server, repeat.to, repeat.bytes.clone()));
            repeat.interval = (repeat.interval * 2).min(LONGEST_REPEAT);
            repeat.next = now + repeat.interval;
        }
        let before = self.unacknowledged.len();
        self.unacknowledged.retain(|repeat| now < repeat.until);
        if self.unacknowledged.len() < before {
            self.story.unacknowledged = true;
            self.hang_up(now, out);
        }
    }
}
