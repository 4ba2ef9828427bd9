//! A second telephone behind a centre's address that answers a call of ours too (RFC 3261 §13.2.2.4): a fork, which gets an ACK
//! and a BYE.

use super::called::Repeat;
use super::{Request, TAG};
use crate::time::Instant;
use std::net::SocketAddr;

/// Its tag.
const FORK: &str = "fork";

/// The second telephone, from its answer on.
#[derive(Debug)]
pub(super) struct Fork {
    peer: SocketAddr,
    /// Its 200, until the ACK.
    answer: Option<Repeat>,
}

impl Fork {
    /// It answers with the same as the first.
    pub(super) fn answers(now: Instant, peer: SocketAddr, answer: &[u8], out: &mut Vec<(SocketAddr, Vec<u8>)>) -> Self {
        let text = String::from_utf8_lossy(answer);
        let bytes = text.replace(&format!(";tag={TAG}"), &format!(";tag={FORK}")).replace("sip:centre@", "sip:fork@");
        let bytes = bytes.into_bytes();
        out.push((peer, bytes.clone()));
        let cseq = Request(&text).cseq();
        Self { peer, answer: Some(Repeat::new(now, (cseq, "ACK"), bytes)) }
    }

    /// A request is for this telephone.
    pub(super) fn is_for_it(request: &Request<'_>) -> bool {
        request.status().is_none() && request.get("To").is_some_and(|to| to.ends_with(&format!(";tag={FORK}")))
    }

    /// A request for it.
    pub(super) fn received(&mut self, from: SocketAddr, request: &Request<'_>, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if matches!(request.method(), "ACK" | "BYE") {
            self.answer = None;
        }
        if request.method() != "ACK" {
            out.push((from, request.answer("200 OK", "")));
        }
    }

    /// Repeats that are due. One that answers 64·T1 behind the first is told nothing, and gives up.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(answer) = &mut self.answer {
            answer.tick(now, self.peer, out);
        }
        self.answer.take_if(|answer| answer.until <= now);
    }

    /// When [`Fork::tick`] is next needed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.answer.as_ref().map(Repeat::deadline)
    }
}
