//! The end of a call that was recorded: its record waits for what became of the recording, not for ever, and says nothing that nobody knows.

use crate::bench::{Bench, texts};
use ivr1357::engine::{Edition, Entry, Input, Output};
use ivr1357::media::{Clip, Command, Ended, Event, Loss, RecordingEnd, RecordingKey, StreamKey};
use ivr1357::routing;
use ivr1357::time::Duration;
use serde_json::{Value, json};
use std::sync::Arc;

/// A bench whose calls are recorded from the end of their greeting, and one that has heard it.
fn recorded() -> (Bench, StreamKey, RecordingKey) {
    let table =
        crate::bench::TABLE.replacen("greeting = \"greeting\"\n", "greeting = \"greeting\"\nrecord = true\n", 1);
    let lengths = ["tone", "greeting", "again", "center/counsel"].map(|id| (id.to_owned(), Duration::from_secs(1)));
    let plan = routing::check(&table, &lengths.into()).plan.expect("the table checks");
    let clip = |id: &str| Some(Arc::new(Clip::from_samples(id, &[0; 8000])));
    let mut bench = Bench::of(Arc::new(Edition::published(Arc::new(plan), None, clip)));
    let (stream, play, _) = bench.call(6000);
    let out = bench.give(Input::Media { stream, event: Event::Finished(play) });
    let key = begun(&out);
    (bench, stream, key)
}

/// The recording that begins.
fn begun(out: &[Output]) -> RecordingKey {
    let begun = out.iter().find_map(|output| match output {
        Output::Media { command: Command::Record(recording), .. } => Some(recording.key),
        _ => None,
    });
    begun.expect("a recording begins")
}

/// What the writer tells of it: two seconds, of which one is silent.
fn end(bench: &mut Bench, stream: StreamKey, key: RecordingKey, end: RecordingEnd) -> Vec<Output> {
    let [length, spoken, hushed] = [2, 1, 1].map(Duration::from_secs);
    bench.give(Input::Media { stream, event: Event::Recorded(Ended { key, length, spoken, hushed, end }) })
}

/// What the record that is written says of its recordings: result, reason, length.
fn written(out: &[Output]) -> Option<Value> {
    let line = out.iter().find_map(|output| match output {
        Output::Journal { entry: Entry::End(line), .. } => Some(line),
        _ => None,
    });
    let record: Value = serde_json::from_str(line?).expect("JSON");
    let recordings = record["recordings"].as_array().into_iter().flatten();
    Some(recordings.map(|one| json!([one["result"], one["why"], one["length_ms"]])).collect())
}

#[test]
fn a_record_waits_for_its_recording_behind_the_last_word_of_the_stream() {
    for (told, said) in [
        (RecordingEnd::Told, json!([["kept", null, 2000]])),
        (RecordingEnd::Failed(Loss::Disk), json!([["failed", "disk", 2000]])),
        (RecordingEnd::Failed(Loss::Slow), json!([["failed", "slow-disk", 2000]])),
    ] {
        let (mut bench, stream, key) = recorded();
        // The stream says its last word at once.
        assert_eq!(written(&bench.bye(6000)), None);
        assert_eq!(bench.engine.calls(), 1);
        bench.now = bench.now.after(Duration::from_millis(1900));
        assert_eq!(written(&bench.give(Input::Tick)), None);
        assert_eq!(written(&end(&mut bench, stream, key, told)), Some(said));
        assert_eq!(bench.engine.calls(), 0);
    }
}

#[test]
fn a_disk_that_is_slower_than_the_patience_leaves_the_record_without_a_claim() {
    let (mut bench, stream, key) = recorded();
    bench.bye(6000);
    bench.now = bench.now.after(Duration::from_secs(2));
    assert_eq!(written(&bench.give(Input::Tick)), Some(json!([["unknown", null, null]])));
    assert_eq!(written(&end(&mut bench, stream, key, RecordingEnd::Told)), None, "one record");
    assert_eq!(bench.engine.calls(), 0);
}

#[test]
fn a_stop_waits_for_recordings_and_its_end_writes_what_is_known() {
    for told in [true, false] {
        let (mut bench, stream, key) = recorded();
        assert_eq!(written(&bench.give(Input::Stop)), None);
        assert_eq!(bench.engine.calls(), 1, "the process goes on for it");
        if told {
            let out = end(&mut bench, stream, key, RecordingEnd::Told);
            assert_eq!(written(&out), Some(json!([["kept", null, 2000]])));
        }
        let out = bench.give(Input::End);
        assert_eq!(written(&out), (!told).then(|| json!([["unknown", null, null]])));
        assert_eq!(bench.engine.calls(), 0);
    }
}

#[test]
fn a_recording_that_was_torn_by_a_take_over_is_told_by_whoever_wrote_it() {
    let (mut bench, old, first) = recorded();
    let (stream, out) = bench.take_over(6000, 6100);
    assert!(out.iter().any(|output| matches!(output, Output::CloseStream { stream } if *stream == old)));
    let answer = texts(&out).find(|text| text.starts_with("SIP/2.0 200")).expect("a 200");
    let (play, _) = bench.acknowledge(6100, &answer);
    let second = begun(&bench.give(Input::Media { stream, event: Event::Finished(play) }));
    assert_ne!(first, second);
    assert_eq!(written(&bench.bye(6100)), None);
    assert_eq!(written(&end(&mut bench, stream, second, RecordingEnd::Told)), None, "one is still to be told");
    let out = end(&mut bench, old, first, RecordingEnd::Failed(Loss::Disk));
    assert_eq!(written(&out), Some(json!([["failed", "disk", 2000], ["kept", null, 2000]])));
}
