//! One leg's media: what it sends each packet interval and what the peer's packets mean (RTP, RFC 3550).
//!
//! No socket, no clock: the pacer calls [`Stream::next_packet`] once per [`Stream::packet`], packets that arrive go
//! to [`Stream::received`]. Between prompts it sends silence, so that NAT bindings stay open and callers' agents do
//! not take us for dead. Nothing here allocates per packet.

mod anew;
mod bridged;
mod playing;
mod reports;
mod source;
mod speaker;

use super::bridge::{self, Bridge, Kind};
use super::codec::{self, Form};
use super::goertzel::Tones;
use super::press::{Presses, Turn};
use super::reception::Reception;
use super::rtcp::{self, Rtcp};
use super::srtp::Session;
use super::tap::{Sink, Tap};
use super::telephone_event::{self, Receiver};
use super::{Clip, Command, Ended, Event, Loss, Recording};
use crate::limits::{PAYLOAD_BYTES_MAX, RTP_PACKET_BYTES_MAX, STREAM_RECORDINGS_MAX, TAP_SKIPPED_MAX};
use crate::sdp::{Chosen, Codec, Control, Direction, Events};
use crate::time::{Duration, Instant};
use playing::Playing;
use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};
use source::Source;
use speaker::Speaker;
use std::net::SocketAddr;
use std::sync::Arc;

pub use reports::Way;

/// Bytes of an RTP header without extras.
const HEADER: usize = 12;
/// Comfort noise (RFC 3389): a peer that begins with it is alive.
const COMFORT_NOISE: u8 = 13;
/// The number is given to a clock of 8 kHz alone (RFC 3551 §6).
const COMFORT_NOISE_CLOCK: u32 = 8000;

/// One leg's media.
#[derive(Debug)]
pub struct Stream {
    /// What was agreed; nothing is sent or understood before.
    chosen: Option<Chosen>,
    /// The address of the last description that named one.
    signalled: Option<SocketAddr>,
    source: Source,
    speaker: Speaker,
    keys: Receiver,
    /// Only where no events were agreed: a voice can sound like a key.
    tones: Option<Box<Tones>>,
    playing: Option<Playing>,
    pressing: Option<Presses>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    last: Last,
    /// Intervals that went by unsent.
    unsent: u32,
    /// Packets sent, and their payload.
    sent: (u32, u32),
    /// `None`: what the peer sends is not counted.
    reception: Option<Reception>,
    reports: Rtcp,
    /// Keys, where they were agreed: nothing leaves plain then, and nothing counts that was not encrypted with them.
    srtp: Option<Box<Session>>,
    /// Packets that proved to be nobody's, under keys that are no longer agreed.
    forged: u32,
    /// Where the peer's reports come from, when they have a port of their own.
    reporter: Option<SocketAddr>,
    /// The last sign of life, or when it began to be awaited.
    heard: Instant,
    /// How long a peer that should speak may be silent.
    patience: Option<Duration>,
    taps: Vec<Tap>,
    /// What is heard of another stream.
    bridge: Option<Box<Bridge>>,
}

/// What left in the last interval: a talk spurt's first packet is marked (RFC 3551 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Last {
    Nothing,
    Silence,
    Prompt,
}

impl Stream {
    /// A stream that waits to be configured. The three numbers are random (RFC 3550 §5.1).
    pub fn new(ssrc: u32, first_sequence: u16, first_timestamp: u32) -> Self {
        Self {
            chosen: None,
            signalled: None,
            source: Source::Open { before: None, candidate: None },
            speaker: Speaker::default(),
            keys: Receiver::new(),
            tones: None,
            playing: None,
            pressing: None,
            ssrc,
            sequence: first_sequence,
            timestamp: first_timestamp,
            last: Last::Nothing,
            unsent: 0,
            sent: (0, 0),
            reception: Some(Reception::default()),
            reports: Rtcp::new(u64::from(ssrc) << 32 | u64::from(first_timestamp ^ u32::from(first_sequence))),
            srtp: None,
            forged: 0,
            reporter: None,
            heard: Instant::START,
            patience: None,
            taps: Vec::new(),
            bridge: None,
        }
    }

    /// A peer that should speak and does not for so long is told of.
    pub fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// What the peer sends is not counted: its loss and jitter are not known, nor what it would need to be told of them.
    pub fn uncounted(mut self) -> Self {
        self.reception = None;
        self
    }

