//! One call from its INVITE to its record: greeting, menus, announcements, transfers.
//!
//! Every path ends with a person, or with an announcement that says what happens next, or with the caller
//! hanging up. A transfer that fails gives the caller back to the ladder; SIP and sound are known elsewhere.

mod bridging;
mod entering;
mod going;
mod handover;
mod leaving_word;
mod listening;
mod post_dialling;
mod recording;
mod speaking;
pub mod standing;

use crate::call::input;
use crate::call::menu::Dialogue;
use crate::call::record::{AttemptResult, Outcome, Record};
use crate::call::transfer::{Means, Phase, Transfer};
use crate::call::{CallKey, Effect, Event};
use crate::limits::T1;
use crate::media::{PlayKey, Report};
use crate::number::{Caller, Key};
use crate::routing::calendar;
use crate::routing::opening::TurnedAway;
use crate::routing::plan::{Answer, Center, CenterId, Destination, MenuId, NoticeId, Plan, Tongue};
use crate::routing::switch::Switches;
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant, Now};
use leaving_word::{Running, Word};
use recording::Tape;
use speaking::About;
use std::collections::VecDeque;
use std::sync::Arc;

/// A greeting before the answer that takes longer is not being heard: two minutes later proxies would end the call.
const EARLY_GREETING_MAX: Duration = Duration::from_secs(60);
/// How long a NOTIFY may trail the BYE it races with: less than a stopping process waits for its calls.
const NOTIFY_AFTER_BYE: Duration = Duration::from_millis(800);
/// A goodbye that takes longer is one that nobody can hear: its caller put us on hold, or its end was lost.
const GOODBYE_MAX: Duration = Duration::from_secs(60);
/// The user-user element of ISDN, which RFC 7433 carries, holds 128 octets; gateways cut the rest.
const CONTEXT_BYTES_MAX: usize = 128;
/// Destinations followed without a sound between them; a longer chain is a loop that check() missed.
const HOPS_MAX: usize = 16;

/// One call. A clone goes its own way from here: that is how tables are explored.
#[derive(Clone, Debug)]
pub struct Session {
    call: CallKey,
    plan: Arc<Plan>,
    number: usize,
    record: Record,
    state: State,
    /// What is spoken; `None` is Korean.
    language: Option<Tongue>,
    /// The caller asked for slow reading.
    slow: bool,
    /// Menus the caller came through, the present one last: `#` goes back along it.
    menus: Vec<MenuId>,
    caller: Caller,
    /// As they stood when the call came.
    switches: Arc<Switches>,
    /// What the caller found closed.
    turned_away: TurnedAway,
    /// Keys pressed while no key could count.
    ahead: VecDeque<Key>,
    plays: u32,
    recordings: u32,
    /// A message whose end has not been told.
    running: Option<Running>,
    /// The recording of the call, or of this step of it.
    tape: Option<Tape>,
    /// Whether the caller agrees to be recorded; `None` before anybody asked.
    agreed: Option<bool>,
    /// Ladders that ended without a person.
    rounds: u8,
    held: bool,
    /// The longest the call may last.
    ends: Instant,
    /// It lasted that long: only the goodbye is left.
    overtime: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// Before our 200.
    Arriving,
    /// The number's greeting before our 200, which nobody pays for; a key cuts it and counts for the menu behind it.
    /// After `until` we answer whether it was heard or not: somebody may have us on hold.
    EarlyGreeting { play: PlayKey, then: Destination, until: Instant },
    /// The greeting was heard; our 200 waits for the PRACK of our 183.
    Answering { then: Destination },
    /// Our 200 is out. With a lost ACK media still flows: after `until` we speak anyway. `then` follows a greeting that was
    /// heard already, or takes up a call on its new line.
    Answered { until: Instant, then: Option<Destination> },
    /// The number's greeting; a key cuts it and counts for the menu behind it.
    Greeting { play: PlayKey, then: Destination },
    /// In a menu.
    Menu { dialogue: Dialogue, play: Option<PlayKey> },
    /// Asked for digits.
    Input { dialogue: input::Dialogue, play: Option<PlayKey> },
    /// An announcement.
    Notice { notice: NoticeId, play: PlayKey },
    /// Leaving a message.
    Message(Word),
    /// Handing over.
    Transferring(Transfer),
    /// A BYE crossed an open REFER, the caller's or ours at a stop: the NOTIFY may be a moment behind. Without it the call ended
    /// like this.
    Leaving { until: Instant, outcome: Outcome, cause: &'static str },
    /// Bridged with a centre; `far_held`: it put the caller on hold.
    Talking { center: CenterId, far_held: bool },
    /// Over.
    Done,
}

impl Session {
    /// A call that arrived for a number of the table.
    pub fn new(now: Now, call: CallKey, plan: Arc<Plan>, number: usize, mut record: Record) -> Self {
        record.entered(&plan.numbers[number].row);
        let language = plan.numbers[number].language.clone();
        record.speaks(language.as_ref());
        let ends = now.instant + plan.call_max;
        Self {
            call,
            plan,
            number,
            record,
            state: State::Arriving,
            language,
            slow: false,
            menus: Vec::new(),
            caller: Caller::new(""),
            switches: Arc::default(),
            turned_away: TurnedAway::default(),
            ahead: VecDeque::new(),
            plays: 0,
            recordings: 0,
            running: None,
            tape: None,
            agreed: None,
            rounds: 0,
            held: false,
            ends,
            overtime: false,
        }
    }

