//! Keys that a centre wants between its answer and the talk: what caller and centre meet meanwhile, and what follows when they do not get out.

use crate::bridged_calls::{Bench, TABLE, calling_on, ended, sdp};
use crate::flow::Flow;
use crate::tables;
use ivr1357::engine::Input;
use ivr1357::media::Event;
use ivr1357::routing::Plan;
use std::sync::Arc;

/// `ours` wants two keys two seconds after its answer, and one a second later. Its ladder is inherited, with rungs that would not press them.
fn table() -> String {
    let ours = "ours = { name = \"우리\", sip = [\"sip:ours@127.0.0.1:5071\"], announce = false }";
    let two = "sip = [\"sip:ours@127.0.0.1:5071\", \"sip:second@127.0.0.1:5072\"], post_dial = \",,1#,3\"";
    let wants = ours.replace("sip = [\"sip:ours@127.0.0.1:5071\"]", two);
    let last = "last = { name = \"끝\", sip = [\"sip:last@127.0.0.1:5073\"], announce = false, ladder = [\"refer\", \"center.ours\", \"notice.bye\"] }";
    let ladder = "ladder = [\"bridge\", \"notice.bye\"]";
    assert!(TABLE.contains(ours) && TABLE.contains(ladder));
    TABLE
        .replace(ours, &format!("{wants}\n{last}"))
        .replace(ladder, "ladder = [\"refer\", \"next-target\", \"bridge\", \"notice.bye\"]")
        .replace("prompt = \"menu\"\n", "prompt = \"menu\"\n1 = \"center.last\"\n")
}

fn plan() -> Plan {
    Arc::unwrap_or_clone(tables::plan(&table()))
}

/// What happens behind the INVITE to `ours`, which picks up.
fn check(flow: &str) -> Flow {
    let begins = "call => play menu\nkey 0 => loop tone, invite ours [call=0000000000001357;path=main]\n";
    Flow::new(plan(), "2026-11-24T10:00:00+09:00").run(&format!("{begins}{flow}"))
}

/// The second address is called.
const NEXT: &str = "play again\nwait 1s => loop tone, invite second [call=0000000000001357;path=main]";

#[test]
fn the_caller_hears_the_waiting_tone_until_the_keys_are_out_and_then_the_centre() {
    let flow = check(
        "sounds     => overhear
         picks-up   => unbridge
         key 5      => nothing
         wait 1.9s  => nothing
         wait 0.1s  => post-dial 1#
         wait 0.3s  => nothing
         keys-out 2 => nothing
         wait 0.9s  => nothing
         wait 0.1s  => post-dial 3
         keys-out 1 => bridge
         wait 7200s => nothing
         parts      => bye, over transferred transferred",
    );
    let attempt = &flow.record()["attempts"][0];
    assert_eq!((&attempt["result"], &attempt["post_dial"]), (&"reached".into(), &3.into()));
    assert_eq!(attempt["took_ms"], 3300);
    assert!(!flow.session.record().line().contains("1#"), "how many, never which");
}

#[test]
fn a_centre_without_post_dial_digits_has_none_on_record() {
    let flow = Flow::new(Arc::unwrap_or_clone(tables::plan(TABLE)), "2026-11-24T10:00:00+09:00");
    let flow = flow.run(
        "call => play menu\nkey 0 => loop tone, invite ours [call=0000000000001357;path=main]\npicks-up => bridge",
    );
    assert!(flow.record()["attempts"][0]["post_dial"].is_null());
}

#[test]
fn a_centre_whose_keys_do_not_get_out_was_not_reached_and_the_next_is_tried() {
    let cases = [
        // It hangs up in the pause, or in the middle of them.
        (format!("picks-up => unbridge\nparts => {NEXT}"), "failed", 0),
        (format!("picks-up => unbridge\nwait 2s => post-dial 1#\nparts => {NEXT}"), "failed", 0),
        (format!("picks-up => unbridge\nwait 2s => post-dial 1#\nkeys-out 2 => nothing\nparts => {NEXT}"), "failed", 2),
        // Half a number leads elsewhere: an error of ours stopped its stream.
        (format!("picks-up => unbridge\nwait 2s => post-dial 1#\nkeys-out 1 => drop, {NEXT}"), "failed", 1),
        // It holds us for ever.
        (
            format!("picks-up => unbridge\nfar-hold => nothing\nwait 13.9s => post-dial 1#\nwait 0.1s => drop, {NEXT}"),
            "timeout",
            0,
        ),
    ];
    for (flow, result, out) in cases {
        let flow = check(&flow);
        let attempt = &flow.record()["attempts"][0];
        assert_eq!(
            (&attempt["result"], &attempt["post_dial"]),
            (&result.into(), &out.into()),
            "{flow:?}",
            flow = flow.happened
        );
    }
}

#[test]
fn whoever_goes_meanwhile_has_reached_nobody() {
    for (action, expected, result) in [
        ("hangup", "over abandoned caller-hung-up", "left"),
        ("stop", "bye, over failed shutdown", "left"),
        // Nobody need speak to a waiting tone.
        ("silent", "nothing", "pending"),
        ("replaced", "drop", "left"),
    ] {
        for before in ["picks-up => unbridge", "picks-up => unbridge\nwait 2s => post-dial 1#"] {
            let flow = check(&format!("{before}\n{action} => {expected}"));
            assert_eq!(flow.record()["attempts"][0]["result"], result, "{action}");
        }
    }
    // Late words of a leg that was given up.
    check(&format!(
        "picks-up => unbridge\nwait 2s => post-dial 1#\nparts => {NEXT}\nkeys-out 2 => nothing\npicks-up => unbridge"
    ));
}

