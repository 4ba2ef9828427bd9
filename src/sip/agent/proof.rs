//! Who must prove to be a trunk before anything it asks is looked at (RFC 3261 §22, RFC 8760).
//!
//! One rule for every method but ACK and CANCEL, which cannot be challenged (§22.1), and requests inside a dialog from
//! the peer that proved itself when the dialog began. A wrong name, a wrong password and no answer meet the same 401.

use super::receive::Request;
use super::{Agent, AgentOutput, Flow};
use crate::sip::auth::server::{Asked, Verdict};
use crate::sip::header::{NameAddr, cseq};
use crate::sip::reader::{Message, Name};
use crate::sip::status::StatusCode;
use crate::sip::trunk::Who;
use crate::time::Instant;

impl Agent {
    /// Whether a request may be looked at; else its 401 has left.
    pub(super) fn is_proven(
        &mut self,
        now: Instant,
        request: &mut Request<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) -> bool {
        let (transport, source) = (request.flow.transport, request.flow.remote.ip());
        if self.who(request.flow) != Who::Unproven || self.is_admitted(request) {
            return true;
        }
        let method = request.message.value(Name::CSeq).and_then(cseq).map_or(&b""[..], |(_, method)| method);
        let asked = Asked { source, method, uri: request.uri };
        let trunks = self.config.peers.by_digest(transport, source);
        let answers = request.message.values(Name::Authorization);
        let verdict = self.guard.check(now, asked, trunks.clone(), answers);
        let stale = match verdict {
            Verdict::Proven(trunk) => {
                request.proven = Some(trunk);
                return true;
            }
            Verdict::Stale => true,
            Verdict::Nobody => false,
        };
        let lines = self.guard.challenges(now, source, trunks, stale);
        self.refuse(request, StatusCode::UNAUTHORIZED, &lines, out);
        false
    }

    /// Inside a dialog, from the host it is with.
    fn is_admitted(&self, request: &Request<'_, '_>) -> bool {
        let dialog = self.dialog_of(request).and_then(|key| self.dialogs.get(&key));
        dialog.is_some_and(|dialog| dialog.is_with(request.flow.remote.ip()))
    }

    /// A request of somebody whom we called: the settings may know the host by its name alone.
    pub(super) fn is_of_our_call(&self, flow: Flow, message: &Message<'_>) -> bool {
        let to = message.value(Name::To).and_then(NameAddr::parse);
        let key = to.and_then(|to| self.dialog_index.get(to.tag()?));
        let dialog = key.and_then(|key| self.dialogs.get(key));
        dialog.is_some_and(|dialog| dialog.placed_to == Some(flow.remote.ip()))
    }
}
