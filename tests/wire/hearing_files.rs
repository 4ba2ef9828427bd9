//! Files that `ivr1357 hear` is given: captures of every machine and link, recordings of every program, and what it says of those that it cannot read.

use crate::capture::{ETHERNET, NULL, Pcap, RAW, SLL, SLL2};
use ivr1357::hearing::capture::{self, BreaksOff};
use ivr1357::hearing::told;
use ivr1357::random::Random;
use ivr1357::speech::wav;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PACKETS: usize = 20;
const FRAMES: usize = PACKETS + 1;

/// A second's part of RTP, and one datagram that is none.
fn call(link: u32) -> Pcap {
    let mut pcap = Pcap::new(link);
    let [from, to] = ["192.0.2.1:20000", "192.0.2.9:4000"].map(|address| address.parse().expect("an address"));
    pcap.udp(1_764_000_000_000_000, from, to, b"OPTIONS");
    for n in 0..PACKETS as u64 {
        let mut packet = vec![0x80, 8, 0, n as u8];
        packet.extend((n as u32 * 160).to_be_bytes());
        packet.extend(0x1357_u32.to_be_bytes());
        packet.extend([0xd5; 160]);
        pcap.udp(1_764_000_000_000_000 + n * 20_000, from, to, &packet);
    }
    pcap
}

/// Takes the file apart and puts it together again: the records changed, in this byte order.
fn rewritten(pcap: &Pcap, big_endian: bool, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let word = |out: &mut Vec<u8>, number: u32| match big_endian {
        true => out.extend(number.to_be_bytes()),
        false => out.extend(number.to_le_bytes()),
    };
    let read = |at: usize| u32::from_le_bytes(pcap.bytes()[at..at + 4].try_into().expect("four bytes"));
    let mut out = Vec::new();
    word(&mut out, read(0));
    match big_endian {
        true => out.extend([0, 2, 0, 4]),
        false => out.extend([2, 0, 4, 0]),
    }
    (8..24).step_by(4).for_each(|at| word(&mut out, read(at)));
    let mut at = 24;
    while at < pcap.bytes().len() {
        let length = read(at + 8) as usize;
        let mut frame = pcap.bytes()[at + 16..at + 16 + length].to_vec();
        change(&mut frame);
        for field in [read(at), read(at + 4), frame.len() as u32, read(at + 12)] {
            word(&mut out, field);
        }
        out.extend(frame);
        at += 16 + length;
    }
    out
}

/// What the file says, as pcapng of one section (draft-ietf-opsawg-pcapng), in this byte order.
fn next_generation(pcap: &Pcap, link: u16, big_endian: bool) -> Vec<u8> {
    let word = |number: u32| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let half = |number: u16| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let length = word(body.len() as u32 + 12);
        [&word(kind)[..], &length, body, &length].concat()
    };
    let mut out = block(0x0a0d_0d0a, &[&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat());
    out.extend(block(1, &[&half(link)[..], &[0; 6]].concat()));
    let bytes = rewritten(pcap, false, |_| {});
    let mut at = 24;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes"));
        // Interface 0, time 0, the length captured and that on the wire.
        let mut body = [&[0; 12][..], &word(length), &word(length)].concat();
        body.extend(&bytes[at + 16..at + 16 + length as usize]);
        body.resize(body.len().next_multiple_of(4), 0);
        out.extend(block(6, &body));
        at += 16 + length as usize;
    }
    out
}

fn packets(bytes: &[u8]) -> Vec<(u64, u16)> {
    let capture = capture::read(bytes).expect("a capture");
    let [stream] = capture.streams.as_slice() else { return Vec::new() };
    stream.packets.iter().map(|packet| (packet.at, packet.sequence)).collect()
}

#[test]
fn a_capture_of_any_interface_is_read_whatever_its_hardware_is() {
    // ARPHRD: netrom, ethernet, InfiniBand, PPP, X.25, lo, sit, GRE, IEEE 802.11, none (tun, WireGuard).
    for hardware in [0_u16, 1, 32, 512, 519, 772, 776, 778, 801, 65_534] {
        let cooked = rewritten(&call(SLL), false, |frame| frame[2..4].copy_from_slice(&hardware.to_be_bytes()));
        assert_eq!(packets(&cooked).len(), PACKETS, "{hardware}");
        let cooked = rewritten(&call(SLL2), false, |frame| frame[8..10].copy_from_slice(&hardware.to_be_bytes()));
        assert_eq!(packets(&cooked).len(), PACKETS, "{hardware}");
    }
}

