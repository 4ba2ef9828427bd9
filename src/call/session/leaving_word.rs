//! A caller who leaves a message: what is asked, the tone, what is recorded, and what becomes of it.
//!
//! Whoever comes here has agreed in the menu before. `#` ends the message, `*` begins it again, and `0` is a person
//! where that menu has one. Most callers just hang up when they have said it all: then the message is kept too.

use super::speaking::About;
use super::{Session, State};
use crate::call::record::Outcome;
use crate::call::{Effect, Recorded};
use crate::limits::{MESSAGE_SPOKEN_MIN, RECORDED_PATIENCE};
use crate::media::{PlayKey, RecordingKey, Sides};
use crate::number::{Digits, Key};
use crate::routing::plan::{Destination, MessageId, PromptId};
use crate::time::{Instant, Now};
use std::sync::Arc;

/// A caller on the way to a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Word {
    message: MessageId,
    /// How often nothing was said.
    silences: u8,
    phase: Phase,
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    /// What to do is being said, and the tone.
    Asking { play: PlayKey },
    /// The caller speaks. Whoever records tells the end; after `until` nothing more is heard of it.
    Recording { until: Instant },
    /// It was told to end.
    Ending { until: Instant },
    /// The caller hung up; what was said is still being written.
    Gone { until: Instant },
    /// It is kept, and the caller is told so.
    Thanking { play: PlayKey },
}

/// A recording that runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Running {
    pub(super) key: RecordingKey,
    message: MessageId,
    file: Arc<str>,
}

/// A message without its times, for those who compare calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Leaving {
    /// Which.
    pub message: MessageId,
    /// How often nothing was said.
    pub silences: u8,
    /// How far it is.
    pub stage: Stage,
}

/// How far a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// What to do is being said.
    Asking,
    /// The caller speaks.
    Recording,
    /// It was told to end.
    Ending,
    /// The caller is gone.
    Gone,
    /// The caller is told that it is kept.
    Thanking,
}

impl Word {
    pub(super) fn message(&self) -> MessageId {
        self.message
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Recording { until } | Phase::Ending { until } | Phase::Gone { until } => Some(until),
            Phase::Asking { .. } | Phase::Thanking { .. } => None,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Gone { .. })
    }

    /// Where it stands, without its times.
    pub(super) fn leaving(&self) -> Leaving {
        let stage = match self.phase {
            Phase::Asking { .. } => Stage::Asking,
            Phase::Recording { .. } => Stage::Recording,
            Phase::Ending { .. } => Stage::Ending,
            Phase::Gone { .. } => Stage::Gone,
            Phase::Thanking { .. } => Stage::Thanking,
        };
        Leaving { message: self.message, silences: self.silences, stage }
    }
}

impl Session {
    /// Says what to do, then the tone.
    pub(super) fn take_message(&mut self, now: Now, message: MessageId, out: &mut Vec<Effect>) {
        // What was pressed before the question was no answer to it, and nobody leaves a message in keys.
        self.ahead.clear();
        self.say_before_tone(now, message, 0, &[], out);
    }

    fn say_before_tone(
        &mut self,
        now: Now,
        message: MessageId,
        silences: u8,
        first: &[PromptId],
        out: &mut Vec<Effect>,
    ) {
        let row = self.plan.message(message);
        let said = first.iter().chain(&row.speech).chain([&row.tone]).cloned().collect();
        let play = self.play(now, said, About::default(), false, out);
        self.state = State::Message(Word { message, silences, phase: Phase::Asking { play } });
    }

    /// A key on the way to a message, in it or behind it.
    pub(super) fn message_key(&mut self, now: Now, key: Key, out: &mut Vec<Effect>) {
        let State::Message(Word { message, silences, phase }) = &self.state else { return };
        let (message, silences) = (*message, *silences);
        match phase {
            Phase::Gone { .. } | Phase::Ending { .. } => {}
            Phase::Thanking { .. } => self.pressed_ahead(key, out),
            Phase::Asking { .. } => {
                out.push(Effect::Pressed(Some(key)));
                match self.way_out(message, key) {
                    Some(to) => self.go(now, to, out),
                    // Who has heard it before goes to the tone.
                    None if self.plan.menu(self.plan.message(message).consent).barge_in => {
                        let tone = vec![self.plan.message(message).tone.clone()];
                        let play = self.play(now, tone, About::default(), false, out);
                        self.state = State::Message(Word { message, silences, phase: Phase::Asking { play } });
                    }
                    None => {}
                }
            }
            Phase::Recording { .. } => {
                out.push(Effect::Pressed(Some(key)));
                if let Some(to) = self.way_out(message, key) {
                    self.discard(out);
                    self.go(now, to, out);
                } else if key.as_char() == '#' {
                    out.extend(self.running.as_ref().map(|running| Effect::EndRecording(running.key)));
                    let phase = Phase::Ending { until: now.instant + RECORDED_PATIENCE };
                    self.state = State::Message(Word { message, silences, phase });
                } else if key.as_char() == '*' {
                    self.discard(out);
                    self.say_before_tone(now, message, silences, &[], out);
                }
            }
        }
    }

