//! One leg of a call: a dialog, its offers and answers, its stream.
//!
//! Turns what the dialog brings (offers, answers, INFO) into descriptions to send and commands for the stream
//! (RFC 3264). What the call is about is known to `call::session`; a call owns legs, one at first.

mod presses;

use crate::media::{self, StreamKey};
use crate::number::Key;
use crate::random::Secrets;
use crate::sdp::crypto::Crypto;
use crate::sdp::{Asked, Chosen, Codecs, Direction, Keys, Local, Refusal, Secured, Security, offer_answer};
use crate::sip::trunk::Srtp;
use crate::sip::{DialogKey, EarlyMedia, Flow, Invite};
use crate::time::{Duration, Instant};
use presses::{HELD_MAX, Presses, Way};

/// One leg. It does not print: its descriptions may hold keys.
pub struct Leg {
    /// Its dialog.
    pub dialog: DialogKey,
    /// Its stream.
    pub stream: StreamKey,
    /// Where its signalling goes.
    pub flow: Flow,
    offer: Option<Vec<u8>>,
    /// Sound before the answer reaches the caller.
    early_media: bool,
    /// Provisional responses are reliable.
    reliable: bool,
    port: u16,
    session: u64,
    version: u64,
    codecs: Codecs,
    security: Security,
    /// What we encrypt with, if we do; those of zeros are no keys, and nothing is secured with them.
    keys: Keys,
    /// The lines of `a=crypto` in our open offer.
    asked: Asked,
    /// The last description sent: repeated unchanged, it keeps its version (RFC 3264 §8).
    sent: Vec<u8>,
    chosen: Option<Chosen>,
    open: Open,
    presses: Presses,
    /// Keys come as RTP events, as agreed.
    events_heard: bool,
}

/// An offer of ours that waits for its answer in an ACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Open {
    /// None.
    No,
    /// In our 200.
    Offered,
}

impl Leg {
    /// The leg of a call that arrived. `session` is its `o=` session id.
    pub fn incoming(invite: Invite, stream: StreamKey, session: u64) -> Self {
        Self {
            dialog: invite.dialog,
            // A late offer without 100rel has nothing to play on before the answer.
            early_media: invite.early_media && (invite.reliable || invite.offer.is_some()),
            reliable: invite.reliable,
            offer: invite.offer,
            ..Self::outgoing(invite.flow, stream, session)
        }
    }

    /// A leg that we place, from this address of ours: its dialog is known when its INVITE leaves.
    pub fn outgoing(flow: Flow, stream: StreamKey, session: u64) -> Self {
        Self {
            dialog: DialogKey(0),
            stream,
            flow,
            early_media: false,
            reliable: false,
            offer: None,
            port: 0,
            session,
            version: session,
            codecs: Codecs::default(),
            security: Security::Plain,
            keys: Keys::NONE,
            asked: Asked::default(),
            sent: Vec::new(),
            chosen: None,
            open: Open::No,
            presses: Presses::default(),
            events_heard: false,
        }
    }

    /// What its prompts are held in.
    pub fn speaking(mut self, codecs: Codecs) -> Self {
        self.codecs = codecs;
        self
    }

    /// How its sound may travel.
    pub fn securing(mut self, security: Security, secrets: &mut Secrets) -> Self {
        self.security = security;
        if matches!(security, Security::Either | Security::Secure) {
            self.keys = fresh(secrets);
        }
        self
    }

    /// The socket is bound: our description for the 200, an answer or, for a late offer, our offer.
    pub fn opened(&mut self, port: u16) -> Result<(), Refusal> {
        self.port = port;
        match self.offer.take() {
            Some(offer) => {
                let answer = offer_answer::answer(&offer, self.local())?;
                self.sent = answer.sdp;
                self.chosen = Some(answer.chosen);
            }
            None => {
                let offer = offer_answer::offer(self.local(), None)?;
                (self.sent, self.asked) = (offer.sdp, offer.asked);
                self.open = Open::Offered;
            }
        }
        Ok(())
    }

    /// The description for our 200.
    pub fn description(&self) -> Vec<u8> {
        self.sent.clone()
    }

    /// Sound may flow before our 200.
    pub fn allows_early_media(&self) -> bool {
        self.early_media
    }

    /// Our 183 has a PRACK, which says that the caller has it.
    pub fn is_reliable(&self) -> bool {
        self.reliable
    }

