//! Dialogs of a process that died, and how they are saved.

use super::*;
use crate::sip::trunk::Network;

/// What the dialog of this call looks like on paper.
fn saved(flows: &Flows) -> String {
    flows.agent.saved(flows.dialog).expect("a dialog")
}

/// A new process with this dialog of the old one.
fn reborn(old: &Flows, paper: String) -> Flows {
    let mut flows = Flows::new();
    flows.flow = old.flow;
    flows.flow.connection = 0;
    flows.agent.orphaned(flows.now, [paper]);
    flows
}

/// What leaves first.
fn goodbye(flows: &mut Flows) -> String {
    let asked = flows.step("wait 1");
    assert!(asked.starts_with("lookup Local"), "{asked}");
    flows.step("local 127.0.0.1:5090")
}

#[test]
fn a_dialog_of_a_process_that_died_gets_one_bye_with_its_tags_and_a_higher_number() {
    let mut old = connected();
    let early = saved(&old);
    old.check("refer sip:kosmes@127.0.0.1 => REFER");
    for answer in ["200", "481", "401", "407", "500"] {
        let mut new = reborn(&old, early.clone());
        assert_eq!(goodbye(&mut new), "BYE");
        let bye = new.last.clone();
        assert!(bye.starts_with("BYE sip:caller@127.0.0.1:5062 SIP/2.0\r\n"), "{bye}");
        assert_eq!(line_of(&bye, "To").as_deref(), Some("<sip:01012345678@127.0.0.1>;tag=caller"), "no name");
        assert_eq!(line_of(&bye, "From"), Some(format!("<sip:1357@127.0.0.1>;tag={}", old.our_tag)));
        assert!(
            line_of(&bye, "Via").is_some_and(|via| via.starts_with("SIP/2.0/UDP 127.0.0.1:5090;")),
            "where we listen now"
        );
        assert_eq!(line_of(&bye, "Call-ID").as_deref(), Some("call-1"));
        assert_eq!(line_of(&bye, "Reason").as_deref(), Some("Q.850;cause=41"));
        let cseq: u32 = line_of(&bye, "CSeq").and_then(|cseq| cseq.split(' ').next()?.parse().ok()).expect("a number");
        assert!(cseq > 1000, "above the REFER's, whatever was sent: {cseq}");
        new.check(&format!("respond {answer} =>"));
        new.check("wait 70000 =>");
        assert_eq!((new.agent.held(), new.agent.asking()), (0, 0), "{answer}");
    }
}

#[test]
fn a_goodbye_that_nobody_answers_is_repeated_and_given_up() {
    let old = connected();
    let mut new = reborn(&old, saved(&old));
    assert_eq!(goodbye(&mut new), "BYE");
    let said = new.step("wait 70000");
    assert_eq!(said, ["BYE"; 10].join("; "));
    assert_eq!((new.agent.held(), new.agent.asking()), (0, 0));
}

#[test]
fn the_callers_own_bye_may_cross_ours() {
    let old = connected();
    let mut new = reborn(&old, saved(&old));
    new.our_tag.clone_from(&old.our_tag);
    goodbye(&mut new);
    new.check(
        "BYE 2 c   => 200 BYE
         respond 481 =>
         wait 70000 =>",
    );
    assert_eq!(new.agent.held(), 0);
}

#[test]
fn routes_of_both_kinds_are_kept() {
    for (route, uri, routes) in [
        ("<sip:127.0.0.1:5070;lr>", "sip:caller@127.0.0.1:5062", "<sip:127.0.0.1:5070;lr>"),
        // A strict router of RFC 2543 finds itself in the Request-URI.
        ("<sip:127.0.0.1:5070>", "sip:127.0.0.1:5070", "<sip:caller@127.0.0.1:5062>"),
    ] {
        let mut old = Flows::new();
        old.step(&format!("INVITE 1 a Record-Route:{route}"));
        let mut new = reborn(&old, saved(&old));
        assert_eq!(goodbye(&mut new), "BYE");
        assert!(new.last.starts_with(&format!("BYE {uri} SIP/2.0\r\n")), "{}", new.last);
        assert_eq!(new.header("Route").as_deref(), Some(routes));
        assert_eq!(new.sent_to.expect("sent").remote.port(), 5070);
    }
}

#[test]
fn addresses_in_any_bytes_are_kept() {
    let mut old = Flows::new();
    let text = old.request("INVITE", &["1", "a"]).replace("\"Kim\" <sip:01012345678@", "\"\u{e8}\" <sip:\u{b1}\u{e8}@");
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
    let mut out = Vec::new();
    old.agent.received(old.now, old.flow, &bytes, &mut out);
    old.note(out);
    let mut new = Flows::new();
    new.agent.orphaned(new.now, [saved(&old)]);
    new.step("wait 1");
    let (mut out, answer) = (Vec::new(), Answer::Local(new.flow.local));
    new.agent.looked_up(new.now, new.lookups[0], answer, &mut out);
    let Some(AgentOutput::Transmit { bytes, .. }) = out.first() else { panic!("{out:?}") };
    assert!(bytes.windows(8).any(|window| window == b"<sip:\xb1\xe8@"), "EUC-KR");
}

