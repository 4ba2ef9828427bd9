//! What arrives: bytes to messages, messages to their transaction or dialog, and everything that needs no
//! decision about a call (RFC 3261 §8.2, §9.2, §11.2, §18.2).
//!
//! Refusals outside a transaction keep no state (§8.2.7): a copy of the request gets a copy of the answer, with
//! the same tag, so that a flood costs nothing afterwards.

use super::asking::ClientInput;
use super::table::{Essentials, ServerEntry, Timer, merged_key, server_key};
use super::{Agent, AgentEvent, AgentOutput, DialogKey, Flow, Invite, Transport};
use crate::limits::{
    DIALOGS_MAX, DRAIN_RETRY_AFTER, MESSAGE_BYTES_MAX, STREAM_BYTES_HELD_MAX, STREAM_MESSAGE_TIMEOUT,
    TRANSACTIONS_FOR_NEW_CALLS, TRANSACTIONS_MAX,
};
use crate::number::Dialled;
use crate::sip::admission::feedback::Control;
use crate::sip::admission::{Asking, Source};
use crate::sip::body::{self, Unusable};
use crate::sip::dialog::{Dialog, Open, State};
use crate::sip::framing::{Frame, Stream};
use crate::sip::header::{NameAddr, Via, before_params, cseq, elements};
use crate::sip::identity::Identity;
use crate::sip::progress::Reliability;
use crate::sip::reader::{Framing, Message, Method, Name, Start};
use crate::sip::reason::Reason;
use crate::sip::session_timer::{Terms, TooSmall};
use crate::sip::status::StatusCode;
use crate::sip::transaction::invite_server;
use crate::sip::trunk::{Strangers, TrunkId, Who};
use crate::sip::uri::{UriFault, UriView};
use crate::sip::writer::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, ResponseHead, SUPPORTED, write_header, write_number, write_supported,
};
use crate::time::{Instant, Now};
use std::mem;

/// A request that has all it needs to be matched.
pub(super) struct Request<'a, 'm> {
    pub message: &'a Message<'m>,
    pub method: Method<'m>,
    pub uri: &'m [u8],
    pub via: &'a Via<'m>,
    pub flow: Flow,
    pub from: NameAddr<'m>,
    pub to: NameAddr<'m>,
    pub essentials: Essentials<'m>,
    pub key: Vec<u8>,
    /// The trunk that its digest proves.
    pub proven: Option<TrunkId>,
    /// What its sender hears of our overload, if it wants to.
    pub control: Option<Control>,
}

impl Request<'_, '_> {
    /// The head of its responses; `tag` goes into To unless there is one.
    pub fn head(&self, tag: impl FnOnce() -> String) -> ResponseHead {
        let tag = self.to.tag().is_none().then(tag);
        ResponseHead::new(self.message, self.via, self.flow, tag, self.control)
    }
}

impl Agent {
    pub(super) fn take_bytes(&mut self, now: Instant, flow: Flow, bytes: &[u8], out: &mut Vec<AgentOutput>) {
        let silent = self.who(flow) == Who::Stranger && self.config.peers.strangers == Strangers::Silence;
        // Whom we called may answer, whatever else it may not.
        if silent && !self.outgoing.knows(flow.remote.ip()) {
            // A late answer of somebody we called asks for nothing.
            if !bytes.starts_with(b"SIP/2.0") {
                self.turn_away(now, flow, out);
            }
            return;
        }
        match flow.transport {
            Transport::Udp if bytes.len() <= MESSAGE_BYTES_MAX => self.take_message(now, flow, bytes, out),
            Transport::Udp => {}
            Transport::Tcp | Transport::Tls => self.take_stream(now, flow, bytes, out),
        }
    }

    fn turn_away(&mut self, now: Instant, flow: Flow, out: &mut Vec<AgentOutput>) {
        out.extend(self.turned_away.count(now, flow.remote.ip()).map(AgentOutput::Event));
    }

