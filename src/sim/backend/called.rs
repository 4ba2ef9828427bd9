//! One call that a centre gets from us: it rings, perhaps sounds early, answers, talks, holds, and hangs up or is hung up on.
//!
//! Raw text and raw packets, by means as simple as those of the callers. Every 200 and every refusal repeats until its ACK, every
//! request until its answer.

use super::conduct::{Act, Conduct, Early, Hold};
use super::fork::Fork;
use super::{FIRST_REPEAT, GIVE_UP, LONGEST_REPEAT, Manner, Request, Visit};
use crate::random::Random;
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A packet of sound so often: enough to show that somebody is there.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// RFC 3261 §14.1: whoever did not make the Call-ID tries again within this.
const GLARE: u64 = 2_000;
/// PCMA and PCMU.
const LAWS: [u8; 2] = [8, 0];
const EVENTS: u8 = 101;

#[derive(Debug)]
enum Stage {
    Ringing,
    /// Its 200 is out, and has no ACK yet.
    Answered,
    Talking,
    /// Its BYE is out.
    Leaving,
    Over,
    /// Not a word any more.
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Task {
    Answer,
    Act(usize),
    HangUp,
    Heartbeat,
    Reoffer,
    /// The second telephone answers.
    Fork,
}

/// What repeats until something comes back.
#[derive(Debug)]
pub(super) struct Repeat {
    /// The CSeq and method of what ends it.
    until_heard: (u32, &'static str),
    bytes: Vec<u8>,
    next: Option<Instant>,
    interval: Duration,
    pub until: Instant,
}

/// One call of ours, as its centre lives through it.
#[derive(Debug)]
pub struct Called {
    at: SocketAddr,
    /// In its Contact.
    host: String,
    sound: SocketAddr,
    peer: SocketAddr,
    conduct: Conduct,
    random: Random,
    /// The INVITE as it came.
    invite: String,
    /// Our address in its Contact.
    remote: String,
    /// Where we listen.
    listens: Option<SocketAddr>,
    stage: Stage,
    /// Responses to INVITEs that wait for their ACK.
    responses: Vec<Repeat>,
    requests: Vec<Repeat>,
    /// ACKs of its own re-INVITEs, by CSeq.
    acks: BTreeMap<u32, Vec<u8>>,
    /// What it answered, by number, method and branch: a copy gets the same.
    answered: BTreeMap<String, Vec<u8>>,
    agenda: Vec<(Instant, Task)>,
    /// Its 200, which a second telephone may give too.
    answer: Vec<u8>,
    fork: Option<Fork>,
    cseq: u32,
    version: u32,
    hold: Option<Hold>,
    law: usize,
    /// What its open re-INVITE is about.
    offering: Option<Act>,
    mute: bool,
    packets: u16,
    pub(super) visit: Visit,
}

type Out = Vec<(SocketAddr, Vec<u8>)>;

impl Called {
    /// Our INVITE arrives.
    pub(super) fn new(
        now: Instant,
        (at, host, peer): (SocketAddr, String, SocketAddr),
        (manner, conduct): (Manner, Conduct),
        random: Random,
        invite: &Request<'_>,
        visit: Visit,
        out: &mut Out,
    ) -> Self {
        let mut called = Self {
            at,
            host,
            sound: SocketAddr::new(at.ip(), super::SOUND_PORT),
            peer,
            conduct,
            random,
            invite: invite.0.to_owned(),
            remote: invite.contact().to_owned(),
            listens: invite.media(),
            stage: Stage::Ringing,
            responses: Vec::new(),
            requests: Vec::new(),
            acks: BTreeMap::new(),
            answered: BTreeMap::new(),
            agenda: Vec::new(),
            answer: Vec::new(),
            fork: None,
            cseq: 0,
            version: 1,
            hold: None,
            law: 0,
            offering: None,
            mute: false,
            packets: 0,
            visit,
        };
        match manner {
            Manner::Busy => called.refuse(now, "486 Busy Here", out),
            Manner::Refuses(status) => called.refuse(now, &format!("{status} Refused"), out),
            Manner::Answers(_) | Manner::RingsForever | Manner::Dead => {
                out.push((peer, invite.answer("100 Trying", "")));
                called.ring(out);
                if let Manner::Answers(after) = manner {
                    called.agenda.push((now + after, Task::Answer));
                }
                if called.conduct.early.is_some() {
                    called.agenda.push((now, Task::Heartbeat));
                }
            }
        }
        called
    }

