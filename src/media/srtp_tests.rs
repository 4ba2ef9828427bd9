//! Packets of libsrtp, and what forgers, repeaters and changing peers meet.

use super::*;
use crate::limits::{RTP_PACKET_BYTES_MAX, SRTP_KEY_BYTES_MAX, SRTP_TRAILER_BYTES_MAX};
use crate::sdp::crypto::Keys;
use proptest::prelude::*;

const SSRC: u32 = 0xcafe_babe;

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

/// The master key of RFC 3711 B.3 and of libsrtp's tests.
pub(super) fn known(suite: Suite) -> MasterKey {
    MasterKey::new(suite, &bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")).expect("its length")
}

fn key(suite: Suite, which: u8) -> MasterKey {
    Keys::new([[which; SRTP_KEY_BYTES_MAX]; Suite::ALL.len()]).of(suite)
}

/// A packet of sound that tells its number.
fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[sequence as u8; 160]);
    packet
}

fn sealed(sealer: &mut Sealer, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + SRTP_TRAILER_BYTES_MAX, 0x77);
    let length = sealer.seal(&mut buffer, packet.len()).expect("there is room");
    buffer.truncate(length);
    buffer
}

fn sealed_report(sealer: &mut Sealer, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + SRTP_TRAILER_BYTES_MAX, 0x77);
    let length = sealer.seal_report(&mut buffer, packet.len()).expect("there is room");
    buffer.truncate(length);
    buffer
}

fn opened(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = packet.to_vec();
    let result = opener.open(&mut buffer);
    assert!(result.is_ok() || buffer == packet, "what is refused stays as it was");
    result.map(|length| buffer[..length].to_vec())
}

fn opened_report(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = packet.to_vec();
    let result = opener.open_report(&mut buffer);
    assert!(result.is_ok() || buffer == packet, "what is refused stays as it was");
    result.map(|length| buffer[..length].to_vec())
}

/// A sender with its packets by number, and who hears them.
struct Line {
    sealer: Sealer,
    opener: Opener,
}

impl Line {
    fn new(suite: Suite) -> Self {
        Self { sealer: Sealer::new(&key(suite, 1)), opener: Opener::new(&key(suite, 1), None) }
    }

    fn send(&mut self, sequence: u16) -> Vec<u8> {
        sealed(&mut self.sealer, &packet(SSRC, sequence))
    }

    /// Whether it counts.
    fn hears(&mut self, packet: &[u8]) -> bool {
        opened(&mut self.opener, packet).is_ok()
    }
}

