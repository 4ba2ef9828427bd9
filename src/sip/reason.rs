//! Why a call was ended, as the Reason header says it (RFC 3326): read on a BYE or CANCEL, written on our BYE.

use crate::sip::header::{before_params, elements, params};
use crate::sip::reader::{Message, Name};
use std::fmt;

/// Values looked at: one of SIP and one of ISDN is all that peers send.
const VALUES_MAX: usize = 8;

/// Whose numbers a cause counts in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// A status code.
    Sip,
    /// A cause of ISDN (ITU-T Q.850).
    Q850,
}

/// One reason. Its text is left unread: it is the peer's free text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reason {
    /// Whose number it is.
    pub protocol: Protocol,
    /// The number.
    pub cause: u16,
}

impl Reason {
    /// A status code.
    pub const fn sip(cause: u16) -> Self {
        Self { protocol: Protocol::Sip, cause }
    }

    /// A cause of ISDN.
    pub const fn q850(cause: u16) -> Self {
        Self { protocol: Protocol::Q850, cause }
    }

    /// The first reason of a message that we understand.
    pub fn read(message: &Message<'_>) -> Option<Self> {
        message.values(Name::Reason).flat_map(elements).take(VALUES_MAX).find_map(Self::parse)
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let protocol = match before_params(value) {
            name if name.eq_ignore_ascii_case(b"SIP") => Protocol::Sip,
            name if name.eq_ignore_ascii_case(b"Q.850") => Protocol::Q850,
            _ => return None,
        };
        let cause = std::str::from_utf8(params(value).get("cause")?).ok()?.parse().ok()?;
        let known = match protocol {
            Protocol::Sip => (100..700).contains(&cause),
            Protocol::Q850 => (1..128).contains(&cause),
        };
        known.then_some(Self { protocol, cause })
    }

    /// Its whole header line.
    pub fn line(self) -> Vec<u8> {
        format!("Reason: {self}\r\n").into_bytes()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Sip => "SIP",
            Protocol::Q850 => "Q.850",
        };
        write!(f, "{protocol};cause={}", self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::reader::Framing;

    #[test]
    fn the_first_reason_we_understand_is_read() {
        for (header, read) in [
            ("Reason: Q.850;cause=16;text=\"Terminated\"", Some("Q.850;cause=16")),
            ("Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"", Some("SIP;cause=200")),
            ("reason: X.int;reasoncode=0x1, q.850 ; text=\"a, b;cause=3\" ; cause=31", Some("Q.850;cause=31")),
            ("Reason: Preemption;cause=1\r\nReason: SIP;cause=486", Some("SIP;cause=486")),
            ("Reason: SIP;cause=99", None),
            ("Reason: Q.850;cause=128", None),
            ("Reason: Q.850;cause=-1", None),
            ("Reason: Q.850", None),
            ("Reason: ", None),
            ("Subject: x", None),
        ] {
            let text = format!("BYE sip:x@y SIP/2.0\r\n{header}\r\n\r\n");
            let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
            assert_eq!(Reason::read(&message).map(|reason| reason.to_string()).as_deref(), read, "{header}");
        }
    }
}
