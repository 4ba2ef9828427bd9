//! What an operator sees: every small broken table in `tests/golden/routing` with its diagnostics in both languages.
//!
//! `BLESS=1 cargo test --test table routing_diagnostics` writes the texts anew; read their diff before it is committed.

use ivr1357::routing::{Heard, Language, Severity, check, check_bytes, check_without_sound, diagnostic, explain};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Prompts that have sound in these tests: two seconds each, so that a dozen are too long.
const SOUNDS: &[&str] = &[
    "greeting",
    "menu_main",
    "menu_fund",
    "again",
    "again_slowly",
    "invalid",
    "center_busy",
    "busy",
    "goodbye",
    "waiting_tone",
    "key_0",
    "key_1",
    "key_2",
    "key_3",
    "key_4",
    "key_5",
    "key_6",
    "key_7",
    "key_8",
    "key_9",
    "say/정책자금",
    "say/창업",
    "say/기술개발",
    "name/counsel",
    "center/counsel",
    "name/kised",
    "center/kised",
    "name/auri",
    "center/auri",
    "name/lost",
    "center/lost",
];

fn sounds() -> BTreeMap<String, Duration> {
    SOUNDS.iter().map(|id| (id.to_string(), Duration::from_secs(2))).collect()
}

fn cases() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/routing");
    let mut cases: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .expect("the golden folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    cases.sort();
    assert!(cases.len() >= 25, "the golden tables were not found");
    cases
}

#[test]
fn every_broken_table_is_explained_in_both_languages() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for (name, path) in cases() {
        let text = fs::read_to_string(&path).expect("the table is text");
        let checked = check(&text, &sounds());
        assert!(!checked.findings.is_empty(), "{name} is meant to have a mistake");
        for (language, suffix) in [(Language::Korean, "ko"), (Language::English, "en")] {
            let seen = diagnostic::render("routing.toml", &text, &checked.findings, language, false);
            let golden = path.with_extension(format!("{suffix}.txt"));
            if bless {
                fs::write(&golden, &seen).expect("the golden file can be written");
            } else if fs::read_to_string(&golden).ok().as_deref() != Some(seen.as_str()) {
                different.push(format!("{name}.{suffix}:\n{seen}"));
            }
        }
    }
    assert!(different.is_empty(), "not as kept (BLESS=1 writes them anew):\n{}", different.join("\n"));
}

#[test]
fn the_plan_is_withheld_exactly_when_there_is_an_error() {
    for (name, path) in cases() {
        let checked = check(&fs::read_to_string(&path).expect("the table is text"), &sounds());
        let errors = checked.findings.iter().any(|finding| finding.severity == Severity::Error);
        assert_eq!(checked.plan.is_none(), errors, "{name}");
    }
}

/// One broken line among right ones, and what the caret stands on.
fn caret(replace: &str, with: &str, code: &str, at: &str) {
    const RIGHT: &str = include_str!("../../routing.toml");
    assert!(RIGHT.contains(replace), "{replace}");
    let text = RIGHT.replacen(replace, with, 1);
    let plan = check_without_sound(RIGHT).plan.expect("the shipped table is right");
    let both = |id: &Arc<str>| [id.to_string(), format!("en/{id}")].map(|id| (id, Duration::from_millis(100)));
    let sounds = plan.prompts().iter().flat_map(both).collect();
    let checked = check(&text, &sounds);
    let found: Vec<(&str, &str)> =
        checked.findings.iter().map(|finding| (finding.code, &text[finding.span.clone()])).collect();
    assert_eq!(found, [(code, at)], "{with}");
}