#[test]
fn a_capture_of_a_big_endian_machine_says_the_same() {
    for link in [ETHERNET, SLL, SLL2, RAW, NULL] {
        let pcap = call(link);
        let wanted = packets(pcap.bytes());
        assert_eq!(wanted.len(), PACKETS);
        assert_eq!(packets(&rewritten(&pcap, true, |_| {})), wanted, "{link}");
        for big_endian in [false, true] {
            let blocks = next_generation(&pcap, link as u16, big_endian);
            assert_eq!(packets(&blocks).len(), PACKETS, "{link} {big_endian}");
        }
    }
    // The upper half of the link type tells of checksums behind each frame.
    let mut bytes = rewritten(&call(RAW), true, |_| {});
    bytes[20] = 0x24;
    assert_eq!(packets(&bytes).len(), PACKETS);
}

#[test]
fn why_there_is_no_rtp_is_told_apart_with_what_to_do() {
    let told = |bytes: &[u8]| {
        let capture = capture::read(bytes).expect("a capture");
        assert!(capture.streams.is_empty());
        [told::no_rtp(&capture, true), told::no_rtp(&capture, false)]
    };
    // Truly none: SIP alone.
    let silent = rewritten(&call(ETHERNET), false, |frame| frame[42] = b'S');
    let [ko, en] = told(&silent);
    assert!(en.starts_with("there is no RTP in it: 21 packets were looked at, 21 of them UDP\n  = "), "{en}");
    assert!(ko.starts_with("RTP가 없습니다: 패킷 21개를 보았고, 그중 UDP는 21개입니다\n  = "), "{ko}");
    assert!(en.contains("tcpdump -i any -s 0") && ko.contains("tcpdump -i any -s 0"), "{en} {ko}");
    // Cut off by a snap length.
    let [ko, en] = told(&rewritten(&call(ETHERNET), false, |frame| frame.truncate(68)));
    assert!(en.contains("20 packets were captured in part only") && en.contains("`tcpdump -s 0`"), "{en}");
    assert!(ko.contains("패킷 20개가 앞부분만") && ko.contains("`tcpdump -s 0`"), "{ko}");
    // Link types that are not read, with a name or without.
    for (link, name) in [(127, "127 (IEEE802_11_RADIOTAP)"), (147, "147;")] {
        let [ko, en] = told(&rewritten(&call(link), false, |_| {}));
        assert!(en.contains(&format!("21 packets are of a link type that is not read: {name}")), "{en}");
        assert!(ko.contains(&format!("패킷 21개는 읽지 못하는 링크 종류입니다: {link}")), "{ko}");
    }
    // The third record is as long as no packet is.
    let mut broken = call(ETHERNET).bytes().to_vec();
    let third = 24 + 16 + 49 + 16 + 214;
    broken[third + 8..third + 12].copy_from_slice(&[0xef, 0xbe, 0xad, 0xde]);
    let [ko, en] = told(&broken);
    assert!(en.contains("the record of packet 3 says that it has 3735928559 bytes, which cannot be"), "{en}");
    assert!(ko.contains("3번째 패킷의 기록이 3735928559바이트라고"), "{ko}");
    // A whole file of them would be read no further than that, too.
    let whole = [&broken[..third + 8], &300_000_u32.to_le_bytes(), &vec![0; 400_000]].concat();
    assert!(told(&whole)[1].contains("packet 3 says that it has 300000 bytes"));
    let [_, en] = told(&call(ETHERNET).bytes()[..third + 30]);
    assert!(en.contains("the file ends within the record of packet 3"), "{en}");
    let mut blocks = next_generation(&call(ETHERNET), 1, true);
    let third = 28 + 20 + 84 + 248;
    blocks[third + 7] = 0xfd;
    let [_, en] = told(&blocks);
    assert!(en.contains("the record of packet 3 says that it has 253 bytes, which cannot be"), "{en}");
}

#[test]
fn a_capture_that_breaks_off_is_read_as_far_as_it_goes_and_says_so() {
    let pcap = call(ETHERNET);
    let bytes = pcap.bytes();
    let capture = capture::read(&bytes[..bytes.len() - 3]).expect("a capture");
    assert_eq!(capture.breaks_off, Some(BreaksOff::Within { record: FRAMES }));
    assert_eq!(
        (capture.streams[0].packets.len(), capture.frames, capture.datagrams),
        (PACKETS - 1, FRAMES - 1, FRAMES - 1)
    );
    assert_eq!(told::unread(&capture, false).len(), 1);
    let capture = capture::read(bytes).expect("a capture");
    assert_eq!((capture.breaks_off, told::unread(&capture, false)), (None, Vec::new()));
}

