//! Scripted flows against the whole agent. Left of `=>` what happens, right of it what the agent says: a
//! response as `200 INVITE`, a request of ours by its method, an event by its name.

mod answers;
mod calls;
mod headers;
mod orphans;
mod overload;
mod placed;
mod provisional;
mod refresh;
mod replaces;
mod transfers;

use super::*;
use crate::sip::locate::{Answer, LookupKey};
use crate::time::Duration;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";

/// One caller on loopback, and an agent.
struct Flows {
    agent: Agent,
    now: Now,
    flow: Flow,
    call_id: String,
    /// Our tag, from the last response that had one.
    our_tag: String,
    dialog: DialogKey,
    /// The RSeq of the latest reliable response.
    rseq: u32,
    /// Requests of ours, the last one at the end.
    requests: Vec<String>,
    /// The last message sent.
    last: String,
    /// Questions, the last one at the end.
    lookups: Vec<LookupKey>,
    /// Where it went.
    sent_to: Option<Flow>,
}

impl Flows {
    fn new() -> Self {
        let config =
            AgentConfig { product: "ivr1357".to_owned(), peers: Peers::default(), session: Intervals::default() };
        let address = |text: &str| text.parse().expect("an address");
        Self {
            agent: Agent::new(config, Random::from_number(1)),
            now: Now::default(),
            flow: Flow {
                transport: Transport::Udp,
                local: address("127.0.0.1:5060"),
                remote: address("127.0.0.1:5062"),
                connection: 0,
            },
            call_id: "call-1".to_owned(),
            our_tag: String::new(),
            dialog: DialogKey(0),
            rseq: 0,
            requests: Vec::new(),
            last: String::new(),
            lookups: Vec::new(),
            sent_to: None,
        }
    }

