//! Calls that we place, and the registrations of trunks. The name system is a zone in text; our own address is always
//! known. What we send is told as `METHOD HOST`, with the transport when it is not UDP.

use super::{SDP, line_of, name_of};
use crate::random::Random;
use crate::sip::agent::*;
use crate::sip::locate::{Answer, Srv};
use crate::sip::register::Standing;
use crate::sip::session_timer::Intervals;
use crate::sip::trunk::{Credentials, Network, Proof, Registration, Strangers, Trunk};
use crate::time::Duration;

/// An agent with a trunk, and the peers it calls.
struct Placing {
    agent: Agent,
    now: Now,
    call: DialogKey,
    /// Where each request of ours went, and what it said.
    sent: Vec<(Flow, String)>,
    /// No word of the network comes back from here: nothing leaves.
    broken: Vec<String>,
}

const ZONE: [(&str, &[&str]); 4] = [
    ("desk.example", &["192.0.2.77"]),
    ("one.example", &["192.0.2.1"]),
    ("two.example", &["192.0.2.1", "192.0.2.2"]),
    ("three.example", &["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
];

fn trunk() -> Trunk {
    Trunk {
        proxy: Some("sip:two.example".parse().expect("a URI")),
        credentials: Some(Credentials { realm: None, user: "15771357".to_owned(), password: "secret".to_owned() }),
        ..Trunk::new("kt", vec!["198.51.100.0/24".parse::<Network>().expect("a network")])
    }
}

impl Placing {
    fn new() -> Self {
        Self::with(trunk())
    }

    fn with(trunk: Trunk) -> Self {
        let peers = Peers { trunks: vec![trunk], strangers: Strangers::Silence, ..Peers::default() };
        let config = AgentConfig { product: "ivr1357".to_owned(), peers, session: Intervals::default() };
        Self {
            agent: Agent::new(config, Random::from_number(1)),
            now: Now::default(),
            call: DialogKey(0),
            sent: Vec::new(),
            broken: Vec::new(),
        }
    }

    fn check(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (command, expected) = line.split_once("=>").unwrap_or((line, ""));
            let said = self.step(command.trim());
            let last = self.sent.last().map(|(_, text)| text.as_str()).unwrap_or_default();
            assert_eq!(said, expected.trim(), "at `{}`; last request:\n{last}", command.trim());
        }
    }

    fn step(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (first, rest) = words.split_first().expect("a command");
        let argument = rest.first().copied().unwrap_or("");
        let mut out = Vec::new();
        match *first {
            // `call URI [big] [direct]`: by the trunk unless direct.
            "call" => {
                let padding = if rest.contains(&"big") { "a=padding\r\n".repeat(150) } else { String::new() };
                let request = CallRequest {
                    target: argument.parse().expect("a URI"),
                    trunk: (!rest.contains(&"direct")).then_some(TrunkId(0)),
                    from: "sip:1357@192.0.2.100".parse().expect("a URI"),
                    sdp: format!("{SDP}{padding}").into_bytes(),
                    sounds_at: None,
                    replaces: None,
                    user_to_user: Vec::new(),
                };
                self.call = self.agent.call(self.now, request, &mut out);
            }
            "cancel" => self.agent.cancel_call(self.now, self.call, &mut out),
            "bye" => self.agent.bye(self.now, self.call, None, &mut out),
            "unregister" => self.agent.unregister(self.now, &mut out),
            "break" => self.broken.push(argument.to_owned()),
            "wait" => return self.wait(argument.parse().expect("milliseconds")),
            "held" => return self.agent.held().to_string(),
            "respond" => {
                let (flow, text) = self.response(argument, rest[1], &rest[2..]);
                self.agent.received(self.now, flow, text.as_bytes(), &mut out);
            }
            // `hang-up TAG`: a BYE of the fork that answered.
            "hang-up" => {
                let (flow, invite) = self.last_of("INVITE");
                let from = line_of(&invite, "From").expect("a From");
                let text = format!(
                    "BYE sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye\r\nFrom: {};tag={argument}\r\n\
                     To: {from}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
                    line_of(&invite, "To").expect("a To"),
                    line_of(&invite, "Call-ID").expect("a Call-ID"),
                );
                self.agent.received(self.now, flow, text.as_bytes(), &mut out);
            }
            _ => panic!("unknown command {first}"),
        }
        self.note(out)
    }

    fn last_of(&self, method: &str) -> (Flow, String) {
        self.sent.iter().rfind(|(_, text)| text.starts_with(method)).cloned().expect("a request of ours")
    }

    /// A response to our last request of a method: `tag=…`, `sdp`, `Name:value`; `first` means the first such request.
    fn response(&self, status: &str, method: &str, options: &[&str]) -> (Flow, String) {
        let (flow, request) = match options.contains(&"first") {
            true => self.sent.iter().find(|(_, text)| text.starts_with(method)).cloned().expect("a request"),
            false => self.last_of(method),
        };
        let (mut headers, mut tag, mut body) = (String::new(), String::new(), "");
        for option in options {
            match option.split_once(['=', ':']) {
                None if *option == "sdp" => body = SDP,
                None => {}
                Some(("tag", value)) => tag = format!(";tag={value}"),
                Some((name, value)) => headers += &format!("{name}: {}\r\n", value.replace('_', " ")),
            }
        }
        let mut text = format!("SIP/2.0 {status} X\r\n");
        for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
            if line.starts_with("To:") && !line.contains(";tag=") {
                text += &format!("{line}{tag}\r\n");
            } else if let Some(word) =
                options.iter().find_map(|option| option.strip_prefix("via")).filter(|_| line.starts_with("Via:"))
            {
                text += &format!("{}{word}\r\n", line.replace(";oc;oc-algo=\"loss\"", ""));
            } else if ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)) {
                text += &format!("{line}\r\n");
            }
        }
        if !headers.contains("Contact:") && method == "INVITE" {
            headers += &format!("Contact: <sip:callee@{}>\r\n", flow.remote);
        }
        if !body.is_empty() {
            headers += "Content-Type: application/sdp\r\n";
        }
        (flow, format!("{text}{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

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

    /// Lets time go by until the agent says something.
    fn next_word(&mut self) -> String {
        loop {
            let said = self.wait(100);
            if !said.is_empty() {
                return said;
            }
        }
    }

    /// Tells what the agent says, and answers its questions.
    fn note(&mut self, out: Vec<AgentOutput>) -> String {
        let mut said = Vec::new();
        for output in out {
            let mut more = Vec::new();
            match output {
                AgentOutput::Event(event) => said.push(name_of(&event)),
                AgentOutput::Expect { name, .. } => said.push(format!("expect {name}")),
                AgentOutput::Close { .. } => {}
                AgentOutput::Lookup { lookup, question } => {
                    let answer = match question {
                        Question::Local { .. } => Answer::Local("192.0.2.100:5060".parse().expect("an address")),
                        Question::Addresses(name) => Answer::Addresses(
                            ZONE.iter()
                                .filter(|(known, _)| *known == name)
                                .flat_map(|(_, addresses)| {
                                    addresses.iter().map(|text| text.parse().expect("an address"))
                                })
                                .collect(),
                        ),
                        Question::Srv(name) if name == "_sips._tcp.secure.example" => Answer::Srv(vec![Srv {
                            priority: 1,
                            weight: 1,
                            port: 5061,
                            target: "one.example".to_owned(),
                        }]),
                        Question::Naptr(_) | Question::Srv(_) => Answer::Failed,
                    };
                    self.agent.looked_up(self.now, lookup, answer, &mut more);
                }
                AgentOutput::Transmit { flow, bytes } => {
                    let text = String::from_utf8(bytes).expect("text");
                    let way = format!(
                        "{}{}",
                        if flow.transport == Transport::Udp { "" } else { flow.transport.name() },
                        flow.remote.ip()
                    );
                    let first = text.split(' ').next().unwrap_or_default().to_owned();
                    if text.trim().is_empty() {
                        said.push(format!("ping {}", way.replace("TCP", "TCP ")));
                    } else if first == "SIP/2.0" {
                        said.push(text.split(' ').nth(1).unwrap_or_default().to_owned());
                    } else {
                        said.push(format!("{first} {}", way.replace("TCP", "TCP ").replace("TLS", "TLS ")));
                        self.sent.push((flow, text));
                    }
                    if self.broken.contains(&way) {
                        self.agent.send_failed(self.now, flow, &mut more);
                    }
                }
            }
            let more = self.note(more);
            if !more.is_empty() {
                said.push(more);
            }
        }
        said.join("; ")
    }

    fn header(&self, name: &str) -> Option<String> {
        line_of(&self.sent.last()?.1, name)
    }
}

const CHALLENGE: &str = "WWW-Authenticate:Digest_realm=\"two.example\",nonce=\"n\",algorithm=SHA-256,qop=\"auth\"";

#[test]
fn a_call_is_placed_answered_and_hung_up_from_either_side() {
    for (end, after) in [("bye => BYE 192.0.2.1", "respond 200 BYE =>"), ("hang-up b => 200; bye", "wait 1 =>")] {
        let mut placing = Placing::new();
        placing.check(&format!(
            "call sip:15@two.example       => INVITE 192.0.2.1
             respond 100 INVITE            =>
             respond 180 INVITE tag=b      => progress 180 fork 0
             respond 183 INVITE tag=b sdp  => progress 183 fork 0 with body
             respond 200 INVITE tag=b sdp  => ACK 192.0.2.1; accepted with body
             respond 200 INVITE tag=b sdp  => ACK 192.0.2.1
             {end}
             {after}
             wait 70000 =>
             held => 0"
        ));
    }
}

#[test]
fn an_ack_and_a_bye_follow_the_record_route_and_the_contact() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp Contact:<sip:desk@192.0.2.77:5090> Record-Route:<sip:192.0.2.9;lr>,<sip:192.0.2.1;lr> => ACK 192.0.2.1; accepted with body",
    );
    let ack = placing.sent.last().expect("an ACK").1.clone();
    assert!(ack.starts_with("ACK sip:desk@192.0.2.77:5090 SIP/2.0\r\n"), "{ack}");
    let routes: Vec<&str> = ack.lines().filter(|line| line.starts_with("Route: ")).collect();
    assert_eq!(routes, ["Route: <sip:192.0.2.1;lr>", "Route: <sip:192.0.2.9;lr>"]);
    assert_eq!(line_of(&ack, "CSeq").as_deref(), Some("1 ACK"));
    placing.check("bye => BYE 192.0.2.1");
    assert_eq!(placing.header("CSeq").as_deref(), Some("2 BYE"));
    assert!(placing.header("To").expect("a To").ends_with(";tag=b"));
}

