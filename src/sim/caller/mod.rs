//! A caller with a telephone: dials, presses keys, holds, follows a REFER, hangs up or is gone.
//!
//! It writes and reads raw SIP text and raw RTP bytes by its own simple means and shares no code with the
//! engine: a mistake made on both sides would never be seen. It keeps a [`Story`] of what its owner lived
//! through; whether that is how a caller should be treated is for the oracle to say.

mod answers;
mod early;
mod follow;
pub mod follow_form;
pub mod keys;
pub mod manner;
mod pressing;
mod responses;
mod story;
mod strange;
pub mod stream;
pub mod text;
mod timer;
mod write;

pub use manner::{Action, Manner, Step, Strange, TcpForm};
pub use story::{End, Story};

use crate::random::Random;
use crate::time::{Duration, Instant};
use follow::Dial;
use keys::{KeyForm, Sender};
use manner::HoldForm;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use text::Message;

/// How something travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// A datagram.
    Datagram,
    /// Bytes of a connection.
    Connection,
    /// A datagram that is broken on purpose: whatever it says, nothing may come of it.
    Void,
}

/// Something that leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Who sends it.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// How it travels.
    pub by: By,
}

/// Where each centre is, by what its address says after the scheme: `1357@sbc.example:5060`.
pub type Directory = Rc<BTreeMap<String, SocketAddr>>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Idle,
    /// INVITE sent; `true` once anything provisional came.
    Calling(bool),
    Talking,
    /// Our BYE is on its way.
    Leaving,
    Over,
    /// Nothing leaves and nothing is heard any more.
    Gone,
}

/// What a request of ours is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Invite,
    Cancel,
    Bye,
    Info,
    Reinvite {
        hold: Option<HoldForm>,
    },
    /// A re-INVITE that asks for an offer; whether its ACK answers it.
    Offerless {
        answers: bool,
    },
    /// A second re-INVITE while the first is open.
    Second,
    Update {
        hold: Option<HoldForm>,
    },
    Prack,
    /// A refresh of the session without an offer.
    Refresh,
    /// Nothing hangs on the answer.
    Strange,
    Notify,
    /// The INVITE to a centre, by index into `dials`.
    Dial(usize),
    /// CANCEL or BYE to a centre.
    DialEnd,
}

/// A request that repeats until it is answered.
#[derive(Debug)]
struct Request {
    purpose: Purpose,
    call_id: String,
    cseq: u32,
    method: &'static str,
    to: SocketAddr,
    bytes: Vec<u8>,
    /// `None` once a provisional response stopped the repeats of an INVITE.
    next: Option<Instant>,
    interval: Duration,
    until: Instant,
}

#[derive(Debug)]
enum Task {
    Step(usize),
    Cancel,
    Patience,
    Send(SocketAddr, Vec<u8>),
    Sound(Vec<u8>),
    StartDial(usize),
    GiveUpDial(usize),
    EndTalk(usize),
    Reinvite(Option<HoldForm>),
    /// The same bytes once more, whatever became of the call.
    Copy(Vec<u8>),
    Ping,
    /// PRACK for this RSeq, with this body.
    Prack(u32, String),
    Key(char),
    EarlyUpdate,
    Refresh,
    Expire,
}

const FIRST_REPEAT: Duration = Duration::from_millis(500);
const LONGEST_REPEAT: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);

/// A caller with a telephone.
#[derive(Debug)]
pub struct Phone {
    at: SocketAddr,
    sound: SocketAddr,
    server: SocketAddr,
    manner: Manner,
    random: Random,
    directory: Directory,
    stage: Stage,
    tag: String,
    remote_tag: String,
    /// The engine's Contact, once known.
    remote: String,
    cseq: u32,
    /// The CSeq of the INVITE that makes the call.
    invite_cseq: u32,
    /// The last RSeq that was acknowledged.
    rseq: u32,
    /// How it holds us.
    held: Option<HoldForm>,
    /// Its one odd answer to a refresh has been given.
    crossed: bool,
    /// Offer and answer are complete, before the call is answered.
    agreed: bool,
    invite_branch: String,
    /// Payload type of telephone-event, as agreed.
    event_type: u8,
    /// Its clock in kHz.
    event_clock: u8,
    requests: Vec<Request>,
    /// ACKs by CSeq, to repeat when the 200 repeats.
    acks: BTreeMap<u32, Vec<u8>>,
    /// Answers given, to repeat when a request repeats.
    answered: Vec<(String, Vec<u8>)>,
    /// Of those, 200s to re-INVITEs that have no ACK.
    unacknowledged: Vec<answers::Repeat>,
    agenda: Vec<(Instant, Task)>,
    sender: Sender,
    /// Keys for INFO that wait for the answer to the one before: two on their way at once may change places.
    waiting_keys: VecDeque<char>,
    last_info: Vec<u8>,
    dials: Vec<Dial>,
    story: Story,
}