#[test]
fn over_a_connection_that_is_gone_the_contact_is_called_anew() {
    let mut old = Flows::new();
    old.step("tcp");
    old.step("INVITE 1 a Contact:<sip:caller@127.0.0.1:5062;transport=tcp>");
    let mut new = reborn(&old, saved(&old));
    assert_eq!(goodbye(&mut new), "BYE");
    let flow = new.sent_to.expect("sent");
    assert_eq!((flow.transport, flow.connection, flow.remote.port()), (Transport::Tcp, 0, 5062));
    // Refused: nothing is left to try but the way it came, and then nothing at all.
    new.step("fail");
    new.step("fail");
    new.check("wait 70000 =>");
    assert_eq!(new.agent.held(), 0);
}

#[test]
fn a_target_refresh_is_told_and_saved() {
    let mut flows = connected();
    let before = saved(&flows);
    flows.check("UPDATE 2 c => 200 UPDATE");
    assert_eq!(saved(&flows), before, "nothing moved");
    flows.check(
        "UPDATE 3 d Contact:<sip:elsewhere@127.0.0.1:5066>    => 200 UPDATE; moved
         RE-INVITE 4 e Contact:<sip:third@127.0.0.1:5068>     => 100 INVITE; reinvite with body",
    );
    assert!(saved(&flows).contains("BYE sip:elsewhere@127.0.0.1:5066 SIP/2.0"), "not before we accept it");
    flows.check("answer-reinvite => 200 INVITE; moved");
    assert!(saved(&flows).contains("BYE sip:third@127.0.0.1:5068 SIP/2.0"));
}

#[test]
fn ten_thousand_goodbyes_leave_a_few_at_a_time_and_a_new_call_goes_between() {
    let old = connected();
    let paper = saved(&old);
    let mut new = Flows::new();
    let papers = (0..10_000).map(|call| paper.replace("call-1", &format!("call-{call}-old")));
    new.agent.orphaned(new.now, papers);
    let first = new.step("wait 100");
    assert!((40..=60).contains(&first.matches("lookup").count()), "{first}");
    new.check("INVITE 1 new => 100 INVITE; invite 1357 from 01012345678 offer");
    for _ in 0..250 {
        new.step("wait 100");
        while !new.lookups.is_empty() {
            new.step("local 127.0.0.1:5060");
        }
    }
    let byes: BTreeSet<String> = new.requests.iter().filter_map(|request| line_of(request, "Call-ID")).collect();
    assert_eq!(byes.len(), 10_000);
}

#[test]
fn what_is_no_saved_dialog_is_passed_over() {
    let paper = saved(&connected());
    let cuts = (0..paper.len()).filter(|at| paper.is_char_boundary(*at)).map(|at| paper[..at].to_owned());
    let mut flows = Flows::new();
    flows.agent.orphaned(flows.now, cuts.chain(["x".to_owned(), "漢字".to_owned(), paper.replace("UDP", "SCTP")]));
    flows.step("wait 70000");
    flows.step("wait 70000");
    assert_eq!(flows.agent.held(), 0);
}

/// One trunk on this network, and a call from it whose Contact is a name.
fn named() -> Flows {
    let mut flows = Flows::new();
    let trunk = Trunk::new("kt", vec!["127.0.0.0/8".parse::<Network>().expect("a network")]);
    let peers = Peers { trunks: vec![trunk], ..Peers::default() };
    let config = AgentConfig { product: "ivr1357".to_owned(), peers, session: Intervals::default() };
    flows.agent = Agent::new(config, Random::from_number(1));
    flows
}

#[test]
fn a_name_that_no_server_knows_in_time_holds_up_no_goodbye() {
    let mut old = named();
    old.step("INVITE 1 a Contact:<sip:caller@phone.example>");
    let paper = saved(&old);
    assert!(paper.starts_with("UDP 127.0.0.1:5060 127.0.0.1:5062 kt\r\n"), "{paper}");
    let mut new = named();
    new.agent.orphaned(new.now, [paper]);
    let said = new.step("wait 19000");
    assert!(said.starts_with("lookup ") && !said.contains("BYE"), "{said}");
    let said = new.step("wait 1100");
    assert_eq!(said, "BYE", "the way its messages came");
    assert_eq!(new.sent_to.expect("sent").remote.port(), 5062);
    new.check("respond 200 =>");
    new.check("wait 70000 =>");
    assert_eq!(new.agent.held(), 0);
}

#[test]
fn a_silent_name_server_leaves_nothing_behind_and_each_question_leads_to_the_next() {
    let mut flows = named();
    let said = flows.step("INVITE 1 a Contact:<sip:caller@phone.example>");
    assert_eq!(said.matches("lookup").count(), 1, "{said}");
    let said = flows.step("wait 10001");
    assert_eq!(said.matches("lookup").count(), 1, "the next question: {said}");
    flows.step("wait 10000");
    assert!(flows.agent.outgoing.findings_and_lookups() == (0, 0), "all of it has an end");
}

#[test]
fn a_peer_that_moves_to_another_name_is_looked_up_again() {
    let mut flows = named();
    flows.check(
        "INVITE 1 a Contact:<sip:caller@one.example> => 100 INVITE; lookup Naptr(\"one.example\"); invite 1357 from 01012345678 offer
         answer  => 200 INVITE
         ACK 1 b => acknowledged
         UPDATE 2 c Contact:<sip:caller@two.example> => 200 UPDATE; lookup Naptr(\"two.example\"); moved",
    );
    assert_eq!(flows.agent.outgoing.findings_and_lookups(), (1, 1), "nobody waits for the name of before");
}
