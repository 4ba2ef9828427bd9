//! One call under exploration: a [`Session`] with what sounds on its line, moved step by step.
//!
//! A step is something a caller, a centre or time can do. Prompts have no length here; who needs time
//! (`proof::caller`) adds it.

use super::circumstance::Circumstance;
use crate::call::record::{MessageRecord, Origin};
use crate::call::session::standing::{Place, Reach, Stage, Standing};
use crate::call::transfer::Means;
use crate::call::{Attempt, CallKey, Effect, Event, Record, Recorded, Session};
use crate::limits::ENTRY_DIGITS_MAX;
use crate::media::{Loss, PlayKey, RecordingKey};
use crate::number::Key;
use crate::routing::accepts::Class;
use crate::routing::plan::{MessageId, Plan};
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant, Now, Wall};
use std::fmt;
use std::sync::Arc;

/// A message as long as most.
const MESSAGE: Duration = Duration::from_secs(10);
/// The silence that ended it.
const SILENT_END: Duration = Duration::from_secs(5);

/// What can happen to a call, as those see it who explore.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// We answer, and the caller hears us.
    Connect,
    /// A key.
    Key(Key),
    /// Keys in a row that make an entry of a class, or begin one: what an input does depends on the class alone.
    Enter(Typed),
    /// What is said has been said.
    Heard,
    /// What waits has waited long enough: for a key, or for word of a transfer.
    Silence,
    /// The caller's phone takes the REFER.
    Accepts,
    /// The caller's phone refuses the REFER.
    Refuses,
    /// The phone says that it is trying the centre.
    Rings,
    /// The centre does not take the call.
    Fails,
    /// The subscription ends without a word.
    Vanishes,
    /// The centre answers.
    Reaches,
    /// The caller has left a message.
    Speaks,
    /// Nothing was said after the tone.
    SaysNothing,
    /// What was said could not be kept.
    Spoils,
    /// The caller hangs up.
    HangUp,
    /// The caller's side puts us on hold.
    Hold,
    /// It comes back.
    Resume,
    /// The centre that the caller talks to through us hangs up.
    Parts,
    /// The longest call is over.
    CallMax,
}

/// Made-up keys for an input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Typed {
    /// What they make.
    pub class: Class,
    length: u8,
    /// Two keys a byte: steps are kept by the million.
    packed: [u8; TYPED_BYTES],
}

/// An entry and its `#`.
const TYPED_BYTES: usize = ENTRY_DIGITS_MAX / 2 + 1;

impl Typed {
    /// Keys as text; more than an entry has are left out.
    pub fn new(class: Class, keys: &str) -> Self {
        let mut typed = Self { class, length: 0, packed: [0; TYPED_BYTES] };
        for key in keys.chars().filter_map(Key::from_char).take(TYPED_BYTES * 2) {
            let at = usize::from(typed.length);
            typed.packed[at / 2] |= key.event() << (4 * (at % 2));
            typed.length += 1;
        }
        typed
    }

    /// The keys.
    pub fn keys(self) -> impl Iterator<Item = Key> {
        (0..usize::from(self.length)).filter_map(move |at| Key::from_event(self.packed[at / 2] >> (4 * (at % 2)) & 0xf))
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys().try_for_each(|key| key.fmt(f))
    }
}

/// What sounds on the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound {
    /// Nothing.
    Nothing,
    /// Something that will come to its end.
    Once(PlayKey),
    /// Something that goes on until replaced.
    Repeated,
}

/// A call on its way.
#[derive(Clone, Debug)]
pub struct Line {
    session: Session,
    now: Now,
    sound: Sound,
    attempt: Option<Attempt>,
    /// It is a call of ours, not a REFER.
    calls: bool,
    recording: RecordingKey,
    ends: Instant,
}

impl Line {
    /// A call to this number of the table, at a moment, from nobody in particular.
    pub fn new(plan: &Arc<Plan>, number: usize, wall: Wall) -> Self {
        Self::called(plan, number, &Circumstance::at(plan, wall))
    }

    /// A call to this number of the table.
    pub fn called(plan: &Arc<Plan>, number: usize, circumstance: &Circumstance) -> Self {
        let call = CallKey(0x1357 + circumstance.chance);
        let now = Now { instant: Instant::START, wall: circumstance.at };
        let dialled = plan.numbers.get(number).and_then(|number| number.dialled.first());
        let dialled = dialled.map(|pattern| pattern.example()).unwrap_or_default();
        let origin = Origin {
            call,
            call_id: "",
            caller: &circumstance.caller,
            dialled: &dialled,
            table: &plan.version,
            zone: &plan.timezone,
            hash_key: &[0; 32],
        };
        let record = Record::new(now, &origin);
        let session = Session::new(now, call, plan.clone(), number, record)
            .situated(circumstance.caller.clone(), circumstance.switches());
        Self {
            session,
            now,
            sound: Sound::Nothing,
            attempt: None,
            calls: false,
            recording: RecordingKey::default(),
            ends: now.instant + plan.call_max,
        }
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        self.session.standing()
    }

