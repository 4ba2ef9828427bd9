//! Nothing a peer sends causes a panic or unbounded work: arbitrary bytes, and valid messages broken at random,
//! as datagrams and in pieces of a stream, into an agent that has a call going.

use ivr1357::random::Random;
use ivr1357::sip::session_timer::Intervals;
use ivr1357::sip::trunk::Peers;
use ivr1357::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, DialogKey, Flow, ReferRequest, StatusCode, Transport};
use ivr1357::time::{Duration, Now};
use proptest::prelude::*;

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: "127.0.0.1:5060".parse().expect("an address"),
        remote: "127.0.0.1:5099".parse().expect("an address"),
        connection: 1,
    }
}

fn message(method: &str, cseq: u32, branch: u32, tag: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} sip:1357@127.0.0.1;x=y SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;rport;branch=z9hG4bK{branch}, SIP/2.0/TCP [::1]:5\r\n\
         From: \"김 <VIP>\" <sip:010@127.0.0.1>;tag=1\r\nTo: <sip:1357@127.0.0.1>{tag}\r\ni: call\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:010@127.0.0.1:5099>\r\nRecord-Route: <sip:127.0.0.1:5098;lr>,\r\n <sip:p.example;lr>\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An agent with a call going and a REFER under way, and the messages that belong to it.
