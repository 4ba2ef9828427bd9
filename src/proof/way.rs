//! A way through the table, told: as the keys to press, and as a script that `ivr1357 try` plays.
//!
//! The script waits as long as the prompts last, so it needs their lengths; a centre is made busy before the way leads to it.

use super::circumstance::Circumstance;
use super::explore::Root;
use super::line::{Line, Step};
use crate::call::Effect;
use crate::call::session::standing::{Leaving, Place, Stage, Standing};
use crate::number::Dialled;
use crate::routing::Language;
use crate::routing::accepts::Class;
use crate::routing::plan::{CenterId, Plan};
use crate::time::Duration;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the words around a call take: a REFER, its INVITE and their answers.
const SIGNALLING: Duration = Duration::from_millis(200);
/// A message as scripts leave it.
const SAYS: &str = "say 10s";
/// The longest `wait` that a script takes.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The keys of a way, with what the caller does between them: `1, (말없이), 0`.
pub fn keys(steps: &[Step], language: Language) -> String {
    let words: Vec<String> = steps.iter().filter_map(|step| word(*step, language)).collect();
    if words.is_empty() { language.of(&["그냥 듣기", "just listen"]).to_string() } else { words.join(", ") }
}

fn word(step: Step, language: Language) -> Option<String> {
    let pair = match step {
        Step::Key(key) => return Some(key.to_string()),
        Step::Enter(typed) => {
            let class = match typed.class {
                Class::Valid => ["바른 입력", "a right entry"],
                Class::Invalid => ["틀린 입력", "a wrong entry"],
                Class::Short => ["누르다 맒", "unfinished"],
            };
            return Some(format!("{typed} ({})", language.of(&class)));
        }
        Step::Silence => ["(말없이)", "(silence)"],
        Step::Refuses => ["(전화기가 연결 거부)", "(the phone refuses)"],
        Step::Fails => ["(통화 중)", "(busy)"],
        Step::Vanishes => ["(소식 없음)", "(no word)"],
        Step::Speaks => ["(말을 남김)", "(leaves a message)"],
        Step::SaysNothing => ["(아무 말 없음)", "(says nothing)"],
        Step::Spoils => ["(저장되지 않음)", "(cannot be kept)"],
        Step::HangUp => ["(끊음)", "(hang up)"],
        Step::Hold => ["(보류)", "(hold)"],
        Step::Resume => ["(돌아옴)", "(resume)"],
        Step::CallMax => ["(가장 긴 통화)", "(the longest call)"],
        Step::Parts => ["(상담을 마침)", "(the talk ends)"],
        Step::Connect | Step::Heard | Step::Accepts | Step::Rings | Step::Reaches => return None,
    };
    Some(language.of(&pair).to_string())
}

/// The way as a script: `at 2026-11-24T10:00; call 1357; key 1; wait 12s; key 0`.
pub fn script(plan: &Arc<Plan>, root: &Root, steps: &[Step], lengths: &BTreeMap<String, Duration>) -> String {
    let pattern = plan.numbers.get(root.number).and_then(|number| number.dialled.first());
    let dialled = Dialled::new(&pattern.map(|pattern| pattern.example()).unwrap_or_default());
    script_from(plan, (&dialled, &root.circumstance), steps, lengths)
}

/// The same for a call to this number.
pub fn script_from(
    plan: &Arc<Plan>,
    (dialled, circumstance): (&Dialled, &Circumstance),
    steps: &[Step],
    lengths: &BTreeMap<String, Duration>,
) -> String {
    let mut told = Told::new(plan, dialled, circumstance, lengths);
    for (at, &step) in steps.iter().enumerate() {
        told.step(step, &steps[at + 1..]);
    }
    told.script.join("; ")
}

struct Told<'p> {
    plan: &'p Arc<Plan>,
    lengths: &'p BTreeMap<String, Duration>,
    line: Line,
    dialled: String,
    /// How long what sounds lasts.
    sounds: Duration,
    /// Time that has gone by since the last command.
    pending: Duration,
    /// What the centres do, as far as the script has said.
    manners: BTreeMap<CenterId, &'static str>,
    script: Vec<String>,
}

