//! Recordings of calls: none before it was told or agreed to, none of a talk with a centre, silence where an entry is made.

use super::{Case, Law, Oracle, plainly};
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
    /// Keys that agree to be recorded or do not, by their menu.
    consents: BTreeMap<String, BTreeMap<String, bool>>,
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
            let keys = menu.recording.iter().map(|(keys, agrees)| (keys.as_str().to_owned(), *agrees));
            law.consents.insert(menu.row.to_string(), keys.collect());
        }
        law.sensitive = plan.inputs.iter().filter(|input| input.sensitive).map(|input| input.row.to_string()).collect();
        law
    }

    /// One number whose greeting says that it is recorded, a sensitive input, and `menu.consent`, where 1 agrees and 2 does not.
    #[cfg(test)]
    pub(super) fn example(number: &str, greeting: &str, input: &str) -> Self {
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        let keys = BTreeMap::from([("1".to_owned(), true), ("2".to_owned(), false)]);
        let consents = BTreeMap::from([("menu.consent".to_owned(), keys)]);
        Self { numbers: one(number), greetings: one(greeting), sensitive: one(input), consents, ..Self::default() }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.greetings.extend(other.greetings);
        self.menus.extend(other.menus);
        self.consents.extend(other.consents);
        self.sensitive.extend(other.sensitive);
    }

    /// Whether this was a greeting that tells of the recording, in whatever language or pace.
    pub(super) fn greets(&self, played: &[String]) -> bool {
        played.iter().any(|prompt| self.greetings.contains(prompt.rsplit('/').next().unwrap_or(prompt)))
    }

    /// What the keys that were counted in this row say of a recording, if anything.
    pub(super) fn consent(&self, row: &str, typed: &str) -> Option<bool> {
        let keys = self.consents.get(row)?;
        keys.iter().find(|(keys, _)| typed.ends_with(keys.as_str())).map(|(_, agrees)| *agrees)
    }

    /// Whether the call may be recorded from here on: its caller agreed, or was told at the beginning or in this menu and did not
    /// refuse.
    fn allows(&self, case: &Case) -> bool {
        let told = self.numbers.contains(&case.dialled) && case.greeted;
        let step = self.menus.contains(&case.row) && case.finished_in.as_ref() == Some(&case.row);
        case.agreed.unwrap_or(told || step)
    }
}

impl Oracle {
    /// A recording of a call begins.
    pub fn tape_begins(&mut self, now: Instant, stream: StreamKey, file: &str) {
        let Some(call) = self.streams.get(&stream).cloned() else { return };
        // What noise says and hears is not followed.
        if self.noise.contains(&plainly(&call)) {
            return;
        }
        let Some(case) = self.cases.get_mut(&call) else {
            return self.broken(now, "recorded when told", &call, "a call with a centre is recorded".to_owned());
        };
        case.tapes.push(file.to_owned());
        if !case.crashed && !self.law.tapes.allows(case) {
            let what = format!("recorded in {:?} before anybody said so", case.row);
            self.broken(now, "recorded when told", &call, what);
        }
    }

    /// The engine is told what became of a recording or a message.
    pub fn written(&mut self, file: &str, kept: bool) {
        self.written.insert(file.to_owned(), kept);
    }

    /// A record says `kept` of what it was told is kept, and nothing else. One that has no end, because its process died, may not have been told.
    pub(super) fn tells_recordings(&mut self, now: Instant, call_id: &str, record: &serde_json::Value) {
        let lists = [&record["recordings"], &record["messages"]].into_iter().filter_map(|list| list.as_array());
        let untold = |one: &serde_json::Value| record["cause"].is_null() && one["result"] == "unknown";
        for one in lists.flatten().filter(|one| one["result"] != "refused" && !untold(one)) {
            let told = one["file"].as_str().and_then(|file| self.written.get(file));
            let truth = told.map_or("unknown", |kept| if *kept { "kept" } else { "failed" });
            if one["result"] != truth {
                self.broken(now, "true record", call_id, format!("{one}, and in truth it is {truth}"));
            }
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
            () if case.agreed == Some(false) => format!("recorded in {} though its caller refused", case.row),
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
            let mut said = agreed.filter_map(|(menu, keys)| law.tapes.consents.get(menu)?.get(keys));
            if !said.any(|&agrees| agrees) {
                return Some(format!("{row} is recorded, and nobody agreed"));
            }
        }
    }
    None
}
