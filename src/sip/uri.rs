//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).
//!
//! Two readers over one grammar: [`UriView`] is lenient and borrows, for what arrives from the network;
//! [`SipUri`]'s `FromStr` is strict and owns, for what an operator writes in a table.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Which kind of URI.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sip => "sip:",
            Self::Sips => "sips:",
            Self::Tel => "tel:",
        }
    }
}

/// Why bytes of the network are not a URI we understand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UriFault {
    /// A URI of another kind: 416.
    UnknownScheme,
    /// No URI: 400.
    Malformed,
}

/// A URI as views into its bytes; escapes are still in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UriView<'a> {
    /// Which kind.
    pub scheme: Scheme,
    /// The user part without its password; for `tel:` the number. Empty when there is none.
    pub user: &'a [u8],
    /// A name, an IPv4 address, or an IPv6 address in brackets; empty for `tel:`.
    pub host: &'a [u8],
    /// The port.
    pub port: Option<u16>,
    /// The parameters with their first `;`, or nothing.
    pub params: &'a [u8],
    /// The headers behind `?`, or nothing.
    pub headers: &'a [u8],
}

impl<'a> UriView<'a> {
    /// Reads what the network sent.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, UriFault> {
        let colon = bytes.iter().position(|&byte| byte == b':').ok_or(UriFault::Malformed)?;
        let (scheme, rest) = (&bytes[..colon], &bytes[colon + 1..]);
        let scheme = match scheme {
            name if name.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            name if name.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            name if name.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            name if is_scheme(name) => return Err(UriFault::UnknownScheme),
            _ => return Err(UriFault::Malformed),
        };
        // Spaces and brackets belong to whatever stands around a URI; other controls are the peer's business.
        if rest.iter().any(|&byte| KIND[usize::from(byte)] == Kind::Around) {
            return Err(UriFault::Malformed);
        }
        if scheme == Scheme::Tel {
            let (user, params) = split_before(rest, b';');
            if user.is_empty() {
                return Err(UriFault::Malformed);
            }
            return Ok(Self { scheme, user, host: b"", port: None, params, headers: b"" });
        }
        // An `@` is never bare inside a user part, so the first one ends it, whatever `;` or `?` came before.
        let (user, rest) = match rest.iter().position(|&byte| byte == b'@') {
            Some(at) => (split_before(&rest[..at], b':').0, &rest[at + 1..]),
            None => (&rest[..0], rest),
        };
        let (rest, headers) = split_before(rest, b'?');
        let (host_port, params) = split_before(rest, b';');
        let (host, port) = split_host_port(host_port).ok_or(UriFault::Malformed)?;
        Ok(Self { scheme, user, host, port, params, headers: headers.get(1..).unwrap_or_default() })
    }

    /// The user part, unescaped once (`%31357` is 1357, `%2541` is `%41`); bytes that are not UTF-8 are replaced.
    pub fn user_unescaped(&self) -> String {
        unescape(self.user)
    }

    /// The host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        host_ip(self.host)
    }

    /// The value of a parameter; empty when it stands without one.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.split(|&byte| byte == b';').find_map(|param| {
            let (key, value) = split_before(param, b'=');
            key.eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
        })
    }
}

/// What a byte can be in a URI.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a host name.
    Host,
    /// Never of a URI, but of what stands around one.
    Around,
    Other,
}

/// Looked up: every byte of every address passes here.
const KIND: [Kind; 256] = {
    let (mut table, mut byte) = ([Kind::Other; 256], 0);
    while byte < table.len() {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => Kind::Host,
            b' ' | b'\t' | b'\r' | b'\n' | b'<' | b'>' | b'"' => Kind::Around,
            _ => Kind::Other,
        };
        byte += 1;
    }
    table
};

/// RFC 3986 §3.1.
fn is_scheme(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The bytes before the first `mark`, and the rest from it on.
fn split_before(bytes: &[u8], mark: u8) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|&byte| byte == mark).unwrap_or(bytes.len()))
}

fn split_host_port(bytes: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (host, port) = if bytes.first() == Some(&b'[') {
        let close = bytes.iter().position(|&byte| byte == b']')?;
        bytes.split_at(close + 1)
    } else {
        split_before(bytes, b':')
    };
    let plain = |&byte: &u8| KIND[usize::from(byte)] == Kind::Host;
    if host.is_empty() || !(host.iter().all(plain) || host_ip(host).is_some()) {
        return None;
    }
    match port {
        [] => Some((host, None)),
        [b':', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Some((host, Some(std::str::from_utf8(digits).ok()?.parse().ok()?)))
        }
        _ => None,
    }
}