#[test]
fn a_refusal_is_told_and_its_copies_are_acknowledged() {
    Placing::new().check(
        "call sip:15@two.example   => INVITE 192.0.2.1
         respond 486 INVITE tag=b  => ACK 192.0.2.1; failed 486
         respond 486 INVITE tag=b  => ACK 192.0.2.1
         wait 40000 =>
         held => 0",
    );
}

#[test]
fn the_next_address_is_tried_after_silence_a_503_and_a_broken_way() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@three.example direct => INVITE 192.0.2.1
         respond 503 INVITE tag=b         => ACK 192.0.2.1; INVITE 192.0.2.2
         wait 6000                        => INVITE 192.0.2.2; INVITE 192.0.2.2; INVITE 192.0.2.2; INVITE 192.0.2.3
         respond 180 INVITE tag=c         => progress 180 fork 0",
    );
    let numbers: Vec<_> = placing
        .sent
        .iter()
        .filter(|(_, text)| text.starts_with("INVITE"))
        .filter_map(|(_, text)| line_of(text, "CSeq"))
        .collect();
    assert!(numbers.iter().all(|number| number == "1 INVITE"), "{numbers:?}");
    let mut placing = Placing::new();
    placing.check(
        "break 192.0.2.1
         call sip:15@two.example  => INVITE 192.0.2.1; INVITE 192.0.2.2
         respond 200 INVITE tag=b sdp => ACK 192.0.2.2; accepted with body
         # the broken one is passed over from now on, and better than nothing
         call sip:15@two.example  => INVITE 192.0.2.2
         respond 486 INVITE tag=b => ACK 192.0.2.2; failed 486
         break 192.0.2.2
         call sip:15@two.example  => INVITE 192.0.2.2; INVITE 192.0.2.1; failed 503",
    );
}

