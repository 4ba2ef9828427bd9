//! The writer of SIP messages (RFC 3261 §7, §8.2.6).
//!
//! Responses echo bytes of the request, unfolded; requests are built by `dialog`. Every message carries its
//! Content-Length, so that one writer serves datagrams and streams.

use crate::sip::admission::feedback::Control;
use crate::sip::flow::{Flow, Transport};
use crate::sip::header::{Params, Via, elements};
use crate::sip::reader::{Message, Name};
use crate::sip::status::StatusCode;
use std::io::Write;

/// The methods we accept in `Allow`. REFER is not among them: we send it, nobody may send us away.
pub const ALLOW: &[u8] = b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, PRACK\r\n";
/// The extensions we speak (RFC 3261 §20.37).
pub const SUPPORTED: &[&str] = &["100rel", "norefersub", "replaces", "timer", "uui"];
/// Bodies we take.
pub const ACCEPT: &[u8] = b"Accept: application/sdp, multipart/mixed\r\n";
/// Encodings of bodies we take.
pub const ACCEPT_ENCODING: &[u8] = b"Accept-Encoding: identity\r\n";
/// The user part of our Contact.
const CONTACT_USER: &str = "1357";
/// Most messages without a body fit.
const USUAL_BYTES: usize = 512;

/// What a response repeats of its request (RFC 3261 §8.2.6.2), written once and used for 100, 487 or 200.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// Via, From, Call-ID, CSeq, and To without its line end.
    bytes: Vec<u8>,
    /// The tag to add to To; `None` when the request brought one, or had no To.
    tag: Option<String>,
    /// Where the transport wants the answer (RFC 3261 §18.2.2, RFC 3581).
    pub flow: Flow,
    /// The port for a new connection, should that of the request end before its answer.
    sent_by: u16,
}

/// The way back to whoever asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Back {
    /// The way its request came.
    pub flow: Flow,
    sent_by: u16,
}

impl Back {
    /// Once the connection has ended: the port it came from is nobody's, that of sent-by is listened at (RFC 3261 §18.2.2).
    pub fn anew(self) -> Flow {
        let mut flow = self.flow;
        flow.remote.set_port(self.sent_by);
        Flow { connection: 0, ..flow }
    }
}

impl ResponseHead {
    /// From the request; `via` is its topmost, and `control` what that peer hears of our overload, if it wants to.
    pub fn new(
        message: &Message<'_>,
        via: &Via<'_>,
        flow: Flow,
        tag: Option<String>,
        control: Option<Control>,
    ) -> Self {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut top = true;
        for value in message.values(Name::Via) {
            for element in elements(value) {
                bytes.extend_from_slice(b"Via: ");
                if top {
                    let begin = bytes.len();
                    write_top_via(&mut bytes, via, flow);
                    if let Some(control) = control {
                        write_overload(&mut bytes, begin, control);
                    }
                    top = false;
                } else {
                    write_unfolded(&mut bytes, element);
                }
                bytes.extend_from_slice(b"\r\n");
            }
        }
        for (label, name) in [(&b"From: "[..], Name::From), (b"Call-ID: ", Name::CallId), (b"CSeq: ", Name::CSeq)] {
            if let Some(value) = message.value(name) {
                write_header(&mut bytes, label, value);
            }
        }
        let tag = match message.value(Name::To) {
            Some(value) => {
                bytes.extend_from_slice(b"To: ");
                write_unfolded(&mut bytes, value);
                tag
            }
            None => None,
        };
        let sent_by = via.port.unwrap_or_else(|| flow.transport.port());
        Self { bytes, tag, flow: reply_flow(via, flow), sent_by }
    }

    /// The way back.
    pub fn back(&self) -> Back {
        Back { flow: self.flow, sent_by: self.sent_by }
    }

