//! What a caller hears: prompts by their names, those with slots filled in with what this call knows.
//!
//! A sentence whose value is not known (a withheld number, hours that never open) is left out; `check` has seen that something
//! is left.

use super::Session;
use crate::call::{Effect, Part, Saying};
use crate::media::PlayKey;
use crate::number::{Entry, EntryKind};
use crate::routing::plan::{CenterId, InputId, MenuId, PromptId, Slotted, Tongue};
use crate::routing::select::Situation;
use crate::speech::phrase::{Part as Sounding, Value, Values};
use crate::time::{Duration, Now, Wall};
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::BTreeMap;

/// The longest telephone number (E.164): what is longer is none.
const TELEPHONE_DIGITS_MAX: usize = 15;

/// The slots of the next opening.
const OPENING: [&str; 3] = ["opens", "opens.date", "opens.time"];

/// What something is said about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// The menu whose speech ends what is said.
    pub(super) menu: Option<MenuId>,
    /// What was entered, to be read back.
    pub(super) entry: Option<(InputId, &'a Entry)>,
    /// The centre that was not reached.
    pub(super) center: Option<CenterId>,
}

impl Session {
    pub(super) fn play(
        &mut self,
        now: Now,
        prompts: Vec<PromptId>,
        about: About<'_>,
        repeat: bool,
        out: &mut Vec<Effect>,
    ) -> PlayKey {
        self.plays += 1;
        let play = PlayKey(self.plays);
        let said = self.said(now, prompts, about);
        out.push(Effect::Play { play, said, repeat });
        play
    }

    pub(super) fn said(&self, now: Now, mut prompts: Vec<PromptId>, about: About<'_>) -> Vec<Saying> {
        let plan = &self.plan;
        let named_in = |tongue: Option<&Tongue>, prompts: Vec<PromptId>| plan.said(tongue, self.slow, prompts);
        let named = |prompts: Vec<PromptId>| named_in(self.language.as_ref(), prompts);
        let phrase = |prompt: &PromptId| plan.phrases.get(prompt).map(|Slotted { phrase, .. }| phrase);
        let fills = |prompt: &PromptId, name: &str| {
            phrase(prompt).is_some_and(|phrase| phrase.slots().any(|slot| slot == name))
        };
        if plan.phrases.is_empty() {
            return named(prompts).into_iter().map(Saying::plain).collect();
        }
        // What a slot says is not said again behind it.
        if let Some(menu) = about.menu.map(|menu| plan.menu(menu)) {
            let own = menu.speech.iter().take(menu.own_words).cloned().collect();
            if named(own).iter().any(|prompt| fills(prompt, "menu")) {
                prompts.truncate(prompts.len() - menu.speech.len().saturating_sub(menu.own_words).min(prompts.len()));
            }
        }
        if let Some((input, _)) = about.entry
            && let Some(confirm) = &plan.input(input).confirm
            && named(vec![confirm.before.clone(), confirm.after.clone()]).iter().any(|prompt| fills(prompt, "number"))
        {
            prompts.retain(|prompt| !confirm.digits.contains(prompt));
        }
        let prompts = named(prompts);
        if !prompts.iter().any(|prompt| phrase(prompt).is_some()) {
            return prompts.into_iter().map(Saying::plain).collect();
        }
        let values = self.values(now, about);
        let filled = |prompt: PromptId| match plan.phrases.get(&prompt) {
            None => Saying::plain(prompt),
            Some(slotted) => {
                // Its parts are of its own language: a text that is not translated is Korean to its end.
                let tongue = self.language.as_ref().filter(|tongue| is_of(&prompt, tongue));
                let has = |part: &Sounding| {
                    let own = part.id.as_deref().filter(|id| id.starts_with("phrase/"));
                    own.is_none_or(|id| slotted.has(&prompt, id))
                };
                let mut spoken = slotted.phrase.say_what_is_known(&values);
                // A switch may end at a minute that nobody recorded.
                if values.by_name.contains_key(OPENING[0]) && !spoken.parts.iter().all(has) {
                    spoken = slotted.phrase.say_what_is_known(&without_opening(&values));
                }
                let parts = spoken.parts.into_iter().filter_map(|part| Some((part.id?, part.added_ms)));
                let parts = parts.flat_map(|(id, added_ms)| {
                    let pause = Duration::from_millis(added_ms.into());
                    let id = PromptId::from(id);
                    let tongue = if plan.offers(&id).is_some() { self.language.as_ref() } else { tongue };
                    named_in(tongue, vec![id]).into_iter().map(move |prompt| Part { prompt, pause })
                });
                let parts = parts.collect();
                Saying { prompt, filled: Some((spoken.text, parts)) }
            }
        };
        prompts.into_iter().map(filled).collect()
    }