/// What libsrtp's own tests hold: `srtp_validate` in `test/srtp_driver.c`.
#[test]
fn counter_mode_packets_are_those_of_libsrtp() {
    let sound = bytes("800f1234decafbadcafebabeabababababababababababababababab");
    let on_wire = bytes("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    let master = known(Suite::AesCm128Sha1Tag80);
    assert_eq!(sealed(&mut Sealer::new(&master), &sound), on_wire);
    let mut opener = Opener::new(&master, None);
    assert_eq!(opened(&mut opener, &on_wire), Ok(sound.clone()));
    // The short tag is the beginning of the long one.
    assert_eq!(sealed(&mut Sealer::new(&known(Suite::AesCm128Sha1Tag32)), &sound), on_wire[..on_wire.len() - 6]);

    let report = bytes("81c8000bcafebabeabababababababababababababababab");
    let on_wire = bytes("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    assert_eq!(opened_report(&mut opener, &on_wire), Ok(report.clone()));
    // Its first report has the number 1, ours 0.
    for suite in [Suite::AesCm128Sha1Tag80, Suite::AesCm128Sha1Tag32] {
        let mut sealer = Sealer::new(&known(suite));
        sealed_report(&mut sealer, &report);
        assert_eq!(sealed_report(&mut sealer, &report), on_wire, "{suite:?}");
    }
}

/// Sealed by libsrtp 2 (by pylibsrtp 1.0) with the key 01 02 03 …: numbers 0xfffe and, behind the end, 0; a report.
#[test]
fn in_every_suite_packets_and_reports_are_those_of_libsrtp() {
    let sound = |sequence: u16| {
        let mut packet = bytes("80080000decafbadcafebabeabababababababababababababababababababab");
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet
    };
    let report = bytes("81c8000bcafebabeabababababababababababababababababababab");
    for (suite, first, behind, reported) in [
        (
            Suite::AesCm128Sha1Tag80,
            "8008fffedecafbadcafebabe0efba7233ccf6037577f941c4f43a96d8f2fc982f3a2419148ecd37419ea",
            "80080000decafbadcafebabe703f36daaae835e837328c1129c3069fd0e266def19231505dd9b8a44c1a",
            "81c8000bcafebabe03f0a2f39ed616569a32b8ad28dad37a78979d52800000016ecb3da7b8e47bef0319",
        ),
        (
            Suite::AesCm128Sha1Tag32,
            "8008fffedecafbadcafebabe0efba7233ccf6037577f941c4f43a96d8f2fc982f3a24191",
            "80080000decafbadcafebabe703f36daaae835e837328c1129c3069fd0e266def1923150",
            "81c8000bcafebabe03f0a2f39ed616569a32b8ad28dad37a78979d52800000016ecb3da7b8e47bef0319",
        ),
        (
            Suite::AesGcm128,
            "8008fffedecafbadcafebabe917ab8b6ab3b1312e773846cc8f42d07e1658745336cc1937086d8977b4902942364ff91",
            "80080000decafbadcafebabe4d533f2a442d23c53838848f85d86d6fb4c238ecde244be4fac0b66de601f2417834e58e",
            "81c8000bcafebabedb7c63b4733b245f1bb30fc7ea6b4588b87120b2c8c4eb64ea1316a00293c40c30b4933f80000001",
        ),
        (
            Suite::AesGcm256,
            "8008fffedecafbadcafebabe277675a186cf66318a7ee4e224c9b8a0bbd3015582dde0c4da80d37f483dd4892295fd61",
            "80080000decafbadcafebabe2a64a8e3165bd8696806d5e7cd6c456fda157e61f9682b120fa19ef3969e40d4f2a5b7ee",
            "81c8000bcafebabe85f8e10bb21bfa3a183c41f13947f13ca60dfae07ffe9e68b0a1ce34b6f7279defddbd7e80000001",
        ),
    ] {
        let (key, salt) = suite.lengths();
        let material: Vec<u8> = (1..).take(key + salt).collect();
        let key = MasterKey::new(suite, &material).expect("its length");
        let mut sealer = Sealer::new(&key);
        assert_eq!(sealed(&mut sealer, &sound(0xfffe)), bytes(first), "{suite:?}");
        assert_eq!(sealed(&mut sealer, &sound(0)), bytes(behind), "{suite:?}");
        // Its first report has the number 1, ours 0.
        sealed_report(&mut sealer, &report);
        assert_eq!(sealed_report(&mut sealer, &report), bytes(reported), "{suite:?}");
        let mut opener = Opener::new(&key, None);
        assert_eq!(opened(&mut opener, &bytes(first)), Ok(sound(0xfffe)), "{suite:?}");
        assert_eq!(opened(&mut opener, &bytes(behind)), Ok(sound(0)), "{suite:?}");
        assert_eq!(opened_report(&mut opener, &bytes(reported)), Ok(report.clone()), "{suite:?}");
    }
}

#[test]
fn in_every_suite_what_is_sealed_opens_with_contributors_extensions_and_a_numbered_key() {
    let with_extras = bytes("b2080002 000000a0 cafebabe 00000001 00000002 bede0001 10aa0000 0102030405");
    let report = bytes("80c90001 cafebabe");
    for suite in Suite::ALL {
        for (mki, number) in [
            (None, ""),
            (Some(Mki { value: 0x0102, length: 4 }), "00000102"),
            (Some(Mki { value: 7, length: 1 }), "07"),
        ] {
            let mut line = Line::new(suite);
            line.opener.mki = mki;
            let gcm = matches!(suite, Suite::AesGcm128 | Suite::AesGcm256);
            for (kind, plain) in [(0, packet(SSRC, 1)), (0, with_extras.clone()), (1, report.clone())] {
                let mut on_wire = match kind {
                    0 => sealed(&mut line.sealer, &plain),
                    _ => sealed_report(&mut line.sealer, &plain),
                };
                assert!(kind == 1 || on_wire[12..] != plain[12..], "{suite:?}");
                let tag = match (gcm, kind) {
                    (true, _) => 0,
                    (false, 0) => line.sealer.sound.tag(),
                    (false, _) => line.sealer.reports.tag(),
                };
                let at = on_wire.len() - tag;
                on_wire.splice(at..at, bytes(number));
                let mut wrong = on_wire.clone();
                if let Some(byte) = wrong.get_mut(at).filter(|_| mki.is_some()) {
                    *byte ^= 1;
                    let refused = if kind == 0 {
                        opened(&mut line.opener, &wrong)
                    } else {
                        opened_report(&mut line.opener, &wrong)
                    };
                    assert_eq!(refused, Err(Refused::Forged), "{suite:?} {mki:?}");
                }
                let open = if kind == 0 {
                    opened(&mut line.opener, &on_wire)
                } else {
                    opened_report(&mut line.opener, &on_wire)
                };
                assert_eq!(open, Ok(plain), "{suite:?} {mki:?}");
            }
        }
    }
}

#[test]
fn a_changed_bit_anywhere_is_a_forgery_and_changes_nothing() {
    for suite in Suite::ALL {
        let mut line = Line::new(suite);
        let first = line.send(10);
        assert!(line.hears(&first));
        let (good, report) = (line.send(11), sealed_report(&mut line.sealer, &bytes("80c90001 cafebabe")));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!line.hears(&bad), "{suite:?} bit {bit}");
        }
        for bit in 0..report.len() * 8 {
            let mut bad = report.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(opened_report(&mut line.opener, &bad).is_err(), "{suite:?} bit {bit}");
        }
        for length in 0..good.len() {
            assert!(!line.hears(&good[..length]), "{suite:?} {length} bytes");
        }
        for length in 0..report.len() {
            assert!(opened_report(&mut line.opener, &report[..length]).is_err(), "{suite:?} {length} bytes");
        }
        // Not even a number far ahead was taken for heard.
        assert!(line.hears(&good) && opened_report(&mut line.opener, &report).is_ok(), "{suite:?}");
        assert_eq!(line.opener.sources.len(), 1);
        let mut stranger = Sealer::new(&key(suite, 2));
        assert_eq!(opened(&mut line.opener, &sealed(&mut stranger, &packet(SSRC, 12))), Err(Refused::Forged));
        assert_eq!(opened(&mut line.opener, &packet(SSRC, 12)), Err(Refused::Forged), "plain RTP");
    }
}