impl Phone {
    /// A telephone at `at`, its sound at `sound`, that will dial `server`.
    pub fn new(
        number: &str,
        at: SocketAddr,
        sound: SocketAddr,
        server: SocketAddr,
        manner: Manner,
        directory: Directory,
        mut random: Random,
    ) -> Self {
        let call_id = format!("{}@{}", random.token(12), at.ip());
        let story = Story { number: number.to_owned(), call_id, ..Story::default() };
        // Whoever lets us offer takes our clock.
        let event_clock = match manner.keys {
            KeyForm::Events(form) if !manner.late_offer => form.clock,
            KeyForm::Events(_) | KeyForm::InfoRelay | KeyForm::Info | KeyForm::Both => 8,
        };
        Self {
            at,
            sound,
            server,
            manner,
            directory,
            stage: Stage::Idle,
            tag: random.token(8),
            remote_tag: String::new(),
            remote: String::new(),
            cseq: 1,
            invite_cseq: 1,
            rseq: 0,
            held: None,
            crossed: false,
            agreed: false,
            invite_branch: format!("z9hG4bK{}", random.token(10)),
            event_type: 101,
            event_clock,
            requests: Vec::new(),
            acks: BTreeMap::new(),
            answered: Vec::new(),
            unacknowledged: Vec::new(),
            agenda: Vec::new(),
            sender: Sender::new(&mut random),
            waiting_keys: VecDeque::new(),
            last_info: Vec::new(),
            dials: Vec::new(),
            story,
            random,
        }
    }

    /// What its owner lived through so far.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// What kind of caller it is.
    pub fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Where its SIP is.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Where its sound is.
    pub fn sound(&self) -> SocketAddr {
        self.sound
    }

    /// What an INVITE must say to take this call over (RFC 3891); the tags as the engine sees them.
    pub fn heirloom(&self) -> Option<String> {
        let Self { story, remote_tag, tag, .. } = self;
        (self.stage == Stage::Talking).then(|| format!("{};to-tag={remote_tag};from-tag={tag}", story.call_id))
    }

    /// Connected to the engine, nothing ended yet.
    pub fn is_talking(&self) -> bool {
        self.stage == Stage::Talking
    }

    /// Dials.
    pub fn dial(&mut self, now: Instant, out: &mut Vec<Packet>) {
        self.stage = Stage::Calling(false);
        let body = if self.manner.late_offer { String::new() } else { self.description(None) };
        let mut more = String::new();
        if self.manner.reliable.is_some() {
            more.push_str("Supported: 100rel\r\n");
        }
        more.push_str(&self.timer_lines());
        if let Some(replaces) = &self.manner.replaces {
            more.push_str(&format!("Supported: replaces\r\nReplaces: {replaces}\r\n"));
        }
        if self.manner.early_media {
            more.push_str("P-Early-Media: supported\r\n");
        }
        if !body.is_empty() {
            more.push_str("Content-Type: application/sdp\r\n");
        }
        let bytes = self.request("INVITE", self.cseq, &self.invite_branch.clone(), &more, &body);
        if self.manner.merged {
            let other = self.request("INVITE", self.cseq, &format!("{}m", self.invite_branch), &more, &body);
            let after = Duration::from_millis(self.random.below(40));
            self.agenda.push((now + after, Task::Copy(other)));
        }
        if self.manner.pings {
            self.agenda.push((now + Duration::from_secs(1), Task::Ping));
        }
        self.send_request(now, Purpose::Invite, "INVITE", self.cseq, bytes, out);
        if let Some(after) = self.manner.cancel {
            self.agenda.push((now + after, Task::Cancel));
        }
    }

