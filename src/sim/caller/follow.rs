//! Following a REFER (RFC 3515): the answer, the call to the centre, and the NOTIFYs, in every order and form
//! that telephones have been seen to use.

use super::follow_form::{Branch, ByeRace, Notify, ReferAnswer};
use super::text::{self, Message};
use super::{End, FIRST_REPEAT, GIVE_UP, Packet, Phone, Purpose, Request, Stage, Task};
use crate::time::{Duration, Instant};
use std::net::SocketAddr;

/// A call to a centre.
#[derive(Debug)]
pub(super) struct Dial {
    /// The Refer-To, whole.
    refer_to: String,
    /// The REFER's CSeq: the `id` of its subscription (RFC 3515 §2.4.6).
    refer: u32,
    to: Option<SocketAddr>,
    call_id: String,
    branch: String,
    remote_tag: String,
    stage: DialStage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DialStage {
    Waiting,
    Calling,
    Talking,
    /// Cancelled by us; a 200 that crosses it is hung up at once.
    Dropped,
    Over,
}

impl Phone {
    /// A new REFER. The answer to send now, or `None` when it comes later or never.
    pub(super) fn refer(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
        out: &mut Vec<Packet>,
    ) -> Option<Vec<u8>> {
        let refer_to = text::address(message.get("Refer-To")?).to_owned();
        let refer = message.cseq()?.0;
        self.story.referred.push((now, refer_to.clone()));
        let form = self.manner.follow;
        let open = |dial: &Dial| matches!(dial.stage, DialStage::Waiting | DialStage::Calling);
        if form.refuses_second && self.dials.iter().any(open) {
            return Some(message.answer(491, "Request Pending", &self.tag, "", ""));
        }
        let status = match form.answer {
            ReferAnswer::Ignores => return None,
            ReferAnswer::Refuses(status) => {
                return Some(message.answer(status, "Refused", &self.tag, "", ""));
            }
            ReferAnswer::Accepts(status) => status,
        };
        self.drop_dials(now, out);
        let index = self.dials.len();
        let to = self.directory.get(text::destination(&refer_to)).copied();
        let call_id = format!("d{index}-{}", self.story.call_id);
        let branch = format!("z9hG4bKd{}", self.random.token(8));
        let stage = DialStage::Waiting;
        self.dials.push(Dial { refer_to, refer, to, call_id, branch, remote_tag: String::new(), stage });
        self.agenda.push((now + Duration::from_millis(20 + self.random.below(80)), Task::StartDial(index)));
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.story.number, self.at);
        let answer = message.answer(status, "Accepted", &self.tag, &contact, "");
        if let Some(hold) = form.hold {
            self.agenda.push((now + Duration::from_millis(2), Task::Reinvite(Some(hold))));
        }
        if form.notify_first {
            self.notify(now, index, 100, out);
            self.agenda.push((now + Duration::from_millis(self.random.below(40)), Task::Send(from, answer.clone())));
            let key = format!("{refer} REFER {}", message.branch());
            self.answered.push((key, answer));
            return None;
        }
        if form.notify == Notify::All {
            // Queued behind the 202, on the same instant or a little later.
            self.notify_later(now, index);
        }
        Some(answer)
    }

    fn notify_later(&mut self, now: Instant, dial: usize) {
        let mut later = Vec::new();
        self.notify(now, dial, 100, &mut later);
        let after = now + Duration::from_millis(self.random.below(3));
        for packet in later {
            self.agenda.push((after, Task::Send(packet.to, packet.bytes)));
        }
    }

    pub(super) fn start_dial(&mut self, now: Instant, index: usize, out: &mut Vec<Packet>) {
        let Some(dial) = self.dials.get(index) else {
            return;
        };
        if dial.stage != DialStage::Waiting {
            return;
        }
        let Some(to) = dial.to else {
            return self.dial_failed(now, index, 404, out);
        };
        let bytes = self.dial_request(dial, "INVITE", &text::escaped_headers(&dial.refer_to));
        let call_id = dial.call_id.clone();
        out.push(self.post(to, bytes.clone()));
        self.requests.push(Request {
            purpose: Purpose::Dial(index),
            call_id,
            cseq: 1,
            method: "INVITE",
            to,
            bytes,
            next: Some(now + FIRST_REPEAT),
            interval: FIRST_REPEAT,
            until: now + GIVE_UP,
        });
        self.agenda.push((now + self.manner.follow.patience, Task::GiveUpDial(index)));
        self.set(index, DialStage::Calling);
    }

    pub(super) fn dial_rings(&mut self, now: Instant, index: usize, status: u16, out: &mut Vec<Packet>) {
        let calling = self.dials.get(index).is_some_and(|dial| dial.stage == DialStage::Calling);
        if calling && self.manner.follow.notify == Notify::All {
            self.notify(now, index, status, out);
        }
    }

