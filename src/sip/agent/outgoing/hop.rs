//! Next hops inside dialogs that are names (RFC 3263 §4, RFC 3261 §12.2.1.1).
//!
//! Looked up for dialogs of a trunk alone: a stranger's Contact must not make us ask servers of its choice, nor send to
//! hosts of its choice. Until the answer comes, and where there is none, requests go the way the peer's came.

use super::Agent;
use crate::sip::agent::{AgentOutput, DialogKey, Flow, Transport};
use crate::sip::dialog::Dialog;
use crate::sip::locate::{Answer, Locator, LookupKey, Step};

/// A name being looked up.
pub(super) struct Finding {
    dialog: DialogKey,
    locator: Locator,
}

impl Agent {
    /// Looks up the next hop of a trunk's dialog, if it is a name.
    pub(in crate::sip::agent) fn find_next_hop(&mut self, dialog: DialogKey, out: &mut Vec<AgentOutput>) {
        let Some(uri) = self.dialogs.get(&dialog).and_then(Dialog::named_hop) else { return };
        let mut locator = Locator::new(&uri, None);
        let step = locator.step();
        let id = self.new_id();
        self.outgoing.findings.insert(id, Finding { dialog, locator });
        self.step_finding(id, step, out);
    }

    /// The answer to one of its questions.
    pub(super) fn found(&mut self, id: u64, answer: Answer, out: &mut Vec<AgentOutput>) {
        let Some(finding) = self.outgoing.findings.get_mut(&id) else { return };
        let step = finding.locator.answer(answer, &mut self.random);
        self.step_finding(id, step, out);
    }

    fn step_finding(&mut self, id: u64, step: Step, out: &mut Vec<AgentOutput>) {
        match step {
            Step::Ask(question) => {
                let lookup = LookupKey(self.new_id());
                self.outgoing.lookups.insert(lookup, id);
                out.push(AgentOutput::Lookup { lookup, question });
            }
            Step::Try(hop) => {
                let Some(Finding { dialog, .. }) = self.outgoing.findings.remove(&id) else { return };
                let answer_public = self.config.answers_public();
                if let Some(dialog) = self.dialogs.get_mut(&dialog) {
                    let flow = Flow { transport: hop.transport, local: hop.local, remote: hop.remote, connection: 0 };
                    dialog.found(flow, answer_public);
                    if hop.transport == Transport::Tls {
                        out.push(AgentOutput::Expect { remote: hop.remote, name: hop.name });
                    }
                }
            }
            Step::End => {
                self.outgoing.findings.remove(&id);
            }
        }
    }
}
