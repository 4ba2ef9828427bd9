//! A centre that we call ourselves, through the whole engine: its INVITE, its sound beside the caller's, its end. Caller and centre are raw text.

use crate::{bench, tables};
use ivr1357::engine::{CallKey, Edition, Engine, Entry, Input, Output};
use ivr1357::media::quality::Heard;
use ivr1357::media::{Clip, Command, Event, PlayKey, Report, StreamKey};
use ivr1357::number::Key;
use ivr1357::routing;
use ivr1357::sdp::Codec;
use ivr1357::sip::locate::{Answer, Question};
use ivr1357::sip::trunk::{Peers, Srtp, Trunk};
use ivr1357::sip::{Flow, Transport};
use ivr1357::time::{Duration, Now};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

pub const TABLE: &str = r##"
schema = 1
waiting = "tone"
[number.1357]
match = ["1357"]
go = "menu.main"
[defaults.menu]
no_input = { retries = 1, prompt = "again", then = "center.ours" }
no_match = { retries = 1, prompt = "again", then = "center.ours" }
keys = { "0" = "center.ours", "#" = "back", "*" = "repeat" }
[defaults.transfer]
ladder = ["bridge", "notice.bye"]
prompt = "again"
give_up = "notice.bye"
[menu.main]
prompt = "menu"
[center]
ours = { name = "우리", sip = ["sip:ours@127.0.0.1:5071"], announce = false }
[notice]
bye = { prompt = "bye", then = "end" }
"##;

const CALLER: &str = "127.0.0.1:6001";
const CENTRE: &str = "127.0.0.1:5071";

pub fn sdp(port: u16, attribute: &str) -> String {
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio PORT RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    body.replace("PORT", &port.to_string()) + attribute
}

fn flow(remote: &str) -> Flow {
    let address = |text: &str| text.parse().expect("an address");
    Flow { transport: Transport::Udp, local: address("127.0.0.1:5060"), remote: address(remote), connection: 0 }
}

pub struct Bench {
    engine: Engine,
    now: Now,
    pub caller: StreamKey,
    pub centre: StreamKey,
    /// The last that was played to the caller.
    pub playing: PlayKey,
    /// Our tag towards the caller.
    tag: String,
    /// The INVITE that the centre got, and our last request to it.
    invite: String,
    /// What the journal holds of the centre.
    kept: Option<String>,
    /// Where the centre's sound goes.
    told: Option<u16>,
    records: Vec<serde_json::Value>,
}

impl Bench {
    fn new() -> Self {
        Self::by(TABLE, Peers::default())
    }

