//! Dialogs of a process that died: each gets one BYE from the next, so that nobody hangs in silence, and a call that rang a CANCEL.
//!
//! They come as [`Agent::saved`] wrote them and leave a few at a time, each by an ordinary transaction: ten thousand goodbyes must not
//! stand in the way of the first new call. Whatever is answered, or nothing at all, ends them.

use super::table::Timer;
use super::{Agent, AgentEvent, AgentOutput, DialogKey};
use crate::limits::{DIALOGS_MAX, ORPHANS_AT_ONCE, ORPHANS_EVERY, TRANSACTIONS_FOR_NEW_CALLS};
use crate::sip::dialog::Dialog;
use crate::sip::paper::Paper;
use crate::sip::reader::{Method, Start};
use crate::sip::reason::Reason;
use crate::sip::trunk::TrunkId;
use crate::time::{Instant, Now};

impl Agent {
    /// What a later process needs to end this dialog, or to take back a call that is being placed. It is told anew with each [`AgentEvent::Moved`].
    pub fn saved(&self, dialog: DialogKey) -> Option<String> {
        let Some(dialog) = self.dialogs.get(&dialog) else { return self.saved_call(dialog) };
        let trunk = dialog.trunk.and_then(|trunk| self.trunk(trunk));
        Some(dialog.saved(trunk.map(|trunk| trunk.name.as_str())))
    }

    /// Dialogs that an earlier process saved and did not end. [`Agent::asking`] counts until their BYEs were answered.
    pub fn orphaned(&mut self, now: Now, dialogs: impl IntoIterator<Item = String>) {
        let room = DIALOGS_MAX.saturating_sub(self.orphans.len());
        self.orphans.extend(dialogs.into_iter().take(room));
        self.schedule_orphans(now.instant);
    }

    fn schedule_orphans(&mut self, at: Instant) {
        if !self.orphans.is_empty() {
            self.schedule(Some(at), Timer::Orphans);
        }
    }

    /// The next few.
    pub(super) fn wake_orphans(&mut self, now: Instant, out: &mut Vec<AgentOutput>) {
        for _ in 0..ORPHANS_AT_ONCE {
            // Half of everything stays for the calls of this process.
            if self.dialogs.len() >= DIALOGS_MAX / 2 || self.transactions() >= TRANSACTIONS_FOR_NEW_CALLS / 2 {
                break;
            }
            let Some(paper) = self.orphans.pop_front() else { return };
            self.part_from(now, &paper, out);
        }
        self.schedule_orphans(now + ORPHANS_EVERY);
    }

    fn part_from(&mut self, now: Instant, paper: &str, out: &mut Vec<AgentOutput>) {
        let Some(paper) = Paper::read(paper) else { return };
        let Some(message) = paper.message() else { return };
        let trunks = &self.config.peers.trunks;
        let named = |name: &String| trunks.iter().position(|trunk| trunk.name == *name).map(TrunkId);
        let trunk = paper.trunk.as_ref().and_then(named);
        if matches!(message.start, Start::Request { method: Method::Invite, .. }) {
            return self.take_back(now, &paper, &message, trunk, out);
        }
        let Some(mut dialog) = Dialog::restored(&paper, &message, trunk) else { return };
        dialog.route(self.config.answers_public());
        if let Some(host) = dialog.placed_to {
            self.outgoing.learn(host);
        }
        let key = DialogKey(self.new_id());
        self.add_dialog(key, dialog);
        self.find_orphan(now, key, out);
    }

    /// The BYE of an orphan.
    pub(super) fn say_goodbye(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        // Temporary failure: the Q.850 cause of our other ends that were not meant (RFC 3326).
        self.send_bye(now, key, Some(Reason::q850(41)), out);
    }

    /// A dialog's peer is reached elsewhere from now on: a name is looked up, and what was saved of the dialog is old.
    pub(super) fn moved(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        if self.dialogs.get(&key).is_some_and(|dialog| dialog.trunk.is_some()) {
            self.find_next_hop(now, key, out);
        }
        out.push(AgentOutput::Event(AgentEvent::Moved { dialog: key }));
    }
}
