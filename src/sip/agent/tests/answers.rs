//! What needs no call: automatic answers, where answers and requests go, strangers, streams and floods.

use super::*;
use crate::limits::{MESSAGE_BYTES_MAX, STREAM_BYTES_HELD_MAX};
use crate::sip::trunk::{Credentials, Proof, Strangers, Trunk};

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
        ("PRACK 1 a out", "481 PRACK"),
        ("REFER 1 a out", "405 REFER"),
        ("BREW 1 a out", "501 BREW"),
        ("invite 1 a out", "501 invite"),
        ("BYE 1 a out", "481 BYE"),
        ("NOTIFY 1 a out", "481 NOTIFY"),
        ("INVITE 1 a uri=soap.beep://h", "416 INVITE"),
        ("INVITE 1 a uri=sip:@", "400 INVITE"),
        ("INVITE 1 a Require:precondition,_x", "420 INVITE"),
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
    assert_eq!(
        flows.header("Allow").as_deref(),
        Some("INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, PRACK")
    );
    flows.check("INVITE 1 a Require:precondition,_x => 420 INVITE");
    assert!(flows.last.contains("Unsupported: precondition\r\nUnsupported: x\r\n"), "{}", flows.last);
    let first = flows.our_tag.clone();
    flows.check("INVITE 1 a Require:precondition,_x => 420 INVITE");
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
         answer-reinvite => 200 INVITE; moved
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
fn strangers_of_the_public_network_meet_silence_or_one_refusal() {
    let mut flows = Flows::new();
    flows.flow.remote = "203.0.113.9:5060".parse().expect("an address");
    // The first of them is told of at once, the rest once a minute.
    flows.check("OPTIONS 1 a out => turned away 1, the last from 203.0.113.9");
    flows.check("INVITE 1 a =>");
    flows.check("OPTIONS 2 a out =>");
    flows.check("wait 60000 =>");
    flows.check("OPTIONS 3 a out => turned away 3, the last from 203.0.113.9");
    flows.agent.config.peers.strangers = Strangers::Forbidden;
    flows.check("OPTIONS 1 b out => 403 OPTIONS");
    flows.check("INVITE 1 b => 403 INVITE");
    flows.check("ACK 1 b =>");
    flows.check("REGISTER 1 c out => 403 REGISTER");
    let network = "203.0.113.0/24".parse().expect("a network");
    flows.agent.config.peers.trunks = vec![Trunk::new("kt", vec![network])];
    flows.check("OPTIONS 1 d out => 200 OPTIONS");
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
    flows.check("wait 5000 => close 7");
}

#[test]
fn bytes_that_trickle_in_buy_a_message_no_time() {
    let mut flows = Flows::new();
    flows.check("tcp");
    for byte in [b"O", b"P", b"T", b"I"] {
        let mut out = Vec::new();
        flows.agent.received(flows.now, flows.flow, byte, &mut out);
        flows.check("wait 1000 =>");
    }
    flows.check("wait 1000 => close 7");
}

#[test]
fn half_read_messages_of_a_crowd_are_bounded_and_a_trunk_is_heard_beside_them() {
    let mut flows = Flows::new();
    flows.check("tcp");
    flows.flow.remote = "127.0.0.9:5062".parse().expect("an address");
    let own = "127.0.0.2".parse().expect("a network");
    let other = "127.0.0.9".parse().expect("a network");
    let crowd = Trunk { proof: Proof::Digest(credentials()), ..Trunk::new("crowd", vec![other]) };
    flows.agent.config.peers.trunks = vec![Trunk::new("kt", vec![own]), crowd];
    let half = vec![b'x'; MESSAGE_BYTES_MAX];
    let mut closed = 0;
    for connection in 10..300 {
        let mut out = Vec::new();
        flows.agent.received(flows.now, Flow { connection, ..flows.flow }, &half, &mut out);
        closed += out.iter().filter(|output| matches!(output, AgentOutput::Close { .. })).count();
    }
    assert_eq!(closed, 290 - STREAM_BYTES_HELD_MAX / MESSAGE_BYTES_MAX);
    assert_eq!(flows.agent.stream_bytes, STREAM_BYTES_HELD_MAX);
    let kt = Flow { remote: "127.0.0.2:5062".parse().expect("an address"), connection: 7, ..flows.flow };
    let mut out = Vec::new();
    flows.agent.received(flows.now, kt, b"OPTIONS sip:1357@h SIP/2.0\r\n", &mut out);
    assert!(out.is_empty(), "it waits for the rest: {out:?}");
    for connection in 10..300 {
        flows.agent.disconnected(connection);
    }
    flows.agent.disconnected(7);
    assert_eq!(flows.agent.stream_bytes, 0);
}

