//! Non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! Keeps the last response for 64·T1 and repeats it for every copy of the request. The Trying state has no
//! provisional response to repeat: RFC 4320 §4.1 forbids an early 100 for these.

use super::Output;
use crate::limits::TRANSACTION_TIMEOUT;
use crate::sip::flow::Transport;
use crate::time::Instant;
use std::mem;

/// The machine.
#[derive(Debug)]
pub struct Server {
    transport: Transport,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The user of the transaction decides.
    Trying,
    /// Answered; the response waits for copies of the request.
    Completed {
        response: Vec<u8>,
        until: Instant,
    },
    Terminated,
}

/// What can happen to it.
#[derive(Debug)]
pub enum Input {
    /// The request came again.
    Retransmission,
    /// The user answers: 200 to 699.
    Final(Vec<u8>),
    /// Time went by.
    Tick,
}

impl Server {
    /// A new request.
    pub fn new(transport: Transport) -> Self {
        Self { transport, state: State::Trying }
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.state = match (mem::replace(&mut self.state, State::Terminated), input) {
            (State::Trying, Input::Final(response)) => match self.transport {
                Transport::Udp => {
                    out.push(Output::Send(response.clone()));
                    State::Completed { response, until: now + TRANSACTION_TIMEOUT }
                }
                // Timer J is zero: a stream brings no copies.
                Transport::Tcp | Transport::Tls => {
                    out.push(Output::Send(response));
                    State::Terminated
                }
            },
            (State::Trying, Input::Retransmission | Input::Tick) => State::Trying,
            (State::Completed { response, until }, Input::Retransmission) => {
                out.push(Output::Send(response.clone()));
                State::Completed { response, until }
            }
            (State::Completed { until, .. }, Input::Tick) if now >= until => State::Terminated,
            (state @ State::Completed { .. }, Input::Tick | Input::Final(_)) => state,
            (State::Terminated, _) => State::Terminated,
        };
    }

    /// When `Tick` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Completed { until, .. } => Some(until),
            State::Trying | State::Terminated => None,
        }
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

    #[test]
    fn a_copy_gets_the_same_answer_for_64_t1() {
        let mut machine = Server::new(Transport::Udp);
        let mut out = Vec::new();
        machine.handle(Instant::START, Input::Retransmission, &mut out);
        assert_eq!(out, [], "nothing is answered before the decision");
        machine.handle(Instant::START, Input::Final(b"200".to_vec()), &mut out);
        machine.handle(Instant::START, Input::Final(b"500".to_vec()), &mut out);
        machine.handle(Instant::START + Duration::from_secs(31), Input::Retransmission, &mut out);
        machine.handle(Instant::START + Duration::from_secs(31), Input::Tick, &mut out);
        assert_eq!(out, [Output::Send(b"200".to_vec()), Output::Send(b"200".to_vec())]);
        assert_eq!(machine.deadline(), Some(Instant::START + Duration::from_secs(32)));
        machine.handle(Instant::START + Duration::from_secs(32), Input::Tick, &mut out);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_stream_transaction_ends_with_its_answer() {
        let mut machine = Server::new(Transport::Tcp);
        let mut out = Vec::new();
        machine.handle(Instant::START, Input::Final(b"200".to_vec()), &mut out);
        assert_eq!(out, [Output::Send(b"200".to_vec())]);
        assert!(machine.is_terminated());
    }
}