fn call(flow: Flow) -> (Agent, DialogKey, Vec<Vec<u8>>) {
    let config = AgentConfig { product: "ivr1357".to_owned(), peers: Peers::default(), session: Intervals::default() };
    let mut agent = Agent::new(config, Random::from_number(7));
    let (now, mut out) = (Now::default(), Vec::new());
    let invite = message("INVITE", 1, 1, "", "Content-Type: application/sdp\r\n", "v=0\r\n");
    agent.received(now, flow, &invite, &mut out);
    let dialog = out
        .iter()
        .find_map(|output| match output {
            AgentOutput::Event(AgentEvent::Invite(invite)) => Some(invite.dialog),
            _ => None,
        })
        .expect("a call");
    out.clear();
    agent.answer(now, dialog, b"v=0\r\n".to_vec(), &mut out);
    let answer = out
        .iter()
        .find_map(|output| match output {
            AgentOutput::Transmit { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
        .expect("a 200");
    let to = answer.lines().find(|line| line.starts_with("To: ")).expect("a To");
    let tag = format!(";tag={}", to.rsplit("tag=").next().expect("a tag"));
    let request = ReferRequest {
        target: "sip:k@127.0.0.1?User-to-User=30".parse().expect("a URI"),
        subscribe: true,
        referred_by: "sip:1357@127.0.0.1".parse().expect("a URI"),
    };
    out.clear();
    agent.refer(now, dialog, &request, &mut out);
    let refer = out
        .iter()
        .find_map(|output| match output {
            AgentOutput::Transmit { bytes, .. } => Some(bytes.clone()),
            _ => None,
        })
        .expect("a REFER");
    let accepted = [b"SIP/2.0 202 Accepted".as_slice(), &refer[refer.iter().position(|b| *b == b'\r').unwrap_or(0)..]];
    let messages = vec![
        invite,
        message("ACK", 1, 2, &tag, "", ""),
        message("INVITE", 2, 3, &tag, "", "v=0\r\n"),
        message("UPDATE", 3, 4, &tag, "", "v=0\r\n"),
        message("NOTIFY", 4, 5, &tag, "Event: refer;id=1\r\nSubscription-State: active\r\n", "SIP/2.0 100 Trying"),
        message("INFO", 5, 6, &tag, "Content-Type: application/dtmf-relay\r\n", "Signal=1\r\n"),
        message("OPTIONS", 6, 7, "", "Accept: a/b;q=\"x,y\"\r\nRequire: q\r\n", ""),
        message("CANCEL", 1, 1, "", "", ""),
        message("BYE", 7, 8, &tag, "", ""),
        accepted.concat(),
    ];
    (agent, dialog, messages)
}

/// A way to break a message.
#[derive(Clone, Debug)]
enum Break {
    Cut(usize),
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn breaks() -> impl Strategy<Value = Break> {
    let pieces = prop_oneof![
        Just(b"\r\n ".to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"<".to_vec()),
        Just(b">".to_vec()),
        Just(b"\xb1\xe8\0".to_vec()),
        Just(b"%".to_vec()),
        Just(b"[".to_vec()),
        Just(b";;=,".to_vec()),
        Just(b"\r\nContent-Length: 99999999999999999999\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        any::<usize>().prop_map(Break::Cut),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Break::Set(at, byte)),
        (any::<usize>(), pieces).prop_map(|(at, bytes)| Break::Insert(at, bytes)),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Break::Remove(at, length)),
        (any::<usize>(), 1usize..80).prop_map(|(at, length)| Break::Repeat(at, length)),
    ]
}

fn broken(mut bytes: Vec<u8>, breaks: &[Break]) -> Vec<u8> {
    for one in breaks {
        let room = bytes.len() + 1;
        let span = |at: usize, length: usize| (at % room)..(at % room + length).min(room - 1).max(at % room);
        match one {
            Break::Cut(at) => bytes.truncate(at % room),
            Break::Set(at, byte) => {
                if let Some(place) = bytes.get_mut(at % room) {
                    *place = *byte;
                }
            }
            Break::Insert(at, piece) => {
                let at = at % room;
                bytes.splice(at..at, piece.iter().copied());
            }
            Break::Remove(at, length) => {
                bytes.drain(span(*at, *length));
            }
            Break::Repeat(at, length) => {
                let piece = bytes[span(*at, *length)].to_vec();
                let at = at % room;
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Whatever was said must be answerable, and everything must end by itself.
fn settle(mut agent: Agent, dialog: DialogKey, mut out: Vec<AgentOutput>) {
    let mut now = Now::default();
    let mut calls = vec![dialog];
    for output in out.drain(..) {
        match output {
            AgentOutput::Event(AgentEvent::Invite(invite)) => calls.push(invite.dialog),
            AgentOutput::Transmit { bytes, .. } if bytes != b"\r\n" => {
                let text = String::from_utf8_lossy(&bytes);
                assert!(text.contains("\r\nContent-Length: "), "{text}");
                assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a line was smuggled in: {text:?}");
            }
            _ => {}
        }
    }
    for call in calls {
        agent.reject_reinvite(now, call, StatusCode::NOT_ACCEPTABLE, &mut out);
        agent.bye(now, call, None, &mut out);
    }
    for _ in 0..1_000 {
        let Some(deadline) = agent.deadline() else { break };
        now = now.after(deadline.since(now.instant).max(Duration::from_millis(1)));
        agent.tick(now, &mut out);
    }
    assert_eq!(agent.held(), 0, "everything ends after 64·T1 of quiet");
    assert_eq!(agent.deadline(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), tcp: bool) {
        let flow = flow(if tcp { Transport::Tcp } else { Transport::Udp });
        let (mut agent, dialog, _) = call(flow);
        let mut out = Vec::new();
        agent.received(Now::default(), flow, &bytes, &mut out);
        settle(agent, dialog, out);
    }

    #[test]
    fn broken_datagrams_never_panic_and_leave_nothing(
        plan in proptest::collection::vec((0usize..10, proptest::collection::vec(breaks(), 0..4)), 1..12),
    ) {
        let flow = flow(Transport::Udp);
        let (mut agent, dialog, messages) = call(flow);
        let mut out = Vec::new();
        for (which, breaks) in plan {
            agent.received(Now::default(), flow, &broken(messages[which].clone(), &breaks), &mut out);
        }
        settle(agent, dialog, out);
    }

    #[test]
    fn broken_streams_never_panic_and_leave_nothing(
        plan in proptest::collection::vec((0usize..10, proptest::collection::vec(breaks(), 0..2)), 1..6),
        piece in 1usize..400,
    ) {
        let flow = flow(Transport::Tcp);
        let (mut agent, dialog, messages) = call(flow);
        let mut out = Vec::new();
        let mut bytes = Vec::new();
        for (which, breaks) in plan {
            bytes.extend(broken(messages[which].clone(), &breaks));
        }
        for part in bytes.chunks(piece) {
            agent.received(Now::default(), flow, part, &mut out);
        }
        agent.disconnected(flow.connection);
        settle(agent, dialog, out);
    }
}
