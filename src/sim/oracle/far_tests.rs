//! What the oracle says of calls of ours to centres, and of recordings.

use super::tests::{SDP, Watch, at, request};
use super::{Left, Oracle};
use crate::engine::{CallKey, News};
use crate::media::StreamKey;
use crate::number::Key;
use crate::sim::backend::Visit;

/// A message of our call to a centre, in either direction.
fn ours(first: &str, cseq: &str, tag: &str, body: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    format!(
        "{first}\r\nVia: SIP/2.0/UDP e;branch=z9hG4bK{}\r\nFrom: <sip:0101@e>;tag=us\r\nTo: <sip:1357@k:5071>{tag}\r\nCall-ID: far\r\n\
         CSeq: {cseq}\r\nContent-Length: {}\r\n\r\n{body}",
        cseq.replace(' ', ""),
        body.len()
    )
}

impl Watch {
    /// These keys go to the centre, and are out.
    fn presses(&mut self, keys: &str) {
        let pressed: Vec<_> = keys.chars().filter_map(Key::from_char).collect();
        self.0.post_dials(StreamKey(2), &pressed);
        self.0.post_dialled(StreamKey(2), pressed.len() as u8);
    }
}

/// A caller who hears a tone.
fn hearing() -> Watch {
    let mut watch = Watch::connected();
    let case = watch.0.cases.get_mut("c").expect("a case");
    (case.tone, case.sounding, case.silent_since) = (true, true, None);
    watch
}

/// A caller for whom a centre is called: its INVITE has left at second 1.
fn calling() -> Watch {
    let mut watch = hearing();
    watch.0.opened_beside(StreamKey(2), StreamKey(1));
    watch.0.opened(StreamKey(2), 16386);
    watch.sends(1.0, &ours("INVITE sip:1357@k:5071 SIP/2.0", "1 INVITE", "", &SDP.replace("16384", "16386")));
    watch
}

fn centre(watch: &mut Watch, seconds: f64, text: &str) {
    watch.0.centre_says(at(seconds), text.as_bytes());
}

/// The two talk from second 3 on.
fn talking() -> Watch {
    let mut watch = calling();
    centre(&mut watch, 2.0, &ours("SIP/2.0 180 Ringing", "1 INVITE", "x", ""));
    centre(&mut watch, 3.0, &ours("SIP/2.0 200 OK", "1 INVITE", "x", SDP));
    watch.sends(3.0, &ours("ACK sip:centre@k:5071 SIP/2.0", "1 ACK", "x", ""));
    watch.presses("12");
    watch.0.bridged(at(3.0), StreamKey(2), true);
    watch
}

fn bye() -> String {
    ours("BYE sip:centre@k:5071 SIP/2.0", "2 BYE", "x", "")
}

/// The rules broken when everybody has gone.
fn broken(mut watch: Watch) -> Vec<&'static str> {
    watch.records("transferred");
    watch.0.quiet(at(100.0), Left::default());
    watch.rules()
}

fn closed(oracle: &mut Oracle, seconds: f64) {
    oracle.closed(at(seconds), StreamKey(2));
}

#[test]
fn a_talk_that_either_side_ends_breaks_nothing() {
    let mut watch = talking();
    watch.hears(9.0, &request("BYE", "", ""));
    watch.sends(9.0, &bye());
    closed(&mut watch.0, 9.0);
    assert_eq!(broken(watch), [""; 0]);
    let mut watch = talking();
    centre(&mut watch, 9.0, &bye());
    closed(&mut watch.0, 9.0);
    watch.sends(9.0, &request("BYE", "", ""));
    assert_eq!(broken(watch), [""; 0]);
}

