//! The reader of SIP messages (RFC 3261 §7, §25): one pass over the bytes, views instead of copies.
//!
//! Headers are bytes: display names arrive in UTF-8, in EUC-KR and with NULs in them. A value keeps its folds;
//! whoever reads it treats CR and LF as white space, and the writer unfolds what it echoes. What is wrong with
//! a message is noted in [`Message::fault`] instead of ending the reading, because a request that is answered
//! 400 still needs its Via. The meaning of single headers is in `header`; the cutting of streams in `framing`.

use crate::limits::{BODY_BYTES_MAX, HEADER_LINE_BYTES_MAX, HEADERS_MAX, VIAS_MAX};
use crate::sip::header::{elements, trim};
use crate::sip::status::StatusCode;
use memchr::{memchr, memchr_iter};
use std::ops::Range;

/// How the end of the body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    /// A datagram ends by itself: Content-Length may be missing, and octets behind it do not count.
    Datagram,
    /// On a stream only Content-Length tells (RFC 3261 §18.3).
    Stream,
}

/// The methods we know by name (RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names say it
pub enum Method<'a> {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Info,
    Update,
    Notify,
    Refer,
    Prack,
    Register,
    Subscribe,
    Publish,
    Message,
    /// Any other token; methods are case-sensitive (RFC 3261 §7.1).
    Other(&'a [u8]),
}

impl<'a> Method<'a> {
    /// From its name on the wire.
    pub fn from_bytes(name: &'a [u8]) -> Self {
        match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"INFO" => Self::Info,
            b"UPDATE" => Self::Update,
            b"NOTIFY" => Self::Notify,
            b"REFER" => Self::Refer,
            b"PRACK" => Self::Prack,
            b"REGISTER" => Self::Register,
            b"SUBSCRIBE" => Self::Subscribe,
            b"PUBLISH" => Self::Publish,
            b"MESSAGE" => Self::Message,
            other => Self::Other(other),
        }
    }
}

/// The headers we look at; everything else is [`Name::Other`] and never a reason for a 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names say it
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    ContentLength,
    ContentType,
    ContentEncoding,
    Contact,
    Route,
    RecordRoute,
    Require,
    Supported,
    Allow,
    Accept,
    ContentDisposition,
    ContentTransferEncoding,
    Event,
    SubscriptionState,
    Timestamp,
    AssertedIdentity,
    Privacy,
    Diversion,
    HistoryInfo,
    UserToUser,
    Reason,
    RAck,
    SessionExpires,
    MinSe,
    Replaces,
    ReferSub,
    EarlyMedia,
    RSeq,
    RetryAfter,
    Expires,
    MinExpires,
    ServiceRoute,
    WwwAuthenticate,
    ProxyAuthenticate,
    Authorization,
    ProxyAuthorization,
    Other,
}

/// How many names there are, for the table of first occurrences.
const NAMES: usize = Name::Other as usize + 1;

impl Name {
    /// From a header name in any case, long or compact (RFC 3261 §7.3.3).
    fn from_bytes(name: &[u8]) -> Self {
        let mut lower = [0u8; 25];
        let Some(lower) = lower.get_mut(..name.len()) else { return Self::Other };
        for (lower, byte) in lower.iter_mut().zip(name) {
            *lower = byte.to_ascii_lowercase();
        }
        match &*lower {
            b"via" | b"v" => Self::Via,
            b"from" | b"f" => Self::From,
            b"to" | b"t" => Self::To,
            b"call-id" | b"i" => Self::CallId,
            b"cseq" => Self::CSeq,
            b"content-length" | b"l" => Self::ContentLength,
            b"content-type" | b"c" => Self::ContentType,
            b"content-encoding" | b"e" => Self::ContentEncoding,
            b"contact" | b"m" => Self::Contact,
            b"route" => Self::Route,
            b"record-route" => Self::RecordRoute,
            b"require" => Self::Require,
            b"supported" | b"k" => Self::Supported,
            b"allow" => Self::Allow,
            b"accept" => Self::Accept,
            b"content-disposition" => Self::ContentDisposition,
            b"content-transfer-encoding" => Self::ContentTransferEncoding,
            b"event" | b"o" => Self::Event,
            b"subscription-state" => Self::SubscriptionState,
            b"timestamp" => Self::Timestamp,
            b"p-asserted-identity" => Self::AssertedIdentity,
            b"privacy" => Self::Privacy,
            b"diversion" => Self::Diversion,
            b"history-info" => Self::HistoryInfo,
            b"user-to-user" => Self::UserToUser,
            b"reason" => Self::Reason,
            b"rack" => Self::RAck,
            b"session-expires" | b"x" => Self::SessionExpires,
            b"min-se" => Self::MinSe,
            b"replaces" => Self::Replaces,
            b"refer-sub" => Self::ReferSub,
            b"p-early-media" => Self::EarlyMedia,
            b"rseq" => Self::RSeq,
            b"retry-after" => Self::RetryAfter,
            b"expires" => Self::Expires,
            b"min-expires" => Self::MinExpires,
            b"service-route" => Self::ServiceRoute,
            b"www-authenticate" => Self::WwwAuthenticate,
            b"proxy-authenticate" => Self::ProxyAuthenticate,
            b"authorization" => Self::Authorization,
            b"proxy-authorization" => Self::ProxyAuthorization,
            _ => Self::Other,
        }
    }
}