    /// Runs a script and compares every line.
    fn check(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (command, expected) = line.split_once("=>").unwrap_or((line, ""));
            let said = self.step(command.trim());
            assert_eq!(said, expected.trim(), "at `{}`; last message:\n{}", command.trim(), self.last);
        }
    }

    fn step(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (first, rest) = words.split_first().expect("a command");
        let mut out = Vec::new();
        let argument = rest.first().copied().unwrap_or("");
        match *first {
            "answer" => {
                self.agent.answer(self.now, self.dialog, SDP.into(), &mut out);
            }
            "progress" => {
                let early = (argument == "183").then(|| (SDP.into(), EarlyMedia::SendRecv));
                self.agent.progress(self.now, self.dialog, code(argument), early, &mut out);
            }
            "reject" => self.agent.reject(self.now, self.dialog, code(argument), &mut out),
            "answer-reinvite" => self.agent.answer_reinvite(self.now, self.dialog, SDP.into(), &mut out),
            "reject-reinvite" => self.agent.reject_reinvite(self.now, self.dialog, code(argument), &mut out),
            "bye" => self.agent.bye(self.now, self.dialog, None, &mut out),
            "refer" => {
                let request = ReferRequest {
                    subscribe: rest.get(1) != Some(&"unsubscribed"),
                    target: argument.parse().expect("a URI"),
                    referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
                };
                if self.agent.refer(self.now, self.dialog, &request, &mut out).is_none() {
                    return "too late".to_owned();
                }
            }
            "wait" => return self.wait(argument.parse().expect("milliseconds")),
            "fail" => self.agent.send_failed(self.now, self.sent_to.expect("something was sent"), &mut out),
            "respond" => {
                // STATUS [METHOD] [Name:value]…
                let method = rest.get(1).copied().filter(|word| !word.contains(':'));
                let headers: String = rest
                    .iter()
                    .skip(1)
                    .filter_map(|word| word.split_once(':'))
                    .map(|(name, value)| format!("{name}: {}\r\n", value.replace('_', " ")))
                    .collect();
                let response =
                    self.response(argument, method).replace("Content-Length:", &format!("{headers}Content-Length:"));
                self.agent.received(self.now, self.flow, response.as_bytes(), &mut out);
            }
            // The answer to the last question: where we listen.
            "local" => {
                let answer = Answer::Local(argument.parse().expect("an address"));
                self.agent.looked_up(self.now, self.lookups.pop().expect("a question"), answer, &mut out);
            }
            "held" => return self.agent.held().to_string(),
            "asking" => return self.agent.asking().to_string(),
            // As a message that waited too long.
            "late" => {
                let text = self.request(argument, &rest[1..]);
                self.agent.overdue(self.now, self.flow, text.as_bytes(), &mut out);
            }
            "drain" => self.agent.drain(),
            "call" => self.call_id = argument.to_owned(),
            "tcp" => {
                self.flow.transport = Transport::Tcp;
                self.flow.connection = 7;
            }
            _ => {
                let text = self.request(first, rest);
                self.agent.received(self.now, self.flow, text.as_bytes(), &mut out);
            }
        }
        self.note(out)
    }

    /// A request of the caller: METHOD CSEQ BRANCH, then `no-sdp`, `body=…`, `out` (no To tag), `Name:value`.
    fn request(&self, method: &str, options: &[&str]) -> String {
        let cseq = options.first().copied().unwrap_or("1");
        let branch = options.get(1).map(|branch| format!(";branch=z9hG4bK{branch}")).unwrap_or_default();
        let (mut body, mut headers) = (String::new(), String::new());
        let (mut target, mut outside, mut tag) = ("sip:1357@127.0.0.1", method == "INVITE", ";tag=caller");
        if matches!(method, "INVITE" | "RE-INVITE") {
            body = SDP.to_owned();
        }
        for option in options.iter().skip(2) {
            match option.split_once(['=', ':']) {
                None if *option == "no-sdp" => body.clear(),
                None if *option == "out" => outside = true,
                Some(("body", text)) => body = text.replace('_', " "),
                Some(("uri", uri)) => target = uri,
                // The latest reliable response; `RAck+1` names one that never was.
                None if *option == "rack" => headers += &format!("RAck: {} 1 INVITE\r\n", self.rseq),
                None if *option == "rack+1" => headers += &format!("RAck: {} 1 INVITE\r\n", self.rseq + 1),
                Some(("from-tag", text)) => tag = text,
                Some((name, value)) => headers += &format!("{name}: {}\r\n", value.replace('_', " ")),
                None => panic!("unknown option {option}"),
            }
        }
        let to_tag = if outside { String::new() } else { format!(";tag={}", self.our_tag) };
        let method = method.trim_start_matches("RE-");
        let named = if headers.contains("CSeq:") { String::new() } else { format!("CSeq: {cseq} {method}\r\n") };
        let contact = if headers.contains("Contact:") { "" } else { "Contact: <sip:caller@127.0.0.1:5062>\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062{branch}\r\nMax-Forwards: 70\r\n\
             From: \"Kim\" <sip:01012345678@127.0.0.1>{tag}\r\nTo: <sip:1357@127.0.0.1>{to_tag}\r\n\
             Call-ID: {}\r\n{named}{contact}{headers}Content-Length: {}\r\n\r\n{body}",
            self.call_id,
            body.len(),
        )
    }

    /// A response to our last request, or to the last of this method.
    fn response(&self, status: &str, method: Option<&str>) -> String {
        let wanted = |request: &&String| method.is_none_or(|method| request.starts_with(method));
        let request = self.requests.iter().rfind(wanted).expect("a request of ours");
        let mut response = format!("SIP/2.0 {status} X\r\n");
        for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
            if ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)) {
                response += &format!("{line}\r\n");
            }
        }
        response + "Content-Length: 0\r\n\r\n"
    }

    /// Lets time go by, deadline by deadline.
    fn wait(&mut self, millis: u64) -> String {
        let end = self.now.after(Duration::from_millis(millis));
        let mut said = Vec::new();
        while let Some(deadline) = self.agent.deadline().filter(|deadline| *deadline <= end.instant) {
            self.now = self.now.after(deadline.since(self.now.instant));
            let mut out = Vec::new();
            self.agent.tick(self.now, &mut out);
            said.push(self.note(out));
        }
        self.now = end;
        said.retain(|said| !said.is_empty());
        said.join("; ")
    }

    fn note(&mut self, out: Vec<AgentOutput>) -> String {
        let said: Vec<String> = out.into_iter().map(|output| self.name(output)).collect();
        said.join("; ")
    }

    fn name(&mut self, output: AgentOutput) -> String {
        match output {
            AgentOutput::Lookup { lookup, question } => {
                self.lookups.push(lookup);
                format!("lookup {question:?}")
            }
            AgentOutput::Expect { name, .. } => format!("expect {name}"),
            AgentOutput::Close { connection } => format!("close {connection}"),
            AgentOutput::Event(event) => {
                if let AgentEvent::Invite(invite) = &event {
                    self.dialog = invite.dialog;
                }
                name_of(&event)
            }
            AgentOutput::Transmit { flow, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.sent_to = Some(flow);
                let words: Vec<&str> = text.split_whitespace().collect();
                let name = match words.first() {
                    Some(&"SIP/2.0") => {
                        let to = line_of(&text, "To").unwrap_or_default();
                        if let Some((_, tag)) = to.split_once(";tag=") {
                            self.our_tag = tag.to_owned();
                        }
                        if let Some(rseq) = line_of(&text, "RSeq") {
                            self.rseq = rseq.parse().expect("a number");
                        }
                        let method = line_of(&text, "CSeq").and_then(|cseq| cseq.split(' ').nth(1).map(str::to_owned));
                        format!("{} {}", words[1], method.unwrap_or_default())
                    }
                    Some(method) => {
                        self.requests.push(text.clone());
                        (*method).to_owned()
                    }
                    None => "pong".to_owned(),
                };
                self.last = text;
                name
            }
        }
    }

    /// A header of the last message sent.
    fn header(&self, name: &str) -> Option<String> {
        line_of(&self.last, name)
    }
}

