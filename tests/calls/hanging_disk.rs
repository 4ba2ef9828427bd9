//! A disk that never answers: the caller is answered all the same, once.

use crate::bench::{Bench, TABLE, texts};
use ivr1357::engine::{Edition, Input};
use ivr1357::media::Clip;
use ivr1357::routing;
use ivr1357::time::{Duration, Now};
use std::sync::Arc;

fn bench() -> Bench {
    let lengths = ["tone", "greeting", "again", "center/counsel"].map(|id| (id.to_owned(), Duration::from_secs(1)));
    let plan = routing::check(TABLE, &lengths.into()).plan.expect("the table checks");
    let clip = |id: &str| Some(Arc::new(Clip::from_samples(id, &[0; 8000])));
    Bench::of(Arc::new(Edition::published(Arc::new(plan), None, clip)))
}

#[test]
fn a_call_whose_start_is_never_written_is_answered_after_some_seconds() {
    let mut bench = bench();
    let (_, call) = bench.arrive(6000);
    let mut answer = None;
    for _ in 0..100 {
        bench.now = bench.now.after(Duration::from_millis(100));
        let out = bench.give(Input::Tick);
        answer = texts(&out).find(|text| text.starts_with("SIP/2.0 200"));
        if answer.is_some() {
            break;
        }
    }
    assert_eq!(bench.now, Now::default().after(Duration::from_secs(4)), "three seconds after it came");
    let answer = answer.expect("a 200");
    // The disk comes back: that is no second answer.
    let out = bench.give(Input::Journaled { call });
    assert_eq!(texts(&out).count(), 0);
    let (_, clips) = bench.acknowledge(6000, &answer);
    assert_eq!(clips[0].id, "greeting");
}

#[test]
fn a_caller_who_gives_up_while_the_disk_hangs_is_not_answered() {
    let mut bench = bench();
    let (_, call) = bench.arrive(6000);
    bench.now = bench.now.after(Duration::from_secs(1));
    let cancel = "CANCEL sip:1357@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bKINVITE6000\n\
                  From: <sip:a@127.0.0.1>;tag=c6000\nTo: <sip:1357@127.0.0.1>\nCall-ID: 6000@test\n\
                  CSeq: 1 CANCEL\nMax-Forwards: 70\nContent-Length: 0\n\n";
    let out = bench.datagram(6000, cancel);
    assert!(texts(&out).any(|text| text.starts_with("SIP/2.0 487")), "{:?}", texts(&out).collect::<Vec<_>>());
    bench.now = bench.now.after(Duration::from_secs(9));
    let mut out = bench.give(Input::Tick);
    out.extend(bench.give(Input::Journaled { call }));
    assert!(texts(&out).all(|text| !text.starts_with("SIP/2.0 200")));
    assert_eq!(bench.engine.calls(), 0);
}
