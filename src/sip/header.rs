//! The values of single headers (RFC 3261 §20, §25.1): lists, parameters, Via, name-addr, CSeq, sipfrag.
//!
//! All work on bytes and treat CR and LF inside a value as white space, because folds are still in it.

use crate::sip::status::StatusCode;
use memchr::memchr;

/// White space, folds included.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without the white space around it.
pub fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The first place of a wanted byte, one of `,`, `;` and `<`, that is neither inside quotes nor inside `<>`.
/// `Err` when a quote or bracket is never closed, or a `>` was never opened.
fn find_outside(bytes: &[u8], wanted: u8) -> Result<Option<usize>, ()> {
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().copied().position(is(MARK)) {
        at += next;
        match bytes[at] {
            byte if byte == wanted => return Ok(Some(at)),
            b'"' => at += quoted_length(&bytes[at..]).ok_or(())?,
            b'<' => at += memchr(b'>', &bytes[at..]).ok_or(())? + 1,
            b'>' => return Err(()),
            _ => at += 1,
        }
    }
    Ok(None)
}

/// The elements of a comma list; commas inside quotes and `<>` do not part. Empty elements are left out.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        loop {
            let bytes = rest?;
            let element = match find_outside(bytes, b',') {
                Ok(Some(comma)) => {
                    rest = Some(&bytes[comma + 1..]);
                    &bytes[..comma]
                }
                // Unbalanced quotes: the rest is one element; whoever needs it finds it malformed.
                Ok(None) | Err(()) => {
                    rest = None;
                    bytes
                }
            };
            let element = trim(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
    })
}

/// `;name=value` parameters; empty ones are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Params<'a>(pub &'a [u8]);

impl<'a> Params<'a> {
    /// Name and value, in order. A value keeps its quotes.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let end = find_outside(rest, b';').ok().flatten();
                let (param, after) = match end {
                    Some(end) => (&rest[..end], &rest[end + 1..]),
                    None => (rest, &rest[rest.len()..]),
                };
                rest = after;
                let (name, value) = match param.iter().position(|&byte| byte == b'=') {
                    Some(equals) => (trim(&param[..equals]), Some(trim(&param[equals + 1..]))),
                    None => (trim(param), None),
                };
                if !name.is_empty() {
                    return Some((name, value));
                }
            }
            None
        })
    }

    /// The value of a parameter; empty when it stands without one.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value.unwrap_or(b""))
    }
}

/// One element of Via.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Via<'a> {
    /// The whole element, for the echo.
    pub raw: &'a [u8],
    /// The host of sent-by; an IPv6 address in brackets.
    pub host: &'a [u8],
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The branch, also an RFC 2543 one.
    pub branch: Option<&'a [u8]>,
    /// Where in `raw` an `rport` without value ends (RFC 3581).
    pub rport_end: Option<usize>,
    /// It asks for symmetric answers, with a value or without.
    pub rport: bool,
    /// It says `received` already.
    pub received: bool,
    /// Its sender takes part in overload control (RFC 7339).
    pub overload: bool,
}

impl<'a> Via<'a> {
    /// `SIP/2.0/UDP host:port;branch=…`, with white space wherever RFC 3261 §25.1 allows it.
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes: raw, at: 0 };
        if !cursor.token()?.eq_ignore_ascii_case(b"SIP") || !cursor.eat(b'/') {
            return None;
        }
        if cursor.token()? != b"2.0" || !cursor.eat(b'/') {
            return None;
        }
        cursor.token()?;
        let host = cursor.host()?;
        let port = if cursor.eat(b':') {
            let digits = cursor.token()?;
            Some(std::str::from_utf8(digits).ok()?.parse().ok().filter(|port| *port != 0)?)
        } else {
            None
        };
        let mut via =
            Self { raw, host, port, branch: None, rport_end: None, rport: false, received: false, overload: false };
        while cursor.eat(b';') {
            let name = cursor.token()?;
            let name_end = cursor.at;
            let value = if cursor.eat(b'=') { Some(cursor.value()?) } else { None };
            match value {
                Some(value) if name.eq_ignore_ascii_case(b"branch") => via.branch = Some(value),
                Some(_) if name.eq_ignore_ascii_case(b"received") => via.received = true,
                value if name.eq_ignore_ascii_case(b"rport") => {
                    via.rport = true;
                    via.rport_end = value.is_none().then_some(name_end);
                }
                _ if name.eq_ignore_ascii_case(b"oc") => via.overload = true,
                _ => {}
            }
        }
        cursor.at_end().then_some(via)
    }

    /// The branch when RFC 3261 made it: after the magic cookie something must follow (RFC 4475 §3.2.1).
    pub fn unique_branch(&self) -> Option<&'a [u8]> {
        const COOKIE: &[u8] = b"z9hG4bK";
        let branch = self.branch?;
        let cookie = branch.get(..COOKIE.len())?;
        (cookie.eq_ignore_ascii_case(COOKIE) && branch.len() > COOKIE.len()).then_some(branch)
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn skip_space(&mut self) {
        while self.bytes.get(self.at).copied().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// The next byte behind white space, if it is this one.
    fn eat(&mut self, byte: u8) -> bool {
        let before = self.at;
        self.skip_space();
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at = if found { self.at + 1 } else { before };
        found
    }

    fn run(&mut self, accept: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        self.skip_space();
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| !accept(byte)).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.run(is(TOKEN))
    }

    fn host(&mut self) -> Option<&'a [u8]> {
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b'[') {
            return self.run(is(HOST));
        }
        let begin = self.at;
        let length = self.bytes[begin..].iter().position(|&byte| byte == b']')?;
        self.at = begin + length + 1;
        Some(&self.bytes[begin..self.at])
    }

    /// A parameter's value: a token, a host, or a quoted string.
    fn value(&mut self) -> Option<&'a [u8]> {
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.run(is(VALUE));
        }
        let begin = self.at;
        self.at = begin + quoted_length(&self.bytes[begin..])?;
        Some(&self.bytes[begin..self.at])
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.at >= self.bytes.len()
    }
}

