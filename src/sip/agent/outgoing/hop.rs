//! Next hops inside dialogs that are names (RFC 3263 §4, RFC 3261 §12.2.1.1).
//!
//! Looked up for dialogs of a trunk alone: a stranger's Contact must not make us ask servers of its choice, nor send to
//! hosts of its choice. Until the answer comes, and where there is none in time, requests go the way the peer's came.

use super::Agent;
use crate::limits::{FINDING_PATIENCE, LOOKUP_PATIENCE};
use crate::sip::agent::table::Timer;
use crate::sip::agent::{AgentOutput, DialogKey, Flow, Transport};
use crate::sip::dialog::Dialog;
use crate::sip::locate::{Answer, Locator, LookupKey, Step};
use crate::sip::uri::SipUri;
use crate::time::Instant;

/// A name being looked up.
pub(in crate::sip::agent) struct Finding {
    dialog: DialogKey,
    locator: Locator,
    /// The dialog of a process that died: its BYE waits for the first address, or for the end of this.
    orphaned: bool,
    /// The open question.
    lookup: Option<LookupKey>,
    /// No answer to the open question counts after this.
    until: Instant,
    /// The end of it all.
    last: Instant,
}

impl Agent {
    /// Looks up the next hop of a trunk's dialog, if it is a name.
    pub(in crate::sip::agent) fn find_next_hop(&mut self, now: Instant, dialog: DialogKey, out: &mut Vec<AgentOutput>) {
        // What was asked for a target of before answers for another name.
        if let Some(before) = self.dialogs.get_mut(&dialog).and_then(|dialog| dialog.finding.take()) {
            self.drop_finding(before);
        }
        if let Some(uri) = self.dialogs.get(&dialog).and_then(Dialog::named_hop) {
            self.begin_finding(now, dialog, &uri, false, out);
        }
    }

    /// The way to the peer of a process that died, and then the BYE: our sockets may be others than those of that process.
    pub(in crate::sip::agent) fn find_orphan(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        let Some(dialog) = self.dialogs.get(&key) else { return };
        let name = dialog.named_hop().filter(|_| dialog.trunk.is_some());
        let Flow { transport, remote, .. } = dialog.next;
        let address = || format!("sip:{remote};transport={}", transport.name().to_ascii_lowercase()).parse().ok();
        match name.or_else(address) {
            Some(uri) => self.begin_finding(now, key, &uri, true, out),
            None => self.say_goodbye(now, key, out),
        }
    }

    fn begin_finding(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        uri: &SipUri,
        orphaned: bool,
        out: &mut Vec<AgentOutput>,
    ) {
        let mut locator = Locator::new(uri, None);
        let step = locator.step();
        let id = self.new_id();
        let last = now + FINDING_PATIENCE;
        if let Some(dialog) = self.dialogs.get_mut(&dialog) {
            dialog.finding = Some(id);
        }
        self.outgoing.findings.insert(id, Finding { dialog, locator, orphaned, lookup: None, until: last, last });
        self.step_finding(now, id, step, out);
    }

    /// The answer to one of its questions.
    pub(super) fn found(&mut self, now: Instant, id: u64, answer: Answer, out: &mut Vec<AgentOutput>) {
        let Some(finding) = self.outgoing.findings.get_mut(&id) else { return };
        let step = finding.locator.answer(answer, &mut self.random);
        self.step_finding(now, id, step, out);
    }

    /// Time went by: a question without an answer leads to the next one, and all of them together take no longer than
    /// [`FINDING_PATIENCE`]. False when `id` is no finding.
    pub(super) fn wake_finding(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) -> bool {
        let Some(finding) = self.outgoing.findings.get_mut(&id) else { return false };
        if finding.until <= now {
            if let Some(lookup) = finding.lookup.take() {
                self.outgoing.lookups.remove(&lookup);
            }
            let step = match finding.last <= now {
                true => Step::End,
                false => finding.locator.answer(Answer::Failed, &mut self.random),
            };
            self.step_finding(now, id, step, out);
        }
        true
    }

    fn step_finding(&mut self, now: Instant, id: u64, step: Step, out: &mut Vec<AgentOutput>) {
        match step {
            Step::Ask(question) => {
                let lookup = LookupKey(self.new_id());
                let Some(finding) = self.outgoing.findings.get_mut(&id) else { return };
                let until = finding.last.min(now + LOOKUP_PATIENCE);
                // Only the present question is to wake us.
                self.deadlines.remove(&(finding.until, Timer::Outgoing(id)));
                (finding.until, finding.lookup) = (until, Some(lookup));
                self.outgoing.lookups.insert(lookup, id);
                self.schedule(Some(until), Timer::Outgoing(id));
                out.push(AgentOutput::Lookup { lookup, question });
            }
            Step::Try(hop) => {
                let Some(finding) = self.outgoing.findings.get_mut(&id) else { return };
                let (key, orphaned) = (finding.dialog, std::mem::take(&mut finding.orphaned));
                let Some(dialog) = self.dialogs.get_mut(&key) else { return };
                let flow = Flow { transport: hop.transport, local: hop.local, remote: hop.remote, connection: 0 };
                let room = dialog.found(flow, self.config.answers_public());
                if orphaned {
                    dialog.leaves_by(hop.local);
                }
                if hop.transport == Transport::Tls {
                    out.push(AgentOutput::Expect { remote: hop.remote, name: hop.name });
                }
                if orphaned {
                    self.say_goodbye(now, key, out);
                }
                // The further addresses are for requests that the first does not answer.
                let step = match self.outgoing.findings.get_mut(&id) {
                    Some(finding) if room => finding.locator.step(),
                    Some(_) | None => Step::End,
                };
                self.step_finding(now, id, step, out);
            }
            Step::End => {
                let Some(finding) = self.drop_finding(id) else { return };
                if let Some(dialog) = self.dialogs.get_mut(&finding.dialog) {
                    dialog.finding = None;
                }
                if finding.orphaned {
                    self.say_goodbye(now, finding.dialog, out);
                }
            }
        }
    }

    /// Nobody waits for it any more: nor is anybody to be woken for it.
    pub(in crate::sip::agent) fn drop_finding(&mut self, id: u64) -> Option<Finding> {
        let finding = self.outgoing.findings.remove(&id)?;
        if let Some(lookup) = finding.lookup {
            self.outgoing.lookups.remove(&lookup);
        }
        self.deadlines.remove(&(finding.until, Timer::Outgoing(id)));
        Some(finding)
    }
}
