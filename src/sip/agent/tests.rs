//! Scripted flows against the whole agent. Left of `=>` what happens, right of it what the agent says: a
//! response as `200 INVITE`, a request of ours by its method, an event by its name.

use super::*;
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
    /// Requests of ours, the last one at the end.
    requests: Vec<String>,
    /// The last message sent.
    last: String,
    /// Where it went.
    sent_to: Option<Flow>,
}

impl Flows {
    fn new() -> Self {
        let config = AgentConfig { product: "ivr1357".to_owned(), answer_public: false };
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
            requests: Vec::new(),
            last: String::new(),
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
            "answer" => self.agent.answer(self.now, self.dialog, SDP.into(), &mut out),
            "reject" => self.agent.reject(self.now, self.dialog, code(argument), &mut out),
            "answer-reinvite" => self.agent.answer_reinvite(self.now, self.dialog, SDP.into(), &mut out),
            "reject-reinvite" => self.agent.reject_reinvite(self.now, self.dialog, code(argument), &mut out),
            "bye" => self.agent.bye(self.now, self.dialog, &mut out),
            "refer" => {
                let request = ReferRequest {
                    target: argument.parse().expect("a URI"),
                    referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
                };
                self.agent.refer(self.now, self.dialog, &request, &mut out);
            }
            "wait" => return self.wait(argument.parse().expect("milliseconds")),
            "fail" => self.agent.send_failed(self.now, self.sent_to.expect("something was sent"), &mut out),
            "respond" => {
                let response = self.response(argument, rest.get(1).copied());
                self.agent.received(self.now, self.flow, response.as_bytes(), &mut out);
            }
            "held" => return self.agent.held().to_string(),
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
            format!("invite {} from {} {offer}", invite.dialled.as_str(), invite.caller.secret())
        }
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
        AgentEvent::Lost { .. } => "lost".to_owned(),
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

#[test]
fn a_call_is_answered_and_hung_up_by_the_caller() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         ACK 1 b    => acknowledged
         BYE 2 c    => 200 BYE; bye
         BYE 2 c    => 200 BYE
         BYE 3 d    => 481 BYE
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn our_bye_ends_the_call_and_is_repeated_until_its_answer() {
    let mut flows = connected();
    flows.check(
        "bye         => BYE
         wait 600    => BYE
         respond 200 =>
         wait 40000  =>
         held        => 0",
    );
}

#[test]
fn a_200_is_repeated_until_its_ack_and_then_given_up_with_a_bye() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         wait 4000  => 200 INVITE; 200 INVITE; 200 INVITE
         ACK 9 b    =>
         wait 27999 => 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE; 200 INVITE
         wait 1     => BYE; unacknowledged
         respond 481 =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn a_200_is_repeated_over_tcp_too() {
    let mut flows = Flows::new();
    flows.check(
        "tcp
         INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         wait 1600  => 200 INVITE; 200 INVITE
         ACK 1 b    => acknowledged
         bye        => BYE
         wait 31999 =>
         wait 1     =>
         held       => 0",
    );
    assert_eq!(flows.header("Contact").as_deref(), Some("<sip:1357@127.0.0.1:5060;transport=tcp>"));
}

#[test]
fn a_retransmitted_invite_never_makes_a_second_call() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         INVITE 1 a => 100 INVITE
         answer     => 200 INVITE
         INVITE 1 a =>
         ACK 1 b    => acknowledged
         INVITE 1 a =>
         INVITE 1 z => 482 INVITE",
    );
}

#[test]
fn a_cancelled_call_ends_in_487_and_its_late_copies_are_absorbed() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         CANCEL 1 a out => 200 CANCEL; 487 INVITE; cancelled
         answer     =>
         CANCEL 1 a out => 200 CANCEL
         INVITE 1 a => 487 INVITE
         wait 500   => 487 INVITE
         ACK 1 a    =>
         INVITE 1 a =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         CANCEL 1 a out => 200 CANCEL
         ACK 1 b    => acknowledged
         CANCEL 1 x out => 481 CANCEL",
    );
}

