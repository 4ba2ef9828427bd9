//! Talking stand-ins for the centres of a table, so that a newcomer hears where a transfer ends.

use crate::number::{Dialled, Digits};
use crate::routing::plan::{
    Answer, Center, Destination, Holidays, Menu, MenuId, Notice, NoticeId, Number, Plan, PromptId, Retry, Target, Words,
};
use crate::routing::rules::Rules;
use std::collections::BTreeMap;
use std::time::Duration;

impl Plan {
    /// Every address a REFER of this table may name, with its centre; the first tried first.
    pub fn targets(&self) -> impl Iterator<Item = (&Center, &Target)> {
        self.centers.iter().flat_map(|center| center.targets.iter().map(move |target| (center, target)))
    }

    /// The user parts of all targets, each with the first centre that has it.
    pub fn target_users(&self) -> BTreeMap<Dialled, &Center> {
        let mut users = BTreeMap::new();
        for (center, target) in self.targets() {
            users.entry(Dialled::new(&target.uri().user())).or_insert(center);
        }
        users
    }
}

/// A plan for one engine that plays every centre of `plan`: one number for each user part, which says whom the
/// caller reached, repeats it after any key or silence, and ends with a goodbye.
pub fn stand_ins(plan: &Plan) -> Plan {
    let goodbye = NoticeId(0);
    let mut numbers = Vec::new();
    let mut menus = Vec::new();
    let mut words = BTreeMap::new();
    for (user, center) in plan.target_users() {
        let id = center.row.strip_prefix("center.").unwrap_or(&center.row);
        let name = PromptId::from(format!("name/{id}"));
        words.insert(name.clone(), Words::Name(center.name.clone()));
        let go = Destination::Menu(MenuId(menus.len()));
        numbers.push(Number {
            answer: Answer::AtOnce,
            row: format!("number.{}", user.as_str()).into(),
            dialled: vec![user.into()],
            greeting: None,
            recorded: false,
            record: false,
            protection: false,
            fee: None,
            language: None,
            when: Vec::new(),
            go,
        });
        menus.push(menu(id, name, goodbye));
    }
    Plan {
        version: plan.version.clone(),
        timezone: plan.timezone.clone(),
        numbers,
        menus,
        inputs: Vec::new(),
        centers: Vec::new(),
        notices: vec![Notice {
            row: "notice.goodbye".into(),
            doors: None,
            speech: vec!["stand_in_bye".into()],
            then: Destination::End,
        }],
        messages: Vec::new(),
        hours: Vec::new(),
        holidays: Holidays::default(),
        switches: BTreeMap::new(),
        switches_back: false,
        tongues: BTreeMap::new(),
        slow: BTreeMap::new(),
        waiting: plan.waiting.clone(),
        call_max: plan.call_max,
        words,
        phrases: BTreeMap::new(),
        rules: Rules::default(),
        tests: Vec::new(),
    }
}

fn menu(id: &str, name: PromptId, goodbye: NoticeId) -> Menu {
    // The name said twice shows that it is a repetition.
    let again = Retry { retries: 3, prompt: name.clone(), then: Destination::Notice(goodbye) };
    let keys = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];
    Menu {
        row: format!("menu.{id}").into(),
        doors: None,
        speech: vec![name, "stand_in".into()],
        own_words: 2,
        barge_in: true,
        digit_timeout: Duration::from_secs(3),
        interdigit: Duration::from_secs(1),
        no_input: again.clone(),
        no_match: again,
        languages: BTreeMap::new(),
        record: false,
        recording: BTreeMap::new(),
        choices: keys.iter().filter_map(|key| Digits::parse(key)).map(|key| (key, Destination::Repeat)).collect(),
    }
}
