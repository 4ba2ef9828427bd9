//! Opus in offers and answers. What a program was built with is known to its settings: descriptions are read the same by all.

use super::*;
use crate::sdp::offer_answer::{accept, answer, offer};
use crate::sdp::{Answer, Asked, Chosen, Codec, Codecs, Keys, Local, Security};

const LOCAL: Local = Local {
    ip: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    port: 16384,
    session: 7,
    version: 3,
    codecs: Codecs::USUAL,
    security: Security::Plain,
    keys: Keys::new([[0; 44]; 4]),
};

/// Chrome 120, its codecs cut to those that matter here.
const BROWSER: &str = "UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    a=rtpmap:111 opus/48000/2
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtpmap:63 red/48000/2
    a=fmtp:63 111/111
    a=rtpmap:110 telephone-event/48000
    a=rtpmap:126 telephone-event/8000";

/// Linphone 5.
const LINPHONE: &str = "RTP/AVPF 96 97 98 0 8 101 99
    a=rtpmap:96 opus/48000/2
    a=fmtp:96 useinbandfec=1
    a=rtpmap:97 speex/16000
    a=rtpmap:98 speex/8000
    a=rtpmap:101 telephone-event/48000
    a=rtpmap:99 telephone-event/8000";

/// baresip 1.0, which has its events at 8000 alone.
const BARESIP: &str = "RTP/AVP 96 8 101
    a=rtpmap:96 opus/48000/2
    a=fmtp:96 stereo=1;sprop-stereo=1;maxaveragebitrate=28000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:40";

fn codecs(order: &[Codec]) -> Local {
    Local { codecs: Codecs::new(order.iter().copied()), ..LOCAL }
}

fn audio(rest: &str) -> Vec<u8> {
    let text = format!("v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 4000 {rest}");
    text.lines().flat_map(|line| format!("{}\r\n", line.trim()).into_bytes()).collect()
}

fn answered(rest: &str, order: &[Codec]) -> Answer {
    answer(&audio(rest), codecs(order)).unwrap_or_else(|refusal| panic!("{rest}: {refusal:?}"))
}

/// What these lines of `fmtp` say together.
fn read(lines: &[&str]) -> Manner {
    let mut parameters = Parameters::default();
    lines.iter().for_each(|line| parameters.read(line.as_bytes()));
    parameters.manner(parameters.longest(None))
}

/// The lines of the description that say something of sound.
fn lines(sdp: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(sdp).expect("ours is ASCII");
    let kinds = ["m=", "a=rtpmap", "a=fmtp", "a=ptime"];
    text.split("\r\n").filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).collect()
}

fn agreed(chosen: &Chosen) -> (Codec, u8, u128, Vec<(u8, u32)>) {
    let events = chosen.events.iter().map(|event| (event.payload_type, event.clock)).collect();
    (chosen.codec, chosen.payload_type, chosen.packet.as_millis(), events)
}

#[test]
fn a_peers_limits_are_kept_by_the_nearest_way_to_speak() {
    use Rate::{Least, Narrow, Wide};
    for (parameters, rate, constant) in [
        ("", Wide, false),
        ("0-15", Wide, false),
        ("stereo=1;sprop-stereo=1", Wide, false),
        ("maxplaybackrate=48000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; usedtx=0", Wide, false),
        ("minptime=10;useinbandfec=1", Wide, false),
        ("maxplaybackrate=8000", Narrow, false),
        ("MaxPlaybackRate = 12000 ;CBR=1", Narrow, true),
        ("maxaveragebitrate=19999", Narrow, false),
        ("maxaveragebitrate=12000;cbr=0", Narrow, false),
        ("maxaveragebitrate=6000;cbr=1", Least, true),
        ("maxplaybackrate=;maxaveragebitrate=many;cbr", Wide, false),
        ("maxaveragebitrate=99999999999999999999", Wide, false),
        // As they should not be written.
        ("  maxplaybackrate  =8000  cbr= 1 ", Narrow, true),
        ("cbr=1,maxaveragebitrate=8000", Least, true),
        ("useinbandfec;cbr=1;;=;=5;cbr=0;maxplaybackrate=x 9;maxplaybackrate=8000", Narrow, true),
    ] {
        let manner = read(&[parameters]);
        assert_eq!((manner.rate, manner.constant), (rate, constant), "{parameters}");
    }
    assert_eq!(read(&[PARAMETERS]), Manner::default(), "we understand ourselves");
    let mut places: Vec<usize> = [Wide, Narrow, Least]
        .iter()
        .flat_map(|&rate| [false, true].map(|constant| Manner { rate, constant, ..Manner::default() }.place()))
        .collect();
    places.sort_unstable();
    assert_eq!(places, (0..Manner::COUNT).collect::<Vec<_>>());
}