#[test]
fn a_cancel_is_answered_with_the_tag_of_its_invite() {
    let mut flows = Flows::new();
    flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
    let mut out = Vec::new();
    let cancel = flows.request("CANCEL", &["1", "a", "out"]);
    flows.agent.received(flows.now, flows.flow, cancel.as_bytes(), &mut out);
    let mut tags: Vec<String> = Vec::new();
    for output in out {
        if flows.name(output).contains(' ') {
            tags.push(flows.our_tag.clone());
        }
    }
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0], tags[1]);
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         reject 404 => 404 INVITE
         wait 1600  => 404 INVITE; 404 INVITE
         ACK 1 a    =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn an_invite_of_rfc_2543_without_branch_and_tag_is_a_call() {
    let mut flows = Flows::new();
    let invite = "INVITE sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062\r\nFrom: <sip:a@127.0.0.1>\r\n\
        To: <sip:1357@127.0.0.1>\r\nCall-ID: old\r\nCSeq: 1 INVITE\r\n\r\n";
    for expected in ["100 INVITE; invite 1357 from a no offer", "100 INVITE"] {
        let mut out = Vec::new();
        flows.agent.received(flows.now, flows.flow, invite.as_bytes(), &mut out);
        assert_eq!(flows.note(out), expected);
    }
    flows.check("answer => 200 INVITE");
    let ack = invite
        .replace("INVITE", "ACK")
        .replace("127.0.0.1>\r\nCall", &format!("127.0.0.1>;tag={}\r\nCall", flows.our_tag));
    let mut out = Vec::new();
    flows.agent.received(flows.now, flows.flow, ack.as_bytes(), &mut out);
    assert_eq!(flows.note(out), "acknowledged");
    // No Contact: the request goes to the From, over the flow of the call.
    flows.check("bye => BYE");
    assert!(flows.last.starts_with("BYE sip:a@127.0.0.1 SIP/2.0\r\n"), "{}", flows.last);
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    check(
        "INVITE 1 a no-sdp => 100 INVITE; invite 1357 from 01012345678 no offer
         answer => 200 INVITE
         ACK 1 b no-sdp body=v=0 => acknowledged with body",
    );
}

#[test]
fn a_bye_before_the_ack_waits_for_it() {
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         bye        =>
         wait 500   => 200 INVITE
         ACK 1 b    => BYE
         BYE 2 c    => 200 BYE
         respond 200 =>
         wait 40000 =>
         held       => 0",
    );
    check(
        "INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer     => 200 INVITE
         bye        =>
         BYE 2 c    => 200 BYE
         ACK 1 b    =>
         wait 40000 =>
         held       => 0",
    );
}

#[test]
fn hold_and_resume_are_reinvites_with_an_ack_each() {
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c   => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         RE-INVITE 2 c   =>
         wait 500        => 200 INVITE
         ACK 2 d         => reinvite acknowledged
         RE-INVITE 3 e no-sdp => 100 INVITE; reinvite
         answer-reinvite => 200 INVITE
         ACK 3 f no-sdp body=v=0 => reinvite acknowledged with body
         UPDATE 4 g body=v=0 => reinvite with body
         answer-reinvite => 200 UPDATE
         UPDATE 5 h      => 200 UPDATE
         RE-INVITE 6 i   => 100 INVITE; reinvite with body
         reject-reinvite 488 => 488 INVITE
         ACK 6 i         =>
         BYE 7 j         => 200 BYE; bye
         wait 40000      =>
         held            => 0",
    );
}

#[test]
fn two_offers_at_a_time_are_refused() {
    let mut flows = connected();
    flows.check("RE-INVITE 2 c => 100 INVITE; reinvite with body");
    flows.check("RE-INVITE 3 d => 500 INVITE");
    let retry_after: u32 = flows.header("Retry-After").expect("a header").parse().expect("seconds");
    assert!(retry_after <= 10);
    flows.check(
        "ACK 3 d         =>
         UPDATE 4 e body=v=0 => 500 UPDATE
         answer-reinvite => 200 INVITE
         RE-INVITE 5 f   => 491 INVITE
         ACK 5 f         =>
         ACK 2 g         => reinvite acknowledged
         RE-INVITE 2 h   => 500 INVITE
         RE-INVITE 6 i   => 100 INVITE; reinvite with body",
    );
}

#[test]
fn a_bye_during_a_reinvite_answers_both() {
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c => 100 INVITE; reinvite with body
         BYE 3 d       => 200 BYE; 487 INVITE; bye
         ACK 2 c       =>
         wait 40000    =>
         held          => 0",
    );
    let mut flows = connected();
    flows.check(
        "RE-INVITE 2 c => 100 INVITE; reinvite with body
         CANCEL 2 c    => 200 CANCEL; 487 INVITE
         answer-reinvite =>
         ACK 2 c       =>
         RE-INVITE 3 d => 100 INVITE; reinvite with body
         bye           => 487 INVITE; BYE",
    );
}