/// A WAV file of 8 kHz and 16 bits whose lengths are these.
fn recording(channels: u16, samples: &[i16], [file, data]: [u32; 2]) -> Vec<u8> {
    let mut out = [b"RIFF", &file.to_le_bytes()[..], b"WAVEfmt ", &[16, 0, 0, 0, 1, 0]].concat();
    out.extend(channels.to_le_bytes());
    out.extend(8000_u32.to_le_bytes());
    out.extend((16_000 * u32::from(channels)).to_le_bytes());
    out.extend((2 * channels).to_le_bytes());
    out.extend([16, 0]);
    out.extend(b"data");
    out.extend(data.to_le_bytes());
    samples.iter().for_each(|sample| out.extend(sample.to_le_bytes()));
    out
}

#[test]
fn a_recording_written_to_a_pipe_is_read_to_its_end() {
    let samples: Vec<i16> = (0..1000).collect();
    // sox, ffmpeg, programs that were stopped before they wrote lengths, and a whole one.
    for lengths in [[0x7fff_f024, 0x7fff_f000], [u32::MAX, u32::MAX], [u32::MAX, 0], [0, 0], [36, 0], [2036, 2000]] {
        assert_eq!(wav::channel(&recording(1, &samples, lengths), 1), Ok(samples.clone()), "{lengths:x?}");
    }
    // One that breaks off is heard as far as it goes; an empty one is empty, whatever stands behind its sound.
    assert_eq!(wav::channel(&recording(1, &samples, [9036, 9000]), 1), Ok(samples.clone()));
    assert_eq!(wav::channel(&recording(1, &[1; 8], [36 + 16, 0]), 1), Ok(Vec::new()));
    let right = wav::channel(&recording(2, &samples, [0, 0]), 2).expect("a channel");
    assert_eq!(right, samples.iter().copied().skip(1).step_by(2).collect::<Vec<i16>>());
}

#[test]
fn a_recording_that_does_not_fit_is_told_with_its_format_and_what_to_do() {
    let mut fast = recording(2, &[1; 8], [52, 16]);
    fast[24..28].copy_from_slice(&44_100_u32.to_le_bytes());
    let (what, fix) = wav::channel(&fast, 1).expect_err("too fast");
    assert!(
        what[1].contains("44100 Hz, 2 channels, 16 bits") && what[0].contains("44100 Hz, 2채널, 16비트"),
        "{what:?}"
    );
    assert!(fix.iter().all(|fix| fix.contains("sox")), "{fix:?}");
    let mut packed = recording(1, &[1; 8], [52, 16]);
    packed[20] = 6;
    packed[32] = 1;
    packed[34] = 8;
    let (what, _) = wav::channel(&packed, 1).expect_err("A-law");
    assert!(what[1].contains("8 bits A-law") && what[0].contains("8비트 a-law"), "{what:?}");
    for channel in [0, 3] {
        let (what, fix) = wav::channel(&recording(2, &[1; 8], [52, 16]), channel).expect_err("no such channel");
        assert!(what[1].contains(&format!("no channel {channel}")) && fix[0].contains("2까지"), "{what:?} {fix:?}");
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hear(folder: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ivr1357"));
    program.arg("hear").args(arguments).args(["--lang", "en"]).current_dir(folder).output().expect("it runs")
}

#[test]
fn what_cannot_be_done_has_another_exit_code_than_a_sound_that_is_bad() {
    let folder = Folder(std::env::temp_dir().join(format!("ivr1357-hear-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.0.join(name), bytes).expect("a file");
    let mut chance = Random::from_number(1357);
    let samples: Vec<i16> = (0..16_000).map(|_| (chance.below(16_000) as i16) - 8000).collect();
    write("sound.wav", &recording(1, &samples, [u32::MAX, u32::MAX]));
    write("silence.wav", &recording(1, &[0; 16_000], [0, 0]));
    write("sip.pcap", &rewritten(&call(ETHERNET), false, |frame| frame[42] = b'S'));
    write("prompt.wav", &recording(1, &samples[..8000], [16_036, 16_000]));
    for (arguments, code, words) in [
        (&["sound.wav", "--expect", "prompt.wav"][..], 0, ""),
        (&["silence.wav", "--expect", "prompt.wav"], 1, ""),
        (&["sound.wav", "--expect", "prompt.wav", "--chart", "nowhere/chart.svg"], 2, "nowhere/chart.svg: "),
        (&["sip.pcap"], 2, "sip.pcap: there is no RTP in it: 21 packets"),
        (&["sound.wav", "--channel", "2"], 2, "no channel 2: it has 1\n  = choose --channel from 1 to 1"),
    ] {
        let output = hear(&folder.0, arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
