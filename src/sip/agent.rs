//! The user agent: datagrams in, [`AgentEvent`]s out; commands in, datagrams out.
//!
//! It owns transactions and dialogs and answers by itself whatever needs no decision about the call: 100,
//! retransmissions, CANCEL, OPTIONS, 400/405/415/416/420/481/482/491/501/505, the ACKs and the repeats.
//! What a call is about is known to `call::session`; what is offered and answered, to `leg`.

use crate::number::{Caller, Dialled};
use crate::random::Random;
use crate::sip::status::StatusCode;
use crate::sip::uri::SipUri;
use crate::time::{Instant, Now};
use std::net::SocketAddr;

/// How bytes travel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A byte stream.
    Tcp,
}

/// Where bytes came from and where an answer goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// UDP or TCP.
    pub transport: Transport,
    /// Our address as this peer sees it: never 0.0.0.0. Contact, Via and SDP carry it.
    pub local: SocketAddr,
    /// The peer.
    pub remote: SocketAddr,
    /// The TCP connection, as numbered by the shell; 0 for UDP. A connection that is gone is opened anew to `remote`.
    pub connection: u64,
}

/// Our handle of a dialog, from its INVITE to the last lingering transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogKey(pub u64);

/// Our handle of one REFER (its CSeq; `Event: refer;id=`, RFC 3515 §2.4.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReferKey(pub u32);

/// What the agent is told once.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Without a trunk, only loopback and private networks are answered; others meet silence.
    pub answer_public: bool,
}

/// A new call, before any decision. The 100 has left.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The dialog to answer or reject.
    pub dialog: DialogKey,
    /// Where it came from.
    pub flow: Flow,
    /// The Call-ID, for logs and records.
    pub call_id: String,
    /// The Request-URI's number or name, unescaped and without separators.
    pub dialled: Dialled,
    /// The user part of From.
    pub caller: Caller,
    /// The offer; `None` when the INVITE has no body (late offer).
    pub offer: Option<Vec<u8>>,
}

/// A REFER to send.
#[derive(Clone, Debug)]
pub struct ReferRequest {
    /// Refer-To, with any escaped headers already in it.
    pub target: SipUri,
    /// Referred-By (RFC 3892).
    pub referred_by: SipUri,
}

/// What happened on a dialog.
#[derive(Clone, Debug)]
pub enum AgentEvent {
    /// A new call. Answer it with [`Agent::answer`] or [`Agent::reject`].
    Invite(Box<Invite>),
    /// The caller cancelled before our final response; 487 has left and the dialog is over.
    Cancelled {
        /// Whose.
        dialog: DialogKey,
    },
    /// The first ACK of our 200; with a body when the INVITE had none.
    Acknowledged {
        /// Whose.
        dialog: DialogKey,
        /// The answer to our offer.
        body: Option<Vec<u8>>,
    },
    /// No ACK within 64·T1 of our 200 (RFC 3261 §13.3.1.4); the BYE has left and the dialog is over.
    Unacknowledged {
        /// Whose.
        dialog: DialogKey,
    },
    /// A re-INVITE or UPDATE. Answer it with [`Agent::answer_reinvite`] or [`Agent::reject_reinvite`].
    Reinvite {
        /// Whose.
        dialog: DialogKey,
        /// Its offer; `None` asks us to offer.
        offer: Option<Vec<u8>>,
    },
    /// The ACK of a re-INVITE's 200; with a body when the re-INVITE had none.
    ReinviteAcknowledged {
        /// Whose.
        dialog: DialogKey,
        /// The answer to our offer.
        body: Option<Vec<u8>>,
    },
    /// An INFO; 200 has left (RFC 6086 treats its body as data for the application).
    Info {
        /// Whose.
        dialog: DialogKey,
        /// Content-Type without parameters, in lower case.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// The caller's BYE; 200 has left and the dialog is over.
    Bye {
        /// Whose.
        dialog: DialogKey,
    },
    /// The final response to our REFER; 408 when none came in time, 481 when the peer forgot the dialog.
    ReferAnswered {
        /// Whose.
        dialog: DialogKey,
        /// Which REFER.
        refer: ReferKey,
        /// The answer.
        status: StatusCode,
    },
    /// A NOTIFY about a REFER: what its sipfrag says (RFC 3515 §2.4.5). 200 has left.
    Notified {
        /// Whose.
        dialog: DialogKey,
        /// Which REFER: by `id=`, else the latest.
        refer: ReferKey,
        /// The status line of the sipfrag; `None` when the body is missing or unreadable.
        status: Option<StatusCode>,
        /// Subscription-State: terminated.
        terminated: bool,
    },
    /// The peer is gone without a BYE: 481 or 408 to a request of ours inside the dialog (RFC 3261 §12.2.1.2)
    /// other than REFER; the dialog is over.
    Lost {
        /// Whose.
        dialog: DialogKey,
    },
}

/// What the agent wants done.
#[derive(Clone, Debug)]
pub enum AgentOutput {
    /// Bytes to send.
    Transmit {
        /// Where.
        flow: Flow,
        /// One whole message.
        bytes: Vec<u8>,
    },
    /// Something to decide.
    Event(AgentEvent),
}

/// The user agent. (First cut: the stack replaces the inside; the signatures stand.)
pub struct Agent {}

impl Agent {
    /// An agent without dialogs.
    pub fn new(_config: AgentConfig, _random: Random) -> Self {
        Self {}
    }