#[test]
fn a_leg_that_is_left_alone_or_hung_up_on_twice_or_never_is_found() {
    type End = fn(&mut Watch);
    let cases: [(&str, End, &[&str]); 5] = [
        (
            "a second late",
            |watch| {
                watch.hears(9.0, &request("BYE", "", ""));
                watch.sends(10.0, &bye());
                closed(&mut watch.0, 10.0)
            },
            &["no leg alone"],
        ),
        (
            "never",
            |watch| {
                watch.hears(9.0, &request("BYE", "", ""));
                closed(&mut watch.0, 9.0)
            },
            &["one BYE a dialog"],
        ),
        (
            "twice",
            |watch| {
                watch.hears(9.0, &request("BYE", "", ""));
                watch.sends(9.0, &bye());
                watch.sends(9.1, &bye());
                watch.sends(9.2, &bye().replace("2 BYE", "3 BYE").replace("z9hG4bK2", "z9hG4bK3"));
                closed(&mut watch.0, 9.0);
            },
            &["one BYE a dialog"],
        ),
        (
            "the caller alone",
            |watch| {
                centre(watch, 9.0, &bye());
                closed(&mut watch.0, 9.0);
                watch.sends(10.0, &request("BYE", "", ""))
            },
            &["no leg alone"],
        ),
        (
            "its stream stays",
            |watch| {
                watch.hears(9.0, &request("BYE", "", ""));
                watch.sends(9.0, &bye())
            },
            &["every stream is closed"],
        ),
    ];
    for (name, end, expected) in cases {
        let mut watch = talking();
        end(&mut watch);
        assert_eq!(broken(watch), expected, "{name}");
    }
}

#[test]
fn a_caller_who_leaves_while_it_rings_takes_the_call_back() {
    for (cancels, expected) in [(true, &[][..]), (false, &["no leg alone"][..])] {
        let mut watch = calling();
        centre(&mut watch, 2.0, &ours("SIP/2.0 180 Ringing", "1 INVITE", "x", ""));
        watch.hears(3.0, &request("BYE", "", ""));
        if cancels {
            watch.sends(3.0, &ours("CANCEL sip:1357@k:5071 SIP/2.0", "1 CANCEL", "", ""));
        }
        closed(&mut watch.0, 3.0);
        assert_eq!(broken(watch), expected, "{cancels}");
    }
}

#[test]
fn nobody_is_bridged_with_a_centre_that_is_not_there() {
    for (early, talks, fine) in [(false, false, false), (true, false, true), (true, true, false)] {
        let mut watch = calling();
        let body = if early { SDP } else { "" };
        centre(&mut watch, 2.0, &ours("SIP/2.0 183 Session Progress", "1 INVITE", "x", body));
        watch.0.bridged(at(2.0), StreamKey(2), talks);
        assert_eq!(watch.rules().is_empty(), fine, "{early} {talks}");
    }
}

#[test]
fn a_record_that_claims_what_it_was_not_told_of_a_recording_is_found() {
    for (told, claims, fine) in [
        (Some(true), "kept", true),
        (Some(false), "failed", true),
        (None, "unknown", true),
        (Some(false), "refused", true),
        (None, "kept", false),
        (Some(false), "kept", false),
        (Some(true), "unknown", false),
    ] {
        for list in ["recordings", "messages"] {
            let mut watch = hearing();
            if let Some(kept) = told {
                watch.0.written("a-1", kept);
            }
            let record = |cause| serde_json::json!({ "cause": cause, list: [{ "file": "a-1", "result": claims }] });
            watch.0.tells_recordings(at(1.0), "c", &record(Some("announced")));
            assert_eq!(watch.rules().is_empty(), fine, "{told:?} {claims}");
            // A process that died may not have been told.
            let mut watch = hearing();
            watch.0.written("a-1", told == Some(true));
            watch.0.tells_recordings(at(1.0), "c", &record(None));
            assert!(claims != "unknown" || watch.rules().is_empty(), "{told:?} {claims}");
        }
    }
}

#[test]
fn a_recording_begins_behind_its_notice_and_is_neither_of_a_talk_nor_of_an_entry() {
    let begins = |watch: &mut Watch| watch.0.tape_begins(at(1.0), StreamKey(1), "calls/a-1");
    let mut early = hearing();
    begins(&mut early);
    assert_eq!(early.rules(), ["recorded when told"]);
    let mut told = hearing();
    told.0.cases.get_mut("c").expect("a case").played = vec!["en/greeting".to_owned()];
    told.0.finished(StreamKey(1));
    begins(&mut told);
    told.0.tape_runs(at(2.0), StreamKey(1), false);
    assert_eq!(told.rules(), [""; 0]);
    told.0.tape_runs(at(2.0), StreamKey(1), true);
    assert_eq!(told.rules(), ["recorded when told"]);
    told.0.news(at(3.0), CallKey(1), &News::Entered { row: "input.business".into() });
    told.0.tape_runs(at(3.0), StreamKey(1), false);
    assert_eq!(told.rules(), ["recorded when told"; 2]);
}

