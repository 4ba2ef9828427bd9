//! `ivr1357 check [FILE]`: every mistake of a table at once, for people or (`--json`) for programs.

use crate::routing::diagnostic::{self, Language, Severity};
use crate::routing::switch::Switches;
use crate::routing::{Checked, Heard, Plan, check_bytes, online};
use crate::shell::clock::Clock;
use crate::shell::serve::Failure;
use crate::shell::{resolver, table};
use crate::time::Wall;
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What to check, and for whom.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The table
    #[arg(value_name = "FILE", default_value = "routing.toml")]
    file: PathBuf,
    /// The folder of prompts
    #[arg(long, value_name = "DIR", default_value = "prompts")]
    prompts: PathBuf,
    /// The language in which mistakes are told
    #[arg(long, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
    /// Asks the name servers for the hosts of the table too
    #[arg(long)]
    online: bool,
}

/// `ivr1357 check`: the exit code.
pub(super) fn run_command(arguments: &Arguments) -> Result<u8, Failure> {
    let language = arguments.lang.into();
    let bytes = table::read(&arguments.file, language).map_err(Failure::Setup)?;
    let prompts = table::heard(&table::load_prompts(&arguments.prompts, language).map_err(Failure::Setup)?);
    let now = Clock::start(None).now().wall;
    let mut ask = resolver::known;
    let names: Option<&mut Names<'_>> = if arguments.online { Some(&mut ask) } else { None };
    run(&arguments.file, &bytes, &prompts, language, arguments.json, (now, names), &mut io::stdout().lock())
        .map_err(|error| Failure::Broken(error.to_string()))
}

/// Whether a host is known to the name system; `None` where nobody could say.
pub type Names<'n> = dyn FnMut(&str) -> Option<bool> + 'n;