#[test]
fn a_name_that_leads_nowhere_fails_the_call() {
    Placing::new().check(
        "call sip:15@lost.example direct => failed 503
         call tel:1357 direct            => failed 503
         held => 0",
    );
}

#[test]
fn an_answer_of_an_address_that_was_given_up_is_hung_up() {
    Placing::new().check(
        "call sip:15@two.example          => INVITE 192.0.2.1
         wait 6000                        => INVITE 192.0.2.1; INVITE 192.0.2.1; INVITE 192.0.2.1; INVITE 192.0.2.2
         respond 180 INVITE first tag=old => CANCEL 192.0.2.1
         respond 200 INVITE tag=new sdp   => ACK 192.0.2.2; accepted with body
         respond 200 INVITE first tag=old sdp => ACK 192.0.2.1; BYE 192.0.2.1
         respond 200 BYE                  =>
         respond 200 CANCEL               =>
         bye                              => BYE 192.0.2.2
         respond 200 BYE                  =>
         wait 80000 =>
         held => 0",
    );
}

#[test]
fn a_big_invite_goes_by_stream_and_by_datagram_where_the_stream_is_refused() {
    let mut placing = Placing::new();
    placing.check("call sip:15@two.example big => INVITE TCP 192.0.2.1");
    assert!(placing.header("Via").expect("a Via").starts_with("SIP/2.0/TCP "));
    assert_eq!(placing.header("Contact").as_deref(), Some("<sip:1357@192.0.2.100:5060;transport=tcp>"));
    let mut placing = Placing::new();
    placing.check(
        "break TCP192.0.2.1
         call sip:15@two.example big => INVITE TCP 192.0.2.1; INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; accepted with body
         # it is remembered that there is no stream
         call sip:15@two.example big => INVITE 192.0.2.1",
    );
    assert!(placing.header("Via").expect("a Via").starts_with("SIP/2.0/UDP "));
    let mut insists = Placing::with(Trunk { transport: Some(Transport::Udp), ..trunk() });
    insists.check("call sip:15@two.example big => INVITE 192.0.2.1");
}

#[test]
fn a_secure_target_says_which_name_the_certificate_must_hold() {
    Placing::new().check("call sips:15@secure.example direct => expect secure.example; INVITE TLS 192.0.2.1");
}

#[test]
fn a_cancel_waits_for_the_first_word_and_a_2xx_that_crosses_it_is_hung_up() {
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         cancel                       =>
         respond 180 INVITE tag=b     => CANCEL 192.0.2.1
         respond 180 INVITE tag=b     =>
         respond 200 CANCEL           =>
         respond 487 INVITE tag=b     => ACK 192.0.2.1; failed 487
         wait 40000 =>
         held => 0",
    );
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         cancel                       => CANCEL 192.0.2.1
         cancel                       =>
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; BYE 192.0.2.1; failed 487
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1
         respond 200 BYE              =>
         respond 200 CANCEL           =>
         wait 70000 =>
         held => 0",
    );
    // One that cannot leave is sent again: nobody else would tell the telephone.
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=b     => progress 180 fork 0
         break 192.0.2.1
         cancel                       => CANCEL 192.0.2.1
         wait 500                     => CANCEL 192.0.2.1
         respond 200 CANCEL           =>
         respond 487 INVITE tag=b     => ACK 192.0.2.1; failed 487
         wait 40000 =>
         held => 0",
    );
    // Nobody ever answers: the INVITE ends as it would have, or 64·T1 after the CANCEL.
    Placing::new().check(
        "call sip:15@one.example direct => INVITE 192.0.2.1
         respond 100 INVITE           =>
         bye                          => CANCEL 192.0.2.1
         respond 200 CANCEL           =>
         wait 31999                   =>
         wait 1                       => failed 487
         wait 40000 =>
         held => 0",
    );
}