#[test]
fn a_mistake_is_found_once_and_the_caret_stands_on_it() {
    for (replace, with, code, at) in [
        // Syntax: the row is understood as it was meant, so nothing else is reported.
        ("say = \"인력\", ", "say = \"인력, ", "E0101", "\"인력"),
        ("go = \"menu.people\" }", "go = \"menu.people\"", "E0101", "\"menu.people\""),
        ("go = \"menu.people\" }", "go = menu.people }", "E0101", "menu.people"),
        ("waiting  = \"waiting_tone\"", "waiting  = “waiting_tone”", "E0101", "“waiting_tone”"),
        ("[menu.people]", "[menu.people", "E0101", "[menu.people"),
        ("[menu.people]", "menu.people]", "E0101", "menu.people]"),
        ("[limits]", "[limits]\n월말 행사", "E0101", "월말"),
        // Fields.
        ("call_max = \"60m\"", "call_mx = \"60m\"", "E0102", "call_mx"),
        ("call_max = \"60m\"", "call_max = 60", "E0103", "60"),
        ("call_max = \"60m\"", "call_max = \"60 minutes\"", "E0103", "\"60 minutes\""),
        ("call_max = \"60m\"", "call_max = \"1s\"", "E0103", "\"1s\""),
        ("call_max = \"60m\"", "call_max = [\"60m\"]", "E0103", "[\"60m\"]"),
        ("barge_in      = true", "barge_in      = \"yes\"", "E0103", "\"yes\""),
        ("call_max = \"60m\"", "call_max = \"60m\"\ncalls = 600", "E0106", "calls"),
        ("\"refer\", \"next-target\"", "\"refer\", \"consult\"", "E0106", "\"consult\""),
        // Destinations.
        ("go = \"center.kised\"", "go = \"center.kisd\"", "E0201", "\"center.kisd\""),
        ("go = \"center.auri\"", "go = \"auri\"", "E0201", "\"auri\""),
        ("go       = \"menu.main\"", "go       = \"menu.mian\"", "E0201", "\"menu.mian\""),
        ("outside = \"hours.main\"", "outside = \"hours.mian\"", "E0201", "\"hours.mian\""),
        ("outside = \"hours.main\"", "outside = \"menu.main\"", "E0202", "\"menu.main\""),
        (
            "prompt = \"goodbye\", then = \"end\"",
            "prompt = \"goodbye\", then = \"menu.main\"",
            "E0205",
            "\"notice.goodbye\"",
        ),
        (
            "prompt = \"closed\",  then = \"end\"",
            "prompt = \"closed\",  then = \"notice.closed\"",
            "E0205",
            "\"notice.closed\"",
        ),
        (
            "\"next-target\", \"center.counsel\", \"notice.busy\"]",
            "\"next-target\", \"notice.busy\", \"center.counsel\"]",
            "E0203",
            "\"center.counsel\"",
        ),
        // Addresses, hours, sounds.
        ("\"sip:keit@127.0.0.1:5070\"", "\"keit@127.0.0.1:5070\"", "E0303", "\"keit@127.0.0.1:5070\""),
        ("\"sip:keit@127.0.0.1:5070\"", "\"sip:1357@localhost\"", "E0304", "\"sip:1357@localhost\""),
        ("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 18:00-09:00\"]", "W0406", "\"월-금 18:00-09:00\""),
        ("main = [\"월-금 09:00-18:00\"]", "main = [\"월－금 09:00-18:00\"]", "E0105", "\"월－금 09:00-18:00\""),
        ("greeting = \"greeting\"", "greeting = \"greetings\"", "E0501", "\"greetings\""),
        ("profile  = \"kr-ars-2009\"", "profile  = \"kr\"", "E0103", "\"kr\""),
        ("\"#\" = \"back\"", "\"#\" = \"repeat\"", "K1002", "\"#\""),
    ] {
        caret(replace, with, code, at);
    }
}

#[test]
fn a_file_in_another_encoding_says_how_to_save_it() {
    let korean_windows = b"schema = 1\n# \xc1\xa4\xc3\xa5\xc0\xda\xb1\xdd\n";
    let utf_16: Vec<u8> = "\u{feff}schema = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, line, says) in
        [(korean_windows.as_slice(), 2, "CP949"), (&utf_16, 1, "UTF-16"), (b"schema = \x80", 1, "UTF-8")]
    {
        let checked = check_bytes(bytes, &Heard::of_lengths(&sounds()));
        let [finding] = checked.findings.as_slice() else { panic!("one finding: {:?}", checked.findings) };
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(finding.code, "E0105");
        assert!(finding.message[1].contains(says), "{:?}", finding.message);
        assert_eq!(diagnostic::position(&text, finding.span.start).0, line);
        assert!(checked.plan.is_none());
    }
}

#[test]
fn many_notes_neither_refuse_a_table_nor_hide_its_one_error() {
    let deep: String = (0..400)
        .map(|n| format!("[menu.d{n}]\nprompt = \"menu_fund\"\n0 = \"center.counsel\"\n1 = \"menu.d{}\"\n", n + 1))
        .collect();
    let text = include_str!("../../routing.toml").replace("[menu.fund]\n", "[menu.fund]\n4 = \"menu.d0\"\n")
        + &deep
        + "[menu.d400]\nprompt = \"menu_fund\"\n1 = \"center.counsel\"\n";
    let checked = check_without_sound(&text);
    assert!(checked.plan.is_some() && checked.findings.len() > 300, "{:?}", checked.findings.last());
    let wrong = text.replace("prompt = \"goodbye\", then = \"end\"", "prompt = \"goodbye\"");
    let checked = check_without_sound(&wrong);
    assert!(checked.plan.is_none() && checked.findings.iter().any(|finding| finding.code == "E0204"));
}

