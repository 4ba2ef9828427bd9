//! What a session wants, carried out: words for its stream, requests for its dialog, news for who watches.

use super::{Call, CallKey, Done, Engine, News, Output, Stage};
use crate::call::Effect;
use crate::media::{self, StreamKey};
use crate::routing::plan::Target;
use crate::sip::reason::Reason;
use crate::sip::uri::SipUri;
use crate::sip::{ReferRequest, StatusCode};
use crate::time::Now;
use std::net::IpAddr;

impl Engine {
    /// Does what a session wants.
    pub(super) fn carry_out(
        &mut self,
        now: Now,
        call: CallKey,
        entry: &mut Call,
        effect: Effect,
        out: &mut Vec<Output>,
    ) -> Done {
        let (dialog, stream) = (entry.leg.dialog, entry.leg.stream);
        match effect {
            Effect::Play { play, said, repeat } => {
                let clips = entry.edition.clips(&said);
                out.push(Output::Media { stream, command: media::Command::Play { play, clips, repeat } });
            }
            Effect::StopPlaying => out.push(Output::Media { stream, command: media::Command::Stop }),
            Effect::Refer { attempt, target, context, subscribe } => {
                let request = self.refer_request(entry, &target, context.as_deref(), subscribe);
                match self.agent(now, out, |agent, to| agent.refer(now, dialog, &request, to)) {
                    Some(refer) => entry.refers.push((refer, attempt)),
                    None => return Done::Unreferred(attempt),
                }
            }
            Effect::Call { attempt, target, context } => {
                self.call_far(now, call, entry, (attempt, &target, context), out);
            }
            Effect::DropCall => self.drop_far(now, call, entry.far.take(), out),
            Effect::PostDial(keys) => Self::post_dial(entry, keys, out),
            Effect::Unbridge => out.push(Output::Media { stream, command: media::Command::Unbridge }),
            Effect::Bridge => Self::bridge(entry, out),
            Effect::Overhear => Self::overhear(entry, out),
            Effect::GiveWay => out.push(Output::Media { stream, command: media::Command::GiveWay }),
            Effect::FarHears(said) => Self::far_hears(entry, &said, out),
            Effect::Answer => {
                let sdp = entry.leg.description();
                if self.agent(now, out, |agent, to| agent.answer(now, dialog, sdp, to)) {
                    return Done::Answered;
                }
            }
            Effect::Record { key, file, sides, longest, silence } => {
                let recording = media::Recording { key, file, sides, longest, silence };
                out.push(Output::Media { stream, command: media::Command::Record(recording) });
            }
            Effect::PauseRecording(key, paused) => {
                out.push(Output::Media { stream, command: media::Command::PauseRecording(key, paused) });
            }
            Effect::EndRecording(key) => out.push(Output::Media { stream, command: media::Command::EndRecording(key) }),
            Effect::Discard { key, file } => {
                out.push(Output::Media { stream, command: media::Command::EndRecording(key) });
                out.push(Output::Discard { file });
            }
            Effect::HangUp => {
                self.part(now, entry, out);
                // Its last word is for the record, which is written at that of the caller's.
                self.drop_far(now, call, entry.far.take(), out);
                // The call may yet wait for a NOTIFY, and nobody hears us any more.
                self.close_last(call, stream, entry.leg.configuration().is_some(), out);
            }
            Effect::Entered(row) => out.push(Output::Live { call, news: News::Entered { row } }),
            Effect::Pressed(key) => out.push(Output::Live { call, news: News::Key { key } }),
            Effect::Over => return Done::Over,
        }
        Done::Goes
    }

    pub(super) fn refer_request(
        &self,
        entry: &Call,
        target: &Target,
        context: Option<&str>,
        subscribe: bool,
    ) -> ReferRequest {
        let local = entry.leg.flow.local;
        let mut uri = self.reachable(target.uri(), local.ip());
        if let Some(context) = context {
            uri = uri.with_header("User-to-User", &in_hex(context));
            // What the caller's side wrote follows ours, as a value of its own (RFC 7433 §4).
            if let Some(theirs) = &entry.user_to_user {
                uri = uri.with_header("User-to-User", theirs.secret());
            }
        }
        let number = entry.edition.plan.numbers.first().and_then(|number| number.dialled.first());
        let number = number.map_or_else(|| "1357".to_owned(), |pattern| pattern.example());
        let us = format!("sip:{number}@{}", host(local.ip()));
        ReferRequest {
            target: uri,
            referred_by: us.parse().expect("a dialled number and an address make a URI"),
            subscribe,
        }
    }

    /// The address of a centre, as seen from where this caller is.
    pub(super) fn reachable(&self, uri: &SipUri, local: IpAddr) -> SipUri {
        match self.stand_ins && is_loopback(uri.host()) && !local.is_loopback() {
            true => uri.with_host(&host(local)),
            false => uri.clone(),
        }
    }

    pub(super) fn close(&mut self, stream: StreamKey, out: &mut Vec<Output>) {
        if self.streams.remove(&stream).is_some() {
            out.push(Output::CloseStream { stream });
        }
    }

    pub(super) fn close_stream(&mut self, call: CallKey, out: &mut Vec<Output>) {
        let Some(leg) = self.calls.get(&call).map(|entry| &entry.leg) else { return };
        let (stream, agreed) = (leg.stream, leg.configuration().is_some());
        self.close_last(call, stream, agreed, out);
    }

    /// Closes the stream of a call that is ending, which tells then how it sounded.
    pub(super) fn close_last(&mut self, call: CallKey, stream: StreamKey, agreed: bool, out: &mut Vec<Output>) {
        if self.streams.remove(&stream).is_some() {
            out.push(Output::CloseStream { stream });
            if agreed {
                self.partings.begin(stream, call);
            }
        }
    }

    /// Our side of the goodbye, if one is still owed.
    pub(super) fn part(&mut self, now: Now, entry: &mut Call, out: &mut Vec<Output>) {
        let dialog = entry.leg.dialog;
        match std::mem::replace(&mut entry.stage, Stage::Gone) {
            Stage::Arriving => self.agent(now, out, |agent, to| agent.reject(now, dialog, StatusCode::UNAVAILABLE, to)),
            Stage::Answered => {
                let reason = entry.session.cause().and_then(reason_of);
                self.agent(now, out, |agent, to| agent.bye(now, dialog, reason, to));
            }
            Stage::Gone => {}
        }
    }
}

/// What our BYE says of a cause in a record, in the numbers of Q.850 where the network has one.
fn reason_of(cause: &str) -> Option<Reason> {
    match cause {
        // Normal call clearing: a person was reached, or all was said.
        "transferred" | "announced" => Some(Reason::q850(16)),
        // Temporary failure.
        "shutdown" => Some(Reason::q850(41)),
        // Bearer capability not available after all.
        "media" => Some(Reason::q850(58)),
        // Recovery on timer expiry.
        "call-max" | "media-timeout" => Some(Reason::q850(102)),
        _ => None,
    }
}

/// A text as the value of `User-to-User`.
pub(super) fn in_hex(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex};encoding=hex")
}

pub(super) fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn is_loopback(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) || host == "localhost"
}
