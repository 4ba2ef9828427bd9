//! Whatever stands in the file, the checker answers: it never panics, and what it points at lies in the text.

use ivr1357::routing::{Language, Severity, check_bytes, check_without_sound, diagnostic};
use proptest::prelude::*;

const SHIPPED: &str = include_str!("../../routing.toml");

/// Checks and renders in every way; a file without a plan must say why.
fn survives(bytes: &[u8]) {
    let checked = check_bytes(bytes, &Default::default());
    let text = String::from_utf8_lossy(bytes);
    for finding in &checked.findings {
        assert!(finding.span.start <= finding.span.end && finding.span.end <= text.len(), "{finding:?}");
        assert!(text.is_char_boundary(finding.span.start) && text.is_char_boundary(finding.span.end), "{finding:?}");
        assert!(finding.message.iter().all(|message| !message.is_empty()), "{finding:?}");
    }
    let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    assert_eq!(checked.plan.is_none(), errors > 0);
    for language in [Language::Korean, Language::English] {
        let report = diagnostic::render("t.toml", &text, &checked.findings, language, true);
        assert!(!report.is_empty());
    }
    diagnostic::to_json("t.toml", &text, &checked.findings);
    check_without_sound(&text);
}

/// Pieces that mean something to the reader, so that chance finds the seams between them.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "\"",
        "'",
        "\"\"\"",
        "{",
        "}",
        "[",
        "]",
        "[[",
        "]]",
        "=",
        ",",
        ".",
        "#",
        "\n",
        "\r\n",
        " ",
        "\\",
        "\u{feff}",
        "１",
        "“",
        "menu",
        "center",
        "notice",
        "number",
        "hours",
        "defaults",
        "[menu.main]\n",
        "[menu]",
        "a.b.c = 1\n",
        "menu.main",
        "then = \"end\"",
        "go = \"menu.main\"",
        "say = \"정책자금\"",
        "keys = {",
        "0",
        "10",
        "-",
        "1e9",
        "1979-05-27",
        "true",
        "sip = [\"sip:a@b\"]",
        "가",
        "\u{0}",
        "inf",
        "\"20s\"",
        "schema = 1\n",
        "x = \"\"\"\n",
        "\\u00e9",
        "[a.a.a.a]",
    ];
    proptest::sample::select(pieces.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn any_order_of_the_pieces_of_a_table(pieces in proptest::collection::vec(piece(), 0..60)) {
        survives(pieces.concat().as_bytes());
    }

    #[test]
    fn the_shipped_table_with_a_few_slips(slips in proptest::collection::vec((any::<prop::sample::Index>(), 0..4u8, piece()), 1..6)) {
        let mut characters: Vec<char> = SHIPPED.chars().collect();
        for (at, kind, piece) in slips {
            let at = at.index(characters.len());
            match kind {
                0 => { characters.remove(at); }
                1 => { characters.splice(at..at, piece.chars()); }
                2 => { characters.truncate(at.max(1)); }
                _ => { let other = (at * 7 + 3) % characters.len(); characters.swap(at, other); }
            }
        }
        survives(characters.iter().collect::<String>().as_bytes());
    }

    #[test]
    fn the_shipped_table_without_some_lines(gone in proptest::collection::vec(any::<prop::sample::Index>(), 1..5)) {
        let mut lines: Vec<&str> = SHIPPED.lines().collect();
        for at in gone {
            let at = at.index(lines.len());
            lines.remove(at);
        }
        survives(lines.join("\n").as_bytes());
    }
}

#[test]
fn a_file_that_only_nests_is_refused_without_harm() {
    for text in [
        "[".repeat(200_000),
        "{".repeat(200_000),
        "a = ".to_owned() + &"[".repeat(100_000),
        "a = ".to_owned() + &"{a=".repeat(100_000),
        format!("[{}a]", "a.".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        "a = \"\n".repeat(5_000),
        "a = [\n".repeat(5_000),
        "[menu.a]\n".repeat(5_000),
    ] {
        survives(text.as_bytes());
    }
}
