//! Offer and answer as functions (RFC 3264): what arrived in, what to send and what was agreed out.
//!
//! One audio line is taken, by RTP or SRTP with a codec of ours, at an address we can reach; every other line is
//! refused in its place. Whose turn it is to offer, and when, is known to `leg`; what stands in `a=crypto`, to `crypto`.

use super::codec::{Codec, Codecs};
use super::crypto::{Crypto, Keys, Secured, Suite};
use super::opus::Manner;
use super::reader::{Connection, Description, Encoding, Media, read};
use super::writer;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where reports (RTCP) come and go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Control {
    /// Beside the sound on its port (RFC 5761).
    Muxed,
    /// Here: what `a=rtcp` says (RFC 3605), else the port above that of the sound.
    Apart(SocketAddr),
    /// Nowhere: no bandwidth is left for them (RFC 3556), or there is no address.
    Off,
}

/// Who may send, seen from us (RFC 3264 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// Only we send: the peer has us on hold, or listens.
    SendOnly,
    /// Only the peer sends.
    RecvOnly,
    /// Nobody.
    Inactive,
}

/// How key presses arrive as events (RFC 4733).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Events {
    /// Payload type of `telephone-event`.
    pub payload_type: u8,
    /// Its clock rate: 8000, or 16000/48000 beside 8000 Hz audio.
    pub clock: u32,
}

/// What both sides agreed on for the one audio stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// Where the peer says it listens; `None` when it gave 0.0.0.0 (hold, RFC 2543 style).
    pub remote: Option<SocketAddr>,
    /// The codec.
    pub codec: Codec,
    /// Its payload type as the peer numbers it.
    pub payload_type: u8,
    /// What else the peer may send, and under which numbers: an answer may take several of our codecs, and any of them may come
    /// (RFC 3264 §7).
    pub others: Vec<(u8, Codec)>,
    /// How the peer wants Opus.
    pub manner: Manner,
    /// Packet length we send: the peer's `ptime` within 10–60 ms, else 20 ms; of Opus always 20 ms.
    pub packet: Duration,
    /// Key events, when the peer has them (every `telephone-event` format it listed).
    pub events: Vec<Events>,
    /// The direction from our side.
    pub direction: Direction,
    /// Reports.
    pub control: Control,
    /// The keys of SRTP; `None`: plain RTP. Few calls have them, and commands are copied.
    pub secured: Option<Box<Secured>>,
}

/// What sound may travel by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Security {
    /// Plain RTP alone.
    #[default]
    Plain,
    /// Plain RTP alone, though SRTP would do: whoever reads the signalling would read the keys.
    Exposed,
    /// Whatever is offered.
    Either,
    /// SRTP alone.
    Secure,
    /// Nothing: SRTP alone would do, and its keys would be read.
    Never,
}

/// An answer to send and what it agreed on.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub sdp: Vec<u8>,
    /// What was agreed.
    pub chosen: Chosen,
}

/// Our side of a description.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Our address as the peer sees it.
    pub ip: IpAddr,
    /// Our RTP port.
    pub port: u16,
    /// `o=` session id, the same for the whole dialog.
    pub session: u64,
    /// `o=` version, one more for each changed description.
    pub version: u64,
    /// What we speak.
    pub codecs: Codecs,
    /// What it may travel by.
    pub security: Security,
    /// What we encrypt with, if we do.
    pub keys: Keys,
}

/// An offer to send.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The body.
    pub sdp: Vec<u8>,
    /// What an answer must agree to.
    pub asked: Asked,
}

/// The lines of `a=crypto` in an offer of ours, one of which the answer repeats.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Asked {
    /// The lines.
    pub crypto: Vec<Crypto>,
    /// An answer without any of them means plain RTP (RFC 8643).
    pub optional: bool,
}

/// Why an offer or answer does not do: 488 for an offer, the end for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal(pub &'static str);

/// Packet time when the peer asks for none (RFC 3551 §4.2).
const PACKET: Duration = Duration::from_millis(20);
/// Packet times we send, in milliseconds. Shorter floods the peer, longer makes menus sluggish.
const PTIMES: std::ops::RangeInclusive<u8> = 10..=60;
/// `telephone-event` in our own offers, at each clock that sound may have: 101 is the number everybody uses.
const OUR_EVENTS: [Events; 2] =
    [Events { payload_type: 101, clock: 8000 }, Events { payload_type: 110, clock: Codec::Opus.clock() }];

