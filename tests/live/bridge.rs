//! Two legs on real sockets of this machine that hear each other through the media threads.

use crate::patient::patiently;
use ivr1357::media::codec::{Decoder, encode_alaw};
use ivr1357::media::{Clip, Command, Event, PlayKey, StreamKey};
use ivr1357::random::Random;
use ivr1357::sdp::{Chosen, Codec, Control, Direction, Events, Manner};
use ivr1357::shell::clock::Clock;
use ivr1357::shell::media::{MediaPool, Opened, Sends};
use ivr1357::time::Duration;
use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Longer than any machine under load takes; a test that passes does not wait for it.
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    pool: MediaPool,
    told: Receiver<(StreamKey, Event)>,
    clock: Clock,
    local: IpAddr,
}

/// A telephone on one leg.
struct Phone {
    socket: UdpSocket,
    /// Our port for it.
    ours: SocketAddr,
    key: StreamKey,
    sequence: u16,
}

impl Rig {
    fn new(test: u8, workers: usize) -> Self {
        let (tell, told) = channel();
        let deliver = move |events: &mut Vec<(StreamKey, Event)>| {
            // The test may be over.
            for event in events.drain(..) {
                let _ = tell.send(event);
            }
        };
        let clock = Clock::start(None);
        let random = Random::from_number(test.into());
        let pool = MediaPool::start(workers, 43_000..=43_999, clock, Sends::default(), random, deliver);
        Self { pool: pool.expect("starts"), told, clock, local: IpAddr::V4(Ipv4Addr::new(127, 0, 61, test)) }
    }

    fn phone(&mut self, key: u64, codec: Codec, beside: Option<u64>) -> Phone {
        let Opened::At(port) = self.pool.open(StreamKey(key), self.local, beside.map(StreamKey)) else {
            panic!("no port")
        };
        let socket = UdpSocket::bind((self.local, 0)).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let chosen = Chosen {
            remote: socket.local_addr().ok(),
            codec,
            payload_type: codec.payload_type(),
            others: Vec::new(),
            manner: Manner::default(),
            packet: Duration::from_millis(20),
            events: vec![Events { payload_type: 101, clock: 8000 }],
            direction: Direction::SendRecv,
            control: Control::Off,
            secured: None,
        };
        self.pool.command(StreamKey(key), Command::Configure(chosen));
        Phone { socket, ours: SocketAddr::new(self.local, port), key: StreamKey(key), sequence: 0 }
    }

    fn bridge(&self, one: &Phone, other: &Phone) {
        self.pool.command(one.key, Command::Bridge(other.key));
    }

    /// The next event of this stream but its latch.
    fn told(&self) -> (StreamKey, Event) {
        loop {
            match self.told.recv_timeout(PATIENCE).expect("an event") {
                (_, Event::Latched(_)) => {}
                told => return told,
            }
        }
    }
}

impl Phone {
    fn says(&mut self, number: u8, payload: &[u8]) {
        let sequence = self.sequence;
        self.sequence += 1;
        let packet = RtpPacketBuilder::new().payload_type(number).ssrc(7).sequence(Seq::from(sequence));
        let packet = packet.timestamp(u32::from(sequence) * 160).payload(payload).build().expect("RTP");
        self.socket.send_to(&packet, self.ours).expect("sent");
    }

    fn hears(&self) -> (u8, u16, Vec<u8>) {
        let mut buffer = [0; 2048];
        loop {
            match patiently(|| self.socket.recv_from(&mut buffer)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => {
                    let (length, from) = received.expect("a packet in time");
                    assert_eq!(from, self.ours);
                    let packet = RtpReader::new(&buffer[..length]).expect("RTP");
                    let payload = packet.payload().to_vec();
                    return (packet.payload_type(), packet.sequence_number().into(), payload);
                }
            }
        }
    }

    /// The next packet that is not our silence of before the bridge.
    fn hears_sound(&self) -> (u8, u16, Vec<u8>) {
        loop {
            let heard = self.hears();
            if heard.2.iter().any(|&byte| byte != 0xd5 && byte != 0xff) {
                return heard;
            }
        }
    }
}

