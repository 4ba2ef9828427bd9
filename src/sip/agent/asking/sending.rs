//! One sending of a request inside a dialog: a client transaction, and the way it went.

use crate::limits::SEND_FAILURE_TOLD;
use crate::sip::flow::Flow;
use crate::sip::transaction::asking::{Asking, Input};
use crate::time::Instant;

pub(super) struct Sending {
    pub branch: Box<[u8]>,
    pub machine: Asking,
    pub flow: Flow,
    /// Its latest copy.
    pub sent: Instant,
    /// A response came.
    pub heard: bool,
    /// The ACK of a 2xx to a re-INVITE (RFC 3261 §13.2.2.4), the same for all its copies, also when the dialog has ended meanwhile. It goes
    /// the way of the re-INVITE, on which somebody answers.
    pub ack: Option<Vec<u8>>,
}

impl Sending {
    /// A final answer may come.
    pub fn is_asking(&self) -> bool {
        self.machine.is_asking()
    }

    /// It was lost when a send on that flow failed.
    pub fn fails_with(&self, now: Instant, failed: &Flow) -> bool {
        self.flow.fails_with(failed) && could_not_leave(now, self.flow, self.sent)
    }

    /// No more copies.
    pub fn hush(&mut self, now: Instant) {
        self.machine.handle(now, Input::Hush, &mut Vec::new());
    }

    /// Its way is broken: no answer is counted on, even where one was on its way.
    pub fn lose(&mut self, now: Instant) {
        self.heard = false;
        self.machine.handle(now, Input::TransportError, &mut Vec::new());
    }

    /// Nothing is left to do for it. `end` is until when a request is listened to whose owner wants no answer any more: an
    /// INVITE's must be acknowledged, any other's need not.
    pub fn is_over(&self, now: Instant, end: Option<Instant>) -> bool {
        let unwanted = end.is_some_and(|end| self.ack.is_none() || end <= now);
        self.machine.is_terminated() || unwanted && self.is_asking()
    }
}

/// Whether what was sent then is what could not leave now. A stream that breaks takes all with it; a datagram fails by itself, and what left
/// by the same way before it is on its way.
pub(in crate::sip::agent) fn could_not_leave(now: Instant, flow: Flow, sent: Instant) -> bool {
    flow.transport.is_stream() || now.since(sent) <= SEND_FAILURE_TOLD
}
