//! A user agent through a sequence of datagrams, pieces of streams, commands and time.
//!
//! Every output must read as exactly one message, and when all has been said, nothing may be held.

use super::Choices;
use ivr1357::random::Random;
use ivr1357::sip::framing::{Frame, Stream};
use ivr1357::sip::progress::EarlyMedia;
use ivr1357::sip::session_timer::Intervals;
use ivr1357::sip::trunk::{Network, Peers, Proof, Trunk};
use ivr1357::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, DialogKey, Flow, ReferRequest, StatusCode, Transport};
use ivr1357::time::{Duration, Now};
use std::collections::BTreeSet;

/// What a caller sends; `@TAG@` is our tag once we told one, `@BRANCH@` a branch of the input's choosing.
const TEMPLATES: &[&str] = &[
    "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK@BRANCH@\r\nFrom: \"Kim <VIP>\" <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>\r\ni: call\r\nCSeq: 1 INVITE\r\nContact: <sip:010@127.0.0.1:5099>\r\nRecord-Route: <sip:127.0.0.1:5098;lr>,\r\n <sip:p.example;lr>\r\nSupported: 100rel, timer, replaces\r\nSession-Expires: 1800;refresher=uac\r\nAllow: UPDATE, PRACK\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n",
    "INVITE tel:1357 SIP/2.0\r\nVia: SIP/2.0/TCP [::1];branch=z9hG4bK@BRANCH@\r\nFrom: <tel:010>;tag=@BRANCH@\r\nTo: sip:1357@127.0.0.1\r\nCall-ID: @BRANCH@\r\nCSeq: 7 INVITE\r\nContact: <sip:010@127.0.0.1:5099;transport=tcp>\r\nRequire: 100rel\r\nContent-Length: 0\r\n\r\n",
    "ACK sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKr@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 2 INVITE\r\nContact: <sip:010@127.0.0.1:5097>\r\nContent-Length: 5\r\n\r\nv=0\r\n",
    "UPDATE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 3 UPDATE\r\nContact: <sip:010@127.0.0.1:5097>\r\nSession-Expires: 90\r\nContent-Length: 5\r\n\r\nv=0\r\n",
    "PRACK sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 2 PRACK\r\nRAck: 1 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    "NOTIFY sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 4 NOTIFY\r\nEvent: refer;id=1\r\nSubscription-State: terminated\r\nContent-Length: 14\r\n\r\nSIP/2.0 200 OK",
    "INFO sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 5 INFO\r\nContent-Type: application/dtmf-relay\r\nContent-Length: 10\r\n\r\nSignal=1\r\n",
    "OPTIONS sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>\r\ni: ping\r\nCSeq: 6 OPTIONS\r\nAccept: a/b;q=\"x,y\"\r\nContent-Length: 0\r\n\r\n",
    "CANCEL sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>\r\ni: call\r\nCSeq: 1 CANCEL\r\nReason: Q.850;cause=16\r\nContent-Length: 0\r\n\r\n",
    "BYE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK@BRANCH@\r\nFrom: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>;tag=@TAG@\r\ni: call\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKx@BRANCH@\r\nFrom: <sip:011@127.0.0.1>;tag=9\r\nTo: <sip:1357@127.0.0.1>\r\ni: other\r\nCSeq: 1 INVITE\r\nContact: <sip:011@127.0.0.1:5099>\r\nReplaces: call;to-tag=@TAG@;from-tag=1\r\nContent-Length: 0\r\n\r\n",
];

/// What a peer answers to a request of ours: the first line, and what is added behind the echo.
const ANSWERS: &[(&str, &str)] = &[
    ("100 Trying", ""),
    ("180 Ringing", "Require: 100rel\r\nRSeq: 1\r\n"),
    ("200 OK", ""),
    ("202 Accepted", ""),
    ("302 Moved", "Contact: <sip:elsewhere@127.0.0.1>\r\n"),
    ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n"),
    ("407 Proxy Authentication Required", "Proxy-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n"),
    ("423 Interval Too Brief", "Min-Expires: 3600\r\n"),
    ("422 Session Interval Too Small", "Min-SE: 1800\r\n"),
    ("481 Call/Transaction Does Not Exist", ""),
    ("491 Request Pending", ""),
    ("503 Service Unavailable", "Retry-After: 5\r\n"),
];

