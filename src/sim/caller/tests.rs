use super::follow_form::{Branch, ByeRace, FollowForm, Notify, ReferAnswer};
use super::manner::Prack;
use super::*;
use std::collections::BTreeSet;

const PHONE: ([u8; 4], u16) = ([10, 2, 0, 1], 5060);
const SOUND: ([u8; 4], u16) = ([10, 2, 0, 1], 4000);
const SERVER: ([u8; 4], u16) = ([10, 1, 0, 1], 5060);
const CENTRE: ([u8; 4], u16) = ([10, 3, 0, 1], 5060);

/// A phone and, by hand, everybody it talks to.
struct Table {
    phone: Phone,
    now: Instant,
    out: Vec<Packet>,
}

impl Table {
    fn new(manner: Manner) -> Self {
        let directory = Rc::new(BTreeMap::from([("1357@k.example".to_owned(), CENTRE.into())]));
        let random = Random::from_number(7);
        let phone = Phone::new("01000001000", PHONE.into(), SOUND.into(), SERVER.into(), manner, directory, random);
        let mut table = Self { phone, now: Instant::START, out: Vec::new() };
        table.phone.dial(table.now, &mut table.out);
        table
    }

    /// A phone whose call the server has answered.
    fn connected(manner: Manner) -> Self {
        let mut table = Self::new(manner);
        table.answer("INVITE", "200 OK", "Contact: <sip:1357@10.1.0.1>\r\n", ANSWER);
        table
    }

    /// Lets time go by in steps as small as the phone wants them.
    fn wait(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some(due) = self.phone.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.phone.tick(self.now, &mut self.out);
        }
        self.now = until;
    }

    /// Answers the phone's last request of this method.
    fn answer(&mut self, method: &str, status: &str, more: &str, body: &str) {
        let sent = self.sent(method);
        let request = sent.last().unwrap_or_else(|| panic!("no {method} was sent"));
        let message = Message::read(request).expect("whole");
        let (code, reason) = status.split_once(' ').expect("a code and a reason");
        let bytes = message.answer(code.parse().expect("a code"), reason, "them", more, body);
        let from = if request.starts_with(format!("{method} sip:1357@k").as_bytes()) { CENTRE } else { SERVER };
        self.phone.received(self.now, from.into(), &bytes, &mut self.out);
    }

    /// The server sends a request inside the call.
    fn request(&mut self, method: &str, more: &str) {
        let invite = self.sent("INVITE").remove(0);
        let invite = Message::read(&invite).expect("whole");
        let text = format!(
            "{method} sip:x@10.2.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.1;branch=z9hG4bK{method}\r\nFrom: <sip:1357@e>;tag=them\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: 1 {method}\r\n{more}Content-Length: 0\r\n\r\n",
            invite.get("From").expect("From"),
            invite.call_id(),
        );
        self.phone.received(self.now, SERVER.into(), text.as_bytes(), &mut self.out);
    }

    fn refer(&mut self) {
        self.request("REFER", "Refer-To: <sip:1357@k.example?User-to-User=ab%3Bencoding%3Dhex>\r\n");
    }

    /// Requests of this method so far.
    fn sent(&self, method: &str) -> Vec<Vec<u8>> {
        let is = |packet: &&Packet| packet.bytes.starts_with(format!("{method} ").as_bytes());
        self.out.iter().filter(is).map(|packet| packet.bytes.clone()).collect()
    }

    /// The whole exchange in short: methods, codes, sipfrags.
    fn story(&self) -> Vec<String> {
        self.out
            .iter()
            .filter_map(|packet| {
                let message = Message::read(&packet.bytes)?;
                Some(match (message.method(), message.status()) {
                    (Some("NOTIFY"), _) => {
                        let body = String::from_utf8_lossy(message.body);
                        format!("NOTIFY {}", body.split(' ').nth(1).unwrap_or("?"))
                    }
                    (Some(method), _) => method.to_owned(),
                    (_, status) => status.unwrap_or(0).to_string(),
                })
            })
            .collect()
    }
}

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\nm=audio 16384 RTP/AVP 8 101\r\n\
                      a=rtpmap:101 telephone-event/8000\r\n";

