//! RTP ports: pairs of a range (RFC 3550 §11), in turn, so that late packets of one call never meet the next.

use crate::limits::{PORT_TRIES_MAX, RTP_RECEIVE_BUFFER_BYTES};
use mio::net::UdpSocket;
use socket2::SockRef;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use tracing::{debug, warn};

/// The range and what is taken of it.
pub(super) struct Ports {
    /// Even.
    first: u16,
    /// One for each pair.
    taken: Vec<bool>,
    /// The pair to try next.
    next: usize,
}

/// Why there is no socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unbound {
    /// Every port is in use, by us or by others.
    Taken,
    /// The address is not ours, or no file is free: another port would not help.
    Failed,
}

impl Ports {
    pub(super) fn new(range: RangeInclusive<u16>) -> Self {
        let first = u32::from(*range.start()).next_multiple_of(2);
        let pairs = (u32::from(*range.end()) + 1).saturating_sub(first) / 2;
        Self { first: u16::try_from(first).unwrap_or(0), taken: vec![false; pairs as usize], next: 0 }
    }

    /// Begins anywhere in the range: after a restart, callers of the process before still send to its last ports.
    pub(super) fn beginning_at(mut self, random: u32) -> Self {
        self.next = random as usize % self.taken.len().max(1);
        self
    }

    /// A socket on the next free even port.
    pub(super) fn bind(&mut self, local: IpAddr) -> Result<(UdpSocket, u16), Unbound> {
        let mut foreign = 0;
        for _ in 0..self.taken.len() {
            let pair = self.next;
            self.next = (pair + 1) % self.taken.len();
            if self.taken.get(pair) != Some(&false) {
                continue;
            }
            let port = self.first + 2 * pair as u16;
            match socket(SocketAddr::new(local, port)) {
                Ok(socket) => {
                    self.set(port, true);
                    return Ok((socket, port));
                }
                // Another program's.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && foreign < PORT_TRIES_MAX => foreign += 1,
                Err(error) => {
                    warn!(%local, port, %error, "no RTP socket");
                    return Err(Unbound::Failed);
                }
            }
        }
        debug!(%local, pairs = self.taken.len(), foreign, "no RTP port is free");
        Err(Unbound::Taken)
    }

    /// Its socket is closed.
    pub(super) fn free(&mut self, port: u16) {
        self.set(port, false);
    }

    fn set(&mut self, port: u16, taken: bool) {
        let pair = usize::from(port.saturating_sub(self.first)) / 2;
        if let Some(place) = self.taken.get_mut(pair) {
            *place = taken;
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    SockRef::from(&socket).set_recv_buffer_size(RTP_RECEIVE_BUFFER_BYTES)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 57, 1));

    #[test]
    fn ports_are_even_taken_in_turn_and_not_reused_at_once() {
        let mut ports = Ports::new(40_001..=40_009);
        let mut bind = |free: Option<u16>| {
            free.into_iter().for_each(|port| ports.free(port));
            ports.bind(LOCAL)
        };
        let (one, first) = bind(None).expect("a port");
        drop(one);
        let (two, second) = bind(Some(first)).expect("a port");
        let (_three, third) = bind(None).expect("a port");
        let (_four, fourth) = bind(None).expect("a port");
        assert_eq!([first, second, third, fourth], [40_002, 40_004, 40_006, 40_008]);
        let (_five, fifth) = bind(None).expect("a port");
        assert_eq!(fifth, 40_002);
        assert_eq!(bind(None).err(), Some(Unbound::Taken));
        drop(two);
        assert_eq!(bind(Some(second)).expect("a port").1, 40_004);
    }

    #[test]
    fn a_port_of_another_program_is_passed_over() {
        let _other = std::net::UdpSocket::bind((LOCAL, 40_100)).expect("free here");
        let mut ports = Ports::new(40_100..=40_103);
        assert_eq!(ports.bind(LOCAL).expect("a port").1, 40_102);
    }

    #[test]
    fn an_address_that_is_not_ours_or_an_empty_range_gives_no_port() {
        assert!(Ports::new(40_200..=40_203).bind([192, 0, 2, 1].into()).is_err_and(|why| why == Unbound::Failed));
        assert!(Ports::new(40_201..=40_201).bind(LOCAL).is_err_and(|why| why == Unbound::Taken));
        assert!(Ports::new(65_535..=65_535).bind(LOCAL).is_err_and(|why| why == Unbound::Taken));
    }
}
