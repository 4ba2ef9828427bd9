//! Calls that we place, and the registrations of trunks. The name system is a zone in text; our own address is always
//! known. What we send is told as `METHOD HOST`, with the transport when it is not UDP.

mod addresses;
mod cancelled;
mod registered;
mod within;

use super::{SDP, line_of, name_of};
use crate::random::Random;
use crate::sip::agent::*;
use crate::sip::locate::{Answer, Question, Srv};
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

const ZONE: [(&str, &[&str]); 5] = [
    ("desk.example", &["192.0.2.77"]),
    ("desks.example", &["192.0.2.77", "192.0.2.78"]),
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
            "refer" => {
                let request = ReferRequest {
                    subscribe: true,
                    target: "sip:k@h".parse().expect("a URI"),
                    referred_by: "sip:1357@192.0.2.100".parse().expect("a URI"),
                };
                self.agent.refer(self.now, self.call, &request, &mut out).expect("a dialog");
            }
            "unregister" => self.agent.unregister(self.now, &mut out),
            "break" => self.broken.push(argument.to_owned()),
            "mend" => self.broken.clear(),
            "wait" => return self.wait(argument.parse().expect("milliseconds")),
            "held" => return self.agent.held().to_string(),
            // The process dies, and another begins with what was saved of the call.
            "crash" => {
                let saved = self.agent.saved(self.call).expect("a call");
                self.agent = Agent::new(self.agent.config.clone(), Random::from_number(2));
                self.agent.orphaned(self.now, [saved]);
                return self.wait(0);
            }
            "respond" => {
                let (flow, text) = self.response(argument, rest[1], &rest[2..]);
                self.agent.received(self.now, flow, text.as_bytes(), &mut out);
            }
            // `hang-up TAG [HOST]`: a BYE of the fork that answered.
            "hang-up" => {
                let (mut flow, invite) = self.last_of("INVITE");
                if let Some(host) = rest.get(1) {
                    flow.remote.set_ip(host.parse().expect("an address"));
                }
                let from = line_of(&invite, "From").expect("a From");
                let to = line_of(&invite, "To").expect("a To");
                let to = to.split(";tag=").next().unwrap_or_default();
                let text = format!(
                    "BYE sip:1357@192.0.2.100 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye\r\nFrom: {to};tag={argument}\r\n\
                     To: {from}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
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

    /// A response to our last request of a method, or with `of=HOST` to the last that went there: `tag=…`, `sdp`, `Name:value`.
    fn response(&self, status: &str, method: &str, options: &[&str]) -> (Flow, String) {
        let host = options.iter().find_map(|option| option.strip_prefix("of="));
        let asked = |(flow, text): &&(Flow, String)| {
            text.starts_with(method) && host.is_none_or(|host| flow.remote.ip().to_string() == host)
        };
        let (flow, request) = self.sent.iter().rfind(asked).cloned().expect("a request of ours");
        let (mut headers, mut tag, mut body) = (String::new(), String::new(), "");
        for option in options {
            match option.split_once(['=', ':']) {
                None if *option == "sdp" => body = SDP,
                None => {}
                Some(("of", _)) => {}
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
                // What would be saved is asked for where it is wanted.
                AgentOutput::Event(AgentEvent::Moved { .. }) => {}
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
         respond 180 INVITE of=192.0.2.1 tag=old => CANCEL 192.0.2.1
         respond 200 INVITE tag=new sdp   => ACK 192.0.2.2; accepted with body
         respond 200 INVITE of=192.0.2.1 tag=old sdp => ACK 192.0.2.1; BYE 192.0.2.1
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