    /// The numbers of the peer's keys, if they are all that it is listened to for: its sound need not even be read. `None` while the sound
    /// shows something, be it only that the peer is there or where it is.
    pub fn keys_alone(&self) -> Option<impl Iterator<Item = u8>> {
        let chosen = self.chosen.as_ref()?;
        // Whoever the signalling names may still take the latch from another by a packet of sound. And what is encrypted counts its packets: one that
        // misses half a cycle of them finds no key any more (RFC 3711 §3.3.1).
        let known = matches!(self.source, Source::Latched(source) if self.signalled == Some(source));
        let kept = !self.taps.is_empty() || self.bridge.is_some();
        let needed = self.reception.is_some() || self.patience.is_some() || kept || self.srtp.is_some();
        (known && !needed && !chosen.events.is_empty()).then(|| chosen.events.iter().map(|event| event.payload_type))
    }

    /// What it still has to play, and how it needs it encoded.
    pub fn to_play(&self) -> Option<(Form, &[Arc<Clip>])> {
        Some((form(self.chosen.as_ref()?), self.playing.as_ref()?.to_come()))
    }

    /// Does as told.
    pub fn command(&mut self, now: Instant, command: Command, events: &mut Vec<Event>) {
        match command {
            Command::Configure(chosen) => self.configure(now, chosen),
            Command::Play { play, mut clips, repeat } => {
                clips.retain(|clip| clip.eighths() > 0);
                if clips.is_empty() {
                    self.playing = None;
                    if !repeat {
                        events.push(Event::Finished(play));
                    }
                } else {
                    self.playing = Some(Playing::new(play, clips, repeat));
                }
            }
            Command::Press(keys) => self.pressing = Some(Presses::new(keys)),
            Command::Relay(key) => self.relay(key),
            Command::Stop => self.playing = None,
            // Without a sink nothing can be kept.
            Command::Record(Recording { key, .. }) => events.push(Event::Recorded(Ended::unkept(key, Loss::Nowhere))),
            Command::PauseRecording(key, paused) => {
                self.taps.iter_mut().filter(|tap| tap.key() == key).for_each(|tap| tap.pause(paused));
            }
            Command::EndRecording(key) => {
                let ended = self.taps.extract_if(.., |tap| tap.key() == key);
                ended.for_each(|mut tap| tap.end());
            }
            // Whose sound it is, is known to whoever owns both.
            Command::Bridge(_) => self.bridge(Some(bridge::Ways::Both)),
            Command::Overhear(_) => {
                self.bridge(Some(bridge::Ways::Hears));
                self.give_way();
            }
            Command::GiveWay => self.give_way(),
            Command::Unbridge => self.bridge(None),
        }
    }

    /// Begins a recording, beside one that runs.
    pub fn record(&mut self, recording: Recording, mut sink: Box<dyn Sink>) {
        if self.taps.len() < STREAM_RECORDINGS_MAX {
            self.taps.push(Tap::new(recording, sink));
        } else {
            sink.finish(Ended::unkept(recording.key, Loss::Crowded));
        }
    }

    /// Ends the recordings that run.
    pub fn end_recordings(&mut self) {
        self.taps.drain(..).for_each(|mut tap| tap.end());
    }