    /// A response: `lines` are whole header lines, `body` is SDP.
    pub fn response(&self, status: StatusCode, reason: &str, server: &str, lines: &[u8], body: &[u8]) -> Vec<u8> {
        let room = self.bytes.len() + lines.len() + body.len() + server.len() + 128;
        let mut out = Vec::with_capacity(room);
        out.extend_from_slice(b"SIP/2.0 ");
        write_number(&mut out, u64::from(status.code()));
        out.push(b' ');
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.bytes);
        if !self.bytes.ends_with(b"\r\n") {
            // 100 answers the hop, not the dialog (RFC 3261 §8.2.6.2: it may go without a tag).
            if let Some(tag) = self.tag.as_deref().filter(|_| status != StatusCode::TRYING) {
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(tag.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        write_header(&mut out, b"Server: ", server.as_bytes());
        out.extend_from_slice(lines);
        finish(&mut out, body);
        out
    }
}

/// Ends the headers and adds the body, which is SDP unless a Content-Type line was written before.
fn finish(out: &mut Vec<u8>, body: &[u8]) {
    if !body.is_empty() {
        out.extend_from_slice(b"Content-Type: application/sdp\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    write_number(out, body.len() as u64);
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

/// What a request of ours says.
pub struct RequestParts<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a [u8],
    /// Where it leaves.
    pub flow: Flow,
    /// The branch of our Via.
    pub branch: &'a str,
    /// Further parameters of it, each with its semicolon.
    pub via: &'a [u8],
    /// Whole `Route:` lines.
    pub routes: &'a [u8],
    /// The From value.
    pub from: &'a [u8],
    /// The To value.
    pub to: &'a [u8],
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// User-Agent.
    pub product: &'a str,
    /// Whole further header lines.
    pub lines: &'a [u8],
    /// SDP, or nothing.
    pub body: &'a [u8],
}

/// A request.
pub fn request(parts: &RequestParts<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_BYTES + parts.lines.len() + parts.routes.len() + parts.body.len());
    out.extend_from_slice(parts.method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(parts.uri);
    out.extend_from_slice(b" SIP/2.0\r\nVia: SIP/2.0/");
    write!(out, "{} {}", parts.flow.transport.name(), parts.flow.local).expect("a Vec takes every write");
    out.extend_from_slice(b";rport;branch=");
    out.extend_from_slice(parts.branch.as_bytes());
    out.extend_from_slice(parts.via);
    out.extend_from_slice(b"\r\nMax-Forwards: 70\r\n");
    out.extend_from_slice(parts.routes);
    write_header(&mut out, b"From: ", parts.from);
    write_header(&mut out, b"To: ", parts.to);
    write_header(&mut out, b"Call-ID: ", parts.call_id);
    out.extend_from_slice(b"CSeq: ");
    write_number(&mut out, u64::from(parts.cseq));
    out.push(b' ');
    out.extend_from_slice(parts.method.as_bytes());
    out.extend_from_slice(b"\r\n");
    write_contact(&mut out, parts.flow);
    write_header(&mut out, b"User-Agent: ", parts.product.as_bytes());
    out.extend_from_slice(parts.lines);
    finish(&mut out, parts.body);
    out
}

/// `Contact: <sip:1357@address>`, with the transport when it is not UDP.
pub fn write_contact(out: &mut Vec<u8>, flow: Flow) {
    let transport = match flow.transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    };
    write!(out, "Contact: <sip:{CONTACT_USER}@{}{transport}>\r\n", flow.local).expect("a Vec takes every write");
}

/// `Supported: …`.
pub fn write_supported(out: &mut Vec<u8>) {
    for (at, tag) in SUPPORTED.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"Supported: " } else { b", " });
        out.extend_from_slice(tag.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// `label` (with its colon and space), the value unfolded, and the line end.
pub fn write_header(out: &mut Vec<u8>, label: &[u8], value: &[u8]) {
    out.extend_from_slice(label);
    write_unfolded(out, value);
    out.extend_from_slice(b"\r\n");
}

/// CR and LF become spaces: what was one header for us must stay one header for the peer.
fn write_unfolded(out: &mut Vec<u8>, value: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(value);
    for byte in &mut out[begin..] {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
}

/// The topmost Via with where it really came from (RFC 3261 §18.2.1, RFC 3581 §4).
fn write_top_via(out: &mut Vec<u8>, via: &Via<'_>, flow: Flow) {
    match via.rport_end {
        Some(end) => {
            write_unfolded(out, &via.raw[..end]);
            out.push(b'=');
            write_number(out, u64::from(flow.remote.port()));
            write_unfolded(out, &via.raw[end..]);
        }
        None => write_unfolded(out, via.raw),
    }
    let source = flow.remote.ip();
    if !via.received && (via.rport || crate::sip::uri::host_ip(via.host) != Some(source)) {
        write!(out, ";received={source}").expect("a Vec takes every write");
    }
}

/// Puts our words in the place of those that offered overload control (RFC 7339 §4): the Via begins at `begin`.
fn write_overload(out: &mut Vec<u8>, begin: usize, control: Control) {
    let via = out.split_off(begin);
    let end = via.iter().position(|&byte| byte == b';').unwrap_or(via.len());
    out.extend_from_slice(&via[..end]);
    for (name, value) in Params(&via[end..]).iter() {
        if [&b"oc"[..], b"oc-algo", b"oc-validity", b"oc-seq"].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            continue;
        }
        out.push(b';');
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
    control.write(out);
}

/// Over UDP: with `rport` back to the very source, else to the source address and the port of sent-by.
fn reply_flow(via: &Via<'_>, flow: Flow) -> Flow {
    let mut reply = flow;
    if !flow.transport.is_stream() && !via.rport {
        reply.remote.set_port(via.port.unwrap_or(5060));
    }
    reply
}

/// A number in decimal, without the machinery of `format!`: it stands in every message several times.
pub fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
