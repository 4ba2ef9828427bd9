use super::tape::TapeLaw;
use super::*;
use crate::sim::caller::End;
use crate::sip::trunk::Strangers;

const INVITE: &str = "INVITE sip:1357@e SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bKi\r\nFrom: <sip:0101@p>;tag=a\r\nTo: <sip:1357@e>\r\n\
                      Call-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
pub(super) const SDP: &str = "v=0\r\nm=audio 16384 RTP/AVP 8\r\n";

pub(super) fn at(seconds: f64) -> Instant {
    Instant::START + Duration::from_secs_f64(seconds)
}

pub(super) fn law() -> Law {
    Law {
        targets: BTreeSet::from(["1357@k:5071".to_owned(), "1357@a:5072".to_owned()]),
        accepted: BTreeSet::from(["1357@a:5072".to_owned()]),
        post_dial: BTreeSet::from(
            [("1357@k:5071", "12"), ("1357@a:5072", "")].map(|(to, keys)| (to.into(), keys.into())),
        ),
        menus: BTreeMap::from([("menu.main".to_owned(), Duration::from_secs(5))]),
        call_max: Duration::from_secs(3600),
        tapes: TapeLaw::example("1357", "greeting", "input.business"),
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
pub(super) fn request(method: &str, more: &str, body: &str) -> String {
    // An ACK bears the number of its INVITE.
    let cseq = if method == "ACK" { 1 } else { 2 };
    format!(
        "{method} sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK{method}\r\nFrom: <sip:1357@e>;tag=b\r\nTo: <sip:0101@p>;tag=a\r\n\
         Call-ID: c\r\nCSeq: {cseq} {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) struct Watch(pub(super) Oracle);

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

    pub(super) fn connected() -> Self {
        let mut watch = Self::answered();
        watch.hears(0.0, &request("ACK", "", ""));
        watch
    }

    pub(super) fn sends(&mut self, seconds: f64, text: &str) {
        self.0.check(at(seconds));
        self.0.sent(at(seconds), text.as_bytes());
    }

    pub(super) fn hears(&mut self, seconds: f64, text: &str) {
        self.0.check(at(seconds));
        self.0.delivered(at(seconds), text.as_bytes());
    }

    fn enters(&mut self, seconds: f64, row: &str) {
        self.0.news(at(seconds), CallKey(1), &News::Entered { row: row.into() });
    }

    pub(super) fn records(&mut self, outcome: &str) {
        let line = format!(r#"{{"call_id":"c","outcome":"{outcome}","cause":"x","attempts":[]}}"#);
        self.0.journal_end(at(99.0), CallKey(1), &line);
    }

    fn settles(&mut self, story: Story) {
        self.0.settle(at(100.0), &Story { call_id: "c".into(), ..story }, true);
        self.0.quiet(at(100.0), Left::default());
    }

    /// The rules broken so far.
    pub(super) fn rules(&self) -> Vec<&'static str> {
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
fn a_disk_that_hangs_for_three_seconds_keeps_nobody_waiting() {
    let mut watch = Watch(Oracle::new(law()));
    watch.hears(0.0, INVITE);
    watch.0.journal_start(at(0.0), CallKey(1), r#"{"call_id":"c"}"#);
    watch.sends(3.0, &response("200 OK", SDP));
    assert_eq!(watch.rules(), [""; 0]);
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
    oracle.quiet(at(100.0), Left { calls: 1, held: 2, ..Left::default() });
    assert_eq!(oracle.violations().len(), 2);
}

#[test]
fn the_ack_of_a_refusal_leaves_the_200_owed() {
    let mut watch = Watch::answered();
    let other = INVITE.replace("z9hG4bKi", "z9hG4bKj");
    watch.hears(0.1, &other);
    watch.sends(0.1, &response("482 Loop Detected", "").replace("z9hG4bKi", "z9hG4bKj"));
    watch.hears(0.2, &request("ACK", "", "").replace("z9hG4bKACK", "z9hG4bKj"));
    watch.0.check(at(0.7));
    assert_eq!(watch.rules(), ["200 until ACK"]);
}

#[test]
fn a_refusal_on_the_other_of_two_ways_is_not_the_outcome() {
    let mut watch = Watch::connected();
    watch.sends(0.1, &response("482 Loop Detected", "").replace("z9hG4bKi", "z9hG4bKj"));
    watch.hears(0.5, &request("BYE", "", ""));
    watch.records("abandoned");
    watch.settles(ended(End::HungUp));
    assert_eq!(watch.rules(), [""; 0]);
}

#[test]
fn strangers_meet_silence_or_403_and_nothing_else() {
    for (policy, answer, fine) in [
        (None, "403 Forbidden", false),
        (Some(Strangers::Silence), "403 Forbidden", false),
        (Some(Strangers::Forbidden), "403 Forbidden", true),
        (Some(Strangers::Forbidden), "200 OK", false),
    ] {
        let mut oracle = Oracle::new(law());
        oracle.told_stranger(at(0.0), response(answer, "").as_bytes(), policy);
        assert_eq!(oracle.violations().is_empty(), fine, "{policy:?} {answer}");
    }
}

#[test]
fn no_credentials_leave_inside_a_call() {
    let mut watch = Watch::connected();
    watch.0.cases.get_mut("c").expect("a case").told = true;
    watch.sends(0.1, &request("BYE", "Proxy-Authorization: Digest username=\"1357\"\r\n", ""));
    assert_eq!(watch.rules(), ["credentials"]);
}

#[test]
fn a_callers_number_stands_in_no_record_and_no_news() {
    let mut watch = Watch::connected();
    watch.0.expect("01000001000");
    let line = r#"{"call_id":"c","outcome":"abandoned","caller":"01000001000","attempts":[]}"#;
    watch.0.journal_end(at(1.0), CallKey(1), line);
    watch.0.journal_start(at(1.0), CallKey(2), r#"{"call_id":"d","caller":"010****1000"}"#);
    let news = |caller: &str| News::Began { caller: caller.to_owned(), dialled: "1357".to_owned() };
    watch.0.news(at(1.0), CallKey(1), &news("01000001000"));
    watch.0.news(at(1.0), CallKey(1), &news("010****1000"));
    assert_eq!(watch.rules(), ["masked", "masked"]);
}

#[test]
fn a_call_that_broke_is_a_broken_promise() {
    let mut watch = Watch::connected();
    watch.0.journal_end(at(1.0), CallKey(1), r#"{"call_id":"c","outcome":"failed","cause":"internal","attempts":[]}"#);
    assert_eq!(watch.rules(), ["no panic"]);
}

#[test]
fn whoever_calls_a_draining_engine_is_sent_elsewhere() {
    for (answer, more, fine) in [
        ("503 Service Unavailable", "Retry-After: 120\r\n", true),
        ("503 Service Unavailable", "", false),
        ("200 OK", "", false),
    ] {
        let mut oracle = Oracle::new(law());
        oracle.drains();
        oracle.delivered(at(0.0), INVITE.as_bytes());
        oracle.journaled(CallKey(1));
        let answer = response(answer, "").replace("Content-Length", &format!("{more}Content-Length"));
        oracle.sent(at(0.0), answer.as_bytes());
        let drains = oracle.violations().iter().filter(|violation| violation.rule == "drain").count();
        assert_eq!(drains == 0, fine, "{answer}");
    }
}

#[test]
fn whoever_is_one_too_many_has_no_record_and_only_where_there_are_caps() {
    for (capped, answer, fine) in [
        (true, "503 Service Unavailable", true),
        (true, "486 Busy Here", false),
        (false, "503 Service Unavailable", false),
    ] {
        let mut oracle = Oracle::new(law());
        if capped {
            oracle.capped();
        }
        oracle.delivered(at(0.0), INVITE.as_bytes());
        oracle.sent(at(0.0), response(answer, "").as_bytes());
        oracle.quiet(at(60.0), Left::default());
        let unrecorded = oracle.violations().iter().filter(|violation| violation.rule == "one record").count();
        assert_eq!(unrecorded == 0, fine, "{capped} {answer}");
    }
}

#[test]
fn an_engine_that_nobody_talks_to_comes_to_rest() {
    for (last_tick, over_streams, fine) in
        [(32.5, false, true), (40.0, false, false), (60.0, true, true), (70.0, true, false)]
    {
        let mut oracle = Oracle::new(law());
        oracle.rested(at(100.0), at(last_tick), at(0.0), over_streams);
        assert_eq!(oracle.violations().is_empty(), fine, "{last_tick} s after the last message");
    }
}

#[test]
fn a_reliable_183_must_be_repeated_until_its_prack() {
    let rings =
        response("183 Session Progress", "").replace("Content-Length", "Require: 100rel\r\nRSeq: 7\r\nContent-Length");
    let mut watch = Watch(Oracle::new(law()));
    watch.hears(0.0, INVITE);
    for seconds in [0.0, 0.5, 1.5, 3.5] {
        watch.sends(seconds, &rings);
    }
    assert_eq!(watch.rules(), [""; 0]);
    let mut acknowledged = Watch(Oracle::new(law()));
    acknowledged.hears(0.0, INVITE);
    acknowledged.sends(0.0, &rings);
    acknowledged.hears(0.3, &request("PRACK", "RAck: 7 1 INVITE\r\n", ""));
    acknowledged.0.check(at(9.0));
    assert_eq!(acknowledged.rules(), [""; 0]);
    watch.0.check(at(9.0));
    assert_eq!(watch.rules(), ["183 until PRACK"]);
}

#[test]
fn whoever_a_crash_left_with_a_dialog_is_owed_a_bye() {
    for (goodbye, broken) in [(true, false), (false, true)] {
        let mut watch = Watch::connected();
        watch.0.crashed();
        if goodbye {
            watch.sends(2.0, &request("BYE", "", ""));
        }
        let story = Story { call_id: "c".to_owned(), ..Story::default() };
        watch.0.settle(at(60.0), &story, true);
        let found = watch.0.violations().iter().any(|violation| violation.rule == "a goodbye after a crash");
        assert_eq!(found, broken);
    }
}

#[test]
fn a_call_keeps_the_table_it_began_with() {
    let began = || News::Began { caller: "010****5678".to_owned(), dialled: "1357".to_owned() };
    for (published_first, row, kept) in [
        (false, "menu.main", true),
        (false, "menu.main~2", false),
        (true, "menu.main~2", true),
        (true, "menu.main", false),
    ] {
        let mut watch = Watch::connected();
        watch.0.published(published_first);
        watch.0.news(at(0.0), CallKey(7), &began());
        // What is published in the middle of a call is for others.
        watch.0.published(!published_first);
        watch.0.news(at(0.1), CallKey(7), &News::Entered { row: row.into() });
        let rules: Vec<_> = watch.0.violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules.contains(&"a call keeps its table"), !kept, "{row}");
    }
}

#[test]
fn a_refer_or_bye_that_no_address_of_a_telephone_brought_there_is_found() {
    let refer = request("REFER", "Refer-To: <sip:1357@k:5071>\r\n", "");
    let told = Story { referred: vec![(at(2.0), "sip:1357@k:5071".to_owned())], ..ended(End::Released) };
    for (story, expected) in [
        (Story { call_id: "c".into(), ..told.clone() }, &[][..]),
        (Story { call_id: "c".into(), ..ended(End::Released) }, &["REFER arrives"]),
        (Story { call_id: "c".into(), end: None, ..told.clone() }, &["BYE arrives"]),
        (Story { call_id: "c".into(), end: Some((at(90.0), End::HungUp)), ..told }, &["BYE arrives"]),
    ] {
        let mut watch = Watch::connected();
        let case = watch.0.cases.get_mut("c").expect("a case");
        (case.tone, case.sounding, case.silent_since, case.told) = (true, true, None, true);
        watch.sends(1.0, &refer);
        watch.sends(50.0, &request("BYE", "", ""));
        watch.0.reached(at(100.0), &story, true);
        assert_eq!(watch.rules(), expected, "{story:?}");
    }
}