    /// Which way it may go.
    pub fn early_media(&self) -> EarlyMedia {
        match self.chosen.as_ref().map(|chosen| chosen.direction) {
            None | Some(Direction::SendRecv) => EarlyMedia::SendRecv,
            Some(Direction::SendOnly) => EarlyMedia::SendOnly,
            Some(Direction::RecvOnly) => EarlyMedia::RecvOnly,
            Some(Direction::Inactive) => EarlyMedia::Inactive,
        }
    }

    /// What the stream must know now.
    pub fn configuration(&self) -> Option<media::Command> {
        self.chosen.clone().map(media::Command::Configure)
    }

    /// The ACK of our 200: completes a late offer.
    pub fn acknowledged(&mut self, body: Option<Vec<u8>>) -> Result<Option<media::Command>, Refusal> {
        if self.open == Open::No {
            return Ok(None);
        }
        let answered = body.ok_or(Refusal("the ACK answers no offer")).and_then(|body| self.early(&body));
        self.open = Open::No;
        answered
    }

    /// The answer to our offer in a provisional response. The final one may come from another telephone, and is asked for all the same
    /// (RFC 3261 §13.2.2.4).
    pub fn early(&mut self, body: &[u8]) -> Result<Option<media::Command>, Refusal> {
        if self.open == Open::No {
            return Ok(None);
        }
        self.chosen = Some(offer_answer::accept(body, self.local(), &self.asked)?);
        Ok(self.configuration())
    }

    /// The answer to our description as it was, which a session refresh repeated.
    pub fn refreshed(&mut self, body: Option<Vec<u8>>) -> Result<Option<media::Command>, Refusal> {
        let body = body.ok_or(Refusal("no answer"))?;
        // It may have more lines than the one that was taken, yet a key that is changed now could have been used before.
        let line = self.secured().map(|secured| Crypto::new(secured.tag, secured.ours));
        let asked = Asked { crypto: line.into_iter().collect(), optional: false };
        let chosen = offer_answer::accept(&body, self.local(), &asked)?;
        if self.chosen.as_ref() == Some(&chosen) {
            return Ok(None);
        }
        self.chosen = Some(chosen);
        Ok(self.configuration())
    }

    /// A re-INVITE or UPDATE: our description for its 200 (RFC 3264 §8; a refusal leaves all as it was). Unless it is `hidden`, it came where
    /// others can read it: no key of ours is told there, and a secured call stays as it is.
    pub fn reoffered(
        &mut self,
        offer: Option<Vec<u8>>,
        hidden: bool,
        secrets: &mut Secrets,
    ) -> Result<(Vec<u8>, Option<media::Command>), Refusal> {
        if hidden {
            return self.revise(offer, secrets);
        }
        if self.secured().is_some() {
            return Err(Refusal("the signalling would show the keys of SRTP: this request did not come by TLS"));
        }
        let open = match self.security {
            Security::Either => Security::Exposed,
            Security::Secure => Security::Never,
            security @ (Security::Plain | Security::Exposed | Security::Never) => security,
        };
        let usual = std::mem::replace(&mut self.security, open);
        let answered = self.revise(offer, secrets);
        self.security = usual;
        answered
    }

    fn revise(
        &mut self,
        offer: Option<Vec<u8>>,
        secrets: &mut Secrets,
    ) -> Result<(Vec<u8>, Option<media::Command>), Refusal> {
        let Some(offer) = offer else {
            let now = self.chosen.clone();
            let mut asked = Asked::default();
            self.sent = self.revised(self.keys, |local| {
                let offer = offer_answer::offer(local, now.as_ref())?;
                asked = offer.asked;
                Ok(offer.sdp)
            })?;
            self.asked = asked;
            self.open = Open::Offered;
            return Ok((self.sent.clone(), None));
        };
        // Our key stays as long as the peer's does: our packets go on counting under it. With another of theirs ours is new too:
        // a peer that begins anew expects our count to begin anew (RFC 3711 §9.1 forbids to begin it under a key that was used).
        let theirs = |secured: &Secured| secured.theirs;
        let offered = offer_answer::answer(&offer, self.local())?.chosen.secured;
        let stays = offered.as_deref().map(theirs) == self.secured().map(theirs);
        let keys = if offered.is_none() || stays { self.keys } else { fresh(secrets) };
        let mut chosen = None;
        self.sent = self.revised(keys, |local| {
            let answer = offer_answer::answer(&offer, local)?;
            chosen = Some(answer.chosen);
            Ok(answer.sdp)
        })?;
        self.keys = keys;
        // Another telephone may take over from here, with other ways; one that only holds us stays the same.
        let remote = |chosen: &Option<Chosen>| chosen.as_ref().and_then(|chosen| chosen.remote);
        let moved = remote(&chosen).is_some_and(|to| remote(&self.chosen).is_some_and(|from| from != to));
        let silent = chosen.as_ref().is_some_and(|chosen| chosen.events.is_empty());
        self.events_heard &= !moved && !silent;
        if moved {
            self.presses.clear();
        }
        self.chosen = chosen;
        Ok((self.sent.clone(), self.configuration()))
    }