#[test]
fn carets_count_korean_letters_as_two_columns() {
    let text = "schema = 1\n[menu.main]\nprompt = \"한글\" # 한글\n";
    let checked = check(text, &sounds());
    let seen = diagnostic::render("routing.toml", text, &checked.findings, Language::Korean, false);
    // The quotes and two letters of two columns each.
    assert!(seen.contains("3 │ prompt = \"한글\" # 한글\n  │          ^^^^^^\n"), "{seen}");
}

/// Every code that the sources can report.
fn codes() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut codes = BTreeSet::new();
    for folder in ["src/routing/check", "src/routing/file"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let text = fs::read_to_string(entry.expect("an entry").path()).expect("a source file");
            codes.extend(text.split('"').filter(|word| is_code(word)).map(str::to_owned));
        }
    }
    assert!(codes.len() > 30, "{codes:?}");
    codes
}

#[test]
fn every_code_has_an_explanation_and_no_explanation_a_code_that_is_gone() {
    let explained: BTreeSet<String> = explain::ALL.iter().map(|explanation| explanation.code.to_owned()).collect();
    assert_eq!(codes(), explained);
    for explanation in explain::ALL {
        let texts = [explanation.finds, explanation.why].concat();
        assert!(texts.iter().all(|text| !text.is_empty()) && !explanation.wrong.is_empty(), "{}", explanation.code);
        assert_eq!(explain::find(&explanation.code.to_lowercase()).map(|found| found.code), Some(explanation.code));
    }
}

/// The shipped table with the slip of an explanation: in place of the right line, or under its rows' headers.
fn slipped(explanation: &explain::Explanation) -> String {
    const RIGHT: &str = include_str!("../../routing.toml");
    if !explanation.right.is_empty() {
        assert!(RIGHT.contains(explanation.right), "{}: the right line stands in the table", explanation.code);
        return RIGHT.replacen(explanation.right, explanation.wrong, 1);
    }
    let mut text = RIGHT.to_owned();
    let mut at = 0;
    for line in explanation.wrong.lines() {
        if line.starts_with('[') {
            let header = format!("\n{line}\n");
            at = text.find(&header).map_or_else(
                || {
                    text.push_str(&header);
                    text.len()
                },
                |found| found + header.len(),
            );
        } else {
            let line = format!("{line}\n");
            text.insert_str(at, &line);
            at += line.len();
        }
    }
    text
}

#[test]
fn the_example_of_every_code_brings_it_about_and_the_right_table_does_not() {
    let right = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table is right");
    // What prompts say stands in no table: `spoken` brings these about.
    // The shipped table has holidays: `openings` brings W0405 about.
    let of_words =
        |code: &str| matches!(code, "W0405" | "W0502" | "E0503" | "E0504" | "W0506" | "W0508" | "K1005" | "K1007");
    for explanation in explain::ALL.iter().filter(|explanation| !of_words(explanation.code)) {
        let mut text = slipped(explanation);
        if explanation.code == "E0100" {
            text = (0..400).map(|n| format!("a{n} = 1\n")).collect::<String>() + &text;
        }
        let long = if explanation.code == "W0505" { 2_000 } else { 100 };
        let sounds = right.prompts().iter().map(|id| (id.to_string(), Duration::from_millis(long))).collect();
        let found: Vec<_> = check(&text, &sounds).findings.iter().map(|finding| finding.code).collect();
        assert!(found.contains(&explanation.code), "{}: {found:?}\n{}", explanation.code, explanation.wrong);
    }
}

#[test]
fn the_explanations_are_as_kept_in_both_languages() {
    for (language, suffix) in [(Language::Korean, "ko"), (Language::English, "en")] {
        let seen = explain::ALL.iter().map(|one| explain::render(one, language)).collect::<Vec<_>>().join("\n");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/explain.{suffix}.txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &seen).expect("the golden file can be written");
        }
        assert!(fs::read_to_string(&golden).ok().as_deref() == Some(seen.as_str()), "BLESS=1 writes {golden:?} anew");
    }
}

#[test]
fn the_page_of_the_language_lists_every_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ROUTING.md");
    let text = fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once("<!-- codes -->\n").expect("where the codes begin");
    let (_, after) = rest.split_once("<!-- end of codes -->").expect("where they end");
    let row = |one: &explain::Explanation| format!("| {} | {} | {} |\n", one.code, one.finds[0], one.finds[1]);
    let rows: String = explain::ALL.iter().map(row).collect();
    let right = format!("{before}<!-- codes -->\n| 번호 | 뜻 | |\n|---|---|---|\n{rows}<!-- end of codes -->{after}");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&page, &right).expect("the page can be written");
    } else {
        assert!(text == right, "BLESS=1 writes the table of codes anew");
    }
}

fn is_code(word: &str) -> bool {
    word.len() == 5 && word.starts_with(['E', 'W', 'K']) && word[1..].bytes().all(|byte| byte.is_ascii_digit())
}