fn plain() -> Manner {
    Manner::plain("1357")
}

fn following(follow: FollowForm) -> Manner {
    Manner { follow, ..plain() }
}

#[test]
fn an_invite_repeats_until_something_comes_back() {
    let mut table = Table::new(plain());
    table.wait(4.0);
    // At 0, 0.5, 1.5 and 3.5 seconds: timer A of RFC 3261 §17.1.1.2.
    assert_eq!(table.story(), ["INVITE", "INVITE", "INVITE", "INVITE"]);
    table.answer("INVITE", "100 Trying", "", "");
    table.wait(30.0);
    assert_eq!(table.story().len(), 4);
}

#[test]
fn a_call_nobody_answers_ends_after_64_t1() {
    let mut table = Table::new(plain());
    table.wait(33.0);
    assert_eq!(table.phone.story().end.map(|(_, end)| end), Some(End::NoAnswer));
    assert_eq!(table.story(), vec!["INVITE"; 7]);
}

#[test]
fn each_repeated_200_gets_its_ack_but_those_the_manner_loses() {
    for (lost, expected) in [(0, 3), (1, 2), (255, 0)] {
        let mut table = Table::connected(Manner { lost_acks: lost, ..plain() });
        table.answer("INVITE", "200 OK", "", ANSWER);
        table.answer("INVITE", "200 OK", "", ANSWER);
        assert_eq!(table.sent("ACK").len(), expected, "{lost} lost");
        assert!(table.phone.is_talking());
    }
}

#[test]
fn a_refusal_gets_its_ack_each_time_it_comes() {
    let mut table = Table::new(plain());
    table.answer("INVITE", "404 Not Found", "", "");
    table.answer("INVITE", "404 Not Found", "", "");
    assert_eq!(table.story(), ["INVITE", "ACK", "ACK"]);
    assert_eq!(table.phone.story().end.map(|(_, end)| end), Some(End::Refused(404)));
}

#[test]
fn a_late_offer_comes_back_answered_in_the_ack() {
    let table = Table::connected(Manner { late_offer: true, ..plain() });
    let (invite, ack) = (table.sent("INVITE").remove(0), table.sent("ACK").remove(0));
    assert!(Message::read(&invite).expect("whole").body.is_empty());
    assert!(Message::read(&ack).expect("whole").body.starts_with(b"v=0"));
}

#[test]
fn nothing_is_cancelled_before_the_first_word() {
    let mut table = Table::new(Manner { cancel: Some(Duration::from_millis(5)), ..plain() });
    table.wait(0.1);
    assert!(table.sent("CANCEL").is_empty());
    table.answer("INVITE", "100 Trying", "", "");
    table.wait(0.1);
    assert_eq!(table.sent("CANCEL").len(), 1);
    table.answer("INVITE", "487 Request Terminated", "", "");
    assert_eq!(table.phone.story().end.map(|(_, end)| end), Some(End::Cancelled));
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut table = Table::new(Manner { cancel: Some(Duration::from_millis(5)), ..plain() });
    table.answer("INVITE", "100 Trying", "", "");
    table.wait(0.1);
    table.answer("INVITE", "200 OK", "", ANSWER);
    assert_eq!(table.story(), ["INVITE", "CANCEL", "ACK", "BYE"]);
}

#[test]
fn keys_leave_as_events_or_as_info() {
    let mut table = Table::connected(plain());
    table.phone.act(table.now, Action::Key('1'), &mut table.out);
    table.wait(1.0);
    let events = table.out.iter().filter(|packet| packet.to.port() == 16384 && packet.bytes.len() == 16).count();
    assert_eq!(events, 7);

    let mut table = Table::connected(Manner { keys: KeyForm::Info, ..plain() });
    table.phone.act(table.now, Action::Key('#'), &mut table.out);
    let info = table.sent("INFO").remove(0);
    assert_eq!(Message::read(&info).expect("whole").body, b"#");
}