    /// Something of ours arrives.
    pub(super) fn received(&mut self, now: Instant, from: SocketAddr, message: &Request<'_>, out: &mut Out) {
        if matches!(self.stage, Stage::Gone) {
            return;
        }
        if let Some(fork) = self.fork.as_mut().filter(|_| Fork::is_for_it(message)) {
            return fork.received(from, message, out);
        }
        if let Some(status) = message.status() {
            return self.told(now, status, message, out);
        }
        let method = message.method();
        let number = format!("{} {method} ", message.cseq());
        let copy = format!("{number}{}", message.branch());
        if let Some(bytes) = self.answered.get(&copy) {
            return out.push((from, bytes.clone()));
        }
        // By the other of its host's addresses.
        if self.answered.keys().any(|known| known.starts_with(&number)) {
            return out.push((from, message.answer("482 Loop Detected", "")));
        }
        let bytes = match method {
            "ACK" => return self.acknowledged(now, message, out),
            "INVITE" if message.is_within() => {
                self.learn(message);
                let cseq = message.cseq();
                let bytes = message.answer_with("200 OK", &self.contact(), &self.description());
                self.responses.push(Repeat::new(now, (cseq, "ACK"), bytes.clone()));
                bytes
            }
            // A copy of the first one.
            "INVITE" => {
                if matches!(self.stage, Stage::Ringing) {
                    self.ring(out);
                }
                return;
            }
            "CANCEL" => {
                out.push((from, message.answer("200 OK", "")));
                self.cancelled(now, out);
                return;
            }
            "BYE" => {
                self.over(now);
                self.responses.clear();
                message.answer("200 OK", "")
            }
            _ => message.answer("200 OK", &self.contact()),
        };
        self.answered.insert(copy, bytes.clone());
        out.push((from, bytes));
    }

    /// What is due.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Out) {
        if matches!(self.stage, Stage::Gone) {
            return;
        }
        while let Some(at) = self.agenda.iter().position(|(at, _)| *at <= now) {
            let (_, task) = self.agenda.remove(at);
            self.perform(now, task, out);
        }
        if let Some(fork) = &mut self.fork {
            fork.tick(now, out);
        }
        let to = self.peer;
        let unheard = |repeats: &mut Vec<Repeat>, out: &mut Out| -> Vec<&'static str> {
            repeats.iter_mut().for_each(|repeat| repeat.tick(now, to, out));
            repeats.extract_if(.., |repeat| repeat.until <= now).map(|repeat| repeat.until_heard.1).collect()
        };
        let responses = unheard(&mut self.responses, out);
        let requests = unheard(&mut self.requests, out);
        self.visit.unacknowledged |= !responses.is_empty();
        // Nobody acknowledges its answer, or answers what it asks: there is nobody.
        if !responses.is_empty() && !matches!(self.stage, Stage::Ringing) {
            self.hang_up(now, out);
        }
        if requests.contains(&"BYE") {
            self.over(now);
        } else if requests.contains(&"INVITE") {
            self.hang_up(now, out);
        }
    }

