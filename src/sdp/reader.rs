//! Reads a session description (RFC 8866) the way real telephones write it.
//!
//! Bytes, never `str`: names in EUC-KR, NULs and lone CRs occur. Lines may come in any order; what is not
//! needed to agree on one audio stream is skipped, and so is what cannot be read. Every `m=` line is kept in
//! its place, because an answer must answer each (RFC 3264 §6). What to take is decided by `offer_answer`.

use super::crypto::Crypto;
use super::opus::{Manner, Parameters};
use super::{Direction, Refusal};
use crate::limits::{BODY_BYTES_MAX, SDP_CRYPTO_MAX, SDP_FORMATS_MAX, SDP_MEDIA_MAX};
use std::net::IpAddr;

/// A description, borrowed from the message it came in.
#[derive(Clone, Debug, Default)]
pub struct Description<'a> {
    /// `t=`, when it is two numbers: an answer repeats it (RFC 3264 §6).
    pub times: Option<(u64, u64)>,
    /// `c=` before the first `m=`.
    pub connection: Option<Connection>,
    /// The direction before the first `m=`.
    pub direction: Option<Direction>,
    /// Packet time before the first `m=`; it belongs to a media line, yet some write it here.
    pub ptime: Option<u8>,
    /// `b=RS` and `b=RR` before the first `m=` (RFC 3556).
    pub senders: Option<u64>,
    /// See `senders`.
    pub receivers: Option<u64>,
    /// Every `m=` line, in order.
    pub media: Vec<Media<'a>>,
}

/// One `m=` line and what follows it.
#[derive(Clone, Debug)]
pub struct Media<'a> {
    /// `audio`, `video`, …: a token.
    pub kind: &'a [u8],
    /// 0 means rejected or ended.
    pub port: u16,
    /// `RTP/AVP` and its kin: tokens joined by slashes.
    pub protocol: &'a [u8],
    /// The formats, in order of preference.
    pub formats: Vec<&'a [u8]>,
    /// Its own `c=`.
    pub connection: Option<Connection>,
    /// Its own direction, as the peer sees it.
    pub direction: Option<Direction>,
    /// `ptime` in milliseconds.
    pub ptime: Option<u8>,
    /// `maxptime` in milliseconds.
    pub maxptime: Option<u8>,
    /// `rtpmap` lines by payload type; the first of a number wins.
    pub maps: Vec<(u8, Encoding)>,
    /// What `fmtp` lines say, read as of Opus, all of a number together.
    pub parameters: Vec<(u8, Parameters)>,
    /// `a=rtcp-mux` (RFC 5761).
    pub rtcp_mux: bool,
    /// `a=rtcp`: a port, and an address where one is named (RFC 3605).
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// `b=RS`: bandwidth for the reports of senders, in bits a second.
    pub senders: Option<u64>,
    /// `b=RR`: for those of listeners.
    pub receivers: Option<u64>,
    /// The lines of `a=crypto` that we can use, in order of preference (RFC 4568).
    pub crypto: Vec<Crypto>,
}

/// Where `c=` points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connection {
    /// An address.
    Address(IpAddr),
    /// A name, another network, or nothing readable.
    Other,
}

/// What an `rtpmap` says, as far as we care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// G.711 A-law, 8000 Hz, one channel.
    Pcma,
    /// G.711 µ-law, 8000 Hz, one channel.
    Pcmu,
    /// G.722, told as 8000 Hz, one channel.
    G722,
    /// Opus, told as 48000 Hz and two channels.
    Opus,
    /// RFC 4733 events at this clock rate.
    TelephoneEvent(u32),
    /// Not ours.
    Other,
}

