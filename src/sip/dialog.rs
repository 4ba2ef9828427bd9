//! Dialogs (RFC 3261 §12), with the 2xx that is repeated until its ACK (§13.3.1.4).
//!
//! Holds what a dialog is and which requests are open in it; sends nothing. The agent asks and sends.

mod placed;
mod saved;

pub use placed::Placed;

use crate::limits::{DATAGRAM_REQUEST_BYTES_MAX, INFOS_REMEMBERED, NEXT_HOPS_MAX, TRANSACTION_TIMEOUT};
use crate::sip::admission::Place;
use crate::sip::agent::{DialogKey, ReferKey};
use crate::sip::flow::{Flow, Transport};
use crate::sip::header::{NameAddr, elements};
use crate::sip::identity::lists;
use crate::sip::progress::{self, Progress};
use crate::sip::reader::{Message, Name};
use crate::sip::reason::Reason;
use crate::sip::route::next_hop;
use crate::sip::session_timer::{self, SessionTimer, Terms};
use crate::sip::transaction::Repeat;
use crate::sip::trunk::TrunkId;
use crate::sip::uri::{SipUri, UriView, host_ip};
use crate::sip::writer::{Back, RequestParts, ResponseHead, request, write_header};
use crate::time::{Duration, Instant};
use std::collections::VecDeque;
use std::mem;
use std::net::{IpAddr, SocketAddr};

/// The remote target of a peer that gave neither Contact nor a From we can read: its flow still finds it.
const NOBODY: &[u8] = b"sip:anonymous.invalid";

/// A dialog.
#[derive(Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: Box<[u8]>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The peer's tag; empty when an RFC 2543 peer has none.
    pub remote_tag: Box<[u8]>,
    /// Our From: with our tag, the To of an INVITE we got or the From of one we sent.
    local: Box<[u8]>,
    /// Our To.
    remote: Box<[u8]>,
    /// The Contact's URI.
    target: Box<[u8]>,
    /// The Record-Route, in the order of our requests (§12.1.1, §12.1.2).
    routes: Box<[Box<[u8]>]>,
    /// The flow its last INVITE or UPDATE came by.
    flow: Flow,
    /// Where our requests go.
    pub next: Flow,
    /// A next hop that was looked up, and where it is: its addresses in their order.
    found: Option<(Box<[u8]>, Vec<Flow>)>,
    /// The next hop being looked up.
    pub finding: Option<u64>,
    local_cseq: u32,
    /// Of the latest INVITE or UPDATE.
    pub remote_cseq: u32,
    /// The numbers of the latest INFOs, the newest at the end.
    infos: VecDeque<u32>,
    /// The host we called, in a call that we placed.
    pub placed_to: Option<IpAddr>,
    /// Our REFERs, in order.
    pub refers: Vec<ReferKey>,
    /// The reliable provisional response whose PRACK has not come.
    pub unacknowledged: Option<Acknowledges>,
    /// The trunk it came by.
    pub trunk: Option<TrunkId>,
    /// The session timer, once a 2xx agreed on one.
    pub timer: Option<SessionTimer>,
    /// The peer takes UPDATE.
    pub updates: bool,
    /// The last description that we sent.
    pub described: Vec<u8>,
    /// Our refresh under way: its transaction, and whether it is a re-INVITE.
    pub refreshing: Option<(u64, bool)>,
    /// The least interval the peer takes, as its 422 said.
    pub least_interval: Duration,
    /// How often it has said so since the last refresh.
    pub refused_422: u8,
    /// The client transactions of those REFERs.
    pub refer_transactions: Vec<u64>,
    /// Its place among the live calls; `None` once it is over, and for calls that needed none.
    pub place: Option<Place>,
    /// The dialog whose place it takes when it is answered.
    pub replaces: Option<DialogKey>,
    /// The deadline that stands in the agent's index.
    pub scheduled: Option<Instant>,
    /// Where it stands.
    pub state: State,
}

/// Where a dialog stands.
#[derive(Debug)]
pub enum State {
    /// The INVITE waits for our decision.
    Early {
        /// The INVITE.
        invite: Open,
        /// Whole `Record-Route` lines for the 2xx.
        record_routes: Vec<u8>,
        /// What the caller was told meanwhile.
        progress: Progress,
        /// An UPDATE or PRACK whose offer waits for our decision.
        open: Option<Open>,
    },
    /// Our 2xx has left.
    Live {
        /// A re-INVITE or UPDATE that waits for our decision.
        open: Option<Open>,
        /// The 2xx that waits for its ACK.
        success: Option<Success>,
        /// Its owner wants it over; the BYE waits for the ACK (§15).
        bye: Option<Farewell>,
    },
    /// Our BYE is under way.
    Leaving,
    /// Over; late NOTIFYs about a REFER are still taken.
    Lingering {
        /// How long.
        until: Instant,
    },
}

