//! `ivr1357 prove [FILE]`: every way through a table, held against what is promised to callers.

use super::TableArguments;
use crate::proof::{self, Graph, way};
use crate::routing::{Language, Plan};
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use crate::time::Duration;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    table: TableArguments,
}

pub(super) fn run_command(arguments: Arguments) -> Result<u8, Failure> {
    let files = Files::from(arguments.table);
    let Table { plan, catalogue } = Table::load(&files).map_err(Failure::Setup)?;
    let Proof { told, kept, .. } = run(&plan, &catalogue.lengths_of(plan.prompts()), files.language);
    print!("{told}");
    Ok(u8::from(!kept))
}

/// What a proof comes to.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The report.
    pub told: String,
    /// Every promise is kept, and every way was seen.
    pub kept: bool,
    /// The promises that are not, one line each; what is missing of the proof, where the table is too large for it.
    pub broken: Vec<String>,
}

/// Walks every way.
pub fn run(plan: &Arc<Plan>, lengths: &BTreeMap<String, Duration>, language: Language) -> Proof {
    let graph = proof::explore(plan);
    let broken = proof::prove(plan, &graph);
    let (mut out, mut lines) = (String::new(), Vec::new());
    for broken in &broken {
        let (root, mut steps) = graph.way(broken.node);
        steps.extend(&broken.then);
        let promise = broken.promise.words(plan, language);
        let (row, keys) = (&broken.row, way::keys(&steps, language));
        let script = way::script(plan, root, &steps, lengths);
        let [breaks, pressed] = match language {
            Language::Korean => ["에서 깨집니다", "누르기"],
            Language::English => ["is where it breaks", "keys"],
        };
        let _ = writeln!(
            out,
            "{}. {promise}: {row} {breaks}\n   {pressed}: {keys}\n   ivr1357 try \"{script}\"\n",
            lines.len() + 1
        );
        lines.push(format!("{promise}: {row} {breaks} ({pressed}: {keys})"));
    }
    let summary = summary(plan, &graph, broken.len(), language);
    let _ = writeln!(out, "{summary}");
    lines.extend(graph.cut.then_some(summary));
    Proof { told: out, kept: broken.is_empty() && !graph.cut, broken: lines }
}

fn summary(plan: &Plan, graph: &Graph, broken: usize, language: Language) -> String {
    let (states, steps) = (graph.nodes.len(), graph.edges.len());
    let hours = graph.roots.len() / plan.numbers.len().max(1);
    let cut = if graph.cut {
        language.of(&["  표가 너무 커서 다 보지 못했습니다.", "  The table is too large to be seen whole."])
    } else {
        ""
    };
    match (language, broken) {
        (Language::Korean, 0) => format!(
            "모든 길이 약속을 지킵니다. 상태 {states}, 걸음 {steps}, 때 {hours}가지를 보았습니다 (판 {}).{cut}",
            plan.version
        ),
        (Language::English, 0) => format!(
            "Every way keeps the promises: {states} states, {steps} steps, {hours} kinds of hours (version {}).{cut}",
            plan.version
        ),
        (Language::Korean, _) => {
            format!("깨진 약속 {broken}개. 상태 {states}, 걸음 {steps}, 때 {hours}가지를 보았습니다.{cut}")
        }
        (Language::English, _) => {
            format!("{broken} broken promises in {states} states, {steps} steps, {hours} kinds of hours.{cut}")
        }
    }
}