/// Checks the table in `bytes` and writes the findings; the exit code is 0 when it may go live, 1 when it may not.
///
/// `prompts` are the prompts that have sound and their lengths; `file` is only the name that is printed; whether the
/// table is open is told for `now`, and its hosts are asked for where there is somebody to ask.
pub fn run(
    file: &Path,
    bytes: &[u8],
    prompts: &Heard,
    language: Language,
    json: bool,
    (now, names): (Wall, Option<&mut Names<'_>>),
    out: &mut dyn Write,
) -> io::Result<u8> {
    let colour =
        !json && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut checked = check_bytes(bytes, prompts).as_of(table::day(now));
    // Findings about the encoding point into this text too.
    let text = String::from_utf8_lossy(bytes);
    if let (Some(plan), Some(known)) = (&checked.plan, names) {
        let unknown = online::findings(&text, plan, known);
        if unknown.iter().any(|finding| finding.severity == Severity::Error) {
            checked.plan = None;
        }
        checked.findings.extend(unknown);
    }
    let name = file.display().to_string();
    if json {
        writeln!(out, "{:#}", diagnostic::to_json(&name, &text, &checked.findings))?;
    } else {
        write!(out, "{}", report(&name, &text, &checked, language, colour, now))?;
    }
    Ok(u8::from(checked.findings.iter().any(|finding| finding.severity == Severity::Error)))
}

/// The findings, and what the table holds when it may go live.
fn report(name: &str, text: &str, checked: &Checked, language: Language, colour: bool, now: Wall) -> String {
    let mut report = String::new();
    if !checked.findings.is_empty() {
        report.push_str(&diagnostic::render(name, text, &checked.findings, language, colour));
    }
    if let Some(plan) = &checked.plan {
        report.push_str(&contents(name, plan, language));
        report.push_str(&format!("  {}\n", table::opening(plan, &Switches::default(), now, language)));
    }
    report
}

fn contents(name: &str, plan: &Plan, language: Language) -> String {
    let Plan { version, numbers, menus, centers, notices, messages, .. } = plan;
    let (numbers, centers, notices) = (numbers.len(), centers.len(), notices.len());
    // Each message has its question among the menus.
    let menus = menus.len() - messages.len();
    let messages = match (messages.len(), language) {
        (0, _) => String::new(),
        (messages, Language::Korean) => format!(", 메시지 {messages}"),
        (messages, Language::English) => format!(", messages {messages}"),
    };
    let inputs = match (plan.inputs.len(), language) {
        (0, _) => String::new(),
        (inputs, Language::Korean) => format!(" 입력 {inputs},"),
        (inputs, Language::English) => format!(" inputs {inputs},"),
    };
    match language {
        Language::Korean => {
            format!(
                "{name}: 쓸 수 있습니다. 번호 {numbers}, 메뉴 {menus},{inputs} 기관 {centers}, 안내 {notices}{messages} (판 {version})\n"
            )
        }
        Language::English => format!(
            "{name}: ready. numbers {numbers}, menus {menus},{inputs} centres {centers}, notices {notices}{messages} (version {version})\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const SHIPPED: &str = include_str!("../../routing.toml");
    /// The evening before 설날 2027, in Seoul.
    const NIGHT: Wall = Wall::from_micros(1_801_819_800_000_000);

    fn check(text: &str, language: Language, json: bool) -> (u8, String) {
        let plan = check_without_sound(SHIPPED).plan.expect("the shipped table is clean");
        let lengths: BTreeMap<_, _> =
            plan.prompts().iter().map(|id| (id.to_string(), Duration::from_millis(500))).collect();
        let prompts = Heard::of_lengths(&lengths);
        let mut out = Vec::new();
        let code = run(Path::new("routing.toml"), text.as_bytes(), &prompts, language, json, (NIGHT, None), &mut out)
            .expect("a Vec takes all");
        (code, String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn a_table_that_may_go_live_says_what_it_holds() {
        let (code, said) = check(SHIPPED, Language::Korean, false);
        assert_eq!(code, 0);
        assert!(said.contains("쓸 수 있습니다") && said.contains("기관 16"), "{said}");
        assert!(said.contains("지금 닫힘 (2027-02-05(금) 18:30), 2027-02-10(수) 09:00 에 열림"), "{said}");
    }

    #[test]
    fn a_mistake_is_shown_in_the_operators_language_and_ends_with_1() {
        let broken = SHIPPED.replace("go = \"center.kised\"", "go = \"center.kisd\"");
        let (code, korean) = check(&broken, Language::Korean, false);
        assert_eq!(code, 1);
        assert!(
            korean.contains("오류[E0201]") && korean.contains("고치는 법") && korean.contains("오류 1개"),
            "{korean}"
        );
        let (_, english) = check(&broken, Language::English, false);
        assert!(english.contains("error[E0201]") && english.contains("did you mean \"center.kised\"?"), "{english}");
    }

    #[test]
    fn hosts_that_no_name_server_knows_are_found_where_they_stand() {
        let text = SHIPPED.replacen(
            "sip = [\"sip:keit@127.0.0.1:5070\"]",
            "sip = [\"sip:keit@sbc.keit.exmple\", \"sip:keit@DR.keit.example;transport=tls\", \"sip:keit@slow.example\"]",
            1,
        );
        let lengths: BTreeMap<_, _> = check_without_sound(SHIPPED)
            .plan
            .expect("the shipped table is clean")
            .prompts()
            .iter()
            .map(|id| (id.to_string(), Duration::from_millis(500)))
            .collect();
        let mut asked = Vec::new();
        let mut names = |host: &str| {
            asked.push(host.to_owned());
            match host {
                "sbc.keit.exmple" => Some(false),
                "slow.example" => None,
                _ => Some(true),
            }
        };
        let mut out = Vec::new();
        let heard = Heard::of_lengths(&lengths);
        let names: Option<&mut Names<'_>> = Some(&mut names);
        let code =
            run(Path::new("routing.toml"), text.as_bytes(), &heard, Language::English, false, (NIGHT, names), &mut out)
                .expect("a Vec takes all");
        let said = String::from_utf8(out).expect("UTF-8");
        assert_eq!((code, asked.len()), (1, 3), "{said}");
        assert!(said.contains("error[E0303]: the host sbc.keit.exmple does not resolve"), "{said}");
        assert!(said.contains("warning[E0303]: no name server answered for slow.example"), "{said}");
        assert!(said.contains("^^^^^^^^^^^^^^^\n") && !said.contains("ready"), "{said}");
    }

    #[test]
    fn json_names_line_and_column() {
        let broken = SHIPPED.replace("schema   = 1", "schema   = 2");
        let (code, json) = check(&broken, Language::Korean, true);
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let line = SHIPPED.lines().position(|line| line.starts_with("schema")).expect("there is one") + 1;
        assert_eq!(code, 1);
        assert_eq!(json["findings"][0]["code"], "E0103");
        assert_eq!(json["findings"][0]["place"]["start"]["line"], line);
        assert_eq!(json["findings"][0]["place"]["start"]["column"], 12);
    }
}