#[test]
fn one_info_waits_for_the_answer_to_the_one_before() {
    let mut table = Table::connected(Manner { keys: KeyForm::InfoRelay, ..plain() });
    for key in ['1', '2', '3'] {
        table.phone.act(table.now, Action::Key(key), &mut table.out);
    }
    assert_eq!(table.sent("INFO").len(), 1);
    table.answer("INFO", "200 OK", "", "");
    table.answer("INFO", "200 OK", "", "");
    let keys: String = table.phone.story().pressed.iter().map(|(_, key)| *key).collect();
    assert_eq!((keys.as_str(), table.sent("INFO").len()), ("123", 3));
}

#[test]
fn hold_is_said_in_every_form_and_taken_back() {
    for (form, words) in [
        (HoldForm::SendOnly, "a=sendonly"),
        (HoldForm::Inactive, "a=inactive"),
        (HoldForm::ZeroAddress, "c=IN IP4 0.0.0.0"),
    ] {
        let mut table = Table::connected(plain());
        table.phone.act(table.now, Action::Hold(form), &mut table.out);
        let offer = table.sent("INVITE").pop().expect("a re-INVITE");
        assert!(String::from_utf8_lossy(&offer).contains(words), "{form:?}");
        assert!(table.phone.story().holding);
        table.answer("INVITE", "200 OK", "", ANSWER);
        table.phone.act(table.now, Action::Resume, &mut table.out);
        table.answer("INVITE", "200 OK", "", ANSWER);
        assert!(!table.phone.story().holding);
        assert_eq!(table.sent("ACK").len(), 3);
    }
}

#[test]
fn a_refer_is_followed_to_the_centre_and_told_about() {
    let mut table = Table::connected(plain());
    table.refer();
    table.wait(0.4);
    table.answer("INVITE", "180 Ringing", "", "");
    table.answer("INVITE", "200 OK", "", "");
    let dial = table.sent("INVITE").pop().expect("the call to the centre");
    assert_eq!(Message::read(&dial).expect("whole").get("User-to-User"), Some("ab;encoding=hex"));
    assert_eq!(
        table.story()[2..],
        ["202", "NOTIFY 100", "INVITE", "NOTIFY 180", "ACK", "NOTIFY 200"].map(str::to_owned)
    );
    assert_eq!(table.phone.story().reached.len(), 1);
    table.request("BYE", "");
    assert_eq!(table.phone.story().end.map(|(_, end)| end), Some(End::Released));
}

#[test]
fn every_odd_way_to_follow_a_refer_looks_as_in_the_field() {
    let usual = FollowForm::default();
    for (form, expected) in [
        (FollowForm { notify_first: true, ..usual }, "NOTIFY 100, 202, INVITE, NOTIFY 486"),
        (FollowForm { notify: Notify::Never, ..usual }, "202, INVITE"),
        (FollowForm { notify: Notify::FinalOnly, ..usual }, "202, INVITE, NOTIFY 486"),
        (FollowForm { answer: ReferAnswer::Refuses(405), ..usual }, "405"),
        (FollowForm { answer: ReferAnswer::Ignores, ..usual }, ""),
        (FollowForm { answer: ReferAnswer::Accepts(200), ..usual }, "200, NOTIFY 100, INVITE, NOTIFY 486"),
    ] {
        let mut table = Table::connected(following(form));
        let before = table.story().len();
        table.refer();
        table.wait(0.3);
        if expected.contains("INVITE") {
            table.answer("INVITE", "486 Busy Here", "", "");
        }
        let seen: Vec<String> = table.story().split_off(before).into_iter().filter(|word| word != "ACK").collect();
        assert_eq!(seen.join(", "), expected, "{form:?}");
    }
}

