//! Requests inside a dialog (RFC 3261 §12.2.2, §14.2, §15.1.2; RFC 3311, 3515, 6086).

use super::receive::{Request, offer, refusal_of_content, refusal_of_require};
use super::{Agent, AgentEvent, AgentOutput, DialogKey};
use crate::sip::dialog::{Dialog, Farewell, Open, State, contact};
use crate::sip::header::before_params;
use crate::sip::identity::lists;
use crate::sip::progress::Exchange;
use crate::sip::reader::{Method, Name};
use crate::sip::reason::Reason;
use crate::sip::refer::notification;
use crate::sip::session_timer::{Terms, TooSmall};
use crate::sip::status::StatusCode;
use crate::sip::transaction::{invite_server, server};
use crate::sip::writer::{ALLOW, write_contact, write_number};
use crate::time::Instant;

impl Agent {
    pub(super) fn take_within(&mut self, now: Instant, request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let Some(key) = self.dialog_of(&request) else {
            // What the far end wants to change before it answers waits until it has (RFC 3311 §5.2).
            let update = request.method == Method::Update && self.is_early(&request);
            let status = if update { StatusCode::REQUEST_PENDING } else { StatusCode::NO_DIALOG };
            return self.refuse(&request, status, b"", out);
        };
        if let Some((status, lines)) = refusal_of_require(&request) {
            return self.refuse(&request, status, &lines, out);
        }
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        if request.flow.transport.is_stream() {
            // The peer may have come back over a new connection.
            if dialog.refresh(Some(request.flow), None, self.config.answers_public()) {
                self.moved(now, key, out);
            }
        }
        let Some(dialog) = self.dialogs.get(&key) else { return };
        // Copies belong to their transaction, so a lower CSeq here is a datagram that was overtaken. INFO and
        // NOTIFY are taken even so (a key or the end of a transfer would be lost with a 500); only offers must
        // come in order.
        match (&dialog.state, request.method) {
            (_, Method::Prack) => self.take_prack(now, key, request, out),
            (State::Early { .. } | State::Live { .. } | State::Leaving, Method::Bye) => {
                self.take_bye(now, key, request, out);
            }
            (State::Live { .. } | State::Leaving | State::Lingering { .. }, Method::Notify) => {
                self.take_notify(now, key, request, out);
            }
            (State::Early { .. } | State::Live { .. }, Method::Invite | Method::Update) => {
                self.take_reinvite(now, key, request, out);
            }
            (State::Early { .. }, Method::Info) => self.take_info(now, key, request, true, out),
            (State::Live { bye, .. }, Method::Info) => {
                let wanted = bye.is_none();
                self.take_info(now, key, request, wanted, out);
            }
            (State::Early { .. } | State::Live { .. }, Method::Options) => self.take_options(&request, out),
            (State::Live { .. }, _) => self.refuse(&request, StatusCode::METHOD_NOT_ALLOWED, ALLOW, out),
            (State::Early { .. } | State::Leaving | State::Lingering { .. }, _) => {
                self.refuse(&request, StatusCode::NO_DIALOG, b"", out);
            }
        }
    }

    /// By our tag, checked against Call-ID and the peer's tag.
    pub(super) fn dialog_of(&self, request: &Request<'_, '_>) -> Option<DialogKey> {
        let key = *self.dialog_index.get(request.to.tag()?)?;
        let dialog = self.dialogs.get(&key)?;
        let ours = *dialog.call_id == *request.essentials.call_id && *dialog.remote_tag == *request.essentials.from_tag;
        ours.then_some(key)
    }

    /// The ACK of a 2xx.
    pub(super) fn acknowledge(&mut self, now: Instant, request: &Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let Some(key) = self.dialog_of(request) else { return };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let Some(success) = dialog.acknowledge(request.essentials.cseq) else { return };
        if let State::Live { bye: Some(Farewell(reason)), .. } = dialog.state {
            return self.send_bye(now, key, reason, out);
        }
        let body = if success.late_offer { offer(request.message) } else { None };
        out.push(AgentOutput::Event(match success.initial {
            true => AgentEvent::Acknowledged { dialog: key, body },
            false => AgentEvent::ReinviteAcknowledged { dialog: key, body },
        }));
    }

