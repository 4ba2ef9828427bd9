//! Holds the import table of docs/ARCHITECTURE.md: bytes -> messages -> calls -> engine -> shell, never back.
//!
//! Reads every `crate::` and `super::` path in `src/`, not only `use` lines. And no test is left out of the programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which module paths a file may name; the first row that fits a file holds for it. A target matches when it equals an entry or lies below it.
const TABLE: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("number", &["limits"]),
    ("random", &[]),
    ("limits", &[]),
    ("sip", &["time", "random", "limits", "number"]),
    ("sdp", &["limits"]),
    ("media", &["time", "number", "random", "limits", "sdp"]),
    ("leg", &["time", "number", "random", "limits", "sip", "sdp", "media"]),
    ("speech", &["time", "number", "limits", "media::codec"]),
    ("routing", &["time", "number", "limits", "sip::uri", "speech::naming", "speech::phrase"]),
    (
        "call",
        &[
            "time",
            "number",
            "limits",
            "routing",
            "speech",
            "sip::uri",
            "sip::status",
            "media::Command",
            "media::Event",
            "media::Loss",
            "media::PlayKey",
            "media::RecordingKey",
            "media::Report",
            "media::Sides",
            "media::quality",
        ],
    ),
    ("chart", &["number", "routing"]),
    (
        "proof",
        &[
            "time",
            "number",
            "limits",
            "speech",
            "routing",
            "call",
            "sip::status",
            "media::Loss",
            "media::PlayKey",
            "media::RecordingKey",
        ],
    ),
    ("engine", &["time", "number", "random", "limits", "sip", "sdp", "media", "leg", "speech", "routing", "call"]),
    ("sim::caller", &["time", "random", "sim::fault"]),
    ("sim::fault", &[]),
    ("sim::noise", &["random"]),
    ("sim::backend", &["time", "random"]),
    ("sim::network", &["time", "random"]),
    (
        "sim",
        &["engine", "time", "number", "random", "limits", "sip", "sdp", "media", "leg", "speech", "routing", "call"],
    ),
    // The clips, codecs (`sdp::Codec`) and keys of the streams it carries count as `media::stream`'s; `sip` lends its address types and what the settings say of peers.
    (
        "shell",
        &[
            "engine",
            "media",
            "sdp::Codec",
            "sdp::Codecs",
            "speech",
            "routing",
            "time",
            "limits",
            "number",
            "random",
            "sip::Flow",
            "sip::Transport",
            "sip::trunk",
            "sip::locate",
            "sip::uri",
            "sip::urgency",
        ],
    ),
    // It reads what others sent and received, with the codecs, keys and measures of those who send.
    ("hearing", &["time", "number", "limits", "media", "sdp::Codec", "speech"]),
    ("cli", &["shell", "sim", "proof", "chart", "hearing", "routing", "limits", "time", "speech", "sdp::Codec"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

#[test]
fn imports_point_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let mut wrong = Vec::new();
    for file in files {
        let module = module_of(&source, &file);
        // Tests may build what they need, in a file of their own as well.
        if module.ends_with("::tests") {
            continue;
        }
        let (own, allowed) = TABLE
            .iter()
            .find(|(prefix, _)| lies_below(&module, prefix))
            .unwrap_or_else(|| panic!("src module {module} stands in no row of the table"));
        let text = without_tests_and_comments(&fs::read_to_string(&file).expect("a source file"));
        for path in paths(&text, &module) {
            let fine = lies_below(&path, own) || allowed.iter().any(|entry| lies_below(&path, entry));
            if !fine {
                wrong.push(format!("{module} names crate::{path}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "imports against the table:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_catches_a_path_that_points_back() {
    assert_eq!(
        paths("use crate::{engine::Engine, time::Now};\nfn f() { super::super::shell::run() }", "sip::agent"),
        BTreeSet::from(["engine::Engine".into(), "time::Now".into(), "shell::run".into()])
    );
    assert!(!lies_below("sip::agent", "sip::uri"));
    assert!(lies_below("sip::uri::SipUri", "sip::uri"));
    assert!(!lies_below("simulator", "sim"));
}

#[test]
fn nothing_is_left_open_in_the_sources() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        for word in ["todo!(", "unimplemented!(", "dbg!("] {
            assert!(!text.contains(word), "{} holds {word}", file.display());
        }
    }
}

#[test]
fn every_file_of_tests_is_a_module_of_its_program() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    for program in ["table", "calls", "wire", "live", "project"] {
        collect(&tests.join(program), &mut files);
    }
    assert!(files.len() > 50, "the tests were not found");
    let forgotten: Vec<_> = files.iter().filter(|file| !is_named_by_its_parent(file)).collect();
    assert!(forgotten.is_empty(), "never compiled, so never run: {forgotten:#?}");
}

fn is_named_by_its_parent(file: &Path) -> bool {
    let folder = file.parent().expect("below tests");
    let (module, folder) = match file.file_stem().and_then(|stem| stem.to_str()).expect("a name") {
        "main" => return true,
        "mod" => {
            (folder.file_name().and_then(|name| name.to_str()).expect("a name"), folder.parent().expect("a folder"))
        }
        name => (name, folder),
    };
    let parent = ["main.rs", "mod.rs"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default()).concat();
    parent.lines().any(|line| line == format!("mod {module};"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn module_of(source: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(source).expect("below src").with_extension("");
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let parts = match parts.split_last() {
        Some((last, rest)) if last == "mod" => rest.to_vec(),
        _ => parts,
    };
    parts.join("::")
}

fn lies_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Tests may look further than the code they test; comments may name anything.
fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Every path from the crate's root that the text names.
fn paths(text: &str, module: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (marker, base) in [("crate::", Some(String::new())), ("super::", None)] {
        for (at, _) in text.match_indices(marker) {
            let before = text[..at].chars().next_back();
            let mut tail = &text[at + marker.len()..];
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let base = match &base {
                Some(base) => base.clone(),
                None => {
                    let mut parts: Vec<&str> = module.split("::").collect();
                    parts.pop();
                    while let Some(further) = tail.strip_prefix("super::") {
                        parts.pop();
                        tail = further;
                    }
                    parts.join("::")
                }
            };
            expand(&base, tail, &mut found);
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(base: &str, tail: &str, found: &mut BTreeSet<String>) {
    let end = tail.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(tail.len());
    let head = tail[..end].trim_end_matches(':');
    let join = |name: &str| match (base.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => base.to_owned(),
        _ => format!("{base}::{name}"),
    };
    if !tail[end..].starts_with('{') {
        found.insert(join(head));
        return;
    }
    let inner = &tail[end + 1..];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                expand(&join(head), inner[start..at].trim(), found);
                return;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&join(head), inner[start..at].trim(), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}