#[test]
fn whoever_holds_meanwhile_is_waited_for_when_the_two_meet() {
    let keys = "wait 2s => post-dial 1#\nkeys-out 2 => nothing\nwait 1s => post-dial 3\n";
    check(&format!(
        "picks-up => unbridge\nhold => nothing\n{keys}keys-out 1 => bridge, far hears tone\nresume => far hears the caller"
    ));
    check(&format!(
        "picks-up => unbridge\nfar-hold => nothing\n{keys}keys-out 1 => bridge, loop tone\nfar-resume => stop"
    ));
    check(&format!("picks-up => unbridge\nfar-hold => nothing\nfar-resume => nothing\n{keys}keys-out 1 => bridge"));
}

#[test]
fn such_a_centre_is_called_by_us_as_another_ones_rung_as_well() {
    Flow::new(plan(), "2026-11-24T10:00:00+09:00").run(
        "call       => play menu
         key 1      => loop tone, refer last [call=0000000000001357;path=main]
         answer 603 => play again
         wait 1s    => loop tone, invite ours [call=0000000000001357;path=main]
         picks-up   => unbridge
         wait 2s    => post-dial 1#",
    );
}

/// A caller whose centre has answered the engine, and waits for keys.
fn answered() -> Bench {
    let mut bench = calling_on(&table());
    assert_eq!(bench.centre_answers("200 OK", &sdp(8000, "")), ">ACK, centre SendRecv, apart");
    bench
}

fn out(bench: &mut Bench, count: u8) -> String {
    let stream = bench.centre;
    bench.give(Input::Media { stream, event: Event::Pressed(count) })
}

#[test]
fn the_centre_gets_its_own_keys_first_and_none_of_the_callers_among_them() {
    let mut bench = answered();
    let info = |bench: &mut Bench, cseq, key: char| bench.caller_says("INFO", cseq, &format!("Signal={key}\r\n"));
    assert_eq!(bench.pass(2), "centre gets 2 keys");
    assert_eq!(info(&mut bench, 3, '5'), "200", "it does not hear the caller");
    assert_eq!(out(&mut bench, 2), "");
    assert_eq!(bench.pass(1), "centre gets 1 keys");
    assert_eq!(out(&mut bench, 1), "caller hears nothing, bridge");
    bench.pass(2);
    assert_eq!(info(&mut bench, 4, '7'), "200, centre hears key 7");
    assert_eq!(bench.centre_says("BYE", 1, ""), ">200, close centre, BYE, close caller, record");
    assert_eq!(ended(bench)["center_media"]["sent"], 22);
}

#[test]
fn whoever_hangs_up_before_the_keys_are_out_leaves_nothing_behind() {
    let mut bench = answered();
    assert_eq!(bench.caller_says("BYE", 3, ""), "200, close centre, >BYE, close caller, record");
    let record = ended(bench);
    assert_eq!((&record["outcome"], &record["attempts"][0]["result"]), (&"abandoned".into(), &"left".into()));
    assert!(record["center_media"].is_null(), "nobody talked with it");

    for goes in [(|bench: &mut Bench| bench.centre_says("BYE", 1, "")) as fn(&mut Bench) -> String, |bench| {
        let stream = bench.centre;
        bench.give(Input::Media { stream, event: Event::Broken })
    }] {
        let mut bench = answered();
        bench.pass(2);
        let said = goes(&mut bench);
        assert!(said.ends_with("close centre, caller hears again"), "{said}");
        let old = bench.centre;
        let stream = bench.caller;
        bench.give(Input::Media { stream, event: Event::Finished(bench.playing) });
        assert_ne!(bench.centre, old, "the next address is called");
        // What comes late is nobody's.
        assert_eq!(bench.give(Input::Media { stream: old, event: Event::Pressed(2) }), "");
        bench.caller_says("BYE", 3, "");
        let record = ended(bench);
        assert_eq!(record["attempts"][0]["result"], "failed");
    }
}

#[test]
fn every_way_through_such_a_table_keeps_what_is_promised() {
    let plan = tables::plan(&table());
    let (graph, broken) = tables::walk(&plan);
    assert_eq!(broken, Vec::<String>::new());
    assert!(!graph.cut);
}

#[test]
fn a_simulated_centre_gets_its_keys_under_the_eyes_of_the_oracle() {
    let plan = tables::plan(&table());
    let (told, record) = tables::play(&plan, "call 1357\nkey 0\nwait 30s\nhangup");
    let keys: Vec<_> = told.iter().filter(|told| told.starts_with("post-dial")).collect();
    assert_eq!(keys, ["post-dial 2", "post-dial 1"], "{told:?}");
    let attempt = &record["attempts"][0];
    assert_eq!(
        (&record["outcome"], &attempt["result"], &attempt["post_dial"]),
        (&"transferred".into(), &"reached".into(), &3.into())
    );
    // Whoever does not wait for them was with nobody.
    let (told, record) = tables::play(&plan, "call 1357\nkey 0\nwait 3s\nhangup");
    assert_eq!(
        (&record["outcome"], &record["attempts"][0]["result"]),
        (&"abandoned".into(), &"left".into()),
        "{told:?}"
    );
    let (told, record) = tables::play(&plan, "center ours busy\ncall 1357\nkey 0\nwait 5s\nend");
    assert!(!told.iter().any(|told| told.starts_with("post-dial")), "{told:?}");
    assert_eq!(record["attempts"][0]["status"], 486);
}

#[test]
fn nothing_prints_what_is_pressed() {
    let printed = format!("{:?}", plan().centers);
    assert!(printed.contains("PostDial(3 keys)") && !printed.contains("1#"), "{printed}");
}
