//! What a call does, told as flows: an action, and what comes of it. No SIP, no sound, no clock.
//!
//! Every prompt lasts one second. `wait` lets time pass and plays end; a line lists all that happened meanwhile.

use ivr1357::call::record::Origin;
use ivr1357::call::{Attempt, CallKey, Effect, Event, Record, Recorded, Saying, Session};
use ivr1357::media::{Loss, PlayKey, RecordingKey, Sides};
use ivr1357::number::{Caller, Key};
use ivr1357::routing::Plan;
use ivr1357::sip::StatusCode;
use ivr1357::time::{Duration, Instant, Now, Wall};
use std::sync::Arc;

/// A call, and what it wants done.
pub struct Flow {
    /// The table.
    pub plan: Arc<Plan>,
    /// The call.
    pub session: Session,
    /// Its clocks.
    pub now: Now,
    /// What sounds once, and until when.
    pub playing: Option<(PlayKey, Instant)>,
    attempt: usize,
    recording: RecordingKey,
    /// What has come of the last action.
    pub happened: Vec<String>,
}

impl Flow {
    /// A call of the table's first number.
    pub fn new(plan: Plan, wall: &str) -> Self {
        let plan = Arc::new(plan);
        let wall = Wall::from_micros(wall.parse::<jiff::Timestamp>().expect("a time").as_microsecond());
        let now = Now { instant: Instant::START, wall };
        let record = Record::new(
            now,
            &Origin {
                call: CallKey(0x1357),
                call_id: "a@b",
                caller: &Caller::new("01012345678"),
                dialled: "1357",
                table: &plan.version,
                zone: &plan.timezone,
                hash_key: &[7; 32],
            },
        );
        let session = Session::new(now, CallKey(0x1357), plan.clone(), 0, record);
        Self { plan, session, now, playing: None, attempt: 0, recording: RecordingKey::default(), happened: Vec::new() }
    }

