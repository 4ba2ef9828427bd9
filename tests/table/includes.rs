//! A table in several files: one table to all who use it, and each place in its own file to people.

use ivr1357::cli::test::{report, run};
use ivr1357::routing::{Language, bundle, check_bytes, check_without_sound, diagnostic, resolved};
use ivr1357::shell::table::{Files, Table, read};
use std::fs;
use std::path::{Path, PathBuf};

const SHIPPED: &str = include_str!("../../routing.toml");

/// A folder of its own with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ivr1357-includes-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

/// The shipped table with its centres, its holidays and its tests in files of their own.
fn split() -> (String, String, String) {
    let (menus, rest) = SHIPPED.split_once("[center]\n").expect("centres");
    let (centers, rest) = rest.split_once("[notice]\n").expect("notices");
    let (notices, tests) = rest.split_once("[[test]]\n").expect("tests");
    let main = format!("{menus}[notice]\n{notices}").replacen(
        "schema   = 1\n",
        "schema   = 1\ninclude  = [\"centers/all.toml\", \"tests.toml\"]\n",
        1,
    );
    let tests = format!("#:schema docs/routing.schema.json\nschema = 1\n[[test]]\n{tests}");
    (main, format!("[center]\n{centers}"), tests)
}

fn codes(table: &Path) -> Vec<(&'static str, String)> {
    let bytes = read(table, Language::English).expect("readable");
    let text = String::from_utf8_lossy(&bytes);
    let findings = check_without_sound(&text).findings;
    let place = |at: usize| {
        let (file, line, _) = bundle::place("routing.toml", &text, at);
        format!("{file}:{line}")
    };
    findings.iter().map(|finding| (finding.code, place(finding.span.start))).collect()
}

#[test]
fn a_table_in_files_is_the_table_in_one() {
    let (main, centers, tests) = split();
    let folder = folder("whole", &[("routing.toml", &main), ("centers/all.toml", &centers), ("tests.toml", &tests)]);
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let files = Files { routing: folder.join("routing.toml"), prompts: prompts.clone(), language: Language::English };
    let table = Table::load(&files).unwrap_or_else(|error| panic!("{error}"));
    let heard = ivr1357::shell::table::heard(&table.catalogue);
    let one = check_bytes(SHIPPED.as_bytes(), &heard).plan.expect("the shipped table");
    assert_eq!(format!("{:?}", table.plan.centers), format!("{:?}", one.centers));
    assert_eq!((table.plan.menus.len(), table.plan.tests.len()), (one.menus.len(), one.tests.len()));
    assert_ne!(table.plan.version, one.version);
    let one = check_bytes(SHIPPED.as_bytes(), &ivr1357::shell::table::heard(&table.catalogue)).plan;
    let one = std::sync::Arc::new(one.expect("the shipped table with its sounds"));
    let found = ivr1357::proof::diff::compare(&one, &table.plan);
    assert_eq!(found, []);
    // A change in any file is another version.
    let before = table.plan.version.clone();
    fs::write(folder.join("centers/all.toml"), format!("{centers}# a remark\n")).expect("written");
    assert_ne!(Table::load(&files).expect("still right").plan.version, before);
    // Every file of the table, for whoever keeps tables.
    let bytes = read(&files.routing, Language::English).expect("readable");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let names: Vec<_> = bundle::parts(&text).iter().map(|part| part.name.unwrap_or("")).collect();
    assert_eq!(names, ["routing.toml", "centers/all.toml", "tests.toml"]);
    assert_eq!(bundle::parts(&text)[0].text, main);
    // What was kept is the table, wherever it lies.
    fs::remove_dir_all(&folder).expect("removed");
    assert!(check_bytes(text.as_bytes(), &ivr1357::shell::table::heard(&table.catalogue)).plan.is_some());
}