fn line_of(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.map(str::to_owned)
}

fn code(text: &str) -> StatusCode {
    StatusCode::new(text.parse().expect("a number")).expect("a status code")
}

fn name_of(event: &AgentEvent) -> String {
    let with = |body: &Option<Vec<u8>>| if body.is_some() { " with body" } else { "" };
    match event {
        AgentEvent::Invite(invite) => {
            let offer = if invite.offer.is_some() { "offer" } else { "no offer" };
            format!("invite {} from {} {offer}", invite.dialled.as_str(), invite.identity.caller.secret())
        }
        AgentEvent::Answered { .. } => "answered".to_owned(),
        AgentEvent::Pracked { body, .. } => format!("pracked{}", with(body)),
        AgentEvent::Unpracked { .. } => "unpracked".to_owned(),
        AgentEvent::Cancelled { .. } => "cancelled".to_owned(),
        AgentEvent::Acknowledged { body, .. } => format!("acknowledged{}", with(body)),
        AgentEvent::Unacknowledged { .. } => "unacknowledged".to_owned(),
        AgentEvent::Reinvite { offer, .. } => format!("reinvite{}", with(offer)),
        AgentEvent::ReinviteAcknowledged { body, .. } => format!("reinvite acknowledged{}", with(body)),
        AgentEvent::Info { content_type, body, .. } => format!("info {content_type} {}", String::from_utf8_lossy(body)),
        AgentEvent::Bye { .. } => "bye".to_owned(),
        AgentEvent::ReferAnswered { refer, status, .. } => format!("refer {} answered {status}", refer.0),
        AgentEvent::Notified { refer, status, terminated, .. } => {
            let status = status.map_or("nothing".to_owned(), |status| status.to_string());
            format!("refer {} notified {status}{}", refer.0, if *terminated { " terminated" } else { "" })
        }
        AgentEvent::Moved { .. } => "moved".to_owned(),
        AgentEvent::Refreshed { body, .. } => format!("refreshed{}", with(body)),
        AgentEvent::Expired { .. } => "expired".to_owned(),
        AgentEvent::Lost { .. } => "lost".to_owned(),
        AgentEvent::Progress { status, fork, sdp, .. } => format!("progress {status} fork {fork}{}", with(sdp)),
        AgentEvent::Accepted { sdp, .. } => format!("accepted{}", with(sdp)),
        AgentEvent::OtherFamily { remote, .. } => format!("passed over {remote}"),
        AgentEvent::Failed { status, .. } => format!("failed {status}"),
        AgentEvent::TurnedAway { count, last } => format!("turned away {count}, the last from {last}"),
        AgentEvent::CallsRefused(refused) => format!(
            "refused {} too many, {} too fast, {} too late",
            refused.too_many, refused.too_fast, refused.too_late
        ),
    }
}

fn check(script: &str) {
    Flows::new().check(script);
}

/// A call that is answered and acknowledged.
fn connected() -> Flows {
    let mut flows = Flows::new();
    flows.check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         ACK 1 b    => acknowledged",
    );
    flows
}