#[test]
fn a_packet_counts_once_and_a_late_one_as_long_as_it_is_remembered() {
    let mut line = Line::new(Suite::AesGcm128);
    let all: Vec<_> = (0..400).map(|sequence| line.send(1000 + sequence)).collect();
    assert!(line.hears(&all[200]));
    assert_eq!(opened(&mut line.opener, &all[200]), Err(Refused::Again));
    // 127 back is within the window, 128 is not.
    assert!(line.hears(&all[73]));
    assert_eq!(opened(&mut line.opener, &all[73]), Err(Refused::Again));
    assert_eq!(opened(&mut line.opener, &all[72]), Err(Refused::Again));
    assert!(line.hears(&all[201]) && line.hears(&all[199]));
    // A leap beyond the window forgets what lies behind it.
    assert!(line.hears(&all[399]) && !line.hears(&all[202]) && line.hears(&all[398]));
    let report = sealed_report(&mut line.sealer, &bytes("80c90001 cafebabe"));
    assert!(opened_report(&mut line.opener, &report).is_ok());
    assert_eq!(opened_report(&mut line.opener, &report), Err(Refused::Again));
}

#[test]
fn numbers_go_on_beyond_16_bits_also_out_of_order() {
    for suite in [Suite::AesCm128Sha1Tag80, Suite::AesGcm256] {
        let mut line = Line::new(suite);
        // It begins right before the end of its numbers.
        let [a, b, c, d, e] = [65_533, 65_534, 65_535, 0, 1].map(|sequence| line.send(sequence));
        assert!(line.hears(&a) && line.hears(&d) && line.hears(&c) && line.hears(&e) && line.hears(&b), "{suite:?}");
        assert!(![a, b, c, d, e].iter().any(|packet| line.hears(packet)), "all came before");
        // Three more times around, with most of them lost; then one of the last round again.
        let mut last = Vec::new();
        for number in (2u32..200_000).step_by(37) {
            last = line.send(number as u16);
            assert!(line.hears(&last), "{suite:?} {number}");
        }
        assert!(!line.hears(&last));
        assert_eq!(line.opener.sources[0].sound.rounds(), Some(200_000 / 65_536 + 1));
    }
}