    /// A packet that arrived. What is no RTP of ours, or of another source, is dropped. It is decrypted where it stands. While the stream is
    /// bridged, what counts comes back, for [`Stream::forward`] of the other one.
    pub fn received<'p>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &'p mut [u8],
        events: &mut Vec<Event>,
    ) -> Option<bridge::Heard<'p>> {
        if rtcp::is_rtcp(packet) {
            self.reported(now, from, Way::Muxed, packet);
            return None;
        }
        // Before anything is made of it: a forged packet must not even show where the peer is.
        let packet: &'p [u8] = match &mut self.srtp {
            Some(srtp) => srtp.open(packet)?,
            None => packet,
        };
        let (Some(chosen), Ok(packet)) = (&self.chosen, RtpReader::new(packet)) else { return None };
        let number = packet.payload_type();
        let clock = chosen.events.iter().find(|event| event.payload_type == number).map(|event| event.clock);
        let codec = codec_of(number, chosen).filter(|_| clock.is_none());
        let known = clock.is_some() || codec.is_some() || number == COMFORT_NOISE;
        let (agreed, interval) = (chosen.codec, chosen.packet);
        if !known || !self.heeds(now, from, packet.ssrc(), events) {
            return None;
        }
        self.heard = now;
        let (ssrc, sequence, timestamp) = (packet.ssrc(), packet.sequence_number().into(), packet.timestamp());
        let payload = packet.payload();
        // Some senders tell keys under a source of their own; they are known by it, and say nothing of the sound.
        let beside = clock.is_some() && self.speaker.is_another(ssrc);
        if clock.is_none() && !self.speaker.counts(ssrc, sequence) {
            return None;
        }
        let sampled = match (clock, codec) {
            // The timestamp of a key stands still while it is pressed.
            (Some(_), _) => None,
            (None, Some(codec)) => Some((timestamp, codec.clock())),
            // Noise counts at its own clock, whatever it stands beside: under another one its timestamp tells nothing (RFC 7160).
            (None, None) => Some((timestamp, COMFORT_NOISE_CLOCK)).filter(|_| agreed.clock() == COMFORT_NOISE_CLOCK),
        };
        if let Some(reception) = self.reception.as_mut().filter(|_| !beside) {
            reception.received(now, ssrc, sequence, sampled);
        }
        if let Some(codec) = codec {
            self.taps.iter_mut().for_each(|tap| tap.packet(codec, ssrc, timestamp, payload));
        }
        let mut pressed = None;
        if let Some(clock) = clock
            && let Some(event) = telephone_event::Packet::read(ssrc, timestamp, payload)
        {
            pressed = self.keys.received(now, clock, event);
            events.extend(pressed.map(Event::Key));
        }
        if let (Some(tones), Some(codec)) = (&mut self.tones, codec) {
            let heard = tones.received(ssrc, sequence, timestamp, codec, payload);
            events.extend(heard.released.map(Event::Released));
            events.extend(heard.pressed.map(Event::Key));
        }
        self.bridge.as_ref()?;
        let kind = match (clock, codec) {
            (Some(clock), _) => Kind::Event(clock, pressed),
            (None, Some(codec)) => Kind::Sound(codec),
            (None, None) => Kind::Noise,
        };
        Some(bridge::Heard {
            ssrc,
            sequence,
            timestamp,
            marked: packet.mark(),
            kind,
            agreed,
            packet: interval,
            payload,
        })
    }

    /// What went by in silence: once an interval, before [`Stream::next_packet`].
    pub fn tick(&mut self, now: Instant, events: &mut Vec<Event>) {
        if self.impatient_at().is_some_and(|at| now >= at) {
            self.heard = now;
            events.push(Event::Silent);
        }
    }

    /// When a peer that goes on being silent is told of; never where it need not speak.
    pub fn impatient_at(&self) -> Option<Instant> {
        let chosen = self.chosen.as_ref()?;
        let speaks = chosen.direction == Direction::SendRecv && chosen.remote.is_some();
        Some(self.heard + self.patience.filter(|_| speaks)?)
    }

    /// Reads a little of all that [`Stream::next_packet`] will read; the number means nothing. The pacer asks the streams of a moment one after the
    /// other, so that the machine fetches their memory side by side, where each packet would wait for its own.
    pub fn touch(&self) -> usize {
        let agreed = self.chosen.as_ref().map_or(0, |chosen| chosen.payload_type);
        let latched = matches!(self.source, Source::Latched(_));
        let parts = [self.bridge.is_some(), self.srtp.is_some(), self.taps.is_empty(), self.owes_report(self.heard)];
        let numbers = self.timestamp ^ self.sent.1 ^ u32::from(self.sequence) ^ u32::from(agreed);
        let playing = self.playing.as_ref().map_or(0, Playing::touch);
        numbers as usize ^ playing ^ usize::from(latched) ^ parts.into_iter().filter(|&part| part).count()
    }

    /// What is due in this interval: where to, and how many bytes of the buffer. `None` while we may not send; then
    /// the prompt waits and time goes on.
    pub fn next_packet(
        &mut self,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
        events: &mut Vec<Event>,
    ) -> Option<(SocketAddr, usize)> {
        let samples = samples(self.packet());
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(self.ticks());
        let (Some(chosen), Some(to)) = (&self.chosen, self.destination()) else {
            self.last = Last::Nothing;
            // Nor is what somebody pressed meanwhile heard later.
            self.pressing.take_if(|keys| keys.is_passed_on());
            self.tap_tick(samples, &[], events);
            interrupt(&mut self.bridge, samples);
            return None;
        };

        let (header, payload) = buffer.split_at_mut(HEADER);
        let turn = match &self.bridge {
            // What somebody presses on the other leg is heard to its end.
            Some(bridge) if bridge.is_passing_a_press() => None,
            Some(_) | None => press(&mut self.pressing, chosen, timestamp, events),
        };
        if let Some(Turn::Event { payload: event, timestamp, marked }) = turn {
            let number = our_events(chosen)?.payload_type;
            payload.get_mut(..event.len())?.copy_from_slice(&event);
            write_header(header, number, marked, self.sequence, timestamp, self.ssrc)?;
            self.sequence = self.sequence.wrapping_add(1);
            self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(event.len() as u32));
            self.last = Last::Nothing;
            self.tap_tick(samples, &[], events);
            interrupt(&mut self.bridge, samples);
            return self.sealed(buffer, HEADER + event.len()).map(|length| (to, length));
        }
        let hears = self.bridge.as_ref().is_some_and(|bridge| match &self.playing {
            Some(playing) => playing.gives_way && bridge.sounds(),
            None => true,
        });
        let form = form(chosen);
        let (filled, sent) = match (&mut self.playing, &mut self.bridge) {
            (_, Some(bridge)) if hears && turn.is_none() => match bridge.fill(ours(chosen), chosen.packet, payload) {
                bridge::Turn::Wait(unsaid) => {
                    // The rest of its time went by with what left.
                    self.timestamp = timestamp.wrapping_add(unsaid as u32 * codec::ticks(chosen.codec));
                    self.tap_tick(samples, &[], events);
                    return None;
                }
                bridge::Turn::Sound(length) => (length, Last::Prompt),
                bridge::Turn::Silence => (0, Last::Silence),
            },
            (playing, bridge) => {
                interrupt(bridge, samples);
                match (turn, playing) {
                    (Some(Turn::Tone { key, since }), _) => {
                        let sounded = self.pressing.as_mut().map(|keys| keys.sound(form, key, since, samples, payload));
                        (sounded.unwrap_or(0), Last::Prompt)
                    }
                    // Between two keys as well what plays waits.
                    (None, Some(playing)) => (playing.fill(form, samples, payload), Last::Prompt),
                    (Some(_), _) | (None, None) => (0, Last::Silence),
                }
            }
        };
        let length = form.fill_up(payload, filled, samples)?;

        let marked = sent != self.last && self.last != Last::Prompt;
        write_header(header, chosen.payload_type, marked, self.sequence, timestamp, self.ssrc)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(length as u32));
        self.last = sent;
        if let Some(over) = self.playing.take_if(|playing| playing.is_over()) {
            events.push(Event::Finished(over.play));
        }
        let ours = !hears || self.is_recorded();
        let said = buffer.get(HEADER..HEADER + length).filter(|_| ours).unwrap_or_default();
        self.tap_tick(samples, said, events);
        self.sealed(buffer, HEADER + length).map(|length| (to, length))
    }

    /// The packet in the buffer as it leaves; how many bytes.
    fn sealed(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.srtp {
            Some(srtp) => srtp.seal(buffer, length),
            None => Some(length),
        }
    }

    /// An interval of the recordings, in which we said this.
    fn tap_tick(&mut self, samples: usize, said: &[u8], events: &mut Vec<Event>) {
        let codec = self.chosen.as_ref().map_or(Codec::Pcma, |chosen| chosen.codec);
        let over = self.taps.extract_if(.., |tap| tap.interval(samples, codec, said));
        events.extend(over.map(|tap| Event::RecordingOver(tap.key())));
    }

    /// Intervals that went by unsent, because the pacer was late. The prompt waits, time goes on, in recordings too.
    pub fn skipped(&mut self, intervals: u32, events: &mut Vec<Event>) {
        let samples = samples(self.packet());
        self.timestamp = self.timestamp.wrapping_add(self.ticks().wrapping_mul(intervals));
        self.unsent = self.unsent.saturating_add(intervals);
        self.last = Last::Nothing;
        for _ in 0..intervals.min(TAP_SKIPPED_MAX) {
            if self.taps.is_empty() {
                break;
            }
            self.tap_tick(samples, &[], events);
        }
    }

    /// The packet interval.
    pub fn packet(&self) -> Duration {
        const USUAL: Duration = Duration::from_millis(20);
        self.chosen.as_ref().map_or(USUAL, |chosen| chosen.packet)
    }

    /// Ticks of our time stamp in a packet.
    fn ticks(&self) -> u32 {
        samples(self.packet()) as u32 * self.chosen.as_ref().map_or(1, |chosen| codec::ticks(chosen.codec))
    }

    fn configure(&mut self, now: Instant, chosen: Chosen) {
        self.renegotiated(now, chosen.remote);
        if chosen.control != Control::Off {
            self.reports.begin(now);
        }
        self.heard = now;
        match chosen.events.is_empty() {
            true => _ = self.tones.get_or_insert_default(),
            false => self.tones = None,
        }
        match (&mut self.srtp, &chosen.secured) {
            (Some(srtp), Some(secured)) => srtp.agree(secured),
            (None, Some(secured)) => {
                self.srtp = Some(Box::new(Session::new(secured)));
                // RFC 4568 §6.4: whoever misses our first packets must not miss the end of our numbers with them.
                if self.sent.0 == 0 {
                    self.sequence &= 0x7fff;
                }
            }
            (_, None) => self.forged = self.forged.saturating_add(self.srtp.take().map_or(0, |srtp| srtp.forged())),
        }
        self.chosen = Some(chosen);
    }
}