#[test]
fn a_recording_that_is_agreed_to_begins_behind_the_key_that_says_so() {
    let pressed = |keys: &str| {
        let mut watch = hearing();
        watch.0.news(at(1.0), CallKey(1), &News::Entered { row: "menu.consent".into() });
        for key in keys.chars() {
            watch.0.news(at(2.0), CallKey(1), &News::Key { key: Key::from_char(key) });
        }
        watch.0.tape_begins(at(2.0), StreamKey(1), "calls/a-1");
        watch.rules()
    };
    assert_eq!(pressed("1"), [""; 0]);
    assert_eq!(pressed("21"), [""; 0], "the last word counts");
    for keys in ["", "2", "12", "3"] {
        assert_eq!(pressed(keys), ["recorded when told"], "{keys:?}");
    }
}

#[test]
fn a_recording_does_not_run_on_behind_a_refusal() {
    let mut watch = hearing();
    watch.0.cases.get_mut("c").expect("a case").played = vec!["greeting".to_owned()];
    watch.0.finished(StreamKey(1));
    watch.0.tape_begins(at(1.0), StreamKey(1), "calls/a-1");
    watch.0.news(at(2.0), CallKey(1), &News::Entered { row: "menu.consent".into() });
    watch.0.news(at(3.0), CallKey(1), &News::Key { key: Key::from_char('2') });
    watch.0.tape_runs(at(3.0), StreamKey(1), false);
    assert_eq!(watch.rules(), ["recorded when told"]);
}

/// A talk in which the centre holds, and our 200 has no ACK when the caller leaves at second 9.
fn waiting() -> Watch {
    let mut watch = talking();
    watch.sends(8.0, &ours("SIP/2.0 200 OK", "1 INVITE", "x", SDP).replace("z9hG4bK1INVITE", "z9hG4bKhold"));
    watch.hears(9.0, &request("BYE", "", ""));
    watch
}

#[test]
fn a_bye_that_waits_for_an_ack_waits_no_longer_than_for_that() {
    for (acknowledged, leaves, fine) in
        [(Some(12.0), 12.0, true), (Some(12.0), 14.0, false), (None, 40.0, true), (None, 45.0, false)]
    {
        let mut watch = waiting();
        closed(&mut watch.0, 9.0);
        if let Some(seconds) = acknowledged {
            centre(&mut watch, seconds, &ours("ACK sip:us@e SIP/2.0", "1 ACK", "us", ""));
        }
        watch.sends(leaves, &bye());
        let expected: &[&str] = if fine { &[] } else { &["no leg alone"] };
        assert_eq!(broken(watch), expected, "{acknowledged:?} {leaves}");
    }
}