    /// Who calls, and what operators turned on: what conditions are asked about.
    pub fn situated(mut self, caller: Caller, switches: Arc<Switches>) -> Self {
        self.caller = caller;
        self.switches = switches;
        self
    }

    /// Why the call ends, once it does.
    pub fn cause(&self) -> Option<&'static str> {
        match self.state {
            State::Leaving { cause, .. } => Some(cause),
            _ => self.record.cause(),
        }
    }

    /// The record as it stands; complete after [`Effect::Over`].
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The table it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The caller's side says why it is about to end the call.
    pub fn told_why(&mut self, reason: String) {
        self.record.ended_because(reason);
    }

    /// How its sound was, told when the stream closes.
    pub fn sounded(&mut self, report: Option<Report>) {
        self.record.sounded(report);
    }

    /// How the sound of a centre was that we called.
    pub fn far_sounded(&mut self, report: Option<Report>) {
        self.record.far_sounded(report);
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The record, when nothing more can happen.
    pub fn into_record(self) -> Record {
        self.record
    }

    /// The session is gone (it panicked): its record, closed as ours to mend.
    pub fn into_broken_record(mut self, now: Now) -> Record {
        self.record.ended(now, Outcome::Failed, "internal", None);
        self.record
    }

    /// When [`Event::Tick`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        let own = match &self.state {
            // Nobody cuts people who talk to each other.
            State::Arriving | State::Answering { .. } | State::Talking { .. } | State::Done => return None,
            State::EarlyGreeting { until, .. } | State::Leaving { until, .. } => return Some(*until),
            State::Answered { until, .. } => Some(*until),
            State::Menu { dialogue, .. } => dialogue.deadline(),
            State::Input { dialogue, .. } => dialogue.deadline(),
            State::Message(word) => match word.deadline() {
                // Gone already: the longest call does not matter.
                Some(until) if word.is_gone() => return Some(until),
                own => own,
            },
            State::Transferring(Transfer {
                phase: Phase::Referring { until, .. } | Phase::PostDialling { until, .. },
                ..
            }) => Some(*until),
            State::Transferring(_) | State::Greeting { .. } | State::Notice { .. } => None,
        };
        Some(own.map_or(self.ends, |own| own.min(self.ends)))
    }

    /// One step.
    pub fn handle(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::HungUp => self.hung_up(now, out),
            Event::Cancelled => self.over(now, Outcome::Cancelled, "cancelled", None, out),
            Event::Lost => self.over(now, Outcome::Failed, "peer-lost", None, out),
            Event::Expired => self.over(now, Outcome::Failed, "session-expired", None, out),
            Event::Unacknowledged => self.over(now, Outcome::Failed, "no-ack", None, out),
            Event::Refused(status) => self.over(now, Outcome::Refused, "refused", Some(status), out),
            Event::Unusable => self.end_call(now, Outcome::Failed, "media", out),
            Event::Silent => self.silent(now, out),
            Event::Stop => self.stop(now, out),
            Event::Replaced(caller) => self.replaced(now, caller, out),
            Event::Held(held) => self.held(now, held, out),
            Event::ReferAnswered(attempt, status) => self.refer_answered(now, attempt, status, out),
            Event::Notified { attempt, status, terminated } => self.notified(now, attempt, status, terminated, out),
            Event::FarRings(attempt) => self.far_rings(now, attempt),
            Event::FarSounds(attempt) => self.far_sounds(attempt, out),
            Event::FarAnswered(attempt) => self.far_answered(now, attempt, out),
            Event::FarFailed(attempt, status) => self.far_failed(now, attempt, status, out),
            Event::PostDialled(attempt, count) => self.post_dialled(now, attempt, count, out),
            Event::FarHungUp => self.far_hung_up(now, out),
            Event::FarHeld(held) => self.far_held(now, held, out),
            Event::Progressed => {
                if self.state == State::Arriving {
                    self.greet_early(now, out);
                }
            }
            Event::Answered => {
                self.record.answered(now);
                let until = now.instant + T1;
                match self.state {
                    State::Arriving => self.state = State::Answered { until, then: None },
                    State::Answering { then } => self.state = State::Answered { until, then: Some(then) },
                    State::EarlyGreeting { .. }
                    | State::Answered { .. }
                    | State::Greeting { .. }
                    | State::Menu { .. }
                    | State::Input { .. }
                    | State::Notice { .. }
                    | State::Message(_)
                    | State::Transferring(_)
                    | State::Talking { .. }
                    | State::Leaving { .. }
                    | State::Done => {}
                }
            }
            Event::Connected => {
                if let State::Answered { then, .. } = self.state {
                    self.begin(now, then, out);
                }
            }
            Event::Key(key) => self.key(now, key, out),
            Event::RecordingOver(key) => self.recording_over(now, key),
            Event::Recorded(recorded) => self.recorded(now, recorded, out),
            Event::Finished(play) => self.finished(now, play, out),
            Event::Tick => self.tick(now, out),
        }
        self.keep_recording(now, out);
    }

    // ---- the ways in and out -----------------------------------------------------------------------------------

    /// This number's greeting is heard before the 200, where the caller's network lets it through.
    pub fn greets_before_the_answer(&self) -> bool {
        let number = &self.plan.numbers[self.number];
        number.answer == Answer::AfterGreeting && number.greeting.is_some()
    }

    /// Our 183 is there and sound flows.
    fn greet_early(&mut self, now: Now, out: &mut Vec<Effect>) {
        let then = self.entrance(now);
        let number = &self.plan.numbers[self.number];
        let Some(greeting) = number.greeting.clone() else { return self.answer(then, out) };
        let play = self.play(now, vec![greeting], About::default(), false, out);
        self.state = State::EarlyGreeting { play, then, until: now.instant + EARLY_GREETING_MAX };
    }

    fn answer(&mut self, then: Destination, out: &mut Vec<Effect>) {
        self.state = State::Answering { then };
        out.push(Effect::Answer);
    }

    /// The caller can hear us.
    fn begin(&mut self, now: Now, then: Option<Destination>, out: &mut Vec<Effect>) {
        if let Some(then) = then {
            return self.go(now, then, out);
        }
        let then = self.entrance(now);
        match self.plan.numbers[self.number].greeting.clone() {
            Some(greeting) => {
                let play = self.play(now, vec![greeting], About::default(), false, out);
                self.state = State::Greeting { play, then };
            }
            None => self.go(now, then, out),
        }
    }

    /// The call goes on where it was, said again to whoever is on the line now; where it is recorded, from the notice on that
    /// says so. What was pending there hangs on a dialog that is gone.
    fn replaced(&mut self, now: Now, caller: Caller, out: &mut Vec<Effect>) {
        self.caller = caller;
        let by_number = self.plan.numbers[self.number].record;
        let then = match &self.state {
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Leaving { .. }
            | State::Done => return,
            State::Greeting { .. } => None,
            State::Answered { then, .. } => *then,
            State::Talking { .. } => return self.rebridge(now, out),
            State::Transferring(transfer) => {
                if let Phase::Referring { attempt, .. } | Phase::PostDialling { attempt, .. } = transfer.phase {
                    if transfer.means == Means::Bridge {
                        out.push(Effect::DropCall);
                    }
                    self.record.decided(now, attempt.0, AttemptResult::Left, None);
                }
                Some(Destination::Repeat)
            }
            State::Menu { dialogue, .. } if self.plan.asks_consent(dialogue.menu) => {
                Some(Destination::Menu(dialogue.menu))
            }
            State::Menu { .. } | State::Notice { .. } => Some(Destination::Repeat),
            State::Input { dialogue, .. } => Some(Destination::Input(dialogue.input)),
            State::Message(word) => Some(Destination::Message(word.message())),
        };
        // Another has agreed.
        self.agreed = self.agreed.filter(|agreed| !agreed);
        let then = then.filter(|_| !self.agreed.unwrap_or(by_number));
        // What was being recorded ends with the old line, and its end is told yet; it is asked for again.
        self.discard(out);
        self.tape = None;
        self.ahead.clear();
        self.held = false;
        self.state = State::Answered { until: now.instant + T1, then };
    }

    fn hung_up(&mut self, now: Now, out: &mut Vec<Effect>) {
        match &self.state {
            State::Done | State::Leaving { .. } => {}
            State::Message(_) if self.running.is_some() => self.gone_in_a_message(now),
            State::Transferring(Transfer { means: Means::Refer, phase: Phase::Referring { .. }, .. }) => {
                self.leave(now, Outcome::Abandoned, "caller-hung-up");
            }
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            | State::Menu { .. }
            | State::Input { .. }
            | State::Notice { .. }
            | State::Message(_)
            | State::Transferring(_)
            | State::Talking { .. } => self.over(now, Outcome::Abandoned, "caller-hung-up", None, out),
        }
    }

    /// The process ends: what the caller hears of it depends on how far the call is.
    fn stop(&mut self, now: Now, out: &mut Vec<Effect>) {
        match self.state {
            // No 200 has left, so the engine refuses the INVITE.
            State::Arriving | State::EarlyGreeting { .. } | State::Answering { .. } => {
                self.over(now, Outcome::Refused, "shutdown", Some(StatusCode::UNAVAILABLE), out);
            }
            // Whoever hung up a moment ago was not cut off by us.
            State::Leaving { outcome, cause, .. } => self.over(now, outcome, cause, None, out),
            // The centre may have answered already, and only its NOTIFY is still on the way.
            State::Transferring(Transfer { means: Means::Refer, phase: Phase::Referring { .. }, .. }) => {
                out.push(Effect::HangUp);
                self.leave(now, Outcome::Failed, "shutdown");
            }
            State::Answered { .. }
            | State::Greeting { .. }
            | State::Menu { .. }
            | State::Input { .. }
            | State::Notice { .. }
            | State::Message(_)
            | State::Transferring(_)
            | State::Talking { .. }
            | State::Done => self.end_call(now, Outcome::Failed, "shutdown", out),
        }
    }

    /// Waits for the NOTIFY that may be behind a BYE.
    fn leave(&mut self, now: Now, outcome: Outcome, cause: &'static str) {
        self.state = State::Leaving { until: now.instant + NOTIFY_AFTER_BYE, outcome, cause };
    }

    /// Nothing has come from the caller's telephone for longer than it may be silent.
    fn silent(&mut self, now: Now, out: &mut Vec<Effect>) {
        match &self.state {
            // It need not speak before our 200, and while a REFER is pending it may be talking to the centre already. A message
            // ends by its own silence.
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Message(_)
            | State::Transferring(Transfer { phase: Phase::Referring { .. } | Phase::PostDialling { .. }, .. })
            | State::Leaving { .. }
            | State::Done => {}
            State::Answered { .. }
            | State::Greeting { .. }
            | State::Menu { .. }
            | State::Input { .. }
            | State::Notice { .. }
            | State::Transferring(_)
            | State::Talking { .. } => self.end_call(now, Outcome::Failed, "media-timeout", out),
        }
    }

    /// Our BYE, and the end.
    fn end_call(&mut self, now: Now, outcome: Outcome, cause: &'static str, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Done) {
            return;
        }
        let gone = match &self.state {
            State::Leaving { .. } => true,
            State::Message(word) => word.is_gone(),
            _ => false,
        };
        if !gone {
            out.push(Effect::HangUp);
        }
        self.over(now, outcome, cause, None, out);
    }

    fn over(
        &mut self,
        now: Now,
        outcome: Outcome,
        cause: &'static str,
        status: Option<StatusCode>,
        out: &mut Vec<Effect>,
    ) {
        if matches!(self.state, State::Done) {
            return;
        }
        let talked = matches!(self.state, State::Talking { .. });
        self.state = State::Done;
        // Who left a message and was led to nobody has been served.
        let outcome = match outcome {
            // A person was reached, however it ended.
            _ if talked => Outcome::Transferred,
            Outcome::Abandoned | Outcome::Announced if self.record.message_left().is_some() => Outcome::Message,
            other => other,
        };
        self.record.ended(now, outcome, cause, status);
        out.push(Effect::Over);
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let lives = match &self.state {
            State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Talking { .. }
            | State::Leaving { .. }
            | State::Done => false,
            State::Message(word) => !word.is_gone(),
            _ => true,
        };
        if now.instant >= self.ends && lives {
            // On hold nobody hears a goodbye, and it would never come to its end.
            if self.held || self.overtime {
                return self.end_call(now, Outcome::Failed, "call-max", out);
            }
            // The longest call: the goodbye of the first centre's ladder says what to do.
            self.overtime = true;
            self.ends = now.instant + GOODBYE_MAX;
            if let Some(running) = &self.running {
                out.push(Effect::EndRecording(running.key));
            }
            if matches!(self.state, State::Transferring(Transfer { means: Means::Bridge, .. })) {
                out.push(Effect::DropCall);
            }
            return self.give_up(now, None, out);
        }
        match &mut self.state {
            State::EarlyGreeting { then, until, .. } if now.instant >= *until => {
                let then = *then;
                out.push(Effect::StopPlaying);
                self.answer(then, out);
            }
            State::Answered { until, then } if now.instant >= *until => {
                let then = *then;
                self.begin(now, then, out);
            }
            &mut State::Leaving { until, outcome, cause } if now.instant >= until => {
                self.over(now, outcome, cause, None, out);
            }
            State::Menu { dialogue, .. } => {
                let plan = self.plan.clone();
                let step = dialogue.tick(now.instant, plan.menu(dialogue.menu));
                self.menu_step(now, step, out);
            }
            State::Input { dialogue, .. } => {
                let plan = self.plan.clone();
                let step = dialogue.tick(now.instant, plan.input(dialogue.input));
                self.input_step(now, step, out);
            }
            State::Message(_) => self.message_tick(now, out),
            State::Transferring(Transfer { means, phase: Phase::Referring { attempt, until, .. }, .. })
                if now.instant >= *until =>
            {
                let attempt = *attempt;
                if *means == Means::Bridge {
                    out.push(Effect::DropCall);
                }
                self.record.decided(now, attempt.0, AttemptResult::Timeout, None);
                self.next_rung(now, out);
            }
            State::Transferring(Transfer { phase: Phase::PostDialling { until, .. }, .. }) if now.instant >= *until => {
                self.post_dial_tick(now, out);
            }
            State::Arriving
            | State::EarlyGreeting { .. }
            | State::Answering { .. }
            | State::Answered { .. }
            | State::Greeting { .. }
            | State::Notice { .. }
            | State::Transferring(_)
            | State::Talking { .. }
            | State::Leaving { .. }
            | State::Done => {}
        }
    }

    fn enter_row(&mut self, row: &Arc<str>, out: &mut Vec<Effect>) {
        self.record.entered(row);
        out.push(Effect::Entered(row.clone()));
    }
}

fn is_open(plan: &Plan, center: &Center, now: Now) -> bool {
    center.hours.is_none_or(|hours| calendar::is_open(plan, hours, now.wall))
}
