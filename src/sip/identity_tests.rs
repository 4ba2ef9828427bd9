use super::*;
use crate::sip::reader::Framing;

fn read(headers: &str, believed: bool) -> Identity {
    let text = format!("INVITE sip:1357@h SIP/2.0\r\n{headers}\r\n\r\n");
    let message = Message::read(text.as_bytes(), Framing::Datagram).expect("reads");
    Identity::read(&message, b"sip:01099998888@phone", believed)
}

#[test]
fn what_a_trusted_peer_asserts_is_the_caller_and_what_another_one_asserts_is_nothing() {
    for (headers, caller) in [
        ("P-Asserted-Identity: <sip:+821012345678@kt.example;user=phone>", "01012345678"),
        ("P-Asserted-Identity: \"Kim, <VIP>\" <sip:kim@kt.example>, <tel:+82-10-1234-5678>", "01012345678"),
        ("P-Asserted-Identity: tel:0212345678\r\nP-Asserted-Identity: sip:kim@kt.example", "0212345678"),
        ("P-Asserted-Identity: <sip:kim@kt.example>", "kim"),
        ("P-Asserted-Identity: <sip:02123;phone-context=%2b82@kt.example>", "02123"),
        ("P-Asserted-Identity: <sip:kt.example>", "01099998888"),
        ("P-Asserted-Identity: >garbage<", "01099998888"),
        ("P-Preferred-Identity: <sip:01012345678@kt.example>", "01099998888"),
    ] {
        let identity = read(headers, true);
        assert_eq!(identity.caller.secret(), caller, "{headers}");
        let spoofed = read(headers, false);
        assert_eq!((spoofed.caller.secret(), spoofed.asserted), ("01099998888", false), "{headers}");
    }
    assert!(read("P-Asserted-Identity: tel:0212345678", true).asserted);
}

#[test]
fn a_caller_who_wants_privacy_is_withheld_whoever_asks_for_it() {
    for (privacy, withheld) in [
        ("id", true),
        ("user;id", true),
        ("critical; Header", true),
        ("none", false),
        ("session", false),
        ("history", false),
        ("", false),
    ] {
        for believed in [true, false] {
            let headers = format!("P-Asserted-Identity: tel:0212345678\r\nPrivacy: {privacy}");
            let identity = read(&headers, believed);
            assert_eq!(identity.caller.is_withheld(), withheld, "{privacy} {believed}");
        }
    }
}

#[test]
fn a_diverted_call_names_who_sent_it_on_and_who_was_dialled() {
    let diverted = |headers: &str| {
        read(headers, true).diverted.map(|diverted| {
            let reason = diverted.reason.as_deref().unwrap_or("-").to_owned();
            format!("{} {} {reason}", diverted.by.secret(), diverted.original.secret())
        })
    };
    for (headers, said) in [
        ("Diversion: <sip:0215880000@pbx>;reason=unconditional;counter=1", Some("0215880000 0215880000 unconditional")),
        (
            "Diversion: <sip:0222220000@pbx>;reason=\"user-busy\", <tel:+82-2-1111-0000>;reason=no-answer",
            Some("0222220000 0211110000 user-busy"),
        ),
        ("Diversion: <sip:0215880000@pbx>;privacy=full;reason=unknown", Some("  unknown")),
        ("Diversion: <sip:0215880000@pbx>;reason=\"a b\"", Some("0215880000 0215880000 -")),
        (
            "History-Info: <sip:0211110000@pbx>;index=1, <sip:0222220000@pbx;cause=486>;index=1.1;mp=1\r\n\
             History-Info: <sip:1357@ivr;cause=302>;index=1.1.1",
            Some("0222220000 0211110000 unconditional"),
        ),
        ("History-Info: <sip:1357@pbx>;index=1, <sip:1357@ivr>;index=1.1;rc=1", None),
        ("History-Info: <sip:0211110000@pbx?Privacy=history>;index=1, <sip:1357@ivr>;index=1.1", Some("  -")),
        ("History-Info: <sip:1357@ivr>;index=1", None),
        ("History-Info: >", None),
        ("Diversion: ", None),
    ] {
        assert_eq!(diverted(headers).as_deref(), said, "{headers}");
        assert_eq!(read(headers, false).diverted, None, "{headers}");
    }
}

#[test]
fn a_thousand_entries_cost_no_more_than_the_first_few() {
    let entries: Vec<String> = (0..1_000).map(|n| format!("<sip:02{n:04}@pbx>;reason=no-answer")).collect();
    let headers: Vec<String> = entries.chunks(100).map(|part| format!("Diversion: {}", part.join(","))).collect();
    let diverted = read(&headers.join("\r\n"), true).diverted.expect("diverted");
    assert_eq!(diverted.original.secret(), format!("02{:04}", HISTORY_ENTRIES_MAX - 1));
}

#[test]
fn user_to_user_is_handed_on_as_it_came_or_not_at_all() {
    for (value, kept) in [
        ("00c81030313233343536373839;encoding=hex", true),
        ("56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui;content=isdn-uui", true),
        ("\"quoted\";encoding=ascii", true),
        ("", false),
        (";encoding=hex", false),
        ("a b", false),
        ("00>\u{e9}", false),
    ] {
        let read = read(&format!("User-to-User: {value}"), false).user_to_user;
        assert_eq!(read.as_ref().map(UserToUser::secret), kept.then_some(value), "{value}");
        assert!(!format!("{read:?}").contains("00c8"), "it never prints");
    }
    let long = "0".repeat(USER_TO_USER_BYTES_MAX + 1);
    assert_eq!(read(&format!("User-to-User: {long}"), true).user_to_user, None);
}
