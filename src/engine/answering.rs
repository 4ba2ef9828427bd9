//! From the socket that is open to our 200: the description, the start of the record on the disk, the answer.

use super::succession::Successor;
use super::{Engine, Entry, Output, Stage};
use crate::call::{CallKey, Event};
use crate::limits::JOURNAL_PATIENCE;
use crate::media::StreamKey;
use crate::sdp::Refusal;
use crate::sip::StatusCode;
use crate::sip::rejection::Rejection;
use crate::time::Now;
use tracing::{error, info};

impl Engine {
    pub(super) fn stream_opened(&mut self, now: Now, stream: StreamKey, port: Option<u16>, out: &mut Vec<Output>) {
        let Some(&call) = self.streams.get(&stream) else { return };
        if self.far_opened(now, call, stream, port, out) {
            return;
        }
        let Some(entry) = self.calls.get_mut(&call) else { return };
        if let Some(successor) = entry.successor.take_if(|Successor { leg, .. }| leg.stream == stream) {
            return self.take_over(now, call, successor, port, out);
        }
        let Some(port) = port else {
            self.streams.remove(&stream);
            return self.refuse(now, call, StatusCode::UNAVAILABLE.into(), out);
        };
        match entry.leg.opened(port) {
            Ok(()) => {
                let (record, dialog) = (entry.session.record().line(), entry.leg.dialog);
                let saved = self.agent.saved(dialog);
                out.push(Output::Journal { call, entry: Entry::Start { record, dialog: saved } });
                // Nothing else is waited for, and a disk may never answer.
                if let Some(mut entry) = self.calls.remove(&call) {
                    let until = now.instant + JOURNAL_PATIENCE;
                    entry.unwritten = Some(until);
                    self.wake(call, &mut entry, Some(until));
                    self.calls.insert(call, entry);
                }
            }
            Err(Refusal(why)) => {
                info!(%call, why, "offer refused");
                self.refuse(now, call, Rejection::of_offer(why), out);
            }
        }
    }

    /// The start is on disk: the 200 may leave, or the 183 with the greeting behind it.
    pub(super) fn journaled(&mut self, now: Now, call: CallKey, out: &mut Vec<Output>) {
        // Answered without it meanwhile.
        let Some(mut entry) = self.calls.remove(&call) else { return };
        if entry.unwritten.take().is_some() {
            self.wake(call, &mut entry, None);
            self.calls.insert(call, entry);
            self.written(now, call, out);
        } else {
            self.calls.insert(call, entry);
        }
    }

    /// The disk has not answered in time. A record may be lost if the process dies now; a caller would be lost for certain.
    pub(super) fn disk_hangs(&mut self, now: Now, call: CallKey, out: &mut Vec<Output>) {
        error!(%call, "the disk of the records does not answer: the call is answered without a record of its start");
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.unwritten = None;
        }
        self.written(now, call, out);
    }

    fn written(&mut self, now: Now, call: CallKey, out: &mut Vec<Output>) {
        let Some(entry) = self.calls.get(&call) else { return };
        let (dialog, stream, sdp) = (entry.leg.dialog, entry.leg.stream, entry.leg.description());
        if let Some(command) = entry.leg.configuration() {
            out.push(Output::Media { stream, command });
        }
        if entry.leg.allows_early_media() && entry.session.greets_before_the_answer() {
            let (early, reliable) = ((sdp, entry.leg.early_media()), entry.leg.is_reliable());
            self.agent(now, out, |agent, to| {
                agent.progress(now, dialog, StatusCode::SESSION_PROGRESS, Some(early), to);
            });
            // With a PRACK to come nothing is played before it: the caller hears the greeting whole.
            if !reliable {
                self.session(now, call, Event::Progressed, out);
            }
        } else if self.agent(now, out, |agent, to| agent.answer(now, dialog, sdp, to)) {
            self.answered(now, call, out);
        }
    }

    /// Our 200 has left.
    pub(super) fn answered(&mut self, now: Now, call: CallKey, out: &mut Vec<Output>) {
        if let Some(entry) = self.calls.get_mut(&call) {
            entry.stage = Stage::Answered;
        }
        self.session(now, call, Event::Answered, out);
    }
}
