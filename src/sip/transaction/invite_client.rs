//! INVITE client transaction (RFC 3261 §17.1.1, with the Accepted state of RFC 6026).
//!
//! It acknowledges refusals; the ACK of a 2xx belongs to the dialog.

use super::{Output, Repeat};
use crate::limits::TRANSACTION_TIMEOUT;
use crate::sip::flow::Transport;
use crate::sip::reader::{Framing, Message, Name, Start};
use crate::sip::status::StatusCode;
use crate::sip::writer::{write_header, write_number};
use crate::time::{Duration, Instant};
use std::mem;

/// The machine.
#[derive(Debug)]
pub struct InviteClient {
    transport: Transport,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No response yet; a stream repeats nothing.
    Calling {
        request: Vec<u8>,
        repeat: Option<Repeat>,
        until: Instant,
    },
    /// It rings; how long it may is the user's decision.
    Proceeding {
        request: Vec<u8>,
    },
    /// Refused; every copy of the refusal is acknowledged again.
    Completed {
        ack: Vec<u8>,
        until: Instant,
    },
    /// A 2xx came; copies of it, and those of other forks, go to the user (RFC 6026 §7.2).
    Accepted {
        until: Instant,
    },
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A response, and its To, which the ACK repeats.
    Response(StatusCode, &'a [u8]),
    /// The request could not leave.
    TransportError,
    /// Another address is asked now: no more copies, though an answer is still waited for.
    Hush,
    /// Time went by.
    Tick,
}

impl InviteClient {
    /// Sends the INVITE.
    pub fn new(now: Instant, transport: Transport, request: Vec<u8>, out: &mut Vec<Output>) -> Self {
        out.push(Output::Send(request.clone()));
        let repeat = (!transport.is_stream()).then(|| Repeat::new(now));
        Self { transport, state: State::Calling { request, repeat, until: now + TRANSACTION_TIMEOUT } }
    }

    /// One that a process left behind which died while it rang.
    pub fn resumed(transport: Transport, request: Vec<u8>) -> Self {
        Self { transport, state: State::Proceeding { request } }
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        self.state = match (mem::replace(&mut self.state, State::Terminated), input) {
            (State::Calling { request, .. } | State::Proceeding { request }, Input::Response(status, to)) => {
                out.push(Output::Response(status));
                if status.is_provisional() {
                    State::Proceeding { request }
                } else if status.is_success() {
                    State::Accepted { until: now + TRANSACTION_TIMEOUT }
                } else {
                    let ack = ack_of_refusal(&request, to);
                    out.push(Output::Send(ack.clone()));
                    match self.transport {
                        Transport::Udp => State::Completed { ack, until: now + TRANSACTION_TIMEOUT },
                        Transport::Tcp | Transport::Tls => State::Terminated,
                    }
                }
            }
            (State::Calling { .. }, Input::TransportError) => {
                out.push(Output::Response(StatusCode::UNAVAILABLE));
                State::Terminated
            }
            (State::Calling { until, .. }, Input::Tick) if now >= until => {
                out.push(Output::Response(StatusCode::REQUEST_TIMEOUT));
                State::Terminated
            }
            (State::Calling { request, mut repeat, until }, Input::Tick) => {
                if repeat.as_mut().is_some_and(|repeat| repeat.due_up_to(now, Duration::MAX)) {
                    out.push(Output::Send(request.clone()));
                }
                State::Calling { request, repeat, until }
            }
            (State::Calling { request, until, .. }, Input::Hush) => State::Calling { request, repeat: None, until },
            (state @ State::Proceeding { .. }, Input::TransportError | Input::Hush | Input::Tick) => state,
            (State::Completed { ack, until }, Input::Response(status, _)) => {
                if !status.is_provisional() {
                    out.push(Output::Send(ack.clone()));
                }
                State::Completed { ack, until }
            }
            (State::Accepted { until }, Input::Response(status, _)) => {
                if status.is_success() {
                    out.push(Output::Response(status));
                }
                State::Accepted { until }
            }
            (State::Completed { until, .. } | State::Accepted { until }, Input::Tick) if now >= until => {
                State::Terminated
            }
            (state @ (State::Completed { .. } | State::Accepted { .. } | State::Terminated), _) => state,
        };
    }

