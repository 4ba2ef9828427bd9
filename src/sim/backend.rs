//! A centre: a telephone system at one address that answers, is busy, rings for ever, refuses or is dead.
//!
//! Callers reach it by following a REFER, or we call it for them (`called`). It reads and writes raw text by even simpler means than
//! callers do, and repeats its final response until the ACK.

mod called;
pub mod conduct;
mod fork;

use crate::random::Random;
use crate::time::{Duration, Instant};
use called::Called;
use conduct::Conduct;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// What a centre does with a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Rings, then answers after this long.
    Answers(Duration),
    /// 486.
    Busy,
    /// 180, and nobody ever comes.
    RingsForever,
    /// Another final response.
    Refuses(u16),
    /// No machine there: nothing comes back.
    Dead,
}

/// A call as the centre sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visit {
    /// The caller's number, from From.
    pub caller: String,
    /// What came with it (RFC 7433).
    pub user_to_user: Option<String>,
    /// When the centre picked up.
    pub answered: Option<Instant>,
    /// When it was over.
    pub ended: Option<Instant>,
    /// No ACK ever came for a final response in a call of ours.
    pub unacknowledged: bool,
}

#[derive(Debug)]
struct Line {
    visit: Visit,
    peer: SocketAddr,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Ringing {
        answer: Option<Instant>,
        ok: Vec<u8>,
        ringing: Vec<u8>,
    },
    /// The final response repeats until its ACK, or until the caller must be gone.
    Final {
        bytes: Vec<u8>,
        next: Instant,
        interval: Duration,
        until: Instant,
    },
    Talking,
    Over,
}

/// A centre.
#[derive(Debug)]
pub struct Centre {
    at: SocketAddr,
    manner: Manner,
    /// By Call-ID.
    lines: BTreeMap<String, Line>,
    /// Those that wait for a moment in time.
    waiting: BTreeSet<String>,
    /// Calls of ours, by Call-ID.
    called: BTreeMap<String, Called>,
    /// The name in its Contact, with a port or without; `None`: its address.
    host: Option<String>,
    random: Random,
    /// What it does in a call of ours.
    talks: Talks,
}

/// What a centre does in calls of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Talks {
    /// It talks for as long as the caller wants.
    ForEver,
    /// For a while.
    Awhile,
    /// It does what is drawn for each.
    Oddly,
}

/// The port of its sound.
const SOUND_PORT: u16 = 4000;
/// Its tag.
const TAG: &str = "centre";

const FIRST_REPEAT: Duration = Duration::from_millis(500);
const LONGEST_REPEAT: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);

impl Centre {
    /// A centre at this address.
    pub fn new(at: SocketAddr, manner: Manner) -> Self {
        let random = Random::from_number(0);
        Self {
            at,
            manner,
            lines: BTreeMap::new(),
            waiting: BTreeSet::new(),
            called: BTreeMap::new(),
            host: None,
            random,
            talks: Talks::ForEver,
        }
    }

    /// What it does in calls of ours is drawn from this: how long it talks, or anything at all.
    pub fn drawn(mut self, random: Random, oddly: bool) -> Self {
        (self.random, self.talks) = (random, if oddly { Talks::Oddly } else { Talks::Awhile });
        self
    }

    /// In calls of ours its Contact has this name.
    pub fn named(mut self, host: String) -> Self {
        self.host = Some(host);
        self
    }

