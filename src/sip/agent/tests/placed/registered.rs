//! Registrations of trunks, and whom they let in.

use super::*;

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
        let told = out.iter().all(|output| matches!(output, AgentOutput::Event(AgentEvent::TurnedAway { .. })));
        assert!(told, "{method}: {out:?}");
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
