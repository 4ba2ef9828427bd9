//! A dialog as its calling side sees it (RFC 3261 §12.1.2), and the ACK of its 2xx (§13.2.2.4).

use super::{Dialog, NOBODY, State, contact};
use crate::sip::flow::Flow;
use crate::sip::header::{NameAddr, elements};
use crate::sip::identity::lists;
use crate::sip::reader::{Message, Name};
use crate::sip::trunk::TrunkId;
use crate::time::Duration;
use std::collections::VecDeque;

/// What the INVITE said that made the dialog.
pub struct Placed<'a> {
    /// Call-ID.
    pub call_id: &'a str,
    /// The tag of its From.
    pub local_tag: &'a str,
    /// Its From.
    pub from: &'a [u8],
    /// Its Request-URI.
    pub uri: &'a [u8],
    /// The number of its CSeq.
    pub cseq: u32,
    /// Its offer.
    pub offer: &'a [u8],
    /// By which trunk it went.
    pub trunk: Option<TrunkId>,
}

impl Dialog {
    /// From a response with a To tag that came by this flow. Its call keeps it until a 2xx makes it the agent's.
    pub fn placed(placed: &Placed<'_>, message: &Message<'_>, flow: Flow, answer_public: bool) -> Self {
        let to = message.value(Name::To).unwrap_or_default();
        let mut dialog = Self {
            call_id: placed.call_id.as_bytes().into(),
            local_tag: placed.local_tag.into(),
            remote_tag: NameAddr::parse(to).and_then(|to| to.tag()).unwrap_or_default().into(),
            local: placed.from.into(),
            remote: to.into(),
            target: super::usable(placed.uri).unwrap_or_else(|| NOBODY.into()),
            routes: Box::default(),
            flow,
            next: flow,
            found: None,
            finding: None,
            local_cseq: placed.cseq,
            remote_cseq: 0,
            infos: VecDeque::new(),
            placed_to: Some(flow.remote.ip()),
            refers: Vec::new(),
            unacknowledged: None,
            trunk: placed.trunk,
            timer: None,
            updates: false,
            described: placed.offer.to_vec(),
            refreshing: None,
            least_interval: Duration::ZERO,
            refused_422: 0,
            refer_transactions: Vec::new(),
            place: None,
            replaces: None,
            scheduled: None,
            state: State::Live { open: None, success: None, bye: None },
        };
        dialog.replaced_by(message, flow, answer_public);
        dialog
    }

    /// A later response of the same dialog: the 2xx says the routes and the target again, and it alone counts (§13.2.2.4).
    pub fn replaced_by(&mut self, message: &Message<'_>, flow: Flow, answer_public: bool) {
        let mut routes: Vec<Box<[u8]>> = message.values(Name::RecordRoute).flat_map(elements).map(Box::from).collect();
        // The proxy nearest to us wrote its own last of all, on top; on the way there it is first to the callee (§12.1.2).
        routes.reverse();
        self.routes = routes.into();
        self.updates |= lists(message, Name::Allow, "UPDATE");
        self.refresh(Some(flow), contact(message), answer_public);
    }

    /// The ACK of the 2xx to the INVITE with this number: of the dialog, not of the transaction (§13.2.2.4).
    pub fn ack(&mut self, cseq: u32, branch: &str, product: &str) -> Vec<u8> {
        self.local_cseq = self.local_cseq.max(cseq);
        self.write(self.next, ("ACK", cseq), branch, product, b"", b"")
    }
}