    fn by(table: &str, peers: Peers) -> Self {
        let prompts: BTreeMap<String, Duration> =
            ["tone", "menu", "again", "bye"].map(|id| (id.to_owned(), Duration::from_secs(1))).into();
        let checked = routing::check(table, &prompts);
        let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.findings));
        let clip = |id: &str| Some(Arc::new(Clip::from_samples(id, &[1000; 8000])));
        let engine = bench::engine(Arc::new(Edition::published(Arc::new(plan), None, clip)), peers);
        let now = Now::default().after(Duration::from_secs(1));
        let (caller, centre) = (StreamKey(0), StreamKey(0));
        Self {
            engine,
            now,
            caller,
            centre,
            playing: PlayKey::default(),
            tag: String::new(),
            invite: String::new(),
            kept: None,
            told: None,
            records: Vec::new(),
        }
    }

    /// One step, and what came of it in words; what is said to the centre begins with `>`.
    pub fn give(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.engine.handle(self.now, input, &mut out);
        let mut said = Vec::new();
        let mut at = 0;
        while at < out.len() {
            let mut more = Vec::new();
            let side = |stream: StreamKey| if stream == self.caller { "caller" } else { "centre" };
            let word = match &out[at] {
                Output::Transmit { flow, bytes } => {
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    self.sent(flow.remote, &text)
                }
                Output::Lookup { lookup, question } => {
                    let answer = match question {
                        Question::Local { .. } => Answer::Local("127.0.0.1:5060".parse().expect("an address")),
                        // Every name leads to an address of the other family.
                        Question::Naptr(_) => Answer::Naptr(Vec::new()),
                        Question::Srv(_) => Answer::Srv(Vec::new()),
                        Question::Addresses(_) => Answer::Addresses(vec!["2001:db8::1".parse().expect("an address")]),
                    };
                    let lookup = *lookup;
                    self.engine.handle(self.now, Input::LookedUp { lookup, answer }, &mut more);
                    String::new()
                }
                Output::OpenStream { stream, beside, .. } => match beside {
                    None => {
                        self.caller = *stream;
                        "open".to_owned()
                    }
                    Some(beside) => {
                        assert_eq!(*beside, self.caller);
                        self.centre = *stream;
                        "open beside".to_owned()
                    }
                },
                Output::Journal { entry: Entry::Start { .. }, call } => {
                    let call: CallKey = *call;
                    self.engine.handle(self.now, Input::Journaled { call }, &mut more);
                    String::new()
                }
                Output::Journal { entry: Entry::Centre(dialog), .. } => {
                    self.kept = Some(dialog.clone());
                    String::new()
                }
                Output::Journal { entry: Entry::End(line), .. } => {
                    self.records.push(serde_json::from_str(line).expect("JSON"));
                    "record".to_owned()
                }
                Output::Media { stream, command } => match command {
                    Command::Configure(chosen) => {
                        if *stream == self.centre {
                            self.told = chosen.remote.map(|remote| remote.port());
                        }
                        format!("{} {:?}", side(*stream), chosen.direction)
                    }
                    Command::Play { play, clips, .. } => {
                        let said = format!("{} hears {}", side(*stream), clips[0].id);
                        if *stream == self.caller {
                            self.playing = *play;
                        }
                        said
                    }
                    Command::Press(keys) => format!("{} gets {} keys", side(*stream), keys.len()),
                    Command::Unbridge => "apart".to_owned(),
                    Command::Stop => format!("{} hears nothing", side(*stream)),
                    Command::Overhear(other) => {
                        assert_eq!((*stream, *other), (self.caller, self.centre));
                        "overhear".to_owned()
                    }
                    Command::GiveWay => "beneath".to_owned(),
                    Command::Relay(key) => format!("{} hears key {key}", side(*stream)),
                    Command::Bridge(other) => {
                        assert_eq!((*stream, *other), (self.caller, self.centre));
                        "bridge".to_owned()
                    }
                    _ => String::new(),
                },
                Output::CloseStream { stream } => {
                    let stream = *stream;
                    let sent = if stream == self.caller { 11 } else { 22 };
                    let heard = Some(Heard { packets: 9, lost: 1, jitter: Duration::ZERO });
                    let (codec, peer, round_trip, suite) = (Codec::Pcma, None, None, None);
                    let report = Report { codec, sent, unsent: 0, heard, peer, round_trip, suite, forged: 0 };
                    let event = Event::Closed(Some(report));
                    self.engine.handle(self.now, Input::Media { stream, event }, &mut more);
                    format!("close {}", side(stream))
                }
                _ => String::new(),
            };
            out.extend(more);
            said.push(word);
            at += 1;
        }
        said.retain(|word| !word.is_empty());
        said.join(", ")
    }

    fn sent(&mut self, to: SocketAddr, text: &str) -> String {
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let word = if words[0] == "SIP/2.0" { words[1] } else { words[0] };
        if to.port() == 5071 {
            if word == "INVITE" {
                self.invite = text.to_owned();
            }
            return format!(">{word}");
        }
        if let Some((_, tag)) = header("To: ").split_once(";tag=") {
            self.tag = format!(";tag={tag}");
        }
        word.to_owned()
    }

    fn hear(&mut self, from: &str, text: &str) -> String {
        self.give(Input::Received { flow: flow(from), bytes: text.as_bytes() })
    }

    pub fn caller_says(&mut self, method: &str, cseq: u32, body: &str) -> String {
        let text = format!(
            "{method} sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bK{method}{cseq}\r\n\
             From: <sip:01012345678@127.0.0.1>;tag=c\r\nTo: <sip:1357@127.0.0.1>{}\r\nCall-ID: one\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:a@{CALLER}>\r\nMax-Forwards: 70\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.tag,
            if method == "INFO" { "application/dtmf-relay" } else { "application/sdp" },
            body.len(),
        );
        self.hear(CALLER, &text)
    }

    /// A response of the centre to its INVITE.
    pub fn centre_answers(&mut self, status: &str, body: &str) -> String {
        self.fork_answers("centre", status, body)
    }

    /// The same, from one of the places where it rings.
    fn fork_answers(&mut self, tag: &str, status: &str, body: &str) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in self.invite.lines().take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or("");
            match name {
                "Via" | "From" | "Call-ID" | "CSeq" => text += &format!("{line}\r\n"),
                "To" => text += &format!("{line};tag={tag}\r\n"),
                _ => {}
            }
        }
        text += &format!("Contact: <sip:ours@{CENTRE}>\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.hear(CENTRE, &text)
    }

    /// A request of the centre in its dialog.
    pub fn centre_says(&mut self, method: &str, cseq: u32, body: &str) -> String {
        let of_invite =
            |name: &str| self.invite.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned();
        let text = format!(
            "{method} sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {CENTRE};branch=z9hG4bKf{method}{cseq}\r\n\
             From: {};tag=centre\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:ours@{CENTRE}>\r\n\
             Max-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            of_invite("To: "),
            of_invite("From: "),
            of_invite("Call-ID: "),
            body.len(),
        );
        self.hear(CENTRE, &text)
    }

    pub fn key(&mut self, key: char) -> String {
        let stream = self.caller;
        self.give(Input::Media { stream, event: Event::Key(Key::from_char(key).expect("a key")) })
    }

    pub fn pass(&mut self, seconds: u64) -> String {
        let end = self.now.after(Duration::from_secs(seconds));
        let mut said = Vec::new();
        while let Some(due) = self.engine.deadline().filter(|&due| due <= end.instant) {
            self.now = self.now.after(due.since(self.now.instant));
            said.push(self.give(Input::Tick));
        }
        self.now = self.now.after(end.instant.since(self.now.instant));
        said.retain(|word| !word.is_empty());
        said.join(", ")
    }
}