/// The payload types that are given meanings by descriptions (RFC 3551 §6).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// Answers an offer: one audio line taken, all others refused with port 0, every line in its place.
pub fn answer(offer: &[u8], local: Local) -> Result<Answer, Refusal> {
    let offer = read(offer)?;
    let mut taken: Option<(usize, Chosen)> = None;
    let mut reason = Refusal("no audio line");
    for (index, media) in offer.media.iter().enumerate().rev() {
        let ours = |media: &Media<'_>| preferred(media, local.codecs);
        let secured = |media: &Media<'_>| secured(media, local);
        match choose(&offer, media, local.ip, ours, secured) {
            // The first one that fits; one with SRTP before one without.
            Ok(chosen) => {
                if chosen.secured.is_some() || taken.as_ref().is_none_or(|(_, taken)| taken.secured.is_none()) {
                    taken = Some((index, chosen));
                }
            }
            // The first audio line's reason is the one worth a log line.
            Err(refusal) if is_audio(media) => reason = refusal,
            Err(_) => {}
        }
    }
    let Some((index, chosen)) = taken else {
        return Err(reason);
    };

    let mut sdp = writer::session(local, offer.times.unwrap_or((0, 0)));
    for (at, media) in offer.media.iter().enumerate() {
        if at == index {
            let events = answered_events(&chosen.events, chosen.codec.clock());
            let codec = [(chosen.codec, chosen.payload_type)];
            let mux = chosen.control == Control::Muxed;
            let crypto = chosen.secured.as_ref().map(|secured| Crypto::new(secured.tag, secured.ours));
            writer::audio(
                &mut sdp,
                local.port,
                media.protocol,
                &codec,
                &events,
                chosen.packet,
                chosen.direction,
                mux,
                crypto.as_slice(),
            );
        } else {
            let format = media.formats.first().copied().unwrap_or(b"0");
            writer::refused(&mut sdp, media.kind, media.protocol, format);
        }
    }
    Ok(Answer { sdp, chosen })
}

/// Our own offer, for an INVITE without one: our codecs, telephone-event. What is agreed now is offered again as it is: with
/// its key, if it has one. Where SRTP is optional, a first offer asks to try it (RFC 8643).
pub fn offer(local: Local, now: Option<&Chosen>) -> Result<Offer, Refusal> {
    let all = || (1..).zip(Suite::ALL).map(|(tag, suite)| Crypto::new(tag, local.keys.of(suite))).collect();
    let (protocol, crypto): (&[u8], Vec<Crypto>) = match (now.map(|now| now.secured.as_deref()), local.security) {
        (Some(Some(Secured { ours, profile: true, .. })), _) => (b"RTP/SAVP", vec![Crypto::new(1, *ours)]),
        (Some(Some(Secured { ours, profile: false, .. })), _) => (b"RTP/AVP", vec![Crypto::new(1, *ours)]),
        (_, Security::Never) => return Err(EXPOSED),
        (_, Security::Secure) => (b"RTP/SAVP", all()),
        // Asked to try: the profile of plain RTP, so that whoever knows no SRTP answers all the same (RFC 8643 §3.1).
        (None, Security::Either) => (b"RTP/AVP", all()),
        (_, Security::Plain | Security::Exposed | Security::Either) => (b"RTP/AVP", Vec::new()),
    };
    let optional = now.is_none() && local.security == Security::Either;
    let mut sdp = writer::session(local, (0, 0));
    let mut numbers = Numbers::of(now);
    let codecs: Vec<_> = local.codecs.iter().map(|codec| (codec, numbers.codec(codec))).collect();
    let events: Vec<_> = offered_events(local.codecs).map(|events| numbers.events(events)).collect();
    let both = Direction::SendRecv;
    writer::audio(&mut sdp, local.port, protocol, &codecs, &events, PACKET, both, true, &crypto);
    Ok(Offer { sdp, asked: Asked { crypto, optional } })
}

/// The numbers of formats in an offer of ours. What a number stands for may not change while a dialog lives (RFC 3264 §8.3.2): those that
/// are agreed on now stay, and the others keep away from them.
struct Numbers<'n> {
    now: Option<&'n Chosen>,
    taken: Vec<u8>,
}

