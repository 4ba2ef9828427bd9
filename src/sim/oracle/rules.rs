//! The rules of one call, each at the message that could break it.

use super::{
    DISK_PATIENCE, FIRST_REPEAT, GIVE_UP, INVITE_CSEQ, LONGEST_REPEAT, MARGIN, Oracle, Owes, SILENCE_MAX, case, plainly,
};
use crate::media::StreamKey;
use crate::sim::caller::text::{self, Message};
use crate::time::Instant;

impl Oracle {
    pub(super) fn final_response(&mut self, now: Instant, message: &Message<'_>, status: u16, cseq: u32) {
        let call_id = message.call_id().to_owned();
        let Some(case) = self.cases.get_mut(&call_id) else {
            return self.broken(now, "one final response", &call_id, format!("{status} to no INVITE"));
        };
        let transaction = (cseq, message.branch().to_owned());
        let known = case.finals.insert(transaction, status);
        self.settled(&call_id);
        let Some(case) = self.cases.get_mut(&call_id) else { return };
        // A process that replaced a crashed one knows nothing of the answers before it: a late copy gets its 481.
        if known.is_some_and(|known| known != status) && !case.crashed {
            let what = format!("{} after {known:?}", message.first);
            return self.broken(now, "one final response", &call_id, what);
        }
        if status >= 300 {
            case.shed |= self.capped && status == 503 && cseq == INVITE_CSEQ && known.is_none();
            let sent_away = status != 503 || message.get("Retry-After").is_some();
            if case.unwelcome && !sent_away {
                self.broken(now, "drain", &call_id, "503 without Retry-After while draining".to_owned());
            }
            return;
        }
        if case.unwelcome && known.is_none() && cseq == INVITE_CSEQ {
            self.broken(now, "drain", &call_id, "a new call was taken while draining".to_owned());
        }
        let again = known.is_some();
        // A repeated 200 may name a port that has another owner by now; after a crash it is the answer of a new process to
        // an INVITE that was sent again.
        if !again || self.cases.get(&call_id).is_some_and(|case| case.crashed) {
            self.name_stream(message);
        }
        if cseq == INVITE_CSEQ && !again {
            self.succeed(&call_id);
        }
        let Some(case) = self.cases.get_mut(&call_id) else { return };
        // A disk that hangs may not keep callers ringing.
        let hangs = case.start_asked.is_some_and(|asked| now.since(asked) >= DISK_PATIENCE);
        if !std::mem::replace(&mut case.started, true) && !hangs {
            self.broken(now, "start before 200", &call_id, "the 200 left before the start was on disk".to_owned());
        }
        let Some(case) = self.cases.get_mut(&call_id) else { return };
        case.answered.get_or_insert(now);
        let owed = match case.owed.remove(&cseq) {
            Some(old) => {
                self.owed.remove(&(old.next, call_id.clone(), Owes::Ack(cseq)));
                let interval = (old.interval * 2).min(LONGEST_REPEAT);
                case::OwedOk { interval, next: now + interval, ..old }
            }
            // A 200 that answers a repeated INVITE whose ACK is here already.
            None if again => return,
            None => case::OwedOk { first: now, interval: FIRST_REPEAT, next: now + FIRST_REPEAT },
        };
        if !case.is_over() {
            self.owed.insert((owed.next, call_id, Owes::Ack(cseq)));
            case.owed.insert(cseq, owed);
        }
    }

    pub(super) fn provisional(&mut self, now: Instant, message: &Message<'_>, cseq: u32) {
        let call_id = message.call_id().to_owned();
        self.name_stream(message);
        let rseq = message.get("RSeq").and_then(|rseq| rseq.parse().ok());
        let Some(rseq) = rseq else { return };
        let Some(case) = self.cases.get_mut(&call_id) else { return };
        if case.pracked.contains(&rseq) {
            return;
        }
        let owed = match case.reliable.remove(&rseq) {
            Some(old) => {
                self.owed.remove(&(old.next, call_id.clone(), Owes::Prack(rseq)));
                // Without the bound of T2 (RFC 3262 §3).
                let interval = old.interval * 2;
                case::OwedOk { interval, next: now + interval, ..old }
            }
            None => case::OwedOk { first: now, interval: FIRST_REPEAT, next: now + FIRST_REPEAT },
        };
        if case.finals.keys().all(|(known, _)| *known != cseq) {
            self.owed.insert((owed.next, call_id, Owes::Prack(rseq)));
            case.reliable.insert(rseq, owed);
        }
    }

    /// Nothing provisional is owed any more.
    pub(super) fn settled(&mut self, call_id: &str) {
        let Some(case) = self.cases.get_mut(call_id) else { return };
        for (rseq, owed) in std::mem::take(&mut case.reliable) {
            self.owed.remove(&(owed.next, call_id.to_owned(), Owes::Prack(rseq)));
        }
    }