/// What the RAck of a PRACK must name (RFC 3262 §7.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledges {
    /// The RSeq of the provisional response.
    pub rseq: u32,
    /// The number of the INVITE's CSeq.
    pub cseq: u32,
}

/// What a BYE that must wait will say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Farewell(pub Option<Reason>);

/// A request that waits for our decision.
#[derive(Debug)]
pub struct Open {
    /// Its server transaction.
    pub transaction: u64,
    /// For its responses.
    pub head: ResponseHead,
    /// An INVITE, whose 2xx wants an ACK; else an UPDATE.
    pub invite: bool,
    /// It made the dialog.
    pub initial: bool,
    /// It brought no offer.
    pub late_offer: bool,
    /// The number of its CSeq.
    pub cseq: u32,
    /// The remote target it brings, once it is accepted.
    pub contact: Option<Box<[u8]>>,
    /// The session timer it brings, once it is accepted.
    pub timer: Option<Terms>,
}

/// A 2xx to an INVITE, repeated until its ACK, also over streams: a proxy may have lost it further on.
#[derive(Debug)]
pub struct Success {
    bytes: Vec<u8>,
    back: Back,
    cseq: u32,
    /// The ACK brings the answer.
    pub late_offer: bool,
    /// It made the dialog.
    pub initial: bool,
    repeat: Repeat,
    until: Instant,
}

/// What a dialog wants when its time has come.
#[derive(Debug)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// The 2xx again.
    Repeat(Back, Vec<u8>),
    /// No ACK in 64·T1.
    Unacknowledged,
    /// Something of a session timer.
    Session(session_timer::Due),
    /// Something of a provisional response.
    Early(progress::Due),
    /// Nothing can come any more.
    Forget,
}

impl Success {
    /// A 2xx that leaves now.
    pub fn new(now: Instant, open: &Open, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            back: open.head.back(),
            cseq: open.cseq,
            late_offer: open.late_offer,
            initial: open.initial,
            repeat: Repeat::new(now),
            until: now + TRANSACTION_TIMEOUT,
        }
    }
}

impl Dialog {
    /// From an INVITE that is no retransmission; `from` and `to` are its addresses.
    pub fn new(message: &Message<'_>, from: &NameAddr<'_>, flow: Flow, tag: &str, invite: Open) -> Self {
        let mut local = Vec::with_capacity(96);
        write_header(&mut local, b"", message.value(Name::To).unwrap_or_default());
        local.truncate(local.len() - 2);
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(tag.as_bytes());
        let mut record_routes = Vec::new();
        let mut routes = Vec::new();
        for route in message.values(Name::RecordRoute).flat_map(elements) {
            write_header(&mut record_routes, b"Record-Route: ", route);
            routes.push(Box::from(route));
        }
        Self {
            call_id: message.value(Name::CallId).unwrap_or_default().into(),
            local_tag: tag.into(),
            remote_tag: from.tag().unwrap_or_default().into(),
            local: local.into(),
            remote: message.value(Name::From).unwrap_or_default().into(),
            target: contact(message).or_else(|| usable(from.uri)).unwrap_or_else(|| NOBODY.into()),
            routes: routes.into(),
            flow,
            next: flow,
            found: None,
            finding: None,
            local_cseq: 0,
            remote_cseq: invite.cseq,
            infos: VecDeque::new(),
            placed_to: None,
            refers: Vec::new(),
            unacknowledged: None,
            trunk: None,
            timer: None,
            updates: lists(message, Name::Allow, "UPDATE"),
            described: Vec::new(),
            refreshing: None,
            least_interval: Duration::ZERO,
            refused_422: 0,
            refer_transactions: Vec::new(),
            place: None,
            replaces: None,
            scheduled: None,
            state: State::Early { invite, record_routes, progress: Progress::new(message), open: None },
        }
    }

    /// Finds the next hop; to be called after every change of flow or target.
    pub fn route(&mut self, answer_public: bool) {
        let first = self.addresses().first().copied();
        self.next = first.unwrap_or_else(|| next_hop(self.hop(), self.flow, answer_public));
    }

    /// The addresses that the name of the next hop led to.
    fn addresses(&self) -> &[Flow] {
        match &self.found {
            Some((name, flows)) if **name == *self.hop() => flows,
            Some(_) | None => &[],
        }
    }

