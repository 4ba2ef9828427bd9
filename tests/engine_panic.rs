//! A panic of ours ends one call: it gets a BYE and a record that says `internal`; the other call goes on.

use ivr1357::engine::{Edition, Engine, Entry, Input, Intervals, Output, Settings};
use ivr1357::media::{Command, Event, PlayKey, StreamKey};
use ivr1357::random::Random;
use ivr1357::routing;
use ivr1357::routing::plan::{Destination, MenuId};
use ivr1357::sip::trunk::Peers;
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
1 = { go = "center.counsel" }
[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
[notice]
bye = { prompt = "again", then = "end" }
"##;

struct Bench {
    engine: Engine,
    now: Now,
}

impl Bench {
    fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.engine.handle(self.now, input, &mut out);
        out
    }

    fn datagram(&mut self, port: u16, text: &str) -> Vec<Output> {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: format!("127.0.0.1:{port}").parse().expect("an address"),
            connection: 0,
        };
        self.give(Input::Received { flow, bytes: text.replace('\n', "\r\n").as_bytes() })
    }

    /// A call up to its greeting.
    fn call(&mut self, port: u16) -> (StreamKey, PlayKey) {
        let sdp = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 7000 RTP/AVP 8\n";
        let head = |method: &str, tag: &str| {
            format!(
                "{method} sip:1357@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{method}{port}\n\
                 From: <sip:a@127.0.0.1>;tag=c{port}\nTo: <sip:1357@127.0.0.1>{tag}\nCall-ID: {port}@test\n\
                 CSeq: 1 {method}\nContact: <sip:a@127.0.0.1:{port}>\nMax-Forwards: 70\n"
            )
        };
        let length = sdp.len() + sdp.lines().count();
        let invite = format!("{}Content-Type: application/sdp\nContent-Length: {length}\n\n{sdp}", head("INVITE", ""));
        let out = self.datagram(port, &invite);
        let stream = out.iter().find_map(|output| match output {
            Output::OpenStream { stream, .. } => Some(*stream),
            _ => None,
        });
        let stream = stream.expect("a stream is opened");
        let out = self.give(Input::StreamOpened { stream, port: Some(port + 1000) });
        let call = out.iter().find_map(|output| match output {
            Output::Journal { call, entry: Entry::Start { .. } } => Some(*call),
            _ => None,
        });
        let out = self.give(Input::Journaled { call: call.expect("a start is written") });
        let answer = texts(&out).find(|text| text.starts_with("SIP/2.0 200")).expect("a 200");
        let to = answer.lines().find(|line| line.starts_with("To:")).expect("a To");
        let tag = &to[to.find(";tag=").expect("a tag")..];
        let out = self.datagram(port, &format!("{}Content-Length: 0\n\n", head("ACK", tag)));
        let play = out.iter().find_map(|output| match output {
            Output::Media { command: Command::Play { play, .. }, .. } => Some(*play),
            _ => None,
        });
        (stream, play.expect("the greeting plays"))
    }
}

fn texts(outputs: &[Output]) -> impl Iterator<Item = String> {
    outputs.iter().filter_map(|output| match output {
        Output::Transmit { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    })
}

#[test]
fn a_panic_of_ours_ends_one_call_with_a_bye_and_a_record() {
    let prompts: BTreeMap<String, Duration> =
        ["tone", "greeting", "again", "center/counsel"].map(|id| (id.to_owned(), Duration::from_secs(1))).into();
    let mut plan = routing::check(TABLE, &prompts).plan.expect("the table checks");
    // What check() makes impossible: a destination that is not there. Whoever walks to it panics.
    plan.numbers[0].go = Destination::Menu(MenuId(99));
    let engine = Engine::new(Settings {
        edition: Arc::new(Edition::new(Arc::new(plan), &Catalogue::default())),
        hash_key: [1; 32],
        peers: Peers::default(),
        session: Intervals::default(),
        stand_ins: false,
        random: Random::from_number(1),
    });
    let mut bench = Bench { engine, now: Now::default().after(Duration::from_secs(1)) };
    let (first, greeting) = bench.call(6001);
    let (second, _) = bench.call(6002);
    assert_eq!(bench.engine.calls(), 2);

    let out = bench.give(Input::Media { stream: first, event: Event::Finished(greeting) });

    assert!(texts(&out).any(|text| text.starts_with("BYE ")), "the caller is not left in silence");
    let ends: Vec<&String> = out
        .iter()
        .filter_map(|output| match output {
            Output::Journal { entry: Entry::End(line), .. } => Some(line),
            _ => None,
        })
        .collect();
    assert_eq!(ends.len(), 1, "one record");
    assert!(ends[0].contains(r#""cause":"internal""#), "{}", ends[0]);
    assert!(out.iter().any(|output| matches!(output, Output::CloseStream { stream } if *stream == first)));
    assert_eq!(bench.engine.calls(), 1, "the other call goes on");

    let out = bench.give(Input::Stop);
    assert!(out.iter().any(|output| matches!(output, Output::CloseStream { stream } if *stream == second)));
    assert_eq!(bench.engine.calls(), 0);
}
