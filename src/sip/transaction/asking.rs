//! Client transaction of whichever method (RFC 3261 §17.1).

use super::Output;
use super::client::{self, Client};
pub use super::invite_client::Input;
use super::invite_client::InviteClient;
use crate::sip::flow::Transport;
use crate::time::{Duration, Instant};

/// The machine.
#[derive(Debug)]
pub enum Asking {
    /// Of an INVITE.
    Invite(InviteClient),
    /// Of any other request.
    Other(Client),
}

impl Asking {
    /// Sends the request; one that is no INVITE is repeated for `repeats` at most.
    pub fn new(
        now: Instant,
        transport: Transport,
        (method, bytes): (&str, Vec<u8>),
        repeats: Duration,
        out: &mut Vec<Output>,
    ) -> Self {
        match method {
            "INVITE" => Self::Invite(InviteClient::new(now, transport, bytes, out)),
            _ => Self::Other(Client::new(now, transport, bytes, repeats, out)),
        }
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        match self {
            Self::Invite(machine) => machine.handle(now, input, out),
            Self::Other(machine) => {
                let input = match input {
                    Input::Response(status, _) => client::Input::Response(status),
                    Input::TransportError => client::Input::TransportError,
                    Input::Hush => client::Input::Hush,
                    Input::Tick => client::Input::Tick,
                };
                machine.handle(now, input, out);
            }
        }
    }

    /// When `Tick` is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Invite(machine) => machine.deadline(),
            Self::Other(machine) => machine.deadline(),
        }
    }

    /// No final response yet.
    pub fn is_asking(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_asking(),
            Self::Other(machine) => machine.is_asking(),
        }
    }

    /// Nothing is left to do.
    pub fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::Other(machine) => machine.is_terminated(),
        }
    }
}
