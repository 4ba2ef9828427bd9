//! What peers really send, a line a case.

use super::*;

fn read(text: &str) -> Message<'_> {
    Message::read(text.as_bytes(), Framing::Datagram).unwrap_or_else(|| panic!("unreadable: {text}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_header_is_found_however_it_is_written() {
    for (lines, name, value) in [
        ("Call-ID: a", Name::CallId, Some("a")),
        ("CALL-ID:a", Name::CallId, Some("a")),
        ("i:a", Name::CallId, Some("a")),
        ("I \t :  a  ", Name::CallId, Some("a")),
        ("Call-ID : a", Name::CallId, Some("a")),
        ("To :\r\n sip:v@h ;\r\n\ttag = 1", Name::To, Some("sip:v@h ;\r\n\ttag = 1")),
        ("To:\r\n  sip:v@h", Name::To, Some("sip:v@h")),
        ("v: x", Name::Via, Some("x")),
        ("f: x", Name::From, Some("x")),
        ("t: x", Name::To, Some("x")),
        ("m: x", Name::Contact, Some("x")),
        ("l: 0", Name::ContentLength, Some("0")),
        ("c: x", Name::ContentType, Some("x")),
        ("e: x", Name::ContentEncoding, Some("x")),
        ("o: refer", Name::Event, Some("refer")),
        ("SUBSCRIPTION-STATE: x", Name::SubscriptionState, Some("x")),
        ("C%6Fntact: x", Name::Contact, None),
        ("Call-IDs: x", Name::CallId, None),
        ("Call-ID", Name::CallId, None),
        ("Call-ID:", Name::CallId, Some("")),
        ("X: 1\r\n Call-ID: folded", Name::CallId, None),
        ("no colon\r\n continued\r\nCall-ID: a", Name::CallId, Some("a")),
    ] {
        let whole = format!("OPTIONS sip:h SIP/2.0\r\n{lines}\r\n\r\n");
        let message = read(&whole);
        assert_eq!(message.value(name).map(text).as_deref(), value, "{lines:?}");
        assert_eq!(message.fault, None, "{lines:?}");
    }
}

#[test]
fn a_display_name_may_be_any_bytes() {
    // 김 in EUC-KR, a NUL and a lone CR.
    let bytes = b"INVITE sip:1357@h SIP/2.0\r\nFrom: \"\xb1\xe8\x00\r\" <sip:010@h>;tag=1\r\nl: 0\r\n\r\n";
    let message = Message::read(bytes, Framing::Datagram).expect("reads");
    assert_eq!(message.fault, None);
    let from = crate::sip::header::NameAddr::parse(message.value(Name::From).expect("a From")).expect("an address");
    assert_eq!((from.uri, from.tag()), (&b"sip:010@h"[..], Some(&b"1"[..])));
}

#[test]
fn what_would_make_two_readers_disagree_is_a_fault() {
    let long = format!("X: {}", "x".repeat(HEADER_LINE_BYTES_MAX));
    let folded = format!("X: a{}", "\r\n aaaaaaaa".repeat(HEADER_LINE_BYTES_MAX / 8));
    let many = "X: a\r\n".repeat(HEADERS_MAX) + "Y: b";
    let vias = format!("Via: {}", ["a"; VIAS_MAX + 1].join(","));
    for (lines, fault) in [
        ("X: a\r\nX: b", None),
        ("Contact: a\r\nContact: b", None),
        ("Date: Fri, 01 Jan 2010 16:00:00 EST", None),
        ("Call-ID: a\r\ni: a", Some("Duplicate Call-ID")),
        ("CSeq: 1 A\r\nCSeq: 1 A", Some("Duplicate CSeq")),
        ("From: a\r\nf: b", Some("Duplicate From")),
        ("To: a\r\nTo: b", Some("Duplicate To")),
        ("Content-Length: 2\r\nl: 2", None),
        ("Content-Length: 0002", None),
        ("Content-Length : 2", None),
        ("Content-Length: 1\r\nl: 2", Some("Conflicting Content-Length")),
        ("Content-Length: -2", Some("Malformed Content-Length")),
        ("Content-Length: +2", Some("Malformed Content-Length")),
        ("Content-Length: 2 2", Some("Malformed Content-Length")),
        ("Content-Length: 2, 2", Some("Malformed Content-Length")),
        ("Content-Length: 2\r\n 2", Some("Malformed Content-Length")),
        ("Content-Length: 0x2", Some("Malformed Content-Length")),
        ("Content-Length:", Some("Malformed Content-Length")),
        ("Content-Length: 3", Some("Content-Length exceeds the message")),
        ("Content-Length: 4294967298", Some("Content-Length exceeds the message")),
        ("Content-Length: 18446744073709551618", Some("Content-Length exceeds the message")),
        (&long, Some("Header too long")),
        (&folded, Some("Header too long")),
        (&many, Some("Too many headers")),
        (&vias, Some("Too many Vias")),
    ] {
        let whole = format!("OPTIONS sip:h SIP/2.0\r\n{lines}\r\n\r\nab");
        let shown = &lines[..lines.len().min(60)];
        assert_eq!(read(&whole).fault.map(|fault| fault.reason), fault, "{shown}");
    }
}

#[test]
fn the_body_ends_where_its_length_or_the_datagram_says() {
    for (headers, body, found) in [
        ("Content-Length: 3\r\n", "abcdef", "abc"),
        ("Content-Length: 0\r\n", "INVITE sip:1357@h SIP/2.0\r\n", ""),
        ("", "abcdef", "abcdef"),
        ("", "\r\nabc\r\n\r\n", "\r\nabc\r\n\r\n"),
    ] {
        let whole = format!("OPTIONS sip:h SIP/2.0\r\n{headers}\r\n{body}");
        assert_eq!(text(read(&whole).body), found, "{headers}{body}");
    }
    let whole = format!("OPTIONS sip:h SIP/2.0\r\n\r\n{}", "x".repeat(BODY_BYTES_MAX + 1));
    assert_eq!(read(&whole).fault.map(|fault| fault.status), Some(413));
    for (length, framing, status) in [
        (BODY_BYTES_MAX + 1, Framing::Stream, 413),
        (BODY_BYTES_MAX + 1, Framing::Datagram, 400),
        (BODY_BYTES_MAX, Framing::Stream, 400),
    ] {
        let head = format!("OPTIONS sip:h SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
        let fault = Message::read(head.as_bytes(), framing).expect("reads").fault;
        assert_eq!(fault.map(|fault| fault.status), Some(status), "{length} {framing:?}");
    }
    let stream = Message::read(b"OPTIONS sip:h SIP/2.0\r\n\r\n", Framing::Stream).expect("reads");
    assert_eq!(stream.fault.map(|fault| fault.reason), Some("Missing Content-Length"));
}

#[test]
fn first_lines_are_read_as_rfc_4475_wants() {
    let request = |method: &'static str, uri: &'static str, version_2| {
        let method = Method::from_bytes(method.as_bytes());
        Some((Start::Request { method, uri: uri.as_bytes(), version_2 }, None::<&str>))
    };
    let response = |code| Some((Start::Response { status: StatusCode::new(code).expect("a code") }, None));
    for (line, found) in [
        ("OPTIONS sip:h SIP/2.0", request("OPTIONS", "sip:h", true)),
        ("OPTIONS sip:h sip/2.0", request("OPTIONS", "sip:h", true)),
        ("OPTIONS sip:h SIP/7.0", request("OPTIONS", "sip:h", false)),
        ("OPTIONS   sip:h   SIP/2.0", request("OPTIONS", "sip:h", true)),
        ("RE%47IST%45R sip:h SIP/2.0", request("RE%47IST%45R", "sip:h", true)),
        ("OPTIONS sip:h; lr SIP/2.0", None),
        ("OPTIONS <sip:h> SIP/2.0", None),
        ("SIP/2.0 200 = 2**3 * 5**2", response(200)),
        ("SIP/2.0 100 ", response(100)),
        ("SIP/2.0 699 x", response(699)),
    ] {
        let whole = format!("{line}\r\n\r\n");
        let message = read(&whole);
        match found {
            Some((start, fault)) => {
                assert_eq!((message.start, message.fault.map(|fault| fault.reason)), (start, fault), "{line}");
            }
            None => assert_eq!(message.fault.map(|fault| fault.reason), Some("Malformed Request-URI"), "{line}"),
        }
    }
}

#[test]
fn what_is_no_sip_is_not_read() {
    for noise in [
        "",
        "\r\n\r\n",
        "\0",
        "hello",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "INVITE sip:alan@jasomi.com\r\n\r\n",
        "SIP/2.0 4294967301 better not break the receiver\r\n\r\n",
        "SIP/2.0 99 x\r\n\r\n",
        "SIP/2.0 700 x\r\n\r\n",
        "SIP/2.0\r\n\r\n",
        " sip:h SIP/2.0\r\n\r\n",
    ] {
        assert!(Message::read(noise.as_bytes(), Framing::Datagram).is_none(), "{noise:?}");
    }
}

#[test]
fn empty_lines_before_a_message_and_bare_line_feeds_are_harmless() {
    let message = read("\r\n\r\nOPTIONS sip:h SIP/2.0\nCall-ID: a\n\nbody");
    assert_eq!((message.value(Name::CallId).map(text), text(message.body)), (Some("a".to_owned()), "body".to_owned()));
    let unfinished = read("OPTIONS sip:h SIP/2.0\r\nCall-ID: a\r\n");
    assert_eq!(unfinished.fault.map(|fault| fault.reason), Some("No empty line after the headers"));
    assert_eq!(unfinished.value(Name::CallId).map(text).as_deref(), Some("a"));
}

#[test]
fn headers_of_one_name_come_in_their_order() {
    let message = read("OPTIONS sip:h SIP/2.0\r\nVia: a, b\r\nX: y\r\nv: c\r\n\r\n");
    let vias: Vec<String> = message.values(Name::Via).flat_map(elements).map(text).collect();
    assert_eq!(vias, ["a", "b", "c"]);
    assert_eq!(message.values(Name::Require).count(), 0);
}
