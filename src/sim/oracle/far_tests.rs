//! What the oracle says of calls of ours to centres, and of recordings.

use super::tests::{SDP, Watch, at, request};
use super::{Left, Oracle};
use crate::engine::{CallKey, News};
use crate::media::StreamKey;

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
