//! INVITE server transaction (RFC 3261 §17.2.1, with the Accepted state of RFC 6026).
//!
//! Absorbs retransmitted INVITEs and repeats a refusal until its ACK. A 2xx is repeated by the dialog.

use super::{Output, Repeat};
use crate::limits::{T4, TRANSACTION_TIMEOUT};
use crate::sip::flow::Transport;
use crate::time::Instant;
use std::mem;

/// The machine.
#[derive(Debug)]
pub struct InviteServer {
    transport: Transport,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The 100 has left; the user of the transaction decides.
    Proceeding {
        last: Vec<u8>,
    },
    /// A refusal has left and waits for its ACK. Streams repeat nothing.
    Completed {
        response: Vec<u8>,
        repeat: Option<Repeat>,
        until: Instant,
    },
    /// Acknowledged; late copies of the ACK are swallowed.
    Confirmed {
        until: Instant,
    },
    /// A 2xx has left; late copies of the INVITE are swallowed (RFC 6026 §7.1).
    Accepted {
        until: Instant,
    },
    Terminated,
}

/// What can happen to it.
#[derive(Debug)]
pub enum Input {
    /// The INVITE came again.
    Retransmission,
    /// The user tells of progress: 101 to 199.
    Provisional(Vec<u8>),
    /// The user refuses: 300 to 699.
    Refusal(Vec<u8>),
    /// The user accepted; the dialog sends the 2xx.
    Success,
    /// The ACK of the refusal.
    Ack,
    /// Time went by.
    Tick,
}

impl InviteServer {
    /// A new INVITE; `trying` is its 100, which leaves at once.
    pub fn new(transport: Transport, trying: Vec<u8>, out: &mut Vec<Output>) -> Self {
        out.push(Output::Send(trying.clone()));
        Self { transport, state: State::Proceeding { last: trying } }
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.state = match (mem::replace(&mut self.state, State::Terminated), input) {
            (State::Proceeding { last }, Input::Retransmission) => {
                out.push(Output::Send(last.clone()));
                State::Proceeding { last }
            }
            (State::Proceeding { .. }, Input::Provisional(response)) => {
                out.push(Output::Send(response.clone()));
                State::Proceeding { last: response }
            }
            (State::Proceeding { .. }, Input::Refusal(response)) => {
                out.push(Output::Send(response.clone()));
                let repeat = (!self.transport.is_stream()).then(|| Repeat::new(now));
                State::Completed { response, repeat, until: now + TRANSACTION_TIMEOUT }
            }
            (State::Proceeding { .. }, Input::Success) => State::Accepted { until: now + TRANSACTION_TIMEOUT },
            (state @ State::Proceeding { .. }, Input::Ack | Input::Tick) => state,

            (State::Completed { response, repeat, until }, Input::Retransmission) => {
                out.push(Output::Send(response.clone()));
                State::Completed { response, repeat, until }
            }
            (State::Completed { .. }, Input::Ack) => match self.transport {
                Transport::Udp => State::Confirmed { until: now + T4 },
                Transport::Tcp | Transport::Tls => State::Terminated,
            },
            (State::Completed { until, .. }, Input::Tick) if now >= until => State::Terminated,
            (State::Completed { response, mut repeat, until }, Input::Tick) => {
                if repeat.as_mut().is_some_and(|repeat| repeat.due(now)) {
                    out.push(Output::Send(response.clone()));
                }
                State::Completed { response, repeat, until }
            }
            (state @ State::Completed { .. }, Input::Provisional(_) | Input::Refusal(_) | Input::Success) => state,

            (State::Confirmed { until } | State::Accepted { until }, Input::Tick) if now >= until => State::Terminated,
            // The 200 is repeated by the dialog's own clock, and an ACK of it goes there too.
            (state @ (State::Confirmed { .. } | State::Accepted { .. } | State::Terminated), _) => state,
        };
    }

