//! The `[[test]]` rows of a table, run; and the rows that no test reaches.

use super::caller::{Caller, Finish, Moment};
use super::circumstance::Circumstance;
use crate::call::Saying;
use crate::routing::Language;
use crate::routing::plan::Plan;
use crate::routing::test_row::{Ending, TestRow};
use crate::speech::Catalogue;
use crate::time::{Duration, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of one test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// What was not as expected; empty when the test holds.
    pub surprises: Vec<Surprise>,
    /// What the caller noticed.
    pub moments: Vec<Moment>,
    /// The call as a script for `ivr1357 try`.
    pub script: String,
}

/// Something was not as the test says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Surprise {
    /// A row was not passed, or not there.
    Path {
        /// The row.
        row: Arc<str>,
        /// The rows passed.
        passed: Vec<Arc<str>>,
    },
    /// Nothing of the kind was heard, or not there.
    Unheard(String),
    /// The call ended otherwise.
    End {
        /// As the test says.
        expected: Finish,
        /// As it was.
        was: Option<Finish>,
    },
    /// The caller was to do more after the call was over.
    OverEarly,
}

/// Runs one test.
pub fn run(plan: &Arc<Plan>, catalogue: &Catalogue, lengths: &BTreeMap<String, Duration>, test: &TestRow) -> Ran {
    let at = plan.timezone.to_timestamp(test.at).map_or(0, |timestamp| timestamp.as_microsecond());
    let usual = Circumstance::at(plan, Wall::from_micros(at));
    let caller = test.caller.clone().unwrap_or_else(|| usual.caller.clone());
    let circumstance = Circumstance { on: test.switches.clone(), caller, ..usual };
    let mut caller = Caller::dial(plan, lengths, &test.world, test.number, &circumstance);
    let mut surprises = Vec::new();
    for act in &test.press {
        if caller.is_over() {
            surprises.push(Surprise::OverEarly);
            break;
        }
        caller.act(act);
    }
    caller.stay();
    surprises.extend(path(test, &caller));
    surprises.extend(heard(test, &caller, catalogue));
    if let Some(expected) = test.end.map(finish)
        && caller.finish() != Some(expected)
    {
        surprises.push(Surprise::End { expected, was: caller.finish() });
    }
    let script = format!("at {}; {}", test.at.strftime("%Y-%m-%dT%H:%M"), caller.script());
    Ran { surprises, moments: caller.moments().to_vec(), script }
}

fn finish(ending: Ending) -> Finish {
    match ending {
        Ending::Center(center) => Finish::Center(center),
        Ending::Notice(notice) => Finish::Notice(notice),
        Ending::Message(message) => Finish::Message(message),
        Ending::HungUp => Finish::HungUp,
    }
}

fn path(test: &TestRow, caller: &Caller<'_>) -> Option<Surprise> {
    let passed = caller.record().path();
    let mut rest = passed.iter();
    let row = test.expect.iter().find(|row| !rest.any(|passed| passed == *row))?;
    Some(Surprise::Path { row: row.clone(), passed: passed.to_vec() })
}

fn heard(test: &TestRow, caller: &Caller<'_>, catalogue: &Catalogue) -> Option<Surprise> {
    let mut rest = caller.moments().iter().filter_map(|moment| match moment {
        Moment::Plays(said) => Some(said),
        _ => None,
    });
    let says = |Saying { prompt, filled }: &Saying, wanted: &str| {
        let words = filled.as_ref().map(|(words, _)| words.as_str()).or_else(|| catalogue.text(prompt));
        **prompt == *wanted || words.is_some_and(|words| words.contains(wanted))
    };
    let wanted = test.hears.iter().find(|wanted| !rest.any(|said| said.iter().any(|saying| says(saying, wanted))))?;
    Some(Surprise::Unheard(wanted.clone()))
}

/// The rows of a table that no test reaches, in the order of the table.
pub fn unreached(plan: &Plan, ran: &[Ran]) -> Vec<Arc<str>> {
    let entered = |moment: &Moment| match moment {
        Moment::Enters(row) => Some(row.clone()),
        _ => None,
    };
    let passed: BTreeSet<Arc<str>> = ran.iter().flat_map(|ran| &ran.moments).filter_map(entered).collect();
    let menus = plan.menus.iter().map(|menu| &menu.row);
    let inputs = plan.inputs.iter().map(|input| &input.row);
    let centers = plan.centers.iter().map(|center| &center.row);
    let notices = plan.notices.iter().map(|notice| &notice.row);
    menus.chain(inputs).chain(centers).chain(notices).filter(|row| !passed.contains(*row)).cloned().collect()
}

impl Surprise {
    /// What was expected and what was, in a line each.
    pub fn words(&self, plan: &Plan, test: &TestRow, language: Language) -> String {
        let rows = |rows: &[Arc<str>]| rows.iter().map(|row| &**row).collect::<Vec<_>>().join(" → ");
        match (self, language) {
            (Self::Path { row, passed }, Language::Korean) => {
                format!("{row} 에 닿지 않음\n    기대: {}\n    실제: {}", rows(&test.expect), rows(passed))
            }
            (Self::Path { row, passed }, Language::English) => {
                format!("{row} is not reached\n    expected: {}\n    was:      {}", rows(&test.expect), rows(passed))
            }
            (Self::Unheard(words), Language::Korean) => format!("들리지 않음: \"{words}\""),
            (Self::Unheard(words), Language::English) => format!("not heard: \"{words}\""),
            (Self::End { expected, was }, _) => {
                let was = was.map_or_else(|| "?".to_owned(), |was| was.words(plan, language));
                let expected = expected.words(plan, language);
                match language {
                    Language::Korean => format!("끝이 다름\n    기대: {expected}\n    실제: {was}"),
                    Language::English => format!("another end\n    expected: {expected}\n    was:      {was}"),
                }
            }
            (Self::OverEarly, Language::Korean) => "press 가 남았는데 통화가 끝났음".to_owned(),
            (Self::OverEarly, Language::English) => "the call was over before all was pressed".to_owned(),
        }
    }
}

impl Finish {
    /// Where the call ended.
    pub fn words(self, plan: &Plan, language: Language) -> String {
        match self {
            Self::Center(center) => plan.center(center).row.to_string(),
            Self::Notice(notice) => plan.notice(notice).row.to_string(),
            Self::Message(message) => plan.message(message).row.to_string(),
            Self::HungUp => language.of(&["건 사람이 끊음", "the caller hung up"]).to_string(),
            Self::Other(outcome) => outcome.to_owned(),
        }
    }
}