impl Media<'_> {
    /// What a payload type means here. 8, 0 and 9 need no `rtpmap` (RFC 3551 §6).
    pub fn encoding(&self, payload_type: u8) -> Encoding {
        match self.maps.iter().find(|(number, _)| *number == payload_type) {
            Some((_, encoding)) => *encoding,
            None if payload_type == 8 => Encoding::Pcma,
            None if payload_type == 0 => Encoding::Pcmu,
            None if payload_type == 9 => Encoding::G722,
            None => Encoding::Other,
        }
    }

    /// How Opus is wanted under this payload type.
    pub fn manner(&self, payload_type: u8) -> Manner {
        self.parameters(payload_type).manner(self.longest(payload_type))
    }

    /// The longest packet of Opus under this payload type, in milliseconds.
    pub fn longest(&self, payload_type: u8) -> u8 {
        self.parameters(payload_type).longest(self.maxptime)
    }

    fn parameters(&self, payload_type: u8) -> Parameters {
        let told = self.parameters.iter().find(|(number, _)| *number == payload_type);
        told.map_or(Parameters::default(), |(_, parameters)| *parameters)
    }

    /// The formats that are payload types, in order of preference.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.formats.iter().filter_map(|format| payload_type(format))
    }
}

/// Reads a description. It fails only where no honest answer could be written: a `m=` line that cannot be
/// repeated, none at all, or more than any telephone has.
pub fn read(bytes: &[u8]) -> Result<Description<'_>, Refusal> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Refusal("the description is too long"));
    }
    let mut description = Description::default();
    for line in bytes.split(|&b| b == b'\n' || b == b'\r').map(<[u8]>::trim_ascii) {
        let Some((&kind, rest)) = line.split_first() else {
            continue;
        };
        let Some(value) = rest.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii) else {
            continue;
        };
        match kind {
            b'm' if description.media.len() == SDP_MEDIA_MAX => {
                return Err(Refusal("too many media lines"));
            }
            b'm' => description.media.push(media(value)?),
            b'c' => {
                let own = description.media.last_mut().map_or(&mut description.connection, |m| &mut m.connection);
                own.get_or_insert(connection(value));
            }
            b't' => description.times = description.times.or_else(|| times(value)),
            b'b' => bandwidth(&mut description, value),
            b'a' => attribute(&mut description, value),
            _ => {}
        }
    }
    if description.media.is_empty() {
        return Err(Refusal("no media line"));
    }
    Ok(description)
}

/// `audio 49170/2 RTP/AVP 8 0 101`.
fn media(value: &[u8]) -> Result<Media<'_>, Refusal> {
    const UNREADABLE: Refusal = Refusal("a media line cannot be read");
    let mut words = words(value);
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(UNREADABLE);
    };
    let formats: Vec<_> = words.take(SDP_FORMATS_MAX).collect();
    // An answer repeats these words, so they must be what RFC 8866 §9 calls tokens.
    let repeatable =
        is_token(kind) && protocol.split(|&b| b == b'/').all(is_token) && formats.iter().all(|f| is_token(f));
    let port = number(port.split(|&b| b == b'/').next().unwrap_or_default()).and_then(|n| u16::try_from(n).ok());
    match port {
        Some(port) if repeatable && !formats.is_empty() => Ok(Media {
            kind,
            port,
            protocol,
            formats,
            connection: None,
            direction: None,
            ptime: None,
            maxptime: None,
            maps: Vec::new(),
            parameters: Vec::new(),
            rtcp_mux: false,
            rtcp: None,
            senders: None,
            receivers: None,
            crypto: Vec::new(),
        }),
        _ => Err(UNREADABLE),
    }
}

/// `IN IP4 192.0.2.1`, also with `/ttl`. The address is believed, not the family written before it.
fn connection(value: &[u8]) -> Connection {
    let mut words = words(value);
    let net = words.next().unwrap_or_default();
    let address = words.nth(1).unwrap_or_default().split(|&b| b == b'/').next().unwrap_or_default();
    if !net.eq_ignore_ascii_case(b"IN") {
        return Connection::Other;
    }
    std::str::from_utf8(address)
        .ok()
        .and_then(|text| text.parse::<IpAddr>().ok())
        .map_or(Connection::Other, |ip| Connection::Address(ip.to_canonical()))
}

/// `0 0`.
fn times(value: &[u8]) -> Option<(u64, u64)> {
    let mut words = words(value);
    Some((number(words.next()?)?, number(words.next()?)?))
}

