//! How a request is refused, and why, for whoever reads the trace (RFC 3261 §20.43).

use crate::sip::status::StatusCode;

/// A refusal: its status, and what more it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The status.
    pub status: StatusCode,
    /// Whole header lines.
    pub lines: Vec<u8>,
}

impl Rejection {
    /// 488 to an offer that does not do, and why.
    pub fn of_offer(why: &str) -> Self {
        Self { status: StatusCode::NOT_ACCEPTABLE, lines: warning(why) }
    }
}

impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        Self { status, lines: Vec::new() }
    }
}

/// A `Warning` line. 399 is for people: no machine may act on it. The agent that warns has a name here instead of its address.
fn warning(why: &str) -> Vec<u8> {
    let mut line = b"Warning: 399 ivr1357 \"".to_vec();
    for byte in why.bytes() {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', byte]),
            b' '..=b'~' => line.push(byte),
            _ => line.push(b'?'),
        }
    }
    line.extend_from_slice(b"\"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_within_its_quotes_and_its_line() {
        assert_eq!(warning("no codec that we speak"), b"Warning: 399 ivr1357 \"no codec that we speak\"\r\n");
        assert_eq!(warning("a \"b\" \\ c\r\nX: y"), b"Warning: 399 ivr1357 \"a \\\"b\\\" \\\\ c??X: y\"\r\n");
    }
}
