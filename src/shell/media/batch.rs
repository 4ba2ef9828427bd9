//! Packets of many sockets that leave together: by one call of the kernel where it has io_uring, else one by one.
//!
//! A call of the kernel for each packet costs more than all else that is done for it, and there is no `sendmmsg` across sockets. The
//! figures are in `docs/PERFORMANCE.md`. Containers and hardened systems may forbid io_uring; then plain sends do the same work.
//!
//! The only module with `unsafe`: the kernel reads addresses and packets where they lie. It is told of nothing that this module does not own,
//! and [`Batch::send`] does not come back before the kernel has answered for all of it, so nothing is moved, written or freed under
//! its eyes. If it ever does not answer, what it was told of is leaked for good, and plain sends go on.
#![allow(unsafe_code)]

use crate::limits::RTP_PACKET_BYTES_MAX;
use io_uring::{IoUring, opcode, types::Fd};
use mio::net::UdpSocket;
use socket2::SockAddr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use tracing::{info, warn};

/// Packets that leave together at the most: the callers of some 130 calls' millisecond, 100 KiB that stay in the cache.
pub(super) const BATCH: usize = 128;
/// Calls of the kernel in a row that may fail and answer for nothing, before it is given up.
const FRUITLESS_MAX: usize = 100;

/// Packets on their way from their streams to their sockets.
pub(super) struct Batch {
    packets: Box<[Packet]>,
    /// So many of them are written.
    written: usize,
    ring: Option<Ring>,
}

/// Room for a packet.
#[derive(Clone)]
pub(super) struct Packet {
    pub(super) bytes: [u8; RTP_PACKET_BYTES_MAX],
    length: usize,
    to: SocketAddr,
    /// Whose it is, in the worker's list.
    index: usize,
}

/// How many left, and how many could not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Sent {
    pub(super) left: usize,
    pub(super) failed: usize,
}

impl Batch {
    /// Room for [`BATCH`] packets. `ring`: by io_uring, if the system has it for us.
    pub(super) fn new(ring: bool) -> Self {
        let ring = ring.then(Ring::open).and_then(|opened| match opened {
            Ok(ring) => Some(ring),
            Err(error) => {
                info!(%error, "no io_uring here: packets leave one by one");
                None
            }
        });
        Self { packets: room(), written: 0, ring }
    }

    /// Where the next packet is written; `None` when the batch is full.
    pub(super) fn room(&mut self) -> Option<&mut Packet> {
        self.packets.get_mut(self.written)
    }

    /// What was written in [`Batch::room`] goes along: so many bytes of it, to there, by the socket of this index.
    pub(super) fn take(&mut self, index: usize, to: SocketAddr, length: usize) {
        if let Some(packet) = self.packets.get_mut(self.written) {
            (packet.index, packet.to, packet.length) = (index, to, length.min(RTP_PACKET_BYTES_MAX));
            self.written += 1;
        }
    }

    /// All of it leaves. A packet whose socket is gone is nobody's.
    pub(super) fn send<'a>(&mut self, socket: impl Fn(usize) -> Option<&'a UdpSocket>) -> Sent {
        let written = std::mem::take(&mut self.written);
        let packets = self.packets.get(..written).unwrap_or_default();
        if let Some(ring) = &mut self.ring {
            match ring.send(packets, &socket) {
                Ok(sent) => return sent,
                Err(Broken { error, sent, reading }) => {
                    warn!(%error, "io_uring fails: packets leave one by one from now on");
                    let ring = self.ring.take();
                    if reading {
                        // The kernel may read it still, whenever that is.
                        std::mem::forget(ring);
                        std::mem::forget(std::mem::replace(&mut self.packets, room()));
                    }
                    return sent;
                }
            }
        }
        let mut sent = Sent::default();
        for packet in packets {
            let Some(socket) = socket(packet.index) else { continue };
            match socket.send_to(packet.told(), packet.to) {
                Ok(_) => sent.left += 1,
                Err(_) => sent.failed += 1,
            }
        }
        sent
    }
}

fn room() -> Box<[Packet]> {
    let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    vec![Packet { bytes: [0; RTP_PACKET_BYTES_MAX], length: 0, to: nowhere, index: 0 }; BATCH].into()
}