    pub(super) fn dial_answered(
        &mut self,
        now: Instant,
        index: usize,
        status: u16,
        message: &Message<'_>,
        out: &mut Vec<Packet>,
    ) {
        let Some(dial) = self.dials.get_mut(index) else {
            return;
        };
        dial.remote_tag = message.tag("To").to_owned();
        let stage = dial.stage;
        let target = text::destination(&dial.refer_to).to_owned();
        let Some(to) = dial.to else { return };
        let ack = self.dials.get(index).map(|dial| self.dial_request(dial, "ACK", "")).unwrap_or_default();
        out.push(self.post(to, ack));
        if status >= 300 {
            return self.dial_failed(now, index, status, out);
        }
        if stage == DialStage::Dropped {
            return self.end_talk(now, index, out);
        }
        self.set(index, DialStage::Talking);
        self.story.reached.push((now, target));
        self.agenda.push((now + self.manner.talk, Task::EndTalk(index)));
        let form = self.manner.follow;
        let tells = form.notify != Notify::Never;
        match form.bye {
            ByeRace::BeforeNotify if self.stage == Stage::Talking => {
                self.story.end.get_or_insert((now, End::HungUp));
                self.leave(now, out);
                self.notify_final(now, index, status, out);
            }
            ByeRace::AfterNotify if self.stage == Stage::Talking => {
                self.notify_final(now, index, status, out);
                self.story.end.get_or_insert((now, End::HungUp));
                self.leave(now, out);
            }
            ByeRace::Waits | ByeRace::BeforeNotify | ByeRace::AfterNotify if tells => {
                self.notify_final(now, index, status, out);
            }
            ByeRace::Waits | ByeRace::BeforeNotify | ByeRace::AfterNotify => {}
        }
    }

    /// The centre refused, or nobody there said a word.
    pub(super) fn dial_failed(&mut self, now: Instant, index: usize, status: u16, out: &mut Vec<Packet>) {
        let was = self.dials.get(index).map(|dial| dial.stage);
        self.set(index, DialStage::Over);
        if !matches!(was, Some(DialStage::Waiting | DialStage::Calling)) {
            return;
        }
        if self.manner.follow.notify != Notify::Never {
            self.notify_final(now, index, status, out);
        }
        if self.manner.follow.hold.is_some() {
            self.agenda.push((now + Duration::from_millis(10), Task::Reinvite(None)));
        }
    }

    /// The caller's own telephone has had enough of the ringing.
    pub(super) fn give_up_dial(&mut self, now: Instant, index: usize, out: &mut Vec<Packet>) {
        if self.dials.get(index).is_none_or(|dial| dial.stage != DialStage::Calling) {
            return;
        }
        self.dial_failed(now, index, 408, out);
        self.set(index, DialStage::Dropped);
        self.cancel_dial(now, index, out);
    }

    /// A centre repeats its final response: its ACK was lost.
    pub(super) fn acknowledge_dial(&self, call_id: &str, out: &mut Vec<Packet>) {
        let known = self.dials.iter().find(|dial| dial.call_id == call_id && !dial.remote_tag.is_empty());
        if let Some(dial) = known
            && let Some(to) = dial.to
        {
            out.push(self.post(to, self.dial_request(dial, "ACK", "")));
        }
    }

    /// The conversation is over: BYE to the centre.
    pub(super) fn end_talk(&mut self, now: Instant, index: usize, out: &mut Vec<Packet>) {
        let Some(dial) = self.dials.get(index) else {
            return;
        };
        if let (DialStage::Talking | DialStage::Dropped, Some(to)) = (dial.stage, dial.to) {
            let bytes = self.dial_request(dial, "BYE", "");
            self.send_dial_end(now, to, dial.call_id.clone(), "BYE", 2, bytes, out);
        }
        self.set(index, DialStage::Over);
        // A caller whose engine never learnt that he was served puts the receiver down now.
        if self.stage == Stage::Talking {
            self.hang_up(now, out);
        }
    }

    /// Ends every call to a centre that has not been answered yet.
    pub(super) fn drop_dials(&mut self, now: Instant, out: &mut Vec<Packet>) {
        for index in 0..self.dials.len() {
            match self.dials.get(index).map(|dial| dial.stage) {
                Some(DialStage::Waiting) => self.set(index, DialStage::Over),
                Some(DialStage::Calling) => {
                    self.set(index, DialStage::Dropped);
                    self.cancel_dial(now, index, out);
                }
                Some(DialStage::Talking | DialStage::Dropped | DialStage::Over) | None => {}
            }
        }
    }