    /// Who talks to us on this flow, by its address, its certificate and our registrations.
    pub(super) fn who(&self, flow: Flow) -> Who {
        let names = self.secured.get(&flow.connection).filter(|_| flow.transport == Transport::Tls);
        let (transport, address) = (flow.transport, flow.remote.ip());
        let who = self.config.peers.who(transport, address, names.map_or(&[], Vec::as_slice));
        match who {
            Who::Trunk(_) | Who::Private => who,
            // A registrar that accepted us calls from where it is.
            Who::Unproven | Who::Stranger => self.registrar_at(transport, address).map_or(who, Who::Trunk),
        }
    }

    fn take_stream(&mut self, now: Instant, flow: Flow, bytes: &[u8], out: &mut Vec<AgentOutput>) {
        // Out of its table while its messages are handled, so that they can be views into its buffer; an empty one says
        // meanwhile that the connection is open.
        let mut stream = mem::take(self.streams.entry(flow.connection).or_default());
        self.stream_bytes -= stream.held();
        if !stream.closed {
            stream.push(bytes);
            self.take_frames(now, flow, &mut stream, out);
        }
        if !stream.closed && !stream.is_empty() {
            let is_trunk = matches!(self.who(flow), Who::Trunk(_));
            if !is_trunk && self.stream_bytes + stream.held() > STREAM_BYTES_HELD_MAX {
                stream.close();
                out.push(AgentOutput::Close { connection: flow.connection });
            } else if stream.waiting_since.is_none() {
                stream.waiting_since = Some(now);
                self.schedule(Some(now + STREAM_MESSAGE_TIMEOUT), Timer::Stream(flow.connection));
            }
        }
        stream.rest();
        self.stream_bytes += stream.held();
        self.streams.insert(flow.connection, stream);
    }

    fn take_frames(&mut self, now: Instant, flow: Flow, stream: &mut Stream, out: &mut Vec<AgentOutput>) {
        let mut ponged = false;
        loop {
            match stream.next_frame() {
                Frame::Incomplete => return,
                // One pong a read is enough, however many pings it held.
                Frame::Ping if ponged => {}
                Frame::Ping => {
                    ponged = true;
                    out.push(AgentOutput::Transmit { flow, bytes: b"\r\n".to_vec() });
                }
                Frame::Message(range) => {
                    stream.waiting_since = None;
                    self.take_message(now, flow, stream.bytes(range), out);
                }
                Frame::Broken(head) => {
                    self.take_message(now, flow, stream.bytes(head), out);
                    stream.close();
                    out.push(AgentOutput::Close { connection: flow.connection });
                    return;
                }
            }
        }
    }

    fn take_message(&mut self, now: Instant, flow: Flow, bytes: &[u8], out: &mut Vec<AgentOutput>) {
        let framing = match flow.transport {
            Transport::Udp => Framing::Datagram,
            Transport::Tcp | Transport::Tls => Framing::Stream,
        };
        let Some(message) = Message::read(bytes, framing) else { return };
        match message.start {
            Start::Response { status } => self.take_response(now, flow, &message, status, out),
            Start::Request { method, uri, version_2 } => {
                self.take_request(now, flow, &message, (method, uri, version_2), out);
            }
        }
    }

    /// Responses that match nothing of ours meet silence.
    fn take_response(
        &mut self,
        now: Instant,
        flow: Flow,
        message: &Message<'_>,
        status: StatusCode,
        out: &mut Vec<AgentOutput>,
    ) {
        let via = message.values(Name::Via).flat_map(elements).next().and_then(Via::parse);
        let method = message.value(Name::CSeq).and_then(cseq).map(|(_, method)| method);
        if let (None, Some(branch), Some(method)) = (message.fault, via.and_then(|via| via.branch), method) {
            match self.client_of(branch, method) {
                Some(id) => self.drive_client(now, id, ClientInput::Response(branch, status, message), out),
                None => self.take_outgoing(now, flow, (branch, method), message, status, out),
            }
        }
    }