#[test]
fn a_certificate_makes_a_trunk_until_its_connection_ends() {
    let mut flows = Flows::new();
    flows.check("tcp");
    flows.flow.transport = Transport::Tls;
    let proof = Proof::Certificate("sbc.kt.example".to_owned());
    flows.agent.config.peers.trunks = vec![Trunk { proof, ..Trunk::new("kt", Vec::new()) }];
    flows.check("OPTIONS 1 a out => turned away 1, the last from 127.0.0.1");
    flows.agent.secured(7, vec!["SBC.kt.example".to_owned()]);
    flows.check("OPTIONS 1 b out => 200 OPTIONS");
    flows.flow.transport = Transport::Tcp;
    flows.check("OPTIONS 1 c out =>");
    flows.flow.transport = Transport::Tls;
    flows.agent.disconnected(7);
    flows.check("OPTIONS 1 d out =>");
}

fn credentials() -> Credentials {
    Credentials { realm: None, user: "crowd".to_owned(), password: "secret".to_owned() }
}

#[test]
fn a_caller_whose_connection_is_gone_is_called_back_at_its_contact() {
    let mut flows = Flows::new();
    flows.check(
        "tcp
         INVITE 1 a Contact:<sip:caller@127.0.0.1:5099;transport=tcp> => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged",
    );
    flows.agent.disconnected(7);
    flows.check("bye => BYE");
    let sent_to = flows.sent_to.expect("the BYE left");
    assert_eq!((sent_to.transport, sent_to.remote.port(), sent_to.connection), (Transport::Tcp, 5099, 0));
}

#[test]
fn a_key_told_again_on_the_next_connection_counts_once() {
    let mut flows = Flows::new();
    flows.check(
        "tcp
         INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged
         INFO 2 c Content-Type:application/dtmf body=1 => 200 INFO; info application/dtmf 1",
    );
    flows.agent.disconnected(7);
    flows.flow.connection = 8;
    flows.check("INFO 2 c Content-Type:application/dtmf body=1 => 200 INFO");
    // With a new branch it is still the same key; another number is another key, even an older one.
    flows.check(
        "INFO 2 d Content-Type:application/dtmf body=1 => 200 INFO
         INFO 4 e Content-Type:application/dtmf body=1 => 200 INFO; info application/dtmf 1
         INFO 3 f Content-Type:application/dtmf body=1 => 200 INFO; info application/dtmf 1",
    );
    for cseq in 5..=4 + crate::limits::INFOS_REMEMBERED {
        let said = flows.step(&format!("INFO {cseq} g Content-Type:application/dtmf body=1"));
        assert_eq!(said, "200 INFO; info application/dtmf 1");
    }
    flows.check("INFO 20 h Content-Type:application/dtmf body=1 => 200 INFO");
    flows.check("INFO 2 i Content-Type:application/dtmf body=1 => 200 INFO; info application/dtmf 1");
}

#[test]
fn responses_whose_connection_is_gone_go_where_the_via_says() {
    let gone = |flows: &mut Flows| {
        flows.flow.remote.set_port(40_001);
        flows.check("tcp");
        flows.check("INVITE 1 a => 100 INVITE; invite 1357 from 01012345678 offer");
        assert_eq!(flows.sent_to, Some(flows.flow));
    };
    let mut anew = Flows::new().flow;
    anew.transport = Transport::Tcp;
    // The repeats of a 200 …
    let mut flows = Flows::new();
    gone(&mut flows);
    flows.check("answer => 200 INVITE");
    assert_eq!(flows.sent_to, Some(flows.flow));
    flows.agent.disconnected(7);
    flows.check("wait 500 => 200 INVITE");
    assert_eq!(flows.sent_to, Some(anew), "the port of sent-by");
    // … the first 200, and a refusal.
    for (command, said) in [("answer", "200 INVITE"), ("reject 486", "486 INVITE")] {
        let mut flows = Flows::new();
        gone(&mut flows);
        flows.agent.disconnected(7);
        assert_eq!(flows.step(command), said);
        assert_eq!(flows.sent_to, Some(anew), "{command}");
    }
}

#[test]
fn a_bye_that_waited_for_the_ack_goes_by_the_connection_that_brought_it() {
    let mut flows = Flows::new();
    flows.flow.remote.set_port(40_001);
    flows.check(
        "tcp
         INVITE 1 a Contact:<sip:caller@127.0.0.1:5099;transport=tcp> => 100 INVITE; invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         bye     =>
         ACK 1 b => BYE",
    );
    assert_eq!(flows.sent_to, Some(flows.flow));
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
