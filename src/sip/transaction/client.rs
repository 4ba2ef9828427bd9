//! Non-INVITE client transaction (RFC 3261 §17.1.2).
//!
//! Repeats the request until a final response, then swallows copies of that response for T4. A request that loses
//! its sense with time is repeated no longer than that, though its answer is still waited for.

use super::{Output, Repeat};
use crate::limits::{T4, TRANSACTION_TIMEOUT};
use crate::sip::flow::Transport;
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant};
use std::mem;

/// The machine.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    repeats_end: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet; a stream repeats nothing.
    Trying {
        request: Vec<u8>,
        repeat: Option<Repeat>,
        until: Instant,
    },
    /// Answered.
    Completed {
        until: Instant,
    },
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A response.
    Response(StatusCode),
    /// The request could not leave (RFC 3261 §8.1.3.1).
    TransportError,
    /// The request has lost its sense: no more copies.
    Hush,
    /// Time went by.
    Tick,
}

impl Client {
    /// Sends the request, and repeats it for `repeats` at most.
    pub fn new(now: Instant, transport: Transport, request: Vec<u8>, repeats: Duration, out: &mut Vec<Output>) -> Self {
        out.push(Output::Send(request.clone()));
        let repeat = (!transport.is_stream()).then(|| Repeat::new(now));
        let repeats_end = now + repeats;
        Self { transport, repeats_end, state: State::Trying { request, repeat, until: now + TRANSACTION_TIMEOUT } }
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.state = match (mem::replace(&mut self.state, State::Terminated), input) {
            (State::Trying { request, mut repeat, until }, Input::Response(status)) if status.is_provisional() => {
                if let Some(repeat) = &mut repeat {
                    repeat.slow();
                }
                State::Trying { request, repeat, until }
            }
            (State::Trying { .. }, Input::Response(status)) => {
                out.push(Output::Response(status));
                match self.transport {
                    Transport::Udp => State::Completed { until: now + T4 },
                    Transport::Tcp | Transport::Tls => State::Terminated,
                }
            }
            (State::Trying { .. }, Input::TransportError) => {
                out.push(Output::Response(StatusCode::UNAVAILABLE));
                State::Terminated
            }
            (State::Trying { until, .. }, Input::Tick) if now >= until => {
                out.push(Output::Response(StatusCode::REQUEST_TIMEOUT));
                State::Terminated
            }
            (State::Trying { request, until, .. }, Input::Hush) => State::Trying { request, repeat: None, until },
            (State::Trying { request, until, .. }, Input::Tick) if now >= self.repeats_end => {
                State::Trying { request, repeat: None, until }
            }
            (State::Trying { request, mut repeat, until }, Input::Tick) => {
                if repeat.as_mut().is_some_and(|repeat| repeat.due(now)) {
                    out.push(Output::Send(request.clone()));
                }
                State::Trying { request, repeat, until }
            }
            (State::Completed { until }, Input::Tick) if now >= until => State::Terminated,
            (state @ (State::Completed { .. } | State::Terminated), _) => state,
        };
    }

    /// When `Tick` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Trying { repeat, until, .. } => Some(repeat.map_or(*until, |repeat| repeat.next().min(*until))),
            State::Completed { until } => Some(*until),
            State::Terminated => None,
        }
    }

    /// No answer yet.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// Nothing is left to do.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    fn run(machine: &mut Client, end: u64) -> Vec<(u64, Output)> {
        let mut done = Vec::new();
        while let Some(deadline) = machine.deadline().filter(|deadline| *deadline <= at(end)) {
            let mut out = Vec::new();
            machine.handle(deadline, Input::Tick, &mut out);
            done.extend(out.into_iter().map(|output| (deadline.as_nanos() / 1_000_000, output)));
        }
        done
    }

    #[test]
    fn silence_is_a_408_after_eleven_sendings() {
        let mut out = Vec::new();
        let mut machine = Client::new(at(0), Transport::Udp, b"BYE".to_vec(), TRANSACTION_TIMEOUT, &mut out);
        let mut done = run(&mut machine, 60_000);
        assert_eq!(done.pop(), Some((32_000, Output::Response(StatusCode::REQUEST_TIMEOUT))));
        let times: Vec<u64> = done.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_provisional_response_slows_the_repeats_to_t2() {
        let mut out = Vec::new();
        let mut machine = Client::new(at(0), Transport::Udp, b"REFER".to_vec(), TRANSACTION_TIMEOUT, &mut out);
        machine.handle(at(100), Input::Response(StatusCode::TRYING), &mut out);
        let times: Vec<u64> = run(&mut machine, 10_000).iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [500, 4_500, 8_500]);
    }

    #[test]
    fn a_request_that_lost_its_sense_is_not_repeated_but_still_waits() {
        for hushed in [false, true] {
            let mut out = Vec::new();
            let repeats = Duration::from_secs(if hushed { 32 } else { 5 });
            let mut machine = Client::new(at(0), Transport::Udp, b"REFER".to_vec(), repeats, &mut out);
            let mut done = run(&mut machine, 4_000);
            if hushed {
                machine.handle(at(4_000), Input::Hush, &mut out);
            }
            done.extend(run(&mut machine, 60_000));
            let times: Vec<u64> = done.iter().map(|(time, _)| *time).collect();
            assert_eq!(times, [500, 1_500, 3_500, 32_000]);
            assert_eq!(done.last().map(|(_, said)| said.clone()), Some(Output::Response(StatusCode::REQUEST_TIMEOUT)));
        }
    }

    #[test]
    fn an_answer_is_told_once() {
        let mut out = Vec::new();
        let mut machine = Client::new(at(0), Transport::Udp, b"BYE".to_vec(), TRANSACTION_TIMEOUT, &mut out);
        out.clear();
        machine.handle(at(10), Input::Response(StatusCode::OK), &mut out);
        machine.handle(at(20), Input::Response(StatusCode::OK), &mut out);
        machine.handle(at(30), Input::TransportError, &mut out);
        assert_eq!(out, [Output::Response(StatusCode::OK)]);
        assert_eq!(run(&mut machine, 10_000), []);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_transport_that_fails_is_a_503() {
        let mut out = Vec::new();
        let mut machine = Client::new(at(0), Transport::Tcp, b"BYE".to_vec(), TRANSACTION_TIMEOUT, &mut out);
        assert_eq!(run(&mut machine, 31_999), [], "a stream repeats nothing");
        out.clear();
        machine.handle(at(10), Input::TransportError, &mut out);
        assert_eq!(out, [Output::Response(StatusCode::UNAVAILABLE)]);
        assert!(machine.is_terminated());
    }
}