#[test]
fn odd_notifies_lack_what_they_are_known_to_lack() {
    let usual = FollowForm::default();
    for (form, missing) in [
        (FollowForm { event: false, ..usual }, "Event:"),
        (FollowForm { state: false, ..usual }, "Subscription-State:"),
        (FollowForm { branch: Branch::Missing, ..usual }, "branch="),
        (FollowForm { branch: Branch::Old, ..usual }, "z9hG4bK"),
        (FollowForm { wrong_uri: true, ..usual }, "NOTIFY sip:1357@"),
        (FollowForm { crlf: false, ..usual }, "Trying\r\n"),
    ] {
        let mut table = Table::connected(following(form));
        table.refer();
        table.wait(0.01);
        let notify = String::from_utf8(table.sent("NOTIFY").remove(0)).expect("text");
        assert!(!notify.contains(missing), "{missing} stands in\n{notify}");
    }
}

#[test]
fn a_bye_can_race_the_last_notify_either_way() {
    for (bye, expected) in
        [(ByeRace::AfterNotify, ["ACK", "NOTIFY 200", "BYE"]), (ByeRace::BeforeNotify, ["ACK", "BYE", "NOTIFY 200"])]
    {
        let mut table = Table::connected(following(FollowForm { bye, ..FollowForm::default() }));
        table.refer();
        table.wait(0.3);
        let before = table.story().len();
        table.answer("INVITE", "200 OK", "", "");
        assert_eq!(table.story()[before..], expected.map(str::to_owned));
    }
}

#[test]
fn a_softphone_holds_while_it_dials_and_takes_us_back_when_the_centre_fails() {
    let mut table = Table::connected(following(FollowForm { hold: Some(HoldForm::SendOnly), ..FollowForm::default() }));
    table.refer();
    table.wait(0.015);
    let hold = table.sent("INVITE").pop().expect("a re-INVITE");
    assert!(String::from_utf8_lossy(&hold).contains("a=sendonly"));
    table.answer("INVITE", "200 OK", "", ANSWER);
    assert!(table.phone.story().holding);
    table.wait(0.3);
    table.answer("INVITE", "486 Busy Here", "", "");
    table.wait(0.1);
    table.answer("INVITE", "200 OK", "", ANSWER);
    assert!(!table.phone.story().holding);
}

#[test]
fn a_dead_centre_is_reported_after_the_phone_has_had_enough() {
    let mut table =
        Table::connected(following(FollowForm { patience: Duration::from_secs(10), ..FollowForm::default() }));
    table.refer();
    table.wait(9.0);
    assert_eq!(table.sent("NOTIFY").len(), 5, "one NOTIFY 100, repeated");
    table.answer("NOTIFY", "200 OK", "", "");
    table.wait(2.0);
    assert_eq!(table.story().last().map(String::as_str), Some("NOTIFY 408"));
}

#[test]
fn a_caller_who_vanished_says_nothing_more() {
    let mut table = Table::connected(plain());
    table.phone.act(table.now, Action::Vanish, &mut table.out);
    let before = table.out.len();
    table.request("BYE", "");
    table.wait(100.0);
    assert_eq!(table.out.len(), before);
}

#[test]
fn every_broken_bye_is_broken_in_a_way_of_its_own() {
    let mut forms = std::collections::BTreeSet::new();
    for way in 0..manner::BROKEN {
        let mut table = Table::connected(plain());
        table.phone.act(table.now, Action::Strange(Strange::Broken(way)), &mut table.out);
        let packet = table.out.pop().expect("a packet");
        assert_eq!(packet.by, By::Void);
        forms.insert(packet.bytes);
    }
    assert_eq!(forms.len(), usize::from(manner::BROKEN));
}

#[test]
fn strange_things_look_as_they_should() {
    for (strange, expected) in [
        (Strange::Offerless { answers: true }, "INVITE"),
        (Strange::Overlap { update: false }, "INVITE INVITE"),
        (Strange::Overlap { update: true }, "INVITE UPDATE"),
        (Strange::Update { offer: true }, "UPDATE"),
        (Strange::ByeInReinvite, "INVITE BYE"),
        (Strange::OldCseq, "INVITE"),
        (Strange::Method("FROB"), "FROB"),
        (Strange::UnknownCancel, "CANCEL"),
    ] {
        let mut table = Table::connected(plain());
        let before = table.story().len();
        table.phone.act(table.now, Action::Strange(strange), &mut table.out);
        assert_eq!(table.story().split_off(before).join(" "), expected, "{strange:?}");
    }
}