#[test]
fn a_call_rings_three_minutes_and_no_longer() {
    Placing::new().check(
        "call sip:15@two.example  => INVITE 192.0.2.1
         respond 180 INVITE tag=b => progress 180 fork 0
         wait 179999              =>
         wait 1                   => CANCEL 192.0.2.1
         respond 200 CANCEL       =>
         respond 487 INVITE tag=b => ACK 192.0.2.1; failed 408",
    );
}

#[test]
fn the_first_of_several_answers_makes_the_call_and_the_others_are_hung_up() {
    Placing::new().check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 180 INVITE tag=a     => progress 180 fork 0
         respond 183 INVITE tag=b sdp => progress 183 fork 1 with body
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; accepted with body
         respond 200 INVITE tag=a sdp => ACK 192.0.2.1; BYE 192.0.2.1
         respond 200 INVITE tag=a sdp => ACK 192.0.2.1
         respond 200 BYE              =>
         respond 200 INVITE tag=c sdp => ACK 192.0.2.1; BYE 192.0.2.1
         respond 481 BYE              =>
         hang-up b                    => 200; bye
         wait 70000 =>
         held => 0",
    );
}

#[test]
fn ten_thousand_forks_cost_no_more_than_a_few() {
    let mut placing = Placing::new();
    placing.check("call sip:15@two.example => INVITE 192.0.2.1");
    let mut answered = 0;
    for fork in 0..10_000 {
        let said = placing.step(&format!("respond 200 INVITE tag=f{fork} sdp"));
        answered += usize::from(!said.is_empty());
    }
    assert_eq!(answered, crate::limits::FORKS_MAX);
    assert!(placing.agent.held() < 100, "{}", placing.agent.held());
}

#[test]
fn reliable_provisional_responses_are_acknowledged_once_and_in_order_in_every_fork() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 183 INVITE tag=a Require:100rel RSeq:7 sdp => PRACK 192.0.2.1; progress 183 fork 0 with body",
    );
    assert_eq!(placing.header("RAck").as_deref(), Some("7 1 INVITE"));
    assert_eq!(placing.header("CSeq").as_deref(), Some("2 PRACK"));
    placing.check(
        "respond 183 INVITE tag=a Require:100rel RSeq:7 sdp =>
         respond 180 INVITE tag=a Require:100rel RSeq:9     =>
         respond 180 INVITE tag=a Require:100rel RSeq:8     => PRACK 192.0.2.1; progress 180 fork 0
         respond 180 INVITE tag=b Require:100rel RSeq:1     => PRACK 192.0.2.1; progress 180 fork 1
         respond 200 PRACK =>
         respond 200 INVITE tag=a => ACK 192.0.2.1; accepted
         bye => BYE 192.0.2.1",
    );
    assert_eq!(placing.header("CSeq").as_deref(), Some("4 BYE"));
}

#[test]
fn a_challenge_of_the_trunk_is_answered_once() {
    let mut placing = Placing::new();
    placing.check(&format!(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 401 INVITE tag=x {CHALLENGE} => ACK 192.0.2.1; INVITE 192.0.2.1"
    ));
    assert_eq!(placing.header("CSeq").as_deref(), Some("2 INVITE"));
    let proof = placing.header("Authorization").expect("credentials");
    assert!(proof.contains("uri=\"sip:15@two.example\"") && proof.contains("nc=00000001"), "{proof}");
    placing.check(&format!(
        "respond 401 INVITE tag=x {CHALLENGE} => ACK 192.0.2.1; failed 401
         wait 40000 =>
         held => 0"
    ));
}

#[test]
fn a_nonce_that_changes_for_ever_is_left() {
    let mut placing = Placing::new();
    placing.check("call sip:15@two.example => INVITE 192.0.2.1");
    let mut sent = 1;
    for round in 0..20 {
        let challenge = CHALLENGE.replace("\"n\"", &format!("\"n{round}\",stale=true"));
        let said = placing.step(&format!("respond 401 INVITE tag=x {challenge}"));
        sent += said.matches("INVITE").count();
    }
    assert_eq!(sent, 3, "the request, and two answers to challenges");
}

#[test]
fn credentials_go_to_the_trunk_and_its_realm_alone() {
    let elsewhere = CHALLENGE.replace("two.example", "evil.example");
    Placing::new().check(&format!(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 407 INVITE tag=x {} => ACK 192.0.2.1; failed 407
         call sip:15@one.example direct => INVITE 192.0.2.1
         respond 401 INVITE tag=x {CHALLENGE} => ACK 192.0.2.1; failed 401",
        elsewhere.replace("WWW-Authenticate", "Proxy-Authenticate"),
    ));
    // CVE-2021-41158: inside a dialog nothing is proved, not even with the right realm.
    let mut placing = Placing::new();
    placing.check(&format!(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; accepted with body
         bye                          => BYE 192.0.2.1
         respond 407 BYE {}           =>
         wait 40000 =>
         held => 0",
        CHALLENGE.replace("WWW-Authenticate", "Proxy-Authenticate")
    ));
    assert!(placing.sent.iter().all(|(_, text)| !text.contains("Authorization")));
}