/// `RS:0`.
fn bandwidth(description: &mut Description<'_>, value: &[u8]) {
    let mut parts = value.splitn(2, |&b| b == b':');
    let (kind, bits) = (parts.next().unwrap_or_default(), parts.next().map(<[u8]>::trim_ascii).and_then(number));
    let media = description.media.last_mut();
    match kind.trim_ascii().to_ascii_uppercase().as_slice() {
        b"RS" => *media.map_or(&mut description.senders, |m| &mut m.senders) = bits,
        b"RR" => *media.map_or(&mut description.receivers, |m| &mut m.receivers) = bits,
        _ => {}
    }
}

/// `4001`, or `4001 IN IP4 192.0.2.1`.
fn rtcp(value: &[u8]) -> Option<(u16, Option<IpAddr>)> {
    let mut words = words(value);
    let port = words.next().and_then(number).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)?;
    let address = words.nth(2).and_then(|address| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok());
    Some((port, address.map(|ip| ip.to_canonical())))
}

fn attribute(description: &mut Description<'_>, value: &[u8]) {
    let colon = value.iter().position(|&b| b == b':');
    let (name, value) = match colon.and_then(|at| value.split_at_checked(at)) {
        Some((name, rest)) => (name.trim_ascii_end(), rest.get(1..).unwrap_or_default().trim_ascii()),
        None => (value, &[][..]),
    };
    let media = description.media.last_mut();
    match name.to_ascii_lowercase().as_slice() {
        b"sendrecv" => set_direction(description, Direction::SendRecv),
        b"sendonly" => set_direction(description, Direction::SendOnly),
        b"recvonly" => set_direction(description, Direction::RecvOnly),
        b"inactive" => set_direction(description, Direction::Inactive),
        b"ptime" => *media.map_or(&mut description.ptime, |m| &mut m.ptime) = milliseconds(value),
        b"maxptime" => {
            if let Some(media) = media {
                media.maxptime = milliseconds(value);
            }
        }
        b"rtcp-mux" => {
            if let Some(media) = media {
                media.rtcp_mux = true;
            }
        }
        b"rtcp" => {
            if let Some(media) = media {
                media.rtcp = rtcp(value);
            }
        }
        b"rtpmap" => {
            if let (Some(media), Some(map)) = (media, rtpmap(value))
                && media.maps.len() < SDP_FORMATS_MAX
                && media.maps.iter().all(|(number, _)| *number != map.0)
            {
                media.maps.push(map);
            }
        }
        // RFC 4568 §5: it belongs to a media line alone.
        b"crypto" => {
            if let Some(media) = media
                && media.crypto.len() < SDP_CRYPTO_MAX
            {
                media.crypto.extend(Crypto::read(value));
            }
        }
        b"fmtp" => {
            if let Some(media) = media {
                fmtp(media, value);
            }
        }
        _ => {}
    }
}

/// `111 maxplaybackrate=16000;cbr=1`. Of telephone-event it tells nothing: every sender we met can send 0–15.
fn fmtp(media: &mut Media<'_>, value: &[u8]) {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, line) = value.split_at(digits);
    let Some(number) = payload_type(number) else { return };
    // Some write a line for each parameter.
    if let Some((_, parameters)) = media.parameters.iter_mut().find(|(known, _)| *known == number) {
        parameters.read(line);
    } else if media.parameters.len() < SDP_FORMATS_MAX {
        let mut parameters = Parameters::default();
        parameters.read(line);
        media.parameters.push((number, parameters));
    }
}

fn set_direction(description: &mut Description<'_>, direction: Direction) {
    *description.media.last_mut().map_or(&mut description.direction, |m| &mut m.direction) = Some(direction);
}

/// `101 telephone-event/8000`.
fn rtpmap(value: &[u8]) -> Option<(u8, Encoding)> {
    let mut words = words(value);
    let number = payload_type(words.next()?)?;
    let mut parts = words.next()?.split(|&b| b == b'/');
    let name = parts.next()?.to_ascii_lowercase();
    let clock = self::number(parts.next()?)?;
    let channels = parts.next().and_then(self::number).unwrap_or(1);
    let encoding = match (name.as_slice(), clock, channels) {
        (b"pcma", 8000, 1) => Encoding::Pcma,
        (b"pcmu", 8000, 1) => Encoding::Pcmu,
        // Some write the true 16000, which RFC 3551 §4.5.2 forbids, and mean the same.
        (b"g722", 8000 | 16000, 1) => Encoding::G722,
        // Two channels by RFC 7587 §7, and some leave them out.
        (b"opus", 48_000, 1 | 2) => Encoding::Opus,
        // RFC 4733 clocks follow the audio's; a stranger one would only be misread.
        (b"telephone-event", 8000..=48000, _) => Encoding::TelephoneEvent(u32::try_from(clock).ok()?),
        _ => Encoding::Other,
    };
    Some((number, encoding))
}

