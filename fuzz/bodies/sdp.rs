//! Descriptions: whatever is offered, the answer has every line in its place and reads as an answer.

use ivr1357::limits::SDP_MEDIA_MAX;
use ivr1357::sdp::offer_answer::{accept, answer};
use ivr1357::sdp::{Codec, Codecs, Local};

pub fn run(data: &[u8]) {
    let ip = if data.len().is_multiple_of(2) { "192.0.2.1" } else { "2001:db8::1" };
    let codecs = Codecs::new(Codec::ALL);
    let local = Local { ip: ip.parse().expect("an address"), port: 4000, session: 1, version: 2, codecs };
    let _ = accept(data, Codecs::USUAL);
    let Ok(answered) = answer(data, local) else { return };
    let text = String::from_utf8_lossy(&answered.sdp);
    let media = text.lines().filter(|line| line.starts_with("m=")).count();
    assert!((1..=SDP_MEDIA_MAX).contains(&media), "{media} lines");
    let taken = text.lines().filter(|line| line.starts_with("m=audio 4000 ")).count();
    assert_eq!(taken, 1, "one line is taken: {text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "a line was smuggled in: {text:?}");
    // We only ever offer one line.
    if media == 1 {
        let accepted = accept(&answered.sdp, codecs).expect("our answer reads as one");
        assert_eq!(accepted.codec, answered.chosen.codec);
        assert_eq!(accepted.packet, answered.chosen.packet);
    }
}