    /// A datagram, or some bytes of a TCP connection.
    pub fn received(&mut self, _now: Now, _flow: Flow, _bytes: &[u8], _out: &mut Vec<AgentOutput>) {}

    /// A TCP connection ended; its half-read message is dropped.
    pub fn disconnected(&mut self, _connection: u64) {}

    /// Bytes could not leave on this flow (RFC 3261 §8.1.3.1): requests waiting on it fail as 503.
    pub fn send_failed(&mut self, _now: Now, _flow: Flow, _out: &mut Vec<AgentOutput>) {}

    /// Time went by: retransmissions and time-outs that are due.
    pub fn tick(&mut self, _now: Now, _out: &mut Vec<AgentOutput>) {}

    /// When [`Agent::tick`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// 200 with our answer (or our offer, when there was none); repeated until the ACK.
    pub fn answer(&mut self, _now: Now, _dialog: DialogKey, _sdp: Vec<u8>, _out: &mut Vec<AgentOutput>) {}

    /// A final refusal; repeated until its ACK. The dialog is over.
    pub fn reject(&mut self, _now: Now, _dialog: DialogKey, _status: StatusCode, _out: &mut Vec<AgentOutput>) {}

    /// 200 to the open re-INVITE or UPDATE.
    pub fn answer_reinvite(&mut self, _now: Now, _dialog: DialogKey, _sdp: Vec<u8>, _out: &mut Vec<AgentOutput>) {}

    /// A refusal of the open re-INVITE or UPDATE; the session stays as it was.
    pub fn reject_reinvite(&mut self, _now: Now, _dialog: DialogKey, _status: StatusCode, _out: &mut Vec<AgentOutput>) {
    }

    /// REFER inside the dialog. The subscription begins now: a NOTIFY may overtake the 202.
    pub fn refer(
        &mut self,
        _now: Now,
        _dialog: DialogKey,
        _request: &ReferRequest,
        _out: &mut Vec<AgentOutput>,
    ) -> ReferKey {
        ReferKey(0)
    }

    /// BYE. Before the ACK of our 200 it waits for that ACK (RFC 3261 §15). The dialog is over for its owner;
    /// a late NOTIFY is still answered 200 while the BYE lives.
    pub fn bye(&mut self, _now: Now, _dialog: DialogKey, _out: &mut Vec<AgentOutput>) {}

    /// Dialogs and transactions still held, for the baseline check of the simulator.
    pub fn held(&self) -> usize {
        0
    }
}
