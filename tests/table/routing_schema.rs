//! The editor's schema and the pages of the language say exactly what the checker reads.
//!
//! `BLESS=1 cargo test --test table routing_schema` writes `docs/routing.schema.json` and the tables of fields anew.

use ivr1357::routing::diagnostic::Severity;
use ivr1357::routing::{Language, check_heard, check_without_sound, diagnostic, schema};
use ivr1357::shell::table;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A field nobody has, and not like any that somebody has.
const UNKNOWN: &str = "zzzzzzzzzzzz";

/// The smallest text with an unknown field in each row of the schema.
fn probe(row: &str) -> String {
    let field = format!("{UNKNOWN} = 1");
    match row {
        "routing.toml" => field,
        "number" => format!("[number.a]\n{field}"),
        "when" => format!("[number.a]\nwhen = [{{ {field} }}]"),
        "menu" => format!("[menu.a]\n{field}"),
        "input" => format!("[input.a]\n{field}"),
        "choice" => format!("[menu.a]\n1 = {{ {field} }}"),
        "no_input" => format!("[menu.a]\nno_input = {{ {field} }}"),
        "center" => format!("[center.a]\n{field}"),
        "sip" => format!("[center.a]\nsip = [{{ {field} }}]"),
        "message" => format!("[message.a]\n{field}"),
        "notice" => format!("[notice.a]\n{field}"),
        "test" => format!("[[test]]\n{field}"),
        "holidays" | "limits" | "prove" | "defaults.menu" | "defaults.input" | "defaults.transfer" => {
            format!("[{row}]\n{field}")
        }
        row => panic!("the row {row} has no probe"),
    }
}

#[test]
fn the_schema_has_the_fields_the_checker_asks_for() {
    for (row, fields) in schema::rows() {
        let text = probe(row);
        let findings = check_without_sound(&text).findings;
        let told =
            findings.iter().find(|finding| finding.code == "E0102").unwrap_or_else(|| panic!("{row}: {findings:?}"));
        let asked = told.help[1].strip_prefix("fields here: ").unwrap_or_else(|| panic!("{row}: {:?}", told.help));
        let asked: BTreeSet<&str> = asked.split(", ").collect();
        let described: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(asked, described, "{row}");
        for (name, description) in &fields {
            assert!(description.contains(" / "), "{row}.{name} is described in both languages: {description}");
        }
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

#[test]
fn the_schema_that_is_kept_is_the_one_the_program_prints() {
    let path = docs().join("routing.schema.json");
    let right = format!("{:#}\n", schema::json());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &right).expect("it can be written");
    }
    assert!(fs::read_to_string(&path).is_ok_and(|text| text == right), "BLESS=1 writes it anew");
}

#[test]
fn the_pages_explain_every_field_in_both_languages() {
    for (page, at, heads) in [("ROUTING.md", 0, "| 값 | 뜻 |"), ("ROUTING.en.md", 1, "| field | meaning |")] {
        let path = docs().join(page);
        let text = fs::read_to_string(&path).expect("the page");
        let mut right = text.clone();
        for (row, fields) in schema::rows() {
            let (begin, end) = (format!("<!-- fields of {row} -->\n"), "<!-- end -->");
            let start = right.find(&begin).unwrap_or_else(|| panic!("{page} has no place for {row}")) + begin.len();
            let stop = start + right[start..].find(end).expect("the end of the place");
            let meaning = |description: &str| description.split(" / ").nth(at).unwrap_or("").replace('|', "\\|");
            let rows = fields.iter().map(|(name, description)| format!("| `{name}` | {} |\n", meaning(description)));
            right.replace_range(start..stop, &format!("{heads}\n|---|---|\n{}", rows.collect::<String>()));
        }
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &right).expect("the page can be written");
        } else {
            assert!(text == right, "{page}: BLESS=1 writes its tables anew");
        }
    }
}

/// A reader copies an example into the table that ships. What is missing then may be a way to its rows and words in other languages, nothing else.
#[test]
fn the_examples_of_the_pages_stand_in_the_shipped_table() {
    let root = docs().join("..");
    let shipped = fs::read_to_string(root.join("routing.toml")).expect("the table");
    let Ok(catalogue) = table::load_prompts(&root.join("prompts"), Language::English) else {
        panic!("the prompts can be read")
    };
    for page in ["ROUTING.md", "ROUTING.en.md"] {
        let text = fs::read_to_string(docs().join(page)).expect("the page");
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
        let mut examples: Vec<String> = blocks.map(|(block, _)| block.to_owned()).collect();
        let input = text.split_once("\n`business = {").and_then(|(_, rest)| rest.split_once("`\n")).expect("an input");
        let then = r#"{ then = "center.counsel" }"#;
        examples
            .push(format!("[input]\nbusiness = {{{}\n[defaults.input]\nno_input = {then}\nno_match = {then}", input.0));
        assert_eq!(examples.len(), 4, "{page}");
        for example in examples {
            let joined = pasted(&shipped, &example);
            let mut checked = check_heard(&joined, &table::heard(&catalogue));
            checked.findings.retain(|finding| finding.severity == Severity::Error && finding.code != "E0203");
            let report = diagnostic::render(page, &joined, &checked.findings, Language::English, false);
            assert!(checked.findings.is_empty(), "{report}");
        }
    }
}

/// A table with an example in it: fields of a row that is there stand in the place of its own.
fn pasted(table: &str, example: &str) -> String {
    let mut lines: Vec<&str> = table.lines().collect();
    let mut at = lines.len();
    let mut is_new = true;
    for line in example.lines() {
        if line.starts_with('[') {
            let known = lines.iter().position(|other| *other == line);
            is_new = known.is_none();
            at = known.map_or(lines.len(), |row| row + 1);
            if !is_new {
                continue;
            }
        } else if !is_new && let Some((field, _)) = line.split_once('=') {
            let row_ends =
                lines.iter().skip(at).position(|other| other.starts_with('[')).map_or(lines.len(), |n| at + n);
            let own = |other: &&str| other.split_once('=').is_some_and(|(own, _)| own.trim() == field.trim());
            if let Some(n) = lines.iter().take(row_ends).skip(at).position(own) {
                lines.remove(at + n);
            }
        }
        lines.insert(at, line);
        at += 1;
    }
    lines.join("\n")
}