impl Packet {
    fn told(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The way into the kernel.
struct Ring {
    ring: IoUring,
    /// Where each packet goes, as the kernel reads it.
    addresses: Box<[SockAddr]>,
}

/// The kernel does not do as it says.
struct Broken {
    error: io::Error,
    sent: Sent,
    /// It may not be done with what it was told.
    reading: bool,
}

impl Ring {
    fn open() -> io::Result<Self> {
        let nowhere = SockAddr::from(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Self { ring: IoUring::new(BATCH as u32)?, addresses: vec![nowhere; BATCH].into() }.proved()
    }

    /// After one packet to ourselves: some systems open a ring and then refuse what it is asked for; before Linux 6.1 it was a packet with an
    /// address.
    fn proved(mut self) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
        let mut packets = room();
        let [packet, ..] = &mut packets[..] else { return Ok(self) };
        (packet.to, packet.length) = (socket.local_addr()?, 1);
        match self.send(packets.get(..1).unwrap_or_default(), &|_| Some(&socket)) {
            Ok(Sent { left: 1, .. }) => Ok(self),
            Ok(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "a packet to ourselves was refused")),
            Err(Broken { error, reading, .. }) => {
                if reading {
                    // As in `Batch::send`.
                    std::mem::forget((self, packets));
                }
                Err(error)
            }
        }
    }

    fn send<'a>(
        &mut self,
        packets: &[Packet],
        socket: &impl Fn(usize) -> Option<&'a UdpSocket>,
    ) -> Result<Sent, Broken> {
        let mut told = 0;
        for (packet, address) in packets.iter().zip(&mut self.addresses) {
            let Some(socket) = socket(packet.index) else { continue };
            *address = packet.to.into();
            let bytes = packet.told();
            // Without waiting: a full socket loses the packet, as with a plain send of ours, and keeps nobody else.
            let entry = opcode::Send::new(Fd(socket.as_raw_fd()), bytes.as_ptr(), bytes.len() as u32)
                .dest_addr(address.as_ptr().cast())
                .dest_addr_len(address.len())
                .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                .build();
            // SAFETY: what the entry names lies in `packets` and `self.addresses`. Neither is moved, written or freed before the entry
            // was answered: that is awaited below, and where it cannot be, `Broken::reading` has `Batch::send` leak both.
            // The descriptor is open, for its socket is borrowed during the call.
            match unsafe { self.ring.submission().push(&entry) } {
                Ok(()) => told += 1,
                Err(_) => break,
            }
        }
        self.wait(told)
    }

    /// Hands over what was told and waits until all of it was answered.
    fn wait(&mut self, told: usize) -> Result<Sent, Broken> {
        let mut sent = Sent::default();
        let (mut open, mut fruitless) = (told, 0);
        while open > 0 {
            let result = self.ring.submit_and_wait(open);
            let before = open;
            for answer in self.ring.completion() {
                open -= 1;
                match answer.result() >= 0 {
                    true => sent.left += 1,
                    false => sent.failed += 1,
                }
            }
            fruitless = if open < before { 0 } else { fruitless + 1 };
            if let Err(error) = result
                && fruitless >= FRUITLESS_MAX
            {
                sent.failed += open;
                // What was never handed over is read by nobody: the ring is not used again.
                return Err(Broken { error, sent, reading: self.ring.submission().len() < open });
            }
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every packet of `batch` rounds, told by its first byte, is where it should be: `peers` of both families.
    fn delivers(mut batch: Batch, rounds: u8) {
        let peers: Vec<std::net::UdpSocket> =
            ["127.0.0.1:0", "[::1]:0"].iter().filter_map(|address| std::net::UdpSocket::bind(address).ok()).collect();
        let sockets: Vec<UdpSocket> = peers
            .iter()
            .map(|peer| UdpSocket::bind(SocketAddr::new(peer.local_addr().expect("bound").ip(), 0)).expect("a socket"))
            .collect();
        for round in 0..rounds {
            for number in 0..BATCH {
                let index = number % peers.len();
                let packet = batch.room().expect("room for a whole batch");
                packet.bytes[..2].copy_from_slice(&[round, number as u8]);
                batch.take(index, peers[index].local_addr().expect("bound"), 2 + number);
            }
            assert!(batch.room().is_none(), "a batch is {BATCH} packets");
            // A socket that is gone takes nothing with it.
            let gone = |index: usize| (round > 0 || index > 0).then(|| &sockets[index]);
            let expected = if round > 0 { BATCH } else { BATCH - BATCH.div_ceil(peers.len()) };
            assert_eq!(batch.send(gone), Sent { left: expected, failed: 0 });
            let mut buffer = [0; 2048];
            for number in 0..BATCH {
                if round == 0 && number % peers.len() == 0 {
                    continue;
                }
                let (length, from) = peers[number % peers.len()].recv_from(&mut buffer).expect("it arrives");
                assert_eq!((length, &buffer[..2]), (2 + number, &[round, number as u8][..]));
                assert_eq!(from, sockets[number % peers.len()].local_addr().expect("bound"));
            }
        }
        assert_eq!(batch.send(|_| None), Sent::default(), "nothing is left over");
    }

    #[test]
    fn plain_sends_deliver_every_packet_once_in_order() {
        delivers(Batch::new(false), 5);
    }

    #[test]
    fn a_ring_delivers_every_packet_once_in_order() {
        let batch = Batch::new(true);
        match &batch.ring {
            Some(_) => delivers(batch, 200),
            None => eprintln!("left out: this system has no io_uring for us"),
        }
    }

    #[test]
    fn a_packet_that_cannot_leave_is_counted_and_stops_nobody() {
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let socket = UdpSocket::bind("127.0.0.1:0".parse().expect("an address")).expect("a socket");
        for ring in [false, true] {
            let mut batch = Batch::new(ring);
            let here = peer.local_addr().expect("bound");
            // Broadcast is not allowed to this socket, and IPv6 is not its family.
            for to in
                ["255.255.255.255:9".parse().expect("an address"), here, "[::1]:9".parse().expect("an address"), here]
            {
                batch.room().expect("room").bytes[0] = 7;
                batch.take(0, to, 1);
            }
            assert_eq!(batch.send(|_| Some(&socket)), Sent { left: 2, failed: 2 }, "ring: {ring}");
            let mut buffer = [0; 16];
            assert_eq!((peer.recv(&mut buffer).ok(), peer.recv(&mut buffer).ok()), (Some(1), Some(1)));
        }
    }
}