    /// That name.
    pub fn host(&self) -> Option<&String> {
        self.host.as_ref()
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Where its sound is.
    pub fn sound(&self) -> SocketAddr {
        SocketAddr::new(self.at.ip(), SOUND_PORT)
    }

    /// From now on it behaves like this; calls that are there already stay as they are.
    pub fn behave(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// Everybody who called, in order of Call-ID.
    pub fn visits(&self) -> impl Iterator<Item = &Visit> {
        self.lines.values().map(|line| &line.visit).chain(self.called.values().map(|called| &called.visit))
    }

    /// Calls of ours to it, by Call-ID.
    pub fn called_by_us(&self) -> impl Iterator<Item = (&str, &Visit)> {
        self.called.iter().map(|(call_id, called)| (call_id.as_str(), &called.visit))
    }

    /// A datagram for this centre; what it sends goes to `out` with its destination.
    pub fn received(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if self.manner == Manner::Dead {
            return;
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let message = Request(text);
        if let Some(called) = self.called.get_mut(message.call_id()) {
            return called.received(now, from, &message, out);
        }
        match text.split(' ').next() {
            Some("INVITE") if message.media().is_some() => self.called(now, from, &message, out),
            Some("INVITE") => self.invited(now, from, &message, out),
            Some("ACK") => {
                if let Some(line) = self.lines.get_mut(message.call_id()) {
                    line.stage = match std::mem::replace(&mut line.stage, Stage::Over) {
                        Stage::Final { .. } if line.visit.answered.is_some() => Stage::Talking,
                        Stage::Final { .. } | Stage::Over => Stage::Over,
                        stage @ (Stage::Talking | Stage::Ringing { .. }) => stage,
                    };
                }
            }
            Some("BYE") => {
                if let Some(line) = self.lines.get_mut(message.call_id()) {
                    line.visit.ended.get_or_insert(now);
                    line.stage = Stage::Over;
                }
                out.push((from, message.answer("200 OK", "")));
            }
            Some("CANCEL") => self.cancelled(now, from, &message, out),
            // A response, or something a centre has no use for.
            Some(_) | None => {}
        }
    }

    /// Answers and repeats that are due.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        self.called.values_mut().for_each(|called| called.tick(now, out));
        let lines = &mut self.lines;
        self.waiting.retain(|call| {
            let Some(line) = lines.get_mut(call) else { return false };
            match &mut line.stage {
                Stage::Ringing { answer: Some(at), ok, .. } if *at <= now => {
                    let bytes = std::mem::take(ok);
                    out.push((line.peer, bytes.clone()));
                    line.visit.answered = Some(now);
                    let (next, until) = (now + FIRST_REPEAT, now + GIVE_UP);
                    line.stage = Stage::Final { bytes, next, interval: FIRST_REPEAT, until };
                }
                Stage::Final { until, .. } if *until <= now => line.stage = Stage::Over,
                Stage::Final { bytes, next, interval, .. } if *next <= now => {
                    out.push((line.peer, bytes.clone()));
                    *interval = (*interval * 2).min(LONGEST_REPEAT);
                    *next = now + *interval;
                }
                Stage::Ringing { .. } | Stage::Final { .. } | Stage::Talking | Stage::Over => {}
            }
            !matches!(line.stage, Stage::Talking | Stage::Over)
        });
    }

    /// When [`Centre::tick`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        let due = |line: &Line| match &line.stage {
            Stage::Ringing { answer, .. } => *answer,
            Stage::Final { next, until, .. } => Some(*next.min(until)),
            Stage::Talking | Stage::Over => None,
        };
        let lines = self.waiting.iter().filter_map(|call| due(self.lines.get(call)?));
        lines.chain(self.called.values().filter_map(Called::deadline)).min()
    }