#[test]
fn a_redirection_is_followed_through_the_trunk_and_nowhere_else() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 302 INVITE tag=x Contact:<sip:16@203.0.113.9> => ACK 192.0.2.1; INVITE 192.0.2.1",
    );
    assert!(placing.sent.last().expect("an INVITE").1.starts_with("INVITE sip:16@203.0.113.9 SIP/2.0\r\n"));
    placing.check(
        "respond 302 INVITE tag=x Contact:<sip:17@h> => ACK 192.0.2.1; INVITE 192.0.2.1
         respond 302 INVITE tag=x Contact:<sip:18@h> => ACK 192.0.2.1; INVITE 192.0.2.1
         respond 302 INVITE tag=x Contact:<sip:19@h> => ACK 192.0.2.1; failed 302
         call sip:15@one.example direct => INVITE 192.0.2.1
         respond 302 INVITE tag=x Contact:<sip:16@203.0.113.9> => ACK 192.0.2.1; failed 302",
    );
}

fn registered() -> Placing {
    let mut placing = Placing::with(Trunk {
        registration: Some(Registration {
            registrar: "sip:two.example".parse().expect("a URI"),
            address: "sip:15771357@two.example".parse().expect("a URI"),
            expires: Duration::from_secs(3600),
            keepalive: None,
        }),
        proxy: None,
        ..trunk()
    });
    placing.check(&format!(
        "wait 0 => REGISTER 192.0.2.1
         respond 401 REGISTER {CHALLENGE} => REGISTER 192.0.2.1"
    ));
    placing
}

#[test]
fn a_registration_is_proved_refreshed_and_removed() {
    let mut placing = registered();
    assert!(placing.sent.last().expect("a REGISTER").1.starts_with("REGISTER sip:two.example SIP/2.0\r\n"));
    assert_eq!(placing.header("Contact").as_deref(), Some("<sip:1357@192.0.2.100:5060>"));
    placing.check(
        "respond 200 REGISTER Contact:<sip:x@h>;expires=9,<sip:1357@192.0.2.100:5060>;expires=600 Service-Route:<sip:192.0.2.55;lr> =>
         held => 5",
    );
    let report = placing.agent.registrations(placing.now);
    let until = Instant::START + Duration::from_secs(600);
    assert_eq!((report[0].trunk.as_str(), report[0].standing), ("kt", Standing::Registered(until)));
    placing.check(
        "call sip:15@two.example => INVITE 192.0.2.55
         wait 419000 => INVITE 192.0.2.55; INVITE 192.0.2.55; INVITE 192.0.2.55; INVITE 192.0.2.55; INVITE 192.0.2.55; INVITE 192.0.2.55; failed 408",
    );
    assert_eq!(placing.header("Route").as_deref(), Some("<sip:192.0.2.55;lr>"));
    assert_eq!(placing.next_word(), "REGISTER 192.0.2.1");
    let proof = placing.header("Authorization").expect("the kept nonce");
    assert!(proof.contains("nc=00000002"), "{proof}");
    placing.check(
        "respond 200 REGISTER Expires:600 =>
         wait 6000  =>
         unregister => REGISTER 192.0.2.1",
    );
    assert_eq!(placing.header("Expires").as_deref(), Some("0"));
    assert_eq!(placing.agent.asking(), 1);
    placing.check("respond 200 REGISTER =>");
    assert_eq!(placing.agent.asking(), 0);
    assert_eq!(placing.agent.registrations(placing.now)[0].standing, Standing::Unregistered);
    placing.check("wait 4000000 =>");
}

/// Registered by UDP with a way that is kept open each 25 s.
fn kept_open() -> Placing {
    let mut placing = Placing::with(Trunk {
        networks: Vec::new(),
        proxy: None,
        credentials: None,
        registration: Some(Registration {
            registrar: "sip:two.example".parse().expect("a URI"),
            address: "sip:15771357@two.example".parse().expect("a URI"),
            expires: Duration::from_secs(3600),
            keepalive: Some(Duration::from_secs(25)),
        }),
        ..trunk()
    });
    placing.check("wait 0 => REGISTER 192.0.2.1");
    placing.check("respond 200 REGISTER Expires:600 =>");
    placing
}

#[test]
fn the_way_of_a_registration_is_kept_open_by_datagrams_and_no_longer_than_the_registration() {
    let mut placing = kept_open();
    placing.check(
        "wait 24999  =>
         wait 1      => ping 192.0.2.1
         wait 25000  => ping 192.0.2.1
         unregister  => REGISTER 192.0.2.1
         respond 200 REGISTER Expires:0 =>
         wait 100000 =>",
    );
    // Also over a stream, whose pings need no setting.
    let mut placing = registered();
    let (flow, request) = placing.last_of("REGISTER");
    let over_tcp = Flow { transport: Transport::Tcp, connection: 3, ..flow };
    let answer = |request: &str| {
        let of = |name| line_of(request, name).expect("a header");
        format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=r\r\nCall-ID: {}\r\nCSeq: {}\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n",
            of("Via"),
            of("From"),
            of("To"),
            of("Call-ID"),
            of("CSeq")
        )
    };
    let mut out = Vec::new();
    placing.agent.received(placing.now, over_tcp, answer(&request).as_bytes(), &mut out);
    placing.check("wait 95000 => ping TCP 192.0.2.1");
    assert!(placing.step("unregister").starts_with("REGISTER"));
    let (_, request) = placing.last_of("REGISTER");
    placing.agent.received(placing.now, over_tcp, answer(&request).as_bytes(), &mut out);
    placing.check("wait 200000 =>");
}

