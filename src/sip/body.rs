//! What a body is to us (RFC 3261 §20.11, RFC 5621): the session description in it, whatever it is wrapped in.
//!
//! Trunks of telephone exchanges send `multipart/mixed` with SDP and ISUP in it (RFC 3372). A part that we do not know
//! is passed over unless it says `handling=required`: RFC 3204 means some of them to be required without a word, and a
//! call that could be answered is not refused for that.

use crate::limits::BODY_PARTS_MAX;
use crate::sip::header::{before_params, elements, params, trim};
use crate::sip::reader::{Message, Name};

/// Why a body cannot be taken: 415 with one of these in the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// A type that we do not read, or a disposition that we do not know.
    Type,
    /// It is compressed or wrapped in another encoding.
    Encoding,
}

/// The session description of a message; `None` when it brings none.
pub fn session<'a>(message: &Message<'a>) -> Result<Option<&'a [u8]>, Unusable> {
    if message.body.is_empty() {
        return Ok(None);
    }
    if message.values(Name::ContentEncoding).flat_map(elements).any(|value| !is(value, "identity")) {
        return Err(Unusable::Encoding);
    }
    let part = Part {
        // A body without a type is SDP in every case seen.
        content_type: message.value(Name::ContentType).unwrap_or(b"application/sdp"),
        disposition: message.value(Name::ContentDisposition),
        transfer_encoding: message.value(Name::ContentTransferEncoding),
        encoded: false,
        body: message.body,
    };
    if is_multipart(part.content_type) {
        return inside(&part);
    }
    match part.use_of() {
        Use::Session => part.plain().map(Some),
        Use::Nothing { required: Some(false) } => Ok(None),
        Use::Nothing { .. } => Err(Unusable::Type),
    }
}

/// A body or one part of it.
struct Part<'a> {
    content_type: &'a [u8],
    disposition: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    encoded: bool,
    body: &'a [u8],
}

/// What a part is good for.
enum Use {
    Session,
    /// Nothing to us; whether the peer insists that we understand it.
    Nothing {
        required: Option<bool>,
    },
}

impl<'a> Part<'a> {
    fn use_of(&self) -> Use {
        let disposition = self.disposition.map(before_params).unwrap_or(b"session");
        let describes = is(self.content_type, "application/sdp") && disposition.eq_ignore_ascii_case(b"session");
        if describes {
            return Use::Session;
        }
        let handling = self.disposition.and_then(|value| params(value).get("handling"));
        Use::Nothing { required: handling.map(|value| !value.eq_ignore_ascii_case(b"optional")) }
    }

    /// The description itself, if nothing is wrapped round it.
    fn plain(&self) -> Result<&'a [u8], Unusable> {
        let plain = |value: &[u8]| ["binary", "8bit", "7bit"].iter().any(|known| is(value, known));
        match self.transfer_encoding {
            _ if self.encoded => Err(Unusable::Encoding),
            Some(value) if !plain(value) => Err(Unusable::Encoding),
            _ => Ok(self.body),
        }
    }
}

/// The first description among the parts.
fn inside<'a>(whole: &Part<'a>) -> Result<Option<&'a [u8]>, Unusable> {
    let boundary = params(whole.content_type).get("boundary").ok_or(Unusable::Type)?;
    let boundary = boundary.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(boundary);
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(Unusable::Type);
    }
    let mut found = None;
    for part in parts(whole.body, boundary).take(BODY_PARTS_MAX) {
        match part.use_of() {
            Use::Session if found.is_none() => found = Some(part.plain()?),
            Use::Session | Use::Nothing { required: Some(false) | None } => {}
            Use::Nothing { required: Some(true) } => return Err(Unusable::Type),
        }
    }
    Ok(found)
}

/// The parts between the delimiters (RFC 2046 §5.1.1), each with the headers that matter.
fn parts<'a>(body: &'a [u8], boundary: &'a [u8]) -> impl Iterator<Item = Part<'a>> {
    let mut rest = delimited(body, boundary).map(|(_, rest)| rest);
    std::iter::from_fn(move || {
        let now = rest?;
        // `--boundary--` closes the list.
        if now.starts_with(b"--") {
            return None;
        }
        let (part, after) = delimited(now, boundary)?;
        rest = Some(after);
        Some(read_part(part))
    })
}

/// What stands before the next delimiter, and what behind it.
fn delimited<'a>(bytes: &'a [u8], boundary: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.windows(2).position(|two| two == b"--")?;
        let begins_line = at == 0 || bytes[at - 1] == b'\n';
        if begins_line && bytes[at + 2..].starts_with(boundary) {
            let part = bytes[..at].strip_suffix(b"\n").unwrap_or(&bytes[..at]);
            return Some((part.strip_suffix(b"\r").unwrap_or(part), &bytes[at + 2 + boundary.len()..]));
        }
        from = at + 1;
    }
}