    fn called(&mut self, now: Instant, from: SocketAddr, invite: &Request<'_>, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let conduct = match self.talks {
            Talks::ForEver => Conduct::default(),
            Talks::Awhile => Conduct::plain(&mut self.random),
            Talks::Oddly => Conduct::odd(&mut self.random),
        };
        let random = Random::from_number(self.random.u64());
        let visit = Visit::of(invite);
        let host = self.host.clone().unwrap_or_else(|| self.at.to_string());
        let places = (self.at, host, from);
        let called = Called::new(now, places, (self.manner, conduct), random, invite, visit, out);
        self.called.insert(invite.call_id().to_owned(), called);
    }

    fn invited(&mut self, now: Instant, from: SocketAddr, invite: &Request<'_>, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        if let Some(line) = self.lines.get(invite.call_id()) {
            match &line.stage {
                Stage::Ringing { ringing, .. } => out.push((from, ringing.clone())),
                Stage::Final { bytes, .. } => out.push((from, bytes.clone())),
                Stage::Talking | Stage::Over => {}
            }
            return;
        }
        let contact = format!("Contact: <sip:centre@{}>\r\n", self.at);
        let mut visit = Visit::of(invite);
        let last = |status: &str| {
            let bytes = invite.answer(status, "");
            Stage::Final { bytes, next: now + FIRST_REPEAT, interval: FIRST_REPEAT, until: now + GIVE_UP }
        };
        let stage = match self.manner {
            Manner::Busy => last("486 Busy Here"),
            Manner::Refuses(status) => last(&format!("{status} Refused")),
            Manner::Answers(_) | Manner::RingsForever | Manner::Dead => {
                out.push((from, invite.answer("100 Trying", "")));
                let ringing = invite.answer("180 Ringing", &contact);
                out.push((from, ringing.clone()));
                let answer = match self.manner {
                    Manner::Answers(after) => Some(now + after),
                    _ => None,
                };
                // A phone that follows a REFER brings no offer here.
                let ok = invite.answer("200 OK", &contact);
                Stage::Ringing { answer, ok, ringing }
            }
        };
        if let Stage::Final { bytes, .. } = &stage {
            out.push((from, bytes.clone()));
            visit.ended = Some(now);
        }
        self.waiting.insert(invite.call_id().to_owned());
        self.lines.insert(invite.call_id().to_owned(), Line { visit, peer: from, stage });
    }

    fn cancelled(
        &mut self,
        now: Instant,
        from: SocketAddr,
        cancel: &Request<'_>,
        out: &mut Vec<(SocketAddr, Vec<u8>)>,
    ) {
        out.push((from, cancel.answer("200 OK", "")));
        let Some(line) = self.lines.get_mut(cancel.call_id()) else {
            return;
        };
        if let Stage::Ringing { ringing, .. } = &line.stage {
            // The 487 answers the INVITE, whose headers the 180 has repeated already.
            let bytes =
                String::from_utf8_lossy(ringing).replacen("180 Ringing", "487 Request Terminated", 1).into_bytes();
            out.push((from, bytes.clone()));
            line.visit.ended = Some(now);
            let (next, until) = (now + FIRST_REPEAT, now + GIVE_UP);
            line.stage = Stage::Final { bytes, next, interval: FIRST_REPEAT, until };
        }
    }
}

impl Visit {
    fn of(invite: &Request<'_>) -> Self {
        Self {
            caller: invite.caller().to_owned(),
            user_to_user: invite.get("User-to-User").map(str::to_owned),
            answered: None,
            ended: None,
            unacknowledged: false,
        }
    }
}

/// A message, as its lines.
struct Request<'a>(&'a str);

impl<'a> Request<'a> {
    fn lines(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or("");
        head.split("\r\n").filter_map(|line| line.split_once(": "))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.lines().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn call_id(&self) -> &'a str {
        self.get("Call-ID").unwrap_or("")
    }