    /// What has been written of it.
    pub fn record(&self) -> &Record {
        self.session.record()
    }

    /// The row of a message that was left.
    pub fn message_of(&self, left: &MessageRecord) -> Option<MessageId> {
        self.session.plan().messages.iter().position(|message| message.row == left.message).map(MessageId)
    }

    /// The keys of the centre that is called.
    pub fn post_dial(&self) -> Vec<Key> {
        let Place::Transfer { center, .. } = self.standing().place else { return Vec::new() };
        let post_dial = &self.session.plan().center(center).post_dial;
        post_dial.iter().flat_map(|post_dial| post_dial.keys()).collect()
    }

    /// What sounds.
    pub fn sound(&self) -> Sound {
        self.sound
    }

    /// When the call wakes by itself; the longest call apart.
    pub fn waits(&self) -> Option<Instant> {
        self.session.deadline().filter(|&deadline| deadline < self.ends)
    }

    /// When the longest call is over.
    pub fn ends(&self) -> Instant {
        self.ends
    }

    /// The time.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Time goes by and nothing happens.
    pub fn advance(&mut self, to: Instant) {
        self.now = self.now.after(to.since(self.now.instant));
    }

    /// One step; what comes of it is added to `effects`.
    pub fn step(&mut self, step: Step, effects: &mut Vec<Effect>) {
        if let Step::Enter(typed) = step {
            return typed.keys().for_each(|key| self.step(Step::Key(key), effects));
        }
        let attempt = self.attempt.unwrap_or(Attempt(0));
        let recording = self.recording;
        let recorded = |spoken: Duration, loss| {
            let (length, hushed) = (spoken + SILENT_END, Duration::ZERO);
            Event::Recorded(Recorded { key: recording, length, spoken, hushed, loss })
        };
        let word = |status: Option<StatusCode>, terminated| Event::Notified { attempt, status, terminated };
        let event = match step {
            Step::Connect => {
                self.session.handle(self.now, Event::Answered, effects);
                Event::Connected
            }
            Step::Key(key) => Event::Key(key),
            Step::Enter(_) => return,
            Step::Heard => match self.sound {
                Sound::Once(play) => {
                    self.sound = Sound::Nothing;
                    Event::Finished(play)
                }
                Sound::Nothing | Sound::Repeated => return,
            },
            Step::Silence => {
                let Some(until) = self.waits() else { return };
                self.advance_clock_of_waits(until);
                Event::Tick
            }
            Step::Rings if self.calls => Event::FarRings(attempt),
            Step::Fails | Step::Refuses if self.calls => Event::FarFailed(attempt, StatusCode::BUSY),
            Step::Reaches if self.calls => Event::FarAnswered(attempt),
            Step::Accepts | Step::Vanishes if self.calls => return,
            Step::Accepts => Event::ReferAnswered(attempt, StatusCode::ACCEPTED),
            Step::Refuses => Event::ReferAnswered(attempt, StatusCode::DECLINE),
            Step::Rings => word(Some(StatusCode::TRYING), false),
            Step::Fails => word(Some(StatusCode::BUSY), true),
            Step::Vanishes => word(None, true),
            Step::Reaches => word(Some(StatusCode::OK), true),
            Step::Speaks => recorded(MESSAGE, None),
            Step::SaysNothing => recorded(Duration::ZERO, None),
            Step::Spoils => recorded(MESSAGE, Some(Loss::Disk)),
            Step::HangUp => Event::HungUp,
            Step::Parts => Event::FarHungUp,
            Step::Hold => Event::Held(true),
            Step::Resume => Event::Held(false),
            Step::CallMax => {
                self.now.instant = self.now.instant.max(self.ends);
                Event::Tick
            }
        };
        self.handle(event, effects);
    }