    /// What this call knows.
    fn values(&self, now: Now, about: About<'_>) -> Values {
        let local = self.local(now.wall);
        let mut by_name = BTreeMap::from([
            ("time".to_owned(), Value::Time(local.time())),
            ("date".to_owned(), Value::Date(local.date())),
        ]);
        let caller = self.caller.secret();
        if (1..=TELEPHONE_DIGITS_MAX).contains(&caller.len()) && caller.bytes().all(|byte| byte.is_ascii_digit()) {
            by_name.insert("caller".to_owned(), Value::Digits(caller.to_owned()));
        }
        if let Some(opens) = self.next_opening() {
            let values = [Value::Opening(opens), Value::Date(opens.date()), Value::Time(opens.time())];
            by_name.extend(OPENING.map(str::to_owned).into_iter().zip(values));
        }
        if let Some(center) = about.center.map(|center| self.plan.center(center)) {
            let row = center.row.strip_prefix("center.").unwrap_or(&center.row);
            by_name.insert("center.name".to_owned(), Value::Named(row.to_owned(), center.name.clone()));
        }
        if let Some((input, entry)) = about.entry {
            let kind = self.plan.input(input).accepts.kind;
            by_name.insert("number".to_owned(), Value::Digits(grouped(entry.secret(), kind)));
        }
        if let Some(menu) = about.menu {
            let rows = self.plan.rows_offered(self.plan.menu(menu), self.language.as_ref());
            by_name.insert("menu".to_owned(), Value::Menu(rows));
        }
        Values { today: Some(local.date()), by_name }
    }

    /// When the caller would be served who was turned away, calling again in the language of the number.
    fn next_opening(&self) -> Option<DateTime> {
        let number = self.plan.numbers.get(self.number)?;
        let caller = Situation { language: number.language.as_ref(), ..self.situation(Wall::from_micros(0)) };
        self.turned_away.served(&self.plan, number, caller).map(|opens| self.local(opens))
    }

    fn local(&self, wall: Wall) -> DateTime {
        let at = Timestamp::from_microsecond(wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        self.plan.timezone.to_datetime(at)
    }
}

/// What is known of a call but for its next opening.
fn without_opening(values: &Values) -> Values {
    let mut values = values.clone();
    OPENING.iter().for_each(|name| drop(values.by_name.remove(*name)));
    values
}

/// Whether a prompt is the one of this language: `en/closed`.
fn is_of(prompt: &str, tongue: &str) -> bool {
    prompt.strip_prefix(tongue).is_some_and(|rest| rest.starts_with('/'))
}

/// In the groups in which such a number is written: three, two and five for a business.
fn grouped(digits: &str, kind: EntryKind) -> String {
    let groups: &[usize] = match kind {
        EntryKind::BusinessNumber => &[3, 2, 5],
        EntryKind::Date => &[4, 2, 2],
        EntryKind::Any | EntryKind::Phone => return digits.to_owned(),
    };
    let mut rest = digits;
    let mut parts = Vec::new();
    for length in groups {
        let (part, after) = rest.split_at_checked(*length).unwrap_or((rest, ""));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts.retain(|part| !part.is_empty());
    parts.join("-")
}