#[test]
fn two_telephones_hear_each_other_byte_for_byte_within_a_frame() {
    // Two workers: the second leg is opened beside the first.
    let mut rig = Rig::new(1, 2);
    let mut one = rig.phone(1, Codec::Pcma, None);
    let _elsewhere = rig.phone(9, Codec::Pcma, None);
    let mut two = rig.phone(2, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    let (mut waits, mut numbers) = (Vec::new(), Vec::new());
    for n in 0..50u8 {
        let payload = [n; 160];
        let begins = rig.clock.instant();
        one.says(8, &payload);
        let (_, number, heard) = two.hears_sound();
        waits.push(rig.clock.instant().since(begins));
        assert_eq!(heard, payload);
        numbers.push(number);
        two.says(8, &[n ^ 0x80; 160]);
        assert_eq!(one.hears_sound().2, [n ^ 0x80; 160]);
    }
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
    waits.sort();
    // A machine under load may stop us, yet not half of the time.
    assert!(waits[25] < Duration::from_millis(20), "{waits:?}");
}

#[test]
fn a_key_reaches_the_other_side_and_the_call() {
    let mut rig = Rig::new(2, 1);
    let mut one = rig.phone(1, Codec::Pcma, None);
    let two = rig.phone(2, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    one.says(8, &[1; 160]);
    two.hears_sound();
    one.says(101, &[5, 10, 0, 160]);
    assert_eq!(two.hears_sound().0, 101);
    let (key, Event::Key(pressed)) = rig.told() else { panic!("a key") };
    assert_eq!((key, pressed.as_char()), (StreamKey(1), '5'));
}

#[test]
fn other_codecs_are_heard_as_well() {
    let mut rig = Rig::new(3, 1);
    let mut one = rig.phone(1, Codec::Pcma, None);
    let two = rig.phone(2, Codec::Pcmu, Some(1));
    rig.bridge(&one, &two);
    let sample = 7000;
    let (mut ear, mut sound) = (Decoder::default(), Vec::new());
    while !sound.windows(320).any(|part: &[i16]| part.iter().all(|heard| (heard - sample).abs() < 500)) {
        one.says(8, &[encode_alaw(sample); 160]);
        let (number, _, heard) = two.hears();
        assert_eq!(number, 0);
        ear.decode(Codec::Pcmu, &heard, &mut sound);
        assert!(sound.len() < 80_000, "ten seconds");
    }
}

#[test]
fn a_long_packet_leaves_in_several_at_once() {
    let mut rig = Rig::new(8, 1);
    let mut one = rig.phone(1, Codec::G722, None);
    let two = rig.phone(2, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    one.says(9, &[0x12; 480]);
    let heard = [(); 3].map(|()| two.hears_sound());
    assert!(heard.iter().all(|(number, _, payload)| (*number, payload.len()) == (8, 160)));
    assert!(heard.windows(2).all(|pair| pair[1].1 == pair[0].1.wrapping_add(1)), "{heard:?}");
}

#[test]
fn when_one_goes_the_other_is_told_of_and_hears_us_again() {
    let mut rig = Rig::new(4, 1);
    let mut one = rig.phone(1, Codec::Pcma, None);
    let mut two = rig.phone(2, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    two.says(8, &[9; 160]);
    assert_eq!(one.hears_sound().2, [9; 160]);
    rig.pool.close(two.key);
    assert_eq!(rig.told(), (one.key, Event::Alone));
    let clip = Arc::new(Clip::from_samples("sorry", &[8000; 480]));
    rig.pool.command(one.key, Command::Play { play: PlayKey(1), clips: vec![clip], repeat: false });
    assert_eq!(one.hears_sound().2, [encode_alaw(8000); 160]);
    // What is said to nobody breaks nothing.
    one.says(8, &[9; 160]);
    let closed = std::iter::from_fn(|| Some(rig.told())).find(|(_, event)| matches!(event, Event::Closed(_)));
    assert_eq!(closed.map(|(key, _)| key), Some(two.key));
}

#[test]
fn an_end_of_the_bridge_is_silence_for_both_and_nobody_is_told() {
    let mut rig = Rig::new(5, 1);
    let mut one = rig.phone(1, Codec::Pcma, None);
    let mut two = rig.phone(2, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    two.says(8, &[9; 160]);
    one.hears_sound();
    rig.pool.command(two.key, Command::Unbridge);
    for phone in [&one, &two] {
        while phone.hears().2 != [0xd5; 160] {}
    }
    one.says(101, &[1, 10, 0, 160]);
    assert!(matches!(rig.told(), (StreamKey(1), Event::Key(_))), "nothing was told before the key");
}

#[test]
fn a_bridge_to_a_stream_that_is_not_there_is_told_to_be_none() {
    let mut rig = Rig::new(6, 2);
    let one = rig.phone(1, Codec::Pcma, None);
    // On the other worker, because nobody said that it belongs beside the first.
    let two = rig.phone(2, Codec::Pcma, None);
    rig.bridge(&one, &two);
    assert_eq!(rig.told(), (one.key, Event::Alone));
    rig.pool.command(two.key, Command::Bridge(StreamKey(77)));
    assert_eq!(rig.told(), (two.key, Event::Alone));
}

#[test]
fn whoever_is_bridged_anew_leaves_the_one_before_alone() {
    let mut rig = Rig::new(7, 1);
    let one = rig.phone(1, Codec::Pcma, None);
    let two = rig.phone(2, Codec::Pcma, Some(1));
    let mut three = rig.phone(3, Codec::Pcma, Some(1));
    rig.bridge(&one, &two);
    rig.bridge(&one, &three);
    assert_eq!(rig.told(), (two.key, Event::Alone));
    three.says(8, &[9; 160]);
    assert_eq!(one.hears_sound().2, [9; 160]);
}