#[test]
fn a_registrar_that_accepted_us_calls_from_where_it_is_and_goes_on_when_we_leave() {
    let mut placing = kept_open();
    let arrives = |placing: &mut Placing, source: &str, call: &str| {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.100:5060".parse().expect("an address"),
            remote: format!("{source}:5060").parse().expect("an address"),
            connection: 0,
        };
        let text = format!(
            "INVITE sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{call}\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:1357@h>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{source}>\r\nContent-Length: 0\r\n\r\n"
        );
        let mut out = Vec::new();
        placing.agent.received(placing.now, flow, text.as_bytes(), &mut out);
        out.iter().find_map(|output| match output {
            AgentOutput::Event(AgentEvent::Invite(invite)) => Some(invite.trunk),
            _ => None,
        })
    };
    assert_eq!(arrives(&mut placing, "192.0.2.1", "first"), Some(Some(TrunkId(0))));
    assert_eq!(arrives(&mut placing, "192.0.2.2", "second"), None, "it has not accepted us");
    assert_eq!(arrives(&mut placing, "203.0.113.9", "third"), None);
    // Its other host takes over: calls of both are its own.
    assert!((0..600).any(|_| placing.step("wait 1000").contains("REGISTER 192.0.2.1")));
    placing.check(
        "respond 503 REGISTER              => REGISTER 192.0.2.2
         respond 200 REGISTER Expires:600  =>",
    );
    for (source, call) in [("192.0.2.1", "fourth"), ("192.0.2.2", "fifth")] {
        assert_eq!(arrives(&mut placing, source, call), Some(Some(TrunkId(0))), "{source}");
    }
    placing.step("unregister");
    assert_eq!(arrives(&mut placing, "192.0.2.2", "sixth"), Some(Some(TrunkId(0))), "live calls go on");
    // Nobody becomes a trunk by a registration that was refused.
    let mut refused = Placing::with(Trunk { networks: Vec::new(), ..kept_open().agent.config.peers.trunks[0].clone() });
    refused.check("wait 0 => REGISTER 192.0.2.1");
    refused.check("respond 403 REGISTER =>");
    assert_eq!(arrives(&mut refused, "192.0.2.1", "first"), None);
}

#[test]
fn a_registrar_that_is_dead_is_left_for_the_next_and_asked_again_later() {
    let mut placing = Placing::with(Trunk {
        registration: Some(Registration {
            registrar: "sip:two.example".parse().expect("a URI"),
            address: "sip:15771357@two.example".parse().expect("a URI"),
            expires: Duration::from_secs(3600),
            keepalive: None,
        }),
        ..trunk()
    });
    placing.check(
        "wait 0 => REGISTER 192.0.2.1
         respond 503 REGISTER => REGISTER 192.0.2.2
         respond 403 REGISTER =>
         wait 14999 =>",
    );
    assert_eq!(placing.next_word(), "REGISTER 192.0.2.1");
    assert!(placing.now.instant <= Instant::START + Duration::from_secs(30), "half of 30 s to 30 s");
    placing.check("respond 423 REGISTER Min-Expires:7200 => REGISTER 192.0.2.1");
    assert_eq!(placing.header("Expires").as_deref(), Some("7200"));
}

#[test]
fn a_loaded_peer_is_spared_new_calls_and_nothing_else() {
    let mut placing = Placing::new();
    placing.check("call sip:15@two.example => INVITE 192.0.2.1");
    assert!(placing.header("Via").expect("a Via").ends_with(";oc;oc-algo=\"loss\""));
    placing.check(
        "respond 200 INVITE tag=b sdp via;oc=100;oc-algo=\"loss\";oc-validity=5000;oc-seq=1.1 => ACK 192.0.2.1; accepted with body
         bye => BYE 192.0.2.1
         respond 200 BYE =>
         # Its other host has said nothing.
         call sip:15@two.example => INVITE 192.0.2.2
         respond 486 INVITE tag=c via;oc=100;oc-validity=60000 => ACK 192.0.2.2; failed 486
         call sip:15@two.example => failed 503
         wait 5000 =>
         call sip:15@two.example => INVITE 192.0.2.1",
    );
}

#[test]
fn strangers_hear_nothing_though_those_we_ask_are_heard() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example      => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp => ACK 192.0.2.1; accepted with body",
    );
    let (flow, _) = placing.last_of("INVITE");
    let request = |method: &str| {
        format!(
            "{method} sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:1357@h>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    for method in ["OPTIONS", "INVITE", "REGISTER"] {
        let mut out = Vec::new();
        placing.agent.received(placing.now, flow, request(method).as_bytes(), &mut out);
        assert!(out.is_empty(), "{method}: {out:?}");
    }
    placing.check("hang-up b => 200; bye");
}