impl<'n> Numbers<'n> {
    fn of(now: Option<&'n Chosen>) -> Self {
        let taken =
            now.iter().flat_map(|now| now.events.iter().map(|events| events.payload_type).chain([now.payload_type]));
        Self { now, taken: taken.collect() }
    }

    fn codec(&mut self, codec: Codec) -> u8 {
        let agreed = self.now.filter(|now| now.codec == codec).map(|now| now.payload_type);
        agreed.unwrap_or_else(|| self.free(codec.payload_type()))
    }

    fn events(&mut self, usual: Events) -> Events {
        let agreed = self.now.and_then(|now| now.events.iter().copied().find(|events| events.clock == usual.clock));
        agreed.unwrap_or_else(|| Events { payload_type: self.free(usual.payload_type), ..usual })
    }

    /// The usual number, or else a dynamic one.
    fn free(&mut self, usual: u8) -> u8 {
        let mut numbers = [usual].into_iter().chain(DYNAMIC);
        let free = numbers.find(|number| !self.taken.contains(number)).unwrap_or(usual);
        self.taken.push(free);
        free
    }
}

/// What an answer to our offer agreed on; `asked` is what the offer had.
pub fn accept(answer: &[u8], local: Local, asked: &Asked) -> Result<Chosen, Refusal> {
    let codecs = local.codecs;
    let answer = read(answer)?;
    // Our offer has one line that is alive: the first, unless it repeats an answer that refused lines before it.
    let first = answer.media.first().ok_or(Refusal("no media line"))?;
    let media = answer.media.iter().find(|media| media.port != 0).unwrap_or(first);
    let ours = |media: &Media<'_>| first_listed(media, codecs);
    let mut chosen = choose(&answer, media, local.ip, ours, |media| repeated(media, asked))?;
    // RFC 3264 §5.1: events come to us under the number of our offer, yet some peers use the one of their answer. At a clock that the answer has not
    // there are none: we would press keys that nobody takes.
    for ours in offered_events(codecs) {
        let taken = |event: &Events| event.payload_type == ours.payload_type;
        let answered = chosen.events.iter().any(|event| event.clock == ours.clock);
        if answered && ours.payload_type != chosen.payload_type && !chosen.events.iter().any(taken) {
            chosen.events.push(ours);
        }
    }
    chosen.others = others(media, codecs, &chosen);
    Ok(chosen)
}

/// The sound that an answer lets come beside the one that is sent: its other codecs, and all of them under the numbers of our offer, which
/// whoever keeps to RFC 3264 §5.1 uses.
fn others(media: &Media<'_>, codecs: Codecs, chosen: &Chosen) -> Vec<(u8, Codec)> {
    let taken: Vec<(u8, Codec)> = media
        .payload_types()
        .filter_map(|number| Some((number, codec(media, number).filter(|codec| codecs.has(*codec))?)))
        .collect();
    let offered = taken.iter().map(|(_, codec)| (codec.payload_type(), *codec));
    let mut others: Vec<(u8, Codec)> = Vec::new();
    for (number, codec) in taken.iter().copied().chain(offered) {
        let known = number == chosen.payload_type
            || chosen.events.iter().any(|events| events.payload_type == number)
            || others.iter().any(|(known, _)| *known == number);
        if !known {
            others.push((number, codec));
        }
    }
    others
}