#[test]
fn whoever_rang_or_talked_when_the_process_died_is_told_by_the_next() {
    let cancel = || ours("CANCEL sip:1357@k:5071 SIP/2.0", "1 CANCEL", "", "");
    let ringing = || {
        let mut watch = calling();
        centre(&mut watch, 2.0, &ours("SIP/2.0 180 Ringing", "1 INVITE", "x", ""));
        watch.0.crashed();
        watch
    };
    type After = fn(&mut Watch);
    let answers: After = |watch: &mut Watch| centre(watch, 4.0, &ours("SIP/2.0 200 OK", "1 INVITE", "x", SDP));
    let acknowledges: After =
        |watch: &mut Watch| watch.sends(4.0, &ours("ACK sip:centre@k:5071 SIP/2.0", "1 ACK", "x", ""));
    let hangs_up: After = |watch: &mut Watch| watch.sends(4.0, &bye());
    let cases: [(&str, bool, &[After], bool); 6] = [
        ("rings on", false, &[], false),
        ("is taken back", true, &[], true),
        ("answers", true, &[answers, acknowledges, hangs_up], true),
        ("answers nobody", true, &[answers], false),
        ("is answered and left", true, &[answers, acknowledges], false),
        ("is not taken back and answers", false, &[answers, acknowledges, hangs_up], true),
    ];
    for (name, cancels, after, fine) in cases {
        let mut watch = ringing();
        if cancels {
            watch.sends(3.0, &cancel());
        }
        after.iter().for_each(|step| step(&mut watch));
        watch.0.quiet(at(100.0), Left::default());
        let found = watch.rules().contains(&"a goodbye after a crash");
        assert_eq!(found, !fine, "{name}");
    }
    let mut talked = talking();
    talked.0.crashed();
    talked.0.quiet(at(100.0), Left::default());
    assert!(talked.rules().contains(&"a goodbye after a crash"));
}

#[test]
fn a_call_to_a_centre_is_for_a_caller_or_for_noise_that_got_through_and_for_nobody_else() {
    let invite = ours("INVITE sip:1357@k:5071 SIP/2.0", "1 INVITE", "", &SDP.replace("16384", "16386"));
    let answer = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP n;branch=z9hG4bKn\r\nFrom: <sip:n@n>;tag=n\r\nTo: <sip:1357@e>;tag=b\r\n\
                  Call-ID: noise\r\nCSeq: 1 INVITE\r\n";
    for (got_through, fine) in [(true, true), (false, false)] {
        let mut oracle = Oracle::new(super::tests::law());
        oracle.expect_noise();
        oracle.opened(StreamKey(1), 16384);
        if got_through {
            oracle.told_noise(format!("{answer}Content-Length: {}\r\n\r\n{SDP}", SDP.len()).as_bytes());
        }
        oracle.opened_beside(StreamKey(2), StreamKey(1));
        oracle.opened(StreamKey(2), 16386);
        oracle.sent(at(1.0), invite.as_bytes());
        oracle.journal_end(at(2.0), CallKey(1), r#"{"call_id":"noise","outcome":"failed","attempts":[]}"#);
        let rules: Vec<_> = oracle.violations().iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, if fine { vec![] } else { vec!["nobody's call", "record"] });
    }
}

#[test]
fn a_centre_is_talked_with_behind_its_own_keys_alone() {
    let talk = |presses: &dyn Fn(&mut Watch)| {
        let mut watch = calling();
        centre(&mut watch, 3.0, &ours("SIP/2.0 200 OK", "1 INVITE", "x", SDP));
        watch.sends(3.0, &ours("ACK sip:centre@k:5071 SIP/2.0", "1 ACK", "x", ""));
        presses(&mut watch);
        watch.0.bridged(at(3.0), StreamKey(2), true);
        watch.rules()
    };
    let (one, two) = (Key::from_char('1').expect("a key"), Key::from_char('2').expect("a key"));
    assert_eq!(talk(&|watch| watch.presses("12")), Vec::<&str>::new());
    assert_eq!(talk(&|watch| ["1", "2"].iter().for_each(|keys| watch.presses(keys))), Vec::<&str>::new());
    for early in [
        &(|_: &mut Watch| ()) as &dyn Fn(&mut Watch),
        &|watch| watch.presses("21"),
        &|watch| watch.presses("123"),
        // They are on their way.
        &|watch| watch.0.post_dials(StreamKey(2), &[one, two]),
    ] {
        assert_eq!(talk(early), ["keys before the talk"]);
    }
}

#[test]
fn an_answer_of_a_centre_and_each_copy_of_it_meets_an_ack() {
    let ok = || ours("SIP/2.0 200 OK", "1 INVITE", "x", SDP);
    let ack = || ours("ACK sip:centre@k:5071 SIP/2.0", "1 ACK", "x", "");
    let mut watch = talking();
    centre(&mut watch, 3.5, &ok());
    watch.sends(3.5, &ack());
    watch.0.check(at(5.0));
    assert_eq!(watch.rules(), [""; 0]);
    centre(&mut watch, 5.5, &ok());
    watch.0.check(at(6.0));
    assert_eq!(watch.rules(), ["every answer is acknowledged"]);
    // Past 64·T1 nobody listens (RFC 6026).
    let mut watch = talking();
    centre(&mut watch, 35.5, &ok());
    watch.0.check(at(40.0));
    assert_eq!(watch.rules(), [""; 0]);
}