#[test]
fn opus_is_answered_where_we_like_it_best_in_frames_of_20_ms_with_events_at_its_clock() {
    let taken = answered(LINPHONE, &[Codec::Opus, Codec::Pcma]);
    assert_eq!(agreed(&taken.chosen), (Codec::Opus, 96, 20, vec![(101, 48_000), (99, 8000)]));
    assert_eq!(
        lines(&taken.sdp),
        [
            "m=audio 16384 RTP/AVPF 96 101",
            "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=40000;stereo=0;useinbandfec=1",
            "a=rtpmap:101 telephone-event/48000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
        ]
    );
    // Whoever asks for longer packets gets ours, which every peer takes.
    let taken = answered(BARESIP, &[Codec::Opus]);
    assert_eq!(agreed(&taken.chosen), (Codec::Opus, 96, 20, vec![(101, 8000)]));
    assert_eq!(taken.chosen.manner, Manner { untouched: Untouched::Nothing, ..Manner::default() });
    let plain = BROWSER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    let taken = answered(&plain, &[Codec::Opus]);
    assert_eq!(agreed(&taken.chosen), (Codec::Opus, 111, 20, vec![(110, 48_000), (126, 8000)]));
    assert_eq!(lines(&taken.sdp)[0], "m=audio 16384 RTP/AVP 111 110");
    // Where we like another better, or do not speak it, that is taken.
    let alaw = (Codec::Pcma, 8, 20, vec![(101, 48_000), (99, 8000)]);
    assert_eq!(agreed(&answered(LINPHONE, &[Codec::Pcma, Codec::Opus]).chosen), alaw);
    assert_eq!(agreed(&answered(LINPHONE, &[Codec::Pcmu, Codec::Pcma]).chosen).0, Codec::Pcmu);
    assert!(answer(&audio("RTP/AVP 96\na=rtpmap:96 opus/48000/2"), LOCAL).is_err());
}

#[test]
fn a_peer_that_takes_no_packets_of_20_ms_cannot_have_it() {
    for (ms, taken) in [(0, true), (3, false), (10, false), (19, false), (20, true), (120, true)] {
        let offer = format!("RTP/AVP 96 8\na=rtpmap:96 opus/48000/2\na=maxptime:{ms}");
        let chosen = answered(&offer, &[Codec::Opus, Codec::Pcma]).chosen;
        assert_eq!(chosen.codec == Codec::Opus, taken, "{ms} ms");
        assert!(ms != 10 || chosen.packet.as_millis() == 10, "the other codec is as short as it wants");
    }
    let among_others = "RTP/AVP 96 8\na=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1; maxptime=10";
    assert_eq!(answered(among_others, &[Codec::Opus, Codec::Pcma]).chosen.codec, Codec::Pcma);
    let only = audio("RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=maxptime:10");
    assert_eq!(answer(&only, codecs(&[Codec::Opus])).map(|_| ()), Err(crate::sdp::Refusal("no codec that we speak")));
}

#[test]
fn how_a_peer_wants_it_is_read_under_the_number_it_was_offered_under() {
    let offer = "RTP/AVP 96 97 8\na=fmtp:97 maxplaybackrate=8000;cbr=1\na=rtpmap:97 opus/48000/2\na=fmtp:97 cbr=0\na=fmtp:96 cbr=0";
    let chosen = answered(offer, &[Codec::Opus]).chosen;
    assert_eq!((chosen.payload_type, chosen.manner.rate, chosen.manner.constant), (97, Rate::Narrow, true));
    for map in ["opus/48000", "OPUS/48000/1", "Opus/48000/2"] {
        assert_eq!(answered(&format!("RTP/AVP 96\na=rtpmap:96 {map}"), &[Codec::Opus]).chosen.payload_type, 96);
    }
    for map in ["opus/16000/2", "opus/48000/6", "opus"] {
        assert!(answer(&audio(&format!("RTP/AVP 96\na=rtpmap:96 {map}")), codecs(&[Codec::Opus])).is_err(), "{map}");
    }
}

#[test]
fn a_peer_that_writes_a_line_for_each_wish_gets_all_of_them() {
    let offer = "RTP/AVP 96\na=fmtp:96 useinbandfec=1\na=FMTP: 96   MaxPlaybackRate=8000\na=rtpmap:96 opus/48000/2\n\
                 a=fmtp:96;cbr=1\na=fmtp:96\na=fmtp:96 cbr=0\na=fmtp:300 cbr=0\na=fmtp:";
    let chosen = answered(offer, &[Codec::Opus]).chosen;
    assert_eq!((chosen.manner.rate, chosen.manner.constant), (Rate::Narrow, true));
    // However many there are.
    let many = format!("RTP/AVP 96\na=rtpmap:96 opus/48000/2\n{}a=fmtp:96 cbr=1", "a=fmtp:96 x=1\n".repeat(1000));
    assert!(answered(&many, &[Codec::Opus]).chosen.manner.constant);
}