/// A payload type: seven bits.
fn payload_type(word: &[u8]) -> Option<u8> {
    number(word).and_then(|n| u8::try_from(n).ok()).filter(|n| *n < 128)
}

/// Whole milliseconds; a fraction (`ptime:62.5` of a G.723 box) is no packet time of ours.
fn milliseconds(value: &[u8]) -> Option<u8> {
    number(value).and_then(|n| u8::try_from(n).ok())
}

/// Decimal digits and nothing else; at most ten, so that no sum overflows.
fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 10 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(word.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// RFC 8866 §9, token-char.
fn is_token(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_read_in_any_order_and_with_any_line_ending() {
        for end in ["\r\n", "\n", "\r", "\n\n", " \r\n"] {
            let text = [
                "v=0",
                "t=0 0",
                "s= ",
                "c=IN IP4 10.0.0.7",
                "m=audio 4000/2 RTP/AVP 96 101",
                "a=fmtp:101 0-15",
                "a=rtpmap:101 telephone-event/8000",
                "a=ptime: 30",
                "a=SendOnly",
                "a=rtpmap:96 pcma/8000/1",
                "o=- 1 1 IN IP4 x",
            ]
            .join(end);
            let read = read(text.as_bytes()).expect(end);
            assert_eq!(read.connection, Some(Connection::Address([10, 0, 0, 7].into())), "{end:?}");
            assert_eq!(read.times, Some((0, 0)));
            let media = &read.media[0];
            assert_eq!((media.port, media.ptime, media.direction), (4000, Some(30), Some(Direction::SendOnly)));
            assert_eq!(media.encoding(96), Encoding::Pcma);
            assert_eq!(media.encoding(101), Encoding::TelephoneEvent(8000));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_skipped() {
        let text = b"v=0\r\no=- 1 1 IN IP4 \xb0\xa1\r\ns=\xb1\xe8\0\xff\r\nc=IN IP4 \xff\r\nm=audio 4000 RTP/AVP 8\r\na=\xff\xfe:\x80\r\na=rtpmap:\xff\r\n=\r\nm\r\n";
        let read = read(text).expect("readable");
        assert_eq!(read.connection, Some(Connection::Other));
        assert_eq!(read.media.len(), 1);
    }

    #[test]
    fn a_media_line_that_cannot_be_repeated_refuses_the_whole() {
        for line in [
            "",
            "audio",
            "audio 1 RTP/AVP",
            "audio x RTP/AVP 8",
            "audio 65536 RTP/AVP 8",
            "audio -1 RTP/AVP 8",
            "au;dio 1 RTP/AVP 8",
            "audio 1 RTP//AVP 8",
            "audio 1 RTP/AVP 8,0",
        ] {
            assert!(read(format!("v=0\r\nm={line}\r\n").as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn the_number_of_media_lines_and_formats_is_bounded() {
        let line = "m=audio 4000 RTP/AVP 8\r\n";
        assert!(read(line.repeat(SDP_MEDIA_MAX).as_bytes()).is_ok());
        assert!(read(line.repeat(SDP_MEDIA_MAX + 1).as_bytes()).is_err());
        let many = format!("m=audio 4000 RTP/AVP{}\r\n", " 8".repeat(4000));
        assert_eq!(read(many.as_bytes()).expect("readable").media[0].formats.len(), SDP_FORMATS_MAX);
        assert!(read(&vec![b'\n'; BODY_BYTES_MAX + 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_lines_of_sdp_letters_make_the_reader_panic(text in "([vosctmab]=[a-z0-9/:. =\r\n-]{0,40}\r?\n){0,12}") {
            let _ = read(text.as_bytes());
        }
    }
}