    /// The user part of From.
    fn caller(&self) -> &'a str {
        let uri = self.get("From").and_then(|from| from.split_once("sip:")).map_or("", |(_, uri)| uri);
        uri.split('@').next().unwrap_or("")
    }

    /// The first word of a request.
    fn method(&self) -> &'a str {
        self.0.split(' ').next().unwrap_or("")
    }

    /// The code of a response.
    fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    fn cseq(&self) -> u32 {
        self.get("CSeq").and_then(|cseq| cseq.split(' ').next()?.parse().ok()).unwrap_or(0)
    }

    fn cseq_method(&self) -> &'a str {
        self.get("CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or("")
    }

    fn branch(&self) -> &'a str {
        let via = self.get("Via").and_then(|via| via.split_once("branch=")).map_or("", |(_, branch)| branch);
        via.split(';').next().unwrap_or("")
    }

    /// The address in Contact.
    fn contact(&self) -> &'a str {
        let contact = self.get("Contact").and_then(|contact| contact.split_once('<')).map_or("", |(_, uri)| uri);
        contact.split('>').next().unwrap_or("")
    }

    /// Inside a dialog.
    fn is_within(&self) -> bool {
        self.get("To").is_some_and(|to| to.contains("tag="))
    }

    /// Where its description listens.
    fn media(&self) -> Option<SocketAddr> {
        let line = |start: &str| self.0.split("\r\n").find_map(|line| line.strip_prefix(start));
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        Some(SocketAddr::new(line("c=IN IP4 ")?.trim().parse().ok()?, port))
    }

    /// A response with the headers a response repeats (RFC 3261 §8.2.6.2), and `more` whole lines.
    fn answer(&self, status: &str, more: &str) -> Vec<u8> {
        self.answer_with(status, more, "")
    }

    fn answer_with(&self, status: &str, more: &str, body: &str) -> Vec<u8> {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for (name, value) in self.lines() {
            if !matches!(name, "Via" | "From" | "To" | "Call-ID" | "CSeq") {
                continue;
            }
            let tag = if name == "To" && !value.contains("tag=") { format!(";tag={TAG}") } else { String::new() };
            text.push_str(&format!("{name}: {value}{tag}\r\n"));
        }
        text.push_str(more);
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        text.push_str(&format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len()));
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Vec<u8> {
        format!(
            "{method} sip:1357@c SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:01012340001@a>;tag=a\r\n\
             To: <sip:1357@c>\r\nCall-ID: k\r\nCSeq: 1 {method}\r\nUser-to-User: ab;encoding=hex\r\nContent-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    fn codes(out: &[(SocketAddr, Vec<u8>)]) -> Vec<u16> {
        out.iter().filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok()?.get(8..11)?.parse().ok()).collect()
    }

    fn call(manner: Manner) -> (Centre, Vec<(SocketAddr, Vec<u8>)>) {
        let mut centre = Centre::new(([10, 9, 0, 1], 5060).into(), manner);
        let mut out = Vec::new();
        centre.received(at(0), ([10, 0, 0, 1], 5060).into(), &request("INVITE"), &mut out);
        (centre, out)
    }

    #[test]
    fn each_manner_answers_in_its_own_way() {
        for (manner, expected) in [
            (Manner::Answers(Duration::from_secs(2)), vec![100, 180, 200]),
            (Manner::Busy, vec![486, 486, 486]),
            (Manner::Refuses(603), vec![603, 603, 603]),
            (Manner::RingsForever, vec![100, 180]),
            (Manner::Dead, vec![]),
        ] {
            let (mut centre, mut out) = call(manner);
            centre.tick(at(1), &mut out);
            centre.tick(at(2), &mut out);
            assert_eq!(codes(&out), expected, "{manner:?}");
        }
    }

    #[test]
    fn an_answered_visit_keeps_what_came_with_the_call() {
        let (mut centre, mut out) = call(Manner::Answers(Duration::ZERO));
        centre.tick(at(1), &mut out);
        centre.received(at(1), ([10, 0, 0, 1], 5060).into(), &request("ACK"), &mut out);
        assert_eq!(centre.deadline(), None);
        centre.received(at(9), ([10, 0, 0, 1], 5060).into(), &request("BYE"), &mut out);
        let visit = centre.visits().next().expect("one call");
        assert_eq!((visit.answered, visit.ended), (Some(at(1)), Some(at(9))));
        assert_eq!((visit.caller.as_str(), visit.user_to_user.as_deref()), ("01012340001", Some("ab;encoding=hex")));
    }

    #[test]
    fn a_cancelled_ringing_ends_with_487() {
        let (mut centre, mut out) = call(Manner::RingsForever);
        centre.received(at(3), ([10, 0, 0, 1], 5060).into(), &request("CANCEL"), &mut out);
        assert_eq!(codes(&out), [100, 180, 200, 487]);
    }
}