    /// A request that is answered in the same step, by a transaction that keeps the answer.
    pub(super) fn answer_at_once(
        &mut self,
        now: Instant,
        request: Request<'_, '_>,
        status: StatusCode,
        lines: &[u8],
        out: &mut Vec<AgentOutput>,
    ) {
        let head = request.head(String::new);
        let response = head.response(status, status.reason(), &self.config.product, lines, b"");
        let transaction = self.add_other_server(request.key, head.back());
        self.drive_server(now, transaction, server::Input::Final(response), out);
    }

    fn take_bye(&mut self, now: Instant, key: DialogKey, request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let reason = Reason::read(request.message);
        self.answer_at_once(now, request, StatusCode::OK, b"", out);
        // A caller may hang up before our answer too (§15): like its CANCEL, that ends the INVITE.
        if self.refuse_early(now, key, StatusCode::TERMINATED, b"", out) {
            return out.push(AgentOutput::Event(AgentEvent::Cancelled { dialog: key, reason }));
        }
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        // In `Leaving` the two BYEs crossed; the answer to ours ends the dialog.
        if let State::Live { open, bye, .. } = &mut dialog.state {
            let (open, told) = (open.take(), bye.is_none());
            if let Some(open) = open {
                self.refuse_open(now, &open, StatusCode::TERMINATED, b"", out);
            }
            self.hush_refers(now, key, out);
            self.end_dialog(now, key);
            if told {
                out.push(AgentOutput::Event(AgentEvent::Bye { dialog: key, reason }));
            }
        }
    }

    fn take_notify(&mut self, now: Instant, key: DialogKey, request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let refers = self.dialogs.get(&key).map(|dialog| dialog.refers.as_slice()).unwrap_or_default();
        let notification = match notification(request.message, refers) {
            Ok(notification) => notification,
            Err(status) => return self.refuse(&request, status, b"", out),
        };
        self.answer_at_once(now, request, StatusCode::OK, b"", out);
        out.push(AgentOutput::Event(AgentEvent::Notified {
            dialog: key,
            refer: notification.refer,
            status: notification.status,
            terminated: notification.terminated,
        }));
    }

    fn take_info(
        &mut self,
        now: Instant,
        key: DialogKey,
        request: Request<'_, '_>,
        wanted: bool,
        out: &mut Vec<AgentOutput>,
    ) {
        let content_type = before_params(request.message.value(Name::ContentType).unwrap_or_default());
        let content_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
        let body = request.message.body.to_vec();
        let is_new = self.dialogs.get_mut(&key).is_some_and(|dialog| dialog.take_info(request.essentials.cseq));
        self.answer_at_once(now, request, StatusCode::OK, b"", out);
        if wanted && is_new {
            out.push(AgentOutput::Event(AgentEvent::Info { dialog: key, content_type, body }));
        }
    }