    fn take_request<'m>(
        &mut self,
        now: Instant,
        flow: Flow,
        message: &Message<'m>,
        (method, uri, version_2): (Method<'m>, &'m [u8], bool),
        out: &mut Vec<AgentOutput>,
    ) {
        // Without a Via there is no way back.
        let Some(top) = message.values(Name::Via).flat_map(elements).next() else { return };
        let parsed = Via::parse(top);
        let source_port = Some(flow.remote.port());
        let via = parsed.unwrap_or(Via {
            raw: top,
            host: b"",
            port: source_port,
            branch: None,
            rport_end: None,
            rport: false,
            received: true,
            overload: false,
        });
        let read = match (version_2, method, message.fault, parsed) {
            (false, ..) => Err((StatusCode::VERSION_NOT_SUPPORTED, StatusCode::VERSION_NOT_SUPPORTED.reason())),
            (_, Method::Other(_), ..) => Err((StatusCode::NOT_IMPLEMENTED, StatusCode::NOT_IMPLEMENTED.reason())),
            (_, _, Some(fault), _) => {
                Err((StatusCode::new(fault.status).unwrap_or(StatusCode::BAD_REQUEST), fault.reason))
            }
            (.., None) => Err((StatusCode::BAD_REQUEST, "Malformed Via")),
            _ => essentials(message, method).map_err(|reason| (StatusCode::BAD_REQUEST, reason)),
        };
        // One answer for whatever a stranger asks: it tells nothing about what is here.
        let read = match self.who(flow) {
            Who::Stranger if self.is_of_our_call(flow, message) => read,
            Who::Stranger => {
                self.turn_away(now, flow, out);
                if self.config.peers.strangers == Strangers::Silence {
                    return;
                }
                Err((StatusCode::FORBIDDEN, StatusCode::FORBIDDEN.reason()))
            }
            Who::Trunk(_) | Who::Private | Who::Unproven => read,
        };
        let step = Now { instant: now, wall: self.wall };
        let control = via.overload.then(|| self.admission.feedback(step));
        match read {
            Ok((from, to, essentials)) => {
                let key = server_key(method, &essentials, &via, uri);
                let request =
                    Request { message, method, uri, via: &via, flow, from, to, essentials, key, proven: None, control };
                self.dispatch(now, request, out);
            }
            // An ACK is never answered.
            Err(_) if method == Method::Ack => {}
            Err((status, reason)) => {
                let tagged = message.value(Name::To).and_then(NameAddr::parse).is_some_and(|to| to.tag().is_some());
                let tag = (!tagged).then(|| self.tag_for(top));
                let head = ResponseHead::new(message, &via, flow, tag, control);
                let lines = if status == StatusCode::NOT_IMPLEMENTED { ALLOW } else { b"" };
                let bytes = head.response(status, reason, &self.config.product, lines, b"");
                out.push(AgentOutput::Transmit { flow: head.flow, bytes });
            }
        }
    }

    fn dispatch(&mut self, now: Instant, mut request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let matched = self.server_index.get(request.key.as_slice()).copied();
        let is_new = matched.is_none() && !matches!(request.method, Method::Ack | Method::Cancel);
        if is_new && self.transactions() < TRANSACTIONS_MAX && !self.is_proven(now, &mut request, out) {
            return;
        }
        match (request.method, matched) {
            (Method::Ack, matched) => self.take_ack(now, &request, matched, out),
            (Method::Cancel, Some(id)) => self.cancel(now, &request, id, out),
            (Method::Cancel, None) => self.refuse(&request, StatusCode::NO_DIALOG, b"", out),
            (_, Some(id)) => self.repeat_server(now, id, out),
            (_, None) if self.transactions() >= TRANSACTIONS_MAX => {}
            (_, None) if request.to.tag().is_some() => self.take_within(now, request, out),
            (Method::Options, None) if self.draining => {
                self.refuse(&request, StatusCode::UNAVAILABLE, &retry_after(), out);
            }
            (Method::Invite, None) => self.take_invite(now, request, out),
            (Method::Options, None) => self.take_options(&request, out),
            (Method::Bye | Method::Info | Method::Update | Method::Notify | Method::Prack, None) => {
                self.refuse(&request, StatusCode::NO_DIALOG, b"", out);
            }
            (
                Method::Refer
                | Method::Register
                | Method::Subscribe
                | Method::Publish
                | Method::Message
                | Method::Other(_),
                None,
            ) => self.refuse(&request, StatusCode::METHOD_NOT_ALLOWED, ALLOW, out),
        }
    }

    /// An answer without a transaction.
    pub(super) fn refuse(
        &self,
        request: &Request<'_, '_>,
        status: StatusCode,
        lines: &[u8],
        out: &mut Vec<AgentOutput>,
    ) {
        let head = request.head(|| self.tag_for(&request.key[1..]));
        let bytes = head.response(status, status.reason(), &self.config.product, lines, b"");
        out.push(AgentOutput::Transmit { flow: head.flow, bytes });
    }

    /// An ACK of a refusal belongs to its transaction, one of a 2xx to its dialog.
    fn take_ack(&mut self, now: Instant, request: &Request<'_, '_>, matched: Option<u64>, out: &mut Vec<AgentOutput>) {
        if let Some(id) = matched {
            // Its number may be that of a 2xx that waits: a re-INVITE with an old CSeq was refused.
            let refused = self.servers.get(&id).is_some_and(ServerEntry::is_refused);
            self.drive_invite(now, id, invite_server::Input::Ack, out);
            if refused {
                return;
            }
        }
        self.acknowledge(now, request, out);
    }

    /// RFC 3261 §9.2: the CANCEL is answered 200 whenever its INVITE is known; it only means something before
    /// our final response.
    fn cancel(&mut self, now: Instant, request: &Request<'_, '_>, id: u64, out: &mut Vec<AgentOutput>) {
        self.refuse(request, StatusCode::OK, b"", out);
        let reason = Reason::read(request.message);
        let Some(key) = self.servers.get(&id).filter(|entry| entry.is_proceeding()).and_then(|entry| entry.dialog)
        else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        match &mut dialog.state {
            State::Early { .. } => {
                self.refuse_early(now, key, StatusCode::TERMINATED, b"", out);
                out.push(AgentOutput::Event(AgentEvent::Cancelled { dialog: key, reason }));
            }
            // A re-INVITE taken back: the session stays as it was.
            State::Live { open, .. } => {
                if let Some(open) = open.take_if(|open| open.transaction == id) {
                    self.refuse_open(now, &open, StatusCode::TERMINATED, b"", out);
                }
            }
            State::Leaving | State::Lingering { .. } => {}
        }
    }

    /// RFC 3261 §11.2. Max-Forwards 0 is for proxies: pings of a large vendor carry it.
    pub(super) fn take_options(&self, request: &Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        if request.to.tag().is_none()
            && let Some((status, lines)) = refusal_of_uri(request).or_else(|| refusal_of_require(request))
        {
            return self.refuse(request, status, &lines, out);
        }
        let mut lines = [ALLOW, ACCEPT, ACCEPT_ENCODING].concat();
        write_supported(&mut lines);
        self.refuse(request, StatusCode::OK, &lines, out);
    }

    fn take_invite(&mut self, now: Instant, request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let merged = merged_key(&request.essentials);
        let timer = Terms::of_request(request.message, self.config.session, None);
        let trunk = request.proven.or_else(|| self.trunk_of(request.flow));
        let replaces = self.replaced(&request, trunk);
        let tag = self.tag_for(&request.key[1..]);
        // A copy of an INVITE whose transaction is gone while its dialog lives can only be a replay.
        let is_merged =
            self.merged_index.contains_key(merged.as_slice()) || self.dialog_index.contains_key(tag.as_bytes());
        let declined = replaces.as_ref().err().copied();
        let full = self.dialogs.len() >= DIALOGS_MAX || self.transactions() >= TRANSACTIONS_FOR_NEW_CALLS;
        let refusal = refusal_of_uri(&request)
            .or_else(|| is_merged.then(|| (StatusCode::LOOP_DETECTED, Vec::new())))
            // After the copies of what came before: whoever read 482 must not read 503 of the same transaction.
            // A call that another dialog takes over is no new one (RFC 3891).
            .or_else(|| {
                (self.draining && matches!(replaces, Ok(None))).then(|| (StatusCode::UNAVAILABLE, retry_after()))
            })
            .or_else(|| refusal_of_require(&request))
            .or_else(|| refusal_of_content(request.message))
            .or_else(|| replaces.err().map(|status| (status, Vec::new())))
            .or_else(|| timer.err().map(|TooSmall| (StatusCode::INTERVAL_TOO_SMALL, self.config.session.min_se())))
            // Without Retry-After: it would stop the whole trunk (RFC 7339 §5.10.2).
            .or_else(|| full.then(|| (StatusCode::UNAVAILABLE, Vec::new())));
        if let Some((status, lines)) = refusal {
            if declined == Some(status) && !full {
                return self.refuse_in_transaction(now, request, merged, status, &lines, out);
            }
            return self.refuse(&request, status, &lines, out);
        }
        let asking = Asking {
            // A merged copy is the same call: its caller was told by the first way that it is not taken.
            invite: self.hash_of(&merged),
            source: Source::new(trunk, request.flow.remote.ip()),
            controlled: request.control.is_some(),
            late: self.overdue,
        };
        let replaces = replaces.ok().flatten();
        let place = match replaces {
            // It will have the place of the call that it takes over.
            Some(_) => None,
            None => match self.admission.admit(Now { instant: now, wall: self.wall }, &asking) {
                Some(place) => Some(place),
                None => return self.refuse(&request, StatusCode::UNAVAILABLE, b"", out),
            },
        };
        let key = DialogKey(self.new_id());
        let head = request.head(|| tag.clone());
        let believed = match trunk {
            Some(trunk) => self.config.peers.trunk(trunk).is_some_and(|trunk| trunk.trusted),
            None => self.config.peers.trunks.is_empty(),
        };
        let Request { message, uri, flow, from, essentials, key: transaction_key, .. } = request;
        let offer = offer(message);
        let timer = timer.ok().flatten();
        let trying = self.trying(message, &head);
        let transaction = self.add_invite_server(transaction_key, Some(merged), head.back(), key, trying, out);
        let invite = Open {
            transaction,
            head,
            invite: true,
            initial: true,
            late_offer: offer.is_none(),
            cseq: essentials.cseq,
            contact: None,
            timer,
        };
        let mut dialog = Dialog::new(message, &from, flow, &tag, invite);
        dialog.trunk = trunk;
        let (reliable, early_media) = match &dialog.state {
            State::Early { progress, .. } => (progress.reliability == Reliability::Reliable, progress.early_media),
            State::Live { .. } | State::Leaving | State::Lingering { .. } => (false, false),
        };
        let trunk_early_media =
            trunk.and_then(|trunk| self.config.peers.trunk(trunk)).is_some_and(|trunk| trunk.early_media);
        (dialog.place, dialog.replaces) = (place, replaces);
        dialog.route(self.config.answers_public());
        self.add_dialog(key, dialog);
        if trunk.is_some() {
            self.find_next_hop(now, key, out);
        }
        out.push(AgentOutput::Event(AgentEvent::Invite(Box::new(Invite {
            dialog: key,
            flow,
            call_id: printable(essentials.call_id),
            dialled: Dialled::new(&user_of(uri)),
            trunk,
            identity: Identity::read(message, from.uri, believed),
            offer,
            replaces,
            reliable,
            early_media: early_media || trunk_early_media,
        }))));
    }

    /// A refusal whose reason may be another when the INVITE comes again: its transaction keeps it (RFC 3261 §17.2.1).
    fn refuse_in_transaction(
        &mut self,
        now: Instant,
        request: Request<'_, '_>,
        merged: Vec<u8>,
        status: StatusCode,
        lines: &[u8],
        out: &mut Vec<AgentOutput>,
    ) {
        let head = request.head(|| self.tag_for(&request.key[1..]));
        let trying = self.trying(request.message, &head);
        let nobody = DialogKey(self.new_id());
        let bytes = head.response(status, status.reason(), &self.config.product, lines, b"");
        let id = self.add_invite_server(request.key, Some(merged), head.back(), nobody, trying, out);
        self.drive_invite(now, id, invite_server::Input::Refusal(bytes), out);
    }

    /// The trunk a peer has proved to be.
    fn trunk_of(&self, flow: Flow) -> Option<TrunkId> {
        match self.who(flow) {
            Who::Trunk(trunk) => Some(trunk),
            Who::Private | Who::Unproven | Who::Stranger => None,
        }
    }

    /// The 100, with the Timestamp it must repeat (RFC 3261 §8.2.6.1).
    pub(super) fn trying(&self, message: &Message<'_>, head: &ResponseHead) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(value) = message.value(Name::Timestamp) {
            write_header(&mut lines, b"Timestamp: ", value);
        }
        head.response(StatusCode::TRYING, "Trying", &self.config.product, &lines, b"")
    }
}

