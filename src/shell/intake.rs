//! Datagrams between the kernel's queue and the engine, in the order of their urgency.
//!
//! The kernel's queue is short and drops whatever comes last, an ACK as readily as an INVITE. So it is emptied at each
//! turn: what belongs to live calls is worked on at once, pings and new calls wait here, each kind in a queue with a
//! bound. How long they wait is what overload is told by.

use crate::limits::{
    INTAKE_BYTES_MAX, INVITE_WAIT_MAX, INVITES_WAITING_MAX, PINGS_IN_A_ROW, PINGS_WAITING_MAX, WAITS_COUNTED,
    WAITS_TOLD_EVERY,
};
use crate::sip::Flow;
use crate::sip::urgency::{Urgency, urgency};
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
    /// A ping too many: it will be sent again.
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
    /// A new call that has waited so long that its caller should not wait for more.
    pub overdue: bool,
}

#[derive(Debug)]
struct Waiting {
    flow: Flow,
    bytes: Vec<u8>,
    since: Instant,
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
    told: Instant,
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
        let (queue, max, otherwise) = match urgency(bytes) {
            Urgency::Dialog => return Arrival::Urgent,
            Urgency::Ping => (&mut self.pings, PINGS_WAITING_MAX, Arrival::Dropped),
            Urgency::NewCall => (&mut self.invites, INVITES_WAITING_MAX, Arrival::NoRoom),
        };
        if queue.len() >= max || self.bytes + bytes.len() > INTAKE_BYTES_MAX {
            self.dropped += u64::from(otherwise == Arrival::Dropped);
            return otherwise;
        }
        self.bytes += bytes.len();
        queue.push_back(Waiting { flow, bytes: bytes.to_vec(), since: now });
        Arrival::Waits
    }

    /// The next one: pings first, but a flood of them lets calls through.
    pub fn next(&mut self, now: Instant) -> Option<Turn> {
        let call = if self.pings_in_a_row < PINGS_IN_A_ROW { None } else { self.invites.pop_front() };
        let (waiting, is_call) = match call.map(|call| (call, true)).or_else(|| Some((self.pings.pop_front()?, false)))
        {
            Some(found) => found,
            None => (self.invites.pop_front()?, true),
        };
        self.pings_in_a_row = if is_call { 0 } else { self.pings_in_a_row + 1 };
        self.bytes -= waiting.bytes.len();
        let waited = now.since(waiting.since);
        if is_call {
            self.waited.add(waited);
        }
        Some(Turn { flow: waiting.flow, bytes: waiting.bytes, overdue: is_call && waited > INVITE_WAIT_MAX })
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pings.is_empty() && self.invites.is_empty()
    }

    /// The engine wanted to be woken, and was, so much later.
    pub fn ticked(&mut self, late: Duration) {
        self.lateness.add(late);
    }

    /// From time to time: how long messages wait, told by the luckiest of them.
    pub fn waits(&mut self, now: Instant) -> Option<Duration> {
        if now.since(self.told) < WAITS_TOLD_EVERY {
            return None;
        }
        self.told = now;
        Some(self.waited.tell().max(self.lateness.tell()))
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

    #[test]
    fn a_new_call_that_waited_too_long_is_overdue_and_a_ping_never_is() {
        let mut intake = Intake::default();
        for bytes in [INVITE, OPTIONS] {
            intake.arrives(at(0), flow(), bytes);
        }
        let late = at(0) + INVITE_WAIT_MAX + Duration::from_millis(1);
        assert_eq!([false, true].map(|_| intake.next(late).map(|turn| turn.overdue)), [Some(false), Some(true)]);
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
        for millis in [1000, 1020, 1040, 1060, 1080] {
            intake.arrives(at(millis), flow(), INVITE);
        }
        while intake.next(at(1100)).is_some() {}
        assert_eq!(intake.waits(at(1100)), Some(Duration::from_millis(20)));
        assert_eq!(intake.waits(at(1110)), None, "not so often");
        assert_eq!(intake.waits(at(1300)), Some(Duration::ZERO), "nobody waited");
        for late in [90, 70, 80, 100, 110] {
            intake.ticked(Duration::from_millis(late));
        }
        assert_eq!(intake.waits(at(1500)), Some(Duration::from_millis(70)));
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