/// A caller for whom the centre is being called.
fn calling() -> Bench {
    calling_by(|bench| assert_eq!(bench.key('0'), "caller hears tone, open beside"))
}

/// The same on another table, where the caller's telephone tells keys by INFO (CSeq 2).
pub fn calling_on(table: &str) -> Bench {
    call_up(Bench::by(table, Peers::default()), |bench| _ = bench.caller_says("INFO", 2, "Signal=0\r\n"))
}

/// A caller who asks for the centre like this.
fn calling_by(asks: impl FnOnce(&mut Bench)) -> Bench {
    call_up(Bench::new(), asks)
}

fn call_up(mut bench: Bench, asks: impl FnOnce(&mut Bench)) -> Bench {
    assert_eq!(bench.caller_says("INVITE", 1, &sdp(7000, "")), "100, open");
    let opened = Input::StreamOpened { stream: bench.caller, port: Some(16_384) };
    assert_eq!(bench.give(opened), "caller SendRecv, 200");
    assert_eq!(bench.caller_says("ACK", 1, ""), "caller hears menu");
    asks(&mut bench);
    let opened = Input::StreamOpened { stream: bench.centre, port: Some(16_386) };
    assert_eq!(bench.give(opened), ">INVITE");
    bench
}

/// A caller who talks with the centre.
fn talking() -> Bench {
    let mut bench = calling();
    assert_eq!(bench.centre_answers("180 Ringing", ""), "");
    let said = bench.centre_answers("200 OK", &sdp(8000, ""));
    assert_eq!(said, ">ACK, centre SendRecv, caller hears nothing, bridge");
    bench
}