/// Whoever speaks no overload control may stop a whole trunk when it reads this (RFC 7339 §5.10.2): wanted when we go.
fn retry_after() -> Vec<u8> {
    let mut line = b"Retry-After: ".to_vec();
    write_number(&mut line, DRAIN_RETRY_AFTER.as_secs());
    line.extend_from_slice(b"\r\n");
    line
}

/// The session description, if there is one that can be read.
pub(super) fn offer(message: &Message<'_>) -> Option<Vec<u8>> {
    body::session(message).ok().flatten().map(<[u8]>::to_vec)
}

/// Text for logs and records: no controls, so that no peer writes lines into them.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn user_of(uri: &[u8]) -> String {
    UriView::parse(uri).map(|view| view.user_unescaped()).unwrap_or_default()
}

type Addresses<'m> = (NameAddr<'m>, NameAddr<'m>, Essentials<'m>);

/// From, To, Call-ID and CSeq, or what is wrong with them.
fn essentials<'m>(message: &Message<'m>, method: Method<'m>) -> Result<Addresses<'m>, &'static str> {
    let from = message.value(Name::From).ok_or("Missing From")?;
    let from = NameAddr::parse(from).ok_or("Malformed From")?;
    let to = message.value(Name::To).ok_or("Missing To")?;
    let to = NameAddr::parse(to).ok_or("Malformed To")?;
    let call_id = message.value(Name::CallId).filter(|id| !id.is_empty()).ok_or("Missing Call-ID")?;
    let (number, named) = cseq(message.value(Name::CSeq).ok_or("Missing CSeq")?).ok_or("Malformed CSeq")?;
    if Method::from_bytes(named) != method {
        return Err("CSeq method does not match");
    }
    let from_tag = from.tag().unwrap_or_default();
    Ok((from, to, Essentials { call_id, cseq: number, from_tag }))
}