/// The first line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start<'a> {
    /// `INVITE sip:1357@host SIP/2.0`.
    Request {
        /// The method.
        method: Method<'a>,
        /// The Request-URI as written.
        uri: &'a [u8],
        /// The version is 2.0; any other is answered 505.
        version_2: bool,
    },
    /// `SIP/2.0 200 OK`.
    Response {
        /// The code.
        status: StatusCode,
    },
}

/// What is wrong with a message, as the answer says it (RFC 3261 §21.4.1 wants the reason phrase to tell).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// 400 or 413.
    pub status: u16,
    /// The reason phrase.
    pub reason: &'static str,
}

const TOO_LARGE: Fault = Fault { status: 413, reason: "Body too large" };

impl Fault {
    const fn bad(reason: &'static str) -> Self {
        Self { status: 400, reason }
    }
}

#[derive(Clone, Copy, Debug)]
struct Header<'a> {
    name: Name,
    value: &'a [u8],
}

/// A message, as views into its bytes.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The first line.
    pub start: Start<'a>,
    /// The body.
    pub body: &'a [u8],
    /// The first thing found wrong.
    pub fault: Option<Fault>,
    headers: Vec<Header<'a>>,
    /// For each name, the index of its first header plus one.
    first: [u16; NAMES],
}

impl<'a> Message<'a> {
    /// Reads one message; `None` when the first line is not SIP, so that nothing could be answered.
    pub fn read(bytes: &'a [u8], framing: Framing) -> Option<Self> {
        // RFC 3261 §7.5: empty lines before the first line are ignored.
        let mut at = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
        let (line, next) = next_line(bytes, at)?;
        let (start, fault) = Start::read(line)?;
        at = next;
        let mut message = Self { start, body: &[], fault, headers: Vec::with_capacity(24), first: [0; NAMES] };
        let ended = message.read_headers(bytes, &mut at);
        if !ended {
            message.note(Fault::bad("No empty line after the headers"));
        }
        message.read_body(bytes.get(at..).unwrap_or_default(), framing);
        message.check_vias();
        Some(message)
    }

    /// The headers up to and including the empty line; false when it is missing.
    fn read_headers(&mut self, bytes: &'a [u8], at: &mut usize) -> bool {
        // Where the value of the header being read began; `None` behind a line that is no header.
        let mut open: Option<usize> = None;
        // What its folds made of it. It is cut out once, when they end: a thousand folds are not a thousand cuts.
        let mut folded: Option<Range<usize>> = None;
        let ended = loop {
            let Some((line, next)) = next_line(bytes, *at) else { break false };
            let begin = *at;
            *at = next;
            let Some(&first) = line.first() else { break true };
            if first == b' ' || first == b'\t' {
                // RFC 3261 §7.3.1: a line that begins with white space continues the value.
                if let Some(value_at) = open {
                    let value = value_at..begin + line.len();
                    if value.len() > HEADER_LINE_BYTES_MAX {
                        self.note(Fault::bad("Header too long"));
                    }
                    folded = Some(value);
                }
                continue;
            }
            self.unfold(bytes, folded.take());
            open = self.read_header(line).map(|value_at| begin + value_at);
        };
        self.unfold(bytes, folded);
        ended
    }