/// Nothing is left, and there is one record.
pub fn ended(mut bench: Bench) -> serde_json::Value {
    bench.pass(200);
    assert_eq!((bench.engine.held(), bench.records.len()), (0, 1));
    bench.records.remove(0)
}

#[test]
fn the_centre_sees_who_calls_and_what_for_and_is_offered_our_codecs() {
    let bench = calling();
    assert!(bench.invite.starts_with("INVITE sip:ours@127.0.0.1:5071 SIP/2.0\r\n"), "{}", bench.invite);
    let header = |name: &str| bench.invite.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    assert!(header("From: ").starts_with("<sip:01012345678@127.0.0.1>"), "{}", bench.invite);
    assert!(header("User-to-User: ").ends_with(";encoding=hex"));
    assert!(bench.invite.contains("\r\nm=audio 16386 RTP/AVP 8 0 "), "{}", bench.invite);
}

#[test]
fn the_centre_hangs_up_and_the_caller_is_let_go_with_one_record_of_both() {
    let mut bench = talking();
    let said = bench.centre_says("BYE", 1, "");
    assert_eq!(said, ">200, close centre, BYE, close caller, record");
    let record = ended(bench);
    assert_eq!((&record["outcome"], &record["cause"]), (&"transferred".into(), &"transferred".into()));
    assert_eq!((&record["media"]["sent"], &record["center_media"]["sent"]), (&11.into(), &22.into()));
    assert_eq!(record["attempts"][0]["result"], "reached");
}

#[test]
fn the_caller_hangs_up_and_the_centre_is_let_go() {
    let mut bench = talking();
    let said = bench.caller_says("BYE", 2, "");
    assert_eq!(said, "200, close centre, >BYE, close caller, record");
    let record = ended(bench);
    assert_eq!((&record["outcome"], &record["cause"]), (&"transferred".into(), &"caller-hung-up".into()));
    assert_eq!(record["center_media"]["sent"], 22);
}

#[test]
fn the_next_process_says_goodbye_to_a_centre_whose_talk_died_with_the_last_one() {
    let kept = talking().kept.expect("the journal holds it");
    let mut next = Bench::new();
    let said = next.give(Input::Orphaned { dialogs: vec![kept] });
    assert_eq!(said + &next.pass(0), ">BYE");
}

#[test]
fn the_next_process_takes_back_a_call_to_a_centre_that_rang_when_the_last_one_died() {
    let mut ringing = calling();
    ringing.centre_answers("180 Ringing", "");
    let kept = ringing.kept.clone().expect("the journal holds it");
    let mut next = Bench::new();
    next.invite.clone_from(&ringing.invite);
    let said = next.give(Input::Orphaned { dialogs: vec![kept] });
    assert_eq!(said + &next.pass(0), ">CANCEL");
    assert_eq!(next.centre_answers("487 Request Terminated", ""), ">ACK");
    next.pass(70);
    assert_eq!(next.engine.held(), 0);
}

#[test]
fn a_centre_that_sounds_before_it_answers_is_heard_and_hears_nothing() {
    let mut bench = calling();
    assert_eq!(bench.centre_answers("180 Ringing", ""), "");
    assert_eq!(bench.centre_answers("183 Session Progress", &sdp(8000, "")), "centre SendRecv, overhear");
    assert_eq!(bench.centre_answers("183 Session Progress", &sdp(8000, "")), "", "the same again");
    assert_eq!(bench.centre_answers("180 Ringing", &sdp(8002, "")), "centre SendRecv, overhear", "another one");
    let stream = bench.centre;
    assert_eq!(bench.give(Input::Media { stream, event: Event::Silent }), "", "it need not speak yet");
    let said = bench.centre_answers("200 OK", &sdp(8000, ""));
    assert_eq!(said, ">ACK, centre SendRecv, caller hears nothing, bridge");
    assert_eq!(bench.centre_says("BYE", 1, ""), ">200, close centre, BYE, close caller, record");
    ended(bench);
}