/// What this line would agree on.
fn choose(
    description: &Description<'_>,
    media: &Media<'_>,
    local: IpAddr,
    prefer: impl Fn(&Media<'_>) -> Option<(Codec, u8)>,
    secure: impl Fn(&Media<'_>) -> Result<Option<Secured>, Refusal>,
) -> Result<Chosen, Refusal> {
    if !is_audio(media) {
        return Err(Refusal("not audio"));
    }
    if media.port == 0 {
        return Err(Refusal("the audio line is disabled"));
    }
    let secured = secure(media)?.map(Box::new);
    let remote = match media.connection.or(description.connection) {
        None => return Err(Refusal("no connection address")),
        Some(Connection::Other) => {
            return Err(Refusal("the connection address is not an IP address"));
        }
        // RFC 2543 hold (RFC 3264 §8.4): nothing may be sent there.
        Some(Connection::Address(ip)) if ip.is_unspecified() => None,
        Some(Connection::Address(ip)) if !is_unicast(ip) => {
            return Err(Refusal("the connection address is not unicast"));
        }
        Some(Connection::Address(ip)) if local.is_ipv4() != ip.is_ipv4() => {
            return Err(Refusal("the connection address is of another IP version than the signalling"));
        }
        Some(Connection::Address(ip)) => Some(SocketAddr::new(ip, media.port)),
    };
    let (codec, payload_type) = prefer(media).ok_or(Refusal("no codec that we speak"))?;
    let mut events: Vec<Events> = Vec::new();
    for number in media.payload_types().filter(|number| *number != payload_type) {
        if let Encoding::TelephoneEvent(clock) = media.encoding(number)
            && events.iter().all(|e| e.payload_type != number)
        {
            events.push(Events { payload_type: number, clock });
        }
    }
    let asked = media.direction.or(description.direction).unwrap_or(Direction::SendRecv);
    let (manner, packet) = match codec {
        Codec::Opus => (media.manner(payload_type), PACKET),
        Codec::Pcma | Codec::Pcmu | Codec::G722 => {
            (Manner::default(), packet(media.ptime.or(description.ptime), media.maxptime))
        }
    };
    Ok(Chosen {
        remote,
        codec,
        payload_type,
        others: Vec::new(),
        manner,
        packet,
        events,
        direction: mirrored(asked, remote.is_some()),
        control: control(description, media, remote),
        secured,
    })
}

const EXPOSED: Refusal = Refusal("the signalling would show the keys of SRTP: it is not TLS");
const NO_LINE: Refusal = Refusal("no crypto line that we can use");
const NOT_SECURE: Refusal = Refusal("not SRTP, which this trunk requires");

/// Whether the line is for SRTP; `None`: for something else. AVPF and SAVPF (RFC 4585, RFC 5124) are the same with more RTCP:
/// Linphone offers them. With DTLS before its name, keys come by another way than ours.
fn profile(media: &Media<'_>) -> Option<bool> {
    let is = |known: [&str; 2]| known.iter().any(|known| media.protocol.eq_ignore_ascii_case(known.as_bytes()));
    match () {
        () if is(["RTP/AVP", "RTP/AVPF"]) => Some(false),
        () if is(["RTP/SAVP", "RTP/SAVPF"]) => Some(true),
        () => None,
    }
}

/// The keys by which an offered line is taken: the first of its lines that we can use (RFC 4568 §5.1.2), with a key of our own.
fn secured(media: &Media<'_>, local: Local) -> Result<Option<Secured>, Refusal> {
    let profile = profile(media).ok_or(Refusal("neither RTP nor SRTP"))?;
    let first = media.crypto.first().map(|line| Secured {
        tag: line.tag,
        ours: local.keys.of(line.key.suite()),
        theirs: line.key,
        mki: line.mki,
        profile,
    });
    match (local.security, profile) {
        (Security::Plain, true) => Err(Refusal("SRTP, which is off")),
        (Security::Exposed, true) | (Security::Never, _) => Err(EXPOSED),
        (Security::Plain | Security::Exposed, false) => Ok(None),
        (Security::Either | Security::Secure, true) => first.map(Some).ok_or(NO_LINE),
        // Keys under plain RTP: some telephones ask to try.
        (Security::Either, false) => Ok(first),
        (Security::Secure, false) => Err(NOT_SECURE),
    }
}

/// The keys that an answer agreed on: its one line repeats one of ours (RFC 4568 §5.1.3).
fn repeated(media: &Media<'_>, Asked { crypto, optional }: &Asked) -> Result<Option<Secured>, Refusal> {
    let profile = profile(media).ok_or(Refusal("neither RTP nor SRTP"))?;
    let line = match media.crypto.first() {
        _ if crypto.is_empty() && profile => return Err(Refusal("SRTP, which was not offered")),
        _ if crypto.is_empty() => return Ok(None),
        None if *optional && !profile => return Ok(None),
        line => line.ok_or(NO_LINE)?,
    };
    let ours = crypto.iter().find(|ours| ours.tag == line.tag && ours.key.suite() == line.key.suite());
    let ours = ours.ok_or(Refusal("a crypto line that was not offered"))?.key;
    Ok(Some(Secured { tag: line.tag, ours, theirs: line.key, mki: line.mki, profile }))
}

/// The one that we like best of those offered.
fn preferred(media: &Media<'_>, codecs: Codecs) -> Option<(Codec, u8)> {
    codecs.iter().find_map(|ours| {
        media.payload_types().find(|number| codec(media, *number) == Some(ours)).map(|number| (ours, number))
    })
}

/// An answer has decided already: its first codec is the one to send (RFC 3264 §7).
fn first_listed(media: &Media<'_>, codecs: Codecs) -> Option<(Codec, u8)> {
    media.payload_types().find_map(|number| Some((codec(media, number).filter(|codec| codecs.has(*codec))?, number)))
}

fn codec(media: &Media<'_>, payload_type: u8) -> Option<Codec> {
    match media.encoding(payload_type) {
        Encoding::Pcma => Some(Codec::Pcma),
        Encoding::Pcmu => Some(Codec::Pcmu),
        Encoding::G722 => Some(Codec::G722),
        // Its frames are what prompts are held in: a peer that takes none so long cannot have it.
        Encoding::Opus if media.longest(payload_type) < 20 => None,
        Encoding::Opus => Some(Codec::Opus),
        Encoding::TelephoneEvent(_) | Encoding::Other => None,
    }
}

/// The events of an offer of ours: at the clocks of what it offers.
fn offered_events(codecs: Codecs) -> impl Iterator<Item = Events> {
    OUR_EVENTS.into_iter().filter(move |events| codecs.iter().any(|codec| codec.clock() == events.clock))
}

/// The events to list in an answer: those at the audio's clock (RFC 4733 §2.1), else what there is.
/// The others are still understood: some telephones send 48000 beside 8000 Hz audio whatever we answer.
fn answered_events(events: &[Events], clock: u32) -> Vec<Events> {
    let ours: Vec<_> = events.iter().copied().filter(|e| e.clock == clock).collect();
    if ours.is_empty() { events.to_vec() } else { ours }
}

fn packet(ptime: Option<u8>, maxptime: Option<u8>) -> Duration {
    let asked = ptime.filter(|ms| PTIMES.contains(ms)).map_or(PACKET, |ms| Duration::from_millis(ms.into()));
    match maxptime.filter(|ms| PTIMES.contains(ms)) {
        Some(ms) => asked.min(Duration::from_millis(ms.into())),
        None => asked,
    }
}

fn control(description: &Description<'_>, media: &Media<'_>, remote: Option<SocketAddr>) -> Control {
    let silent = |bandwidth: Option<u64>, session: Option<u64>| bandwidth.or(session) == Some(0);
    let off = silent(media.senders, description.senders) && silent(media.receivers, description.receivers);
    match (remote, media.rtcp) {
        _ if off => Control::Off,
        _ if media.rtcp_mux => Control::Muxed,
        (Some(sound), Some((port, ip))) => Control::Apart(SocketAddr::new(
            ip.filter(|ip| is_unicast(*ip) && !ip.is_unspecified() && ip.is_ipv4() == sound.is_ipv4())
                .unwrap_or(sound.ip()),
            port,
        )),
        (Some(sound), None) => match sound.port().checked_add(1) {
            Some(port) => Control::Apart(SocketAddr::new(sound.ip(), port)),
            None => Control::Off,
        },
        (None, _) => Control::Off,
    }
}

/// The peer's direction seen from us (RFC 3264 §6.1); without an address to send to, we only listen.
fn mirrored(asked: Direction, reachable: bool) -> Direction {
    match (asked, reachable) {
        (Direction::SendRecv, true) => Direction::SendRecv,
        (Direction::RecvOnly, true) => Direction::SendOnly,
        (Direction::SendRecv, false) | (Direction::SendOnly, _) => Direction::RecvOnly,
        (Direction::RecvOnly, false) | (Direction::Inactive, _) => Direction::Inactive,
    }
}

fn is_audio(media: &Media<'_>) -> bool {
    media.kind.eq_ignore_ascii_case(b"audio")
}

fn is_unicast(ip: IpAddr) -> bool {
    !ip.is_multicast() && ip != IpAddr::V4(std::net::Ipv4Addr::BROADCAST)
}

#[cfg(test)]
#[path = "offer_answer_tests.rs"]
mod tests;