#[test]
fn an_unproven_peer_is_challenged_whatever_it_asks_and_its_proof_names_the_trunk() {
    let proof = Credentials { realm: None, user: "lg".to_owned(), password: "theirs".to_owned() };
    let mut placing = Placing::with(Trunk { proof: Proof::Digest(proof.clone()), ..Trunk::new("lg", Vec::new()) });
    let flow = Flow {
        transport: Transport::Udp,
        local: "192.0.2.100:5060".parse().expect("an address"),
        remote: "203.0.113.7:5060".parse().expect("an address"),
        connection: 0,
    };
    let ask = |placing: &mut Placing, method: &str, number: u32, line: &str| {
        let text = format!(
            "{method} sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK{number}\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:1357@h>\r\nCall-ID: {number}\r\nCSeq: 1 {method}\r\n{line}Content-Length: 0\r\n\r\n"
        );
        let mut out = Vec::new();
        placing.agent.received(placing.now, flow, text.as_bytes(), &mut out);
        out
    };
    let answer_of = |out: &[AgentOutput]| match out.first() {
        Some(AgentOutput::Transmit { bytes, .. }) => String::from_utf8(bytes.clone()).expect("text"),
        other => panic!("{other:?}"),
    };
    for (number, method) in ["INVITE", "OPTIONS", "REGISTER", "MESSAGE", "BYE"].into_iter().enumerate() {
        let answer = answer_of(&ask(&mut placing, method, number as u32, ""));
        assert!(answer.starts_with("SIP/2.0 401 "), "{method}: {answer}");
        let hashes: Vec<bool> =
            answer.lines().filter(|line| line.starts_with("WWW-Auth")).map(|line| line.contains("SHA-256")).collect();
        assert_eq!(hashes, [true, false], "the stronger hash first");
    }
    for method in ["ACK", "CANCEL"] {
        let out = ask(&mut placing, method, 9, "");
        assert!(out.is_empty() || answer_of(&out).starts_with("SIP/2.0 481 "), "{method}");
    }
    let challenge = answer_of(&ask(&mut placing, "INVITE", 10, ""));
    let prove = |credentials: &Credentials| {
        let mut prover = crate::sip::auth::client::Prover::new(credentials, "1357");
        let values = challenge.lines().filter_map(|line| line.strip_prefix("WWW-Authenticate: ")).map(str::as_bytes);
        assert!(prover.challenged(crate::sip::auth::client::Asker::Peer, values));
        let lines = prover.lines("INVITE", "sip:1357@192.0.2.100", b"", &mut Random::from_number(5));
        String::from_utf8(lines).expect("text")
    };
    let without_nonce = |answer: &str| -> Vec<String> {
        answer.lines().map(|line| line.split(", nonce=").next().unwrap_or_default().to_owned()).collect()
    };
    let wrong =
        answer_of(&ask(&mut placing, "INVITE", 11, &prove(&Credentials { password: "x".to_owned(), ..proof.clone() })));
    let nobody =
        answer_of(&ask(&mut placing, "INVITE", 11, &prove(&Credentials { user: "x".to_owned(), ..proof.clone() })));
    assert_eq!(without_nonce(&wrong), without_nonce(&nobody), "a wrong name and a wrong password meet the same answer");
    let line = prove(&proof);
    let out = ask(&mut placing, "INVITE", 12, &line);
    let trunk = out.iter().find_map(|output| match output {
        AgentOutput::Event(AgentEvent::Invite(invite)) => Some(invite.trunk),
        _ => None,
    });
    assert_eq!(trunk, Some(Some(TrunkId(0))));
    let replay = answer_of(&ask(&mut placing, "INVITE", 13, &line));
    assert!(replay.starts_with("SIP/2.0 401 ") && replay.contains("stale=true"), "{replay}");
}

#[test]
fn a_change_before_the_answer_waits_for_the_answer() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example  => INVITE 192.0.2.1
         respond 180 INVITE tag=b => progress 180 fork 0",
    );
    let (flow, invite) = placing.last_of("INVITE");
    let update = |tag: &str| {
        format!(
            "UPDATE sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK{tag}\r\nFrom: <sip:15@h>;tag={tag}\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: 1 UPDATE\r\nContent-Length: 0\r\n\r\n",
            line_of(&invite, "From").expect("a From"),
            line_of(&invite, "Call-ID").expect("a Call-ID"),
        )
    };
    let flow = Flow { remote: "198.51.100.1:5060".parse().expect("an address"), ..flow };
    for (tag, said) in [("b", "491"), ("c", "481")] {
        let mut out = Vec::new();
        placing.agent.received(placing.now, flow, update(tag).as_bytes(), &mut out);
        assert_eq!(placing.note(out), said, "{tag}");
    }
}

/// An answered call whose peer needs so many routes that a BYE is too long for a datagram.
fn with_long_routes() -> Placing {
    let mut placing = Placing::new();
    let routes: Vec<String> = (0..30).map(|hop| format!("<sip:192.0.2.1;lr;hop={hop:030}>")).collect();
    placing.check(&format!(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp Record-Route:{} => ACK 192.0.2.1; accepted with body",
        routes.join(",")
    ));
    placing
}