    /// One header line; where its value begins, if it is one and there is room for it.
    fn read_header(&mut self, line: &'a [u8]) -> Option<usize> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        if line.len() > HEADER_LINE_BYTES_MAX {
            self.note(Fault::bad("Header too long"));
        }
        if self.headers.len() >= HEADERS_MAX {
            self.note(Fault::bad("Too many headers"));
            return None;
        }
        self.add(Name::from_bytes(trim(&line[..colon])), trim(&line[colon + 1..]));
        Some(colon + 1)
    }

    fn unfold(&mut self, bytes: &'a [u8], folded: Option<Range<usize>>) {
        if let (Some(value), Some(header)) = (folded, self.headers.last_mut()) {
            header.value = trim(&bytes[value]);
        }
    }

    fn add(&mut self, name: Name, value: &'a [u8]) {
        self.headers.push(Header { name, value });
        let first = &mut self.first[name as usize];
        if *first == 0 {
            *first = self.headers.len() as u16;
            return;
        }
        match name {
            Name::CSeq => self.note(Fault::bad("Duplicate CSeq")),
            Name::CallId => self.note(Fault::bad("Duplicate Call-ID")),
            Name::From => self.note(Fault::bad("Duplicate From")),
            Name::To => self.note(Fault::bad("Duplicate To")),
            _ => {}
        }
    }

    fn read_body(&mut self, rest: &'a [u8], framing: Framing) {
        match content_length(self.values(Name::ContentLength)) {
            Err(fault) => self.note(fault),
            Ok(None) if framing == Framing::Datagram => self.body = rest,
            Ok(None) => self.note(Fault::bad("Missing Content-Length")),
            Ok(Some(length)) => match rest.get(..length) {
                Some(body) => self.body = body,
                // What is cut off a stream by its length has not come yet; nobody waits for so much (RFC 3261 §21.4.11).
                None if framing == Framing::Stream && length > BODY_BYTES_MAX => self.note(TOO_LARGE),
                None => self.note(Fault::bad("Content-Length exceeds the message")),
            },
        }
        if self.body.len() > BODY_BYTES_MAX {
            self.note(TOO_LARGE);
        }
    }

    fn check_vias(&mut self) {
        // Commas are an upper bound that is quickly counted; those in quotes and brackets are told apart only beyond it.
        let bound: usize = self.values(Name::Via).map(|value| 1 + memchr_iter(b',', value).count()).sum();
        if bound > VIAS_MAX && self.values(Name::Via).flat_map(elements).take(VIAS_MAX + 1).count() > VIAS_MAX {
            self.note(Fault::bad("Too many Vias"));
        }
    }

    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// The value of the first header of this name, trimmed; folds are still in it.
    pub fn value(&self, name: Name) -> Option<&'a [u8]> {
        let index = usize::from(self.first[name as usize]).checked_sub(1)?;
        self.headers.get(index).map(|header| header.value)
    }

    /// The values of every header of this name, in order.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + '_ {
        // Names that do not occur cost nothing; the others are sought from their first place on.
        let from = match usize::from(self.first[name as usize]) {
            0 => self.headers.len(),
            first => first - 1,
        };
        self.headers[from..].iter().filter(move |header| header.name == name).map(|header| header.value)
    }
}

impl<'a> Start<'a> {
    fn read(line: &'a [u8]) -> Option<(Self, Option<Fault>)> {
        let space = line.iter().position(|&byte| byte == b' ')?;
        let (first, rest) = (&line[..space], trim(&line[space..]));
        if is_version_2(first) {
            // Exactly three digits: 4294967301 must not wrap round to 5 (RFC 4475 §3.1.2.19).
            let digits = rest.split(|&byte| byte == b' ').next()?;
            let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9'] = digits else { return None };
            let code = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
            return Some((Self::Response { status: StatusCode::new(code)? }, None));
        }
        let space = rest.iter().rposition(|&byte| byte == b' ')?;
        let (uri, version) = (trim(&rest[..space]), &rest[space + 1..]);
        if first.is_empty() || !version.get(..4)?.eq_ignore_ascii_case(b"SIP/") {
            return None;
        }
        let fault = uri
            .iter()
            .any(|byte| matches!(byte, b' ' | b'\t' | b'<' | b'>' | b'"'))
            .then_some(Fault::bad("Malformed Request-URI"));
        let start = Self::Request { method: Method::from_bytes(first), uri, version_2: is_version_2(version) };
        Some((start, fault))
    }
}

fn is_version_2(version: &[u8]) -> bool {
    version.eq_ignore_ascii_case(b"SIP/2.0")
}

/// The line that begins at `at`, without its end, and where the next one begins. A line ends with LF, and one
/// CR before it goes too; a CR elsewhere is part of the line. A last line without an end counts as a line.
fn next_line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let (line, next) = match memchr(b'\n', rest) {
        Some(end) => (&rest[..end], at + end + 1),
        None => return Some((rest, bytes.len())),
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

/// The one decision about Content-Length, for datagrams and streams alike: digits only, equal duplicates are one,
/// anything else is a 400. Two readers that disagree here let a second message be smuggled in.
pub fn content_length<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Option<usize>, Fault> {
    let mut length = None;
    for value in values {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Fault::bad("Malformed Content-Length"));
        }
        let number = value
            .iter()
            .fold(0usize, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        if length.is_some_and(|before| before != number) {
            return Err(Fault::bad("Conflicting Content-Length"));
        }
        length = Some(number);
    }
    Ok(length)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
