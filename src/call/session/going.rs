//! Where a call goes: its entrance, from row to row, into menus and announcements, and what follows their last word.

use super::speaking::About;
use super::{HOPS_MAX, Session, State};
use crate::call::Effect;
use crate::call::menu::Dialogue;
use crate::call::record::Outcome;
use crate::call::transfer::{Phase, Transfer};
use crate::limits::MENU_DEPTH_MAX;
use crate::media::PlayKey;
use crate::routing::opening::{self, TurnedAway};
use crate::routing::plan::{CenterId, Destination, MenuId, NoticeId};
use crate::routing::select::Situation;
use crate::routing::{calendar, select};
use crate::time::{Now, Wall};

impl Session {
    /// Where callers of this number enter now.
    pub(super) fn entrance(&mut self, now: Now) -> Destination {
        self.turned_away.chose();
        let number = &self.plan.numbers[self.number];
        let Some(when) = select::condition(&self.plan, number, self.situation(now.wall)) else { return number.go };
        let to = when.go;
        if opening::shuts(&self.plan, when) {
            self.turned_away = TurnedAway::by_number(now.wall);
        }
        to
    }

    /// What the number's conditions are asked about.
    pub(super) fn situation(&self, at: Wall) -> Situation<'_> {
        // The low bits of the key are chance, and the same call draws the same share for ever.
        let draw = u8::try_from(self.chance() % 100).unwrap_or(0);
        let (caller, switches, language) = (&self.caller, &*self.switches, self.language.as_ref());
        Situation { at, caller, switches, language, draw }
    }

    /// This call's chance: its key, stirred so that calls of one millisecond differ in all bits (the finalizer of SplitMix64).
    pub(super) fn chance(&self) -> u64 {
        let stirred = (self.call.0 ^ (self.call.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        stirred ^ (stirred >> 31)
    }

    /// Follows a destination until there is something to hear or to wait for.
    pub(super) fn go(&mut self, now: Now, mut to: Destination, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let mut asked = self.consent();
        if self.has_chosen() {
            self.turned_away.chose();
        }
        for _ in 0..HOPS_MAX {
            if let Some((row, doors)) = plan.doors(to)
                && !calendar::is_open(&plan, doors.hours, now.wall)
            {
                self.turned_away.by_door(now.wall, to, self.menus.iter().map(|menu| Destination::Menu(*menu)));
                self.enter_row(row, out);
                to = doors.closed;
                continue;
            }
            match to {
                Destination::Menu(menu) => return self.enter_menu(now, menu, true, out),
                Destination::Input(input) => return self.ask(now, input, out),
                // A question for consent is no step of the way: back is the menu before it.
                Destination::Repeat => match asked.take().as_ref().or(self.menus.last()) {
                    Some(&menu) => return self.enter_menu(now, menu, true, out),
                    None => to = self.entrance(now),
                },
                Destination::Back => {
                    // From an announcement or a transfer, "back" is the menu the caller came from.
                    if matches!(self.state, State::Menu { .. }) && asked.take().is_none() {
                        match self.menus.len() {
                            0 => {}
                            // Nothing lies before the first menu: it begins anew, at the pace at which it began.
                            1 => self.read_slowly(false),
                            _ => drop(self.menus.pop()),
                        }
                    }
                    to = Destination::Repeat;
                }
                Destination::Slower | Destination::RepeatSlowly => {
                    self.set_pace(to);
                    to = match &self.state {
                        State::Input { dialogue, .. } => Destination::Input(dialogue.input),
                        _ => Destination::Repeat,
                    };
                }
                Destination::Center(center) => return self.transfer(now, center, out),
                Destination::Notice(notice) => return self.announce(now, notice, None, out),
                Destination::Message(message) => return self.take_message(now, message, out),
                Destination::End => return self.end_call(now, Outcome::Announced, "announced", out),
            }
        }
        self.give_up(now, None, out);
    }

    /// Slow reading from here on, as the key says; or the usual one again.
    pub(super) fn set_pace(&mut self, go: Destination) {
        self.read_slowly(go == Destination::RepeatSlowly || !self.slow);
    }

    fn read_slowly(&mut self, slow: bool) {
        self.slow = slow;
        self.record.reads(slow);
    }

    /// Whether what comes next is the caller's own choice, or what a centre made of it: not what follows an announcement or a message.
    pub(super) fn has_chosen(&self) -> bool {
        match self.state {
            State::Menu { .. } => self.consent().is_none(),
            State::Input { .. } | State::Transferring(_) | State::Talking { .. } => true,
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            | State::Notice { .. }
            | State::Message(_)
            | State::Leaving { .. }
            | State::Done => false,
        }
    }

    /// The question for consent that the caller is asked now.
    pub(super) fn consent(&self) -> Option<MenuId> {
        match &self.state {
            State::Menu { dialogue, .. } if self.plan.asks_consent(dialogue.menu) => Some(dialogue.menu),
            _ => None,
        }
    }

    /// Enters a menu: aloud, or in silence when a key that counts for it is already here.
    pub(super) fn enter_menu(&mut self, now: Now, menu: MenuId, aloud: bool, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        match self.menus.iter().position(|&passed| passed == menu) {
            Some(at) => self.menus.truncate(at + 1),
            None if plan.asks_consent(menu) => {}
            None if self.menus.len() < MENU_DEPTH_MAX => self.menus.push(menu),
            None => {}
        }
        let row = plan.menu(menu);
        self.enter_row(&row.row, out);
        // Nobody agrees to a question before it was asked.
        if plan.asks_consent(menu) || self.asks_to_record(menu) {
            self.ahead.clear();
        }
        let mut dialogue = Dialogue::enter(menu);
        if let Some(key) = self.ahead.pop_front() {
            let step = dialogue.key(now.instant, row, key);
            self.state = State::Menu { dialogue, play: None };
            return self.menu_step(now, step, out);
        }
        if self.held {
            dialogue.held(true, row);
            self.state = State::Menu { dialogue, play: None };
            return;
        }
        let about = About { menu: Some(menu), ..About::default() };
        let play = aloud.then(|| self.play(now, row.speech.clone(), about, false, out));
        self.state = State::Menu { dialogue, play };
    }

    /// Says an announcement; `center` was not reached.
    pub(super) fn announce(&mut self, now: Now, notice: NoticeId, center: Option<CenterId>, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let row = plan.notice(notice);
        self.enter_row(&row.row, out);
        let about = About { center, ..About::default() };
        let play = self.play(now, row.speech.clone(), about, false, out);
        self.state = State::Notice { notice, play };
    }

    /// The goodbye that says what to do, then the end.
    pub(super) fn give_up(&mut self, now: Now, center: Option<CenterId>, out: &mut Vec<Effect>) {
        self.ahead.clear();
        match center.or((!self.plan.centers.is_empty()).then_some(CenterId(0))) {
            Some(center) => self.announce(now, self.plan.center(center).transfer.give_up, None, out),
            // A table without centres has no goodbye of its own.
            None => self.end_call(now, Outcome::Announced, "announced", out),
        }
    }

    pub(super) fn finished(&mut self, now: Now, done: PlayKey, out: &mut Vec<Effect>) {
        match &mut self.state {
            State::EarlyGreeting { play, then, .. } if *play == done => {
                let then = *then;
                self.answer(then, out);
            }
            State::Greeting { play, then } if *play == done => {
                let then = *then;
                self.go(now, then, out);
            }
            State::Menu { dialogue, play } if *play == Some(done) => {
                *play = None;
                let plan = self.plan.clone();
                dialogue.spoken(now.instant, plan.menu(dialogue.menu));
                self.drain_ahead(now, out);
            }
            State::Input { dialogue, play } if *play == Some(done) => {
                *play = None;
                let plan = self.plan.clone();
                dialogue.spoken(now.instant, plan.input(dialogue.input));
                self.drain_ahead_of_input(now, out);
            }
            State::Notice { notice, play } if *play == done => {
                let then = self.plan.notice(*notice).then;
                self.go(now, then, out);
            }
            State::Message(_) => self.message_heard(now, done, out),
            State::Transferring(Transfer { phase: Phase::Announcing { play }, .. }) if *play == done => {
                self.try_rung(now, out);
            }
            // A late report of something that was replaced meanwhile.
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            | State::Menu { .. }
            | State::Input { .. }
            | State::Notice { .. }
            | State::Transferring(_)
            | State::Talking { .. }
            | State::Leaving { .. }
            | State::Done => {}
        }
    }
}