/// A byte of a token (RFC 3261 §25.1).
pub fn is_token(byte: u8) -> bool {
    is(TOKEN)(byte)
}

/// What a byte can be. Looked up, because every byte of every typed header passes here.
const CLASS: [u8; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < table.len() {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => TOKEN | VALUE | HOST,
            b'!' | b'%' | b'*' | b'+' | b'`' | b'\'' | b'~' => TOKEN | VALUE,
            b':' | b'[' | b']' | b'@' | b'/' | b'?' | b'=' => VALUE,
            b'"' | b'<' | b'>' | b',' | b';' => MARK,
            _ => 0,
        };
        byte += 1;
    }
    table
};
/// Of a token.
const TOKEN: u8 = 1;
/// Of a parameter's value: a token or a host; colons and brackets are for `received`.
const VALUE: u8 = 2;
/// Of a host name.
const HOST: u8 = 4;
/// What parts a value, and what hides such a part.
const MARK: u8 = 8;

fn is(class: u8) -> impl Fn(u8) -> bool {
    move |byte| CLASS[usize::from(byte)] & class != 0
}

/// The length of the quoted string that begins here, quotes included.
fn quoted_length(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A From, To, Contact, Route or Record-Route value: an address, with or without name and brackets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameAddr<'a> {
    /// The URI.
    pub uri: &'a [u8],
    /// The header's parameters.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// `"Kim <VIP>" <sip:alice@a>;tag=1`, `Kim <sip:…>`, or `sip:alice@a;tag=1`, where the parameters are the
    /// header's and not the URI's (RFC 3261 §20).
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (uri, rest) = match find_outside(value, b'<').ok()? {
            Some(open) => {
                let inside = &value[open + 1..];
                let close = inside.iter().position(|&byte| byte == b'>')?;
                (trim(&inside[..close]), &inside[close + 1..])
            }
            None => {
                let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
                (trim(&value[..end]), &value[end..])
            }
        };
        let params = trim(rest);
        if uri.is_empty() || !(params.is_empty() || params.starts_with(b";")) {
            return None;
        }
        Some(Self { uri, params: Params(params) })
    }

    /// The tag; `None` also when it is empty.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }
}

/// CSeq: its number and its method.
pub fn cseq(value: &[u8]) -> Option<(u32, &[u8])> {
    let mut cursor = Cursor { bytes: value, at: 0 };
    let number = cursor.run(|byte| byte.is_ascii_digit())?;
    let method = cursor.token()?;
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    cursor.at_end().then_some((number, method))
}

/// RAck: the RSeq and the CSeq it acknowledges, and the method (RFC 3262 §7.2).
pub fn rack(value: &[u8]) -> Option<(u32, u32, &[u8])> {
    let mut cursor = Cursor { bytes: value, at: 0 };
    let mut number = || std::str::from_utf8(cursor.run(|byte| byte.is_ascii_digit())?).ok()?.parse().ok();
    let (rseq, cseq) = (number()?, number()?);
    let method = cursor.token()?;
    cursor.at_end().then_some((rseq, cseq, method))
}

/// The value before its parameters: a media type, an event package, a subscription state.
pub fn before_params(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
    trim(&value[..end])
}

/// The parameters of such a value.
pub fn params(value: &[u8]) -> Params<'_> {
    let begin = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
    Params(&value[begin..])
}

