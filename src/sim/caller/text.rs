//! SIP as plain text, the way a telephone that shares no code with the engine reads and writes it.
//!
//! No grammar: lines, colons and the two or three parameters a telephone looks at. What this reader cannot
//! follow, a simple real telephone could not follow either, so the oracle reports it.

use std::fmt::Write as _;

/// A message, borrowed from its datagram.
#[derive(Debug)]
pub struct Message<'a> {
    /// The request line or the status line.
    pub first: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    /// What follows the empty line, cut to Content-Length.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Splits a datagram; `None` when it is not a whole SIP message.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let rest = bytes.get(end + 4..)?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?;
        if !first.starts_with("SIP/2.0 ") && !first.ends_with(" SIP/2.0") {
            return None;
        }
        let mut headers = Vec::with_capacity(16);
        for line in lines {
            let (name, value) = line.split_once(':')?;
            headers.push((name.trim(), value.trim()));
        }
        let mut message = Self { first, headers, body: rest };
        if let Some(length) = message.get("Content-Length") {
            message.body = rest.get(..length.parse().ok()?)?;
        }
        Some(message)
    }

    /// The first header of this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&'a str> {
        if self.first.starts_with("SIP/2.0 ") { None } else { self.first.split(' ').next() }
    }

    /// The Request-URI.
    pub fn request_uri(&self) -> Option<&'a str> {
        self.method().and_then(|_| self.first.split(' ').nth(1))
    }

    /// The code of a response.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    /// CSeq: number and method.
    pub fn cseq(&self) -> Option<(u32, &'a str)> {
        let (number, method) = self.get("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// The branch of the first Via.
    pub fn branch(&self) -> &'a str {
        self.get("Via").and_then(|via| parameter(via, "branch")).unwrap_or("")
    }

    /// The tag of From or To.
    pub fn tag(&self, name: &str) -> &'a str {
        self.get(name).and_then(|value| parameter(value, "tag")).unwrap_or("")
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &'a str {
        self.get("Call-ID").unwrap_or("")
    }

    /// The Contact's address.
    pub fn contact(&self) -> Option<&'a str> {
        self.get("Contact").map(address)
    }

    /// A response to this request, with the headers a response repeats.
    pub fn answer(&self, status: u16, reason: &str, to_tag: &str, more: &str, body: &str) -> Vec<u8> {
        let mut text = String::with_capacity(512);
        let _ = write!(text, "SIP/2.0 {status} {reason}\r\n");
        for (name, value) in &self.headers {
            let repeated = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
            if !repeated.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let tagless = name.eq_ignore_ascii_case("To") && parameter(value, "tag").is_none() && status > 100;
            let tag = if tagless { format!(";tag={to_tag}") } else { String::new() };
            let _ = write!(text, "{name}: {value}{tag}\r\n");
        }
        let _ = write!(text, "{more}Content-Length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }
}

/// `;name=value` after the closing bracket (or anywhere, when there is none).
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let outside = value.rsplit_once('>').map_or(value, |(_, after)| after);
    outside.split(';').skip(usize::from(!value.contains('>'))).find_map(|part| {
        let (known, value) = part.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The URI inside `"name" <uri>;parameters`.
pub fn address(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// What a URI points at, without scheme, parameters and headers: `1357@10.0.0.1:5060`.
pub fn destination(uri: &str) -> &str {
    let bare = uri.split(['?', ';', '>']).next().unwrap_or(uri);
    bare.split_once(':').map_or(bare, |(_, rest)| rest)
}

/// The headers escaped into a URI (RFC 3261 §19.1.1), as header lines.
pub fn escaped_headers(uri: &str) -> String {
    let Some((_, headers)) = uri.split_once('?') else {
        return String::new();
    };
    let mut lines = String::new();
    for pair in headers.split('&') {
        if let Some((name, value)) = pair.split_once('=') {
            let _ = write!(lines, "{}: {}\r\n", unescape(name), unescape(value));
        }
    }
    lines
}

/// The code in a NOTIFY's `message/sipfrag`.
pub fn fragment_status(body: &[u8]) -> Option<u16> {
    String::from_utf8_lossy(body).trim().strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
}

fn unescape(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
        let value = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(value.unwrap_or(b'?'));
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFER: &[u8] =
        b"REFER sip:01012340001@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.0.1;branch=z9hG4bKa;rport\r\n\
        From: <sip:1357@10.9.0.1>;tag=us\r\nTo: \"Kim <VIP>\" <sip:a@b>;tag=them\r\nCall-ID: c1\r\ncseq: 2 REFER\r\n\
        Refer-To: <sip:1@k.example:5071;transport=udp?User-to-User=ab%3Bencoding%3Dhex>\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_telephone_finds_what_it_needs_in_a_request() {
        let refer = Message::read(REFER).expect("whole");
        assert_eq!((refer.method(), refer.status()), (Some("REFER"), None));
        assert_eq!((refer.branch(), refer.cseq()), ("z9hG4bKa", Some((2, "REFER"))));
        assert_eq!((refer.tag("From"), refer.tag("To"), refer.call_id()), ("us", "them", "c1"));
        let target = address(refer.get("Refer-To").expect("there"));
        assert_eq!(destination(target), "1@k.example:5071");
        assert_eq!(escaped_headers(target), "User-to-User: ab;encoding=hex\r\n");
    }

    #[test]
    fn a_fragment_tells_its_status_with_and_without_its_line_end() {
        for (body, status) in [("SIP/2.0 200 OK\r\n", Some(200)), ("SIP/2.0 486 Busy", Some(486)), ("", None)] {
            assert_eq!(fragment_status(body.as_bytes()), status, "{body:?}");
        }
    }

    #[test]
    fn half_a_message_is_no_message() {
        assert!(Message::read(&REFER[..REFER.len() - 3]).is_none());
        assert!(Message::read(b"INVITE a SIP/2.0\r\nContent-Length: 5\r\n\r\nab").is_none());
        assert!(Message::read(b"GET / HTTP/1.1\r\n\r\n").is_none());
    }

    #[test]
    fn a_response_repeats_the_transaction_and_adds_its_tag_once() {
        let refer = Message::read(REFER).expect("whole");
        let answer = refer.answer(202, "Accepted", "new", "", "");
        let answer = Message::read(&answer).expect("whole");
        assert_eq!((answer.status(), answer.tag("To"), answer.branch()), (Some(202), "them", "z9hG4bKa"));
    }
}