#[test]
fn a_fork_that_is_not_taken_gets_ack_and_bye() {
    for (acks, hangs_up, expected) in
        [(true, true, &[][..]), (false, true, &["every answer is acknowledged"]), (true, false, &["one BYE a dialog"])]
    {
        let mut watch = talking();
        centre(&mut watch, 4.0, &ours("SIP/2.0 200 OK", "1 INVITE", "y", SDP));
        if acks {
            watch.sends(4.0, &ours("ACK sip:other@k:5071 SIP/2.0", "1 ACK", "y", ""));
        }
        if hangs_up {
            watch.sends(4.0, &ours("BYE sip:other@k:5071 SIP/2.0", "2 BYE", "y", ""));
        }
        watch.hears(9.0, &request("BYE", "", ""));
        watch.sends(9.0, &bye());
        closed(&mut watch.0, 9.0);
        assert_eq!(broken(watch), expected, "{acks} {hangs_up}");
    }
}

#[test]
fn a_refresh_of_ours_that_is_accepted_meets_an_ack_also_behind_the_end_of_the_call() {
    let refresh = |first: &str| {
        request("INVITE", "", "")
            .replacen("INVITE sip:x@y SIP/2.0", first, 1)
            .replace(";branch=z9hG4bKINVITE", ";branch=z9hG4bKr")
    };
    let ack = request("ACK", "", "").replace("CSeq: 1", "CSeq: 2");
    for (acks, expected) in [(true, &[][..]), (false, &["every answer is acknowledged"])] {
        let mut watch = hearing();
        watch.sends(1.0, &refresh("INVITE sip:x@y SIP/2.0"));
        watch.hears(1.5, &request("BYE", "", "").replace("CSeq: 2", "CSeq: 3"));
        watch.hears(2.0, &refresh("SIP/2.0 200 OK"));
        if acks {
            watch.sends(2.0, &ack);
        }
        watch.0.check(at(3.0));
        assert_eq!(watch.rules(), expected, "{acks}");
    }
    // Nobody knows of an INVITE whose process died.
    let mut watch = hearing();
    watch.sends(1.0, &refresh("INVITE sip:x@y SIP/2.0"));
    watch.0.crashed();
    watch.hears(2.0, &refresh("SIP/2.0 200 OK"));
    watch.0.check(at(3.0));
    assert_eq!(watch.rules(), [""; 0]);
}

#[test]
fn a_bye_that_no_address_of_a_centre_brought_there_is_found() {
    for (ended, expected) in [(Some(9.1), &[][..]), (Some(60.0), &["BYE arrives"]), (None, &["BYE arrives"])] {
        let mut watch = talking();
        watch.hears(9.0, &request("BYE", "", ""));
        watch.sends(9.0, &bye());
        closed(&mut watch.0, 9.0);
        let visit = Visit {
            caller: String::new(),
            user_to_user: None,
            answered: Some(at(3.0)),
            ended: ended.map(at),
            unacknowledged: false,
        };
        watch.0.reached_centre(at(100.0), "far", &visit);
        assert_eq!(broken(watch), expected, "{ended:?}");
    }
}

#[test]
fn a_fork_that_answers_too_late_is_nobodys() {
    let mut watch = talking();
    centre(&mut watch, 35.5, &ours("SIP/2.0 200 OK", "1 INVITE", "y", SDP));
    watch.sends(35.5, &ours("BYE sip:other@k:5071 SIP/2.0", "2 BYE", "y", ""));
    watch.hears(40.0, &request("BYE", "", ""));
    watch.sends(40.0, &bye());
    closed(&mut watch.0, 40.0);
    assert_eq!(broken(watch), [""; 0]);
}
