//! The called side through the whole engine: the greeting before the answer (183, sound, keys, then the 200: RFC 3262,
//! RFC 5009), a call that another dialog takes over (RFC 3891), a session that nobody refreshes (RFC 4028).

use crate::bench;
use ivr1357::engine::{CallKey, Edition, Engine, Entry, Input, Output};
use ivr1357::media::quality::{Heard, PeerReport};
use ivr1357::media::{Command, Event, PlayKey, Report, StreamKey};
use ivr1357::number::Key;
use ivr1357::routing;
use ivr1357::sdp::{Codec, Suite};
use ivr1357::sip::trunk::{Peers, Trunk};
use ivr1357::sip::{Flow, Transport};
use ivr1357::speech::Catalogue;
use ivr1357::time::{Duration, Now};
use std::collections::BTreeMap;
use std::sync::Arc;

const TABLE: &str = r##"
schema = 1
waiting = "tone"
[number.1357]
match = ["1357"]
greeting = "greeting"
answer = "after-greeting"
go = "menu.main"
[defaults.menu]
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 1, prompt = "again", then = "center.counsel" }
keys = { "0" = "center.counsel", "#" = "back", "*" = "repeat" }
[defaults.transfer]
ladder = ["refer", "notice.bye"]
prompt = "again"
give_up = "notice.bye"
[menu.main]
prompt = "greeting"
1 = { go = "notice.info" }
2 = { go = "center.quiet" }
[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
quiet = { name = "조용", sip = ["sip:quiet@127.0.0.1:5071"], announce = false }
[notice]
bye = { prompt = "again", then = "end" }
info = { prompt = "again", then = "menu.main" }
"##;
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 8\r\n";

fn flow(transport: Transport, connection: u64) -> Flow {
    let address = |text: &str| text.parse().expect("an address");
    Flow { transport, local: address("127.0.0.1:5060"), remote: address("127.0.0.1:6001"), connection }
}

struct Bench {
    engine: Engine,
    now: Now,
    stream: StreamKey,
    call: Option<CallKey>,
    call_id: String,
    play: PlayKey,
    tag: String,
    rseq: String,
    sdp: String,
    /// The last REFER.
    refer: String,
    records: Vec<serde_json::Value>,
    /// What a stream says when it is closed; `None`: it never answers.
    report: Option<Option<Report>>,
}

impl Bench {
    fn new(peers: Peers) -> Self {
        let prompts: BTreeMap<String, Duration> =
            ["tone", "greeting", "again", "center/counsel"].map(|id| (id.to_owned(), Duration::from_secs(1))).into();
        let plan = routing::check(TABLE, &prompts).plan.expect("the table checks");
        let engine = bench::engine(Arc::new(Edition::new(Arc::new(plan), &Catalogue::default())), peers);
        let now = Now::default().after(Duration::from_secs(1));
        let (stream, play) = (StreamKey(0), PlayKey(0));
        Self {
            engine,
            now,
            stream,
            call: None,
            call_id: "early@test".to_owned(),
            play,
            tag: String::new(),
            rseq: String::new(),
            sdp: String::new(),
            refer: String::new(),
            records: Vec::new(),
            report: Some(None),
        }
    }

    /// One step, and what came of it in words.
    fn give(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.engine.handle(self.now, input, &mut out);
        let closed = |output: &Output| match output {
            Output::CloseStream { stream } => Some(*stream),
            _ => None,
        };
        let answering = self.report.into_iter().flat_map(|_| out.iter().filter_map(closed)).collect::<Vec<_>>();
        for stream in answering {
            self.engine.handle(
                self.now,
                Input::Media { stream, event: Event::Closed(self.report.flatten()) },
                &mut out,
            );
        }
        let mut said = Vec::new();
        for output in out {
            match output {
                Output::Transmit { bytes, .. } => said.push(self.sent(&String::from_utf8_lossy(&bytes))),
                Output::OpenStream { stream, .. } => {
                    self.stream = stream;
                    said.push("open".to_owned());
                }
                Output::Journal { call, entry: Entry::Start { .. } } => {
                    self.call = Some(call);
                    said.push("start".to_owned());
                }
                Output::Journal { entry: Entry::End(line), .. } => {
                    self.records.push(serde_json::from_str(&line).expect("JSON"));
                    said.push("end".to_owned());
                }
                Output::Media { command: Command::Configure(_), .. } => said.push("media".to_owned()),
                Output::Media { command: Command::Play { play, .. }, .. } => {
                    self.play = play;
                    said.push("play".to_owned());
                }
                Output::Media { command: Command::Stop, .. } => said.push("stop".to_owned()),
                Output::CloseStream { .. } => said.push("close".to_owned()),
                _ => {}
            }
        }
        said.join(" ")
    }

    fn sent(&mut self, text: &str) -> String {
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned();
        if let (true, Some((_, tag))) = (text.starts_with("SIP/2.0"), header("To: ").split_once(";tag=")) {
            self.tag = format!(";tag={tag}");
        }
        if text.starts_with("REFER ") {
            self.refer = text.to_owned();
        }
        if text.starts_with("SIP/2.0 183") {
            self.rseq = header("RSeq: ");
        }
        if let Some((_, body)) = text.split_once("\r\n\r\n").filter(|(_, body)| !body.is_empty()) {
            self.sdp = body.to_owned();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let early = header("P-Early-Media: ");
        match words.first() {
            Some(&"SIP/2.0") if early.is_empty() => words[1].to_owned(),
            Some(&"SIP/2.0") => format!("{}({early})", words[1]),
            other => other.copied().unwrap_or("").to_owned(),
        }
    }

    fn request(&mut self, method: &str, cseq: u32, headers: &str, body: &str) -> String {
        let text = self.text(method, cseq, headers, body);
        self.give(Input::Received { flow: flow(Transport::Udp, 0), bytes: text.as_bytes() })
    }

    fn text(&self, method: &str, cseq: u32, headers: &str, body: &str) -> String {
        let branch = if method == "CANCEL" { "INVITE".to_owned() } else { format!("{method}{cseq}") };
        format!(
            "{method} sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6001;branch=z9hG4bK{}{}\r\n\
             From: <sip:a@127.0.0.1>;tag=c\r\nTo: <sip:1357@127.0.0.1>{}\r\nCall-ID: {}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:a@127.0.0.1:6001>\r\nMax-Forwards: 70\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            self.call_id.len(),
            if method == "INVITE" { "INVITE" } else { &branch },
            if method == "CANCEL" { "" } else { &self.tag },
            self.call_id,
            body.len(),
        )
    }

    /// An INVITE up to what follows the start on disk.
    fn dial(&mut self, headers: &str, body: &str) -> String {
        assert_eq!(self.request("INVITE", 1, headers, body), "100 open");
        assert_eq!(self.give(Input::StreamOpened { stream: self.stream, port: Some(16_384) }), "start");
        self.give(Input::Journaled { call: self.call.expect("a call") })
    }

    fn media(&mut self, event: Event) -> String {
        self.give(Input::Media { stream: self.stream, event })
    }

    fn pass(&mut self, seconds: u64) -> String {
        let until = self.now.after(Duration::from_secs(seconds));
        let mut said = Vec::new();
        while let Some(due) = self.engine.deadline().filter(|due| *due <= until.instant) {
            self.now = self.now.after(due.since(self.now.instant));
            said.push(self.give(Input::Tick));
        }
        self.now = until;
        said.retain(|said| !said.is_empty());
        said.join(" ")
    }
}

#[test]
fn the_greeting_is_heard_before_the_200_and_the_200_says_the_same() {
    let mut bench = Bench::new(Peers::default());
    assert_eq!(bench.dial("P-Early-Media: supported\r\n", SDP), "media 183(sendrecv) play");
    let early = bench.sdp.clone();
    assert!(early.contains("m=audio 16384"));
    bench.pass(7);
    assert_eq!(bench.media(Event::Finished(bench.play)), "200");
    assert_eq!(bench.sdp, early);
    assert_eq!(bench.request("ACK", 1, "", ""), "play");
    bench.request("BYE", 2, "", "");
    let record = &bench.records[0];
    assert_eq!(record["outcome"], "abandoned");
    let second = |field: &str| record[field].as_str().expect("a time")[17..19].to_owned();
    assert_eq!((second("began").as_str(), second("answered").as_str()), ("01", "08"));
}

#[test]
fn with_100rel_the_greeting_waits_for_the_prack_and_a_key_answers() {
    let mut bench = Bench::new(Peers::default());
    let headers = "P-Early-Media: supported\r\nSupported: 100rel\r\n";
    assert_eq!(bench.dial(headers, SDP), "media 183(sendrecv)");
    let rack = format!("RAck: {} 1 INVITE\r\n", bench.rseq);
    assert_eq!(bench.request("PRACK", 2, &rack, ""), "200 play");
    let key = Key::from_char('1').expect("a key");
    assert_eq!(bench.media(Event::Key(key)), "stop 200");
    // The key chose in the menu that it never had to hear.
    assert_eq!(bench.request("ACK", 1, "", ""), "play");
    bench.request("BYE", 3, "", "");
    assert_eq!(bench.records[0]["path"], serde_json::json!(["number.1357", "menu.main", "notice.info"]));
}

#[test]
fn a_late_offer_is_greeted_with_100rel_and_answered_at_once_without() {
    let mut bench = Bench::new(Peers::default());
    assert_eq!(bench.dial("P-Early-Media: supported\r\n", ""), "200");
    let mut bench = Bench::new(Peers::default());
    assert_eq!(bench.dial("P-Early-Media: supported\r\nRequire: 100rel\r\n", ""), "183(sendrecv)");
    let rack = format!("RAck: {} 1 INVITE\r\nContent-Type: application/sdp\r\n", bench.rseq);
    assert_eq!(bench.request("PRACK", 2, &rack, SDP), "200 media play");
    assert_eq!(bench.media(Event::Finished(bench.play)), "200");
    assert_eq!(bench.request("ACK", 1, "", ""), "play");
}

#[test]
fn who_does_not_let_early_media_through_is_answered_at_once() {
    let trunk = |early_media| Trunk { early_media, ..Trunk::new("kt", vec!["127.0.0.1".parse().expect("a network")]) };
    for (peers, said) in [
        (Peers::default(), "media 200"),
        (Peers { trunks: vec![trunk(false)], ..Peers::default() }, "media 200"),
        (Peers { trunks: vec![trunk(true)], ..Peers::default() }, "media 183 play"),
    ] {
        let mut bench = Bench::new(peers);
        assert_eq!(bench.dial("", SDP), said);
    }
}

#[test]
fn a_caller_who_goes_during_the_greeting_was_never_connected() {
    for method in ["CANCEL", "BYE"] {
        let mut bench = Bench::new(Peers::default());
        bench.dial("P-Early-Media: supported\r\n", SDP);
        let cseq = if method == "CANCEL" { 1 } else { 2 };
        assert_eq!(bench.request(method, cseq, "Reason: SIP;cause=487\r\n", ""), "200 487 close end");
        let record = &bench.records[0];
        assert_eq!((&record["outcome"], &record["reason"]), (&"cancelled".into(), &"SIP;cause=487".into()));
        assert!(record["answered"].is_null());
        bench.pass(70);
        assert_eq!(bench.engine.held(), 0);
    }
}

#[test]
fn without_any_prack_the_call_is_refused_and_recorded_once() {
    let mut bench = Bench::new(Peers::default());
    bench.dial("P-Early-Media: supported\r\nSupported: 100rel\r\n", SDP);
    let said = bench.pass(32);
    assert!(said.ends_with("504 close end"), "{said}");
    assert_eq!((&bench.records[0]["outcome"], &bench.records[0]["status"]), (&"refused".into(), &504.into()));
    assert_eq!(bench.records.len(), 1);
    bench.pass(70);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn a_stop_during_the_greeting_refuses_the_call() {
    let mut bench = Bench::new(Peers::default());
    bench.dial("P-Early-Media: supported\r\n", SDP);
    assert_eq!(bench.give(Input::Stop), "503 close end");
}

/// An answered call in its menu.
fn in_the_menu(headers: &str) -> Bench {
    let mut bench = Bench::new(Peers::default());
    assert_eq!(bench.dial(headers, SDP), "media 200");
    assert_eq!(bench.request("ACK", 1, "", ""), "play");
    assert_eq!(bench.media(Event::Finished(bench.play)), "play");
    bench
}

impl Bench {
    /// A second dialog asks for the place of the first.
    fn take_over(&mut self, body: &str) -> String {
        let tag = self.tag.trim_start_matches(";tag=").to_owned();
        let headers = format!("Replaces: {};to-tag={tag};from-tag=c\r\n", self.call_id);
        self.call_id = "second@test".to_owned();
        self.tag = String::new();
        self.request("INVITE", 1, &headers, body)
    }
}

#[test]
fn a_call_that_another_dialog_takes_over_goes_on_there_and_hears_its_menu_again() {
    let mut bench = in_the_menu("");
    let old = bench.stream;
    assert_eq!(bench.take_over(SDP), "100 open");
    assert_ne!(bench.stream, old);
    let opened = Input::StreamOpened { stream: bench.stream, port: Some(16_386) };
    assert_eq!(bench.give(opened), "close media 200 BYE");
    assert!(bench.sdp.contains("m=audio 16386"));
    assert_eq!(bench.request("ACK", 1, "", ""), "play");
    let key = Key::from_char('1').expect("a key");
    assert_eq!(bench.media(Event::Key(key)), "play");
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
    assert_eq!(bench.records.len(), 1, "it is one call");
    bench.pass(70);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn a_takeover_comes_too_late_when_the_caller_hangs_up_before_its_socket_is_open() {
    let mut bench = in_the_menu("");
    assert!(bench.media(Event::Key(Key::from_char('2').expect("a key"))).contains("REFER"));
    let (tag, call_id) = (bench.tag.clone(), bench.call_id.clone());
    assert_eq!(bench.take_over(SDP), "100 open");
    let successor = (bench.stream, bench.tag.clone(), bench.call_id.clone());
    (bench.tag, bench.call_id) = (tag, call_id);
    let said = bench.request("BYE", 2, "", "");
    assert!(said.starts_with("200"), "{said}");
    (bench.stream, bench.tag, bench.call_id) = successor;
    let said = bench.give(Input::StreamOpened { stream: bench.stream, port: Some(16_386) });
    assert_eq!(said, "close 503");
    // No NOTIFY trails any more.
    bench.pass(140);
    assert_eq!(bench.records.len(), 1);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn a_takeover_that_fails_leaves_the_call_where_it_was() {
    let video = SDP.replace("m=audio", "m=video");
    for (body, port, said) in [(video.as_str(), Some(16_386), "close 488"), (SDP, None, "503")] {
        let mut bench = in_the_menu("");
        let (stream, tag) = (bench.stream, bench.tag.clone());
        assert_eq!(bench.take_over(body), "100 open");
        let opened = Input::StreamOpened { stream: bench.stream, port };
        assert_eq!(bench.give(opened), said);
        (bench.stream, bench.tag, bench.call_id) = (stream, tag, "early@test".to_owned());
        let key = Key::from_char('1').expect("a key");
        assert_eq!(bench.media(Event::Key(key)), "play");
        assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
        bench.pass(70);
        assert_eq!(bench.engine.held(), 0);
    }
    // The call ends before the socket is open.
    let mut bench = in_the_menu("");
    let tag = bench.tag.clone();
    assert_eq!(bench.take_over(SDP), "100 open");
    (bench.tag, bench.call_id) = (tag, "early@test".to_owned());
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close 481 close end");
    bench.pass(70);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn a_session_that_nobody_refreshes_ends_with_a_bye_and_says_so_in_the_record() {
    let mut bench = in_the_menu("Supported: timer\r\nSession-Expires: 90\r\n");
    bench.media(Event::Key(Key::from_char('1').expect("a key")));
    let said = bench.pass(61);
    assert!(said.contains("BYE close end"), "{said}");
    assert_eq!(bench.records[0]["cause"], "session-expired");
}

#[test]
fn a_refer_that_comes_too_late_is_heard_of_in_the_same_step() {
    let mut bench = in_the_menu("");
    // One piece of a stream: the key that leads to a centre, and the BYE behind it.
    let key = bench.text("INFO", 2, "Content-Type: application/dtmf-relay\r\n", "Signal=2\r\n");
    let both = key + &bench.text("BYE", 3, "", "");
    let said = bench.give(Input::Received { flow: flow(Transport::Tcp, 7), bytes: both.as_bytes() });
    assert!(!said.contains("REFER") && said.ends_with("close end"), "{said}");
    let record = &bench.records[0];
    assert_eq!((&record["outcome"], &record["cause"]), (&"abandoned".into(), &"caller-hung-up".into()));
    assert_eq!((&record["attempts"][0]["result"], &record["attempts"][0]["status"]), (&"refused".into(), &481.into()));
    bench.pass(70);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn what_the_callers_side_says_to_the_centre_is_handed_on_behind_our_own_words() {
    for (theirs, handed_on) in [
        ("User-to-User: 04616263;encoding=hex\r\n", Some("User-to-User=04616263%3Bencoding%3Dhex")),
        ("", None),
        // Nobody writes a header of ours through it.
        ("User-to-User: 04%0D%0AX: y;encoding=hex\r\n", None),
    ] {
        let mut bench = in_the_menu(theirs);
        let key = Key::from_char('2').expect("a key");
        assert!(bench.media(Event::Key(key)).contains("REFER"));
        let target = bench.refer.lines().find_map(|line| line.strip_prefix("Refer-To: ")).expect("a target");
        let headers: Vec<&str> =
            target.split(['?', '&', '>']).filter(|part| part.starts_with("User-to-User=")).collect();
        assert!(headers[0].ends_with("%3Bencoding%3Dhex"), "call key and menus: {target}");
        assert_eq!(headers.get(1).copied(), handed_on, "{target}");
    }
}

const HEARD: Report = Report {
    codec: Codec::Pcma,
    sent: 500,
    unsent: 0,
    heard: Some(Heard { packets: 480, lost: 20, jitter: Duration::from_micros(1_240) }),
    peer: Some(PeerReport { lost: 0, jitter: Duration::from_millis(2) }),
    round_trip: Some(Duration::from_millis(31)),
    suite: None,
    forged: 0,
};

#[test]
fn the_record_tells_how_the_call_sounded() {
    let mut bench = in_the_menu("");
    bench.report = Some(Some(HEARD));
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
    let expected = serde_json::json!({
        "codec": "PCMA", "sent": 500, "received": 480, "lost": 20, "jitter_ms": 1.2, "peer_lost": 0,
        "peer_jitter_ms": 2.0, "round_trip_ms": 31.0, "mos_in": 3.99, "mos_out": 4.39,
    });
    assert_eq!(bench.records[0]["media"], expected);

    let mut bench = in_the_menu("");
    bench.report = Some(Some(Report { heard: None, ..HEARD }));
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
    let uncounted = serde_json::json!({
        "codec": "PCMA", "sent": 500, "peer_lost": 0, "peer_jitter_ms": 2.0, "round_trip_ms": 31.0, "mos_out": 4.39,
    });
    assert_eq!(bench.records[0]["media"], uncounted);

    let mut bench = in_the_menu("");
    bench.report = Some(Some(Report { suite: Some(Suite::AesGcm256), forged: 3, ..HEARD }));
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
    let media = &bench.records[0]["media"];
    assert_eq!((&media["srtp"], &media["srtp_forged"]), (&"AEAD_AES_256_GCM".into(), &3.into()));

    let mut bench = in_the_menu("");
    bench.report = Some(Some(Report { unsent: 7, ..HEARD }));
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close end");
    assert_eq!(bench.records[0]["media"]["unsent"], 7);
}

#[test]
fn a_stream_that_never_answers_holds_a_record_up_for_a_moment_and_there_is_one_record_all_the_same() {
    let mut bench = in_the_menu("");
    bench.report = None;
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close");
    assert_eq!((bench.engine.calls(), bench.records.len()), (1, 0), "the process must not end yet");
    assert_eq!(bench.pass(1), "end");
    assert_eq!(bench.engine.calls(), 0);
    assert!(bench.records[0]["media"].is_null());
    // It speaks after all.
    assert_eq!(bench.media(Event::Closed(Some(HEARD))), "");
    bench.pass(70);
    assert_eq!((bench.records.len(), bench.engine.held()), (1, 0));
}

#[test]
fn a_stream_that_closes_before_its_call_is_over_is_told_of_in_its_record() {
    let mut bench = in_the_menu("");
    bench.report = Some(Some(HEARD));
    assert!(bench.media(Event::Key(Key::from_char('2').expect("a key"))).contains("REFER"));
    // The caller goes while the REFER is pending: its NOTIFY may trail.
    assert_eq!(bench.request("BYE", 2, "", ""), "200 close");
    assert_eq!(bench.pass(2), "end");
    assert_eq!((bench.records.len(), &bench.records[0]["media"]["sent"]), (1, &500.into()));
    bench.pass(70);
    assert_eq!(bench.engine.held(), 0);
}

#[test]
fn a_caller_whose_packets_stopped_is_hung_up_on_unless_a_transfer_is_pending() {
    let mut bench = in_the_menu("");
    assert_eq!(bench.media(Event::Silent), "BYE close end");
    assert_eq!((&bench.records[0]["outcome"], &bench.records[0]["cause"]), (&"failed".into(), &"media-timeout".into()));

    let mut bench = in_the_menu("");
    assert!(bench.media(Event::Key(Key::from_char('2').expect("a key"))).contains("REFER"));
    assert_eq!(bench.media(Event::Silent), "");
}