struct Rig {
    agent: Agent,
    now: Now,
    tag: String,
    dialogs: BTreeSet<DialogKey>,
    /// Requests of ours, for their answers.
    asked: Vec<Vec<u8>>,
}

pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let trunk = Trunk::new("kt", vec!["127.0.0.0/8".parse::<Network>().expect("a network")]);
    let trunks =
        if choices.byte().is_multiple_of(2) { Vec::new() } else { vec![Trunk { proof: Proof::Address, ..trunk }] };
    let peers = Peers { trunks, ..Peers::default() };
    let config = AgentConfig { product: "ivr1357".to_owned(), peers, session: Intervals::default() };
    let mut rig = Rig {
        agent: Agent::new(config, Random::from_number(7)),
        now: Now::default(),
        tag: String::new(),
        dialogs: BTreeSet::new(),
        asked: Vec::new(),
    };
    while !choices.is_empty() {
        rig.step(&mut choices);
    }
    rig.settle();
}

fn flow(choice: u8) -> Flow {
    let transport = if choice % 4 == 3 { Transport::Tcp } else { Transport::Udp };
    Flow {
        transport,
        local: "127.0.0.1:5060".parse().expect("an address"),
        remote: "127.0.0.1:5099".parse().expect("an address"),
        connection: u64::from(transport == Transport::Tcp) * (1 + u64::from(choice / 4 % 2)),
    }
}

impl Rig {
    fn step(&mut self, choices: &mut Choices<'_>) {
        let mut out = Vec::new();
        let (now, which) = (self.now, choices.byte());
        let dialog = self.dialogs.iter().nth(usize::from(which >> 5)).copied();
        match (which % 16, dialog) {
            (0..=5, _) => {
                let flow = flow(choices.byte());
                let bytes = self.message(choices);
                self.agent.received(now, flow, &bytes, &mut out);
            }
            (6, _) => {
                let flow = flow(choices.byte());
                let length = usize::from(choices.byte());
                self.agent.received(now, flow, choices.take(length), &mut out);
            }
            (7, _) => {
                let flow = flow(choices.byte());
                if let Some(answer) = self.answer(choices) {
                    self.agent.received(now, flow, &answer, &mut out);
                }
            }
            (8, _) => {
                self.now = now.after(Duration::from_millis(1 << (choices.byte() % 17)));
                self.agent.tick(self.now, &mut out);
            }
            (9, _) => self.agent.disconnected(u64::from(choices.byte() % 3)),
            (10, Some(dialog)) if choices.byte().is_multiple_of(2) => {
                let early = (choices.byte().is_multiple_of(2)).then(|| (b"v=0\r\n".to_vec(), EarlyMedia::SendOnly));
                let status = StatusCode::new(180 + u16::from(choices.byte() % 4)).expect("a code");
                self.agent.progress(now, dialog, status, early, &mut out);
            }
            (10, _) => self.agent.send_failed(now, flow(choices.byte()), &mut out),
            (11, Some(dialog)) => {
                self.agent.answer(now, dialog, b"v=0\r\n".to_vec(), &mut out);
            }
            (12, Some(dialog)) => self.agent.answer_reinvite(now, dialog, b"v=0\r\n".to_vec(), &mut out),
            (13, Some(dialog)) => {
                let request = ReferRequest {
                    target: "sip:k@127.0.0.1".parse().expect("a URI"),
                    subscribe: choices.byte().is_multiple_of(2),
                    referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
                };
                self.agent.refer(now, dialog, &request, &mut out);
            }
            (14, Some(dialog)) if choices.byte().is_multiple_of(2) => {
                self.agent.reject_reinvite(now, dialog, StatusCode::NOT_ACCEPTABLE, &mut out);
            }
            (14, Some(dialog)) => self.agent.reject(now, dialog, StatusCode::BUSY, &mut out),
            (15, Some(dialog)) => self.agent.bye(now, dialog, None, &mut out),
            _ => {}
        }
        self.note(out);
    }

