//! A caller who is asked for digits: the input's dialogue among the states of a call.
//!
//! Nothing of what is entered leaves this side of the session but its length, and whether it was taken.

use super::speaking::About;
use super::{Session, State};
use crate::call::Effect;
use crate::call::input::{Dialogue, Made, Step};
use crate::number::Key;
use crate::routing::accepts::Class;
use crate::routing::plan::{InputId, PromptId};
use crate::time::Now;

impl Session {
    /// Asks: aloud, or in silence when digits are already here.
    pub(super) fn ask(&mut self, now: Now, input: InputId, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let row = plan.input(input);
        self.enter_row(&row.row, out);
        let mut dialogue = Dialogue::enter(input);
        if let Some(key) = self.ahead.pop_front() {
            let step = dialogue.key(now.instant, row, key);
            self.state = State::Input { dialogue, play: None };
            return self.input_step(now, step, out);
        }
        if self.held {
            dialogue.held(true, row);
            self.state = State::Input { dialogue, play: None };
            return;
        }
        let play = Some(self.play(now, row.speech.clone(), About::default(), false, out));
        self.state = State::Input { dialogue, play };
    }

    /// A key while the caller is asked.
    pub(super) fn input_key(&mut self, now: Now, key: Key, out: &mut Vec<Effect>) {
        let State::Input { dialogue, .. } = &mut self.state else { return };
        out.push(Effect::Pressed(None));
        let plan = self.plan.clone();
        let input = plan.input(dialogue.input);
        if dialogue.is_deaf(input) {
            return self.type_ahead(key);
        }
        let step = dialogue.key(now.instant, input, key);
        self.input_step(now, step, out);
    }

    pub(super) fn input_step(&mut self, now: Now, (made, step): (Option<Made>, Step), out: &mut Vec<Effect>) {
        let State::Input { dialogue, play } = &mut self.state else { return };
        let plan = self.plan.clone();
        let input = plan.input(dialogue.input);
        if let Some(Made { length, valid }) = made {
            self.record.entered_digits(now, input, length, valid);
        }
        match step {
            Step::Stay => self.drain_ahead_of_input(now, out),
            Step::Hush => {
                if play.take().is_some() {
                    out.push(Effect::StopPlaying);
                }
                self.drain_ahead_of_input(now, out);
            }
            Step::Say(prompts) => {
                self.say_input(now, prompts, out);
                self.drain_ahead_of_input(now, out);
            }
            Step::Paced(go, prompts) => {
                self.set_pace(go);
                self.say_input(now, prompts, out);
                self.drain_ahead_of_input(now, out);
            }
            // Keys typed on belong to what was asked before.
            Step::Again(prompts) => {
                self.ahead.clear();
                self.say_input(now, prompts, out);
            }
            Step::Go(to) => self.go(now, to, out),
        }
    }

    pub(super) fn drain_ahead_of_input(&mut self, now: Now, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        while let State::Input { dialogue, .. } = &mut self.state {
            let input = plan.input(dialogue.input);
            if dialogue.is_deaf(input) {
                return;
            }
            let Some(key) = self.ahead.pop_front() else { return };
            let (made, step) = dialogue.key(now.instant, input, key);
            if made.is_none() && matches!(step, Step::Stay | Step::Hush) {
                continue;
            }
            return self.input_step(now, (made, step), out);
        }
    }

    fn say_input(&mut self, now: Now, prompts: Vec<PromptId>, out: &mut Vec<Effect>) {
        let State::Input { dialogue, .. } = &self.state else { return };
        let (input, entry) = (dialogue.input, dialogue.entered().cloned());
        let about = About { entry: entry.as_ref().map(|entry| (input, entry)), ..About::default() };
        let said = self.play(now, prompts, about, false, out);
        if let State::Input { play, .. } = &mut self.state {
            *play = Some(said);
        }
    }

    /// Keys that would make an entry of each class from here, for those who try every way through a table. Keys that
    /// no answer of the input shows are left out.
    pub fn entries(&self) -> Vec<(Class, String)> {
        let State::Input { dialogue, .. } = &self.state else { return Vec::new() };
        let input = self.plan.input(dialogue.input);
        let accepts = &input.accepts;
        if dialogue.asking(input).confirming {
            return Vec::new();
        }
        let begun = dialogue.begun();
        let ended = |(class, text): (Class, String)| {
            let end = if class == Class::Short || accepts.is_complete(&text) { "" } else { "#" };
            let keys = format!("{}{end}", text.get(begun.len()..).unwrap_or(""));
            (class, keys)
        };
        accepts.examples(begun).into_iter().map(ended).collect()
    }
}
