//! What the kernel hands over of a socket whose sound nobody listens to: a filter of its own little machine (Linux `SO_ATTACH_FILTER`).
//!
//! Reading a packet only to drop it costs as much as sending one.

use socket2::SockFilter;

/// Loads the byte at `k` into the accumulator (`BPF_LD | BPF_B | BPF_ABS`).
const LOAD: u16 = 0x30;
/// Keeps the bits of `k` (`BPF_ALU | BPF_AND | BPF_K`).
const AND: u16 = 0x54;
/// Goes on `jt` further when the accumulator is `k`, else `jf` (`BPF_JMP | BPF_JEQ | BPF_K`).
const EQUAL: u16 = 0x15;
/// The same when it is at least `k` (`BPF_JMP | BPF_JGE | BPF_K`).
const AT_LEAST: u16 = 0x35;
/// Ends with the first `k` bytes of the packet (`BPF_RET | BPF_K`): none is a packet that never came.
const RETURN: u16 = 0x06;

/// Packets are seen from their UDP header on; the second byte of RTP holds the marker and the payload type.
const KIND: u32 = 8 + 1;
/// Payload types that are told apart at the most; a description has fewer.
const NUMBERS_MAX: usize = 16;

/// Lets through packets of these payload types, and reports (RFC 5761 §4: 192 to 223 in place of marker and payload type).
pub(super) fn all_but(numbers: impl Iterator<Item = u8>) -> Vec<SockFilter> {
    let numbers: Vec<u32> = numbers.take(NUMBERS_MAX).map(u32::from).collect();
    let step = |code, jt, jf, k| SockFilter::new(code, jt, jf, k);
    let mut filter = vec![
        step(LOAD, 0, 0, KIND),
        step(AT_LEAST, 0, 2, 192),
        step(AT_LEAST, 1, 0, 224),
        step(RETURN, 0, 0, u32::MAX),
        step(AND, 0, 0, 0x7f),
    ];
    for number in numbers {
        filter.push(step(EQUAL, 0, 1, number));
        filter.push(step(RETURN, 0, 0, u32::MAX));
    }
    filter.push(step(RETURN, 0, 0, 0));
    filter
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;
    use std::net::UdpSocket;

    /// Asks the kernel itself; packets of one loopback socket come in the order they were sent.
    #[test]
    fn keys_and_reports_come_through_and_nothing_else() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(ours) = UdpSocket::bind(host) else { continue };
            SockRef::from(&ours).attach_filter(&all_but([96, 101].into_iter())).expect("a filter");
            let peer = UdpSocket::bind(host).expect("a socket");
            for kind in 0..=255 {
                peer.send_to(&[0x80, kind, 0, 0], ours.local_addr().expect("bound")).expect("sent");
            }
            peer.send_to(&[0x80], ours.local_addr().expect("bound")).expect("sent");
            peer.send_to(&[0x80, 101, 1], ours.local_addr().expect("bound")).expect("sent");
            let mut heard = Vec::new();
            let mut buffer = [0; 16];
            loop {
                let (length, _) = ours.recv_from(&mut buffer).expect("it comes");
                if length == 3 {
                    break;
                }
                heard.push(buffer[1]);
            }
            let expected: Vec<u8> = (0..=255)
                .filter(|kind| matches!(kind, 96 | 101 | 192..=223) || matches!(kind & 0x7f, 96 | 101))
                .collect();
            assert_eq!(heard, expected, "{host}");
        }
    }
}