#[test]
fn what_another_peer_encoded_is_taken_untouched_unless_less_is_wanted() {
    use Untouched::{Nothing, UpTo};
    for (parameters, untouched) in [
        ("", UpTo(120)),
        ("stereo=0;maxplaybackrate=16000;maxaveragebitrate=40000;cbr=0", UpTo(120)),
        ("maxptime=60", UpTo(60)),
        ("maxptime=0", UpTo(120)),
        ("cbr=1", Nothing),
        ("maxaveragebitrate=39999", Nothing),
        ("maxplaybackrate=12000", Nothing),
    ] {
        assert_eq!(read(&[parameters]).untouched, untouched, "{parameters}");
    }
    let offer = |ms: u8| format!("RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=fmtp:96 maxptime=80\na=maxptime:{ms}");
    for (ms, longest) in [(40, 40), (100, 80)] {
        assert_eq!(answered(&offer(ms), &[Codec::Opus]).chosen.manner.untouched, UpTo(longest));
    }
}

#[test]
fn our_offer_has_it_with_events_at_both_clocks_only_where_the_settings_list_it() {
    let ours = |order: &[Codec]| offer(codecs(order), None).expect("nothing is hidden").sdp;
    let both = ours(&[Codec::Opus, Codec::Pcma]);
    assert_eq!(
        lines(&both),
        [
            "m=audio 16384 RTP/AVP 111 8 101 110",
            "a=rtpmap:111 opus/48000/2",
            &format!("a=fmtp:111 {PARAMETERS}"),
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=rtpmap:110 telephone-event/48000",
            "a=fmtp:110 0-15",
            "a=ptime:20",
        ]
    );
    assert_eq!(lines(&ours(&[Codec::Opus]))[0], "m=audio 16384 RTP/AVP 111 110");
    assert_eq!(lines(&ours(&[Codec::Pcma]))[0], "m=audio 16384 RTP/AVP 8 101");

    let told =
        |rest: &str| accept(&audio(rest), codecs(&[Codec::Opus, Codec::Pcma]), &Asked::default()).map(|c| agreed(&c));
    let opus = "111 110\na=rtpmap:111 opus/48000/2\na=rtpmap:110 telephone-event/48000";
    assert_eq!(told(&format!("RTP/AVP {opus}")), Ok((Codec::Opus, 111, 20, vec![(110, 48_000)])));
    // Numbers of its own: what comes to us still has those of our offer.
    let own = "96 100\na=rtpmap:96 opus/48000/2\na=rtpmap:100 telephone-event/48000\na=ptime:60";
    assert_eq!(told(&format!("RTP/AVP {own}")), Ok((Codec::Opus, 96, 20, vec![(100, 48_000), (110, 48_000)])));
    // Events at a clock that it refused are not pressed to it.
    let slow = "111 101\na=rtpmap:111 opus/48000/2\na=rtpmap:101 telephone-event/8000";
    assert_eq!(told(&format!("RTP/AVP {slow}")), Ok((Codec::Opus, 111, 20, vec![(101, 8000)])));
    // One of them is the number that we gave to events.
    let crossed = "110 101\na=rtpmap:110 opus/48000/2\na=rtpmap:101 telephone-event/8000";
    assert_eq!(told(&format!("RTP/AVP {crossed}")), Ok((Codec::Opus, 110, 20, vec![(101, 8000)])));
    assert_eq!(told("RTP/AVP 8").map(|agreed| agreed.0), Ok(Codec::Pcma));

    // Both of our own sides understand each other.
    let theirs = answer(&both, codecs(&[Codec::Opus])).expect("we serve ourselves");
    let mine = accept(&theirs.sdp, codecs(&[Codec::Opus, Codec::Pcma]), &Asked::default()).expect("understood");
    assert_eq!((agreed(&theirs.chosen).0, mine.codec, mine.payload_type), (Codec::Opus, Codec::Opus, 111));
}

#[test]
fn what_a_number_stands_for_stays_while_a_dialog_lives() {
    let local = codecs(&[Codec::Opus, Codec::Pcma]);
    let again = |now: &Chosen| {
        lines(&offer(local, Some(now)).expect("nothing is hidden").sdp).join(" ").replace("a=rtpmap:", "")
    };
    let linphone = again(&answered(LINPHONE, &[Codec::Opus]).chosen);
    assert!(linphone.starts_with("m=audio 16384 RTP/AVP 96 8 99 101 96 opus/48000/2"), "{linphone}");
    assert!(
        linphone.contains("99 telephone-event/8000") && linphone.contains("101 telephone-event/48000"),
        "{linphone}"
    );
    // Its events have the number that Opus usually has with us, which then takes a free one.
    let crossed = "RTP/AVP 8 111 96\na=rtpmap:111 telephone-event/8000\na=rtpmap:96 telephone-event/16000";
    let crossed = again(&answered(crossed, &[Codec::Pcma]).chosen);
    assert!(crossed.starts_with("m=audio 16384 RTP/AVP 97 8 111 110 97 opus/48000/2"), "{crossed}");
}
