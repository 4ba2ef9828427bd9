//! REFER and its implicit subscription, or none (RFC 3515, RFC 3892, RFC 3420, RFC 4488).
//!
//! Peers bend this protocol more than any other, so a NOTIFY is matched by its dialog alone and the sipfrag is
//! the truth: Event and Subscription-State may be missing or wrong.

use crate::sip::agent::{ReferKey, ReferRequest};
use crate::sip::header::{before_params, params, sipfrag_status};
use crate::sip::reader::{Message, Name};
use crate::sip::status::StatusCode;
use std::io::Write;

/// `Refer-To` and `Referred-By`, as whole lines.
pub fn header_lines(request: &ReferRequest) -> Vec<u8> {
    let mut lines = Vec::with_capacity(192);
    // One peer looks for `Refer-To: sip:` literally, so brackets stand only where the grammar needs them.
    let written = match request.target.needs_brackets() {
        true => write!(lines, "Refer-To: <{}>\r\n", request.target),
        false => write!(lines, "Refer-To: {}\r\n", request.target),
    };
    written
        .and_then(|()| write!(lines, "Referred-By: <{}>\r\n", request.referred_by))
        .expect("a Vec takes every write");
    if !request.subscribe {
        lines.extend_from_slice(b"Refer-Sub: false\r\nSupported: norefersub\r\n");
    }
    lines
}

/// A 2xx to a REFER says that no NOTIFY will follow (RFC 4488 §4).
pub fn has_no_subscription(response: &Message<'_>) -> bool {
    response.value(Name::ReferSub).is_some_and(|value| before_params(value).eq_ignore_ascii_case(b"false"))
}

/// What a NOTIFY says about one of our REFERs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notification {
    /// Which REFER: by `id=`, else the latest.
    pub refer: ReferKey,
    /// The sipfrag's status.
    pub status: Option<StatusCode>,
    /// The subscription is over.
    pub terminated: bool,
}

/// Reads a NOTIFY inside a dialog that sent `refers`; the refusal when it is about nothing of ours.
pub fn notification(message: &Message<'_>, refers: &[ReferKey]) -> Result<Notification, StatusCode> {
    let event = message.value(Name::Event);
    let Some(latest) = refers.last().copied() else {
        let is_refer = event.is_none_or(|event| before_params(event).eq_ignore_ascii_case(b"refer"));
        return Err(if is_refer { StatusCode::NO_DIALOG } else { StatusCode::BAD_EVENT });
    };
    let refer = event
        .and_then(|event| params(event).get("id"))
        .and_then(|id| std::str::from_utf8(id).ok()?.parse().ok())
        .map(ReferKey)
        .filter(|id| refers.contains(id))
        .unwrap_or(latest);
    let terminated = message
        .value(Name::SubscriptionState)
        .is_some_and(|state| before_params(state).eq_ignore_ascii_case(b"terminated"));
    Ok(Notification { refer, status: sipfrag_status(message.body), terminated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::reader::Framing;

    #[test]
    fn refer_to_has_brackets_only_where_the_grammar_needs_them() {
        for (target, line) in [
            ("sip:kosmes@10.0.0.5:5080", "Refer-To: sip:kosmes@10.0.0.5:5080\r\n"),
            ("sip:k@h;transport=tcp", "Refer-To: <sip:k@h;transport=tcp>\r\n"),
            ("sip:k@h?User-to-User=30%3Bencoding%3Dhex", "Refer-To: <sip:k@h?User-to-User=30%3Bencoding%3Dhex>\r\n"),
            ("sip:a,b@h", "Refer-To: <sip:a,b@h>\r\n"),
        ] {
            let request = ReferRequest {
                target: target.parse().expect("a URI"),
                referred_by: "sip:1357@10.0.0.1".parse().expect("a URI"),
                subscribe: true,
            };
            let lines = String::from_utf8(header_lines(&request)).expect("text");
            assert_eq!(lines, format!("{line}Referred-By: <sip:1357@10.0.0.1>\r\n"));
        }
    }

    #[test]
    fn a_notify_is_read_whatever_its_headers_lack() {
        let refers = [ReferKey(2), ReferKey(5)];
        for (headers, body, refer, status, terminated) in [
            (
                "Event: refer;id=2\r\nSubscription-State: terminated;reason=noresource\r\n",
                "SIP/2.0 200 OK\r\n",
                2,
                Some(200),
                true,
            ),
            ("Event: refer\r\nSubscription-State: active;expires=60\r\n", "SIP/2.0 100 Trying", 5, Some(100), false),
            ("o: refer ; id = 99\r\n", "SIP/2.0 180 Ringing", 5, Some(180), false),
            ("Event: presence\r\nSubscription-State: TERMINATED\r\n", "SIP/2.0 486", 5, Some(486), true),
            ("", "", 5, None, false),
        ] {
            let text = format!("NOTIFY sip:x@y SIP/2.0\r\n{headers}\r\n{body}");
            let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
            let status = status.and_then(StatusCode::new);
            let expected = Notification { refer: ReferKey(refer), status, terminated };
            assert_eq!(notification(&message, &refers), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_notify_about_nothing_is_refused() {
        let read =
            |text: &'static str| notification(&Message::read(text.as_bytes(), Framing::Datagram).expect("reads"), &[]);
        assert_eq!(read("NOTIFY sip:x@y SIP/2.0\r\nEvent: refer\r\n\r\n"), Err(StatusCode::NO_DIALOG));
        assert_eq!(read("NOTIFY sip:x@y SIP/2.0\r\nEvent: message-summary\r\n\r\n"), Err(StatusCode::BAD_EVENT));
    }
}