#[test]
fn of_a_centre_that_rings_in_two_places_each_sounds_and_answers_for_itself() {
    let mut bench = calling();
    assert_eq!(bench.fork_answers("one", "183 Session Progress", &sdp(8000, "")), "centre SendRecv, overhear");
    assert_eq!(bench.fork_answers("two", "183 Session Progress", &sdp(8002, "")), "centre SendRecv, overhear");
    assert_eq!(bench.fork_answers("one", "183 Session Progress", &sdp(8000, "")), "", "the ear stays with the second");
    // Its answer came before the 200, which repeats none: it is not that of the other.
    bench.fork_answers("one", "200 OK", "");
    assert_eq!(bench.told, Some(8000));
    assert_eq!(bench.fork_answers("two", "200 OK", &sdp(8002, "")), ">ACK, >BYE", "nobody wants a second one");
    assert_eq!(bench.told, Some(8000));
}

#[test]
fn an_answer_without_a_description_is_not_completed_by_that_of_another_place() {
    let mut bench = calling();
    bench.fork_answers("one", "183 Session Progress", &sdp(8000, ""));
    let said = bench.fork_answers("two", "200 OK", "");
    assert!(said.starts_with(">ACK, >BYE, close centre"), "{said}");
}

#[test]
fn a_centre_that_sounds_and_refuses_gives_way_and_no_talk_is_on_record() {
    let mut bench = calling();
    bench.centre_answers("183 Session Progress", &sdp(8000, ""));
    assert_eq!(bench.centre_answers("486 Busy Here", ""), ">ACK, close centre, caller hears bye");
    bench.caller_says("BYE", 2, "");
    let record = ended(bench);
    assert_eq!((&record["attempts"][0]["status"], &record["center_media"]), (&486.into(), &serde_json::Value::Null));
}

#[test]
fn a_centre_whose_stream_breaks_while_it_rings_is_a_rung_that_failed() {
    let mut bench = calling();
    bench.centre_answers("180 Ringing", "");
    let stream = bench.centre;
    let said = bench.give(Input::Media { stream, event: Event::Broken });
    assert_eq!(said, "close centre, >CANCEL, caller hears bye");
    bench.centre_answers("487 Request Terminated", "");
    bench.caller_says("BYE", 2, "");
    assert_eq!(ended(bench)["attempts"][0]["status"], 503);
}

#[test]
fn however_a_centre_holds_the_caller_hears_its_music_or_ours() {
    for (form, direction) in [("a=sendonly", "RecvOnly"), ("a=inactive", "Inactive"), ("a=recvonly", "SendOnly")] {
        let mut bench = talking();
        let said = bench.centre_says("INVITE", 1, &sdp(8000, &format!("{form}\r\n")));
        assert_eq!(said, format!(">100, centre {direction}, >200, caller hears tone, beneath"), "{form}");
        bench.centre_says("ACK", 1, "");
        let said = bench.centre_says("INVITE", 2, &sdp(8000, ""));
        assert_eq!(said, ">100, centre SendRecv, >200, caller hears nothing", "{form}");
        bench.centre_says("ACK", 2, "");
        bench.centre_says("BYE", 3, "");
        ended(bench);
    }
}

