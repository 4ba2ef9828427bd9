//! Calls that rang when their process died: the next one cancels them, so that nobody's telephone rings for nobody.
//!
//! A CANCEL finds its INVITE by the branch (RFC 3261 §9.1), so the INVITE transaction goes on where it stood: it acknowledges
//! the 487, and a 2xx that was sooner is acknowledged and hung up as after any CANCEL. The provisional response that a
//! CANCEL waits for may have met the last process; a CANCEL can no longer overtake its INVITE, and one that finds none is answered 481.

use super::call::{Attempt, Calling};
use super::transaction::Purpose;
use crate::sip::agent::{Agent, AgentOutput, DialogKey, Transport};
use crate::sip::header::{NameAddr, Via, elements};
use crate::sip::paper::{self, Paper};
use crate::sip::reader::{Framing, Message, Name, Start};
use crate::sip::transaction::asking::Asking;
use crate::sip::transaction::invite_client::InviteClient;
use crate::sip::trunk::TrunkId;
use crate::sip::uri::SipUri;
use crate::sip::writer::{write_header, write_number};
use crate::time::Instant;

impl Agent {
    /// What a later process needs to take back a call that is being placed: the last INVITE of it that was sent.
    pub(in crate::sip::agent) fn saved_call(&self, call: DialogKey) -> Option<String> {
        let calling = self.outgoing.calls.get(&call)?;
        let attempt = calling.attempts.last()?;
        let flow = attempt.flow.or(self.outgoing.asking.get(&attempt.transaction).map(|asking| asking.flow))?;
        let trunk = calling.trunk.and_then(|trunk| self.trunk(trunk)).map(|trunk| trunk.name.as_str());
        Some(paper::write(flow, trunk, &found_by(&attempt.invite, "INVITE")))
    }

    /// Cancels a call that an earlier process placed.
    pub(in crate::sip::agent) fn take_back(
        &mut self,
        now: Instant,
        paper: &Paper,
        invite: &Message<'_>,
        trunk: Option<TrunkId>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(Placed { branch, tag, call_id, target }) = Placed::read(invite) else { return };
        let key = DialogKey(self.new_id());
        if paper.flow.transport == Transport::Tls {
            let name = self.way_of(trunk, &target).0.host().to_owned();
            out.push(AgentOutput::Expect { remote: paper.flow.remote, name });
        }
        let machine = Asking::Invite(InviteClient::resumed(paper.flow.transport, paper.bytes().to_vec()));
        let transaction = self.add_asking((now, paper.flow), (&branch, "INVITE"), machine, Purpose::Errand(key.0));
        let attempt = Attempt::ringing(transaction, branch, paper.bytes().to_vec(), paper.flow);
        self.dialog_index.insert(tag.as_bytes().into(), key);
        let calling = Calling::left_behind(tag, call_id, trunk, attempt);
        self.outgoing.calls.insert(key, calling);
        self.cancel_attempt(now, key, transaction, out);
    }
}

/// What an INVITE of ours is known by.
struct Placed {
    branch: String,
    tag: String,
    call_id: String,
    target: SipUri,
}

impl Placed {
    fn read(invite: &Message<'_>) -> Option<Self> {
        let Start::Request { uri, .. } = invite.start else { return None };
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        let via = Via::parse(invite.values(Name::Via).flat_map(elements).next()?)?;
        Some(Self {
            branch: text(via.branch?)?,
            tag: text(NameAddr::parse(invite.value(Name::From)?)?.tag()?)?,
            call_id: text(invite.value(Name::CallId)?)?,
            target: std::str::from_utf8(uri).ok()?.parse().ok()?,
        })
    }
}

/// A request with no more than an INVITE is found by: its CANCEL (RFC 3261 §9.1), or itself without its body and proofs. Empty for a
/// request we could not have written.
pub(super) fn found_by(invite: &[u8], method: &str) -> Vec<u8> {
    let mut found = Vec::with_capacity(512);
    let Some(message) = Message::read(invite, Framing::Datagram) else { return found };
    let Start::Request { uri, .. } = message.start else { return found };
    found.extend_from_slice(method.as_bytes());
    found.push(b' ');
    found.extend_from_slice(uri);
    found.extend_from_slice(b" SIP/2.0\r\n");
    let labels =
        [(&b"Via: "[..], Name::Via), (b"From: ", Name::From), (b"To: ", Name::To), (b"Call-ID: ", Name::CallId)];
    for (label, name) in labels {
        if let Some(value) = message.value(name) {
            write_header(&mut found, label, value);
        }
    }
    for route in message.values(Name::Route) {
        write_header(&mut found, b"Route: ", route);
    }
    let number = message.value(Name::CSeq).and_then(crate::sip::header::cseq).map_or(0, |(number, _)| number);
    found.extend_from_slice(b"CSeq: ");
    write_number(&mut found, u64::from(number));
    found.push(b' ');
    found.extend_from_slice(method.as_bytes());
    found.extend_from_slice(b"\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    found
}