type Refusal = Option<(StatusCode, Vec<u8>)>;

fn refusal_of_uri(request: &Request<'_, '_>) -> Refusal {
    match UriView::parse(request.uri) {
        Ok(_) => None,
        Err(UriFault::UnknownScheme) => Some((StatusCode::UNSUPPORTED_SCHEME, Vec::new())),
        Err(UriFault::Malformed) => Some((StatusCode::BAD_REQUEST, Vec::new())),
    }
}

/// Exactly what is required and not supported. Proxy-Require is for proxies.
pub(super) fn refusal_of_require(request: &Request<'_, '_>) -> Refusal {
    let mut lines = Vec::new();
    let known = |tag: &[u8]| SUPPORTED.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes()));
    for tag in request.message.values(Name::Require).flat_map(elements).filter(|tag| !known(tag)) {
        write_header(&mut lines, b"Unsupported: ", tag);
    }
    (!lines.is_empty()).then_some((StatusCode::BAD_EXTENSION, lines))
}

/// A body must hold a session description if it must be understood at all; and the peer must take SDP back.
pub(super) fn refusal_of_content(message: &Message<'_>) -> Refusal {
    match body::session(message) {
        Ok(_) => {}
        Err(Unusable::Type) => return Some((StatusCode::UNSUPPORTED_MEDIA, ACCEPT.to_vec())),
        Err(Unusable::Encoding) => return Some((StatusCode::UNSUPPORTED_MEDIA, ACCEPT_ENCODING.to_vec())),
    }
    let is = |value: &[u8], wanted: &str| before_params(value).eq_ignore_ascii_case(wanted.as_bytes());
    let mut accepts = message.values(Name::Accept).flat_map(elements).peekable();
    let takes_sdp = accepts.peek().is_none()
        || accepts.any(|value| is(value, "application/sdp") || is(value, "application/*") || is(value, "*/*"));
    (!takes_sdp).then(|| (StatusCode::ACCEPT_NOT_MET, ACCEPT.to_vec()))
}
