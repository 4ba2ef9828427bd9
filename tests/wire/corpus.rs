//! The corpora of `fuzz/`, replayed: every input that once reached something new, through the very functions it was found with.

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;

use bodies::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn every_input_kept_from_fuzzing_still_holds_what_its_target_says() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, run) in TARGETS {
        let mut inputs: Vec<_> = fs::read_dir(corpus.join(name))
            .unwrap_or_else(|error| panic!("no corpus of {name}: {error}"))
            .map(|entry| entry.expect("an entry").path())
            .collect();
        inputs.sort();
        assert!(inputs.len() >= 10, "{name}: only {} inputs", inputs.len());
        for input in inputs {
            println!("{}", input.display());
            run(&fs::read(&input).expect("an input"));
        }
    }
}

#[test]
fn every_target_is_replayed() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = fs::read_dir(targets)
        .expect("the folder of targets")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, known);
}