#[test]
fn a_question_for_an_offer_is_answered_in_the_ack_or_forgotten() {
    for answers in [true, false] {
        let mut table = Table::connected(plain());
        table.phone.act(table.now, Action::Strange(Strange::Offerless { answers }), &mut table.out);
        let before = table.phone.event_type;
        let offer = ANSWER.replace(&before.to_string(), "96");
        table.answer("INVITE", "200 OK", "", &offer);
        let ack = table.sent("ACK").pop().expect("an ACK");
        assert_eq!(Message::read(&ack).expect("whole").body.is_empty(), !answers);
        // An offer without an answer changes nothing (RFC 3261 §14.1).
        assert_eq!(table.phone.event_type, if answers { 96 } else { before });
    }
}

#[test]
fn one_of_two_ways_may_be_found_to_be_one_too_many() {
    let mut table = Table::new(Manner { merged: true, ..plain() });
    table.wait(0.1);
    assert_eq!(table.story(), ["INVITE", "INVITE"]);
    table.answer("INVITE", "482 Loop Detected", "", "");
    assert_eq!(table.phone.story().end, None);
    table.answer("INVITE", "200 OK", "", ANSWER);
    assert!(table.phone.is_talking());
}

#[test]
fn over_a_connection_nothing_repeats_and_what_was_lost_with_it_leaves_again() {
    let form = TcpForm { reset: None, resends: true, listens: true };
    let mut table = Table::new(Manner { tcp: Some(form), ..plain() });
    table.wait(10.0);
    assert_eq!(table.story(), ["INVITE"]);
    assert!(String::from_utf8_lossy(&table.sent("INVITE")[0]).contains("SIP/2.0/TCP"));
    table.phone.disconnected(table.now, &mut table.out);
    assert_eq!(table.story(), ["INVITE", "INVITE"]);

    let mut given_up = Table::new(Manner { tcp: Some(TcpForm { resends: false, ..form }), ..plain() });
    given_up.phone.disconnected(given_up.now, &mut given_up.out);
    given_up.wait(0.1);
    assert_eq!(given_up.phone.story().end.map(|(_, end)| end), Some(End::NoAnswer));
}

#[test]
fn a_challenge_is_all_that_our_refer_and_bye_meet() {
    let mut table = Table::connected(Manner { challenge: Some(407), ..plain() });
    table.refer();
    table.request("BYE", "");
    assert_eq!(table.story()[2..], ["407", "407"].map(str::to_owned));
    assert!(table.phone.is_talking());
}

#[test]
fn a_provisional_response_that_wants_a_prack_has_it_in_every_manner() {
    let usual = Manner { reliable: Some(Prack::AtOnce), ..plain() };
    for (form, pracks) in [
        (Prack::AtOnce, 1),
        (Prack::LostFirst, 1),
        (Prack::Late(Duration::from_millis(700)), 1),
        (Prack::Twice, 2),
        (Prack::Never, 0),
    ] {
        let mut table = Table::new(Manner { reliable: Some(form), ..usual.clone() });
        let more = "Require: 100rel\r\nRSeq: 7\r\nContact: <sip:1357@10.1.0.1>\r\n";
        table.answer("INVITE", "183 Session Progress", more, ANSWER);
        table.answer("INVITE", "183 Session Progress", more, ANSWER);
        table.wait(0.9);
        let sent: BTreeSet<Vec<u8>> = table.sent("PRACK").into_iter().collect();
        assert_eq!(sent.len(), pracks, "{form:?}");
        assert!(sent.iter().all(|prack| Message::read(prack).expect("whole").get("RAck") == Some("7 1 INVITE")));
    }
}
