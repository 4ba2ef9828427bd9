//! Floods against the running program, beside callers who have nothing to do with them.
//!
//! The sender is that of `examples/flood`: open loop, real repeats. Counts are small enough for seconds; times are never compared.

#[path = "../../examples/flood/sender.rs"]
#[allow(dead_code)] // the tool prints more than a test looks at
mod sender;

use crate::engine::{Engine, folder};
use sender::{Kind, Outcome, Stream};
use std::net::Ipv4Addr;
use std::time::Duration;

/// New calls a second that the engine of these tests takes.
const PACE: u32 = 40;

/// An engine that logs warnings alone.
fn start(name: &str, settings: &[(&str, &str)]) -> Engine {
    let folder = folder(&format!("flood-{name}"));
    let mut command = Engine::command(&folder, &[], settings);
    command.env("RUST_LOG", "warn");
    Engine::run(command, folder)
}

/// Ends it, twice asked; its records and its log.
fn end(mut engine: Engine) -> (usize, String) {
    while engine.process.try_wait().expect("a process").is_none() {
        engine.signal("-TERM");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    (engine.records().len(), log)
}

fn sources(count: u32) -> Vec<Ipv4Addr> {
    (1..=count).map(|last| Ipv4Addr::from(0x7f4e_0000 + last)).collect()
}

fn stream(kind: Kind, sources: Vec<Ipv4Addr>, phases: &[(u32, u64)]) -> Stream {
    let phases = phases.iter().map(|&(rate, millis)| (rate, Duration::from_millis(millis))).collect();
    Stream { kind, sources, phases, hold: Duration::from_millis(500) }
}

/// Callers of another address, so many a second.
fn callers(rate: u32, phases: &[(u32, u64)]) -> Stream {
    let phases: Vec<(u32, u64)> = phases.iter().map(|&(_, millis)| (rate, millis)).collect();
    stream(Kind::Calls, vec![Ipv4Addr::new(127, 79, 1, 1)], &phases)
}

/// The flood and the callers beside it.
fn run(engine: &Engine, streams: [Stream; 2]) -> [Vec<Outcome>; 2] {
    let outcomes = sender::run(engine.address, &streams).expect("the sender sends");
    let mut outcomes = outcomes.into_iter();
    [outcomes.next().expect("the flood"), outcomes.next().expect("the callers")]
}

fn all_answered(callers: &[Outcome]) {
    for outcome in callers {
        assert_eq!((outcome.answered, outcome.lost, outcome.silent), (outcome.offered, 0, 0), "{outcome:?}");
    }
}

#[test]
fn an_invite_flood_from_one_source_hurts_no_caller_beside_it_and_is_over_when_it_is_over() {
    let engine = start("one", &[("LIMITS__CALLS_PER_SECOND", &PACE.to_string())]);
    let before = engine.memory();
    let phases = [(10, 1000), (400, 3000), (0, 2000), (20, 2000)];
    let [flood, callers] = run(&engine, [stream(Kind::Calls, sources(1), &phases), callers(4, &phases)]);
    all_answered(&callers);
    let [quiet, rush, _, after] = flood.as_slice() else { panic!("four phases") };
    all_answered(std::slice::from_ref(quiet));
    all_answered(std::slice::from_ref(after));
    assert_eq!((rush.silent, rush.lost, rush.answered + rush.refused), (0, 0, rush.offered), "{rush:?}");
    // The bucket holds a second's calls, callers beside take some, and a slow machine takes longer for the same flood.
    let taken = rush.answered as f64 / f64::from(PACE);
    assert!((1.0..=6.0).contains(&taken), "{rush:?}");
    assert!(engine.memory() < before + 64 * 1024, "{} KiB, then {} KiB", before, engine.memory());
    let answered: u64 = flood.iter().chain(&callers).map(|outcome| outcome.answered).sum();
    let (records, log) = end(engine);
    assert_eq!(records as u64, answered, "a record for each call that was taken, and none for the others");
    assert!(log.contains("new calls were refused") && log.lines().count() < 20, "{log}");
}

#[test]
fn an_invite_flood_from_200_sources_is_answered_at_once_loses_no_live_call_and_is_over_when_it_is_over() {
    let engine = start("many", &[("LIMITS__CALLS_PER_SECOND", "60")]);
    let phases = [(300, 3000), (0, 4000), (10, 1000)];
    let mut beside = callers(4, &phases);
    beside.sources = (1..=4).map(|last| Ipv4Addr::new(127, 79, 2, last)).collect();
    let [flood, callers] = run(&engine, [stream(Kind::Calls, sources(200), &phases), beside]);
    // Who gets how much is told in simulated time (`sip::admission`): here, nobody waits in vain and no live call is lost.
    let [rush, recovery, after] = flood.as_slice() else { panic!("three phases") };
    for outcome in [rush, recovery, &callers[0], &callers[1]] {
        assert_eq!(
            (outcome.silent, outcome.lost, outcome.answered + outcome.refused),
            (0, 0, outcome.offered),
            "{outcome:?}"
        );
    }
    // A quarter of it fits; without admission nobody would be refused.
    assert!(rush.refused >= rush.offered / 3 && rush.answered > 0, "{rush:?}");
    all_answered(&[after.clone(), callers[2].clone()]);
    let answered: u64 = flood.iter().chain(&callers).map(|outcome| outcome.answered).sum();
    let (records, log) = end(engine);
    assert_eq!(records as u64, answered, "no copy of an INVITE became a second call: {log}");
}

#[test]
fn a_flood_of_pings_or_noise_hurts_no_caller() {
    for (name, kind, from) in [
        ("options-one", Kind::Options, 1),
        ("options-many", Kind::Options, 200),
        ("garbage", Kind::Garbage, 20),
        ("merged", Kind::Merged, 5),
    ] {
        let engine = start(name, &[]);
        let before = engine.memory();
        let rate = if kind == Kind::Merged { 50 } else { 2000 };
        let phases = [(rate, 2000)];
        let [flood, callers] = run(&engine, [stream(kind, sources(from), &phases), callers(10, &phases)]);
        all_answered(&callers);
        if kind == Kind::Merged {
            assert_eq!(flood[0].others.get(&482), Some(&flood[0].offered), "one of the two: {:?}", flood[0]);
            all_answered(&flood);
        }
        assert!(engine.memory() < before + 64 * 1024, "{name}: {before} KiB, then {} KiB", engine.memory());
        end(engine);
    }
}