    /// A template with its marks filled in, perhaps with a piece of it replaced by bytes of the input.
    fn message(&self, choices: &mut Choices<'_>) -> Vec<u8> {
        let template = TEMPLATES[usize::from(choices.byte()) % TEMPLATES.len()];
        let branch = (choices.byte() % 4).to_string();
        let mut bytes = template.replace("@TAG@", &self.tag).replace("@BRANCH@", &branch).into_bytes();
        let breaks = choices.byte();
        for _ in 0..breaks.saturating_sub(192) % 4 {
            let at = usize::from(choices.number()) % (bytes.len() + 1);
            let removed = usize::from(choices.byte() % 32).min(bytes.len() - at);
            let length = usize::from(choices.byte() % 32);
            bytes.splice(at..at + removed, choices.take(length).iter().copied());
        }
        bytes
    }

    /// An answer to a request of ours.
    fn answer(&self, choices: &mut Choices<'_>) -> Option<Vec<u8>> {
        let which = usize::from(choices.byte());
        let request = self.asked.get(which % self.asked.len().max(1))?;
        let (status, lines) = ANSWERS[usize::from(choices.byte()) % ANSWERS.len()];
        let head = &request[request.iter().position(|byte| *byte == b'\n')? + 1..];
        let end = head.windows(4).position(|four| four == b"\r\n\r\n")? + 2;
        let mut answer = format!("SIP/2.0 {status}\r\n{lines}").into_bytes();
        for line in head[..end].split_inclusive(|byte| *byte == b'\n') {
            if !line.to_ascii_lowercase().starts_with(b"content-") {
                answer.extend_from_slice(line);
            }
        }
        answer.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        Some(answer)
    }

    fn note(&mut self, out: Vec<AgentOutput>) {
        for output in out {
            match output {
                AgentOutput::Transmit { bytes, .. } if bytes == b"\r\n" => {}
                AgentOutput::Transmit { bytes, .. } => self.written(bytes),
                AgentOutput::Event(AgentEvent::Invite(invite)) => {
                    assert!(self.dialogs.insert(invite.dialog), "a call is told once");
                    assert!(!invite.call_id.contains(char::is_control));
                }
                _ => {}
            }
        }
    }

    /// What we write is one message, with a length, and nothing of the peer's begins a line in it.
    fn written(&mut self, bytes: Vec<u8>) {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let mut stream = Stream::default();
        stream.push(&bytes);
        let whole = stream.next_frame() == Frame::Message(0..bytes.len());
        assert!(whole, "not one message: {shown:?}");
        let head = shown.split("\r\n\r\n").next().unwrap_or("");
        assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "a line was smuggled in: {shown:?}");
        assert!(!head.contains("\r\n ") && !head.contains("\r\n\t"), "a fold was echoed: {shown:?}");
        if let Some(to) = head.lines().find(|line| line.starts_with("To: "))
            && head.starts_with("SIP/2.0 2")
            && let Some((_, tag)) = to.rsplit_once(";tag=")
        {
            self.tag = tag.to_owned();
        }
        if !shown.starts_with("SIP/2.0") && self.asked.len() < 64 {
            self.asked.push(bytes);
        }
    }

    /// Everything ends by itself.
    fn settle(&mut self) {
        for dialog in self.dialogs.clone() {
            let mut out = Vec::new();
            self.agent.reject_reinvite(self.now, dialog, StatusCode::NOT_ACCEPTABLE, &mut out);
            self.agent.bye(self.now, dialog, None, &mut out);
            self.note(out);
        }
        for _ in 0..10_000 {
            let Some(deadline) = self.agent.deadline() else { break };
            self.now = self.now.after(deadline.since(self.now.instant).max(Duration::from_millis(1)));
            let mut out = Vec::new();
            self.agent.tick(self.now, &mut out);
            self.note(out);
        }
        assert_eq!(self.agent.held(), 0, "everything ends after 64·T1 of quiet");
        assert_eq!(self.agent.deadline(), None);
    }
}
