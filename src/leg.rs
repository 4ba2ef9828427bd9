//! One leg of a call: a dialog, its offers and answers, its stream.
//!
//! Turns what the dialog brings (offers, answers, INFO) into descriptions to send and commands for the stream
//! (RFC 3264). What the call is about is known to `call::session`; a call owns legs, one at first.

use crate::media::{self, StreamKey};
use crate::number::Key;
use crate::random::Secrets;
use crate::sdp::crypto::Crypto;
use crate::sdp::{Chosen, Codecs, Direction, Keys, Local, Refusal, Secured, Security, offer_answer};
use crate::sip::trunk::Srtp;
use crate::sip::{DialogKey, EarlyMedia, Flow, Invite};
use crate::time::{Duration, Instant};

/// The same press by two ways (RFC 4733 and INFO) arrives within this.
const ONE_PRESS: Duration = Duration::from_millis(600);
/// An INFO that comes when the key is let go tells how long it was held. Longer than this nobody holds one.
const HELD_MAX: Duration = Duration::from_secs(5);

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
    crypto: Vec<Crypto>,
    /// The last description sent: repeated unchanged, it keeps its version (RFC 3264 §8).
    sent: Vec<u8>,
    chosen: Option<Chosen>,
    open: Open,
    last_press: Option<(Way, Key, Instant)>,
    /// Keys come as RTP events, as agreed: then an INFO tells of the same presses, however late its copy arrives.
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