    /// When `Tick` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { repeat, until, .. } => Some(repeat.map_or(*until, |repeat| repeat.next().min(*until))),
            State::Completed { until, .. } | State::Accepted { until } => Some(*until),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// No final response yet.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    /// Nothing is left to do.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

/// The ACK of a refusal (RFC 3261 §17.1.1.3): Request-URI, Via, Route, From, Call-ID and number of the INVITE, To
/// of the response. Empty for a request we could not have written.
fn ack_of_refusal(invite: &[u8], to: &[u8]) -> Vec<u8> {
    let mut ack = Vec::with_capacity(invite.len());
    let Some(message) = Message::read(invite, Framing::Datagram) else { return ack };
    let Start::Request { uri, .. } = message.start else { return ack };
    ack.extend_from_slice(b"ACK ");
    ack.extend_from_slice(uri);
    ack.extend_from_slice(b" SIP/2.0\r\n");
    for (label, name) in [(&b"Via: "[..], Name::Via), (b"From: ", Name::From), (b"Call-ID: ", Name::CallId)] {
        if let Some(value) = message.value(name) {
            write_header(&mut ack, label, value);
        }
    }
    for route in message.values(Name::Route) {
        write_header(&mut ack, b"Route: ", route);
    }
    write_header(&mut ack, b"To: ", to);
    let number = message.value(Name::CSeq).and_then(crate::sip::header::cseq).map_or(0, |(number, _)| number);
    ack.extend_from_slice(b"CSeq: ");
    write_number(&mut ack, u64::from(number));
    ack.extend_from_slice(b" ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    ack
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &[u8] = b"INVITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP u;branch=z9hG4bK1\r\nRoute: <sip:p;lr>\r\n\
        From: <sip:b@u>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n";

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    fn machine(transport: Transport) -> InviteClient {
        InviteClient::new(at(0), transport, INVITE.to_vec(), &mut Vec::new())
    }

    fn code(number: u16) -> StatusCode {
        StatusCode::new(number).expect("a status code")
    }

    fn respond(machine: &mut InviteClient, millis: u64, number: u16) -> Vec<Output> {
        let mut out = Vec::new();
        machine.handle(at(millis), Input::Response(code(number), b"<sip:a@h>;tag=9"), &mut out);
        out
    }

    fn run(machine: &mut InviteClient, end: u64) -> Vec<(u64, Output)> {
        let mut done = Vec::new();
        while let Some(deadline) = machine.deadline().filter(|deadline| *deadline <= at(end)) {
            let mut out = Vec::new();
            machine.handle(deadline, Input::Tick, &mut out);
            done.extend(out.into_iter().map(|output| (deadline.as_nanos() / 1_000_000, output)));
        }
        done
    }

    #[test]
    fn an_unanswered_invite_is_repeated_with_doubled_waits_and_ends_in_408() {
        let mut machine = machine(Transport::Udp);
        let done = run(&mut machine, 60_000);
        let times: Vec<u64> = done.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [500, 1_500, 3_500, 7_500, 15_500, 31_500, 32_000]);
        assert_eq!(done.last().map(|(_, output)| output.clone()), Some(Output::Response(code(408))));
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time_it_comes_but_told_once() {
        let mut machine = machine(Transport::Udp);
        assert_eq!(respond(&mut machine, 50, 180), [Output::Response(code(180))]);
        assert_eq!(run(&mut machine, 10_000), [], "a provisional response ends the repeats");
        let first = respond(&mut machine, 10_000, 486);
        let ack = "ACK sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP u;branch=z9hG4bK1\r\nFrom: <sip:b@u>;tag=1\r\n\
            Call-ID: c\r\nRoute: <sip:p;lr>\r\nTo: <sip:a@h>;tag=9\r\nCSeq: 7 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(first, [Output::Response(code(486)), Output::Send(ack.into())]);
        assert_eq!(respond(&mut machine, 10_500, 486), [Output::Send(ack.into())]);
        run(&mut machine, 60_000);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_2xx_is_left_to_the_dialog_and_its_copies_too() {
        let mut machine = machine(Transport::Udp);
        assert_eq!(respond(&mut machine, 50, 200), [Output::Response(code(200))]);
        assert_eq!(respond(&mut machine, 550, 200), [Output::Response(code(200))]);
        assert_eq!(respond(&mut machine, 560, 486), []);
        run(&mut machine, 60_000);
        assert!(machine.is_terminated());
    }

    #[test]
    fn a_stream_repeats_nothing_and_a_failing_transport_is_a_503() {
        let mut machine = machine(Transport::Tcp);
        assert_eq!(run(&mut machine, 31_999), []);
        let mut out = Vec::new();
        machine.handle(at(31_999), Input::TransportError, &mut out);
        assert_eq!(out, [Output::Response(StatusCode::UNAVAILABLE)]);
        assert!(machine.is_terminated());
    }
}
