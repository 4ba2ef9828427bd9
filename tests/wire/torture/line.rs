//! An agent and what it says, for messages that come as datagrams or on connections.

use ivr1357::limits::TRANSACTION_TIMEOUT;
use ivr1357::random::Random;
use ivr1357::sip::session_timer::Intervals;
use ivr1357::sip::trunk::Peers;
use ivr1357::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, Flow, Invite, ReferRequest, StatusCode, Transport};
use ivr1357::time::{Duration, Now};

/// One thing the agent said.
pub enum Said {
    Message(Vec<u8>, Flow),
    Call(Box<Invite>),
    /// The connection is closed.
    Close,
    /// The connection is closed later, when the rest of what came has not followed in time.
    CloseLate,
    Other(String),
}

impl Said {
    /// `200 OK`, `call`, `close`, `close late`; requests and other events by their name.
    pub fn name(&self) -> String {
        match self {
            Self::Message(bytes, _) => {
                let line = String::from_utf8_lossy(bytes);
                let line = line.lines().next().unwrap_or("");
                line.strip_prefix("SIP/2.0 ").unwrap_or(line).to_owned()
            }
            Self::Call(_) => "call".to_owned(),
            Self::Close => "close".to_owned(),
            Self::CloseLate => "close late".to_owned(),
            Self::Other(event) => event.clone(),
        }
    }
}

/// An agent that is not restarted between messages: what one breaks, the next one meets.
pub struct Line {
    agent: Agent,
    now: Now,
    flow: Flow,
}

impl Line {
    pub fn new(transport: Transport) -> Self {
        let flow = Flow {
            transport,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: "127.0.0.1:5099".parse().expect("an address"),
            connection: 0,
        };
        let config =
            AgentConfig { product: "ivr1357".to_owned(), peers: Peers::default(), session: Intervals::default() };
        Self { agent: Agent::new(config, Random::from_number(4475)), now: Now::default(), flow }
    }

    /// A line with a call going, Call-ID `within`, caller's tag 1, CSeq 1, and a REFER that waits; and our tag.
    pub fn within_a_call(transport: Transport) -> (Self, String) {
        let mut line = Self::new(transport);
        let (now, mut out) = (line.now, Vec::new());
        let invite = String::from_utf8(valid_call("within")).expect("text").replace("after-within", "within");
        line.agent.received(now, line.flow, invite.as_bytes(), &mut out);
        let dialog = out
            .into_iter()
            .map(said)
            .find_map(|said| if let Said::Call(call) = said { Some(call.dialog) } else { None });
        let (dialog, mut out) = (dialog.expect("a call"), Vec::new());
        line.agent.answer(now, dialog, b"v=0\r\n".to_vec(), &mut out);
        let answer = out
            .into_iter()
            .map(said)
            .find_map(|said| if let Said::Message(bytes, _) = said { Some(bytes) } else { None });
        let answer = String::from_utf8(answer.expect("a 200")).expect("text");
        let to = answer.lines().find(|line| line.starts_with("To: ")).expect("a To");
        let tag = to.rsplit(";tag=").next().expect("a tag").to_owned();
        let ack = invite.replace("INVITE", "ACK").replace("1357@127.0.0.1>", &format!("1357@127.0.0.1>;tag={tag}"));
        line.agent.received(now, line.flow, ack.as_bytes(), &mut Vec::new());
        let request = ReferRequest {
            target: "sip:k@127.0.0.1".parse().expect("a URI"),
            subscribe: true,
            referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
        };
        line.agent.refer(now, dialog, &request, &mut Vec::new());
        (line, tag)
    }

    /// What the agent says to a message of its own: a datagram, or all bytes of a new connection. A connection that
    /// holds an unfinished message afterwards is watched until it is closed; one that stays open must take a call.
    /// Calls are refused with 404.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<Said> {
        if self.flow.transport.is_stream() {
            self.flow.connection += 1;
        }
        let mut said = self.hear(bytes);
        if self.flow.transport.is_stream() && !said.iter().any(|said| matches!(said, Said::Close)) {
            match self.wait() {
                Some(closed) => said.push(closed),
                None => {
                    let after = self.hear(&valid_call(&format!("same-{}", self.flow.connection)));
                    assert!(is_call(&after), "a call on the same connection: {:?}", names(&after));
                }
            }
        }
        said
    }

    /// A valid call, on a new connection where there are connections.
    pub fn call(&mut self, name: &str) -> bool {
        if self.flow.transport.is_stream() {
            self.flow.connection += 1;
        }
        is_call(&self.hear(&valid_call(name)))
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut out = Vec::new();
        self.agent.received(self.now, self.flow, bytes, &mut out);
        let said: Vec<Said> = out.into_iter().map(said).collect();
        // Whoever gets a call decides; here nobody wants any.
        for said in &said {
            if let Said::Call(invite) = said {
                self.agent.reject(self.now, invite.dialog, StatusCode::NOT_FOUND, &mut Vec::new());
            }
        }
        said
    }

    /// Until the connection is closed, at most a little more than 64·T1.
    fn wait(&mut self) -> Option<Said> {
        let end = self.now.after(TRANSACTION_TIMEOUT + Duration::from_secs(1)).instant;
        while let Some(deadline) = self.agent.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.after(deadline.since(self.now.instant));
            let mut out = Vec::new();
            self.agent.tick(self.now, &mut out);
            let connection = self.flow.connection;
            let closed =
                |output: &AgentOutput| matches!(output, AgentOutput::Close { connection: c } if *c == connection);
            if out.iter().any(closed) {
                return Some(Said::CloseLate);
            }
        }
        None
    }
}

fn said(output: AgentOutput) -> Said {
    match output {
        AgentOutput::Transmit { bytes, flow } => Said::Message(bytes, flow),
        AgentOutput::Event(AgentEvent::Invite(invite)) => Said::Call(invite),
        AgentOutput::Close { .. } => Said::Close,
        AgentOutput::Event(event) => Said::Other(event_name(&event)),
        other => Said::Other(format!("{other:?}")),
    }
}

fn event_name(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Bye { .. } => "bye".to_owned(),
        AgentEvent::Reinvite { .. } => "reinvite".to_owned(),
        AgentEvent::Info { content_type, .. } => format!("info {content_type}").trim_end().to_owned(),
        AgentEvent::Notified { status, terminated, .. } => {
            let status = status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            format!("notified {status}{}", if *terminated { " terminated" } else { "" })
        }
        other => format!("{other:?}"),
    }
}

/// What was said, by name.
pub fn names(said: &[Said]) -> Vec<String> {
    said.iter().map(Said::name).collect()
}

fn is_call(said: &[Said]) -> bool {
    names(said) == ["100 Trying", "call"]
}

fn valid_call(name: &str) -> Vec<u8> {
    format!(
        "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK-after-{name}\r\n\
         From: <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>\r\nCall-ID: after-{name}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:010@127.0.0.1:5099>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}