#[test]
fn a_transfer_that_succeeds_is_told_and_ends_with_our_bye() {
    let mut flows = connected();
    flows.check("refer sip:kosmes@127.0.0.1:5081 => REFER");
    assert_eq!(flows.header("Refer-To").as_deref(), Some("sip:kosmes@127.0.0.1:5081"));
    assert_eq!(flows.header("Referred-By").as_deref(), Some("<sip:1357@127.0.0.1>"));
    flows.check(
        "respond 202 => refer 1 answered 202
         respond 202 =>
         NOTIFY 2 n Event:refer Subscription-State:active body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         NOTIFY 3 o Event:refer Subscription-State:terminated body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200 terminated
         NOTIFY 3 o Event:refer Subscription-State:terminated body=SIP/2.0_200_OK => 200 NOTIFY
         bye         => BYE
         respond 200 =>
         wait 40000  =>
         held        => 0",
    );
}

#[test]
fn a_notify_is_matched_by_its_dialog_alone() {
    let mut flows = connected();
    flows.check(
        "NOTIFY 2 early Event:refer body=SIP/2.0_200_OK => 481 NOTIFY
         NOTIFY 3 mwi Event:message-summary => 489 NOTIFY
         refer sip:k@h => REFER
         # before the 202, with the branch of another request, without Event, to a strange R-URI
         NOTIFY 4 a uri=sip:nobody@elsewhere body=SIP/2.0_100_Trying => 200 NOTIFY; refer 1 notified 100
         NOTIFY 5 a body=SIP/2.0_180_Ringing => 200 NOTIFY; refer 1 notified 180
         respond 202 => refer 1 answered 202
         # without any branch
         NOTIFY 6    => 200 NOTIFY; refer 1 notified nothing
         refer sip:l@h => REFER
         NOTIFY 7 p Event:refer;id=1 body=SIP/2.0_486_Busy => 200 NOTIFY; refer 1 notified 486
         NOTIFY 8 q Event:refer;id=2 body=SIP/2.0_200_OK   => 200 NOTIFY; refer 2 notified 200
         NOTIFY 7 r body=SIP/2.0_503_late => 200 NOTIFY; refer 2 notified 503",
    );
}

#[test]
fn a_notify_after_the_bye_is_still_told_for_a_while() {
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         bye           => BYE
         NOTIFY 2 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         respond 200 BYE =>
         wait 20000    => REFER; REFER; REFER; REFER; REFER; REFER; REFER
         NOTIFY 3 o body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         INFO 4 p      => 481 INFO
         wait 12000    => REFER; REFER; REFER; refer 1 answered 408
         NOTIFY 5 q body=SIP/2.0_200_OK => 481 NOTIFY
         wait 40000    =>
         held          => 0",
    );
    let mut flows = connected();
    flows.check(
        "refer sip:k@h => REFER
         respond 202   => refer 1 answered 202
         BYE 2 c       => 200 BYE; bye
         NOTIFY 3 n body=SIP/2.0_200_OK => 200 NOTIFY; refer 1 notified 200
         wait 70000    =>
         held          => 0",
    );
}

#[test]
fn a_refer_that_is_refused_or_never_answered_is_told() {
    for status in ["401", "407", "405", "481", "501", "603"] {
        let mut flows = connected();
        flows.check("refer sip:k@h => REFER");
        assert_eq!(flows.step(&format!("respond {status}")), format!("refer 1 answered {status}"));
        flows.check("wait 6000 =>");
    }
    let mut flows = connected();
    flows.check("refer sip:k@h => REFER");
    assert!(flows.wait(32_000).ends_with("REFER; refer 1 answered 408"));
    flows.check(
        "refer sip:k@h => REFER
         fail          => refer 2 answered 503
         bye           => BYE
         fail          =>
         refer sip:k@h => refer 0 answered 481",
    );
}