    /// Something happens; keys that a centre wants then are out at once, for a centre that goes meanwhile has failed, which is another step.
    fn handle(&mut self, event: Event, effects: &mut Vec<Effect>) {
        let from = effects.len();
        let mut dialled = None;
        self.session.handle(self.now, event, effects);
        for effect in effects.iter().skip(from) {
            match effect {
                Effect::Play { play, repeat: false, .. } => self.sound = Sound::Once(*play),
                Effect::Play { repeat: true, .. } => self.sound = Sound::Repeated,
                Effect::StopPlaying | Effect::HangUp => self.sound = Sound::Nothing,
                Effect::Refer { attempt, .. } => (self.attempt, self.calls) = (Some(*attempt), false),
                Effect::Call { attempt, .. } => (self.attempt, self.calls) = (Some(*attempt), true),
                // The two hear each other.
                Effect::Bridge => self.sound = Sound::Nothing,
                Effect::PostDial(keys) => dialled = Some(keys.len()),
                Effect::DropCall | Effect::Unbridge | Effect::Overhear | Effect::GiveWay | Effect::FarHears(_) => {}
                Effect::Record { key, silence: Some(_), .. } => self.recording = *key,
                Effect::Record { silence: None, .. } | Effect::PauseRecording(..) => {}
                Effect::EndRecording(_) | Effect::Discard { .. } => {}
                Effect::Entered(_) | Effect::Pressed(_) | Effect::Answer | Effect::Over => {}
            }
        }
        if let (Some(count), Some(attempt)) = (dialled, self.attempt) {
            self.handle(Event::PostDialled(attempt, u8::try_from(count).unwrap_or(u8::MAX)), effects);
        }
    }

    /// What can be entered now, by class.
    pub fn entries(&self) -> impl Iterator<Item = Step> {
        self.session.entries().into_iter().map(|(class, keys)| Step::Enter(Typed::new(class, &keys)))
    }

    /// Hours are one class for the whole call, so waiting moves the timers and leaves the time of day.
    fn advance_clock_of_waits(&mut self, until: Instant) {
        self.now.instant = self.now.instant.max(until);
    }

    /// Every step that can come next and may change something.
    pub fn possible(&self, standing: &Standing, steps: &mut Vec<Step>) {
        const KEYS: &str = "0123456789*#A";
        let keys = || KEYS.chars().filter_map(Key::from_char).map(Step::Key);
        // One key typed ahead does what the same key does a moment later; a second would do so after it.
        let ahead = standing.ahead.is_empty();
        if matches!(self.sound, Sound::Once(_)) {
            steps.push(Step::Heard);
        }
        match &standing.place {
            Place::Arriving => steps.push(Step::Connect),
            Place::Early { .. } | Place::Answered { .. } => steps.push(Step::Silence),
            Place::Done => return,
            Place::Leaving => {
                steps.extend([Step::Silence, Step::Fails, Step::Reaches]);
                return;
            }
            Place::Menu(_) if standing.held => steps.push(Step::Resume),
            Place::Menu(_) => {
                if ahead {
                    steps.extend(keys());
                }
                steps.push(Step::Hold);
            }
            Place::Input(_) if standing.held => steps.push(Step::Resume),
            Place::Input(asking) => {
                if ahead && asking.confirming {
                    steps.extend(keys());
                } else if ahead {
                    steps.extend(self.entries());
                    steps.extend("*#A".chars().filter_map(Key::from_char).map(Step::Key));
                }
                steps.push(Step::Hold);
            }
            Place::Greeting { .. } | Place::Notice(_) => {
                if ahead && !standing.overtime {
                    steps.extend(keys());
                }
            }
            Place::Message(leaving) => match leaving.stage {
                Stage::Asking => steps.extend(keys()),
                Stage::Recording => {
                    steps.extend(keys());
                    steps.extend([Step::Speaks, Step::SaysNothing, Step::Spoils]);
                }
                Stage::Ending => steps.extend([Step::Speaks, Step::SaysNothing, Step::Spoils]),
                Stage::Gone => {
                    steps.extend([Step::Silence, Step::Speaks, Step::SaysNothing, Step::Spoils]);
                    return;
                }
                Stage::Thanking => {
                    if ahead {
                        steps.extend(keys());
                    }
                }
            },
            Place::Transfer { reach: Reach::Announcing | Reach::PostDialling(_), .. } => {}
            Place::Talking(_) => {
                let hold = if standing.held { Step::Resume } else { Step::Hold };
                steps.extend([Step::Parts, Step::HangUp, hold]);
                return;
            }
            Place::Transfer { reach, means, .. } => {
                steps.extend([Step::Reaches, Step::Fails]);
                if *means == Means::Refer {
                    steps.extend([Step::Accepts, Step::Refuses, Step::Vanishes]);
                }
                if *reach == Reach::Referring {
                    steps.push(Step::Rings);
                }
            }
        }
        if self.waits().is_some() && !steps.contains(&Step::Silence) {
            steps.push(Step::Silence);
        }
        steps.push(Step::HangUp);
        if !standing.overtime && !standing.held {
            steps.push(Step::CallMax);
        }
    }
}
