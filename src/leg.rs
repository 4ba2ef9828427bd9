//! One leg of a call: a dialog, its offers and answers, its stream.
//!
//! Turns what the dialog brings (offers, answers, INFO) into descriptions to send and commands for the stream
//! (RFC 3264). What the call is about is known to `call::session`; a call owns legs, one at first.

use crate::media::{self, StreamKey};
use crate::number::Key;
use crate::sdp::{self, Chosen, Codecs, Direction, Local, Refusal, offer_answer};
use crate::sip::{DialogKey, EarlyMedia, Flow, Invite};
use crate::time::{Duration, Instant};

/// The same press by two ways (RFC 4733 and INFO) arrives within this.
const ONE_PRESS: Duration = Duration::from_millis(600);

/// One leg.
#[derive(Debug)]
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
            stream,
            flow: invite.flow,
            // A late offer without 100rel has nothing to play on before the answer.
            early_media: invite.early_media && (invite.reliable || invite.offer.is_some()),
            reliable: invite.reliable,
            offer: invite.offer,
            port: 0,
            session,
            version: session,
            codecs: Codecs::default(),
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
                self.sent = sdp::offer_answer::offer(self.local());
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
        self.open = Open::No;
        let body = body.ok_or(Refusal("the ACK answers no offer"))?;
        self.chosen = Some(offer_answer::accept(&body, self.codecs)?);
        Ok(self.configuration())
    }

    /// The answer to our description as it was, which a session refresh repeated.
    pub fn refreshed(&mut self, body: Option<Vec<u8>>) -> Result<Option<media::Command>, Refusal> {
        let body = body.ok_or(Refusal("no answer"))?;
        let chosen = offer_answer::accept(&body, self.codecs)?;
        if self.chosen.as_ref() == Some(&chosen) {
            return Ok(None);
        }
        self.chosen = Some(chosen);
        Ok(self.configuration())
    }

    /// A re-INVITE or UPDATE: our description for its 200 (RFC 3264 §8; a refusal leaves all as it was).
    pub fn reoffered(&mut self, offer: Option<Vec<u8>>) -> Result<(Vec<u8>, Option<media::Command>), Refusal> {
        let Some(offer) = offer else {
            self.sent = self.revised(|local| Ok(offer_answer::offer(local)))?;
            self.open = Open::Offered;
            return Ok((self.sent.clone(), None));
        };
        let mut chosen = None;
        self.sent = self.revised(|local| {
            let answer = offer_answer::answer(&offer, local)?;
            chosen = Some(answer.chosen);
            Ok(answer.sdp)
        })?;
        // Another telephone may take over from here, with other ways; one that only holds us stays the same.
        let remote = |chosen: &Option<Chosen>| chosen.as_ref().and_then(|chosen| chosen.remote);
        let moved = remote(&chosen).is_some_and(|to| remote(&self.chosen).is_some_and(|from| from != to));
        let silent = chosen.as_ref().is_some_and(|chosen| chosen.events.is_empty());
        self.events_heard &= !moved && !silent;
        self.chosen = chosen;
        Ok((self.sent.clone(), self.configuration()))
    }

    /// Our description at the present version, or at the next one if it differs from the last sent.
    fn revised(&mut self, mut describe: impl FnMut(Local) -> Result<Vec<u8>, Refusal>) -> Result<Vec<u8>, Refusal> {
        let same = describe(self.local())?;
        if same == self.sent {
            return Ok(same);
        }
        self.version += 1;
        describe(self.local())
    }

    /// The peer's side does not listen: it put us on hold.
    pub fn is_held(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| {
            matches!(chosen.direction, Direction::RecvOnly | Direction::Inactive) || chosen.remote.is_none()
        })
    }

    /// A key came by one of the ways; `None` when it is the echo of a press that already counted.
    pub fn pressed(&mut self, now: Instant, way: Way, key: Key) -> Option<Key> {
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
            && now.since(at) < ONE_PRESS
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
        }
    }
}

/// The key in an INFO: `application/dtmf-relay` ("Signal=1") or `application/dtmf` ("1"; some write "Signal=" there
/// too, and some the event code 10 or 11 for `*` and `#`).
pub fn info_key(content_type: &str, body: &[u8]) -> Option<Key> {
    if !matches!(content_type, "application/dtmf-relay" | "application/dtmf") {
        return None;
    }
    let text = std::str::from_utf8(body.get(..body.len().min(256))?).ok()?;
    let signal = text
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
        })
        .or_else(|| (!text.contains('=')).then(|| text.trim()))?;
    let mut characters = signal.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Key::from_char(one),
        _ => signal.parse().ok().and_then(Key::from_event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Caller, Dialled};
    use crate::sip::Transport;
    use crate::sip::identity::Identity;

    /// A leg that has agreed on these formats with a telephone at this port.
    fn agreed(formats: &str) -> Leg {
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
            offer: Some(offer(4000, formats)),
            replaces: None,
            reliable: false,
            early_media: false,
        };
        let mut leg = Leg::incoming(invite, StreamKey(1), 1);
        leg.opened(20_000).expect("the offer fits");
        leg
    }

    fn offer(port: u16, formats: &str) -> Vec<u8> {
        format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}\r\n")
            .into_bytes()
    }

    const EVENTS: &str = "8 101\r\na=rtpmap:101 telephone-event/8000";

    /// Presses as `rtp 1 at 0`, re-INVITEs as `offer 4000 at 5`; what counts.
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
                    leg.reoffered(Some(offer(port, EVENTS))).expect("the offer fits");
                    continue;
                }
            };
            let key = which.parse::<char>().ok().and_then(Key::from_char).expect("a key");
            counted.extend(leg.pressed(now, way, key).map(Key::as_char));
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
        // Another telephone has the call now.
        assert_eq!(counted(&mut agreed(EVENTS), &[("rtp 1", 0), ("offer 5000", 900), ("info 2", 2_000)]), "12");
    }

    #[test]
    fn an_info_names_one_key_in_every_form_seen() {
        for (content_type, body, key) in [
            ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n", Some('1')),
            ("application/dtmf-relay", "Signal= #\r\nDuration= 160", Some('#')),
            ("application/dtmf-relay", "signal=*\n", Some('*')),
            ("application/dtmf-relay", "Signal=11\r\nDuration=250\r\n", Some('#')),
            ("application/dtmf", "5", Some('5')),
            ("application/dtmf", "0\r\n", Some('0')),
            ("application/dtmf", "Signal=7\r\n", Some('7')),
            ("application/dtmf-relay", "Duration=160\r\n", None),
            ("application/dtmf-relay", "Signal=flash\r\n", None),
            ("application/dtmf", "", None),
            ("text/plain", "Signal=1", None),
        ] {
            assert_eq!(info_key(content_type, body.as_bytes()).map(Key::as_char), key, "{content_type} {body:?}");
        }
        assert_eq!(info_key("application/dtmf", b"\xff\xfe"), None);
    }
}