    /// When [`Phone::tick`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        let repeats = self.requests.iter().map(|request| request.next.unwrap_or(request.until).min(request.until));
        repeats.chain(self.agenda.iter().map(|(at, _)| *at)).chain(self.next_answer()).min()
    }

    /// Whatever is due.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Packet>) {
        if self.stage == Stage::Gone {
            self.requests.clear();
            self.agenda.clear();
            self.unacknowledged.clear();
            return;
        }
        self.repeat_answers(now, out);
        while let Some(index) = self.agenda.iter().position(|(at, _)| *at <= now) {
            let (_, task) = self.agenda.remove(index);
            self.perform(now, task, out);
        }
        let mut expired = Vec::new();
        let mut index = 0;
        while let Some(request) = self.requests.get_mut(index) {
            if request.until <= now {
                expired.push(self.requests.remove(index));
                continue;
            }
            if request.next.is_some_and(|at| at <= now) {
                out.push(Self::packet(&self.manner, self.at, self.server, request.to, request.bytes.clone()));
                request.interval *= 2;
                // RFC 3261 §17.1.1.2 and §17.1.2.2: only requests other than INVITE are capped at T2.
                if request.method != "INVITE" {
                    request.interval = request.interval.min(LONGEST_REPEAT);
                }
                request.next = Some(now + request.interval);
            }
            index += 1;
        }
        for request in expired {
            self.unanswered(now, request.purpose, out);
        }
    }

    /// A datagram for this telephone.
    pub fn received(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], out: &mut Vec<Packet>) {
        if self.stage == Stage::Gone {
            return;
        }
        let Some(message) = Message::read(bytes) else {
            return;
        };
        if message.status().is_some() {
            self.response(now, &message, out);
        } else {
            self.requested(now, from, &message, out);
        }
    }

    /// Does this now, whatever the manner says.
    pub fn act(&mut self, now: Instant, action: Action, out: &mut Vec<Packet>) {
        match action {
            Action::Key(key) => self.press(now, key, out),
            Action::Speak(time) => self.speak(now, time, out),
            Action::Hold(form) => self.reinvite(now, Some(form), out),
            Action::Resume => self.reinvite(now, None, out),
            Action::HangUp => self.hang_up(now, out),
            Action::Strange(strange) => self.strange(now, strange, out),
            Action::Vanish => {
                self.stage = Stage::Gone;
                self.requests.clear();
                self.agenda.clear();
                self.story.end.get_or_insert((now, End::Vanished));
            }
        }
    }

    fn perform(&mut self, now: Instant, task: Task, out: &mut Vec<Packet>) {
        match task {
            Task::Step(index) => {
                let Some(step) = self.manner.steps.get(index).copied() else {
                    return;
                };
                if self.stage == Stage::Talking {
                    self.act(now, step.action, out);
                    if let Some(next) = self.manner.steps.get(index + 1) {
                        self.agenda.push((now + next.after, Task::Step(index + 1)));
                    }
                }
            }
            Task::Cancel => self.cancel(now, out),
            Task::Patience => self.hang_up(now, out),
            Task::Send(to, bytes) => out.push(self.post(to, bytes)),
            Task::Copy(bytes) => out.push(self.post(self.server, bytes)),
            Task::Prack(rseq, body) => self.prack(now, rseq, &body, out),
            Task::Key(key) => self.press(now, key, out),
            Task::EarlyUpdate => self.early_update(now, out),
            Task::Refresh => self.refresh(now, out),
            Task::Expire => self.expire(now, out),
            Task::Ping => {
                if !matches!(self.stage, Stage::Over) {
                    let ping: &[u8] =
                        if self.manner.tcp.is_some() || self.random.chance(0.5) { b"\r\n\r\n" } else { b"\0" };
                    out.push(self.post(self.server, ping.to_vec()));
                    self.agenda.push((now + Duration::from_millis(2_000 + self.random.below(30_000)), Task::Ping));
                }
            }
            Task::Sound(bytes) => {
                if let Some(to) = self.story.media
                    && self.hears()
                {
                    out.push(Packet { from: self.sound, to, bytes, by: By::Datagram });
                }
            }
            Task::StartDial(dial) => self.start_dial(now, dial, out),
            Task::GiveUpDial(dial) => self.give_up_dial(now, dial, out),
            Task::EndTalk(dial) => self.end_talk(now, dial, out),
            Task::Reinvite(hold) => self.reinvite(now, hold, out),
        }
    }

    fn requested(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>, out: &mut Vec<Packet>) {
        let Some(method) = message.method() else { return };
        if method == "ACK" {
            return self.acknowledged(message);
        }
        if let Some(bytes) = self.answer_again(message) {
            return out.push(self.post(from, bytes));
        }
        let ours = message.call_id() == self.story.call_id && message.tag("To") == self.tag;
        let alive = matches!(self.stage, Stage::Talking | Stage::Calling(_) | Stage::Leaving);
        let bytes = match method {
            _ if !ours || !alive => message.answer(481, "No Such Call", &self.tag, "", ""),
            "BYE" | "REFER" if self.manner.challenge.is_some() => {
                let status = self.manner.challenge.unwrap_or(407);
                let name = if status == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
                let more = format!("{name}: Digest realm=\"elsewhere\", nonce=\"{}\"\r\n", self.random.token(12));
                message.answer(status, "Who Are You", &self.tag, &more, "")
            }
            "BYE" => {
                if self.stage == Stage::Talking {
                    self.story.end.get_or_insert((now, End::Released));
                }
                self.stage = Stage::Over;
                self.requests.retain(|request| matches!(request.purpose, Purpose::Dial(_) | Purpose::DialEnd));
                self.agenda.retain(|(_, task)| {
                    matches!(task, Task::StartDial(_) | Task::GiveUpDial(_) | Task::EndTalk(_) | Task::Copy(_))
                });
                message.answer(200, "OK", &self.tag, "", "")
            }
            "REFER" => {
                let Some(bytes) = self.refer(now, from, message, out) else {
                    return;
                };
                bytes
            }
            "INVITE" | "UPDATE" => {
                let Some(bytes) = self.reoffered(now, message, out) else {
                    return;
                };
                bytes
            }
            _ => message.answer(200, "OK", &self.tag, "", ""),
        };
        self.has_answered(now, from, message, &bytes);
        out.push(self.post(from, bytes));
    }

    /// An offer of ours, or the question for one, is under way.
    fn is_offering(&self) -> bool {
        self.requests
            .iter()
            .any(|request| matches!(request.method, "INVITE" | "UPDATE") && request.call_id == self.story.call_id)
    }

    fn reinvite(&mut self, now: Instant, hold: Option<HoldForm>, out: &mut Vec<Packet>) {
        if self.stage != Stage::Talking || self.is_offering() {
            return;
        }
        if hold.is_some() {
            self.story.holding = true;
        }
        self.cseq += 1;
        let branch = format!("z9hG4bKr{}", self.random.token(8));
        let body = self.description(hold);
        let bytes = self.request("INVITE", self.cseq, &branch, "", &body);
        self.send_request(now, Purpose::Reinvite { hold }, "INVITE", self.cseq, bytes, out);
    }

    fn hang_up(&mut self, now: Instant, out: &mut Vec<Packet>) {
        match self.stage {
            Stage::Talking => {}
            Stage::Calling(_) => return self.cancel(now, out),
            Stage::Idle | Stage::Leaving | Stage::Over | Stage::Gone => return,
        }
        self.story.end.get_or_insert((now, End::HungUp));
        self.leave(now, out);
        self.drop_dials(now, out);
    }

    /// BYE to the engine; dials to centres go on.
    fn leave(&mut self, now: Instant, out: &mut Vec<Packet>) {
        self.stage = Stage::Leaving;
        self.requests.retain(|request| request.call_id != self.story.call_id || request.purpose == Purpose::Notify);
        self.agenda.retain(|(_, task)| {
            matches!(task, Task::StartDial(_) | Task::GiveUpDial(_) | Task::EndTalk(_) | Task::Send(..) | Task::Copy(_))
        });
        self.cseq += 1;
        let branch = format!("z9hG4bKb{}", self.random.token(8));
        let bytes = self.request("BYE", self.cseq, &branch, "", "");
        self.send_request(now, Purpose::Bye, "BYE", self.cseq, bytes, out);
        if self.manner.double_bye {
            let second = self.request("BYE", self.cseq + 1, &format!("{branch}2"), "", "");
            let after = Duration::from_millis(self.random.below(300));
            self.agenda.push((now + after, Task::Copy(second)));
        }
    }

    fn cancel(&mut self, now: Instant, out: &mut Vec<Packet>) {
        match self.stage {
            // RFC 3261 §9.1: nothing may be cancelled before a provisional response.
            Stage::Calling(false) => self.agenda.push((now + Duration::from_millis(20), Task::Cancel)),
            Stage::Calling(true) => {
                let bytes = self.request("CANCEL", self.invite_cseq, &self.invite_branch.clone(), "", "");
                self.send_request(now, Purpose::Cancel, "CANCEL", self.invite_cseq, bytes, out);
            }
            Stage::Idle | Stage::Talking | Stage::Leaving | Stage::Over | Stage::Gone => {}
        }
    }

    fn acknowledge(&mut self, ack: Vec<u8>, out: &mut Vec<Packet>) {
        match self.manner.lost_acks {
            0 => out.push(self.post(self.server, ack)),
            255 => {}
            some => self.manner.lost_acks = some - 1,
        }
    }

    fn send_request(
        &mut self,
        now: Instant,
        purpose: Purpose,
        method: &'static str,
        cseq: u32,
        bytes: Vec<u8>,
        out: &mut Vec<Packet>,
    ) {
        out.push(self.post(self.server, bytes.clone()));
        if self.manner.late_copies && self.random.chance(0.5) {
            // No older than a datagram can get (RFC 3261 §17.1.2.2: T4).
            let after = Duration::from_millis(600 + self.random.below(3_900));
            self.agenda.push((now + after, Task::Copy(bytes.clone())));
        }
        self.requests.push(Request {
            purpose,
            call_id: self.story.call_id.clone(),
            cseq,
            method,
            to: self.server,
            bytes,
            // A connection delivers what it takes (RFC 3261 §17.1.1.2).
            next: self.manner.tcp.is_none().then(|| now + FIRST_REPEAT),
            interval: FIRST_REPEAT,
            until: now + GIVE_UP,
        });
    }
}

#[cfg(test)]
mod tests;
