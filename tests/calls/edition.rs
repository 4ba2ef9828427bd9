//! A table that is published while calls live: they keep their rows, words and sounds; the next call has the new ones.

use crate::bench::{Bench, TABLE, texts};
use ivr1357::engine::{Edition, Entry, Input, Output};
use ivr1357::media::{Clip, Command, Event, StreamKey};
use ivr1357::number::Key;
use ivr1357::routing;
use ivr1357::speech::{Catalogue, Prompt};
use ivr1357::time::Duration;
use std::sync::Arc;

/// A published table, all of whose prompts have this many samples.
fn edition(number: u64, table: &str, samples: usize) -> Arc<Edition> {
    let prompt = Prompt { text: String::new(), samples: Some(vec![0; samples].into()) };
    let names = ["tone", "greeting", "again", "center/counsel", "new"];
    let catalogue =
        Catalogue { prompts: names.map(|name| (name.to_owned(), prompt.clone())).into(), ..Catalogue::default() };
    let plan = routing::check(table, &catalogue.lengths()).plan.expect("the table checks");
    let clip = |id: &str| Some(Arc::new(Clip::from_samples(id, catalogue.prompts.get(id)?.samples.as_deref()?)));
    Arc::new(Edition::published(Arc::new(plan), Some(number), clip))
}

fn press(bench: &mut Bench, stream: StreamKey, key: char) -> Vec<Output> {
    bench.now = bench.now.after(Duration::from_secs(2));
    bench.give(Input::Media { stream, event: Event::Key(Key::from_char(key).expect("a key")) })
}

/// What plays now: names, and samples of the first.
fn plays(outputs: &[Output]) -> (Vec<String>, usize) {
    let clips = outputs.iter().find_map(|output| match output {
        Output::Media { command: Command::Play { clips, .. }, .. } => Some(clips),
        _ => None,
    });
    let clips = clips.expect("something plays");
    (clips.iter().map(|clip| clip.id.clone()).collect(), clips[0].eighths())
}

fn records(outputs: &[Output]) -> Vec<serde_json::Value> {
    let lines = outputs.iter().filter_map(|output| match output {
        Output::Journal { entry: Entry::End(line), .. } => Some(line),
        _ => None,
    });
    lines.map(|line| serde_json::from_str(line).expect("a record")).collect()
}

#[test]
fn a_live_call_keeps_rows_and_sounds_and_the_next_one_has_the_new() {
    // The new table has another menu and another centre, and none of the words `again` that the old call will still need.
    let new = TABLE
        .replace("prompt = \"again\"", "prompt = \"new\"")
        .replace("go = \"menu.main\"", "go = \"menu.other\"")
        .replace("[menu.main]", "[menu.other]")
        .replace("sip:counsel@", "sip:elsewhere@");
    let mut bench = Bench::of(edition(1, TABLE, 800));
    let (old, _, greeting) = bench.call(6001);
    assert_eq!(greeting[0].eighths(), 800);

    bench.give(Input::Published(edition(2, &new, 1600)));
    let (young, _, greeting) = bench.call(6002);
    assert_eq!(greeting[0].eighths(), 1600);

    for (stream, samples, words, target) in
        [(old, 800, "again", "sip:counsel@"), (young, 1600, "new", "sip:elsewhere@")]
    {
        // A key that the menu does not know cuts the greeting; the next one asks for a counsellor.
        let (names, length) = plays(&press(&mut bench, stream, '9'));
        assert_eq!((names.first().map(String::as_str), length), (Some(words), samples));
        let mut said = press(&mut bench, stream, '0');
        for play in 1..99 {
            let finished = Event::Finished(ivr1357::media::PlayKey(play));
            said.extend(bench.give(Input::Media { stream, event: finished }));
        }
        let refer = texts(&said).find(|text| text.starts_with("REFER ")).expect("a transfer");
        assert!(refer.contains(target), "{refer}");
    }

    bench.give(Input::Stop);
    // A NOTIFY might be behind our BYE.
    bench.now = bench.now.after(Duration::from_secs(1));
    let mut records = records(&bench.give(Input::Tick));
    records.sort_by_key(|record| record["version"].as_u64());
    assert_eq!((&records[0]["version"], &records[1]["version"]), (&1.into(), &2.into()));
    assert_eq!((&records[0]["path"][1], &records[1]["path"][1]), (&"menu.main".into(), &"menu.other".into()));
    assert_ne!(records[0]["table"], records[1]["table"]);
}

#[test]
fn taking_a_table_over_says_nothing_and_frees_nothing() {
    let old = edition(1, TABLE, 800);
    let mut bench = Bench::of(old.clone());
    let held = Arc::strong_count(&old);
    assert!(bench.give(Input::Published(edition(2, TABLE, 800))).is_empty());
    assert_eq!(
        Arc::strong_count(&old),
        held - 1,
        "without calls the engine lets it go, and whoever handed it over still has it"
    );
    assert_eq!(bench.engine.deadline(), None);
}
