use super::*;
use crate::sim::caller::End;

const INVITE: &str = "INVITE sip:1357@e SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bKi\r\nFrom: <sip:0101@p>;tag=a\r\nTo: <sip:1357@e>\r\n\
                      Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
const SDP: &str = "v=0\r\nm=audio 16384 RTP/AVP 8\r\n";

fn at(seconds: f64) -> Instant {
    Instant::START + Duration::from_secs_f64(seconds)
}

fn law() -> Law {
    Law {
        targets: BTreeSet::from(["1357@k:5071".to_owned(), "1357@a:5072".to_owned()]),
        accepted: BTreeSet::from(["1357@a:5072".to_owned()]),
        menus: BTreeMap::from([("menu.main".to_owned(), Duration::from_secs(5))]),
        call_max: Duration::from_secs(3600),
    }
}

/// A response of the engine to the INVITE.
fn response(status: &str, body: &str) -> String {
    INVITE
        .replacen("INVITE sip:1357@e SIP/2.0", &format!("SIP/2.0 {status}"), 1)
        .replace("To: <sip:1357@e>", "To: <sip:1357@e>;tag=b")
        .replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n{body}", body.len()))
}

/// A request inside the call, in either direction: the oracle does not look at tags.
fn request(method: &str, more: &str, body: &str) -> String {
    // An ACK bears the number of its INVITE.
    let cseq = if method == "ACK" { 1 } else { 2 };
    format!(
        "{method} sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK{method}\r\nFrom: <sip:1357@e>;tag=b\r\nTo: <sip:0101@p>;tag=a\r\n\
         Call-ID: c\r\nCSeq: {cseq} {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Watch(Oracle);

impl Watch {
    /// A call that was answered properly at second 0.
    fn answered() -> Self {
        let mut watch = Self(Oracle::new(law()));
        watch.0.delivered(at(0.0), INVITE.as_bytes());
        watch.0.opened(StreamKey(1), 16384);
        watch.0.journal_start(at(0.0), CallKey(1), r#"{"call_id":"c"}"#);
        watch.0.journaled(CallKey(1));
        watch.sends(0.0, &response("200 OK", SDP));
        watch
    }

    fn connected() -> Self {
        let mut watch = Self::answered();
        watch.hears(0.0, &request("ACK", "", ""));
        watch
    }

    fn sends(&mut self, seconds: f64, text: &str) {
        self.0.check(at(seconds));
        self.0.sent(at(seconds), text.as_bytes());
    }

    fn hears(&mut self, seconds: f64, text: &str) {
        self.0.check(at(seconds));
        self.0.delivered(at(seconds), text.as_bytes());
    }

    fn enters(&mut self, seconds: f64, row: &str) {
        self.0.news(at(seconds), CallKey(1), &News::Entered { row: row.into() });
    }

    fn records(&mut self, outcome: &str) {
        let line = format!(r#"{{"call_id":"c","outcome":"{outcome}","cause":"x","attempts":[]}}"#);
        self.0.journal_end(at(99.0), CallKey(1), &line);
    }

    fn settles(&mut self, story: Story) {
        self.0.settle(at(100.0), &Story { call_id: "c".into(), ..story }, true);
        self.0.quiet(at(100.0), 0, 0, 0);
    }

    /// The rules broken so far.
    fn rules(&self) -> Vec<&'static str> {
        self.0.violations().iter().map(|violation| violation.rule).collect()
    }
}

fn ended(end: End) -> Story {
    Story { end: Some((at(50.0), end)), ..Story::default() }
}

#[test]
fn a_call_that_went_well_breaks_nothing() {
    let mut watch = Watch::connected();
    watch.hears(0.5, &request("BYE", "", ""));
    watch.records("abandoned");
    watch.settles(ended(End::HungUp));
    assert_eq!(watch.rules(), [""; 0]);
}

#[test]
fn a_second_final_response_is_one_too_many_but_a_repeat_is_not() {
    let mut watch = Watch(Oracle::new(law()));
    watch.hears(0.0, INVITE);
    watch.sends(0.0, &response("404 Not Found", ""));
    watch.sends(0.5, &response("404 Not Found", ""));
    assert_eq!(watch.rules(), [""; 0]);
    watch.sends(1.0, &response("486 Busy Here", ""));
    assert_eq!(watch.rules(), ["one final response"]);
}

#[test]
fn an_invite_without_an_answer_is_found_in_the_end() {
    let mut watch = Watch(Oracle::new(law()));
    watch.hears(0.0, INVITE);
    watch.records("failed");
    watch.settles(ended(End::NoAnswer));
    assert_eq!(watch.rules(), ["one final response"]);
}

#[test]
fn a_200_without_ack_must_be_repeated_in_time() {
    let mut watch = Watch::answered();
    watch.sends(0.5, &response("200 OK", SDP));
    watch.sends(1.5, &response("200 OK", SDP));
    assert_eq!(watch.rules(), [""; 0]);
    watch.0.check(at(4.0));
    assert_eq!(watch.rules(), ["200 until ACK"]);

    let mut acknowledged = Watch::connected();
    acknowledged.0.check(at(4.0));
    assert_eq!(acknowledged.rules(), [""; 0]);
}

#[test]
fn a_200_before_its_start_is_on_disk_is_too_early() {
    let mut watch = Watch(Oracle::new(law()));
    watch.hears(0.0, INVITE);
    watch.0.journal_start(at(0.0), CallKey(1), r#"{"call_id":"c"}"#);
    watch.sends(0.0, &response("200 OK", SDP));
    assert_eq!(watch.rules(), ["start before 200"]);
}

#[test]
fn a_refer_leads_only_where_the_table_says() {
    let mut watch = Watch::connected();
    watch.0.cases.get_mut("c").expect("a case").tone = true;
    watch.sends(0.1, &request("REFER", "Refer-To: <sip:1357@k:5071?User-to-User=x>\r\n", ""));
    assert_eq!(watch.rules(), [""; 0]);
    watch.sends(0.2, &request("REFER", "Refer-To: <sip:evil@elsewhere>\r\n", ""));
    assert_eq!(watch.rules(), ["target of the table"]);
}

#[test]
fn a_refer_needs_a_waiting_tone() {
    let mut watch = Watch::connected();
    watch.sends(0.1, &request("REFER", "Refer-To: <sip:1357@k:5071>\r\n", ""));
    assert_eq!(watch.rules(), ["waiting tone"]);
}

#[test]
fn silence_is_a_second_at_most_and_in_a_menu_its_digit_timeout() {
    for (row, seconds, broken) in [
        ("center.kosmes", 0.9, false),
        ("center.kosmes", 1.2, true),
        ("menu.main", 4.9, false),
        ("menu.main", 5.2, true),
    ] {
        let mut watch = Watch::connected();
        watch.enters(0.0, row);
        watch.hears(seconds, &request("BYE", "", ""));
        assert_eq!(watch.rules().contains(&"no silence"), broken, "{seconds} s in {row}");
    }
}

#[test]
fn silence_on_hold_is_nobodys_fault() {
    let mut watch = Watch::connected();
    watch.0.holding(at(0.5), "c", true);
    watch.0.holding(at(20.0), "c", false);
    watch.hears(20.5, &request("BYE", "", ""));
    assert_eq!(watch.rules(), [""; 0]);
}

#[test]
fn our_bye_needs_a_person_or_an_announcement_heard_to_its_end() {
    type Before = fn(&mut Watch);
    let told: Before = |watch: &mut Watch| watch.hears(0.1, &request("NOTIFY", "", "SIP/2.0 200 OK"));
    let announced: Before = |watch: &mut Watch| {
        watch.enters(0.1, "notice.goodbye");
        watch.0.finished(StreamKey(1));
    };
    let cut_short: Before = |watch: &mut Watch| watch.enters(0.1, "notice.goodbye");
    let nothing: Before = |_: &mut Watch| {};
    let busy: Before = |watch: &mut Watch| watch.hears(0.1, &request("NOTIFY", "", "SIP/2.0 486 Busy Here"));
    let cases: [(&str, Before, bool); 5] = [
        ("told", told, true),
        ("announced", announced, true),
        ("cut short", cut_short, false),
        ("nothing", nothing, false),
        ("busy", busy, false),
    ];
    for (name, before, fine) in cases {
        let mut watch = Watch::connected();
        before(&mut watch);
        watch.sends(0.2, &request("BYE", "", ""));
        assert_eq!(watch.rules().is_empty(), fine, "{name}");
    }
}

#[test]
fn the_record_says_what_the_caller_lived_through() {
    for (outcome, fine) in [("abandoned", true), ("transferred", false), ("announced", false)] {
        let mut watch = Watch::connected();
        watch.hears(0.5, &request("BYE", "", ""));
        watch.records(outcome);
        watch.settles(ended(End::HungUp));
        assert_eq!(watch.rules().is_empty(), fine, "{outcome}");
    }
}

#[test]
fn two_records_or_none_are_not_one() {
    let mut twice = Watch::connected();
    twice.hears(0.5, &request("BYE", "", ""));
    twice.records("abandoned");
    twice.records("abandoned");
    assert_eq!(twice.rules(), ["one record"]);

    let mut never = Watch::connected();
    never.hears(0.5, &request("BYE", "", ""));
    never.settles(ended(End::HungUp));
    assert_eq!(never.rules(), ["one record"]);
}

#[test]
fn a_key_counts_once_and_none_is_missed() {
    for (heard, fine) in [("11", true), ("1", false), ("111", false), ("12", false)] {
        let mut watch = Watch::connected();
        for key in heard.chars() {
            watch.0.heard(StreamKey(1), key);
        }
        watch.0.holding(at(0.2), "c", true);
        watch.hears(9.0, &request("BYE", "", ""));
        watch.records("abandoned");
        let pressed = vec![(at(1.0), '1'), (at(2.0), '1')];
        watch.settles(Story { pressed, ..ended(End::HungUp) });
        assert_eq!(watch.rules().is_empty(), fine, "{heard}: {:?}", watch.0.violations());
    }
}

#[test]
fn what_is_left_behind_is_counted() {
    let mut oracle = Oracle::new(law());
    oracle.quiet(at(100.0), 1, 2, 0);
    assert_eq!(oracle.violations().len(), 2);
}
