//! One leg's stream: packets and events of several sources, time, commands.

use super::Choices;
use ivr1357::limits::RTP_PACKET_BYTES_MAX;
use ivr1357::media::stream::Stream;
use ivr1357::media::{Clip, Command, Event, PlayKey};
use ivr1357::sdp::{Chosen, Codec, Codecs, Control, Direction, Events, Keys, Manner, Secured, Suite};
use ivr1357::time::{Duration, Instant};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let mut stream = Stream::new(0x1357, 65_534, u32::MAX - 200);
    let mut now = Instant::START;
    let mut events = Vec::new();
    let clip = Arc::new(Clip::held_in(Codecs::new(Codec::ALL), "clip", &[7; 500]));
    let (mut packets, mut plays) = (0, 0);
    while !choices.is_empty() {
        match choices.byte() % 9 {
            0 => now += Duration::from_millis(u64::from(choices.byte())),
            1 => stream.command(now, Command::Configure(chosen(&mut choices)), &mut events),
            2 => {
                plays += 1;
                let clips = vec![Arc::clone(&clip); usize::from(choices.byte() % 3)];
                let repeat = choices.byte().is_multiple_of(2);
                stream.command(now, Command::Play { play: PlayKey(plays), clips, repeat }, &mut events);
            }
            3 => stream.command(now, Command::Stop, &mut events),
            4 => stream.skipped(u32::from(choices.byte()), &mut events),
            5 => {
                let mut buffer = [0; RTP_PACKET_BYTES_MAX];
                if let Some((_, length)) = stream.next_packet(&mut buffer, &mut events) {
                    assert!((12 + 80..=RTP_PACKET_BYTES_MAX).contains(&length));
                    assert_eq!(buffer[0], 0x80);
                }
                now += stream.packet();
            }
            6 => {
                packets += 1;
                let (from, length) = (source(choices.byte()), usize::from(choices.byte()));
                stream.received(now, from, &mut choices.take(length).to_vec(), &mut events);
            }
            7 => {
                let mut buffer = [0; RTP_PACKET_BYTES_MAX];
                stream.tick(now, &mut events);
                if let Some((_, _, length)) = stream.report(now, choices.byte().is_multiple_of(4), &mut buffer) {
                    let read = stream.quality().map(|report| (report.mos_in(), report.mos_out()));
                    assert!(length >= 8 && read.is_some());
                }
            }
            _ => {
                packets += 1;
                let from = source(choices.byte());
                stream.received(now, from, &mut press(&mut choices), &mut events);
            }
        }
    }
    let keys = events.iter().filter(|event| matches!(event, Event::Key(_))).count();
    assert!(keys <= packets, "a packet is at most one press");
    let finished = events.iter().filter(|event| matches!(event, Event::Finished(_))).count();
    assert!(finished <= plays as usize, "a prompt ends at most once");
}

fn source(choice: u8) -> SocketAddr {
    let port = 4000 + u16::from(choice % 3);
    SocketAddr::from(([192, 0, 2, 7], port))
}

/// A telephone event with a plausible header.
fn press(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut packet = vec![0x80, 101];
    packet.extend_from_slice(&[0, choices.byte()]);
    packet.extend_from_slice(&(u32::from(choices.byte()) * 160).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, choices.byte() % 2]);
    packet.extend_from_slice(&[choices.byte() % 20, choices.byte()]);
    packet.extend_from_slice(&choices.number().to_be_bytes());
    packet
}

fn chosen(choices: &mut Choices<'_>) -> Chosen {
    const DIRECTIONS: [Direction; 4] =
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    const CONTROLS: [Control; 3] =
        [Control::Muxed, Control::Off, Control::Apart(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 4001))];
    let encrypted;
    Chosen {
        remote: (!choices.byte().is_multiple_of(4)).then(|| source(choices.byte())),
        codec: Codec::ALL[usize::from(choices.byte()) % Codec::ALL.len()],
        payload_type: {
            let number = choices.byte();
            encrypted = number >= 0xf0;
            number % 128
        },
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(10 + u64::from(choices.byte() % 51)),
        events: vec![Events { payload_type: 101, clock: 8000 }, Events { payload_type: 110, clock: 48000 }],
        direction: DIRECTIONS[usize::from(choices.byte() % 4)],
        control: CONTROLS[usize::from(choices.byte() % 3)],
        secured: encrypted.then(|| {
            let key = |which: u8| Keys::new([[which; 44]; 4]).of(Suite::AesGcm128);
            Box::new(Secured { tag: 1, ours: key(1), theirs: key(2), mki: None, profile: true })
        }),
    }
}
