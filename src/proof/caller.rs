//! A caller in time: presses, listens and waits on a [`Line`], among centres that answer or do not.
//!
//! Prompts last as long as their sound. What telephones and centres say comes when well-behaved ones say it, so that the
//! same caller meets the same in the simulator; a test holds the two together.

use super::circumstance::Circumstance;
use super::diff::outcome;
use super::line::{Line, Sound, Step};
use crate::call::session::standing::Place;
use crate::call::{Effect, Record, Saying};
use crate::media::RecordingKey;
use crate::number::Key;
use crate::routing::plan::{CenterId, MessageId, NoticeId, Plan};
use crate::routing::test_row::{Act, Manner};
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How long after what he heard a caller presses, as in scripts.
const REACTION: Duration = Duration::from_millis(200);
/// How long a key is held, as in scripts.
const SETTLE: Duration = Duration::from_millis(100);
/// A REFER and its answer.
const ANSWER: Duration = Duration::from_millis(10);
/// A REFER, the call to the centre, and its refusal on the way back.
const REFUSAL: Duration = Duration::from_millis(150);
/// How long a centre rings that answers.
const RINGS: Duration = Duration::from_millis(2_150);
/// How long people talk.
const TALKS: Duration = Duration::from_secs(60);
/// How long a telephone tries a centre that says nothing: 64·T1.
const TRIES: Duration = Duration::from_secs(32);
/// How long one who has something to say waits for the tone.
const TONE_PATIENCE: Duration = Duration::from_secs(120);
/// No call is longer.
const LONGEST: Duration = Duration::from_secs(25 * 3600);

/// Something a caller notices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Moment {
    /// A row of the table is entered.
    Enters(Arc<str>),
    /// These prompts begin.
    Plays(Vec<Saying>),
    /// The caller is recorded from here on.
    Records,
    /// A key counted; which one, unless it may be part of what the caller enters.
    Key(Option<Key>),
    /// The caller is handed to this centre.
    Refers(CenterId),
    /// That failed.
    Fails(u16),
    /// The centre answered.
    Reaches(CenterId),
    /// We hang up.
    Releases,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finish {
    /// With a person of this centre.
    Center(CenterId),
    /// After this announcement.
    Notice(NoticeId),
    /// With a message of this row, and nobody reached.
    Message(MessageId),
    /// The caller hung up.
    HungUp,
    /// In any other way.
    Other(&'static str),
}

/// A recording that runs.
#[derive(Clone, Copy, Debug)]
struct Recording {
    key: RecordingKey,
    /// It ends then, if nothing else happens.
    ends: Instant,
    /// It is full then.
    full: Instant,
    silence: Duration,
    spoken: bool,
}

/// A call.
pub struct Caller<'p> {
    lengths: &'p BTreeMap<String, Duration>,
    world: &'p BTreeMap<CenterId, Vec<Manner>>,
    line: Line,
    /// What sounds comes to its end then.
    sounds: Option<Instant>,
    /// What telephone and centre will say about the REFER that is out.
    news: VecDeque<(Instant, Step, Option<Moment>)>,
    moments: Vec<Moment>,
    script: Vec<String>,
    effects: Vec<Effect>,
    /// What is being recorded.
    recording: Option<Recording>,
    finish: Option<Finish>,
    /// When the longest call is over; gone once it was.
    longest: Option<Instant>,
}

/// The number as a command of a script; none where nobody in particular calls.
pub(super) fn from(caller: &crate::number::Caller) -> Option<String> {
    match caller.secret() {
        "" => None,
        _ if caller.is_withheld() => Some("from withheld".to_owned()),
        number => Some(format!("from {number}")),
    }
}

impl<'p> Caller<'p> {
    /// Dials.
    pub fn dial(
        plan: &'p Arc<Plan>,
        lengths: &'p BTreeMap<String, Duration>,
        world: &'p BTreeMap<CenterId, Vec<Manner>>,
        number: usize,
        circumstance: &Circumstance,
    ) -> Self {
        let mut caller = Self {
            lengths,
            world,
            line: Line::called(plan, number, circumstance),
            sounds: None,
            news: VecDeque::new(),
            moments: Vec::new(),
            script: Vec::new(),
            effects: Vec::new(),
            recording: None,
            finish: None,
            longest: None,
        };
        caller.longest = Some(caller.line.ends());
        caller.script.extend(circumstance.on.iter().map(|name| format!("switch {name}")));
        caller.script.extend(from(&circumstance.caller));
        for (center, manners) in world {
            let row = &plan.center(*center).row;
            let words: Vec<&str> = manners.iter().map(|manner| manner.word()).collect();
            let row = row.strip_prefix("center.").unwrap_or(row);
            caller.script.push(format!("center {row} {}", words.join(" ")));
        }
        let dialled = plan.numbers.get(number).and_then(|number| number.dialled.first());
        caller.script.push(format!("call {}", dialled.map(|pattern| pattern.example()).unwrap_or_default()));
        caller.step(Step::Connect);
        caller
    }