    /// When [`Called::tick`] is next needed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if matches!(self.stage, Stage::Gone) {
            return None;
        }
        let repeats = self.responses.iter().chain(&self.requests);
        let repeats = repeats.map(Repeat::deadline).chain(self.fork.as_ref().and_then(Fork::deadline));
        repeats.chain(self.agenda.iter().map(|(at, _)| *at)).min()
    }

    // ---- its own part ------------------------------------------------------------------------------------------

    fn ring(&mut self, out: &mut Out) {
        let invite = Request(&self.invite);
        let early = |of: Early| match self.conduct.early == Some(of) {
            true => self.description(),
            false => String::new(),
        };
        let ringing = invite.answer_with("180 Ringing", &self.contact(), &early(Early::Rings));
        out.push((self.peer, ringing));
        if self.conduct.early == Some(Early::Progress) {
            let progress = invite.answer_with("183 Session Progress", &self.contact(), &early(Early::Progress));
            out.push((self.peer, progress));
        }
    }

    fn refuse(&mut self, now: Instant, status: &str, out: &mut Out) {
        let bytes = Request(&self.invite).answer(status, "");
        self.last(now, bytes, out);
        self.over(now);
    }

    /// The final response to our INVITE, until its ACK.
    fn last(&mut self, now: Instant, bytes: Vec<u8>, out: &mut Out) {
        out.push((self.peer, bytes.clone()));
        self.responses.push(Repeat::new(now, (Request(&self.invite).cseq(), "ACK"), bytes));
    }

    fn pick_up(&mut self, now: Instant, out: &mut Out) {
        let body = match (self.conduct.unfit, self.conduct.bare_answer) {
            (true, _) => self.description().replace("m=audio", "m=video"),
            (false, true) => String::new(),
            (false, false) => self.description(),
        };
        let bytes = Request(&self.invite).answer_with("200 OK", &self.contact(), &body);
        self.visit.answered = Some(now);
        self.stage = Stage::Answered;
        self.answer.clone_from(&bytes);
        if let Some(after) = self.conduct.forks {
            self.agenda.push((now + after, Task::Fork));
        }
        self.last(now, bytes, out);
    }

    fn cancelled(&mut self, now: Instant, out: &mut Out) {
        if !matches!(self.stage, Stage::Ringing) {
            return;
        }
        self.agenda.clear();
        match self.conduct.crosses {
            true => self.pick_up(now, out),
            false => self.refuse(now, "487 Request Terminated", out),
        }
    }

    fn acknowledged(&mut self, now: Instant, ack: &Request<'_>, out: &mut Out) {
        self.responses.retain(|repeat| repeat.until_heard != (ack.cseq(), "ACK"));
        if !matches!(self.stage, Stage::Answered) {
            return;
        }
        self.stage = Stage::Talking;
        self.agenda.retain(|(_, task)| *task != Task::Heartbeat);
        self.agenda.push((now, Task::Heartbeat));
        if let Some(stays) = self.conduct.stays {
            self.agenda.push((now + stays, Task::HangUp));
        }
        if let Some((after, _)) = self.conduct.acts.first() {
            self.agenda.push((now + *after, Task::Act(0)));
        }
        self.tick(now, out);
    }

    fn perform(&mut self, now: Instant, task: Task, out: &mut Out) {
        match (&self.stage, task) {
            (Stage::Ringing, Task::Answer) => self.pick_up(now, out),
            (Stage::Talking, Task::HangUp) => self.hang_up(now, out),
            (Stage::Talking, Task::Act(at)) => {
                let Some((_, act)) = self.conduct.acts.get(at).copied() else { return };
                if let Some((after, _)) = self.conduct.acts.get(at + 1) {
                    self.agenda.push((now + *after, Task::Act(at + 1)));
                }
                self.act(now, act, out);
            }
            (Stage::Talking, Task::Reoffer) => self.reoffer(now, out),
            // Whatever became of the first one.
            (_, Task::Fork) => self.fork = Some(Fork::answers(now, self.peer, &self.answer, out)),
            (Stage::Ringing | Stage::Talking, Task::Heartbeat) if !self.mute && self.listens.is_some() => {
                self.sound(LAWS[self.law], &[0xd5, 0xd5], out);
                self.agenda.push((now + HEARTBEAT, Task::Heartbeat));
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, act: Act, out: &mut Out) {
        match act {
            Act::Hold(_) | Act::Resume | Act::OtherCodec | Act::Offerless { .. } if self.offering.is_none() => {
                self.offering = Some(act);
                self.reoffer(now, out);
            }
            // One at a time.
            Act::Hold(_) | Act::Resume | Act::OtherCodec | Act::Offerless { .. } => {}
            Act::Update => self.request(now, "UPDATE", "", out),
            Act::Refer => self.request(now, "REFER", "Refer-To: <sip:other@10.9.9.9>\r\n", out),
            Act::Options => self.request(now, "OPTIONS", "", out),
            Act::Key => self.sound(EVENTS, &[1, 0x0a, 0, 160], out),
            Act::Mute => self.mute = true,
            Act::Vanish => {
                self.visit.ended.get_or_insert(now);
                self.stage = Stage::Gone;
            }
        }
    }

    fn reoffer(&mut self, now: Instant, out: &mut Out) {
        let Some(act) = self.offering else { return };
        self.version += 1;
        let (hold, law) = (self.hold, self.law);
        match act {
            Act::Hold(form) => self.hold = Some(form),
            Act::Resume => self.hold = None,
            Act::OtherCodec => self.law = 1 - self.law,
            _ => {}
        }
        let body = if matches!(act, Act::Offerless { .. }) { String::new() } else { self.description() };
        // Nothing has changed before it is agreed on.
        (self.hold, self.law) = (hold, law);
        self.request_with(now, "INVITE", "", &body, out);
    }

    fn told(&mut self, now: Instant, status: u16, message: &Request<'_>, out: &mut Out) {
        let (cseq, method) = (message.cseq(), message.cseq_method());
        if let (Some(ack), "INVITE", 200..) = (self.acks.get(&cseq), method, status) {
            return out.push((self.peer, ack.clone()));
        }
        let Some(at) = self.requests.iter().position(|request| request.until_heard == (cseq, method)) else { return };
        if status < 200 {
            if let Some(request) = self.requests.get_mut(at).filter(|_| method == "INVITE") {
                request.next = None;
            }
            return;
        }
        let request = self.requests.remove(at);
        match method {
            "BYE" => self.over(now),
            "INVITE" => self.reoffered(now, status, message, &request.bytes, out),
            _ if matches!(status, 481 | 408) => self.hang_up(now, out),
            _ => {}
        }
    }

    fn reoffered(&mut self, now: Instant, status: u16, message: &Request<'_>, sent: &[u8], out: &mut Out) {
        let act = self.offering;
        if status >= 300 {
            // The ACK of a refusal belongs to the request's own transaction.
            let ack = String::from_utf8_lossy(sent).into_owned();
            let (head, _) = ack.split_once("\r\n\r\n").unwrap_or((&ack, ""));
            let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-"));
            let ack = lines.collect::<Vec<_>>().join("\r\n").replace("INVITE", "ACK");
            let ack = format!("{ack}\r\nContent-Length: 0\r\n\r\n").into_bytes();
            self.acks.insert(message.cseq(), ack.clone());
            out.push((self.peer, ack));
            match status {
                491 | 500 => {
                    let after = Duration::from_millis(self.random.below(GLARE));
                    self.agenda.push((now + after, Task::Reoffer));
                }
                481 | 408 => self.hang_up(now, out),
                _ => self.offering = None,
            }
            return;
        }
        self.offering = None;
        self.learn(message);
        match act {
            Some(Act::Hold(form)) => self.hold = Some(form),
            Some(Act::Resume) => self.hold = None,
            Some(Act::OtherCodec) => self.law = 1 - self.law,
            _ => {}
        }
        let body = match act {
            Some(Act::Offerless { answers: true }) => self.description(),
            _ => String::new(),
        };
        let ack = self.written("ACK", message.cseq(), "", &body);
        self.acks.insert(message.cseq(), ack.clone());
        out.push((self.peer, ack));
    }

    fn hang_up(&mut self, now: Instant, out: &mut Out) {
        if !matches!(self.stage, Stage::Talking | Stage::Answered) {
            return;
        }
        self.stage = Stage::Leaving;
        self.agenda.retain(|(_, task)| *task == Task::Fork);
        self.requests.clear();
        self.responses.clear();
        self.request(now, "BYE", "", out);
        if self.conduct.double_bye {
            self.request(now, "BYE", "", out);
        }
    }

    fn over(&mut self, now: Instant) {
        self.visit.ended.get_or_insert(now);
        self.stage = Stage::Over;
        self.agenda.retain(|(_, task)| *task == Task::Fork);
        self.requests.clear();
    }

    // ---- how it writes -----------------------------------------------------------------------------------------

    fn learn(&mut self, message: &Request<'_>) {
        self.listens = message.media().or(self.listens);
    }

    fn sound(&mut self, number: u8, payload: &[u8], out: &mut Out) {
        let Some(to) = self.listens else { return };
        self.packets += 1;
        let [high, low] = self.packets.to_be_bytes();
        let ssrc = self.sound.ip().to_string().len() as u8;
        // A packet is an interval further than the one before, whenever it comes.
        let [a, b, c, d] = (u32::from(self.packets) * 160).to_be_bytes();
        let mut bytes = vec![0x80, number, high, low, a, b, c, d, 9, 9, 9, ssrc];
        bytes.extend_from_slice(payload);
        out.push((to, bytes));
    }

    fn request(&mut self, now: Instant, method: &'static str, more: &str, out: &mut Out) {
        self.request_with(now, method, more, "", out);
    }

    fn request_with(&mut self, now: Instant, method: &'static str, more: &str, body: &str, out: &mut Out) {
        self.cseq += 1;
        let bytes = self.written(method, self.cseq, more, body);
        out.push((self.peer, bytes.clone()));
        self.requests.push(Repeat::new(now, (self.cseq, method), bytes));
    }

    fn written(&mut self, method: &str, cseq: u32, more: &str, body: &str) -> Vec<u8> {
        let invite = Request(&self.invite);
        let branch = self.random.token(10);
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {remote} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKf{branch}\r\nMax-Forwards: 70\r\n\
             From: {to};tag={tag}\r\nTo: {from}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n{contact}{more}{kind}\
             Content-Length: {length}\r\n\r\n{body}",
            remote = self.remote,
            at = self.at,
            to = invite.get("To").unwrap_or(""),
            tag = super::TAG,
            from = invite.get("From").unwrap_or(""),
            call = invite.call_id(),
            contact = self.contact(),
            length = body.len(),
        )
        .into_bytes()
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:centre@{}>\r\n", self.host)
    }

    fn description(&self) -> String {
        let ip = self.at.ip();
        let listens = if self.hold == Some(Hold::ZeroAddress) { "0.0.0.0".to_owned() } else { ip.to_string() };
        let direction = match self.hold {
            None | Some(Hold::ZeroAddress) => "sendrecv",
            Some(Hold::SendOnly) => "sendonly",
            Some(Hold::Inactive) => "inactive",
            Some(Hold::RecvOnly) => "recvonly",
        };
        format!(
            "v=0\r\no=- 1 {} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {listens}\r\nt=0 0\r\nm=audio {} RTP/AVP {} {EVENTS}\r\n\
             a=rtpmap:{EVENTS} telephone-event/8000\r\na={direction}\r\n",
            self.version,
            self.sound.port(),
            LAWS[self.law],
        )
    }
}

impl Repeat {
    pub(super) fn new(now: Instant, until_heard: (u32, &'static str), bytes: Vec<u8>) -> Self {
        let next = Some(now + FIRST_REPEAT);
        Self { until_heard, bytes, next, interval: FIRST_REPEAT, until: now + GIVE_UP }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.next.unwrap_or(self.until).min(self.until)
    }

    pub(super) fn tick(&mut self, now: Instant, to: SocketAddr, out: &mut Out) {
        if self.next.is_some_and(|at| at <= now) && now < self.until {
            out.push((to, self.bytes.clone()));
            self.interval = (self.interval * 2).min(LONGEST_REPEAT);
            self.next = Some(now + self.interval);
        }
    }
}