#[test]
fn people_are_told_the_file_and_the_line() {
    let (main, centers, tests) = split();
    let broken = centers.replacen("sip:keit@127.0.0.1:5070", "keit@127.0.0.1:5070", 1);
    let wrong_test = tests.replacen("end    = \"center.kosmes\"", "end    = \"center.semas\"", 1);
    let folder = folder("told", &[("routing.toml", &main), ("centers/all.toml", &broken), ("tests.toml", &wrong_test)]);
    let path = folder.join("routing.toml");
    let line = broken.lines().position(|line| line.contains("keit@")).expect("the line") + 1;
    assert_eq!(codes(&path), [("E0303", format!("centers/all.toml:{line}"))]);
    let text = String::from_utf8(read(&path, Language::English).expect("readable")).expect("UTF-8");
    let findings = check_without_sound(&text).findings;
    let shown = diagnostic::render("tables/routing.toml", &text, &findings, Language::Korean, false);
    assert!(shown.contains(&format!("┌─ tables/centers/all.toml:{line}:")), "{shown}");
    let json = diagnostic::to_json("routing.toml", &text, &findings);
    assert_eq!(json["findings"][0]["place"]["file"], "centers/all.toml");
    assert_eq!(json["findings"][0]["place"]["start"]["line"], line);

    fs::write(folder.join("centers/all.toml"), &centers).expect("written");
    let text = String::from_utf8(read(&path, Language::English).expect("readable")).expect("UTF-8");
    let plan = std::sync::Arc::new(check_without_sound(&text).plan.expect("right again"));
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko");
    let Ok(catalogue) = ivr1357::shell::prompts::load(&prompts) else { panic!("the prompts") };
    let told = report("routing.toml", &plan, &run(&plan, &catalogue), Language::English);
    assert!(told.contains("(tests.toml:3)"), "{told}");
    let fields = resolved::resolve(&text, "center.keit").expect("the row");
    let place =
        |name: &str| fields.iter().find(|field| field.field == name).and_then(|field| field.place("x/routing.toml"));
    let sip = centers.lines().position(|line| line.starts_with("keit ")).expect("the line") + 1;
    assert_eq!(place("sip"), Some(format!("x/centers/all.toml:{sip}")));
    let timeout = main.lines().position(|line| line.starts_with("refer_timeout")).expect("the line") + 1;
    assert_eq!(place("refer_timeout"), Some(format!("x/routing.toml:{timeout}")));
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn what_stands_in_two_files_is_named_in_both() {
    let main = SHIPPED.replacen("schema   = 1\n", "schema   = 1\ninclude  = \"more.toml\"\n", 1);
    let more = "[center]\nkeit = { name = \"다른\", sip = [\"sip:x@h.example\"] }\n[defaults.menu]\nbarge_in = true\n";
    let folder = folder("twice", &[("routing.toml", &main), ("more.toml", more)]);
    let path = folder.join("routing.toml");
    assert_eq!(codes(&path), [("E0104", "more.toml:2".to_owned()), ("E0104", "more.toml:3".to_owned())]);
    let text = String::from_utf8(read(&path, Language::English).expect("readable")).expect("UTF-8");
    let shown =
        diagnostic::render("routing.toml", &text, &check_without_sound(&text).findings, Language::English, false);
    assert!(shown.contains("┌─ more.toml:2:1") && shown.contains("┌─ routing.toml:"), "{shown}");
    assert!(shown.contains("the same name stands in two files: \"keit\""), "{shown}");
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_file_that_cannot_be_included_is_a_finding() {
    let with = |list: &str| SHIPPED.replacen("schema   = 1\n", &format!("schema   = 1\ninclude  = {list}\n"), 1);
    let deep: Vec<(String, String)> =
        (1..=6).map(|n| (format!("deep{n}.toml"), format!("include = \"deep{}.toml\"\n", n + 1))).collect();
    let many: Vec<(String, String)> = (0..70).map(|n| (format!("many{n}.toml"), String::new())).collect();
    let line = SHIPPED.lines().position(|line| line.starts_with("schema")).expect("the line") + 2;
    let own = format!("routing.toml:{line}");
    for (list, found) in [
        ("[\"gone.toml\"]", vec![("E0110", own.clone())]),
        ("[\"../up.toml\"]", vec![("E0110", own.clone())]),
        ("[\"/etc/passwd\"]", vec![("E0110", own.clone())]),
        ("\"routing.toml\"", vec![("E0110", own.clone())]),
        ("[\"again.toml\", \"again.toml\"]", vec![("E0110", own.clone())]),
        ("[\"circle.toml\"]", vec![("E0110", "circle2.toml:1".to_owned())]),
        ("[\"deep1.toml\"]", vec![("E0110", "deep4.toml:1".to_owned())]),
        ("[7]", vec![("E0103", own.clone())]),
        ("[\"wrong.toml\"]", vec![("E0103", "wrong.toml:1".to_owned())]),
        ("[\"broken.toml\"]", vec![("E0101", "broken.toml:2".to_owned())]),
        ("[\"marked.toml\"]", vec![("E0105", "marked.toml:1".to_owned())]),
    ] {
        let main = with(list);
        let mut files = vec![
            ("routing.toml", main.as_str()),
            ("again.toml", ""),
            ("circle.toml", "include = \"circle2.toml\"\n"),
            ("circle2.toml", "include = [\"circle.toml\"]\n"),
            ("wrong.toml", "include = { a = 1 }\n"),
            ("broken.toml", "# a remark\n[switch\n"),
            ("marked.toml", "\u{feff}schema = 1\n"),
        ];
        files.extend(deep.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let folder = folder("unfit", &files);
        assert_eq!(codes(&folder.join("routing.toml")), found, "{list}");
        fs::remove_dir_all(&folder).expect("removed");
    }
    let list: Vec<String> = many.iter().map(|(name, _)| format!("{name:?}")).collect();
    let main = with(&format!("[{}]", list.join(",\n")));
    let mut files = vec![("routing.toml", main.as_str())];
    files.extend(many.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let folder = folder("many", &files);
    let found = codes(&folder.join("routing.toml"));
    assert!(found.len() == 6 && found.iter().all(|(code, _)| *code == "E0110"), "{found:?}");
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn an_included_file_in_another_encoding_says_so_in_its_place() {
    let main = SHIPPED.replacen("schema   = 1\n", "schema   = 1\ninclude  = \"korean.toml\"\n", 1);
    let folder = folder("encoding", &[("routing.toml", &main)]);
    // "[switch]\nx = \"시험\"" as CP949.
    fs::write(folder.join("korean.toml"), b"[switch]\nx = \"\xbd\xc3\xc7\xe8\"\n").expect("written");
    let bytes = read(&folder.join("routing.toml"), Language::English).expect("readable");
    let checked = check_bytes(&bytes, &Default::default());
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(checked.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["E0105"]);
    let shown = diagnostic::render("routing.toml", &text, &checked.findings, Language::Korean, false);
    assert!(shown.contains("korean.toml:2:") && shown.contains("CP949"), "{shown}");
    fs::remove_dir_all(&folder).expect("removed");
}