#[test]
fn an_info_is_answered_and_told_once() {
    let mut flows = connected();
    flows.check(
        "INFO 2 c Content-Type:Application/DTMF-Relay;x=y body=Signal=1 => 200 INFO; info application/dtmf-relay Signal=1
         INFO 2 c Content-Type:Application/DTMF-Relay;x=y body=Signal=1 => 200 INFO
         INFO 9 d Content-Type:application/dtmf body=2 => 200 INFO; info application/dtmf 2
         # overtaken on the way: a key must not be lost
         INFO 8 e Content-Type:application/dtmf body=3 => 200 INFO; info application/dtmf 3",
    );
}

#[test]
fn what_needs_no_decision_is_answered_at_once() {
    let mut flows = Flows::new();
    for (request, answer) in [
        ("OPTIONS 1 a out", "200 OPTIONS"),
        ("OPTIONS 1 a out Max-Forwards:0", "200 OPTIONS"),
        ("OPTIONS 1 a out uri=http://h", "416 OPTIONS"),
        ("REGISTER 1 a out", "405 REGISTER"),
        ("SUBSCRIBE 1 a out", "405 SUBSCRIBE"),
        ("PUBLISH 1 a out", "405 PUBLISH"),
        ("MESSAGE 1 a out", "405 MESSAGE"),
        ("PRACK 1 a out", "405 PRACK"),
        ("REFER 1 a out", "405 REFER"),
        ("BREW 1 a out", "501 BREW"),
        ("invite 1 a out", "501 invite"),
        ("BYE 1 a out", "481 BYE"),
        ("NOTIFY 1 a out", "481 NOTIFY"),
        ("INVITE 1 a uri=soap.beep://h", "416 INVITE"),
        ("INVITE 1 a uri=sip:@", "400 INVITE"),
        ("INVITE 1 a Require:100rel,_timer", "420 INVITE"),
        ("INVITE 1 a Content-Type:text/plain", "415 INVITE"),
        ("INVITE 1 a Content-Type:application/sdp Content-Encoding:gzip", "415 INVITE"),
        ("INVITE 1 a Accept:text/plain", "406 INVITE"),
        ("INVITE 1 a CSeq:1_BYE", "400 BYE"),
        ("INVITE 1 a CSeq:4294967296_INVITE", "400 INVITE"),
        ("INVITE 1 a From:sip:x@y", "400 INVITE"),
        ("ACK 1 a", ""),
        ("ACK 1 a CSeq:1_BYE", ""),
    ] {
        let said = flows.step(request);
        assert_eq!(said, answer, "{request}\n{}", flows.last);
    }
    flows.check("held => 0");
    flows.check("REGISTER 1 a out => 405 REGISTER");
    assert_eq!(flows.header("Allow").as_deref(), Some("INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY"));
    flows.check("INVITE 1 a Require:100rel,_timer => 420 INVITE");
    assert!(flows.last.contains("Unsupported: 100rel\r\nUnsupported: timer\r\n"), "{}", flows.last);
    let first = flows.our_tag.clone();
    flows.check("INVITE 1 a Require:100rel,_timer => 420 INVITE");
    assert_eq!(flows.our_tag, first, "a copy gets the same tag");
}

#[test]
fn answers_go_where_rfc_3581_and_the_via_want_them() {
    for (via, goes_to, echoed) in [
        ("SIP/2.0/UDP 127.0.0.1:7000;branch=z9hG4bK1", "127.0.0.1:7000", "SIP/2.0/UDP 127.0.0.1:7000;branch=z9hG4bK1"),
        (
            "SIP/2.0/UDP phone.example;branch=z9hG4bK1",
            "127.0.0.1:5060",
            "SIP/2.0/UDP phone.example;branch=z9hG4bK1;received=127.0.0.1",
        ),
        (
            "SIP/2.0/UDP 10.0.0.9:7000;rport;branch=z9hG4bK1",
            "127.0.0.1:5062",
            "SIP/2.0/UDP 10.0.0.9:7000;rport=5062;branch=z9hG4bK1;received=127.0.0.1",
        ),
    ] {
        let mut flows = Flows::new();
        let text = flows.request("OPTIONS", &["1", "x", "out"]);
        let line = text.lines().find(|line| line.starts_with("Via:")).expect("a Via").to_owned();
        let text = text.replace(&line, &format!("Via: {via}, SIP/2.0/TCP proxy;branch=z9hG4bK0"));
        let mut out = Vec::new();
        flows.agent.received(flows.now, flows.flow, text.as_bytes(), &mut out);
        flows.note(out);
        assert_eq!(flows.sent_to.map(|flow| flow.remote.to_string()).as_deref(), Some(goes_to));
        assert_eq!(flows.header("Via").as_deref(), Some(echoed));
        assert!(flows.last.contains("\r\nVia: SIP/2.0/TCP proxy;branch=z9hG4bK0\r\n"), "{}", flows.last);
    }
}