/// The status line of a sipfrag (RFC 3420): its first line with something in it, with or without an end.
pub fn sipfrag_status(body: &[u8]) -> Option<StatusCode> {
    let line = body.split(|&byte| byte == b'\n').map(trim).find(|line| !line.is_empty())?;
    if !line.get(..7)?.eq_ignore_ascii_case(b"SIP/2.0") {
        return None;
    }
    let rest = line.get(7..).filter(|rest| rest.first().copied().is_some_and(is_space)).map(trim)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits != 3 {
        return None;
    }
    StatusCode::new(std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_part_a_list_only_outside_quotes_and_brackets() {
        for (value, parts) in [
            ("a, b ,c", vec!["a", "b", "c"]),
            ("\"Kim, VIP\" <sip:a@b>, <sip:c,d@e>", vec!["\"Kim, VIP\" <sip:a@b>", "<sip:c,d@e>"]),
            ("\"a\\\", b\" <sip:x@y>", vec!["\"a\\\", b\" <sip:x@y>"]),
            (",, a,,", vec!["a"]),
            ("\"never closed, b", vec!["\"never closed, b"]),
            ("", vec![]),
        ] {
            let found: Vec<_> =
                elements(value.as_bytes()).map(|element| String::from_utf8_lossy(element).into_owned()).collect();
            assert_eq!(found, parts, "{value}");
        }
    }

    #[test]
    fn a_name_with_brackets_in_quotes_does_not_hide_the_address() {
        for (value, uri, tag) in [
            ("\"Kim <VIP>\" <sip:alice@a>;tag=1", Some("sip:alice@a"), Some("1")),
            ("\"Kim \\\"<x>\\\"\" <sip:alice@a>", Some("sip:alice@a"), None),
            ("Bell, Alexander <sip:a.g.bell@example.com>;tag=43", Some("sip:a.g.bell@example.com"), Some("43")),
            ("sip:alice@a;tag=2", Some("sip:alice@a"), Some("2")),
            ("<sip:alice@a;user=phone>\r\n ;\r\n  tag = 98asjd8", Some("sip:alice@a;user=phone"), Some("98asjd8")),
            ("sip:alice@a;tag=", Some("sip:alice@a"), None),
            ("\"Mr. J. User <sip:j.user@example.com>", None, None),
            ("sip:a@b> <sip:c@d", None, None),
            ("<sip:a@b", None, None),
            ("", None, None),
        ] {
            let read = NameAddr::parse(value.as_bytes());
            assert_eq!(read.map(|read| read.uri), uri.map(str::as_bytes), "{value}");
            assert_eq!(read.and_then(|read| read.tag()), tag.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn a_via_is_read_with_white_space_and_ipv6() {
        let via = Via::parse(b"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw").expect("reads");
        assert_eq!((via.host, via.port, via.branch), (&b"192.0.2.2"[..], None, Some(&b"390skdjuw"[..])));
        assert_eq!(via.unique_branch(), None);
        let via =
            Via::parse(b"SIP/2.0/TCP [2001:db8::1]:5061 ;rport;branch=z9hG4bK1;received=2001:db8::2").expect("reads");
        assert_eq!((via.host, via.port, via.rport, via.received), (&b"[2001:db8::1]"[..], Some(5061), true, true));
        assert_eq!(via.unique_branch(), Some(&b"z9hG4bK1"[..]));
        for bad in
            ["SIP/2.0/UDP 192.0.2.15;;", "SIP/2.0/UDP", "SIP/2.0 h", "", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h junk"]
        {
            assert_eq!(Via::parse(bad.as_bytes()), None, "{bad}");
        }
        let bare = Via::parse(b"SIP/2.0/UDP h;branch=z9hG4bK").expect("reads");
        assert_eq!(bare.unique_branch(), None);
    }

    #[test]
    fn a_cseq_is_a_32_bit_number_and_a_method() {
        assert_eq!(cseq(b"0009\r\n  INVITE"), Some((9, &b"INVITE"[..])));
        assert_eq!(cseq(b"4294967295 BYE"), Some((u32::MAX, &b"BYE"[..])));
        for bad in ["36893488147419103232 REGISTER", "4294967296 BYE", "-1 BYE", "+1 BYE", "1", "BYE", "1 BYE x", ""] {
            assert_eq!(cseq(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_rack_is_two_numbers_and_a_method() {
        assert_eq!(rack(b"776656 1\r\n INVITE"), Some((776_656, 1, &b"INVITE"[..])));
        for bad in ["1 INVITE", "1 2", "1 2 INVITE x", "4294967296 1 INVITE", "-1 1 INVITE", ""] {
            assert_eq!(rack(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_sipfrag_needs_no_line_end() {
        for (body, code) in [
            ("SIP/2.0 200 OK\r\n", Some(200)),
            ("SIP/2.0 100 Trying", Some(100)),
            ("\r\nsip/2.0  503\r\nContact: x", Some(503)),
            ("SIP/2.0 2000", None),
            ("SIP/2.0 999 X", None),
            ("SIP/2.0200", None),
            ("", None),
            ("garbage", None),
        ] {
            assert_eq!(sipfrag_status(body.as_bytes()).map(StatusCode::code), code, "{body}");
        }
    }
}
