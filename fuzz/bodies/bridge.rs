//! Two streams that hear each other: packets of both sides, keys, commands and time. Whatever comes, no number of ours says two things.

use super::Choices;
use ivr1357::limits::RTP_PACKET_BYTES_MAX;
use ivr1357::media::stream::Stream;
use ivr1357::media::{Clip, Command, PlayKey, StreamKey};
use ivr1357::number::Key;
use ivr1357::sdp::{Chosen, Codec, Codecs, Control, Direction, Events, Manner};
use ivr1357::time::{Duration, Instant};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

/// Numbers come again after 65,536 packets; what a jump leaves out counts as well.
const ROOM: u32 = 60_000;

/// One of the two, and what left it.
struct Side {
    stream: Stream,
    used: BTreeSet<u16>,
    last: u16,
    gone: u32,
}

pub fn run(data: &[u8]) {
    let mut choices = Choices(data);
    let mut now = Instant::START;
    let mut events = Vec::new();
    let clip = Arc::new(Clip::held_in(Codecs::new(Codec::ALL), "clip", &[7; 500]));
    let mut sides = [65_000u16, 3].map(|first| {
        let stream = Stream::new(u32::from(first), first, u32::from(first) << 16);
        Side { stream, used: BTreeSet::new(), last: first.wrapping_sub(1), gone: 0 }
    });
    for (which, side) in sides.iter_mut().enumerate() {
        side.stream.command(now, Command::Configure(chosen(&mut choices, which)), &mut events);
        side.stream.command(now, Command::Bridge(StreamKey(1 - which as u64)), &mut events);
    }
    while !choices.is_empty() {
        let step = choices.byte();
        let which = usize::from(step >> 7);
        let other = StreamKey(1 - which as u64);
        let command = match step % 16 {
            0 => Command::Configure(chosen(&mut choices, which)),
            1 => {
                let (clips, repeat) = (vec![Arc::clone(&clip)], choices.byte().is_multiple_of(2));
                Command::Play { play: PlayKey(1), clips, repeat }
            }
            2 => Command::Stop,
            3 => Command::GiveWay,
            4 => Command::Bridge(other),
            5 => Command::Overhear(other),
            6 => Command::Unbridge,
            7 => key(&mut choices).map_or(Command::Stop, |key| Command::Press(vec![key])),
            8 => key(&mut choices).map_or(Command::Stop, Command::Relay),
            9 => {
                sides[which].stream.overheard();
                continue;
            }
            10..=11 => {
                let mut buffer = [0; RTP_PACKET_BYTES_MAX];
                if let Some((_, length)) = sides[which].stream.next_packet(&mut buffer, &mut events) {
                    sides[which].sent(buffer.get(..length).expect("it fits"));
                }
                now += sides[which].stream.packet();
                continue;
            }
            _ => {
                let mut packet = packet(&mut choices);
                let [caller, centre] = &mut sides;
                let (from, to) = if which == 0 { (caller, centre) } else { (centre, caller) };
                let mut buffer = [0; RTP_PACKET_BYTES_MAX];
                if let Some(heard) = from.stream.received(now, address(which), &mut packet, &mut events) {
                    let mut leaves = to.stream.forward(&heard, &mut buffer);
                    while let Some((_, length)) = leaves {
                        to.sent(buffer.get(..length).expect("it fits"));
                        leaves = to.stream.forward_next(&mut buffer);
                    }
                }
                continue;
            }
        };
        sides[which].stream.command(now, command, &mut events);
    }
}

impl Side {
    fn sent(&mut self, packet: &[u8]) {
        // What is passed on is as long as it was, and may be empty.
        assert!(packet.len() >= 12 && packet.len() <= RTP_PACKET_BYTES_MAX && packet[0] >> 6 == 2);
        let number = u16::from_be_bytes([packet[2], packet[3]]);
        let ahead = number.wrapping_sub(self.last);
        if ahead < 1 << 15 {
            (self.last, self.gone) = (number, self.gone + u32::from(ahead));
        }
        assert!(self.used.insert(number) || self.gone >= ROOM, "{number} says two things");
    }
}

fn address(which: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7 + which as u8], 4000))
}

fn key(choices: &mut Choices<'_>) -> Option<Key> {
    Key::from_event(choices.byte() % 16)
}

/// Sound, an event or noise, with numbers that are near each other more often than not.
fn packet(choices: &mut Choices<'_>) -> Vec<u8> {
    const NUMBERS: [u8; 8] = [8, 0, 9, 8, 101, 105, 13, 77];
    let (shape, sequence) = (choices.byte(), choices.number());
    let sequence = if shape & 0x80 == 0 { sequence % 64 } else { sequence };
    let mut packet = vec![0x80, NUMBERS[usize::from(shape % 8)] | shape & 0x40 << 1];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&(u32::from(choices.number()) * if shape & 0x20 == 0 { 1 } else { 160 }).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, choices.byte() % 3]);
    let length = if shape & 0x10 == 0 { 160 } else { usize::from(choices.byte()) };
    let said = choices.take(length.min(8));
    packet.extend(said.iter().cycle().take(if said.is_empty() { 0 } else { length }));
    packet
}

fn chosen(choices: &mut Choices<'_>, which: usize) -> Chosen {
    const DIRECTIONS: [Direction; 4] =
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    let (codec, packet, events) = (choices.byte(), choices.byte(), choices.byte());
    let codec = Codec::ALL[usize::from(codec) % Codec::ALL.len()];
    let clocks = [8000, 16_000].into_iter().zip([101, 105]).filter(|(clock, _)| events & (clock / 8000) as u8 != 0);
    Chosen {
        remote: (events & 0x80 == 0).then(|| address(which)),
        codec,
        payload_type: codec.payload_type(),
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(10 * (1 + u64::from(packet % 6))),
        events: clocks.map(|(clock, payload_type)| Events { payload_type, clock }).collect(),
        direction: DIRECTIONS[usize::from(events >> 4) % 4],
        control: Control::Off,
        secured: None,
    }
}
