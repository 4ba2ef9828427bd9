//! Keys, and the menu they choose in: what counts when, what is typed ahead, what a hold does. Where calls are recorded the
//! greeting says so, and no key cuts it short.

use super::speaking::About;
use super::{Session, State};
use crate::call::{Effect, menu};
use crate::limits::TYPE_AHEAD_MAX;
use crate::number::Key;
use crate::routing::plan::{Destination, PromptId};
use crate::time::Now;

impl Session {
    pub(super) fn key(&mut self, now: Now, key: Key, out: &mut Vec<Effect>) {
        match &mut self.state {
            State::EarlyGreeting { then, .. } => {
                let then = *then;
                if self.cuts_greeting(then, key, out) {
                    out.push(Effect::StopPlaying);
                    self.answer(then, out);
                }
            }
            State::Greeting { then, .. } => {
                let then = *then;
                if self.cuts_greeting(then, key, out) {
                    self.go(now, then, out);
                }
            }
            State::Menu { dialogue, .. } => {
                let plan = self.plan.clone();
                let menu = plan.menu(dialogue.menu);
                if dialogue.is_deaf(menu) {
                    return self.pressed_ahead(key, out);
                }
                out.push(Effect::Pressed(Some(key)));
                let step = dialogue.key(now.instant, menu, key);
                self.menu_step(now, step, out);
            }
            State::Input { .. } => self.input_key(now, key, out),
            State::Notice { .. } => self.pressed_ahead(key, out),
            State::Message(_) => self.message_key(now, key, out),
            // A key cannot call a REFER back, and one pressed in impatience must not choose in the next menu.
            State::Transferring(_) => {}
            // The centre heard it.
            State::Talking { .. } => {}
            State::Arriving | State::Answering { .. } | State::Answered { .. } => self.type_ahead(key),
            State::Leaving { .. } | State::Done => {}
        }
    }

    /// Whether keys wait for the end of what is said there.
    pub(super) fn bars_keys(&self, to: Destination) -> bool {
        match to {
            Destination::Menu(menu) => !self.plan.menu(menu).barge_in,
            Destination::Input(input) => !self.plan.input(input).barge_in,
            Destination::Center(_)
            | Destination::Notice(_)
            | Destination::Message(_)
            | Destination::Back
            | Destination::Repeat
            | Destination::Slower
            | Destination::RepeatSlowly
            | Destination::End => false,
        }
    }

    /// A key during a greeting is kept for what follows it; whether it cuts the greeting, too.
    fn cuts_greeting(&mut self, then: Destination, key: Key, out: &mut Vec<Effect>) -> bool {
        let bars = self.bars_keys(then) || self.plan.numbers[self.number].record;
        // In a menu it counts at once.
        if !bars && self.ahead.is_empty() && matches!(then, Destination::Menu(_)) {
            out.push(Effect::Pressed(Some(key)));
            self.type_ahead(key);
        } else {
            self.pressed_ahead(key, out);
        }
        !bars
    }

    /// A key typed ahead: where the table asks for digits it may be one of them, so nobody is told which it is, and its tone
    /// is not recorded.
    pub(super) fn pressed_ahead(&mut self, key: Key, out: &mut Vec<Effect>) {
        out.push(Effect::Pressed(self.plan.inputs.is_empty().then_some(key)));
        self.hush(out);
        self.type_ahead(key);
    }

    pub(super) fn type_ahead(&mut self, key: Key) {
        if self.ahead.len() < TYPE_AHEAD_MAX {
            self.ahead.push_back(key);
        }
    }

    pub(super) fn menu_step(&mut self, now: Now, step: menu::Step, out: &mut Vec<Effect>) {
        let State::Menu { dialogue, play } = &mut self.state else { return };
        let menu = dialogue.menu;
        let row = self.plan.menu(menu).row.clone();
        match step {
            menu::Step::Stay => self.drain_ahead(now, out),
            menu::Step::Hush => {
                if play.take().is_some() {
                    out.push(Effect::StopPlaying);
                }
                self.drain_ahead(now, out);
            }
            menu::Step::Say(prompts) => self.say_menu(now, prompts, out),
            menu::Step::Wrong { keys, say } => {
                self.record.pressed(now, &row, &keys);
                self.ahead.clear();
                self.say_menu(now, say, out);
            }
            menu::Step::Go { to, keys } => {
                if let Some(keys) = keys {
                    self.record.pressed(now, &row, &keys);
                    if let Some(language) = self.plan.menu(menu).languages.get(&keys) {
                        // Once more is back to Korean.
                        let back = self.plan.switches_back && self.language == *language;
                        self.language = language.clone().filter(|_| !back);
                        self.record.speaks(self.language.as_ref());
                    }
                    self.answered_consent(menu, &keys, out);
                }
                self.go(now, to, out);
            }
        }
    }

    pub(super) fn drain_ahead(&mut self, now: Now, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        while let State::Menu { dialogue, .. } = &mut self.state {
            let menu = plan.menu(dialogue.menu);
            if dialogue.is_deaf(menu) {
                return;
            }
            let Some(key) = self.ahead.pop_front() else { return };
            let step = dialogue.key(now.instant, menu, key);
            if matches!(step, menu::Step::Stay | menu::Step::Hush) {
                continue;
            }
            return self.menu_step(now, step, out);
        }
    }

    pub(super) fn say_menu(&mut self, now: Now, prompts: Vec<PromptId>, out: &mut Vec<Effect>) {
        let State::Menu { dialogue, .. } = &self.state else { return };
        let about = About { menu: Some(dialogue.menu), ..About::default() };
        let said = self.play(now, prompts, about, false, out);
        if let State::Menu { play, .. } = &mut self.state {
            *play = Some(said);
        }
    }

    pub(super) fn held(&mut self, now: Now, held: bool, out: &mut Vec<Effect>) {
        if self.held == held {
            return;
        }
        self.held = held;
        // Greeting and announcements pause in the stream and go on by themselves; a REFER does not care. Keys typed
        // ahead wait for the words they answer.
        let plan = self.plan.clone();
        match &mut self.state {
            State::Menu { dialogue, play } => {
                let step = dialogue.held(held, plan.menu(dialogue.menu));
                if !held {
                    return self.menu_step(now, step, out);
                }
                if play.take().is_some() {
                    out.push(Effect::StopPlaying);
                }
            }
            State::Input { dialogue, play } => {
                let step = dialogue.held(held, plan.input(dialogue.input));
                if !held {
                    return self.input_step(now, (None, step), out);
                }
                if play.take().is_some() {
                    out.push(Effect::StopPlaying);
                }
            }
            State::Talking { .. } => self.holds_far(now, held, out),
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            | State::Notice { .. }
            | State::Message(_)
            | State::Transferring(_)
            | State::Leaving { .. }
            | State::Done => {}
        }
    }
}