/// A host as an address: IPv4, or IPv6 in brackets.
pub fn host_ip(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    match text.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        // Names are the usual case and begin with a letter: no need to try them as an address.
        None if !host.first()?.is_ascii_digit() => None,
        None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn unescape(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                plain.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => plain.push(*first),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

/// A `sip:`, `sips:` or `tel:` URI.
///
/// Two are equal when they are written alike, but for the case of scheme and host (RFC 3261 §19.1.4 is looser:
/// it ignores the order of parameters).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipUri {
    scheme: Scheme,
    /// Escaped, with its password; for `tel:` the number as written.
    user: Option<String>,
    /// In lower case.
    host: String,
    port: Option<u16>,
    /// With the first `;`.
    params: String,
    /// Without the `?`.
    headers: String,
}

/// Why a text is not a URI we can use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UriError(pub &'static str);

impl FromStr for SipUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(UriError("does not begin with sip:, sips: or tel:"));
        };
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'<' | b'>' | b'"')) {
            return Err(UriError("holds a space, a bracket, a quote or a letter that must be escaped"));
        }
        if !escapes_are_whole(text) {
            return Err(UriError("holds a % that two hexadecimal digits do not follow"));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "sip" => Self::read_sip(Scheme::Sip, rest),
            "sips" => Self::read_sip(Scheme::Sips, rest),
            "tel" => Self::read_tel(rest),
            _ => Err(UriError("does not begin with sip:, sips: or tel:")),
        }
    }
}

impl SipUri {
    fn read_tel(rest: &str) -> Result<Self, UriError> {
        let (number, params) = split_text(rest, ';');
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_number = digits.chars().any(|c| c.is_ascii_hexdigit() || matches!(c, '*' | '#'))
            && digits.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '*' | '#' | '-' | '.' | '(' | ')'));
        if !is_number {
            return Err(UriError("is not a telephone number"));
        }
        Ok(Self {
            scheme: Scheme::Tel,
            user: Some(number.to_owned()),
            host: String::new(),
            port: None,
            params: params.to_owned(),
            headers: String::new(),
        })
    }

    fn read_sip(scheme: Scheme, rest: &str) -> Result<Self, UriError> {
        let (user, rest) = match rest.split_once('@') {
            Some(("", _)) => return Err(UriError("has an @ but no user before it")),
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.bytes().any(|byte| !is_user_byte(byte))) {
            return Err(UriError("has a character in its user part that must be escaped"));
        }
        let (rest, headers) = split_text(rest, '?');
        let (host_port, params) = split_text(rest, ';');
        let (host, port) = read_host_port(host_port)?;
        let uri = Self {
            scheme,
            user: user.map(str::to_owned),
            host: host.to_ascii_lowercase(),
            port,
            params: params.to_owned(),
            headers: headers.strip_prefix('?').unwrap_or("").to_owned(),
        };
        match uri.param("transport").map(str::to_ascii_lowercase).as_deref() {
            None | Some("udp" | "tcp" | "tls") => Ok(uri),
            Some(_) => Err(UriError("has a transport that is not udp, tcp or tls")),
        }
    }

    /// Which kind.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part, unescaped; empty when there is none. For `tel:` the number.
    pub fn user(&self) -> String {
        let user = self.user.as_deref().unwrap_or("");
        unescape(user.split(':').next().unwrap_or("").as_bytes())
    }

    /// The host: a name, an IPv4 address or an IPv6 address in brackets; empty for `tel:`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a parameter; empty when it stands without one.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.split(';').filter(|param| !param.is_empty()).find_map(|param| {
            let (key, value) = param.split_once('=').unwrap_or((param, ""));
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Parameters or headers follow, or a comma stands in it: inside a header it needs `<>` (RFC 3261 §20).
    pub fn needs_brackets(&self) -> bool {
        !self.params.is_empty() || !self.headers.is_empty() || self.user.as_deref().is_some_and(needs_brackets)
    }

    /// The same URI with another host (its port and parameters stay).
    pub fn with_host(&self, host: &str) -> Self {
        let mut uri = self.clone();
        if uri.scheme != Scheme::Tel {
            uri.host = host.to_ascii_lowercase();
        }
        uri
    }

    /// The same URI with one more header (`?name=value`), escaped (RFC 3261 §19.1.2).
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut uri = self.clone();
        if uri.scheme == Scheme::Tel {
            return uri;
        }
        if !uri.headers.is_empty() {
            uri.headers.push('&');
        }
        escape_into(&mut uri.headers, name);
        uri.headers.push('=');
        escape_into(&mut uri.headers, value);
        uri
    }
}

fn needs_brackets(user: &str) -> bool {
    user.contains([',', ';', '?'])
}

/// The text before the first `mark`, and the rest from it on.
fn split_text(text: &str, mark: char) -> (&str, &str) {
    text.split_at(text.find(mark).unwrap_or(text.len()))
}

fn escapes_are_whole(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|after| after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// RFC 3261 §25.1: unreserved, user-unreserved, `%` and the `:` of a password.
fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%:".contains(&byte)
}

fn read_host_port(text: &str) -> Result<(&str, Option<u16>), UriError> {
    let (host, port) = match text.starts_with('[') {
        true => text.split_at(text.find(']').ok_or(UriError("has a [ that no ] closes"))? + 1),
        false => split_text(text, ':'),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return Err(UriError("has something between its host and its port")),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port != 0).ok_or(UriError("has a port that is not 1 to 65535"))?)
        }
        Some(_) => return Err(UriError("has a port that is not a number")),
    };
    if host.is_empty() {
        return Err(UriError("has no host"));
    }
    if !(host_ip(host.as_bytes()).is_some() || is_host_name(host)) {
        return Err(UriError("has a host that is neither a name nor an address"));
    }
    Ok((host, port))
}

