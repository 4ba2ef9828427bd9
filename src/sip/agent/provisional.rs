//! Provisional responses that we send, and the PRACKs that answer them (RFC 3262).

use super::receive::{Request, offer, refusal_of_content};
use super::{Agent, AgentEvent, AgentOutput, DialogKey};
use crate::sip::dialog::{Acknowledges, Dialog, Open, State};
use crate::sip::header::rack;
use crate::sip::progress::{Due, EarlyMedia, Exchange, Reliability};
use crate::sip::reader::Name;
use crate::sip::status::StatusCode;
use crate::sip::transaction::{invite_server, server};
use crate::sip::writer::{ALLOW, write_contact, write_number, write_supported};
use crate::time::{Instant, Now};

impl Agent {
    /// 180 or 183, reliable when the INVITE allows it, with our description and where early media goes, or without.
    /// One at a time: while a reliable one waits for its PRACK nothing more is said; false then.
    pub fn progress(
        &mut self,
        now: Now,
        dialog: DialogKey,
        status: StatusCode,
        early: Option<(Vec<u8>, EarlyMedia)>,
        out: &mut Vec<AgentOutput>,
    ) -> bool {
        self.say(now.instant, dialog, status, early, out)
    }

    fn say(
        &mut self,
        now: Instant,
        key: DialogKey,
        status: StatusCode,
        early: Option<(Vec<u8>, EarlyMedia)>,
        out: &mut Vec<AgentOutput>,
    ) -> bool {
        let drawn = 1 + self.random.below(1 << 30) as u32;
        let Some(dialog) = self.dialogs.get_mut(&key) else { return false };
        let State::Early { invite, record_routes, progress, .. } = &mut dialog.state else { return false };
        if progress.waits() {
            return false;
        }
        let mut lines = record_routes.clone();
        write_contact(&mut lines, invite.head.flow);
        lines.extend_from_slice(ALLOW);
        write_supported(&mut lines);
        if progress.reliability == Reliability::Reliable {
            let rseq = progress.next_rseq(drawn);
            lines.extend_from_slice(b"Require: 100rel\r\nRSeq: ");
            write_number(&mut lines, u64::from(rseq));
            lines.extend_from_slice(b"\r\n");
            dialog.unacknowledged = Some(Acknowledges { rseq, cseq: invite.cseq });
            if early.is_some() && progress.exchange == Exchange::Open {
                progress.exchange = if invite.late_offer { Exchange::Offered } else { Exchange::Agreed };
            }
        }
        let (sdp, with_sdp) = match early {
            Some((sdp, direction)) => {
                if progress.early_media {
                    lines.extend_from_slice(direction.line());
                }
                (sdp, true)
            }
            None => (Vec::new(), false),
        };
        let transaction = invite.transaction;
        let bytes = invite.head.response(status, status.reason(), &self.config.product, &lines, &sdp);
        progress.said(now, status, bytes.clone(), with_sdp);
        if with_sdp {
            dialog.described = sdp;
        }
        self.schedule_dialog(key);
        self.drive_invite(now, transaction, invite_server::Input::Provisional(bytes), out);
        true
    }

    /// An early dialog's time has come.
    pub(super) fn wake_early(&mut self, now: Instant, key: DialogKey, due: Due, out: &mut Vec<AgentOutput>) {
        match due {
            Due::Nothing => {}
            Due::Repeat(bytes) => {
                if let Some(State::Early { invite, .. }) = self.dialogs.get(&key).map(|dialog| &dialog.state) {
                    out.push(AgentOutput::Transmit { flow: self.way_back(invite.head.back()), bytes });
                }
            }
            Due::Renew(status) => {
                self.say(now, key, status, None, out);
            }
            Due::Unpracked => {
                self.refuse_early(now, key, StatusCode::SERVER_TIMEOUT, b"", out);
                out.push(AgentOutput::Event(AgentEvent::Unpracked { dialog: key }));
            }
        }
    }

