//! Descriptions: whatever is offered, the answer has every line in its place and reads as an answer.

use ivr1357::limits::SDP_MEDIA_MAX;
use ivr1357::sdp::crypto::Crypto;
use ivr1357::sdp::offer_answer::{accept, answer};
use ivr1357::sdp::{Asked, Codec, Codecs, Keys, Local, Security};

pub fn run(data: &[u8]) {
    let ip = if data.len().is_multiple_of(2) { "192.0.2.1" } else { "2001:db8::1" };
    let codecs = Codecs::new(Codec::ALL);
    // The first byte is of no description: it chooses what sound may travel by, and is read as a part of the first line.
    let security = match data.first() {
        Some(b'E') => Security::Either,
        Some(b'S') => Security::Secure,
        Some(b'X') => Security::Exposed,
        _ => Security::Plain,
    };
    let keys = Keys::new([[0x13; 44]; 4]);
    let local =
        Local { ip: ip.parse().expect("an address"), port: 4000, session: 1, version: 2, codecs, security, keys };
    let _ = accept(data, Local { codecs: Codecs::USUAL, ..local }, &Asked::default());
    let Ok(answered) = answer(data, local) else { return };
    let text = String::from_utf8_lossy(&answered.sdp);
    let media = text.lines().filter(|line| line.starts_with("m=")).count();
    assert!((1..=SDP_MEDIA_MAX).contains(&media), "{media} lines");
    let taken = text.lines().filter(|line| line.starts_with("m=audio 4000 ")).count();
    assert_eq!(taken, 1, "one line is taken: {text}");
    let secured = answered.chosen.secured.is_some();
    assert!(!(secured && matches!(security, Security::Plain | Security::Exposed)), "keys that nobody may have");
    assert!(secured || security != Security::Secure, "plain where it must be secure");
    assert_eq!(text.matches("inline:").count(), usize::from(secured), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "a line was smuggled in: {text:?}");
    // We only ever offer one line.
    if media == 1 {
        // As if our key and theirs were one: what matters is that our line reads.
        let secured = answered.chosen.secured.as_ref();
        let line = secured.map(|secured| Crypto::new(secured.tag, secured.ours));
        let asked = Asked { crypto: line.into_iter().collect(), optional: false };
        let accepted = accept(&answered.sdp, local, &asked).expect("our answer reads as one");
        assert_eq!(accepted.secured.map(|secured| secured.ours), secured.map(|secured| secured.ours));
        assert_eq!(accepted.codec, answered.chosen.codec);
        assert_eq!(accepted.packet, answered.chosen.packet);
    }
}
