//! Requests inside dialogs that we placed: which way they go, what happens when they cannot, how the session is kept alive.

use super::*;

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
fn a_bye_that_cannot_leave_is_sent_again_until_it_is_answered_or_its_time_is_up() {
    for (end, more) in [
        ("mend", "respond 200 BYE =>"),
        (
            "wait 0",
            "wait 30500 => BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1; BYE 192.0.2.1",
        ),
    ] {
        Placing::new().check(&format!(
            "call sip:15@two.example      => INVITE 192.0.2.1
             respond 200 INVITE tag=b sdp => ACK 192.0.2.1; accepted with body
             break 192.0.2.1
             bye                          => BYE 192.0.2.1
             wait 500                     => BYE 192.0.2.1
             {end}
             wait 1000                    => BYE 192.0.2.1
             {more}
             wait 40000 =>
             held => 0"
        ));
    }
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
