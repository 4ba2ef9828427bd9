//! What we write, read by somebody else: the `rsip` crate parses every message of a call from INVITE to BYE.

use ivr1357::random::Random;
use ivr1357::sip::session_timer::Intervals;
use ivr1357::sip::trunk::Peers;
use ivr1357::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, DialogKey, Flow, ReferRequest, StatusCode, Transport};
use ivr1357::time::Now;
use rsip::prelude::*;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";

struct Call {
    agent: Agent,
    flow: Flow,
    dialog: DialogKey,
    written: Vec<String>,
}

impl Call {
    fn new(transport: Transport) -> Self {
        let config =
            AgentConfig { product: "ivr1357/0.1".to_owned(), peers: Peers::default(), session: Intervals::default() };
        let flow = Flow {
            transport,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: "127.0.0.1:5099".parse().expect("an address"),
            connection: 1,
        };
        Self { agent: Agent::new(config, Random::from_number(3)), flow, dialog: DialogKey(0), written: Vec::new() }
    }

    fn send(&mut self, method: &str, cseq: u32, tag: &str, headers: &str, body: &str) {
        let text = format!(
            "{method} sip:1357@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK{method}{cseq}\r\n\
             From: \"Kim\" <sip:01012345678@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>{tag}\r\nCall-ID: c\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:caller@127.0.0.1:5099>\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut out = Vec::new();
        self.agent.received(Now::default(), self.flow, text.as_bytes(), &mut out);
        self.note(out);
    }

    fn note(&mut self, out: Vec<AgentOutput>) {
        for output in out {
            match output {
                AgentOutput::Transmit { bytes, .. } => {
                    self.written.push(String::from_utf8(bytes).expect("ASCII goes in, ASCII comes out"));
                }
                AgentOutput::Event(AgentEvent::Invite(invite)) => self.dialog = invite.dialog,
                AgentOutput::Event(_)
                | AgentOutput::Close { .. }
                | AgentOutput::Lookup { .. }
                | AgentOutput::Expect { .. } => {}
            }
        }
    }

    fn command(&mut self, command: impl FnOnce(&mut Agent, DialogKey, &mut Vec<AgentOutput>)) {
        let mut out = Vec::new();
        command(&mut self.agent, self.dialog, &mut out);
        self.note(out);
    }
}

/// Every message of a transferred call, some refusals, and a refused call.
fn written(transport: Transport) -> Vec<String> {
    let now = Now::default();
    let mut call = Call::new(transport);
    call.send("INVITE", 1, "", "Record-Route: <sip:127.0.0.1:5098;lr>\r\n", SDP);
    call.command(|agent, dialog, out| {
        agent.answer(now, dialog, SDP.into(), out);
    });
    let answer = rsip::Response::try_from(call.written.last().expect("a 200").as_bytes()).expect("parses");
    let tag = answer.to_header().expect("a To").tag().expect("reads").expect("a tag").to_string();
    let tag = format!(";tag={tag}");
    call.send("ACK", 1, &tag, "", "");
    let request = ReferRequest {
        target: "sip:kosmes@10.0.0.9:5080"
            .parse::<ivr1357::sip::SipUri>()
            .expect("a URI")
            .with_header("User-to-User", "30;encoding=hex"),
        subscribe: true,
        referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
    };
    call.command(|agent, dialog, out| {
        agent.refer(now, dialog, &request, out);
    });
    call.send("NOTIFY", 2, &tag, "Event: refer\r\nSubscription-State: terminated\r\n", "SIP/2.0 200 OK");
    call.send("INVITE", 3, &tag, "", SDP);
    call.command(|agent, dialog, out| agent.answer_reinvite(now, dialog, SDP.into(), out));
    call.send("ACK", 3, &tag, "", "");
    call.command(|agent, dialog, out| agent.bye(now, dialog, None, out));
    call.send("OPTIONS", 9, "", "", "");
    call.send("REGISTER", 9, "", "", "");
    call.send("BYE", 9, ";tag=unknown", "", "");
    call.send("INVITE", 10, "", "", SDP);
    call.command(|agent, dialog, out| agent.reject(now, dialog, StatusCode::NOT_FOUND, out));
    call.written
}

#[test]
fn another_parser_reads_every_message_we_write() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let written = written(transport);
        let first_lines: Vec<&str> = written.iter().filter_map(|text| text.lines().next()).collect();
        assert_eq!(
            first_lines,
            [
                "SIP/2.0 100 Trying",
                "SIP/2.0 200 OK",
                "REFER sip:caller@127.0.0.1:5099 SIP/2.0",
                "SIP/2.0 200 OK",
                "SIP/2.0 100 Trying",
                "SIP/2.0 200 OK",
                "BYE sip:caller@127.0.0.1:5099 SIP/2.0",
                "SIP/2.0 200 OK",
                "SIP/2.0 405 Method Not Allowed",
                "SIP/2.0 481 Call/Transaction Does Not Exist",
                "SIP/2.0 100 Trying",
                "SIP/2.0 404 Not Found",
            ]
        );
        for text in written {
            let message = rsip::SipMessage::try_from(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
            let via = message.via_header().expect("a Via").typed().expect("a Via that reads");
            assert!(via.branch().is_some_and(|branch| branch.value().starts_with("z9hG4bK")), "{text}");
            assert_eq!(message.call_id_header().expect("a Call-ID").value(), "c");
            message.cseq_header().expect("a CSeq").typed().expect("a CSeq that reads");
            message.from_header().expect("a From").typed().expect("a From that reads");
            message.to_header().expect("a To").typed().expect("a To that reads");
            let length = text.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
            assert_eq!(length, Some(message.body().len().to_string().as_str()), "{text}");
            if let rsip::SipMessage::Request(request) = &message {
                let hops = request.max_forwards_header().expect("Max-Forwards").num().expect("a number");
                assert_eq!(hops, 70);
                let contact = request.contact_header().expect("a Contact").typed().expect("a Contact that reads");
                assert_eq!(contact.uri.host_with_port.to_string(), "127.0.0.1:5060");
            }
        }
    }
}

#[test]
fn a_refer_carries_the_context_to_the_centre_in_its_uri() {
    let written = written(Transport::Udp);
    let refer = written.iter().find(|text| text.starts_with("REFER ")).expect("a REFER");
    assert!(refer.contains("\r\nRefer-To: <sip:kosmes@10.0.0.9:5080?User-to-User=30%3Bencoding%3Dhex>\r\n"), "{refer}");
    assert!(refer.contains("\r\nReferred-By: <sip:1357@127.0.0.1>\r\n"), "{refer}");
    assert!(refer.contains("\r\nRoute: <sip:127.0.0.1:5098;lr>\r\n"), "{refer}");
    assert!(refer.contains(";rport;branch="), "{refer}");
}