/// How a key came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As an RTP event.
    Rtp,
    /// In a SIP INFO.
    Info,
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
            crypto: Vec::new(),
            sent: Vec::new(),
            chosen: None,
            open: Open::No,
            last_press: None,
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
                (self.sent, self.crypto) = (offer.sdp, offer.crypto);
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
        self.chosen = Some(offer_answer::accept(body, self.codecs, &self.crypto)?);
        Ok(self.configuration())
    }

    /// The answer to our description as it was, which a session refresh repeated.
    pub fn refreshed(&mut self, body: Option<Vec<u8>>) -> Result<Option<media::Command>, Refusal> {
        let body = body.ok_or(Refusal("no answer"))?;
        // It may have more lines than the one that was taken, yet a key that is changed now could have been used before.
        let line = self.secured().map(|secured| Crypto::new(secured.tag, secured.ours));
        let chosen = offer_answer::accept(&body, self.codecs, line.as_slice())?;
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
            let mut crypto = Vec::new();
            self.sent = self.revised(self.keys, |local| {
                let offer = offer_answer::offer(local, now.as_ref())?;
                crypto = offer.crypto;
                Ok(offer.sdp)
            })?;
            self.crypto = crypto;
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

    /// A key came by one of the ways, pressed for so long already; `None` when it is the echo of a press that counted.
    pub fn pressed(&mut self, now: Instant, way: Way, key: Key, held: Duration) -> Option<Key> {
        match way {
            Way::Info if self.events_heard => return None,
            Way::Info => {}
            // Without events agreed it was a tone, which a voice may have made: INFO stays a way.
            Way::Rtp => {
                self.events_heard |= self.chosen.as_ref().is_some_and(|chosen| !chosen.events.is_empty());
            }
        }
        if let Some((last_way, last_key, at)) = self.last_press
            && last_way != way
            && last_key == key
            && now.since(at) < ONE_PRESS + held
        {
            self.last_press = None;
            return None;
        }
        self.last_press = Some((way, key, now));
        Some(key)
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
mod tests {
    use super::*;
    use crate::number::{Caller, Dialled};
    use crate::sdp::Suite;
    use crate::sip::Transport;
    use crate::sip::identity::Identity;

    /// A leg that has agreed on these formats with a telephone at this port.
    fn agreed(formats: &str) -> Leg {
        let mut leg = arriving(Some(offer(4000, formats)));
        leg.opened(20_000).expect("the offer fits");
        leg
    }

    fn arriving(offer: Option<Vec<u8>>) -> Leg {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: "127.0.0.1:5070".parse().expect("an address"),
            connection: 0,
        };
        let invite = Invite {
            dialog: DialogKey(1),
            flow,
            call_id: "a".to_owned(),
            dialled: Dialled::new("1357"),
            trunk: None,
            identity: Identity {
                caller: Caller::new("01012345678"),
                asserted: false,
                diverted: None,
                user_to_user: None,
            },
            offer,
            replaces: None,
            reliable: false,
            early_media: false,
        };
        Leg::incoming(invite, StreamKey(1), 1)
    }

    fn offer(port: u16, formats: &str) -> Vec<u8> {
        described(&format!("{port} RTP/AVP {formats}"))
    }

    fn described(audio: &str) -> Vec<u8> {
        format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {audio}\r\n")
            .into_bytes()
    }

    /// A line of keys: the n-th of a suite.
    fn crypto(tag: u32, suite: Suite, n: u8) -> String {
        let key = Keys::new([[n; 44]; 4]).of(suite);
        format!("4000 RTP/SAVP 8\r\na=crypto:{}", Crypto::new(tag, key).line())
    }

    /// The key in our description.
    fn our_key(description: &[u8]) -> Option<Crypto> {
        let text = std::str::from_utf8(description).expect("ours is ASCII");
        text.lines().find_map(|line| Crypto::read(line.strip_prefix("a=crypto:")?.as_bytes()))
    }

    const EVENTS: &str = "8 101\r\na=rtpmap:101 telephone-event/8000";

    /// Presses as `rtp 1 at 0`, `info 1 700` after 700 ms of holding the key, re-INVITEs as `offer 4000 at 5`; what counts.
    fn counted(leg: &mut Leg, steps: &[(&str, u64)]) -> String {
        let mut counted = String::new();
        for (step, at) in steps {
            let now = Instant::START + Duration::from_millis(*at);
            let mut words = step.split(' ');
            let (what, which) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let way = match what {
                "rtp" => Way::Rtp,
                "info" => Way::Info,
                _ => {
                    let port = which.parse().expect("a port");
                    leg.reoffered(Some(offer(port, EVENTS)), true, &mut Secrets::from_number(1))
                        .expect("the offer fits");
                    continue;
                }
            };
            let key = which.parse::<char>().ok().and_then(Key::from_char).expect("a key");
            let held = words.next().map_or(0, |millis| millis.parse().expect("milliseconds"));
            counted.extend(leg.pressed(now, way, key, Duration::from_millis(held)).map(Key::as_char));
        }
        counted
    }

    #[test]
    fn a_press_that_comes_as_events_and_by_info_counts_once_however_late_the_info_is() {
        assert_eq!(counted(&mut agreed(EVENTS), &[("rtp 1", 0), ("info 1", 40)]), "1");
        assert_eq!(counted(&mut agreed(EVENTS), &[("info 1", 0), ("rtp 1", 40), ("rtp 2", 900)]), "12");
        // Its first two copies were lost; a hold lies between.
        assert_eq!(counted(&mut agreed(EVENTS), &[("rtp 1", 0), ("offer 4000", 500), ("info 1", 1_540)]), "1");
        assert_eq!(counted(&mut agreed(EVENTS), &[("rtp 1", 0), ("info 1", 9_000), ("rtp 1", 20_000)]), "11");
    }

    #[test]
    fn info_stays_a_way_where_no_event_has_come() {
        assert_eq!(counted(&mut agreed(EVENTS), &[("info 1", 0), ("info 1", 700)]), "11");
        // Without events agreed, what came by RTP was a tone, perhaps of a voice.
        assert_eq!(counted(&mut agreed("8"), &[("rtp 5", 0), ("info 1", 2_000)]), "51");
        // One press of a telephone that sends both.
        assert_eq!(counted(&mut agreed("8"), &[("rtp 5", 0), ("info 5", 90), ("rtp 5", 800)]), "55");
        assert_eq!(counted(&mut agreed("8"), &[("info 5", 0), ("rtp 5", 90), ("info 5", 800), ("rtp 5", 890)]), "55");
        // The tone is heard while the key is held, the INFO comes when it is let go.
        assert_eq!(counted(&mut agreed("8"), &[("rtp 5", 0), ("info 5 1500", 1_450), ("rtp 5", 3_000)]), "55");
        assert_eq!(counted(&mut agreed("8"), &[("rtp 5", 0), ("info 5 100", 1_450)]), "55", "pressed again");
        // Another telephone has the call now.
        assert_eq!(counted(&mut agreed(EVENTS), &[("rtp 1", 0), ("offer 5000", 900), ("info 2", 2_000)]), "12");
    }

    #[test]
    fn our_key_stays_as_long_as_the_peers_does_and_none_is_ever_used_a_second_time() {
        const SHA: Suite = Suite::AesCm128Sha1Tag80;
        const GCM: Suite = Suite::AesGcm256;
        let secrets = &mut Secrets::from_number(1);
        let mut leg = arriving(Some(described(&crypto(1, SHA, 1)))).securing(Security::Either, secrets);
        leg.opened(20_000).expect("the offer fits");
        let first = our_key(&leg.description()).expect("secured");
        let mut used = vec![first.key];
        let mut reoffered = |leg: &mut Leg, audio: &str| {
            let (description, command) = leg.reoffered(Some(described(audio)), true, secrets).expect("the offer fits");
            let told = command.is_some_and(|command| {
                let media::Command::Configure(chosen) = command else { return false };
                chosen.secured.map(|secured| secured.ours) == our_key(&description).map(|line| line.key)
            });
            assert!(told, "the stream knows what the peer was told");
            our_key(&description)
        };
        // Held and back, with the same key.
        for direction in ["sendonly", "sendrecv"] {
            let audio = format!("{}\r\na={direction}", crypto(4, SHA, 1));
            assert_eq!(
                reoffered(&mut leg, &audio).map(|line| (line.tag, line.key)),
                Some((4, first.key)),
                "{direction}"
            );
        }
        // Another key, another suite, back to the first suite and even to the first key, through plain sound.
        for audio in [
            crypto(1, SHA, 2),
            crypto(1, GCM, 2),
            crypto(1, SHA, 1),
            "4000 RTP/AVP 8".to_owned(),
            crypto(1, SHA, 1),
            crypto(1, GCM, 2),
        ] {
            let line = reoffered(&mut leg, &audio);
            assert_eq!(line.is_none(), audio.contains("RTP/AVP"), "{audio}");
            if let Some(line) = line {
                assert!(!used.contains(&line.key), "{audio}: a key that was used");
                used.push(line.key);
            }
        }
        // A refused offer changes nothing.
        let refused = crypto(1, GCM, 3).replace("RTP/SAVP 8", "RTP/SAVP 18");
        assert!(leg.reoffered(Some(described(&refused)), true, secrets).is_err());
        let (description, _) = leg.reoffered(Some(described(&crypto(1, GCM, 2))), true, secrets).expect("as it was");
        assert_eq!(our_key(&description).map(|line| line.key), used.last().copied());
        // Our own offer has what is in use, and its answer may bring a new key of the peer's.
        let (description, _) = leg.reoffered(None, true, secrets).expect("an offer");
        assert_eq!(our_key(&description).map(|line| line.key), used.last().copied());
        let command = leg.acknowledged(Some(described(&crypto(1, GCM, 9)))).expect("accepted");
        let Some(media::Command::Configure(chosen)) = command else { panic!("the stream is told") };
        let secured = chosen.secured.expect("secured");
        assert_eq!((Some(&secured.ours), secured.theirs), (used.last(), Keys::new([[9; 44]; 4]).of(GCM)));
        // A refresh repeats our description; what it agrees on is the same, or nothing new.
        assert!(leg.refreshed(Some(described(&crypto(1, GCM, 9)))).expect("understood").is_none());
        assert!(leg.refreshed(Some(described(&crypto(2, SHA, 9)))).is_err());
    }

    #[test]
    fn a_late_offer_of_ours_is_encrypted_where_it_must_be() {
        let secrets = &mut Secrets::from_number(1);
        let mut leg = arriving(None).securing(Security::Secure, secrets);
        leg.opened(20_000).expect("an offer");
        let text = String::from_utf8(leg.description()).expect("ASCII");
        assert!(text.contains("m=audio 20000 RTP/SAVP ") && text.matches("a=crypto:").count() == 4, "{text}");
        let mut plain = arriving(None).securing(Security::Secure, secrets);
        plain.opened(20_000).expect("an offer");
        assert!(plain.acknowledged(Some(described("4000 RTP/AVP 8"))).is_err(), "it was not offered");
        let command = leg.acknowledged(Some(described(&crypto(2, Suite::AesGcm256, 5)))).expect("accepted");
        let Some(media::Command::Configure(chosen)) = command else { panic!("the stream is told") };
        let ours = chosen.secured.expect("secured").ours;
        assert!(text.contains(&Crypto::new(2, ours).line()), "the key of the line that was chosen");
        // Where keys would be read, nothing is offered.
        assert!(arriving(None).securing(Security::Never, secrets).opened(20_000).is_err());
        let mut exposed = arriving(None).securing(Security::Exposed, secrets);
        exposed.opened(20_000).expect("an offer");
        assert_eq!(our_key(&exposed.description()), None);
    }

    #[test]
    fn a_request_that_others_can_read_meets_no_key_and_leaves_the_call_as_it_was() {
        let secrets = &mut Secrets::from_number(1);
        let encrypted = crypto(1, Suite::AesCm128Sha1Tag80, 1);
        let mut leg = arriving(Some(described(&encrypted))).securing(Security::Either, secrets);
        leg.opened(20_000).expect("the offer fits");
        let before = leg.description();
        for offer in [Some(described(&encrypted)), Some(described("4000 RTP/AVP 8")), None] {
            assert!(leg.reoffered(offer, false, secrets).is_err());
            assert_eq!(leg.description(), before);
        }
        // A call without keys goes on, and gets none there; by TLS it may have one later.
        let mut plain = arriving(Some(described("4000 RTP/AVP 8"))).securing(Security::Either, secrets);
        plain.opened(20_000).expect("the offer fits");
        assert!(plain.reoffered(Some(described(&encrypted)), false, secrets).is_err());
        let (answer, _) = plain.reoffered(Some(described("4000 RTP/AVP 8")), false, secrets).expect("plain as before");
        assert_eq!(our_key(&answer), None);
        assert_eq!(our_key(&plain.reoffered(None, false, secrets).expect("an offer").0), None);
        plain.acknowledged(Some(described("4000 RTP/AVP 8"))).expect("an answer");
        assert!(our_key(&plain.reoffered(Some(described(&encrypted)), true, secrets).expect("by TLS").0).is_some());
    }

    #[test]
    fn what_a_stream_is_told_prints_no_key() {
        let mut leg = arriving(Some(described(&crypto(1, Suite::AesGcm256, 89))))
            .securing(Security::Either, &mut Secrets::from_number(1));
        leg.opened(20_000).expect("the offer fits");
        let line = our_key(&leg.description()).expect("secured").line();
        let key = line.rsplit(':').next().expect("a key");
        let printed = format!("{:?} {:?}", leg.configuration(), leg.local());
        assert!(!printed.contains(key) && !printed.contains("inline") && !printed.contains("89, 89"), "{printed}");
    }

    #[test]
    fn an_info_names_one_key_in_every_form_seen() {
        for (content_type, body, key) in [
            ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n", Some(('1', 160))),
            ("application/dtmf-relay", "Signal= #\r\nDuration= 160", Some(('#', 160))),
            ("application/dtmf-relay", "signal=*\n", Some(('*', 0))),
            ("application/dtmf-relay", "Signal=11\r\nDuration=250\r\n", Some(('#', 250))),
            ("application/dtmf-relay", "Signal=1\r\nDuration=-1\r\n", Some(('1', 0))),
            ("application/dtmf-relay", "Signal=1\r\nDuration=18446744073709551615\r\n", Some(('1', 5000))),
            ("application/dtmf", "5", Some(('5', 0))),
            ("application/dtmf", "0\r\n", Some(('0', 0))),
            ("application/dtmf", "Signal=7\r\n", Some(('7', 0))),
            ("application/dtmf-relay", "Duration=160\r\n", None),
            ("application/dtmf-relay", "Signal=flash\r\n", None),
            ("application/dtmf", "", None),
            ("text/plain", "Signal=1", None),
        ] {
            let read = info_key(content_type, body.as_bytes()).map(|(key, held)| (key.as_char(), held.as_millis()));
            assert_eq!(read, key, "{content_type} {body:?}");
        }
        assert_eq!(info_key("application/dtmf", b"\xff\xfe"), None);
    }
}