    /// When `Tick` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { repeat, until, .. } => Some(repeat.map_or(*until, |repeat| repeat.next().min(*until))),
            State::Confirmed { until } | State::Accepted { until } => Some(*until),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// No final response has left yet, so a CANCEL still means something.
    pub fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// A refusal has left: an ACK that comes to it belongs to nothing else.
    pub fn is_refused(&self) -> bool {
        matches!(self.state, State::Completed { .. } | State::Confirmed { .. })
    }

    /// Nothing is left to do.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    fn machine(transport: Transport) -> InviteServer {
        let mut out = Vec::new();
        let machine = InviteServer::new(transport, b"100".to_vec(), &mut out);
        assert_eq!(out, [Output::Send(b"100".to_vec())]);
        machine
    }

    fn step(machine: &mut InviteServer, millis: u64, input: Input) -> usize {
        let mut out = Vec::new();
        machine.handle(at(millis), input, &mut out);
        out.len()
    }

    /// Runs the clock up to `end` and counts what is sent.
    fn run(machine: &mut InviteServer, end: u64) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some(deadline) = machine.deadline().filter(|deadline| *deadline <= at(end)) {
            let millis = deadline.as_nanos() / 1_000_000;
            if step(machine, millis, Input::Tick) > 0 {
                sent.push(millis);
            }
        }
        sent
    }

    #[test]
    fn a_refusal_is_repeated_with_growing_waits_until_64_t1() {
        let mut machine = machine(Transport::Udp);
        assert_eq!(step(&mut machine, 0, Input::Refusal(b"486".to_vec())), 1);
        assert_eq!(
            run(&mut machine, 60_000),
            [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
        );
        assert!(machine.is_terminated());
    }

    #[test]
    fn the_ack_ends_the_repeats_and_late_copies_are_swallowed() {
        let mut machine = machine(Transport::Udp);
        step(&mut machine, 0, Input::Refusal(b"486".to_vec()));
        assert_eq!(step(&mut machine, 100, Input::Ack), 0);
        assert_eq!(step(&mut machine, 200, Input::Retransmission), 0);
        assert_eq!(step(&mut machine, 200, Input::Ack), 0);
        assert_eq!(run(&mut machine, 5_099), Vec::<u64>::new());
        assert!(!machine.is_terminated());
        assert_eq!(run(&mut machine, 5_100), Vec::<u64>::new());
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_stream_repeats_nothing_and_forgets_at_the_ack() {
        let mut machine = machine(Transport::Tcp);
        step(&mut machine, 0, Input::Refusal(b"486".to_vec()));
        assert_eq!(run(&mut machine, 31_999), Vec::<u64>::new());
        assert!(!machine.is_terminated());
        step(&mut machine, 31_999, Input::Ack);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_retransmitted_invite_gets_the_last_answer_and_nothing_after_a_2xx() {
        let mut machine = machine(Transport::Udp);
        assert_eq!(step(&mut machine, 10, Input::Retransmission), 1);
        assert_eq!(step(&mut machine, 12, Input::Provisional(b"183".to_vec())), 1);
        let mut out = Vec::new();
        machine.handle(at(15), Input::Retransmission, &mut out);
        assert_eq!(out, [Output::Send(b"183".to_vec())]);
        assert_eq!(step(&mut machine, 20, Input::Success), 0);
        assert_eq!(step(&mut machine, 600, Input::Retransmission), 0);
        assert_eq!(step(&mut machine, 600, Input::Ack), 0);
        assert_eq!(run(&mut machine, 60_000), Vec::<u64>::new());
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_second_decision_changes_nothing() {
        let mut machine = machine(Transport::Udp);
        assert_eq!(step(&mut machine, 0, Input::Refusal(b"487".to_vec())), 1);
        assert_eq!(step(&mut machine, 1, Input::Refusal(b"486".to_vec())), 0);
        assert_eq!(step(&mut machine, 1, Input::Success), 0);
        let mut out = Vec::new();
        machine.handle(at(2), Input::Retransmission, &mut out);
        assert_eq!(out, [Output::Send(b"487".to_vec())]);
    }
}