#[test]
fn a_key_told_by_info_reaches_the_centre_and_one_within_the_sound_goes_with_it() {
    let info = |bench: &mut Bench, cseq, key: char| bench.caller_says("INFO", cseq, &format!("Signal={key}\r\n"));
    let mut bench = calling_by(|bench| assert_eq!(info(bench, 2, '0'), "200, caller hears tone, open beside"));
    assert_eq!(info(&mut bench, 3, '5'), "200", "nobody is there yet");
    bench.pass(2);
    bench.centre_answers("200 OK", &sdp(8000, ""));
    assert_eq!(info(&mut bench, 4, '5'), "200, centre hears key 5");
    assert_eq!(bench.key('5'), "", "the same press in its other form");
    bench.pass(2);
    assert_eq!(bench.key('6'), "", "the media worker passes it on");
    assert_eq!(info(&mut bench, 5, '6'), "200", "an echo");
    bench.caller_says("BYE", 6, "");
    ended(bench);
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_takes_the_call_back() {
    let mut bench = calling();
    bench.centre_answers("180 Ringing", "");
    let said = bench.caller_says("BYE", 2, "");
    assert_eq!(said, "200, close centre, >CANCEL, close caller, record");
    assert_eq!(bench.centre_answers("487 Request Terminated", ""), ">ACK");
    let record = ended(bench);
    assert_eq!((&record["outcome"], &record["attempts"][0]["result"]), (&"abandoned".into(), &"left".into()));
    assert!(record["center_media"].is_null());
}

#[test]
fn an_answer_that_crosses_our_cancel_is_hung_up() {
    let mut bench = calling();
    bench.centre_answers("180 Ringing", "");
    bench.caller_says("BYE", 2, "");
    let said = bench.centre_answers("200 OK", &sdp(8000, ""));
    assert_eq!(said, ">ACK, >BYE");
    ended(bench);
}

#[test]
fn a_busy_centre_gives_way() {
    let mut bench = calling();
    let said = bench.centre_answers("486 Busy Here", "");
    assert_eq!(said, ">ACK, close centre, caller hears bye");
    bench.caller_says("BYE", 2, "");
    let record = ended(bench);
    let attempt = &record["attempts"][0];
    assert_eq!((&attempt["result"], &attempt["status"]), (&"failed".into(), &486.into()));
}

#[test]
fn a_centre_that_says_nothing_gives_way_in_time() {
    let mut bench = calling();
    let said = bench.pass(15);
    assert!(said.ends_with("close centre, caller hears bye"), "{said}");
    bench.caller_says("BYE", 2, "");
    assert_eq!(ended(bench)["attempts"][0]["result"], "timeout");
}

#[test]
fn a_centre_whose_answer_fits_nothing_is_hung_up_and_the_next_is_tried() {
    let mut bench = calling();
    let video = sdp(8000, "").replace("m=audio", "m=video");
    let said = bench.centre_answers("200 OK", &video);
    assert_eq!(said, ">ACK, >BYE, close centre, caller hears bye");
    bench.caller_says("BYE", 2, "");
    assert_eq!(ended(bench)["attempts"][0]["status"], 488);
}

#[test]
fn no_port_for_the_centre_is_a_rung_that_failed() {
    let mut bench = Bench::new();
    bench.caller_says("INVITE", 1, &sdp(7000, ""));
    bench.give(Input::StreamOpened { stream: bench.caller, port: Some(16_384) });
    bench.caller_says("ACK", 1, "");
    bench.key('0');
    assert_eq!(bench.give(Input::StreamOpened { stream: bench.centre, port: None }), "caller hears bye");
    bench.caller_says("BYE", 2, "");
    assert_eq!(ended(bench)["attempts"][0]["status"], 503);
}

#[test]
fn hold_by_either_side_is_music_for_the_other() {
    let mut bench = talking();
    let said = bench.centre_says("INVITE", 1, &sdp(8000, "a=sendonly\r\n"));
    assert_eq!(said, ">100, centre RecvOnly, >200, caller hears tone, beneath");
    bench.centre_says("ACK", 1, "");
    let said = bench.centre_says("INVITE", 2, &sdp(8000, ""));
    assert_eq!(said, ">100, centre SendRecv, >200, caller hears nothing");
    bench.centre_says("ACK", 2, "");
    let said = bench.caller_says("INVITE", 2, &sdp(7000, "a=inactive\r\n"));
    assert_eq!(said, "100, caller Inactive, 200, centre hears tone, beneath");
    bench.caller_says("ACK", 2, "");
    let said = bench.caller_says("INVITE", 3, &sdp(7000, ""));
    assert_eq!(said, "100, caller SendRecv, 200, centre hears nothing");
    bench.caller_says("ACK", 3, "");
    bench.centre_says("BYE", 3, "");
    ended(bench);
}

#[test]
fn what_a_centre_asks_at_the_wrong_time_is_refused_and_ends_nothing() {
    let mut bench = talking();
    assert_eq!(bench.centre_says("REFER", 1, ""), ">405");
    bench.centre_says("INVITE", 2, &sdp(8000, ""));
    assert_eq!(bench.centre_says("INVITE", 3, &sdp(8000, "")), ">100, >491", "the 200 before has no ACK yet");
    assert_eq!(bench.centre_says("ACK", 9, ""), "", "of nothing");
    assert!(bench.pass(1).contains(">200"));
    bench.centre_says("ACK", 2, "");
    assert_eq!(bench.centre_says("INVITE", 1, &sdp(8000, "")), ">100, >500", "overtaken");
    assert_eq!(bench.centre_says("BYE", 4, ""), ">200, close centre, BYE, close caller, record");
    assert_eq!(bench.centre_says("BYE", 5, ""), ">481");
    ended(bench);
}

#[test]
fn streams_that_cannot_hear_each_other_end_the_talk() {
    let mut bench = talking();
    let stream = bench.caller;
    let said = bench.give(Input::Media { stream, event: Event::Alone });
    assert_eq!(said, ">BYE, close centre, BYE, close caller, record");
    ended(bench);
}

#[test]
fn a_stop_ends_both_sides() {
    let mut bench = talking();
    let said = bench.give(Input::Stop);
    assert!(said.contains(">BYE") && said.ends_with("record"), "{said}");
    let record = ended(bench);
    assert_eq!((&record["cause"], &record["center_media"]["sent"]), (&"shutdown".into(), &22.into()));
}

#[test]
fn a_centre_may_be_silent_in_a_talk_and_a_caller_who_is_gone_may_not() {
    let mut bench = talking();
    let [centre, caller] = [bench.centre, bench.caller];
    assert_eq!(bench.give(Input::Media { stream: centre, event: Event::Silent }), "", "it is on mute");
    let said = bench.give(Input::Media { stream: caller, event: Event::Silent });
    assert!(said.contains(">BYE") && said.ends_with("record"), "{said}");
    assert_eq!(ended(bench)["cause"], "media-timeout");
}

#[test]
fn keys_of_the_sound_are_told_where_the_way_hides_them_whatever_the_target_says() {
    let calls = |proxy: &str, target: &str| {
        let [callers, centres] = ["127.0.0.1", "127.0.0.2"].map(|network| vec![network.parse().expect("a network")]);
        let proxy = Some(proxy.parse().expect("a URI"));
        let sbc = Trunk { proxy, srtp: Some(Srtp::Required), ..Trunk::new("sbc", centres) };
        let peers = Peers { trunks: vec![Trunk::new("pbx", callers), sbc], ..Peers::default() };
        let mut bench = Bench::by(&TABLE.replace("127.0.0.1:5071", target), peers);
        bench.caller_says("INVITE", 1, &sdp(7000, ""));
        bench.give(Input::StreamOpened { stream: bench.caller, port: Some(16_384) });
        bench.caller_says("ACK", 1, "");
        bench.key('0');
        let said = bench.give(Input::StreamOpened { stream: bench.centre, port: Some(16_386) });
        (
            said,
            bench.invite.contains(
                "
a=crypto:",
            ),
        )
    };
    let plain = calls("sip:127.0.0.2:5071", "127.0.0.2:5071;transport=tls");
    assert_eq!(plain, ("close centre, caller hears bye".to_owned(), false));
    let hidden = calls("sip:127.0.0.2:5071;transport=tls", "127.0.0.2:5071");
    assert_eq!(hidden, (">INVITE".to_owned(), true));
}

/// A caller presses for a centre at this address, which is of another family than the caller's side: the rung fails.
fn fails_by_family(address: &str) {
    let mut bench = Bench::by(&TABLE.replace("127.0.0.1:5071", address), Peers::default());
    bench.caller_says("INVITE", 1, &sdp(7000, ""));
    bench.give(Input::StreamOpened { stream: bench.caller, port: Some(16_384) });
    bench.caller_says("ACK", 1, "");
    bench.key('0');
    let said = bench.give(Input::StreamOpened { stream: bench.centre, port: Some(16_386) });
    assert_eq!(said, "close centre, caller hears bye");
    bench.caller_says("BYE", 2, "");
    assert_eq!(ended(bench)["attempts"][0]["status"], 503);
}

#[test]
fn a_centre_of_the_other_address_family_is_a_rung_that_failed() {
    fails_by_family("[::1]:5071");
}

#[test]
fn a_name_that_leads_to_the_other_address_family_alone_is_not_called() {
    fails_by_family("centre.example");
}

/// With one more every bridge would fail: the callers would hold all ports.
#[test]
fn a_call_that_may_be_bridged_is_taken_only_with_room_for_both_its_legs() {
    let calls = |table: &str, legs| {
        let mut bench = Bench::by(table, Peers { legs: Some(legs), ..Peers::default() });
        bench.caller_says("INVITE", 1, &sdp(7000, ""))
    };
    let refers = TABLE.replace("\"bridge\"", "\"refer\"");
    assert_eq!([calls(TABLE, 1), calls(TABLE, 2), calls(&refers, 1)], ["503", "100, open", "100, open"]);
}

#[test]
fn nobody_takes_the_place_of_a_centre() {
    let mut bench = talking();
    let header = |name: &str| bench.invite.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").to_owned();
    let (call, us) = (header("Call-ID: "), header("From: "));
    let us = us.split_once(";tag=").expect("a tag").1;
    let text = format!(
        "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5073;branch=z9hG4bKr\r\n\
         From: <sip:other@127.0.0.1>;tag=o\r\nTo: <sip:1357@127.0.0.1>\r\nCall-ID: two\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:other@127.0.0.1:5073>\r\nReplaces: {call};to-tag={us};from-tag=centre\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let tag = bench.tag.clone();
    assert_eq!(bench.hear("127.0.0.1:5073", &text), "100, 603");
    bench.tag = tag;
    assert_eq!(bench.caller_says("BYE", 2, ""), "200, close centre, >BYE, close caller, record");
    ended(bench);
}

#[test]
fn a_centre_that_acknowledges_nothing_is_hung_up_once_and_the_caller_with_a_bye() {
    let mut bench = talking();
    bench.centre_says("INVITE", 1, &sdp(8000, ""));
    let said = bench.pass(40);
    assert!(said.contains(">200, >BYE, close centre, BYE, close caller, record"), "{said}");
    let record = ended(bench);
    assert_eq!((&record["outcome"], &record["cause"]), (&"transferred".into(), &"transferred".into()));
}

#[test]
fn every_way_through_a_table_that_bridges_keeps_what_is_promised() {
    let plan = tables::plan(TABLE);
    let (_, broken) = tables::walk(&plan);
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_simulated_caller_talks_with_a_simulated_centre_under_the_eyes_of_the_oracle() {
    let plan = tables::plan(TABLE);
    let (told, record) = tables::play(&plan, "call 1357\nkey 0\nwait 30s\nhangup");
    assert_eq!(
        (&record["outcome"], &record["attempts"][0]["result"]),
        (&"transferred".into(), &"reached".into()),
        "{told:?}"
    );
    let (told, record) = tables::play(&plan, "center ours busy\ncall 1357\nkey 0\nwait 5s\nend");
    assert_eq!((&record["outcome"], &record["attempts"][0]["status"]), (&"announced".into(), &486.into()), "{told:?}");
    let (told, record) = tables::play(&plan, "center ours rings\ncall 1357\nkey 0\nwait 20s\nhangup");
    assert_eq!(
        (&record["outcome"], &record["attempts"][0]["result"]),
        (&"abandoned".into(), &"left".into()),
        "{told:?}"
    );
    let (told, record) = tables::play(&plan, "center ours dead\ncall 1357\nkey 0\nwait 20s\nend");
    assert_eq!(
        (&record["outcome"], &record["attempts"][0]["result"]),
        (&"announced".into(), &"timeout".into()),
        "{told:?}"
    );
}