#[test]
fn a_big_request_inside_a_dialog_goes_by_stream_and_by_datagram_where_the_stream_is_refused() {
    let mut placing = with_long_routes();
    placing.check("bye => BYE TCP 192.0.2.1");
    assert!(placing.header("Via").expect("a Via").starts_with("SIP/2.0/TCP "));
    let mut placing = with_long_routes();
    placing.check(
        "break TCP192.0.2.1
         bye => BYE TCP 192.0.2.1; BYE 192.0.2.1
         respond 200 BYE =>
         wait 80000 =>
         held => 0",
    );
    let byes: Vec<_> = placing.sent.iter().filter(|(_, text)| text.starts_with("BYE")).collect();
    let numbers: Vec<_> = byes.iter().filter_map(|(_, text)| line_of(text, "CSeq")).collect();
    assert_eq!(numbers, ["2 BYE", "2 BYE"], "one request, twice on its way");
    assert_ne!(line_of(&byes[0].1, "Via"), line_of(&byes[1].1, "Via"));
}

#[test]
fn a_next_hop_that_cannot_be_reached_leaves_the_way_the_answer_came() {
    let mut placing = Placing::new();
    placing.check(
        "call sip:15@two.example => INVITE 192.0.2.1
         respond 200 INVITE tag=b sdp Contact:<sip:desk@192.0.2.77> => ACK 192.0.2.77; accepted with body
         break 192.0.2.77
         bye => BYE 192.0.2.77; BYE 192.0.2.1
         respond 200 BYE =>",
    );
}

#[test]
fn a_next_hop_that_is_a_name_is_looked_up_for_a_trunk_and_for_nobody_else() {
    for (how, bye) in [("", "BYE 192.0.2.77"), (" direct", "BYE 192.0.2.1")] {
        Placing::new().check(&format!(
            "call sip:15@two.example{how} => INVITE 192.0.2.1
             respond 200 INVITE tag=b sdp Contact:<sip:desk@desk.example> => ACK 192.0.2.1; accepted with body
             bye => {bye}"
        ));
    }
    for (source, bye) in [("198.51.100.1", "BYE 192.0.2.77"), ("10.0.0.1", "BYE 10.0.0.1")] {
        let mut placing = Placing::new();
        if source == "10.0.0.1" {
            placing.agent = Agent::new(
                AgentConfig { product: "ivr1357".to_owned(), peers: Peers::default(), session: Intervals::default() },
                Random::from_number(1),
            );
        }
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.100:5060".parse().expect("an address"),
            remote: format!("{source}:5060").parse().expect("an address"),
            connection: 0,
        };
        let request = |method: &str, tag: &str| {
            format!(
                "{method} sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{method}\r\nFrom: <sip:a@h>;tag=1\r\n\
                 To: <sip:1357@h>{tag}\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\nContact: <sip:a@desk.example>\r\nContent-Length: 0\r\n\r\n"
            )
        };
        let mut out = Vec::new();
        placing.agent.received(placing.now, flow, request("INVITE", "").as_bytes(), &mut out);
        let invite = out.iter().find_map(|output| match output {
            AgentOutput::Event(AgentEvent::Invite(invite)) => Some(invite.dialog),
            _ => None,
        });
        placing.call = invite.expect("a call");
        placing.note(std::mem::take(&mut out));
        placing.agent.answer(placing.now, placing.call, SDP.into(), &mut out);
        let Some(AgentOutput::Transmit { bytes, .. }) = out.first() else { panic!("no answer") };
        let to = line_of(&String::from_utf8_lossy(bytes), "To").expect("a To");
        let tag = to.trim_start_matches("<sip:1357@h>").to_owned();
        placing.agent.received(placing.now, flow, request("ACK", &tag).as_bytes(), &mut out);
        placing.check(&format!("bye => {bye}"));
    }
}

#[test]
fn a_session_that_we_placed_is_refreshed_and_a_422_lengthens_it() {
    let mut placing = Placing::new();
    placing.check("call sip:15@two.example => INVITE 192.0.2.1");
    assert_eq!(placing.header("Session-Expires").as_deref(), Some("1800"));
    placing.check("respond 422 INVITE tag=x Min-SE:3600 => ACK 192.0.2.1; INVITE 192.0.2.1");
    let invite = placing.sent.last().expect("an INVITE").1.clone();
    assert_eq!(line_of(&invite, "Session-Expires").as_deref(), Some("3600"));
    assert_eq!(line_of(&invite, "Min-SE").as_deref(), Some("3600"));
    assert_eq!(line_of(&invite, "CSeq").as_deref(), Some("2 INVITE"));
    placing.check(
        "respond 200 INVITE tag=b sdp Allow:INVITE,UPDATE Session-Expires:3600;refresher=uac Require:timer => ACK 192.0.2.1; accepted with body
         wait 1799000      =>
         wait 1000         => UPDATE 192.0.2.1
         respond 200 UPDATE Session-Expires:3600;refresher=uac =>
         wait 1799000      =>",
    );
    let mut endless = Placing::new();
    endless.check(
        "call sip:15@two.example              => INVITE 192.0.2.1
         respond 422 INVITE tag=x Min-SE:3600 => ACK 192.0.2.1; INVITE 192.0.2.1
         respond 422 INVITE tag=x Min-SE:7200 => ACK 192.0.2.1; INVITE 192.0.2.1
         respond 422 INVITE tag=x Min-SE:9000 => ACK 192.0.2.1; failed 422",
    );
}