impl<'p> Told<'p> {
    fn new(
        plan: &'p Arc<Plan>,
        dialled: &Dialled,
        circumstance: &Circumstance,
        lengths: &'p BTreeMap<String, Duration>,
    ) -> Self {
        let moment = Timestamp::from_microsecond(circumstance.at.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        let moment = plan.timezone.to_datetime(moment);
        let switches = circumstance.on.iter().map(|name| format!("switch {name}"));
        Self {
            plan,
            lengths,
            line: Line::called(plan, plan.number_at(dialled).unwrap_or(0), circumstance),
            dialled: dialled.as_str().to_owned(),
            sounds: Duration::ZERO,
            pending: Duration::ZERO,
            manners: BTreeMap::new(),
            script: std::iter::once(format!("at {}", moment.strftime("%Y-%m-%dT%H:%M")))
                .chain(switches)
                .chain(super::caller::from(&circumstance.caller))
                .collect(),
        }
    }

    fn say(&mut self, command: String) {
        let mut rest = std::mem::take(&mut self.pending);
        while rest > Duration::ZERO {
            let wait = rest.min(WAIT_MAX);
            self.script.push(format!("wait {}ms", wait.as_millis()));
            rest -= wait;
        }
        // Keys in a row are one command.
        let joined = command.strip_prefix("key ").zip(self.script.last_mut().filter(|last| last.starts_with("key ")));
        match joined {
            Some((key, last)) => last.push_str(key),
            None => self.script.push(command),
        }
    }

    fn step(&mut self, step: Step, rest: &[Step]) {
        let before = self.line.standing();
        let waited = self.line.waits().map_or(Duration::ZERO, |until| until.since(self.line.now().instant));
        let mut effects = Vec::new();
        self.line.step(step, &mut effects);
        let after = self.line.standing();
        if let Some((center, manner)) = met(&before, &after, rest)
            && self.manners.insert(center, manner).unwrap_or("answers") != manner
        {
            let row = &self.plan.center(center).row;
            self.say(format!("center {} {manner}", row.strip_prefix("center.").unwrap_or(row)));
        }
        let recording = match before.place {
            Place::Message(Leaving { stage: Stage::Recording, message, .. }) => Some(self.plan.message(message)),
            _ => None,
        };
        // Words come before what ends them.
        if recording.is_some() && matches!(step, Step::Key(_) | Step::HangUp) && rest.first() == Some(&Step::Speaks) {
            self.say(SAYS.to_owned());
        }
        match step {
            Step::Connect => self.say(format!("call {}", self.dialled)),
            Step::Key(key) => self.say(format!("key {key}")),
            Step::Enter(typed) => self.say(format!("key {typed}")),
            Step::Heard => self.pending += self.sounds,
            Step::Silence => self.pending += waited,
            Step::Refuses | Step::Fails => self.pending += SIGNALLING,
            Step::Speaks => {
                if let Some(message) = recording {
                    self.say(SAYS.to_owned());
                    self.pending += message.silence;
                }
            }
            Step::SaysNothing => self.pending += recording.map_or(Duration::ZERO, |message| message.silence),
            Step::Spoils => self.say("disk full".to_owned()),
            Step::HangUp => {
                // A caller of scripts has called before hanging up.
                if before.place == Place::Arriving {
                    self.say(format!("call {}", self.dialled));
                }
                self.say("hangup".to_owned());
            }
            Step::Hold => self.say("hold".to_owned()),
            Step::Resume => self.say("resume".to_owned()),
            Step::CallMax => self.pending += self.plan.call_max,
            Step::Accepts | Step::Rings | Step::Vanishes | Step::Reaches | Step::Parts => {}
        }
        for effect in &effects {
            match effect {
                Effect::Play { said, repeat, .. } => {
                    let length = said.iter().map(|saying| saying.length(self.lengths)).sum();
                    self.sounds = if *repeat { Duration::ZERO } else { length };
                }
                Effect::StopPlaying => self.sounds = Duration::ZERO,
                _ => {}
            }
        }
    }
}

/// When a step begins to hand the caller over: to whom, and what that centre is to do for the rest of the way to happen.
fn met(before: &Standing, after: &Standing, rest: &[Step]) -> Option<(CenterId, &'static str)> {
    let tried = |standing: &Standing| match standing.place {
        Place::Transfer { asked, center, target, .. } => Some((asked, center, target)),
        _ => None,
    };
    let (asked, center, target) = tried(after)?;
    if tried(before) == Some((asked, center, target)) {
        return None;
    }
    let manner = rest.iter().find_map(|step| match step {
        Step::Reaches => Some("answers"),
        Step::Fails => Some("busy"),
        Step::Refuses => Some("refuses"),
        Step::Silence | Step::Vanishes | Step::HangUp => Some("rings"),
        Step::Accepts | Step::Rings | Step::Heard | Step::Connect | Step::Key(_) | Step::Enter(_) => None,
        Step::Speaks | Step::SaysNothing | Step::Spoils | Step::Hold | Step::Resume | Step::Parts | Step::CallMax => {
            None
        }
    });
    manner.map(|manner| (center, manner))
}
