//! A panic of ours ends one call: it gets a BYE and a record that says `internal`; the other call goes on.

use crate::bench::{Bench, TABLE, texts};
use ivr1357::engine::{Edition, Entry, Input, Output};
use ivr1357::media::Event;
use ivr1357::routing;
use ivr1357::routing::plan::{Destination, MenuId};
use ivr1357::speech::Catalogue;
use ivr1357::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn a_panic_of_ours_ends_one_call_with_a_bye_and_a_record() {
    let prompts: BTreeMap<String, Duration> =
        ["tone", "greeting", "again", "center/counsel"].map(|id| (id.to_owned(), Duration::from_secs(1))).into();
    let mut plan = routing::check(TABLE, &prompts).plan.expect("the table checks");
    // What check() makes impossible: a destination that is not there. Whoever walks to it panics.
    plan.numbers[0].go = Destination::Menu(MenuId(99));
    let mut bench = Bench::of(Arc::new(Edition::new(Arc::new(plan), &Catalogue::default())));
    let (first, greeting, _) = bench.call(6001);
    let (second, ..) = bench.call(6002);
    assert_eq!(bench.engine.calls(), 2);

    let out = bench.give(Input::Media { stream: first, event: Event::Finished(greeting) });

    assert!(texts(&out).any(|text| text.starts_with("BYE ")), "the caller is not left in silence");
    let ends: Vec<&String> = out
        .iter()
        .filter_map(|output| match output {
            Output::Journal { entry: Entry::End(line), .. } => Some(line),
            _ => None,
        })
        .collect();
    assert_eq!(ends.len(), 1, "one record");
    assert!(ends[0].contains(r#""cause":"internal""#), "{}", ends[0]);
    assert!(out.iter().any(|output| matches!(output, Output::CloseStream { stream } if *stream == first)));
    assert_eq!(bench.engine.calls(), 1, "the other call goes on");

    let out = bench.give(Input::Stop);
    assert!(out.iter().any(|output| matches!(output, Output::CloseStream { stream } if *stream == second)));
    assert_eq!(bench.engine.calls(), 0);
}