    /// The URI that says where our requests go.
    fn hop(&self) -> &[u8] {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route)).map(|route| route.uri);
        first.unwrap_or(&self.target)
    }

    /// That URI when its host is a name that was not looked up and no connection is open, so that it is worth asking for.
    pub fn named_hop(&self) -> Option<SipUri> {
        let uri: SipUri = std::str::from_utf8(self.hop()).ok()?.parse().ok()?;
        let is_name = !uri.host().is_empty() && host_ip(uri.host().as_bytes()).is_none();
        (is_name && self.addresses().is_empty() && self.connection().is_none()).then_some(uri)
    }

    /// What the name of the next hop led to, one address after the other; whether it has room for more.
    pub fn found(&mut self, flow: Flow, answer_public: bool) -> bool {
        let mut flows = self.addresses().to_vec();
        flows.push(flow);
        let room = flows.len() < NEXT_HOPS_MAX;
        self.found = Some((self.hop().into(), flows));
        self.route(answer_public);
        room
    }

    /// Whether silence of one address may be another's turn (RFC 3263 §4.3): the next hop is a name with several, or is being looked up.
    pub fn has_addresses(&self) -> bool {
        self.addresses().len() > 1 || self.finding.is_some()
    }

    /// Requests that go back the way its last one came leave from this address of ours.
    pub fn leaves_by(&mut self, local: SocketAddr) {
        if local.is_ipv4() == self.flow.remote.is_ipv4() {
            self.flow.local = local;
        }
    }

    /// A target refresh (§12.2.2): the flow and the Contact of an accepted re-INVITE or UPDATE. Whether the peer is
    /// reached elsewhere from now on.
    pub fn refresh(&mut self, flow: Option<Flow>, contact: Option<Box<[u8]>>, answer_public: bool) -> bool {
        let way = |flow: Flow| (flow.transport, flow.local, flow.remote);
        let moved = flow.is_some_and(|flow| way(flow) != way(self.flow))
            || contact.as_ref().is_some_and(|contact| *contact != self.target);
        if let Some(flow) = flow {
            self.flow = flow;
        }
        if let Some(contact) = contact {
            self.target = contact;
        }
        self.route(answer_public);
        moved
    }

    /// The TCP connection of its flow, if there is one; when it is gone, the Contact says where to open another.
    pub fn connection(&self) -> Option<u64> {
        (self.flow.transport.is_stream() && self.flow.connection != 0).then_some(self.flow.connection)
    }

    /// That connection is gone.
    pub fn disconnected(&mut self, answer_public: bool) {
        self.flow.connection = 0;
        self.route(answer_public);
    }

    /// The next request of ours. Its CSeq is then [`Dialog::cseq`].
    pub fn request(&mut self, method: &str, branch: &str, product: &str, lines: &[u8], body: &[u8]) -> Vec<u8> {
        self.local_cseq = self.local_cseq.wrapping_add(1);
        self.write(self.next, (method, self.local_cseq), branch, product, lines, body)
    }

    /// A re-INVITE or UPDATE of ours that is waited for no longer.
    pub fn take_refresh(&mut self) -> Option<u64> {
        self.refreshing.take().map(|(transaction, _)| transaction)
    }

    /// The request with this CSeq, as it goes by this flow.
    pub fn write(
        &self,
        flow: Flow,
        (method, cseq): (&str, u32),
        branch: &str,
        product: &str,
        lines: &[u8],
        body: &[u8],
    ) -> Vec<u8> {
        let mut routes = Vec::new();
        let mut uri: &[u8] = &self.target;
        let mut rest: &[Box<[u8]>] = &self.routes;
        let strict = self.routes.first().and_then(|first| strict_route(first));
        if let Some(first) = strict {
            // A strict router of RFC 2543 wants to find itself in the Request-URI (§12.2.1.1).
            uri = first;
            rest = &self.routes[1..];
        }
        for route in rest {
            write_header(&mut routes, b"Route: ", route);
        }
        if strict.is_some() {
            routes.extend_from_slice(b"Route: <");
            routes.extend_from_slice(&self.target);
            routes.extend_from_slice(b">\r\n");
        }
        request(&RequestParts {
            method,
            uri,
            flow,
            branch,
            via: b"",
            routes: &routes,
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            cseq,
            product,
            lines,
            body,
        })
    }

    /// The ways a request of this length has, the best first: by stream where datagrams are too small (RFC 3261 §18.1.1),
    /// to the next hop and its further addresses (RFC 3263 §4.3), and back where the peer's last request came from.
    pub fn ways(&self, length: usize) -> Vec<Flow> {
        let mut ways = Vec::new();
        for hop in std::iter::once(self.next).chain(self.addresses().iter().skip(1).copied()) {
            if hop.transport == Transport::Udp && length > DATAGRAM_REQUEST_BYTES_MAX {
                ways.push(Flow { transport: Transport::Tcp, connection: 0, ..hop });
            }
            ways.push(hop);
        }
        let is_gone = self.flow.transport.is_stream() && self.flow.connection == 0;
        if !is_gone && !ways.contains(&self.flow) {
            ways.push(self.flow);
        }
        ways
    }

    /// Whether it is with this host.
    pub fn is_with(&self, host: IpAddr) -> bool {
        self.flow.remote.ip() == host || self.next.remote.ip() == host
    }

    /// The number of our latest request.
    pub fn cseq(&self) -> u32 {
        self.local_cseq
    }

    /// An INFO with this CSeq has come; false for a copy. A stream's transaction ends with its answer (timer J is zero), yet
    /// a peer whose connection broke before it read that answer asks again on the next one.
    pub fn take_info(&mut self, cseq: u32) -> bool {
        if self.infos.contains(&cseq) {
            return false;
        }
        if self.infos.len() == INFOS_REMEMBERED {
            self.infos.pop_front();
        }
        self.infos.push_back(cseq);
        true
    }

    /// It is over for its owner, and its BYE waits for the ACK of our 2xx (§15).
    pub fn owes_a_bye(&self) -> bool {
        matches!(self.state, State::Live { bye: Some(_), .. })
    }

    /// A request whose offer waits for our decision, where there may be one.
    pub fn open(&mut self) -> Option<&mut Option<Open>> {
        match &mut self.state {
            State::Early { open, .. } | State::Live { open, .. } => Some(open),
            State::Leaving | State::Lingering { .. } => None,
        }
    }

    /// The INVITE is accepted; the state of before.
    pub fn live(&mut self) -> State {
        mem::replace(&mut self.state, State::Live { open: None, success: None, bye: None })
    }

    /// Over on our side; the state of before.
    pub fn linger(&mut self, now: Instant) -> State {
        mem::replace(&mut self.state, State::Lingering { until: now + TRANSACTION_TIMEOUT })
    }

    /// A 2xx of ours agreed on a session timer, or none, and said this description.
    pub fn agreed(&mut self, now: Instant, terms: Option<Terms>, sdp: &[u8]) {
        self.timer = terms.map(|terms| SessionTimer::new(now, terms));
        if !sdp.is_empty() {
            self.described = sdp.to_vec();
        }
    }

    /// The ACK with this number: the 2xx it acknowledges, if one waits for it.
    pub fn acknowledge(&mut self, cseq: u32) -> Option<Success> {
        match &mut self.state {
            State::Live { success, .. } => success.take_if(|success| success.cseq == cseq),
            State::Early { .. } | State::Leaving | State::Lingering { .. } => None,
        }
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant) -> Due {
        match &mut self.state {
            State::Early { progress, .. } => Due::Early(progress.tick(now)),
            State::Live { success, bye, .. } => {
                if let Some(success) = success {
                    if now >= success.until {
                        return Due::Unacknowledged;
                    }
                    if success.repeat.due(now) {
                        return Due::Repeat(success.back, success.bytes.clone());
                    }
                }
                match &mut self.timer {
                    Some(timer) if bye.is_none() => Due::Session(timer.tick(now)),
                    Some(_) | None => Due::Nothing,
                }
            }
            State::Lingering { until } if now >= *until => Due::Forget,
            State::Leaving | State::Lingering { .. } => Due::Nothing,
        }
    }

    /// When [`Dialog::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Live { success, bye, .. } => {
                let success = success.as_ref().map(|success| success.repeat.next().min(success.until));
                let timer = self.timer.filter(|_| bye.is_none()).map(|timer| timer.deadline());
                [success, timer].into_iter().flatten().min()
            }
            State::Lingering { until } => Some(*until),
            State::Early { progress, .. } => progress.deadline(),
            State::Leaving => None,
        }
    }
}

/// The URI of the first Contact that is a URI.
pub fn contact(message: &Message<'_>) -> Option<Box<[u8]>> {
    let contact = message.values(Name::Contact).flat_map(elements).find_map(NameAddr::parse)?;
    usable(contact.uri)
}

/// A URI that may stand in a request of ours: read whole, so that no fold or bracket hides in it. Its headers stay behind: a
/// Request-URI has none (RFC 3261 §19.1.1).
fn usable(uri: &[u8]) -> Option<Box<[u8]>> {
    let view = UriView::parse(uri).ok()?;
    let headers = if view.headers.is_empty() { uri.ends_with(b"?").into() } else { view.headers.len() + 1 };
    Some(uri[..uri.len() - headers].into())
}

/// The URI of a route that does not know loose routing.
fn strict_route(route: &[u8]) -> Option<&[u8]> {
    let route = NameAddr::parse(route)?;
    let view = UriView::parse(route.uri).ok()?;
    view.param("lr").is_none().then_some(route.uri)
}