    /// Does one thing.
    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Keys(keys) => {
                self.script.push(format!("key {}", keys.as_str()));
                for key in keys.as_str().chars().filter_map(Key::from_char) {
                    self.listen(REACTION);
                    self.step(Step::Key(key));
                    self.listen(SETTLE);
                }
            }
            Act::Silence => {
                let from = self.line.now().instant;
                self.be_silent();
                self.listen(SETTLE);
                let took = self.line.now().instant.since(from);
                self.script.push(format!("wait {}ms", took.as_millis()));
            }
            Act::Wait(time) => {
                self.script.push(format!("wait {}ms", time.as_millis()));
                self.listen(*time);
            }
            Act::Say(time) => {
                self.script.push(format!("say {}ms", time.as_millis()));
                self.say(*time);
            }
            Act::HangUp => {
                self.script.push("hangup".to_owned());
                // What was said is written out with the end of the stream.
                if let Some(recording) = self.recording {
                    self.end_recording(recording.key);
                }
                self.step(Step::HangUp);
            }
        }
    }

    /// Stays until the call is over.
    pub fn stay(&mut self) {
        self.listen(LONGEST);
    }

    /// Whether the call is over.
    pub fn is_over(&self) -> bool {
        self.finish.is_some()
    }

    /// How it ended.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// What was noticed.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// The record of the call.
    pub fn record(&self) -> &Record {
        self.line.record()
    }

    /// The call as a script for `ivr1357 try`, without its `at`.
    pub fn script(&self) -> String {
        self.script.join("; ")
    }

    /// Listens until a menu, or an input, has waited in vain once.
    fn be_silent(&mut self) {
        let end = self.line.now().instant + LONGEST;
        while let Some((at, what)) = self.next() {
            if self.is_over() || at > end {
                return;
            }
            let waits_in_menu =
                what == What::Wait && matches!(self.line.standing().place, Place::Menu(_) | Place::Input(_));
            self.happen(at, what);
            if waits_in_menu {
                return;
            }
        }
    }

    /// Waits for the tone and speaks.
    fn say(&mut self, time: Duration) {
        let end = self.line.now().instant + TONE_PATIENCE;
        while let (None, false, Some((at, what))) = (&self.recording, self.is_over(), self.next()) {
            if at > end {
                break;
            }
            self.happen(at, what);
        }
        self.listen(REACTION);
        let until = self.line.now().instant + time;
        if let Some(recording) = &mut self.recording {
            recording.spoken = true;
            recording.ends = (until + recording.silence).min(recording.full);
        }
        self.listen(time);
    }

    fn listen(&mut self, time: Duration) {
        let end = self.line.now().instant + time;
        while !self.is_over() {
            match self.next() {
                Some((at, what)) if at <= end => self.happen(at, what),
                _ => break,
            }
        }
        if !self.is_over() {
            self.line.advance(end);
        }
    }

    fn next(&self) -> Option<(Instant, What)> {
        let sound = self.sounds.map(|at| (at, What::Sound));
        let news = self.news.front().map(|(at, ..)| (*at, What::News));
        let wait = self.line.waits().map(|at| (at, What::Wait));
        let longest = self.longest.map(|at| (at, What::Longest));
        let recorded = self.recording.map(|recording| (recording.ends, What::Recorded));
        [sound, news, wait, longest, recorded].into_iter().flatten().min()
    }

    fn happen(&mut self, at: Instant, what: What) {
        self.line.advance(at);
        match what {
            What::Sound => {
                self.sounds = None;
                self.step(Step::Heard);
            }
            What::Wait => self.step(Step::Silence),
            What::Recorded => {
                let spoken = self.recording.take().is_some_and(|recording| recording.spoken);
                self.step(if spoken { Step::Speaks } else { Step::SaysNothing });
            }
            What::Longest => {
                self.longest = None;
                self.step(Step::CallMax);
            }
            What::News => {
                if let Some((_, step, moment)) = self.news.pop_front() {
                    self.moments.extend(moment);
                    self.step(step);
                }
            }
        }
    }

    fn step(&mut self, step: Step) {
        if self.is_over() {
            return;
        }
        let before = self.line.standing().place;
        let mut effects = std::mem::take(&mut self.effects);
        effects.clear();
        self.line.step(step, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Play { said, .. } => {
                    let length: Duration = said.iter().map(|saying| saying.length(self.lengths)).sum();
                    let once = matches!(self.line.sound(), Sound::Once(_));
                    self.sounds = once.then(|| self.line.now().instant + length);
                    self.moments.push(Moment::Plays(said));
                }
                Effect::StopPlaying => self.sounds = None,
                Effect::Entered(row) => self.moments.push(Moment::Enters(row)),
                Effect::Pressed(key) => self.moments.push(Moment::Key(key)),
                Effect::Refer { .. } | Effect::Call { .. } => self.referred(),
                Effect::Bridge => {
                    self.sounds = None;
                    self.news = VecDeque::from([(self.line.now().instant + TALKS, Step::Parts, None)]);
                }
                Effect::PostDial(_) | Effect::Unbridge => {}
                Effect::DropCall | Effect::Overhear | Effect::GiveWay | Effect::FarHears(_) => {}
                Effect::Record { silence: None, .. } | Effect::PauseRecording(..) => {}
                Effect::Record { key, longest, silence: Some(silence), .. } => {
                    let now = self.line.now().instant;
                    let full = now + longest;
                    self.moments.push(Moment::Records);
                    self.recording =
                        Some(Recording { key, ends: (now + silence).min(full), full, silence, spoken: false });
                }
                Effect::EndRecording(key) => self.end_recording(key),
                Effect::Discard { key, .. } => _ = self.recording.take_if(|recording| recording.key == key),
                Effect::HangUp => self.moments.push(Moment::Releases),
                Effect::Answer => {}
                Effect::Over => self.finish = Some(self.ending(&before)),
            }
        }
        self.effects = effects;
        if !matches!(self.line.standing().place, Place::Transfer { .. } | Place::Talking(_)) {
            self.news.clear();
        }
    }

    fn end_recording(&mut self, key: RecordingKey) {
        if let Some(recording) = self.recording.as_mut().filter(|recording| recording.key == key) {
            recording.ends = self.line.now().instant;
        }
    }

    /// A REFER is out: what telephone and centre will say.
    fn referred(&mut self) {
        let Place::Transfer { center, target, .. } = self.line.standing().place else { return };
        self.moments.push(Moment::Refers(center));
        let manners = self.world.get(&center).map(Vec::as_slice).unwrap_or_default();
        let manner = manners.get(target).or(manners.last()).copied().unwrap_or(Manner::Answers);
        let now = self.line.now().instant;
        self.news = VecDeque::from([(now + ANSWER, Step::Accepts, None), (now + ANSWER, Step::Rings, None)]);
        let (after, step, moment) = match manner {
            Manner::Answers => (RINGS, Step::Reaches, Moment::Reaches(center)),
            Manner::Busy => (REFUSAL, Step::Fails, Moment::Fails(486)),
            Manner::Refuses => (REFUSAL, Step::Fails, Moment::Fails(603)),
            Manner::Rings | Manner::Dead => (TRIES, Step::Fails, Moment::Fails(408)),
        };
        self.news.push_back((now + after, step, Some(moment)));
    }

    fn ending(&self, before: &Place) -> Finish {
        match (outcome(self.line.record().outcome()), before) {
            ("transferred", Place::Transfer { center, .. } | Place::Talking(center)) => Finish::Center(*center),
            ("announced", Place::Notice(notice)) => Finish::Notice(*notice),
            ("message", _) => match self.line.record().message_left().and_then(|left| self.line.message_of(left)) {
                Some(message) => Finish::Message(message),
                None => Finish::Other("message"),
            },
            ("abandoned", _) => Finish::HungUp,
            (other, _) => Finish::Other(other),
        }
    }
}

/// What comes next on a line. At one moment, sound ends before silence does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum What {
    Sound,
    News,
    Recorded,
    Wait,
    Longest,
}