#[test]
fn a_sender_that_jumps_in_its_first_round_is_still_heard() {
    let mut line = Line::new(Suite::AesCm128Sha1Tag80);
    let first = line.send(5);
    assert!(line.hears(&first));
    let jumped = line.send(60_000);
    assert!(line.hears(&jumped));
}

#[test]
fn a_telephone_that_changes_its_source_with_each_key_is_heard_through_a_long_call() {
    let mut line = Line::new(Suite::AesCm128Sha1Tag80);
    assert!(line.opener.sources.capacity() == 0, "only what is used costs anything");
    for ssrc in 0..200 {
        let packet = sealed(&mut Sealer::new(&key(Suite::AesCm128Sha1Tag80, 1)), &packet(ssrc, 7));
        assert!(line.hears(&packet) && !line.hears(&packet), "{ssrc}");
    }
}

#[test]
fn sources_that_prove_themselves_have_numbers_of_their_own_and_none_is_forgotten() {
    let mut line = Line::new(Suite::AesCm128Sha1Tag80);
    let mut first = Vec::new();
    for ssrc in 0..SRTP_SOURCES_MAX as u32 {
        let packet = sealed(&mut Sealer::new(&key(Suite::AesCm128Sha1Tag80, 1)), &packet(ssrc, 7));
        assert!(line.hears(&packet));
        first.push(packet);
    }
    let one_more = sealed(&mut Sealer::new(&key(Suite::AesCm128Sha1Tag80, 1)), &packet(SRTP_SOURCES_MAX as u32, 7));
    assert!(!line.hears(&one_more), "else an old one would have to go");
    assert!(!first.iter().any(|packet| line.hears(packet)));
    // Forgers fill nothing.
    let mut line = Line::new(Suite::AesCm128Sha1Tag80);
    assert!(!(0..100).any(|ssrc| line.hears(&packet(ssrc, 7))));
    assert!(line.opener.sources.is_empty());
}

fn secured(suite: Suite, ours: u8, theirs: u8) -> Secured {
    Secured { tag: 1, ours: key(suite, ours), theirs: key(suite, theirs), mki: None, profile: true }
}

/// Whether our session hears it.
fn hears(session: &mut Session, packet: &[u8]) -> bool {
    session.open(&mut packet.to_vec()).is_some()
}

#[test]
fn a_key_that_stays_goes_on_counting_and_no_number_leaves_twice_under_it() {
    let suite = Suite::AesCm128Sha1Tag80;
    let mut session = Session::new(&secured(suite, 1, 2));
    let mut theirs = Sealer::new(&key(suite, 2));
    let seal = |session: &mut Session, sequence| {
        let mut buffer = [packet(9, sequence), vec![0; 16]].concat();
        let length = session.seal(&mut buffer, 172).expect("room");
        buffer[..length].to_vec()
    };
    let before: Vec<_> = [65_535, 0].map(|sequence| seal(&mut session, sequence)).to_vec();
    let heard: Vec<_> = [65_535, 0].map(|sequence| sealed(&mut theirs, &packet(SSRC, sequence))).to_vec();
    assert!(heard.iter().all(|packet| hears(&mut session, packet)));
    // Hold, resume: the same keys.
    session.agree(&secured(suite, 1, 2));
    assert!(!heard.iter().any(|packet| hears(&mut session, packet)), "what was heard stays heard");
    assert!(hears(&mut session, &sealed(&mut theirs, &packet(SSRC, 1))));
    let mut peer = Opener::new(&key(suite, 1), None);
    assert!(before.iter().all(|packet| opened(&mut peer, packet).is_ok()));
    assert!(opened(&mut peer, &seal(&mut session, 1)).is_ok(), "our rounds go on");
    assert_eq!(session.forged(), 0);
}

