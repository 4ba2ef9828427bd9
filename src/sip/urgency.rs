//! How urgent a datagram is, told from its first bytes without reading it.
//!
//! Whoever is in a call already goes first (RFC 7339 §5.10.1), then pings, then new calls. A message that is told wrong
//! loses or wins a place in a queue and nothing else: the reader decides what it is.

use crate::limits::URGENCY_PEEK_BYTES;
use crate::sip::header::is_token;

/// In which order datagrams are worked on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Urgency {
    /// It belongs to a call that lives, or answers us.
    Dialog,
    /// CANCEL: it takes back a call that may still wait for its turn, and must not come before it.
    Cancel,
    /// OPTIONS, and whatever else asks for nothing but an answer.
    Ping,
    /// An INVITE that begins a call.
    NewCall,
}

/// How urgent these bytes are.
pub fn urgency(bytes: &[u8]) -> Urgency {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let bytes = &bytes[begin..bytes.len().min(begin + URGENCY_PEEK_BYTES)];
    let method = &bytes[..bytes.iter().position(|&byte| byte == b' ').unwrap_or(0)];
    match method {
        b"ACK" | b"BYE" | b"PRACK" | b"NOTIFY" | b"UPDATE" | b"INFO" | b"SIP/2.0" => Urgency::Dialog,
        b"CANCEL" => Urgency::Cancel,
        b"INVITE" if is_tagged(bytes) => Urgency::Dialog,
        b"INVITE" => Urgency::NewCall,
        b"OPTIONS" if is_tagged(bytes) => Urgency::Dialog,
        _ => Urgency::Ping,
    }
}

/// The branch of the topmost Via, as far as one sees: a CANCEL has that of its INVITE (RFC 3261 §9.1).
pub fn branch(bytes: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"branch=";
    let bytes = bytes.get(..URGENCY_PEEK_BYTES).unwrap_or(bytes);
    let begin = bytes.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))? + NAME.len();
    let value = bytes.get(begin..)?;
    value.get(..value.iter().position(|&byte| !is_token(byte)).unwrap_or(value.len()))
}

/// Whether To has a tag, as far as one sees.
fn is_tagged(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|&byte| byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some(value) = value_of_to(line) else {
            if matches!(line, b"" | b"\r") {
                return false;
            }
            continue;
        };
        let mut quoted = false;
        if has_tag(value, &mut quoted) {
            return true;
        }
        while let Some(fold) = lines.next_if(|line| matches!(line.first(), Some(b' ' | b'\t'))) {
            if has_tag(fold, &mut quoted) {
                return true;
            }
        }
        return false;
    }
    false
}

fn value_of_to(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(16).position(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    (name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"t")).then(|| &line[colon + 1..])
}

/// Whether a parameter `tag` begins in these bytes, outside quotes.
fn has_tag(bytes: &[u8], quoted: &mut bool) -> bool {
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' if *quoted => rest = rest.get(1..).unwrap_or_default(),
            b'"' => *quoted = !*quoted,
            b';' if !*quoted => {
                let param = after.trim_ascii_start();
                let name = &param[..param.iter().position(|&byte| !is_token(byte)).unwrap_or(param.len())];
                if name.eq_ignore_ascii_case(b"tag") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_is_that_of_the_first_via() {
        for (text, expected) in [
            (
                "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1;rport\r\nv: SIP/2.0/UDP i;branch=2\r\n",
                Some("z9hG4bK1"),
            ),
            ("CANCEL sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;rport;BRANCH=z9hG4bK1", Some("z9hG4bK1")),
            ("CANCEL sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n", None),
            ("branch=", Some("")),
            ("", None),
        ] {
            assert_eq!(branch(text.as_bytes()), expected.map(str::as_bytes), "{text:?}");
        }
    }

    #[test]
    fn a_message_of_a_live_call_goes_before_pings_and_those_before_new_calls() {
        use Urgency::{Cancel, Dialog, NewCall, Ping};
        for (text, expected) in [
            ("SIP/2.0 200 OK\r\n\r\n", Dialog),
            ("ACK sip:a SIP/2.0\r\n\r\n", Dialog),
            ("BYE sip:a SIP/2.0\r\n\r\n", Dialog),
            ("CANCEL sip:a SIP/2.0\r\n\r\n", Cancel),
            ("NOTIFY sip:a SIP/2.0\r\n\r\n", Dialog),
            ("PRACK sip:a SIP/2.0\r\n\r\n", Dialog),
            ("UPDATE sip:a SIP/2.0\r\n\r\n", Dialog),
            ("INFO sip:a SIP/2.0\r\n\r\n", Dialog),
            ("\r\n\r\nBYE sip:a SIP/2.0\r\n\r\n", Dialog),
            ("INVITE sip:a SIP/2.0\r\nTo: <sip:a@h>\r\n\r\n", NewCall),
            ("INVITE sip:a SIP/2.0\r\nTo: <sip:a@h>;tag=1\r\n\r\n", Dialog),
            ("INVITE sip:a SIP/2.0\r\nFrom: <sip:b@h>;tag=1\r\nto : <sip:a@h>\r\n\r\n", NewCall),
            ("INVITE sip:a SIP/2.0\nT:<sip:a@h>;x=y; TAG = 1\n\n", Dialog),
            ("INVITE sip:a SIP/2.0\r\nt: <sip:a@h>\r\n  ;tag=1\r\n\r\n", Dialog),
            ("INVITE sip:a SIP/2.0\r\nTo: \"a;tag=\\\";tag=1\" <sip:a@h>\r\n\r\n", NewCall),
            ("INVITE sip:a SIP/2.0\r\nTo: <sip:a@h>;tagged=1\r\n\r\n", NewCall),
            ("INVITE sip:a SIP/2.0\r\n\r\nTo: <sip:a@h>;tag=1\r\n", NewCall),
            ("OPTIONS sip:a SIP/2.0\r\nTo: <sip:a@h>\r\n\r\n", Ping),
            ("OPTIONS sip:a SIP/2.0\r\nTo: <sip:a@h>;tag=1\r\n\r\n", Dialog),
            ("REGISTER sip:a SIP/2.0\r\n\r\n", Ping),
            ("INVITE", Ping),
            ("\r\n\r\n", Ping),
            ("", Ping),
            ("\0\u{7f}noise", Ping),
        ] {
            assert_eq!(urgency(text.as_bytes()), expected, "{text:?}");
        }
        let far = format!("INVITE sip:a SIP/2.0\r\nX: {}\r\nTo: <sip:a@h>;tag=1\r\n\r\n", "x".repeat(4096));
        assert_eq!(urgency(far.as_bytes()), NewCall, "nobody looks that far");
    }
}