    /// Where `0` leads from here, when the menu before has it.
    fn way_out(&self, message: MessageId, key: Key) -> Option<Destination> {
        let mut digits = Digits::default();
        digits.push(key);
        let menu = self.plan.menu(self.plan.message(message).consent);
        menu.choices.get(&digits).copied().filter(|_| key.as_char() == '0')
    }

    pub(super) fn discard(&mut self, out: &mut Vec<Effect>) {
        if let Some(Running { key, file, .. }) = self.running.take() {
            self.record.message_dropped(key);
            out.push(Effect::Discard { key, file });
        }
    }

    /// What was said has been said: after the tone the caller speaks.
    pub(super) fn message_heard(&mut self, now: Now, done: PlayKey, out: &mut Vec<Effect>) {
        let State::Message(Word { message, silences, phase }) = &self.state else { return };
        let (message, silences) = (*message, *silences);
        match phase {
            Phase::Asking { play } if *play == done => {
                let (key, file) = self.recording_named("messages", now);
                let row = self.plan.message(message);
                let (longest, silence) = (row.longest, Some(row.silence));
                self.record.message_began(now, key, &row.row, &file);
                self.running = Some(Running { key, message, file: file.clone() });
                out.push(Effect::Record { key, file, sides: Sides::Caller, longest, silence });
                let phase = Phase::Recording { until: now.instant + longest + RECORDED_PATIENCE };
                self.state = State::Message(Word { message, silences, phase });
            }
            Phase::Thanking { play } if *play == done => {
                let then = self.plan.message(message).then;
                self.go(now, then, out);
            }
            _ => {}
        }
    }

    /// A recording takes no more sound; whether it is kept will be told.
    pub(super) fn recording_over(&mut self, now: Now, key: RecordingKey) {
        self.tape_over(key);
        if let State::Message(Word { phase: phase @ Phase::Recording { .. }, .. }) = &mut self.state
            && self.running.as_ref().is_some_and(|running| running.key == key)
        {
            *phase = Phase::Ending { until: now.instant + RECORDED_PATIENCE };
        }
    }

    /// What became of a recording is known: a message is left if it is kept and something was said.
    pub(super) fn recorded(&mut self, now: Now, recorded: Recorded, out: &mut Vec<Effect>) {
        let key = recorded.key;
        self.tape_over(key);
        let unsaid = self.record.recorded(recorded);
        let said = unsaid.is_none() && recorded.spoken >= MESSAGE_SPOKEN_MIN;
        out.extend(unsaid.map(|file| Effect::Discard { key, file }));
        let Some(Running { message, .. }) = self.running.take_if(|running| running.key == key) else { return };
        let State::Message(Word { silences, phase, .. }) = &self.state else { return };
        let silences = *silences;
        match phase {
            Phase::Gone { .. } => self.over(now, Outcome::Abandoned, "caller-hung-up", None, out),
            Phase::Recording { .. } | Phase::Ending { .. } => {
                self.message_ended(now, message, recorded.loss.is_none(), said, silences, out)
            }
            Phase::Asking { .. } | Phase::Thanking { .. } => {}
        }
    }

    fn message_ended(
        &mut self,
        now: Now,
        message: MessageId,
        kept: bool,
        said: bool,
        silences: u8,
        out: &mut Vec<Effect>,
    ) {
        let plan = self.plan.clone();
        let row = plan.message(message);
        if !kept || (!said && silences >= row.retries) {
            return self.go(now, row.otherwise, out);
        }
        if !said {
            return self.say_before_tone(now, message, silences + 1, std::slice::from_ref(&row.empty), out);
        }
        let play = self.play(now, vec![row.saved.clone()], About::default(), false, out);
        self.state = State::Message(Word { message, silences, phase: Phase::Thanking { play } });
    }

    /// The caller hung up; what was said is on its way to the disk.
    pub(super) fn gone_in_a_message(&mut self, now: Now) {
        if let State::Message(word) = &mut self.state {
            word.phase = Phase::Gone { until: now.instant + RECORDED_PATIENCE };
        }
    }

    /// Nobody has told what became of the recording. If it is told yet, the record of the call has it.
    pub(super) fn message_tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let State::Message(Word { message, phase, .. }) = &self.state else { return };
        let message = *message;
        match phase {
            Phase::Gone { until } if now.instant >= *until => {
                self.give_up_recording();
                self.over(now, Outcome::Abandoned, "caller-hung-up", None, out);
            }
            Phase::Recording { until } | Phase::Ending { until } if now.instant >= *until => {
                out.extend(self.give_up_recording().map(Effect::EndRecording));
                self.go(now, self.plan.message(message).otherwise, out);
            }
            _ => {}
        }
    }

    fn give_up_recording(&mut self) -> Option<RecordingKey> {
        let Running { key, .. } = self.running.take()?;
        self.record.awaits_no_longer(key);
        Some(key)
    }
}