/// Ours says something else in this interval than what is heard of another stream.
fn interrupt(bridge: &mut Option<Box<Bridge>>, samples: usize) {
    if let Some(bridge) = bridge {
        bridge.interrupted(samples);
    }
}

/// What the keys on their way out have for this interval.
fn press(pressing: &mut Option<Presses>, chosen: &Chosen, timestamp: u32, events: &mut Vec<Event>) -> Option<Turn> {
    let presses = pressing.as_mut()?;
    let turn = match our_events(chosen) {
        Some(event) => presses.next(timestamp, chosen.packet, event.clock),
        None => presses.next_tone(chosen.packet),
    };
    if turn.is_none() || presses.is_over() {
        if !presses.is_passed_on() {
            events.push(Event::Pressed(presses.done()));
        }
        *pressing = None;
    }
    turn
}

/// The events that we send: at the clock of our sound, so that one timestamp serves both (RFC 4733 §2.1).
fn our_events(chosen: &Chosen) -> Option<Events> {
    chosen.events.iter().copied().find(|event| event.clock == chosen.codec.clock())
}

fn write_header(
    header: &mut [u8],
    payload_type: u8,
    marked: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
) -> Option<()> {
    let packet = RtpPacketBuilder::new().payload_type(payload_type).marked(marked).sequence(Seq::from(sequence));
    packet.timestamp(timestamp).ssrc(ssrc).build_into(header).ok().map(drop)
}

/// How we speak.
fn form(chosen: &Chosen) -> Form {
    Form { codec: chosen.codec, manner: chosen.manner }
}

/// What a packet of ours is like.
fn ours(chosen: &Chosen) -> bridge::Ours {
    bridge::Ours { form: form(chosen), samples: samples(chosen.packet) }
}

/// What a payload type of the peer's carries, if it is sound: every codec whose number is fixed, whatever was agreed, for some peers begin before they
/// read our answer.
fn codec_of(number: u8, chosen: &Chosen) -> Option<Codec> {
    if number == chosen.payload_type {
        return Some(chosen.codec);
    }
    let agreed = chosen.others.iter().find(|(other, _)| *other == number).map(|(_, codec)| *codec);
    agreed.or(match number {
        0 => Some(Codec::Pcmu),
        8 => Some(Codec::Pcma),
        9 => Some(Codec::G722),
        _ => None,
    })
}

/// Samples of a packet, at 8000 a second; never more than fit the buffer.
fn samples(packet: Duration) -> usize {
    (packet.as_millis() as usize * 8).clamp(80, PAYLOAD_BYTES_MAX)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
