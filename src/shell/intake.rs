//! Datagrams between the kernel's queue and the engine, in the order of their urgency.
//!
//! The kernel's queue is short and drops whatever comes last, an ACK as readily as an INVITE. So it is emptied at each
//! turn: what belongs to live calls is worked on at once, pings and new calls wait here, each kind in a queue with a
//! bound, and whatever takes a new call back right behind it. How long they wait is what overload is told by.

use crate::limits::{
    INTAKE_BYTES_MAX, INVITE_WAIT_MAX, INVITES_WAITING_MAX, PINGS_IN_A_ROW, PINGS_WAITING_MAX, WAIT_LONG,
    WAITS_COUNTED, WAITS_TOLD_EVERY,
};
use crate::shell::lasting::Lasting;
use crate::sip::Flow;
use crate::sip::urgency::{Urgency, branch, urgency};
use crate::time::{Duration, Instant};
use std::collections::VecDeque;

/// What to do with a datagram that has just come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Work on it before anything else is read.
    Urgent,
    /// It waits its turn here.
    Waits,
    /// A new call for which there is no room: refuse it.
    NoRoom,
    /// A ping or a CANCEL too many: it will be sent again.
    Dropped,
    /// It only keeps a NAT open: nothing answers it.
    Keepalive,
}

/// A datagram whose turn has come.
#[derive(Debug)]
pub struct Turn {
    /// Where from.
    pub flow: Flow,
    /// What.
    pub bytes: Vec<u8>,
    /// A new call that has waited so long, as all of them do, that its caller should not wait for more.
    pub overdue: bool,
}

#[derive(Debug)]
struct Waiting {
    flow: Flow,
    bytes: Vec<u8>,
    since: Instant,
    /// Of a call: what takes it back has the same.
    branch: Option<Box<[u8]>>,
    is_call: bool,
}

/// The shortest of some times; of only a few it says nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Shortest {
    time: Option<Duration>,
    count: usize,
}

impl Shortest {
    fn add(&mut self, time: Duration) {
        self.time = Some(self.time.map_or(time, |shortest| shortest.min(time)));
        self.count += 1;
    }

    fn tell(&mut self) -> Duration {
        let Self { time, count } = std::mem::take(self);
        time.filter(|_| count >= WAITS_COUNTED).unwrap_or_default()
    }
}

/// The two queues.
#[derive(Debug, Default)]
pub struct Intake {
    pings: VecDeque<Waiting>,
    invites: VecDeque<Waiting>,
    bytes: usize,
    pings_in_a_row: usize,
    /// How long new calls waited, and how late the engine's clock was, since they were last told.
    waited: Shortest,
    lateness: Shortest,
    lasting: Lasting,
    told: Instant,
    /// Messages have waited long for a while: who waited too long is refused. Where we only stood still for a moment, everybody's turn comes.
    behind: bool,
    dropped: u64,
    keepalives: u64,
}

