//! The recording of a call, or of one of its steps: both sides, once the caller has been told or has agreed.
//!
//! After every step of the call it is asked what the table wants recorded now ([`Session::wanted`]), and the recording is
//! begun, paused or ended to match. It is silent where an entry is sensitive, and ends with our sound: a caller who is handed
//! over by REFER is heard by us no more, and one whom we bridge talks with somebody who was not told.

use super::{Session, State};
use crate::call::Effect;
use crate::media::{RecordingKey, Sides};
use crate::number::Digits;
use crate::routing::plan::MenuId;
use crate::time::{Duration, Now};
use jiff::Timestamp;
use std::sync::Arc;

/// A goodbye may follow the longest call.
const LONGEST_TAIL: Duration = Duration::from_secs(60);

/// The recording of what the table wants recorded now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tape {
    key: RecordingKey,
    /// `number.1357` for a whole call, or the menu of a step.
    scope: Arc<str>,
    /// It is silent now.
    paused: bool,
    /// It has come to its end: it could not be kept, or was as long as it may be. It is not begun again.
    over: bool,
}

impl Session {
    /// Begins, pauses and ends the recording as the table wants it at this place.
    pub(super) fn keep_recording(&mut self, now: Now, out: &mut Vec<Effect>) {
        let gone = match &self.state {
            State::Done | State::Leaving { .. } => true,
            State::Message(word) => word.is_gone(),
            _ => false,
        };
        if gone {
            // The stream is being closed, and the recording ends with it.
            self.tape = None;
            return;
        }
        let wanted = self.wanted();
        if let Some(tape) = self.tape.take_if(|tape| wanted.as_ref() != Some(&tape.scope))
            && !tape.over
        {
            out.push(Effect::EndRecording(tape.key));
        }
        let Some(scope) = wanted else { return };
        let sensitive = self.is_sensitive();
        if self.tape.is_none() {
            let (key, file) = self.recording_named("calls", now);
            let over = !self.record.recording_began(now, key, &scope, &file);
            if !over {
                let longest = self.plan.call_max + LONGEST_TAIL;
                out.push(Effect::Record { key, file, sides: Sides::Both, longest, silence: None });
            }
            self.tape = Some(Tape { key, scope, paused: false, over });
        }
        if let Some(tape) = self.tape.as_mut().filter(|tape| tape.paused != sensitive && !tape.over) {
            tape.paused = sensitive;
            out.push(Effect::PauseRecording(tape.key, sensitive));
        }
    }

    /// What is to be recorded at this place: the row that says so.
    fn wanted(&self) -> Option<Arc<str>> {
        let (menu, heard) = match &self.state {
            // The notice comes first, and what nobody pays for is not recorded.
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            // Whoever answers at a centre has not been told.
            | State::Talking { .. }
            | State::Leaving { .. }
            | State::Done => return None,
            State::Menu { dialogue, play } => (Some(dialogue.menu), play.is_none() && dialogue.is_said()),
            State::Input { .. }
            | State::Notice { .. }
            | State::Message(_)
            | State::Transferring(_) => (None, false),
        };
        let number = &self.plan.numbers[self.number];
        match self.agreed.unwrap_or(number.record) {
            true => Some(number.row.clone()),
            false if self.agreed == Some(false) => None,
            // A step: from the end of its words on, which say so.
            false => menu.map(|menu| self.plan.menu(menu)).filter(|menu| menu.record).and_then(|menu| {
                let runs = self.tape.as_ref().is_some_and(|tape| tape.scope == menu.row);
                (heard || runs).then(|| menu.row.clone())
            }),
        }
    }

    /// Whether what is entered or said now may not be kept.
    fn is_sensitive(&self) -> bool {
        matches!(&self.state, State::Input { dialogue, .. } if self.plan.input(dialogue.input).sensitive)
    }

    /// A key was pressed that may belong to an entry further on: its tone is not kept.
    pub(super) fn hush(&self, out: &mut Vec<Effect>) {
        let may_be_entry = self.plan.inputs.iter().any(|input| input.sensitive);
        if let Some(tape) = self.tape.as_ref().filter(|tape| may_be_entry && !tape.paused && !tape.over) {
            out.push(Effect::PauseRecording(tape.key, true));
            out.push(Effect::PauseRecording(tape.key, false));
        }
    }

    /// A choice whose key agrees to be recorded, or does not: of a caller who does not nothing is kept.
    pub(super) fn answered_consent(&mut self, menu: MenuId, keys: &Digits, out: &mut Vec<Effect>) {
        let Some(&agrees) = self.plan.menu(menu).recording.get(keys) else { return };
        self.agreed = Some(agrees);
        if agrees {
            return;
        }
        for (key, file) in self.record.recording_refused() {
            out.push(Effect::Discard { key, file });
        }
        self.tape = None;
    }

    /// Whether a key of this menu agrees to be recorded: nobody agrees to a question before it was asked.
    pub(super) fn asks_to_record(&self, menu: MenuId) -> bool {
        let menu = self.plan.menu(menu);
        menu.record || menu.recording.values().any(|&agrees| agrees)
    }

    /// The recording takes no more sound.
    pub(super) fn tape_over(&mut self, key: RecordingKey) {
        if let Some(tape) = self.tape.as_mut().filter(|tape| tape.key == key) {
            tape.over = true;
        }
    }

    /// The name of a recording that begins now, and its file.
    pub(super) fn recording_named(&mut self, folder: &str, now: Now) -> (RecordingKey, Arc<str>) {
        self.recordings += 1;
        let day = Timestamp::from_microsecond(now.wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = self.plan.timezone.to_datetime(day).date();
        let file = format!("{folder}/{day}/{}-{}", self.call, self.recordings).into();
        (RecordingKey { call: self.call.0, number: self.recordings }, file)
    }
}