    /// Refuses the INVITE of an early dialog and whatever is open in it. A PRACK that is still under way is answered
    /// (RFC 3262 §3), so the dialog lingers for it; else it is gone.
    pub(super) fn refuse_early(
        &mut self,
        now: Instant,
        key: DialogKey,
        status: StatusCode,
        lines: &[u8],
        out: &mut Vec<AgentOutput>,
    ) -> bool {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return false };
        if !matches!(dialog.state, State::Early { .. }) {
            return false;
        }
        let state = dialog.linger(now);
        if dialog.unacknowledged.is_none() {
            self.remove_dialog(key);
        } else {
            let place = dialog.place.take();
            self.vacate(place);
            self.schedule_dialog(key);
        }
        if let State::Early { invite, open, .. } = state {
            if let Some(open) = open {
                self.refuse_open(now, &open, StatusCode::TERMINATED, b"", out);
            }
            self.refuse_open(now, &invite, status, lines, out);
        }
        true
    }

    /// A PRACK: 481 when it acknowledges nothing that waits (§3), else 200, at once or with the answer to its offer.
    pub(super) fn take_prack(
        &mut self,
        now: Instant,
        key: DialogKey,
        request: Request<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let named = request.message.value(Name::RAck).and_then(rack);
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let matches = |waiting: &mut Acknowledges| {
            named.is_some_and(|(rseq, cseq, method)| {
                (rseq, cseq, method) == (waiting.rseq, waiting.cseq, b"INVITE".as_slice())
            })
        };
        if dialog.unacknowledged.take_if(matches).is_none() {
            return self.refuse(&request, StatusCode::NO_DIALOG, b"", out);
        }
        let refusal = refusal_of_content(request.message);
        let body = offer(request.message);
        let State::Early { progress, open, .. } = &mut dialog.state else {
            // Its INVITE has its final response: nothing hangs on it any more.
            return self.answer_at_once(now, request, StatusCode::OK, b"", out);
        };
        let told = progress.acknowledged();
        if let Some((status, lines)) = refusal {
            self.answer_at_once(now, request, status, &lines, out);
            return self.answer_now(now, key, out);
        }
        match (progress.exchange, &body) {
            (Exchange::Offered, _) => {
                progress.exchange = Exchange::Agreed;
                self.answer_at_once(now, request, StatusCode::OK, b"", out);
                out.push(AgentOutput::Event(AgentEvent::Pracked { dialog: key, body }));
                self.answer_now(now, key, out);
            }
            // An offer of its own, where offer and answer are complete (§5).
            (Exchange::Agreed | Exchange::Revised, Some(_)) if open.is_none() => {
                let head = request.head(String::new);
                let cseq = request.essentials.cseq;
                let transaction = self.add_other_server(request.key, head.back());
                let waiting = Open {
                    transaction,
                    head,
                    invite: false,
                    initial: false,
                    late_offer: false,
                    cseq,
                    contact: None,
                    timer: None,
                };
                if let Some(open) = self.dialogs.get_mut(&key).and_then(Dialog::open) {
                    *open = Some(waiting);
                }
                if told {
                    out.push(AgentOutput::Event(AgentEvent::Pracked { dialog: key, body: None }));
                }
                out.push(AgentOutput::Event(AgentEvent::Reinvite { dialog: key, offer: body }));
            }
            (Exchange::Open | Exchange::Agreed | Exchange::Revised, _) => {
                self.answer_at_once(now, request, StatusCode::OK, b"", out);
                if told {
                    out.push(AgentOutput::Event(AgentEvent::Pracked { dialog: key, body: None }));
                }
                self.answer_now(now, key, out);
            }
        }
    }

    /// The 2xx that waited for a PRACK leaves.
    pub(super) fn answer_now(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        let Some(State::Early { progress, .. }) = self.dialogs.get_mut(&key).map(|dialog| &mut dialog.state) else {
            return;
        };
        if let Some(sdp) = progress.answer.take() {
            self.accept_early(now, key, sdp, out);
            out.push(AgentOutput::Event(AgentEvent::Answered { dialog: key }));
        }
    }

    /// The 200 of the INVITE. Where offer and answer are complete it repeats our answer as it was, or says nothing when
    /// that was changed since: a description would be an offer then (RFC 6337 §2.2, pattern 3).
    pub(super) fn accept_early(&mut self, now: Instant, key: DialogKey, sdp: Vec<u8>, out: &mut Vec<AgentOutput>) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let State::Early { mut invite, record_routes, progress, open } = dialog.live() else { return };
        let sdp = match progress.exchange {
            Exchange::Open => sdp,
            Exchange::Agreed if !invite.late_offer => sdp,
            Exchange::Offered | Exchange::Agreed | Exchange::Revised => Vec::new(),
        };
        if progress.exchange != Exchange::Open {
            invite.late_offer = false;
        }
        if let Some(waiting) = self.dialogs.get_mut(&key).and_then(Dialog::open) {
            *waiting = open;
        }
        self.take_place(key);
        self.accept_invite(now, key, &invite, record_routes, &sdp, out);
    }

    /// 200 to an UPDATE or a PRACK that brought an offer.
    pub(super) fn accept_other(
        &mut self,
        now: Instant,
        open: &Open,
        lines: &[u8],
        sdp: &[u8],
        out: &mut Vec<AgentOutput>,
    ) {
        let response = open.head.response(StatusCode::OK, "OK", &self.config.product, lines, sdp);
        self.drive_server(now, open.transaction, server::Input::Final(response), out);
    }
}
