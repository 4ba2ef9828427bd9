//! A leg, as its descriptions and its keys are seen from outside.

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
        identity: Identity { caller: Caller::new("01012345678"), asserted: false, diverted: None, user_to_user: None },
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
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {audio}\r\n").into_bytes()
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

/// Presses as `rtp 1`, `over 1` for the end of a tone, `info 1 700` after 700 ms of holding the key, re-INVITEs as `offer 4000`; what counts.
fn counted(leg: &mut Leg, steps: &[(&str, u64)]) -> String {
    let mut counted = String::new();
    for (step, at) in steps {
        let now = Instant::START + Duration::from_millis(*at);
        let mut words = step.split(' ');
        let (what, which) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if what == "offer" {
            let port = which.parse().expect("a port");
            leg.reoffered(Some(offer(port, EVENTS)), true, &mut Secrets::from_number(1)).expect("the offer fits");
            continue;
        }
        let key = which.parse::<char>().ok().and_then(Key::from_char).expect("a key");
        let held = Duration::from_millis(words.next().map_or(0, |millis| millis.parse().expect("milliseconds")));
        counted.extend(
            match what {
                "rtp" => leg.pressed(now, key),
                "info" => leg.informed(now, key, held),
                _ => {
                    leg.released(now, key);
                    None
                }
            }
            .map(Key::as_char),
        );
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
fn a_key_that_came_by_info_alone_counts_whatever_came_before_it() {
    assert_eq!(counted(&mut agreed(EVENTS), &[("info 1", 0), ("rtp 2", 900), ("info 3", 1_800)]), "123");
    // Its event was lost on the way, those of its neighbours were not.
    let lost = [("rtp 1", 0), ("info 1", 90), ("info 2", 600), ("rtp 3", 900), ("info 3", 990)];
    assert_eq!(counted(&mut agreed(EVENTS), &lost), "123");
    // Typed at once, told again behind it.
    let behind = [("rtp 1", 0), ("rtp 1", 100), ("rtp 2", 200), ("info 1", 900), ("info 1", 910), ("info 2", 920)];
    assert_eq!(counted(&mut agreed(EVENTS), &behind), "112");
    let behind = [("rtp 1", 0), ("over 1", 60), ("rtp 2", 110), ("over 2", 170), ("info 1", 500), ("info 2", 510)];
    assert_eq!(counted(&mut agreed("8"), &behind), "12");
    // So many wait; the oldest is forgotten first.
    let typed: Vec<_> = (0..40).map(|n| ("rtp 7", n * 100)).chain([("info 7", 4_100)]).collect();
    assert_eq!(counted(&mut agreed(EVENTS), &typed).len(), 40);
}

#[test]
fn a_tone_that_is_held_is_one_press_with_the_info_at_its_end() {
    for held in [1_000, 1_500, 4_000] {
        // One that tells how long, one that tells a number of its own, one that tells nothing.
        for info in [format!("info 1 {held}"), "info 1 250".to_owned(), "info 1".to_owned()] {
            let press = [("rtp 1", 0), ("over 1", held), (&*info, held + 30), ("rtp 1", held + 2_000)];
            assert_eq!(counted(&mut agreed("8"), &press), "11", "{info}");
            let early = [("rtp 1", 0), (&*info, held - 20), ("over 1", held), ("rtp 1", held + 2_000)];
            assert_eq!(counted(&mut agreed("8"), &early), "11", "{info}, before we hear its end");
        }
    }
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
    assert_eq!(
        counted(&mut agreed("8"), &[("rtp 5", 0), ("over 5", 100), ("info 5 100", 1_450)]),
        "55",
        "pressed again"
    );
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
        assert_eq!(reoffered(&mut leg, &audio).map(|line| (line.tag, line.key)), Some((4, first.key)), "{direction}");
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

#[test]
fn an_answer_of_the_other_ip_version_is_none_for_a_call_that_is_reached_by_this_one() {
    let answer =
        b"v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
    let mut leg = arriving(None);
    leg.opened(20_000).expect("an offer of ours");
    let refused = leg.acknowledged(Some(answer.to_vec())).map(|_| ());
    assert_eq!(refused, Err(Refusal("the connection address is of another IP version than the signalling")));
    // Nor does the sound of a call that is up go there.
    let mut leg = agreed(EVENTS);
    assert!(leg.refreshed(Some(answer.to_vec())).is_err());
    assert!(leg.configuration().is_some(), "what was agreed holds");
}
