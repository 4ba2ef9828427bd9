//! docs/CONFORMANCE.md claims nothing that no test shows: every test it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The functions behind `#[test]`, or inside `proptest!`, of every Rust file below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let mut lines = text.lines().map(str::trim);
            while lines.any(|line| line == "#[test]" || line.starts_with("#[tokio::test")) {
                let name = lines.find_map(|line| line.split_once("fn ").map(|(_, rest)| rest));
                let name = name.and_then(|rest| rest.split(['(', '<']).next()).expect("a function behind #[test]");
                found.insert(name.to_owned());
            }
        }
    }
}

fn exists(root: &Path, tests: &BTreeSet<String>, scenarios: &str, name: &str) -> bool {
    if let Some(scenario) = name.strip_prefix("sipp ") {
        let centre = scenario.strip_prefix("reach-");
        let row = |line: &str| line.starts_with(&format!("{scenario}|"));
        let reach = |line: &str| centre.is_some_and(|centre| line.split(' ').nth(1) == Some(centre));
        return scenarios.lines().any(|line| row(line) || reach(line));
    }
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("flow") => root.join("tests/flows").join(name).exists(),
        Some("sip") => root.join("tests/wire/torture/messages").join(name).exists(),
        _ => name == "rfc4475" || tests.contains(name),
    }
}

#[test]
fn every_claim_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    tests_below(&root.join("src"), &mut tests);
    tests_below(&root.join("tests"), &mut tests);
    let scenarios = fs::read_to_string(root.join("sipp-scenarios/run")).expect("the scenario runner");
    let document = fs::read_to_string(root.join("docs/CONFORMANCE.md")).expect("docs/CONFORMANCE.md");
    let rows: Vec<&str> =
        document.lines().filter(|line| line.starts_with("| ") && !line.contains("| done |")).collect();
    assert!(rows.len() > 50, "the tables were not found");
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [.., done, shown] = *cells else { panic!("a short row: {row}") };
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        let claims = match done.split(':').next() {
            Some("yes" | "partly") => true,
            Some("no") => false,
            _ => panic!("neither yes, partly nor no: {row}"),
        };
        if claims == named.is_empty() {
            wrong.push(format!("a claim without a test, or a test without a claim: {row}"));
        }
        wrong.extend(
            named.iter().filter(|name| !exists(root, &tests, &scenarios, name)).map(|name| format!("no {name}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