#[test]
fn requests_follow_the_route_set_and_the_refreshed_target() {
    let mut flows = Flows::new();
    flows.check(
        "INVITE 1 a Record-Route:<sip:127.0.0.1:5090;lr>,<sip:far.example;lr> => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE",
    );
    assert!(flows.last.contains("Record-Route: <sip:127.0.0.1:5090;lr>\r\nRecord-Route: <sip:far.example;lr>\r\n"));
    flows.check(
        "ACK 1 b => acknowledged
         RE-INVITE 2 c Contact:<sip:new@127.0.0.1:6000> => 100 INVITE; reinvite with body
         answer-reinvite => 200 INVITE
         ACK 2 d => reinvite acknowledged
         bye     => BYE",
    );
    assert!(flows.last.starts_with("BYE sip:new@127.0.0.1:6000 SIP/2.0\r\n"), "{}", flows.last);
    assert!(
        flows.last.contains("\r\nRoute: <sip:127.0.0.1:5090;lr>\r\nRoute: <sip:far.example;lr>\r\n"),
        "{}",
        flows.last
    );
    assert_eq!(flows.sent_to.map(|flow| flow.remote.to_string()).as_deref(), Some("127.0.0.1:5090"));
}

#[test]
fn a_strict_router_finds_itself_in_the_request_uri() {
    let mut flows = Flows::new();
    flows.check(
        "INVITE 1 a Record-Route:<sip:127.0.0.1:5090> => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged
         bye     => BYE",
    );
    assert!(flows.last.starts_with("BYE sip:127.0.0.1:5090 SIP/2.0\r\n"), "{}", flows.last);
    assert_eq!(flows.header("Route").as_deref(), Some("<sip:caller@127.0.0.1:5062>"));
}

#[test]
fn a_folded_header_cannot_smuggle_a_line_into_what_we_write() {
    let mut flows = Flows::new();
    flows.call_id = "x\r\n y".to_owned();
    flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
    flows.check("answer => 200 INVITE");
    assert_eq!(flows.header("Call-ID").as_deref(), Some("x   y"));
    flows.check("ACK 1 b => acknowledged");
    flows.check("bye => BYE");
    assert_eq!(flows.header("Call-ID").as_deref(), Some("x   y"));
}

#[test]
fn strangers_of_the_public_network_meet_silence() {
    let mut flows = Flows::new();
    flows.flow.remote = "203.0.113.9:5060".parse().expect("an address");
    flows.check("OPTIONS 1 a out =>");
    flows.check("INVITE 1 a =>");
    flows.agent.config.answer_public = true;
    flows.check("OPTIONS 1 a out => 200 OPTIONS");
}

#[test]
fn a_stream_that_cannot_be_cut_is_answered_and_closed() {
    let mut flows = Flows::new();
    flows.check("tcp");
    flows.check("OPTIONS 1 a out => 200 OPTIONS");
    flows.check("OPTIONS 1 b out Content-Length:7 => 400 OPTIONS; close 7");
    flows.check("OPTIONS 1 c out =>");
    flows.agent.disconnected(7);
    flows.check("OPTIONS 1 c out => 200 OPTIONS");
    let mut out = Vec::new();
    flows.agent.received(flows.now, flows.flow, b"\r\n\r\nOPT", &mut out);
    assert_eq!(flows.note(out), "pong");
    flows.check("wait 32000 => close 7");
}

#[test]
fn a_flood_of_calls_meets_503_without_retry_after() {
    let mut flows = Flows::new();
    for id in 0..crate::limits::DIALOGS_MAX as u64 {
        flows.call_id = format!("flood-{id}");
        let text = flows.request("INVITE", &["1", "a"]);
        flows.agent.received(flows.now, flows.flow, text.as_bytes(), &mut Vec::new());
    }
    flows.call_id = "one more".to_owned();
    flows.check("INVITE 1 a => 503 INVITE");
    assert_eq!(flows.header("Retry-After"), None);
}
