//! Offers as telephones really send them, and what we make of each.

#[path = "offer_answer_srtp_tests.rs"]
mod encrypted;

use super::*;
use proptest::prelude::*;

const LOCAL: Local = Local {
    ip: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    port: 16384,
    session: 7,
    version: 3,
    codecs: Codecs::USUAL,
    security: Security::Plain,
    keys: KEYS,
};

const KEYS: Keys = Keys::new([[0x13; 44], [0x57; 44], [0x24; 44], [0x68; 44]]);

/// An offer of ours as a first one.
fn offer(local: Local) -> Vec<u8> {
    super::offer(local, None).expect("nothing is hidden").sdp
}

fn accept(answer: &[u8], codecs: Codecs) -> Result<Chosen, Refusal> {
    super::accept(answer, Local { codecs, ..LOCAL }, &Asked::default())
}

/// CR LF after every line, indentation away.
fn sdp(text: &str) -> Vec<u8> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).flat_map(|l| format!("{l}\r\n").into_bytes()).collect()
}

fn audio(rest: &str) -> Vec<u8> {
    sdp(&format!("v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 4000 {rest}"))
}

/// The `m=` lines of a description, and under each its attributes.
fn lines(sdp: &[u8], kind: &str) -> Vec<String> {
    let text = std::str::from_utf8(sdp).expect("ours is ASCII");
    text.split("\r\n").filter(|l| l.starts_with(kind)).map(str::to_owned).collect()
}

/// What was agreed, in one line.
fn told(chosen: &Chosen) -> String {
    let events: Vec<_> = chosen.events.iter().map(|e| format!("{}/{}", e.payload_type, e.clock)).collect();
    format!(
        "{} {:?}={} {}ms events {} {:?}",
        chosen.remote.map_or("held".into(), |r| r.to_string()),
        chosen.codec,
        chosen.payload_type,
        chosen.packet.as_millis(),
        if events.is_empty() { "none".into() } else { events.join(",") },
        chosen.direction,
    )
}

fn check(name: &str, offer: &[u8], agreed: &str, media: &[&str]) {
    let answer = answer(offer, LOCAL).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
    assert_eq!(told(&answer.chosen), agreed, "{name}");
    assert_eq!(lines(&answer.sdp, "m="), media, "{name}");
    assert_eq!(lines(&answer.sdp, "c="), ["c=IN IP4 192.0.2.1"], "{name}");
}

