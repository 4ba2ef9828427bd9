//! An engine without sockets, and calls up to their greeting.

use ivr1357::engine::{CallKey, Edition, Engine, Entry, Input, Intervals, Output, Settings};
use ivr1357::media::{Clip, Command, Event, PlayKey, StreamKey};
use ivr1357::random::{Random, Secrets};
use ivr1357::sip::trunk::Peers;
use ivr1357::sip::{Flow, Transport};
use ivr1357::time::{Duration, Now};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One number, one menu, one centre; prompts `tone`, `greeting`, `again`, `center/counsel`.
pub const TABLE: &str = r##"
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

/// An engine with this table that knows these peers; its draws are always the same.
pub fn engine(edition: Arc<Edition>, peers: Peers) -> Engine {
    Engine::new(Settings {
        edition,
        hash_key: [1; 32],
        peers,
        session: Intervals::default(),
        stand_ins: false,
        random: Random::from_number(1),
        secrets: Secrets::from_number(1),
    })
}

/// An engine without sockets.
pub struct Bench {
    pub engine: Engine,
    pub now: Now,
    /// Our tags, by the caller's port.
    tags: BTreeMap<u16, String>,
}

impl Bench {
    /// An engine that has this table, a second after it began.
    pub fn of(edition: Arc<Edition>) -> Self {
        let engine = engine(edition, Peers::default());
        Self { engine, now: Now::default().after(Duration::from_secs(1)), tags: BTreeMap::new() }
    }

    pub fn give(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.engine.handle(self.now, input, &mut out);
        let closed = |output: &Output| match output {
            Output::CloseStream { stream } => Some(*stream),
            _ => None,
        };
        for stream in out.iter().filter_map(closed).collect::<Vec<_>>() {
            self.engine.handle(self.now, Input::Media { stream, event: Event::Closed(None) }, &mut out);
        }
        out
    }

    pub fn datagram(&mut self, port: u16, text: &str) -> Vec<Output> {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: format!("127.0.0.1:{port}").parse().expect("an address"),
            connection: 0,
        };
        self.give(Input::Received { flow, bytes: text.replace('\n', "\r\n").as_bytes() })
    }

    /// A call up to its greeting: its stream, and what plays.
    pub fn call(&mut self, port: u16) -> (StreamKey, PlayKey, Vec<Arc<Clip>>) {
        let (stream, call) = self.arrive(port);
        let out = self.give(Input::Journaled { call });
        let answer = texts(&out).find(|text| text.starts_with("SIP/2.0 200")).expect("a 200");
        let (play, clips) = self.acknowledge(port, &answer);
        (stream, play, clips)
    }

    /// A call whose start is to be written.
    pub fn arrive(&mut self, port: u16) -> (StreamKey, CallKey) {
        let (stream, out) = self.invite(port, "");
        let call = out.iter().find_map(|output| match output {
            Output::Journal { call, entry: Entry::Start { .. } } => Some(*call),
            _ => None,
        });
        (stream, call.expect("a start is written"))
    }

    /// The caller at another port takes over the call of this one: the stream of the new line, and what comes of it.
    pub fn take_over(&mut self, old: u16, port: u16) -> (StreamKey, Vec<Output>) {
        let tag = self.tags[&old].trim_start_matches(";tag=");
        self.invite(port, &format!("Replaces: {old}@test;to-tag={tag};from-tag=c{old}\n"))
    }

    fn invite(&mut self, port: u16, more: &str) -> (StreamKey, Vec<Output>) {
        let sdp = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 7000 RTP/AVP 8\n";
        let length = sdp.len() + sdp.lines().count();
        let invite = format!(
            "{}{more}Content-Type: application/sdp\nContent-Length: {length}\n\n{sdp}",
            head(port, "INVITE", "")
        );
        let out = self.datagram(port, &invite);
        let stream = out.iter().find_map(|output| match output {
            Output::OpenStream { stream, .. } => Some(*stream),
            _ => None,
        });
        let stream = stream.expect("a stream is opened");
        (stream, self.give(Input::StreamOpened { stream, port: Some(port + 1000) }))
    }

    /// The caller hangs up.
    pub fn bye(&mut self, port: u16) -> Vec<Output> {
        let head = head(port, "BYE", &self.tags[&port]).replace("CSeq: 1", "CSeq: 2");
        self.datagram(port, &format!("{head}Content-Length: 0\n\n"))
    }

    /// The ACK of our 200: what plays.
    pub fn acknowledge(&mut self, port: u16, answer: &str) -> (PlayKey, Vec<Arc<Clip>>) {
        let to = answer.lines().find(|line| line.starts_with("To:")).expect("a To");
        let tag = to[to.find(";tag=").expect("a tag")..].trim_end();
        self.tags.insert(port, tag.to_owned());
        let out = self.datagram(port, &format!("{}Content-Length: 0\n\n", head(port, "ACK", tag)));
        let play = out.iter().find_map(|output| match output {
            Output::Media { command: Command::Play { play, clips, .. }, .. } => Some((*play, clips.clone())),
            _ => None,
        });
        play.expect("the greeting plays")
    }
}

fn head(port: u16, method: &str, tag: &str) -> String {
    format!(
        "{method} sip:1357@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{method}{port}\n\
         From: <sip:a@127.0.0.1>;tag=c{port}\nTo: <sip:1357@127.0.0.1>{tag}\nCall-ID: {port}@test\n\
         CSeq: 1 {method}\nContact: <sip:a@127.0.0.1:{port}>\nMax-Forwards: 70\n"
    )
}

/// What it sends.
pub fn texts(outputs: &[Output]) -> impl Iterator<Item = String> {
    outputs.iter().filter_map(|output| match output {
        Output::Transmit { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    })
}