    /// A description names the port of a stream, and so whose it is.
    pub(super) fn name_stream(&mut self, message: &Message<'_>) {
        let media = String::from_utf8_lossy(message.body)
            .lines()
            .find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse::<u16>().ok());
        if let Some(stream) = media.and_then(|port| self.ports.get(&port)) {
            self.streams.entry(*stream).or_insert_with(|| message.call_id().to_owned());
        }
    }

    pub(super) fn referred(&mut self, now: Instant, message: &Message<'_>) {
        let call_id = message.call_id().to_owned();
        let target = text::destination(text::address(message.get("Refer-To").unwrap_or(""))).to_owned();
        if !self.law.targets.contains(&target) {
            self.broken(now, "target of the table", &call_id, format!("REFER to {target}"));
        }
        let Some(case) = self.cases.get_mut(&call_id) else { return };
        let cseq = message.cseq().map(|(cseq, _)| cseq);
        let mut silent = false;
        if cseq.is_some_and(|cseq| case.refers.insert(cseq, now).is_none()) {
            // A tone that repeats has no end of its own: it is enough to look when the REFER first leaves.
            silent = !case.tone && !case.is_over();
        }
        case.referred = Some(target);
        if silent {
            self.broken(now, "waiting tone", &call_id, "a REFER leaves and no tone plays".to_owned());
        }
    }

    /// A call of ours to a centre, or its copy.
    pub(super) fn placed(&mut self, now: Instant, message: &Message<'_>) {
        let ours = message.call_id().to_owned();
        // One inside a dialog refreshes its session.
        if message.get("To").is_some_and(|to| to.contains(";tag=")) {
            return;
        }
        let target = text::destination(message.first.split(' ').nth(1).unwrap_or("")).to_owned();
        if !self.law.targets.contains(&target) {
            self.broken(now, "target of the table", &ours, format!("INVITE to {target}"));
        }
        self.name_stream(message);
        let stream = self.streams.iter().find(|(_, call_id)| **call_id == ours).map(|(stream, _)| *stream);
        let call_id = stream.and_then(|stream| self.streams.get(self.beside.get(&stream)?)).cloned();
        if let Some(stream) = stream {
            let cseq = message.cseq().map_or(1, |(cseq, _)| cseq);
            self.calls_far(&ours, call_id.clone().unwrap_or_default(), target, stream, cseq);
        }
        let of_noise = call_id.as_ref().is_some_and(|id| self.noise.contains(&plainly(id)));
        let Some((call_id, case)) = call_id.and_then(|id| Some((id.clone(), self.cases.get_mut(&id)?))) else {
            if !of_noise {
                self.broken(now, "nobody's call", &ours, "an INVITE beside no caller".to_owned());
            }
            return;
        };
        case.placed.insert(ours);
        if !case.tone && !case.is_over() {
            self.broken(now, "waiting tone", &call_id, "an INVITE leaves and no tone plays".to_owned());
        }
    }

    /// No port was free for a stream.
    pub fn unopened(&mut self, stream: StreamKey) {
        let call = self.beside.get(&stream).and_then(|beside| self.streams.get(beside));
        if let Some(case) = call.and_then(|call| self.cases.get_mut(call)) {
            case.unopened += 1;
        }
    }

    /// A stream is opened for a leg of ours, beside that of a caller.
    pub fn opened_beside(&mut self, stream: StreamKey, beside: StreamKey) {
        self.beside.insert(stream, beside);
    }

    pub(super) fn released(&mut self, now: Instant, call_id: &str) {
        let Some(case) = self.cases.get_mut(call_id) else { return };
        if case.released.is_some() {
            return;
        }
        case.released = Some(now);
        let says = case.row.starts_with("notice.") || (case.row.starts_with("message.") && case.recorded);
        let announced = says && case.finished_in.as_ref() == Some(&case.row);
        let unacknowledged = case.owed.values().any(|owed| owed.first + GIVE_UP <= now + MARGIN);
        // Nobody can announce anything to a caller who has had us on hold for an hour.
        let deserted = case.holding && case.invited.is_some_and(|at| now.since(at) >= self.law.call_max);
        let fine = case.told
            || announced
            || unacknowledged
            || deserted
            || case.deserted
            || case.succeeded
            || self.stopping
            || case.hung_up.is_some()
            || case.crashed;
        if !fine {
            let what = format!("our BYE in {:?} without a person or an announcement", case.row);
            self.broken(now, "never dropped", call_id, what);
        }
        self.part(now, call_id);
    }

    /// Nothing more is owed to this caller's ears.
    pub(super) fn part(&mut self, now: Instant, call_id: &str) {
        let Some(case) = self.cases.get_mut(call_id) else { return };
        for (cseq, owed) in std::mem::take(&mut case.owed) {
            self.owed.remove(&(owed.next, call_id.to_owned(), Owes::Ack(cseq)));
        }
        case.parted.get_or_insert(now);
        if let Some(since) = case.silent_since.take() {
            self.silence(now, call_id, since, false);
        }
        self.far_waits(call_id);
    }

    pub(super) fn silence(&mut self, now: Instant, call_id: &str, since: Instant, holding: bool) {
        let Some(case) = self.cases.get(call_id) else { return };
        let allowed = self.law.menus.get(&case.row).copied().unwrap_or(SILENCE_MAX).max(SILENCE_MAX);
        let silence = now.since(since);
        if !holding && !case.crashed && silence > allowed + MARGIN {
            let what = format!("{silence:?} of silence in {:?}, at most {allowed:?}", case.row);
            self.broken(now, "no silence", call_id, what);
        }
    }
}