#[test]
fn offers_of_real_telephones_are_answered() {
    check(
        "baresip 1.0: dynamic codecs first, telephone-event last, RTCP attributes",
        &sdp("v=0
            o=- 3851372 1891 IN IP4 192.168.0.17
            s=-
            c=IN IP4 192.168.0.17
            t=0 0
            a=tool:baresip 1.0.0
            m=audio 21310 RTP/AVP 96 97 0 8 101
            a=rtpmap:96 opus/48000/2
            a=fmtp:96 stereo=1;sprop-stereo=1
            a=rtpmap:97 G722/8000
            a=rtpmap:0 PCMU/8000
            a=rtpmap:8 PCMA/8000
            a=rtpmap:101 telephone-event/8000
            a=fmtp:101 0-15
            a=rtcp:21311
            a=sendrecv
            a=label:1
            a=rtcp-rsize
            a=ssrc:2031457 cname:sip:kim@192.168.0.17
            a=ptime:20"),
        "192.168.0.17:21310 Pcma=8 20ms events 101/8000 SendRecv",
        &["m=audio 16384 RTP/AVP 8 101"],
    );
    check(
        "Linphone: AVPF, two event clocks, video beside it, fmtp before rtpmap",
        &sdp("v=0
            o=kim 1721 2210 IN IP4 10.1.1.5
            s=Talk
            c=IN IP4 10.1.1.5
            t=0 0
            a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
            a=record:off
            m=audio 7078 RTP/AVPF 96 0 8 101 97
            a=fmtp:96 useinbandfec=1
            a=rtpmap:96 opus/48000/2
            a=rtpmap:101 telephone-event/48000
            a=rtpmap:97 telephone-event/8000
            a=rtcp-fb:* trr-int 5000
            a=rtcp-fb:* ccm tmmbr
            m=video 9078 RTP/AVPF 96
            a=rtpmap:96 VP8/90000
            a=rtcp-fb:* trr-int 5000"),
        "10.1.1.5:7078 Pcma=8 20ms events 101/48000,97/8000 SendRecv",
        &["m=audio 16384 RTP/AVPF 8 97", "m=video 0 RTP/AVPF 96"],
    );
    check(
        "a Teams-like gateway: capitals, comfort noise, secure line first, plain line second",
        &sdp("v=0
            o=- 221905 0 IN IP4 52.112.0.9
            s=session
            c=IN IP4 52.112.0.9
            b=CT:10000000
            t=0 0
            a=group:BUNDLE 0 1
            m=audio 49190 RTP/SAVP 104 9 8
            a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|2^31
            a=mid:0
            m=audio 49192 RTP/AVP 104 9 103 111 18 0 8 97 101 13 118
            a=mid:1
            A=IGNORED:yes
            a=RTPMAP:104 SILK/16000
            a=rtpmap:101 TELEPHONE-EVENT/8000
            a=rtpmap:8 pcma/8000
            a=fmtp:101 0-16
            a=rtcp-mux
            a=ptime:20"),
        "52.112.0.9:49192 Pcma=8 20ms events 101/8000 SendRecv",
        &["m=audio 0 RTP/SAVP 104", "m=audio 16384 RTP/AVP 8 101"],
    );
    check(
        "SIPp's default scenario: no telephone-event, addresses only in the session part",
        &sdp("v=0
            o=user1 53655765 2353687637 IN IP4 127.0.0.1
            s=-
            c=IN IP4 127.0.0.1
            t=0 0
            m=audio 6000 RTP/AVP 0
            a=rtpmap:0 PCMU/8000"),
        "127.0.0.1:6000 Pcmu=0 20ms events none SendRecv",
        &["m=audio 16384 RTP/AVP 0"],
    );
    check(
        "Asterisk: maxptime, µ-law first, A-law taken",
        &sdp("v=0
            o=- 1189 1189 IN IP4 203.0.113.5
            s=Asterisk
            c=IN IP4 203.0.113.5
            t=0 0
            m=audio 12816 RTP/AVP 0 8 9 101
            a=rtpmap:0 PCMU/8000
            a=rtpmap:8 PCMA/8000
            a=rtpmap:9 G722/8000
            a=rtpmap:101 telephone-event/8000
            a=fmtp:101 0-16
            a=ptime:30
            a=maxptime:150
            a=sendrecv"),
        "203.0.113.5:12816 Pcma=8 30ms events 101/8000 SendRecv",
        &["m=audio 16384 RTP/AVP 8 101"],
    );
    check(
        "a carrier's switch: t= before c=, `s= `, no o=, media c= only, no rtpmap at all",
        &sdp("v=0
            s= 
            t=3034423619 3042462419
            m=audio 30000 RTP/AVP 8 0 18
            c=IN IP4 198.51.100.9/127"),
        "198.51.100.9:30000 Pcma=8 20ms events none SendRecv",
        &["m=audio 16384 RTP/AVP 8"],
    );
    check(
        "fax beside audio, a disabled video line, a data line",
        &sdp("v=0
            c=IN IP4 10.0.0.7
            t=0 0
            m=video 0 RTP/AVP 31
            m=audio 4000 RTP/AVP 8
            m=image 4002 udptl t38
            m=message 7394 TCP/MSRP *"),
        "10.0.0.7:4000 Pcma=8 20ms events none SendRecv",
        &["m=video 0 RTP/AVP 31", "m=audio 16384 RTP/AVP 8", "m=image 0 udptl t38", "m=message 0 TCP/MSRP *"],
    );
    check(
        "two audio lines: the first that fits",
        &sdp("v=0
            c=IN IP4 10.0.0.7
            m=audio 4000 RTP/AVP 18
            m=audio 4002 RTP/AVP 0
            m=audio 4004 RTP/AVP 8"),
        "10.0.0.7:4002 Pcmu=0 20ms events none SendRecv",
        &["m=audio 0 RTP/AVP 18", "m=audio 16384 RTP/AVP 0", "m=audio 0 RTP/AVP 8"],
    );
}

#[test]
fn formats_are_understood_by_what_they_map_to() {
    for (rest, agreed) in [
        ("RTP/AVP 98 0\na=rtpmap:98 PCMA/8000", "Pcma=98 20ms events none"),
        // 8 mapped to something else is not A-law.
        ("RTP/AVP 8 0\na=rtpmap:8 opus/48000/2", "Pcmu=0 20ms events none"),
        ("RTP/AVP 8\na=rtpmap:8 PCMA/8000/1", "Pcma=8 20ms events none"),
        (
            "RTP/AVP 8 96 97 98\na=rtpmap:96 telephone-event/16000\na=rtpmap:97 telephone-event/48000\na=rtpmap:98 telephone-event/8000",
            "Pcma=8 20ms events 96/16000,97/48000,98/8000",
        ),
        // Listed in rtpmap but not in the line: not offered.
        ("RTP/AVP 8\na=rtpmap:101 telephone-event/8000", "Pcma=8 20ms events none"),
        ("RTP/AVP 8 8 101 101\na=rtpmap:101 telephone-event/8000", "Pcma=8 20ms events 101/8000"),
        ("RTP/AVP 8\na=ptime:10", "Pcma=8 10ms events none"),
        ("RTP/AVP 8\na=ptime:60", "Pcma=8 60ms events none"),
        ("RTP/AVP 8\na=ptime:9", "Pcma=8 20ms events none"),
        ("RTP/AVP 8\na=ptime:62.5", "Pcma=8 20ms events none"),
        ("RTP/AVP 8\na=ptime:100", "Pcma=8 20ms events none"),
        ("RTP/AVP 8\na=ptime:40\na=maxptime:30", "Pcma=8 30ms events none"),
    ] {
        let answer = answer(&audio(rest), LOCAL).expect(rest);
        assert_eq!(told(&answer.chosen), format!("10.0.0.7:4000 {agreed} SendRecv"), "{rest}");
    }
}

#[test]
fn reports_share_the_port_when_that_is_offered_and_else_have_their_own() {
    let apart = |text: &str| Control::Apart(text.parse().expect("an address"));
    for (session, media, control, answered) in [
        ("", "", apart("10.0.0.7:4001"), false),
        ("", "a=rtcp-mux", Control::Muxed, true),
        ("", "a=rtcp:4000\na=RTCP-MUX", Control::Muxed, true),
        ("", "a=rtcp:5500", apart("10.0.0.7:5500"), false),
        ("", "a=rtcp:5500 IN IP4 10.0.0.8", apart("10.0.0.8:5500"), false),
        // Where nobody could be reached, or nonsense.
        ("", "a=rtcp:5500 IN IP4 224.0.0.1", apart("10.0.0.7:5500"), false),
        ("", "a=rtcp:5500 IN IP6 2001:db8::1", apart("10.0.0.7:5500"), false),
        ("", "a=rtcp:0", apart("10.0.0.7:4001"), false),
        ("", "a=rtcp:65536", apart("10.0.0.7:4001"), false),
        // VoLTE terminals leave no bandwidth for reports.
        ("", "b=RS:0\nb=RR:0", Control::Off, false),
        ("b=AS:41\nb=RS:0\nb=RR:0", "", Control::Off, false),
        ("b=RS:0\nb=RR:0", "b=RR:2000", apart("10.0.0.7:4001"), false),
        ("", "b=RS:0", apart("10.0.0.7:4001"), false),
    ] {
        let offer = sdp(&format!("v=0\nc=IN IP4 10.0.0.7\n{session}\nm=audio 4000 RTP/AVP 8\n{media}"));
        let answer = answer(&offer, LOCAL).expect(media);
        assert_eq!(answer.chosen.control, control, "{session} {media}");
        assert_eq!(lines(&answer.sdp, "a=rtcp-mux").len(), usize::from(answered), "{session} {media}");
    }
    // RFC 2543 hold: there is no address.
    let held = answer(&sdp("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 8"), LOCAL).expect("held");
    assert_eq!(held.chosen.control, Control::Off);
    assert_eq!(lines(&offer(LOCAL), "a=rtcp-mux").len(), 1, "ours offers it");
    assert_eq!(accept(&audio("RTP/AVP 8\na=rtcp-mux"), Codecs::USUAL).expect("served").control, Control::Muxed);
    assert_eq!(accept(&audio("RTP/AVP 8"), Codecs::USUAL).expect("served").control, apart("10.0.0.7:4001"));
}

#[test]
fn our_order_of_codecs_decides_and_what_we_do_not_hold_is_not_taken() {
    use Codec::{G722, Pcma, Pcmu};
    for (ours, offered, taken) in [
        (vec![Pcma, Pcmu], "9 0 8", Some("Pcma=8")),
        (vec![Pcmu, Pcma], "9 8 0", Some("Pcmu=0")),
        (vec![G722, Pcma], "8 0 9", Some("G722=9")),
        (vec![Pcma, Pcmu, G722], "9", Some("G722=9")),
        (vec![Pcma, Pcmu], "9", None),
        (vec![Pcma], "0", None),
        (vec![G722], "96\na=rtpmap:96 G722/8000", Some("G722=96")),
        (vec![G722], "96\na=rtpmap:96 g722/16000/1", Some("G722=96")),
        (vec![G722], "9\na=rtpmap:9 opus/48000/2", None),
    ] {
        let local = Local { codecs: Codecs::new(ours.clone()), ..LOCAL };
        let answer = answer(&audio(&format!("RTP/AVP {offered}")), local).ok();
        let told = answer.map(|answer| told(&answer.chosen));
        let expected = taken.map(|taken| format!("10.0.0.7:4000 {taken} 20ms events none SendRecv"));
        assert_eq!(told, expected, "{ours:?} {offered}");
    }
    let local = Local { codecs: Codecs::new([G722, Pcma]), ..LOCAL };
    assert_eq!(lines(&offer(local), "m="), ["m=audio 16384 RTP/AVP 9 8 101"]);
    assert_eq!(lines(&offer(local), "a=rtpmap:9"), ["a=rtpmap:9 G722/8000"]);
    // An answer may list what we did not offer: the first of ours counts.
    let accepted = accept(&audio("RTP/AVP 0 9"), local.codecs).expect("served");
    assert_eq!((accepted.codec, accepted.payload_type), (G722, 9));
}

#[test]
fn events_are_answered_at_the_clock_of_the_sound() {
    let wide = "RTP/AVP 9 96 97 98\na=rtpmap:96 telephone-event/16000\na=rtpmap:97 telephone-event/48000\na=rtpmap:98 telephone-event/8000";
    let local = Local { codecs: Codecs::new([Codec::G722]), ..LOCAL };
    let answered = answer(&audio(wide), local).expect("served");
    assert_eq!(lines(&answered.sdp, "m="), ["m=audio 16384 RTP/AVP 9 98"]);
    assert_eq!(answered.chosen.events.len(), 3, "yet every one is understood");
    let only = "RTP/AVP 8 97\na=rtpmap:97 telephone-event/48000";
    assert_eq!(lines(&answer(&audio(only), LOCAL).expect("served").sdp, "m="), ["m=audio 16384 RTP/AVP 8 97"]);
}

#[test]
fn hold_and_resume_are_answered_from_our_side() {
    for (address, asked, direction) in [
        ("10.0.0.7", "a=sendrecv", Direction::SendRecv),
        ("10.0.0.7", "", Direction::SendRecv),
        ("10.0.0.7", "a=sendonly", Direction::RecvOnly),
        ("10.0.0.7", "a=recvonly", Direction::SendOnly),
        ("10.0.0.7", "a=inactive", Direction::Inactive),
        ("0.0.0.0", "", Direction::RecvOnly),
        ("0.0.0.0", "a=sendrecv", Direction::RecvOnly),
        ("0.0.0.0", "a=sendonly", Direction::RecvOnly),
        ("0.0.0.0", "a=recvonly", Direction::Inactive),
        ("0.0.0.0", "a=inactive", Direction::Inactive),
    ] {
        for (session, media) in
            [(asked, ""), ("", asked), ("a=inactive", if asked.is_empty() { "a=sendrecv" } else { asked })]
        {
            let offer = sdp(&format!("v=0\nc=IN IP4 {address}\n{session}\nm=audio 4000 RTP/AVP 8\n{media}"));
            let answer = answer(&offer, LOCAL).expect(asked);
            assert_eq!(answer.chosen.direction, direction, "{address} {asked}");
            assert_eq!(answer.chosen.remote.is_none(), address == "0.0.0.0", "{address} {asked}");
            let written = match direction {
                Direction::SendRecv => "a=sendrecv",
                Direction::SendOnly => "a=sendonly",
                Direction::RecvOnly => "a=recvonly",
                Direction::Inactive => "a=inactive",
            };
            assert_eq!(lines(&answer.sdp, written).len(), 1, "{address} {asked}");
        }
    }
}

#[test]
fn offers_we_cannot_serve_are_refused() {
    for (offer, reason) in [
        (audio("RTP/AVP 18 9 96"), "no codec that we speak"),
        (audio("RTP/SAVP 8"), "SRTP, which is off"),
        (audio("UDP/TLS/RTP/SAVPF 111 8 0\na=fingerprint:sha-256 AA\na=ice-ufrag:x"), "neither RTP nor SRTP"),
        (sdp("v=0\nc=IN IP4 10.0.0.7\nm=audio 0 RTP/AVP 8"), "the audio line is disabled"),
        (
            sdp("v=0\nc=IN IP6 2001:db8::7\nm=audio 4000 RTP/AVP 8"),
            "the connection address is of another IP version than the signalling",
        ),
        (sdp("v=0\nc=IN IP4 phone.example\nm=audio 4000 RTP/AVP 8"), "the connection address is not an IP address"),
        (sdp("v=0\nc=IN IP4 224.2.1.1/127\nm=audio 4000 RTP/AVP 8"), "the connection address is not unicast"),
        (sdp("v=0\nm=audio 4000 RTP/AVP 8"), "no connection address"),
        (sdp("v=0\nc=IN IP4 10.0.0.7\nm=image 4000 udptl t38"), "no audio line"),
        (sdp("v=0\nc=IN IP4 10.0.0.7"), "no media line"),
        (Vec::new(), "no media line"),
    ] {
        assert_eq!(answer(&offer, LOCAL).expect_err(reason), Refusal(reason));
    }
}

#[test]
fn an_ipv6_offer_is_served_over_ipv6_signalling() {
    let local = Local { ip: "2001:db8::1".parse().expect("an address"), ..LOCAL };
    let offer = sdp("v=0\nc=IN IP6 2001:db8::7\nm=audio 4000 RTP/AVP 8");
    let answer = answer(&offer, local).expect("served");
    assert_eq!(answer.chosen.remote, Some("[2001:db8::7]:4000".parse().expect("an address")));
    assert_eq!(lines(&answer.sdp, "c="), ["c=IN IP6 2001:db8::1"]);
}

#[test]
fn the_answer_repeats_the_times_of_the_offer() {
    let times = |offer: &str| lines(&answer(&sdp(offer), LOCAL).expect("served").sdp, "t=");
    assert_eq!(times("v=0\nc=IN IP4 10.0.0.7\nt=3034423619 0\nm=audio 4000 RTP/AVP 8"), ["t=3034423619 0"]);
    assert_eq!(times("v=0\nc=IN IP4 10.0.0.7\nt=now\nm=audio 4000 RTP/AVP 8"), ["t=0 0"]);
}

#[test]
fn telephone_events_are_echoed_under_the_peers_number() {
    let offer = audio("RTP/AVP 8 110\na=fmtp:110 0-16\na=rtpmap:110 telephone-event/8000");
    let sdp = answer(&offer, LOCAL).expect("served").sdp;
    assert_eq!(lines(&sdp, "a=rtpmap:"), ["a=rtpmap:8 PCMA/8000", "a=rtpmap:110 telephone-event/8000"]);
    assert_eq!(lines(&sdp, "a=fmtp:"), ["a=fmtp:110 0-15"]);
}

#[test]
fn answers_to_our_offer_are_read() {
    for (rest, agreed) in [
        ("RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000", "Pcma=8 20ms events 101/8000 SendRecv"),
        // The answerer decides: its first codec.
        ("RTP/AVP 0 8", "Pcmu=0 20ms events none SendRecv"),
        ("RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000", "Pcma=8 20ms events 96/8000,101/8000 SendRecv"),
        ("RTP/AVP 8\na=recvonly\na=ptime:40", "Pcma=8 40ms events none SendOnly"),
    ] {
        assert_eq!(told(&accept(&audio(rest), Codecs::USUAL).expect(rest)), format!("10.0.0.7:4000 {agreed}"));
    }
    assert!(accept(&audio("RTP/AVP 18"), Codecs::USUAL).is_err());
    assert!(accept(&sdp("v=0\nc=IN IP4 10.0.0.7\nm=audio 0 RTP/AVP 8"), Codecs::USUAL).is_err());
}

#[test]
fn all_that_an_answer_takes_may_come_under_its_numbers_and_ours() {
    let all = Codecs::new([Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus]);
    for (rest, others) in [
        ("8", &[][..]),
        ("8 0 101", &[(0, Codec::Pcmu)]),
        ("8 111", &[(111, Codec::Opus)]),
        // Its own numbers; whoever keeps to the standard sends those of our offer.
        ("8 96", &[(96, Codec::Opus), (111, Codec::Opus)]),
        ("96 97", &[(97, Codec::G722), (111, Codec::Opus), (9, Codec::G722)]),
        // What was not offered to it, or is listed twice, is nothing more.
        ("0 18 8 8 0", &[(8, Codec::Pcma)]),
        // A number that it gave to keys is theirs.
        ("8 96 98 111", &[(96, Codec::Opus), (98, Codec::Pcmu), (0, Codec::Pcmu)]),
    ] {
        let maps =
            "a=rtpmap:96 opus/48000/2\na=rtpmap:97 G722/8000\na=rtpmap:98 PCMU/8000\na=rtpmap:101 telephone-event/8000";
        let opus = if rest.contains("98") { "telephone-event/48000" } else { "opus/48000/2" };
        let answer = audio(&format!("RTP/AVP {rest}\n{maps}\na=rtpmap:111 {opus}"));
        assert_eq!(accept(&answer, all).expect(rest).others, others, "{rest}");
    }
    // One codec is answered, and one may come.
    assert_eq!(answer(&audio("RTP/AVP 0 8"), LOCAL).expect("answered").chosen.others, []);
}

fn locals() -> impl Strategy<Value = Local> {
    (any::<[u8; 4]>(), 1u16.., any::<u64>(), any::<u64>())
        .prop_filter("unicast", |(ip, ..)| ip[0] > 0 && ip[0] < 224)
        .prop_map(|(ip, port, session, version)| Local { ip: ip.into(), port, session, version, ..LOCAL })
}

proptest! {
    #[test]
    fn both_sides_of_our_own_offer_agree(ours in locals(), theirs in locals()) {
        let answer = answer(&offer(ours), theirs).expect("we serve ourselves");
        prop_assert_eq!(answer.chosen.remote, Some(SocketAddr::new(ours.ip, ours.port)));
        let agreed = accept(&answer.sdp, Codecs::USUAL).expect("we understand ourselves");
        prop_assert_eq!(agreed.remote, Some(SocketAddr::new(theirs.ip, theirs.port)));
        prop_assert_eq!(Chosen { remote: None, ..agreed }, Chosen { remote: None, ..answer.chosen });
    }

    #[test]
    fn a_damaged_offer_is_refused_or_answered_line_by_line(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut offer = audio("RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\na=ptime:20\nm=video 0 RTP/AVP 31\na=sendonly");
        for (at, byte) in cuts {
            let at = at.index(offer.len());
            offer[at] = byte;
        }
        offer.truncate(end.index(offer.len()) + 1);
        if let Ok(answer) = answer(&offer, LOCAL) {
            let lines = read(&offer).expect("it was answered").media.len();
            let back = read(&answer.sdp).expect("ours is readable");
            prop_assert_eq!(back.media.len(), lines);
            prop_assert_eq!(back.media.iter().filter(|m| m.port != 0).count(), 1);
        }
    }
}