    /// A re-INVITE or an UPDATE: at most one offer at a time (§14.2, RFC 3311 §5.2).
    fn take_reinvite(&mut self, now: Instant, key: DialogKey, request: Request<'_, '_>, out: &mut Vec<AgentOutput>) {
        let retry_after = self.random.below(11);
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let invite = request.method == Method::Invite;
        let offer = offer(request.message);
        let offers = offer.is_some();
        let pending = Some((StatusCode::REQUEST_PENDING, Vec::new()));
        let later = || {
            let mut lines = b"Retry-After: ".to_vec();
            write_number(&mut lines, retry_after);
            lines.extend_from_slice(b"\r\n");
            Some((StatusCode::INTERNAL, lines))
        };
        let overlapping = match &dialog.state {
            // The INVITE itself is open: no second one (§14.2), and no offer before ours and theirs are through.
            State::Early { .. } if invite => later(),
            State::Early { open: Some(_), .. } if offers => later(),
            State::Early { progress, .. } if offers => match progress.exchange {
                Exchange::Open => later(),
                Exchange::Offered => pending,
                Exchange::Agreed | Exchange::Revised => None,
            },
            State::Live { open: Some(_), .. } if invite || offers => later(),
            // Our own offer is under way (§14.2).
            State::Live { .. } if (invite || offers) && matches!(dialog.refreshing, Some((_, true))) => pending,
            State::Live { bye: Some(_), .. } if invite || offers => pending,
            // Our 2xx waits for its ACK. An UPDATE may carry an offer then, unless our 2xx did.
            State::Live { success: Some(success), .. } if invite || (offers && success.late_offer) => pending,
            State::Early { .. } | State::Live { .. } => None,
            State::Leaving | State::Lingering { .. } => return,
        };
        let timer = Terms::of_request(request.message, self.config.session, dialog.timer.map(|timer| timer.interval));
        let refusal = if request.essentials.cseq <= dialog.remote_cseq {
            Some((StatusCode::INTERNAL, Vec::new()))
        } else {
            overlapping
                .or_else(|| refusal_of_content(request.message))
                .or_else(|| timer.err().map(|TooSmall| (StatusCode::INTERVAL_TOO_SMALL, self.config.session.min_se())))
        };
        let timer = timer.ok().flatten();
        if let Some((status, lines)) = refusal {
            if invite {
                return self.refuse_reinvite(now, key, request, (status, &lines), out);
            }
            return self.refuse(&request, status, &lines, out);
        }
        dialog.remote_cseq = request.essentials.cseq;
        if request.message.value(Name::Allow).is_some() {
            dialog.updates = lists(request.message, Name::Allow, "UPDATE");
        }
        let new_target = contact(request.message);
        if !invite && !offers {
            // An UPDATE without an offer only refreshes the target and the session.
            let moved = dialog.refresh(Some(request.flow), new_target, self.config.answers_public());
            let mut lines = Vec::with_capacity(128);
            write_contact(&mut lines, request.flow);
            lines.extend(timer.iter().flat_map(Terms::lines));
            dialog.agreed(now, timer, b"");
            self.schedule_dialog(key);
            self.answer_at_once(now, request, StatusCode::OK, &lines, out);
            if moved {
                self.moved(now, key, out);
            }
            return;
        }
        let head = request.head(String::new);
        let (message, cseq) = (request.message, request.essentials.cseq);
        let transaction = if invite {
            let trying = self.trying(message, &head);
            self.add_invite_server(request.key, None, head.back(), key, trying, out)
        } else {
            self.add_other_server(request.key, head.back())
        };
        if let Some(open) = self.dialogs.get_mut(&key).and_then(Dialog::open) {
            *open = Some(Open {
                transaction,
                head,
                invite,
                initial: false,
                late_offer: !offers,
                cseq,
                contact: new_target,
                timer,
            });
            out.push(AgentOutput::Event(AgentEvent::Reinvite { dialog: key, offer }));
        }
    }

    /// A re-INVITE refused at once keeps its transaction: a copy that comes when the reason has gone must
    /// meet the same refusal (§17.2.1).
    fn refuse_reinvite(
        &mut self,
        now: Instant,
        key: DialogKey,
        request: Request<'_, '_>,
        (status, lines): (StatusCode, &[u8]),
        out: &mut Vec<AgentOutput>,
    ) {
        let head = request.head(String::new);
        let trying = self.trying(request.message, &head);
        let response = head.response(status, status.reason(), &self.config.product, lines, b"");
        let transaction = self.add_invite_server(request.key, None, head.back(), key, trying, out);
        self.drive_invite(now, transaction, invite_server::Input::Refusal(response), out);
    }
}
