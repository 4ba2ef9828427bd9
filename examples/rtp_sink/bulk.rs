//! Datagrams read in bulk, each with the time at which the kernel took it.
//!
//! A reader that is woken for every datagram makes its sender pay for the waking: on two virtual cores that is up to a third of the
//! sender's time, and a sender that spreads its packets more pays more. This one sleeps a millisecond at a time, as a network card gathers its
//! interrupts, and reads all that came; the kernel's own time stamps say when it did.

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};

/// Between two readings.
const NAP: Duration = Duration::from_millis(1);
/// What may wait unread: a second of 10,000 streams. As root; others get what `net.core.rmem_max` allows.
const ROOM: usize = 256 << 20;

pub struct Bulk {
    pub socket: UdpSocket,
    woken: Instant,
    control: Vec<u8>,
}

impl Bulk {
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        if setsockopt(&socket, sockopt::RcvBufForce, &ROOM).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &ROOM)?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(Self { socket, woken: Instant::now(), control: nix::cmsg_space!(nix::libc::timespec) })
    }

    /// Sleeps until the next reading is due.
    pub fn nap(&mut self) {
        self.woken += NAP;
        match self.woken.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            None => self.woken = Instant::now(),
        }
    }

    /// What waits: each datagram with its sender and the time on the system's clock. `None` when nothing does.
    pub fn read<'a>(&mut self, bytes: &'a mut [u8]) -> io::Result<Option<(Duration, SocketAddr, &'a [u8])>> {
        let mut parts = [IoSliceMut::new(&mut *bytes)];
        let descriptor = self.socket.as_raw_fd();
        let read = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut self.control), MsgFlags::MSG_DONTWAIT);
        let read = match read {
            Ok(read) => read,
            Err(nix::errno::Errno::EWOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stamp = read.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(time) => Some(time.into()),
            _ => None,
        });
        let (stamp, from) = stamp
            .zip(read.address.as_ref().and_then(address))
            .ok_or_else(|| io::Error::other("a datagram without time stamp or sender"))?;
        let length = read.bytes;
        Ok(bytes.get(..length).map(|bytes| (stamp, from, bytes)))
    }
}

/// Now, on the clock of the stamps.
pub fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}
