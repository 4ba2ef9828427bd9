//! Recordings of calls: none before it was told or agreed to, none of a talk with a centre, silence where an entry is made.

use super::{Case, Law, Oracle};
use crate::media::StreamKey;
use crate::routing::Plan;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// What the table has recorded.
#[derive(Clone, Default, Debug)]
pub struct TapeLaw {
    /// Numbers whose calls are recorded, as they are dialled.
    numbers: BTreeSet<String>,
    /// Their greetings, which say so.
    greetings: BTreeSet<String>,
    /// Menus in which callers are recorded.
    menus: BTreeSet<String>,
    /// Keys that agree, by their menu.
    agreeing: BTreeMap<String, BTreeSet<String>>,
    /// Inputs whose digits are in no recording.
    sensitive: BTreeSet<String>,
}

impl TapeLaw {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut law = Self::default();
        for number in plan.numbers.iter().filter(|number| number.record) {
            law.numbers.extend(number.dialled.iter().map(|pattern| pattern.example()));
            law.greetings.extend(number.greeting.iter().map(ToString::to_string));
        }
        for menu in &plan.menus {
            if menu.record {
                law.menus.insert(menu.row.to_string());
            }
            let agrees = menu.recording.iter().filter(|(_, agrees)| **agrees);
            let keys: BTreeSet<String> = agrees.map(|(keys, _)| keys.as_str().to_owned()).collect();
            if !keys.is_empty() {
                law.agreeing.insert(menu.row.to_string(), keys);
            }
        }
        law.sensitive = plan.inputs.iter().filter(|input| input.sensitive).map(|input| input.row.to_string()).collect();
        law
    }

    /// One number whose greeting says that it is recorded, and a sensitive input.
    #[cfg(test)]
    pub(super) fn example(number: &str, greeting: &str, input: &str) -> Self {
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        Self { numbers: one(number), greetings: one(greeting), sensitive: one(input), ..Self::default() }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.greetings.extend(other.greetings);
        self.menus.extend(other.menus);
        self.agreeing.extend(other.agreeing);
        self.sensitive.extend(other.sensitive);
    }

    /// Whether this was a greeting that tells of the recording, in whatever language or pace.
    pub(super) fn greets(&self, played: &[String]) -> bool {
        played.iter().any(|prompt| self.greetings.contains(prompt.rsplit('/').next().unwrap_or(prompt)))
    }

    /// Whether the call may be recorded from here on: it was told at the beginning, or in this menu, or may have been agreed to.
    fn allows(&self, case: &Case) -> bool {
        let told = self.numbers.contains(&case.dialled) && case.greeted;
        let step = self.menus.contains(&case.row) && case.finished_in.as_ref() == Some(&case.row);
        told || step || case.rows.iter().any(|row| self.agreeing.contains_key(row))
    }
}

impl Oracle {
    /// A recording of a call begins.
    pub fn tape_begins(&mut self, now: Instant, stream: StreamKey, file: &str) {
        let Some(call) = self.streams.get(&stream).cloned() else { return };
        let Some(case) = self.cases.get_mut(&call) else {
            return self.broken(now, "recorded when told", &call, "a call with a centre is recorded".to_owned());
        };
        case.tapes.push(file.to_owned());
        if !case.crashed && !self.law.tapes.allows(case) {
            let what = format!("recorded in {:?} before anybody said so", case.row);
            self.broken(now, "recorded when told", &call, what);
        }
    }

    /// Recordings of calls.
    pub fn tapes(&self) -> usize {
        self.cases.values().map(|case| case.tapes.len()).sum()
    }

    /// A recording runs, and is not silent; `talks`: with a centre.
    pub fn tape_runs(&mut self, now: Instant, stream: StreamKey, talks: bool) {
        let Some(call) = self.streams.get(&stream).cloned() else { return };
        // What comes after a crash under the name of an old call is another.
        let Some(case) = self.cases.get(&call).filter(|case| !case.crashed) else { return };
        let what = match () {
            () if talks => "a talk with a centre is recorded".to_owned(),
            () if self.law.tapes.sensitive.contains(&case.row) => format!("{} is recorded", case.row),
            () if case.released.is_some() || case.hung_up.is_some() => "recorded behind the BYE".to_owned(),
            () => return,
        };
        self.broken(now, "recorded when told", &call, what);
    }
}

/// What the record tells of recordings, against what was recorded.
pub(super) fn recordings(law: &Law, case: &Case) -> Option<String> {
    let record = case.end.as_ref()?;
    let told: Vec<&str> =
        record["recordings"].as_array().into_iter().flatten().filter_map(|one| one["file"].as_str()).collect();
    if told.len() != case.tapes.len() || told.iter().any(|file| !case.tapes.iter().any(|known| known == file)) {
        return Some(format!("recorded {:?}, on record {told:?}", case.tapes));
    }
    // Agreed to by the key that says so.
    let by_law = law.tapes.numbers.contains(&case.dialled);
    for one in record["recordings"].as_array().into_iter().flatten() {
        let row = one["row"].as_str().unwrap_or("");
        if row.starts_with("number.") && !by_law {
            let keys = record["keys"].as_array().into_iter().flatten();
            let agreed = keys.filter_map(|key| Some((key["menu"].as_str()?, key["keys"].as_str()?)));
            let mut agreed =
                agreed.filter(|(menu, keys)| law.tapes.agreeing.get(*menu).is_some_and(|known| known.contains(*keys)));
            if agreed.next().is_none() {
                return Some(format!("{row} is recorded, and nobody agreed"));
            }
        }
    }
    None
}