impl Intake {
    /// A datagram from the kernel.
    pub fn arrives(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Arrival {
        if is_keepalive(bytes) {
            self.keepalives += 1;
            return Arrival::Keepalive;
        }
        let urgency = urgency(bytes);
        let (queue, max, otherwise) = match urgency {
            Urgency::Dialog => return Arrival::Urgent,
            Urgency::Cancel => return self.takes_back(now, flow, bytes),
            Urgency::Ping => (&mut self.pings, PINGS_WAITING_MAX, Arrival::Dropped),
            Urgency::NewCall => (&mut self.invites, INVITES_WAITING_MAX, Arrival::NoRoom),
        };
        if queue.len() >= max || self.bytes + bytes.len() > INTAKE_BYTES_MAX {
            self.dropped += u64::from(urgency == Urgency::Ping);
            return otherwise;
        }
        self.bytes += bytes.len();
        let is_call = urgency == Urgency::NewCall;
        let branch = branch(bytes).filter(|_| is_call).map(Box::from);
        queue.push_back(Waiting { flow, bytes: bytes.to_vec(), since: now, branch, is_call });
        Arrival::Waits
    }

    /// A CANCEL must not overtake its call: where that waits it follows right behind, so that nobody is answered who has gone.
    fn takes_back(&mut self, now: Instant, flow: Flow, bytes: &[u8]) -> Arrival {
        let own = branch(bytes);
        let is_its_call = |call: &Waiting| own.is_some() && call.flow == flow && call.branch.as_deref() == own;
        let Some(place) = self.invites.iter().position(is_its_call) else { return Arrival::Urgent };
        let is_copy = self.invites.get(place + 1).is_some_and(|next| !next.is_call);
        if is_copy || self.bytes + bytes.len() > INTAKE_BYTES_MAX {
            return Arrival::Dropped;
        }
        self.bytes += bytes.len();
        let waiting = Waiting { flow, bytes: bytes.to_vec(), since: now, branch: None, is_call: false };
        self.invites.insert(place + 1, waiting);
        Arrival::Waits
    }

    /// The next one: pings first, but a flood of them lets calls through.
    pub fn next(&mut self, now: Instant) -> Option<Turn> {
        let calls_go_first =
            self.has_one_to_take_back() || self.pings_in_a_row >= PINGS_IN_A_ROW && !self.invites.is_empty();
        let ping = if calls_go_first { None } else { self.pings.pop_front() };
        self.pings_in_a_row = if ping.is_some() { self.pings_in_a_row + 1 } else { 0 };
        let Waiting { flow, bytes, since, is_call, .. } = ping.or_else(|| self.invites.pop_front())?;
        self.bytes -= bytes.len();
        let waited = now.since(since);
        if is_call {
            self.waited.add(waited);
        }
        Some(Turn { flow, bytes, overdue: is_call && self.behind && waited > INVITE_WAIT_MAX })
    }

    /// The call that was worked on last is taken back by what comes next: at once, before anything of it leaves.
    pub fn has_one_to_take_back(&self) -> bool {
        self.invites.front().is_some_and(|next| !next.is_call)
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pings.is_empty() && self.invites.is_empty()
    }

    /// The engine wanted to be woken, and was, so much later.
    pub fn ticked(&mut self, late: Duration) {
        self.lateness.add(late);
    }

    /// From time to time: how long messages have waited for a while, told by the luckiest of them.
    pub fn waits(&mut self, now: Instant) -> Option<Duration> {
        if now.since(self.told) < WAITS_TOLD_EVERY {
            return None;
        }
        self.told = now;
        let lasting = self.lasting.look(self.waited.tell().max(self.lateness.tell()));
        self.behind = lasting >= WAIT_LONG;
        Some(lasting)
    }

    /// Datagrams that only kept a NAT open, since the last time.
    pub fn keepalives(&mut self) -> u64 {
        std::mem::take(&mut self.keepalives)
    }

    /// Pings dropped since the last time.
    pub fn dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

/// Empty lines, zero octets or nothing at all: what phones and proxies send by datagram so that a NAT goes on knowing them. RFC 5626
/// has STUN for that and CRLF for streams alone, and so nothing comes back.
fn is_keepalive(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LOOKS_BACK;
    use crate::sip::Transport;

    const INVITE: &[u8] = b"INVITE sip:1357@h SIP/2.0\r\nTo: <sip:1357@h>\r\n\r\n";
    const OPTIONS: &[u8] = b"OPTIONS sip:1357@h SIP/2.0\r\nTo: <sip:1357@h>\r\n\r\n";
    const BYE: &[u8] = b"BYE sip:1357@h SIP/2.0\r\nTo: <sip:1357@h>;tag=1\r\n\r\n";

    fn flow() -> Flow {
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        Flow { transport: Transport::Udp, local: address(5060), remote: address(5062), connection: 0 }
    }

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn pings_go_before_new_calls_and_live_calls_before_both() {
        let mut intake = Intake::default();
        assert_eq!(intake.arrives(at(0), flow(), INVITE), Arrival::Waits);
        assert_eq!(intake.arrives(at(1), flow(), OPTIONS), Arrival::Waits);
        assert_eq!(intake.arrives(at(2), flow(), BYE), Arrival::Urgent);
        let order: Vec<Vec<u8>> = std::iter::from_fn(|| intake.next(at(3))).map(|turn| turn.bytes).collect();
        assert_eq!(order, [OPTIONS.to_vec(), INVITE.to_vec()]);
        assert!(intake.is_empty() && intake.bytes == 0);
    }

    /// Looks at messages of which the luckiest waited so long, the last of them at 1.3 s.
    fn waited(intake: &mut Intake, millis: [u64; LOOKS_BACK]) -> [Option<Duration>; LOOKS_BACK] {
        let mut looked = 1000;
        millis.map(|millis| {
            looked += 100;
            (0..WAITS_COUNTED).for_each(|_| intake.ticked(Duration::from_millis(millis)));
            intake.waits(at(looked))
        })
    }

    #[test]
    fn while_messages_wait_long_a_new_call_that_waited_too_long_is_overdue_and_a_ping_never_is() {
        for (looks, overdue) in [([60; 3], true), ([60, 0, 60], false), ([900, 900, 49], false)] {
            let mut intake = Intake::default();
            waited(&mut intake, looks);
            for bytes in [INVITE, OPTIONS] {
                intake.arrives(at(1300), flow(), bytes);
            }
            let late = at(1300) + INVITE_WAIT_MAX + Duration::from_millis(1);
            let turns = [false, true].map(|_| intake.next(late).map(|turn| turn.overdue));
            assert_eq!(turns, [Some(false), Some(overdue)], "{looks:?}");
        }
    }

    #[test]
    fn after_a_moment_in_which_we_stood_still_everybody_gets_his_turn() {
        let mut intake = Intake::default();
        (0..50).for_each(|_| _ = intake.arrives(at(1000), flow(), INVITE));
        let turns: Vec<_> = std::iter::from_fn(|| intake.next(at(2000))).collect();
        assert!(turns.len() == 50 && turns.iter().all(|turn| !turn.overdue));
        assert_eq!(intake.waits(at(2000)), Some(Duration::ZERO), "and the pace is not lowered");
    }

    #[test]
    fn what_takes_a_waiting_call_back_follows_right_behind_it() {
        let of = |method, branch| format!("{method} sip:1357@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch={branch}\r\n\r\n");
        let mut intake = Intake::default();
        let mut arrives = |flow, method, branch| intake.arrives(at(1300), flow, of(method, branch).as_bytes());
        assert_eq!(arrives(flow(), "CANCEL", 1), Arrival::Urgent, "its call is not here");
        (1..=3).for_each(|branch| _ = arrives(flow(), "INVITE", branch));
        let mut other = flow();
        other.remote.set_port(5064);
        assert_eq!(arrives(other, "CANCEL", 2), Arrival::Urgent, "somebody else's");
        assert_eq!(arrives(flow(), "CANCEL", 4), Arrival::Urgent, "another call's");
        assert_eq!(arrives(flow(), "CANCEL", 2), Arrival::Waits);
        assert_eq!(arrives(flow(), "CANCEL", 2), Arrival::Dropped, "a copy");
        assert_eq!(intake.arrives(at(1300), flow(), b"CANCEL sip:1357@h SIP/2.0\r\n\r\n"), Arrival::Urgent);
        waited(&mut intake, [60; LOOKS_BACK]);
        let turns: Vec<_> =
            std::iter::from_fn(|| intake.next(at(2000))).map(|turn| (turn.bytes, turn.overdue)).collect();
        let expected = [("INVITE", 1), ("INVITE", 2), ("CANCEL", 2), ("INVITE", 3)];
        assert_eq!(turns, expected.map(|(method, branch)| (of(method, branch).into_bytes(), method == "INVITE")));
        assert!(intake.is_empty() && intake.bytes == 0);
    }

    #[test]
    fn a_flood_finds_no_room_and_live_calls_still_do() {
        let mut intake = Intake::default();
        for (bytes, max, otherwise) in
            [(INVITE, INVITES_WAITING_MAX, Arrival::NoRoom), (OPTIONS, PINGS_WAITING_MAX, Arrival::Dropped)]
        {
            for _ in 0..max {
                assert_eq!(intake.arrives(at(0), flow(), bytes), Arrival::Waits);
            }
            assert_eq!(intake.arrives(at(0), flow(), bytes), otherwise);
        }
        assert_eq!(intake.arrives(at(0), flow(), BYE), Arrival::Urgent);
        assert_eq!((intake.dropped(), intake.dropped()), (1, 0));
        let mut big = INVITE.to_vec();
        big.resize(60 * 1024, b'x');
        let mut intake = Intake::default();
        while intake.arrives(at(0), flow(), &big) == Arrival::Waits {}
        assert!(intake.bytes <= INTAKE_BYTES_MAX && intake.invites.len() < INVITES_WAITING_MAX);
    }

    #[test]
    fn empty_lines_and_zeros_are_counted_and_go_no_further() {
        let mut intake = Intake::default();
        for bytes in [&b"\r\n\r\n"[..], b"\r\n", b"\0\0\0\0", b""] {
            assert_eq!(intake.arrives(at(0), flow(), bytes), Arrival::Keepalive);
        }
        assert_eq!(
            intake.arrives(at(0), flow(), &[b"\r\n\r\n", OPTIONS].concat()),
            Arrival::Waits,
            "a message follows"
        );
        assert_eq!((intake.keepalives(), intake.keepalives()), (4, 0));
    }

    #[test]
    fn the_wait_that_is_told_is_that_of_the_luckiest() {
        let mut intake = Intake::default();
        for looked in [1100, 1200, 1300] {
            for waited in [100, 80, 60, 40, 20] {
                intake.arrives(at(looked - waited), flow(), INVITE);
            }
            while intake.next(at(looked)).is_some() {}
            let told = if looked == 1300 { 20 } else { 0 };
            assert_eq!(intake.waits(at(looked)), Some(Duration::from_millis(told)));
        }
        assert_eq!(intake.waits(at(1310)), None, "not so often");
        assert_eq!(intake.waits(at(1400)), Some(Duration::ZERO), "nobody waited");
        let told = waited(&mut Intake::default(), [90, 70, 80]);
        assert_eq!(told, [0, 0, 70].map(|millis| Some(Duration::from_millis(millis))));
        intake.ticked(Duration::from_millis(90));
        assert_eq!(intake.waits(at(1700)), Some(Duration::ZERO), "one busy moment is no overload");
    }

    #[test]
    fn a_flood_of_pings_lets_a_call_through_now_and_then() {
        let mut intake = Intake::default();
        for _ in 0..PINGS_IN_A_ROW * 3 {
            intake.arrives(at(0), flow(), OPTIONS);
        }
        intake.arrives(at(0), flow(), INVITE);
        let place = std::iter::from_fn(|| intake.next(at(1))).position(|turn| turn.bytes == INVITE);
        assert_eq!(place, Some(PINGS_IN_A_ROW));
    }
}