/// Headers up to an empty line, then the body. A part without headers is text (RFC 2046 §5.1), so nothing to us.
fn read_part(bytes: &[u8]) -> Part<'_> {
    let mut part =
        Part { content_type: b"text/plain", disposition: None, transfer_encoding: None, encoded: false, body: b"" };
    // What follows the boundary in its line is white space.
    let mut at = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = trim(&rest[..end]);
        at += (end + 1).min(rest.len());
        if line.is_empty() {
            part.body = &bytes[at..];
            break;
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = (trim(&line[..colon]), trim(&line[colon + 1..]));
        match name {
            name if name.eq_ignore_ascii_case(b"content-type") || name.eq_ignore_ascii_case(b"c") => {
                part.content_type = value;
            }
            name if name.eq_ignore_ascii_case(b"content-disposition") => part.disposition = Some(value),
            name if name.eq_ignore_ascii_case(b"content-transfer-encoding") => part.transfer_encoding = Some(value),
            name if name.eq_ignore_ascii_case(b"content-encoding") || name.eq_ignore_ascii_case(b"e") => {
                part.encoded = !is(value, "identity");
            }
            _ => {}
        }
    }
    part
}

fn is(value: &[u8], wanted: &str) -> bool {
    before_params(value).eq_ignore_ascii_case(wanted.as_bytes())
}

fn is_multipart(content_type: &[u8]) -> bool {
    is(content_type, "multipart/mixed") || is(content_type, "multipart/alternative")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::reader::Framing;

    fn read(headers: &str, body: &str) -> Result<Option<String>, Unusable> {
        let text = format!("INVITE sip:1357@h SIP/2.0\r\n{headers}\r\n\r\n{body}");
        let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
        session(&message).map(|found| found.map(|sdp| String::from_utf8_lossy(sdp).into_owned()))
    }

    #[test]
    fn a_plain_body_is_a_description_or_nothing_or_refused() {
        for (headers, found) in [
            ("Content-Type: application/sdp", Ok(Some("v=0"))),
            ("c: Application/SDP;charset=utf-8", Ok(Some("v=0"))),
            ("Subject: no type", Ok(Some("v=0"))),
            ("Content-Type: application/sdp\r\nContent-Disposition: session;handling=optional", Ok(Some("v=0"))),
            ("Content-Type: application/sdp\r\nContent-Disposition: early-session", Err(Unusable::Type)),
            ("Content-Type: application/sdp\r\nContent-Disposition: early-session;handling=optional", Ok(None)),
            ("Content-Type: text/plain", Err(Unusable::Type)),
            ("Content-Type: text/plain\r\nContent-Disposition: render;handling=optional", Ok(None)),
            ("Content-Type: application/sdp\r\nContent-Encoding: gzip", Err(Unusable::Encoding)),
            ("Content-Type: application/sdp\r\nContent-Encoding: identity", Ok(Some("v=0"))),
            ("Content-Type: application/sdp\r\nContent-Language: ko", Ok(Some("v=0"))),
            ("Content-Type: multipart/mixed", Err(Unusable::Type)),
        ] {
            assert_eq!(read(headers, "v=0"), found.map(|found| found.map(str::to_owned)), "{headers}");
        }
        assert_eq!(read("Content-Type: text/plain", ""), Ok(None), "nothing is of any type");
    }

    #[test]
    fn the_description_is_found_among_the_parts() {
        let isup = "Content-Type: application/ISUP;version=itu-t92+\r\nContent-Disposition: signal";
        let sdp = "Content-Type: application/sdp\r\n\r\nv=0\r\nm=audio";
        for (body, found) in [
            (format!("--x\r\n{sdp}\r\n--x\r\n{isup}\r\n\r\n\u{1}\u{2}--y\r\n--x--\r\n"), Ok(Some("v=0\r\nm=audio"))),
            (
                format!("preamble\r\n--x \r\n{isup};handling=optional\r\n\r\nA\r\n--x\r\n{sdp}\r\n--x--"),
                Ok(Some("v=0\r\nm=audio")),
            ),
            (format!("--x\r\n{isup};handling=required\r\n\r\nA\r\n--x\r\n{sdp}\r\n--x--"), Err(Unusable::Type)),
            ("--x\nc: application/sdp\n\nv=0\n--x--".to_owned(), Ok(Some("v=0"))),
            ("--x\r\n\r\nv=0\r\n--x--".to_owned(), Ok(None)),
            (
                "--x\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--x--"
                    .to_owned(),
                Err(Unusable::Encoding),
            ),
            // The list is never closed: its last part is not whole.
            ("--x\r\nContent-Type: application/sdp\r\n\r\nv=0".to_owned(), Ok(None)),
            ("no delimiter at all".to_owned(), Ok(None)),
            ("--x".to_owned(), Ok(None)),
            (String::from("--"), Ok(None)),
        ] {
            for boundary in ["x", "\"x\""] {
                let headers = format!("Content-Type: multipart/mixed;boundary={boundary}");
                assert_eq!(read(&headers, &body), found.map(|found| found.map(str::to_owned)), "{body}");
            }
        }
    }

    #[test]
    fn more_parts_than_anyone_sends_are_not_looked_at() {
        let many = "--x\r\nContent-Type: text/plain\r\n\r\na\r\n".repeat(BODY_PARTS_MAX);
        let body = format!("{many}--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--");
        assert_eq!(read("Content-Type: multipart/mixed;boundary=x", &body), Ok(None));
        let flood = "--".repeat(16_000);
        assert_eq!(read("Content-Type: multipart/mixed;boundary=x", &flood), Ok(None));
    }
}