#[test]
fn a_new_key_of_the_peer_is_heard_from_its_first_packet_and_the_old_one_until_then() {
    for suite in Suite::ALL {
        for (goes_on, report_first, twice) in [
            (true, false, false),
            (false, false, false),
            (true, true, false),
            (false, true, false),
            (true, false, true),
        ] {
            let mut session = Session::new(&secured(suite, 1, 2));
            let mut old = Sealer::new(&key(suite, 2));
            let [a, b, late] = [65_535, 0, 1].map(|sequence| sealed(&mut old, &packet(SSRC, sequence)));
            assert!(hears(&mut session, &a) && hears(&mut session, &b));
            session.agree(&secured(suite, 3, 4));
            assert!(hears(&mut session, &late), "it was on its way");
            assert!(!hears(&mut session, &b), "it came before");
            if twice {
                // A key that was never heard stood between.
                session.agree(&secured(suite, 3, 5));
                session.agree(&secured(suite, 3, 4));
            }
            let mut new = Sealer::new(&key(suite, 4));
            if report_first {
                let mut report = [0; 100];
                report[..8].copy_from_slice(&[0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe]);
                report[4..8].copy_from_slice(&SSRC.to_be_bytes());
                let length = new.seal_report(&mut report, 8).expect("room");
                assert!(session.open_report(&mut report[..length]).is_some());
            }
            // RFC 3711 lets the rounds go on; most begin anew.
            new.rounds = if goes_on { 1 } else { 0 };
            assert!(hears(&mut session, &sealed(&mut new, &packet(SSRC, 2))), "{suite:?} {goes_on}");
            assert_eq!(session.forged(), 0);
            let later = sealed(&mut old, &packet(SSRC, 3));
            assert!(!hears(&mut session, &later), "the old key is over");
            assert_eq!(session.forged(), 1);
            // Our new key counts from the start.
            let mut buffer = [packet(9, 500), vec![0; 16]].concat();
            let length = session.seal(&mut buffer, 172).expect("room");
            assert!(opened(&mut Opener::new(&key(suite, 3), None), &buffer[..length]).is_ok());
        }
    }
}

#[test]
fn a_packet_costs_no_allocation() {
    for suite in Suite::ALL {
        let mut session = Session::new(&secured(suite, 1, 1));
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let headers: Vec<_> = (1..50).map(|sequence| packet(SSRC, sequence)).collect();
        let mut round = |header: &[u8]| {
            buffer[..172].copy_from_slice(header);
            let length = session.seal(&mut buffer, 172).expect("room");
            assert!(session.open(&mut buffer[..length]).is_some());
            buffer[20] ^= 1;
            assert!(session.open(&mut buffer[..length]).is_none());
            buffer[..8].copy_from_slice(&[0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe]);
            let length = session.seal_report(&mut buffer, 60).expect("room");
            assert!(session.open_report(&mut buffer[..length]).is_some());
        };
        // The first packet of a source makes its entry.
        round(&headers[0]);
        let counted = allocation_counter::measure(|| headers[1..].iter().for_each(|header| round(header)));
        assert_eq!(counted.count_total, 0, "{suite:?}");
    }
}

#[test]
fn nothing_prints_a_key() {
    let session = Session::new(&secured(Suite::AesGcm256, 89, 89));
    let printed = format!("{session:?}");
    assert!(!printed.contains("89") && !printed.contains("0x59"), "{printed}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_count(
        packet in proptest::collection::vec(any::<u8>(), 0..200), first in any::<u8>(), suite in 0..4usize, mki in 0u8..9,
    ) {
        let suite = Suite::ALL[suite];
        let mki = Some(Mki { value: 1, length: mki }).filter(|mki| mki.length > 0);
        let mut opener = Opener::new(&key(suite, 1), mki);
        let mut packet = packet;
        if let Some(byte) = packet.first_mut() {
            *byte = 0x80 | first & 0x3f;
        }
        prop_assert!(opened(&mut opener, &packet).is_err());
        prop_assert!(opened_report(&mut opener, &packet).is_err());
        prop_assert!(opener.sources.is_empty());
        let mut sealer = Sealer::new(&key(suite, 1));
        let mut buffer = packet.clone();
        let length = buffer.len();
        buffer.resize(length + usize::from(first), 0);
        if let Some(sealed) = sealer.seal(&mut buffer, length) {
            prop_assert!(sealed > length && sealed <= buffer.len());
        }
        let _ = sealer.seal_report(&mut packet, length);
    }
}