    /// Our description at the present version, or at the next one if it differs from the last sent.
    fn revised(
        &mut self,
        keys: Keys,
        mut describe: impl FnMut(Local) -> Result<Vec<u8>, Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        let same = describe(Local { keys, ..self.local() })?;
        if same == self.sent {
            return Ok(same);
        }
        self.version += 1;
        describe(Local { keys, ..self.local() })
    }

    /// The keys of its sound, if it is encrypted.
    fn secured(&self) -> Option<&Secured> {
        self.chosen.as_ref()?.secured.as_deref()
    }

    /// The peer's side does not listen: it put us on hold.
    pub fn is_held(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| {
            matches!(chosen.direction, Direction::RecvOnly | Direction::Inactive) || chosen.remote.is_none()
        })
    }

    /// The peer's side listens and speaks.
    pub fn is_heard(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.direction == Direction::SendRecv && chosen.remote.is_some())
    }

    /// A key came as an event or a tone; `None` when it is the echo of a press that counted.
    pub fn pressed(&mut self, now: Instant, key: Key) -> Option<Key> {
        let way = if self.takes_events() { Way::Event } else { Way::Tone };
        self.events_heard |= way == Way::Event;
        self.presses.counts(now, way, key, Duration::ZERO).then_some(key)
    }

    /// A key came in an INFO (RFC 6086), held for so long by then; `None` when it is the echo of a press that counted.
    pub fn informed(&mut self, now: Instant, key: Key, held: Duration) -> Option<Key> {
        self.presses.counts(now, Way::Info, key, held).then_some(key)
    }

    /// The tone of a key is over.
    pub fn released(&mut self, now: Instant, key: Key) {
        self.presses.released(now, key);
    }

    /// Its keys come as events, and reach whoever it talks with by themselves.
    pub fn tells_events(&self) -> bool {
        self.events_heard
    }

    fn takes_events(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| !chosen.events.is_empty())
    }

    fn local(&self) -> Local {
        Local {
            ip: self.flow.local.ip(),
            port: self.port,
            session: self.session,
            version: self.version,
            codecs: self.codecs,
            security: self.security,
            keys: self.keys,
        }
    }
}

/// How the sound of a call may travel; `hidden`: nobody reads its signalling, or the settings say that it may be read.
pub fn security(srtp: Srtp, hidden: bool) -> Security {
    match (srtp, hidden) {
        (Srtp::Off, _) => Security::Plain,
        (Srtp::Optional, true) => Security::Either,
        (Srtp::Optional, false) => Security::Exposed,
        (Srtp::Required, true) => Security::Secure,
        (Srtp::Required, false) => Security::Never,
    }
}

/// A key of each suite that was never used.
fn fresh(secrets: &mut Secrets) -> Keys {
    Keys::new(std::array::from_fn(|_| secrets.bytes()))
}

/// The key in an INFO and how long it was held: `application/dtmf-relay` ("Signal=1", "Duration=160") or `application/dtmf` ("1"; some write "Signal=" there
/// too, and some the event code 10 or 11 for `*` and `#`).
pub fn info_key(content_type: &str, body: &[u8]) -> Option<(Key, Duration)> {
    if !matches!(content_type, "application/dtmf-relay" | "application/dtmf") {
        return None;
    }
    let text = std::str::from_utf8(body.get(..body.len().min(256))?).ok()?;
    let named = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let signal = named("signal").or_else(|| (!text.contains('=')).then(|| text.trim()))?;
    let mut characters = signal.chars();
    let key = match (characters.next(), characters.next()) {
        (Some(one), None) => Key::from_char(one),
        _ => signal.parse().ok().and_then(Key::from_event),
    };
    let held = named("duration").and_then(|millis| millis.parse().ok()).map_or(Duration::ZERO, Duration::from_millis);
    Some((key?, held.min(HELD_MAX)))
}

#[cfg(test)]
mod tests;
