//! What the agent tells and is told: its events, its outputs, the requests it is asked for.

#[cfg(doc)]
use super::Agent;
use super::{DialogKey, Flow, ReferKey};
use crate::number::Dialled;
use crate::sip::admission::Refused;
use crate::sip::identity::Identity;
use crate::sip::locate::{LookupKey, Question};
use crate::sip::reason::Reason;
use crate::sip::status::StatusCode;
use crate::sip::trunk::TrunkId;
use crate::sip::uri::SipUri;
use std::net::{IpAddr, SocketAddr};

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
    /// The trunk it came from; `None` where there are no trunks.
    pub trunk: Option<TrunkId>,
    /// Who calls, and who sent the call on.
    pub identity: Identity,
    /// The offer; `None` when the INVITE brings none (late offer).
    pub offer: Option<Vec<u8>>,
    /// The dialog whose place it takes (RFC 3891): its owner answers this one and hangs up that one.
    pub replaces: Option<DialogKey>,
    /// Provisional responses can be reliable (RFC 3262), so even a late offer can be made before the answer.
    pub reliable: bool,
    /// Sound before the answer reaches the caller: the trunk's settings or the INVITE say so (RFC 5009).
    pub early_media: bool,
}

/// A REFER to send.
#[derive(Clone, Debug)]
pub struct ReferRequest {
    /// Refer-To, with any escaped headers already in it.
    pub target: SipUri,
    /// Referred-By (RFC 3892).
    pub referred_by: SipUri,
    /// NOTIFYs are wanted; else the peer is asked for none (RFC 4488).
    pub subscribe: bool,
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
        /// Why, as the CANCEL says.
        reason: Option<Reason>,
    },
    /// The 200 that [`Agent::answer`] kept for a PRACK has left.
    Answered {
        /// Whose.
        dialog: DialogKey,
    },
    /// The PRACK of our reliable 183 with its description.
    Pracked {
        /// Whose.
        dialog: DialogKey,
        /// The answer to our offer, if the 183 made one.
        body: Option<Vec<u8>>,
    },
    /// No PRACK within 64·T1 of our reliable 183 with its description; 504 has left and the dialog is over.
    Unpracked {
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
        /// Why, as the BYE says.
        reason: Option<Reason>,
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
    /// A provisional response to a call that we placed, 100 left out.
    Progress {
        /// Whose.
        dialog: DialogKey,
        /// The response.
        status: StatusCode,
        /// Which early dialog: a call may ring in several places.
        fork: u32,
        /// Early media, or the answer already (RFC 3261 §13.2.1).
        sdp: Option<Vec<u8>>,
    },
    /// The call that we placed was answered, and the ACK has left.
    Accepted {
        /// Whose.
        dialog: DialogKey,
        /// By which of its early dialogs.
        fork: u32,
        /// The answer; `None` from a peer that gave it before, or never.
        sdp: Option<Vec<u8>>,
    },
    /// An address of the call that we place is of another family than its offer, and was passed over.
    OtherFamily {
        /// Whose.
        dialog: DialogKey,
        /// Which.
        remote: SocketAddr,
    },
    /// The call that we placed came to nothing: the final response, 408 for silence, 503 where no address could be reached,
    /// 487 once it was cancelled.
    Failed {
        /// Whose.
        dialog: DialogKey,
        /// Why.
        status: StatusCode,
    },
    /// Our session refresh was answered by its re-INVITE's 200.
    Refreshed {
        /// Whose.
        dialog: DialogKey,
        /// The answer to our description.
        body: Option<Vec<u8>>,
    },
    /// Nobody refreshed the session in time (RFC 4028 §10); the BYE has left and the dialog is over.
    Expired {
        /// Whose.
        dialog: DialogKey,
    },
    /// The peer is gone without a BYE: 481 or 408 to a request of ours inside the dialog (RFC 3261 §12.2.1.2)
    /// other than REFER; our own BYE has left and the dialog is over.
    Lost {
        /// Whose.
        dialog: DialogKey,
    },
    /// Its peer is reached elsewhere from now on, or an INVITE of it has left: what [`Agent::saved`] said before is old.
    Moved {
        /// Whose.
        dialog: DialogKey,
    },
    /// New calls that were not taken in the last seconds: no other trace of them is left.
    CallsRefused(Refused),
    /// Requests of sources that are nobody's trunk, since this was said last: they met silence or a 403.
    TurnedAway {
        /// How many.
        count: u64,
        /// Where the last of them came from.
        last: IpAddr,
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
    /// Something to ask; answer it with [`Agent::looked_up`].
    Lookup {
        /// Its name.
        lookup: LookupKey,
        /// What.
        question: Question,
    },
    /// A TLS connection to this address is only worth opening to a certificate with this name (RFC 5922 §7.2). Told before
    /// the first bytes that go there; the latest name counts.
    Expect {
        /// Where.
        remote: SocketAddr,
        /// The domain that led there, not what the name system made of it.
        name: String,
    },
    /// Close this TCP connection: what comes on it can no longer be cut into messages.
    Close {
        /// Which, as in [`Flow::connection`].
        connection: u64,
    },
}
