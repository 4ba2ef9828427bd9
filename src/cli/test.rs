//! `ivr1357 test [FILE]`: the `[[test]]` rows of a table, and then its proof.

use super::TableArguments;
use super::prove::{self, Proof};
use crate::proof::cases::{self, Ran};
use crate::routing::test_row::TestRow;
use crate::routing::{Language, Plan};
use crate::shell::reason;
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use crate::speech::Catalogue;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    table: TableArguments,
    /// Writes the results as JUnit XML, for build servers
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn run_command(arguments: Arguments) -> Result<u8, Failure> {
    let Arguments { table, junit } = arguments;
    let files = Files::from(table);
    let name = files.routing.display().to_string();
    let Table { plan, catalogue } = Table::load(&files).map_err(Failure::Setup)?;
    let ran = run(&plan, &catalogue);
    print!("{}", report(&name, &plan, &ran, files.language));
    let Proof { told: proved, kept, .. } = prove::run(&plan, &catalogue.lengths_of(plan.prompts()), files.language);
    print!("{proved}");
    if let Some(path) = junit {
        let proof = (!kept).then_some(proved.as_str());
        std::fs::write(&path, to_junit(&name, &plan, &ran, proof, files.language))
            .map_err(|error| Failure::Setup(reason::unwritable(&path, &error, files.language)))?;
    }
    let green = kept && ran.iter().all(|ran| ran.surprises.is_empty());
    Ok(u8::from(!green))
}

/// Runs every test of the table.
pub fn run(plan: &Arc<Plan>, catalogue: &Catalogue) -> Vec<Ran> {
    let lengths = catalogue.lengths_of(plan.prompts());
    plan.tests.iter().map(|test| cases::run(plan, catalogue, &lengths, test)).collect()
}

/// The results for people: each test, what went wrong, and what no test reaches.
pub fn report(name: &str, plan: &Plan, ran: &[Ran], language: Language) -> String {
    let mut out = String::new();
    for (test, ran) in plan.tests.iter().zip(ran) {
        if ran.surprises.is_empty() {
            let _ = writeln!(out, "✓ {}", test.name);
            continue;
        }
        let _ = writeln!(out, "✗ {} ({})", test.name, test.place(name));
        for surprise in &ran.surprises {
            let _ = writeln!(out, "  {}", surprise.words(plan, test, language));
        }
        let _ = writeln!(out, "  ivr1357 try \"{}\"", ran.script);
    }
    let (all, kept) = (ran.len(), ran.iter().filter(|ran| ran.surprises.is_empty()).count());
    let unreached = cases::unreached(plan, ran);
    let rows = plan.menus.len() + plan.inputs.len() + plan.centers.len() + plan.notices.len();
    let list = unreached.iter().map(|row| &**row).collect::<Vec<_>>().join(", ");
    let _ = match (language, unreached.is_empty()) {
        (Language::Korean, true) => writeln!(out, "시험 {all}개 가운데 {kept}개 통과. 모든 행 {rows}개를 지납니다."),
        (Language::English, true) => writeln!(out, "{kept} of {all} tests passed. They reach all {rows} rows."),
        (Language::Korean, false) => writeln!(
            out,
            "시험 {all}개 가운데 {kept}개 통과. 행 {rows}개 가운데 {}개는 어떤 시험도 지나지 않습니다: {list}",
            unreached.len()
        ),
        (Language::English, false) => {
            writeln!(out, "{kept} of {all} tests passed. No test reaches {} of {rows} rows: {list}", unreached.len())
        }
    };
    out
}

/// The tests that failed, one line each.
pub fn failed(name: &str, plan: &Plan, ran: &[Ran], language: Language) -> Vec<String> {
    let told = |(test, ran): (&TestRow, &Ran)| {
        let words = ran.surprises.first()?.words(plan, test, language);
        Some(format!("{}: ✗ {}: {}", test.place(name), test.name, words.lines().next().unwrap_or_default()))
    };
    plan.tests.iter().zip(ran).filter_map(told).collect()
}

/// The results as JUnit XML: one suite, one case a test, and the proof as the last case.
///
/// Six elements and their escapes are the whole of it, which is less than a crate for them would bring along.
pub fn to_junit(name: &str, plan: &Plan, ran: &[Ran], proof: Option<&str>, language: Language) -> String {
    let failures = ran.iter().filter(|ran| !ran.surprises.is_empty()).count() + usize::from(proof.is_some());
    let (all, suite) = (ran.len() + 1, escape(name));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{all}\" failures=\"{failures}\">\n  <testsuite name=\"{suite}\" tests=\"{all}\" failures=\"{failures}\">\n"
    );
    let mut case = |title: &str, failure: Option<String>| {
        let title = escape(title);
        let _ = match failure {
            None => writeln!(out, "    <testcase name=\"{title}\" classname=\"{suite}\"/>"),
            Some(text) => {
                let first = escape(text.lines().next().unwrap_or(""));
                let text = escape(&text);
                writeln!(
                    out,
                    "    <testcase name=\"{title}\" classname=\"{suite}\">\n      <failure message=\"{first}\">{text}</failure>\n    </testcase>"
                )
            }
        };
    };
    for (test, ran) in plan.tests.iter().zip(ran) {
        let words: Vec<String> = ran.surprises.iter().map(|surprise| surprise.words(plan, test, language)).collect();
        case(&test.name, (!words.is_empty()).then(|| format!("{}\nivr1357 try \"{}\"", words.join("\n"), ran.script)));
    }
    case("prove", proof.map(str::to_owned));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// What XML 1.0 §2.2 and §2.4 ask for.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