/// Labels of letters, digits and hyphens; the last one begins with a letter, or it would be a broken IPv4 address.
fn is_host_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top_is_alphabetic =
        name.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_alphabetic()));
    name.len() <= 253 && name.split('.').all(is_label) && top_is_alphabetic
}

/// Everything but hnv-unreserved and unreserved goes as `%XX`.
fn escape_into(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/?:+$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.as_str())?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if self.scheme != Scheme::Tel {
                f.write_str("@")?;
            }
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.params)?;
        if !self.headers.is_empty() {
            write!(f, "?{}", self.headers)?;
        }
        Ok(())
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UriError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> SipUri {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_table_accepts_real_addresses_and_prints_them_back() {
        for (text, user, host, port) in [
            ("sip:1357@127.0.0.1:5070", "1357", "127.0.0.1", Some(5070)),
            ("sip:%31357@h.example", "1357", "h.example", None),
            ("sip:john.doe@h", "john.doe", "h", None),
            ("sip:alice:secret@h.example", "alice", "h.example", None),
            ("sip:desk@[2001:db8::1]:5061;transport=tcp", "desk", "[2001:db8::1]", Some(5061)),
            ("sips:h.example", "", "h.example", None),
            ("tel:+82-2-2104-5012", "+82-2-2104-5012", "", None),
            ("tel:1357", "1357", "", None),
            ("sip:k@h?User-to-User=30%3Bencoding%3Dhex", "k", "h", None),
        ] {
            let read = uri(text);
            assert_eq!((read.user().as_str(), read.host(), read.port()), (user, host, port), "{text}");
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn a_table_refuses_what_could_never_be_reached() {
        for text in [
            "",
            "1357",
            "http://h.example",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@h:0",
            "sip:a@h:65536",
            "sip:a@h:x",
            "sip:a@999.1.1.1",
            "sip:a@1.2.3",
            "sip:a@-h.example",
            "sip:a@h..example",
            "sip:a@h_x.example",
            "sip:a@[::1",
            "sip:a@[nonsense]",
            "sip:a@[::1]5060",
            "sip:a b@h",
            "sip:가@h",
            "sip:a%4@h",
            "<sip:a@h>",
            "sip:a@b@c",
            "sip:a@h;transport=sctp",
            "tel:",
            "tel:abc xyz",
            "tel:+",
        ] {
            assert!(text.parse::<SipUri>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_in_a_uri_is_escaped() {
        let with = uri("sip:k@h").with_header("User-to-User", "3035;encoding=hex");
        assert_eq!(with.to_string(), "sip:k@h?User-to-User=3035%3Bencoding%3Dhex");
        let more = with.with_header("Subject", "a&b 가");
        assert_eq!(more.to_string(), "sip:k@h?User-to-User=3035%3Bencoding%3Dhex&Subject=a%26b%20%EA%B0%80");
        assert_eq!(more.to_string().parse::<SipUri>(), Ok(more));
    }

    #[test]
    fn another_host_keeps_port_and_parameters() {
        let moved = uri("sip:k@127.0.0.1:5070;transport=tcp").with_host("192.168.0.9");
        assert_eq!(moved.to_string(), "sip:k@192.168.0.9:5070;transport=tcp");
    }

    #[test]
    fn the_network_may_write_what_a_table_may_not() {
        for (text, user, host) in [
            ("sip:sips%3Auser%40example.com@example.net", "sips:user@example.com", "example.net"),
            ("sip:value%2541@h", "value%41", "h"),
            ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net", "example.com"),
            ("sip:null-%00-null@example.com", "null-\0-null", "example.com"),
            ("SIP:a%zz@h_x", "a%zz", "h_x"),
            ("sip:02-2104-5012@[::1]:5060;user=phone?Route=%3Csip:x%3E", "02-2104-5012", "[::1]"),
            ("tel:+82-2-1357;phone-context=kr", "+82-2-1357", ""),
        ] {
            let read = UriView::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
            assert_eq!((read.user_unescaped().as_str(), read.host), (user, host.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_not_a_malformed_uri() {
        for (text, fault) in [
            ("nobodyKnowsThisScheme:totallyopaquecontent", UriFault::UnknownScheme),
            ("soap.beep://192.0.2.103:3002", UriFault::UnknownScheme),
            ("<sip:user@example.com>", UriFault::Malformed),
            ("sip:user@example.com; lr", UriFault::Malformed),
            ("sip:user@", UriFault::Malformed),
            ("sip:user@h:99999", UriFault::Malformed),
            ("user", UriFault::Malformed),
        ] {
            assert_eq!(UriView::parse(text.as_bytes()), Err(fault), "{text}");
        }
    }
}
