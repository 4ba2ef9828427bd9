//! Writes our descriptions (RFC 8866): lines in the order of §5, CR LF, nothing a peer need not read.

use super::crypto::Crypto;
use super::{Codec, Direction, Events, Local, opus};
use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// The part before the first `m=`.
pub(super) fn session(local: Local, times: (u64, u64)) -> Vec<u8> {
    let Local { ip, session, version, .. } = local;
    let family = family(ip);
    let mut out = Vec::with_capacity(320);
    // `s=-`: a single space is legal too, but some telephones cut it off and then miss the line.
    line(&mut out, format_args!("v=0\r\no=ivr1357 {session} {version} IN {family} {ip}\r\ns=-"));
    line(&mut out, format_args!("c=IN {family} {ip}\r\nt={} {}", times.0, times.1));
    out
}

/// An audio line that is ours.
#[expect(clippy::too_many_arguments, reason = "one line, as it stands")]
pub(super) fn audio(
    out: &mut Vec<u8>,
    port: u16,
    protocol: &[u8],
    codecs: &[(Codec, u8)],
    events: &[Events],
    packet: Duration,
    direction: Direction,
    mux: bool,
    crypto: &[Crypto],
) {
    out.extend_from_slice(format!("m=audio {port} ").as_bytes());
    out.extend_from_slice(protocol);
    for number in codecs.iter().map(|(_, number)| *number).chain(events.iter().map(|e| e.payload_type)) {
        out.extend_from_slice(format!(" {number}").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    for (codec, number) in codecs {
        line(out, format_args!("a=rtpmap:{number} {}", codec.rtpmap()));
        if *codec == Codec::Opus {
            line(out, format_args!("a=fmtp:{number} {}", opus::PARAMETERS));
        }
    }
    for Events { payload_type, clock } in events {
        line(out, format_args!("a=rtpmap:{payload_type} telephone-event/{clock}\r\na=fmtp:{payload_type} 0-15"));
    }
    for crypto in crypto {
        line(out, format_args!("a=crypto:{}", crypto.line()));
    }
    line(out, format_args!("a=ptime:{}", packet.as_millis()));
    if mux {
        line(out, format_args!("a=rtcp-mux"));
    }
    line(
        out,
        format_args!(
            "a={}",
            match direction {
                Direction::SendRecv => "sendrecv",
                Direction::SendOnly => "sendonly",
                Direction::RecvOnly => "recvonly",
                Direction::Inactive => "inactive",
            }
        ),
    );
}

/// A line refused in its place: port 0, one of its own formats, no attributes (RFC 3264 §6).
pub(super) fn refused(out: &mut Vec<u8>, kind: &[u8], protocol: &[u8], format: &[u8]) {
    for part in [b"m=".as_slice(), kind, b" 0 ", protocol, b" ", format, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

fn family(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}

fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{text}\r\n");
}