    fn cancel_dial(&mut self, now: Instant, index: usize, out: &mut Vec<Packet>) {
        let Some(at) = self.requests.iter().position(|request| request.purpose == Purpose::Dial(index)) else {
            return;
        };
        let Some(dial) = self.dials.get(index) else {
            return;
        };
        let Some(to) = dial.to else { return };
        if self.requests.get(at).is_some_and(|request| request.next.is_some()) {
            // Nothing came back yet: nothing to cancel, and nobody to cancel with.
            self.requests.remove(at);
            return;
        }
        let bytes = self.dial_request(dial, "CANCEL", "");
        self.send_dial_end(now, to, dial.call_id.clone(), "CANCEL", 1, bytes, out);
    }

    fn notify_final(&mut self, now: Instant, index: usize, status: u16, out: &mut Vec<Packet>) {
        if status < 300 && matches!(self.stage, Stage::Talking | Stage::Leaving) {
            self.story.told = true;
        }
        self.notify(now, index, status, out);
    }

    fn notify(&mut self, now: Instant, index: usize, status: u16, out: &mut Vec<Packet>) {
        if !matches!(self.stage, Stage::Talking | Stage::Leaving) {
            return;
        }
        let Some(dial) = self.dials.get(index) else {
            return;
        };
        let form = self.manner.follow;
        let mut more = String::from("Content-Type: message/sipfrag;version=2.0\r\n");
        if form.event {
            more.push_str(&format!("Event: refer;id={}\r\n", dial.refer));
        }
        if form.state {
            let state = if status < 200 { "active;expires=60" } else { "terminated;reason=noresource" };
            more.push_str(&format!("Subscription-State: {state}\r\n"));
        }
        let reason = match status {
            100 => "Trying",
            180 => "Ringing",
            200 => "OK",
            486 => "Busy Here",
            _ => "Whatever",
        };
        let body = format!("SIP/2.0 {status} {reason}{}", if form.crlf { "\r\n" } else { "" });
        let branch = match form.branch {
            Branch::Right => format!("z9hG4bKn{}", self.random.token(8)),
            Branch::Missing => String::new(),
            Branch::Old => self.random.token(6),
        };
        let uri = if form.wrong_uri { format!("sip:wrong@{}", self.server) } else { self.remote.clone() };
        for copy in 0..if form.twice { 2 } else { 1 } {
            // The second is a NOTIFY of its own, not a repetition.
            let branch =
                if copy > 0 && form.branch == Branch::Right { format!("{branch}{copy}") } else { branch.clone() };
            self.cseq += 1;
            let bytes = self.request_to(&uri, "NOTIFY", self.cseq, &branch, &more, &body);
            self.send_request(now, Purpose::Notify, "NOTIFY", self.cseq, bytes, out);
        }
    }

    fn set(&mut self, index: usize, stage: DialStage) {
        if let Some(dial) = self.dials.get_mut(index) {
            dial.stage = stage;
        }
    }

    #[allow(clippy::too_many_arguments)] // one request, as it stands on the wire
    fn send_dial_end(
        &mut self,
        now: Instant,
        to: SocketAddr,
        call_id: String,
        method: &'static str,
        cseq: u32,
        bytes: Vec<u8>,
        out: &mut Vec<Packet>,
    ) {
        out.push(self.post(to, bytes.clone()));
        self.requests.push(Request {
            purpose: Purpose::DialEnd,
            call_id,
            cseq,
            method,
            to,
            bytes,
            next: Some(now + FIRST_REPEAT),
            interval: FIRST_REPEAT,
            until: now + GIVE_UP,
        });
    }

    /// A request of the call to the centre. Its branch is the INVITE's throughout but for BYE, as ACK to a
    /// refusal and CANCEL want it; a centre does not mind with the ACK of a 200.
    fn dial_request(&self, dial: &Dial, method: &str, more: &str) -> Vec<u8> {
        let uri = dial.refer_to.split('?').next().unwrap_or(&dial.refer_to);
        let (cseq, branch) = if method == "BYE" { (2, format!("{}b", dial.branch)) } else { (1, dial.branch.clone()) };
        let tag = if dial.remote_tag.is_empty() || method == "CANCEL" {
            String::new()
        } else {
            format!(";tag={}", dial.remote_tag)
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch={branch}\r\nMax-Forwards: 70\r\n\
             From: <sip:{number}@{at}>;tag=d{local}\r\nTo: <{uri}>{tag}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:{number}@{at}>\r\n{more}Content-Length: 0\r\n\r\n",
            at = self.at,
            number = self.story.number,
            local = self.tag,
            call = dial.call_id,
        )
        .into_bytes()
    }
}
