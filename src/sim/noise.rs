//! Noise: what scanners, attackers and broken devices send that belongs to no call.
//!
//! Broken messages are made from whole ones by flipping bits, cutting, doubling lines and lying about lengths.
//! Nothing may come of them but an answer or silence; a message that is still whole may begin a call of nobody.

use crate::random::Random;

/// A request of somebody whose call this is not.
pub fn request(random: &mut Random, method: &str, over: &str, from: &str, dials: &str) -> String {
    let (call, tag, branch) = (random.token(8), random.token(6), random.token(8));
    let body = if method == "INVITE" && random.chance(0.7) {
        "v=0\r\no=- 1 1 IN IP4 10.4.0.1\r\ns=-\r\nc=IN IP4 10.4.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n"
    } else {
        ""
    };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let to_tag = if random.chance(0.2) { ";tag=nobody" } else { "" };
    format!(
        "{method} sip:{dials}@10.1.0.1 SIP/2.0\r\nVia: SIP/2.0/{over} {from};rport;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\nFrom: \"김\" <sip:noise@{from}>;tag={tag}\r\nTo: <sip:{dials}@10.1.0.1>{to_tag}\r\n\
         Call-ID: noise-{call}\r\nCSeq: 1 {method}\r\nContact: <sip:noise@{from}>\r\n{content}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Any method.
pub fn any_method(random: &mut Random) -> &'static str {
    const METHODS: [&str; 14] = [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "INFO",
        "NOTIFY",
        "REFER",
        "UPDATE",
        "PRACK",
        "SUBSCRIBE",
        "MESSAGE",
        "FROB",
    ];
    METHODS[random.below(METHODS.len() as u64) as usize]
}

/// Breaks a message in one way.
pub fn broken(random: &mut Random, whole: &str) -> Vec<u8> {
    let mut bytes = whole.as_bytes().to_vec();
    let place = random.below(bytes.len() as u64) as usize;
    match random.below(9) {
        0 => {
            for _ in 0..1 + random.below(4) {
                let place = random.below(bytes.len() as u64) as usize;
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        1 => bytes.truncate(place),
        2 => drop(bytes.splice(place..place, (0..1 + random.below(40)).map(|_| random.u32() as u8)).count()),
        3 => bytes = (0..1 + random.below(400)).map(|_| random.u32() as u8).collect(),
        4 => bytes = whole.replace("Content-Length:", "Content-Length: 5\r\nContent-Length:").into_bytes(),
        5 => {
            let length = ["-1", "+5", "5 5", "4294967296", "18446744073709551616", "99999", "x", ""];
            let lie = length[random.below(length.len() as u64) as usize];
            bytes = whole.replace("Content-Length:", &format!("Content-Length: {lie}\r\nX:")).into_bytes();
        }
        6 => {
            let lines: Vec<&str> = whole.split("\r\n").collect();
            let which = random.below(lines.len() as u64) as usize;
            let twice = random.chance(0.5);
            let kept = lines.iter().enumerate().flat_map(|(index, line)| {
                std::iter::repeat_n(
                    *line,
                    match (index == which, twice) {
                        (false, _) => 1,
                        (true, true) => 2,
                        (true, false) => 0,
                    },
                )
            });
            bytes = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
        }
        7 => bytes = whole.replace("\r\n", if random.chance(0.5) { "\n" } else { "\r" }).into_bytes(),
        _ => bytes = whole.replacen(": ", &" ".repeat(1 + random.below(3) as usize), 1).into_bytes(),
    }
    bytes
}

/// A message larger than any bound allows.
pub fn oversized(random: &mut Random, whole: &str) -> Vec<u8> {
    let more = match random.below(4) {
        0 => format!("Subject: {}\r\n", "a".repeat(66_000)),
        1 => "X: y\r\n".repeat(400),
        2 => format!("Via: SIP/2.0/UDP a{}\r\n", ", SIP/2.0/UDP a".repeat(100)),
        _ => return whole.replace("Content-Length: ", "Content-Length: 40000\r\nX: ").into_bytes(),
    };
    whole.replacen("Max-Forwards: 70\r\n", &more, 1).into_bytes()
}