    /// Runs a flow: an action, and what comes of it.
    pub fn run(mut self, flow: &str) -> Self {
        for line in flow.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (action, expected) = line.split_once("=>").expect("action => what happens");
            self.happened.clear();
            self.act(action.trim());
            let happened = if self.happened.is_empty() { "nothing".to_owned() } else { self.happened.join(", ") };
            assert_eq!(happened, expected.trim(), "after `{}`, in the flow:\n{flow}", action.trim());
        }
        self
    }

    /// The record as it is written.
    pub fn record(&self) -> serde_json::Value {
        serde_json::from_str(&self.session.record().line()).expect("JSON")
    }

    /// Something happens.
    pub fn event(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.session.handle(self.now, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Play { play, said, repeat } => {
                    let prompts: Vec<_> = said.iter().map(Saying::told).collect();
                    let long = Duration::from_secs(prompts.len() as u64);
                    self.playing = (!repeat).then_some((play, self.now.instant + long));
                    let verb = if repeat { "loop" } else { "play" };
                    self.happened.push(format!("{verb} {}", prompts.join(" ")));
                }
                Effect::StopPlaying => {
                    self.playing = None;
                    self.happened.push("stop".into());
                }
                Effect::Refer { attempt, target, context, .. } => {
                    self.attempt = attempt.0;
                    let with = context.map(|context| format!(" [{context}]")).unwrap_or_default();
                    self.happened.push(format!("refer {}{with}", target.uri().user()));
                }
                Effect::Call { attempt, target, context } => {
                    self.attempt = attempt.0;
                    let with = context.map(|context| format!(" [{context}]")).unwrap_or_default();
                    self.happened.push(format!("invite {}{with}", target.uri().user()));
                }
                Effect::DropCall => self.happened.push("drop".into()),
                Effect::Bridge => {
                    self.playing = None;
                    self.happened.push("bridge".into());
                }
                Effect::PostDial(keys) => {
                    let keys: String = keys.iter().map(|key| key.as_char()).collect();
                    self.happened.push(format!("post-dial {keys}"));
                }
                Effect::Unbridge => self.happened.push("unbridge".into()),
                Effect::Overhear => self.happened.push("overhear".into()),
                // Behind a tone, and of no more interest.
                Effect::GiveWay => {}
                Effect::FarHears(said) if said.is_empty() => self.happened.push("far hears the caller".into()),
                Effect::FarHears(said) => {
                    let said: Vec<_> = said.iter().map(Saying::told).collect();
                    self.happened.push(format!("far hears {}", said.join(" ")));
                }
                Effect::Record { key, file, longest, silence: Some(silence), .. } => {
                    self.recording = key;
                    self.happened.push(format!("record {file} {} {}", longest.as_secs(), silence.as_secs()));
                }
                Effect::Record { key, file, sides, .. } => {
                    self.recording = key;
                    assert_eq!(sides, Sides::Both);
                    self.happened.push(format!("tape {file}"));
                }
                Effect::PauseRecording(_, true) => self.happened.push("hush".into()),
                Effect::PauseRecording(_, false) => self.happened.push("unhush".into()),
                Effect::EndRecording(_) => self.happened.push("end recording".into()),
                Effect::Discard { file, .. } => self.happened.push(format!("discard {file}")),
                Effect::Answer => self.happened.push("200".into()),
                Effect::HangUp => self.happened.push("bye".into()),
                Effect::Over => {
                    let record: serde_json::Value = serde_json::from_str(&self.session.record().line()).expect("JSON");
                    let word = |key: &str| record[key].as_str().expect("ended").to_owned();
                    self.happened.push(format!("over {} {}", word("outcome"), word("cause")));
                }
                Effect::Entered(_) | Effect::Pressed(_) => {}
            }
        }
    }

    fn wait(&mut self, long: Duration) {
        let end = self.now.instant + long;
        loop {
            let next = [self.playing.map(|(_, until)| until), self.session.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = self.now.after(next.since(self.now.instant));
            match self.playing {
                Some((play, until)) if until <= next => {
                    self.playing = None;
                    self.event(Event::Finished(play));
                }
                _ => self.event(Event::Tick),
            }
        }
        self.now = self.now.after(end.since(self.now.instant));
    }

    /// Does something.
    pub fn act(&mut self, action: &str) {
        let mut words = action.split_whitespace();
        let verb = words.next().expect("an action");
        let rest: Vec<&str> = words.collect();
        let status = |text: &str| StatusCode::new(text.parse().expect("a number")).expect("a status");
        let attempt = Attempt(self.attempt);
        match verb {
            "call" => {
                self.event(Event::Answered);
                self.event(Event::Connected);
            }
            "answered" => self.event(Event::Answered),
            "progress" => self.event(Event::Progressed),
            "replaced" => self.event(Event::Replaced(Caller::new(""))),
            "ack" => self.event(Event::Connected),
            "key" => {
                for key in rest {
                    self.event(Event::Key(Key::from_char(key.chars().next().expect("a key")).expect("a key")));
                }
            }
            "wait" => {
                let seconds: f64 = rest[0].strip_suffix('s').expect("seconds").parse().expect("a number");
                self.wait(Duration::from_millis((seconds * 1000.0) as u64));
            }
            "answer" => self.event(Event::ReferAnswered(attempt, status(rest[0]))),
            "notify" => self.event(Event::Notified { attempt, status: Some(status(rest[0])), terminated: false }),
            "terminated" => self.event(Event::Notified { attempt, status: None, terminated: true }),
            "late" => self.event(Event::Notified {
                attempt: Attempt(rest[0].parse().expect("a number")),
                status: Some(status(rest[1])),
                terminated: true,
            }),
            "hangup" => self.event(Event::HungUp),
            "cancel" => self.event(Event::Cancelled),
            // How many seconds of it are speech, and of which recording.
            "recorded" | "spoiled" => {
                let spoken = Duration::from_secs(rest[0].parse().expect("seconds"));
                let named = |number: &&str| RecordingKey { call: 0x1357, number: number.parse().expect("a number") };
                let key = rest.get(1).map_or(self.recording, named);
                let length = spoken + Duration::from_secs(5);
                let hushed = Duration::from_secs(1);
                let loss = (verb == "spoiled").then_some(Loss::Disk);
                self.event(Event::Recorded(Recorded { key, length, spoken, hushed, loss }));
            }
            "recording-over" => self.event(Event::RecordingOver(self.recording)),
            "rings" => self.event(Event::FarRings(attempt)),
            "sounds" => self.event(Event::FarSounds(attempt)),
            "picks-up" => self.event(Event::FarAnswered(attempt)),
            "keys-out" => self.event(Event::PostDialled(attempt, rest[0].parse().expect("a number"))),
            "fails" => self.event(Event::FarFailed(attempt, status(rest[0]))),
            "parts" => self.event(Event::FarHungUp),
            "far-hold" => self.event(Event::FarHeld(true)),
            "far-resume" => self.event(Event::FarHeld(false)),
            "silent" => self.event(Event::Silent),
            "hold" => self.event(Event::Held(true)),
            "resume" => self.event(Event::Held(false)),
            "stop" => self.event(Event::Stop),
            other => panic!("no such action: {other}"),
        }
    }
}
