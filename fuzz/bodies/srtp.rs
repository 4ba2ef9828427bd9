//! Encrypted packets and the lines that bring their keys: a packet counts once, and only as it was sealed.

use super::Choices;
use ivr1357::media::srtp::{Opener, Refused, Sealer, Session};
use ivr1357::sdp::crypto::{Crypto, Keys, Mki};
use ivr1357::sdp::{MasterKey, Secured, Suite};

pub fn run(data: &[u8]) {
    line(data);
    let mut choices = Choices(data);
    let suite = Suite::ALL[usize::from(choices.byte() % 4)];
    let mki = Some(Mki { value: 1, length: choices.byte() % 9 }).filter(|mki| mki.length > 0);
    let mut sealer = Sealer::new(&key(suite, 1));
    // Without an MKI in what is sealed, one that is expected makes every packet a forgery.
    let mut opener = Opener::new(&key(suite, 1), mki);
    let mut session = Session::new(&secured(suite, 1, 1));
    let (mut sequence, mut last) = (0xfff0u16, Vec::new());
    while !choices.is_empty() {
        match choices.byte() % 6 {
            // In order, with a leap.
            0 => {
                sequence = sequence.wrapping_add(1 + u16::from(choices.byte()));
                last = rtp(sequence, choices.byte() % 3, choices.take(20));
                let length = last.len();
                last.resize(length + 16, 0);
                let sealed = sealer.seal(&mut last, length).expect("there is room");
                last.truncate(sealed);
                let opened = opener.open(&mut last.clone());
                assert_eq!(opened.is_ok(), mki.is_none(), "{opened:?}");
                if mki.is_none() {
                    assert_eq!(opened, Ok(length));
                    assert_eq!(opener.open(&mut last.clone()), Err(Refused::Again));
                }
            }
            1 => {
                let mut report = [&[0x80, 200, 0, 1, 0, 0, 0, 7], choices.take(20)].concat();
                let length = report.len();
                report.resize(length + 20, 0);
                let sealed = sealer.seal_report(&mut report, length).expect("there is room");
                report.truncate(sealed);
                let opened = opener.open_report(&mut report.clone());
                assert_eq!(opened.is_ok(), mki.is_none(), "{opened:?}");
            }
            // Changed on its way.
            2 if !last.is_empty() => {
                let mut changed = last.clone();
                let at = usize::from(choices.byte()) % changed.len();
                changed[at] ^= 1 << (choices.byte() % 8);
                refused(&mut opener, &changed);
            }
            3 if !last.is_empty() => {
                let length = usize::from(choices.byte()) % last.len();
                refused(&mut opener, &last[..length]);
            }
            4 => {
                let (ours, theirs) = (choices.byte() % 3, choices.byte() % 3);
                session.agree(&secured(Suite::ALL[usize::from(choices.byte() % 4)], ours, theirs));
            }
            _ => {
                let length = usize::from(choices.byte());
                let bytes = choices.take(length);
                refused(&mut opener, bytes);
                let before = session.forged();
                let (sound, report) =
                    (session.open(&mut bytes.to_vec()).is_none(), session.open_report(&mut bytes.to_vec()).is_none());
                assert!(sound && report && session.forged() >= before);
            }
        }
    }
}

/// What nobody sealed is refused, as sound and as a report, and stays as it was.
fn refused(opener: &mut Opener, bytes: &[u8]) {
    let mut packet = bytes.to_vec();
    assert!(opener.open(&mut packet).is_err() && opener.open_report(&mut packet).is_err());
    assert_eq!(packet, bytes);
}

/// A line that reads is written so that it reads as the same.
fn line(data: &[u8]) {
    if let Some(line) = Crypto::read(data) {
        let again = Crypto::read(line.line().as_bytes()).expect("ours reads");
        assert_eq!(again, Crypto { mki: None, ..line });
        assert!(!line.line().contains(['\r', '\n']));
    }
}

fn rtp(sequence: u16, contributors: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80 | contributors, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 160, 0, 0, 0, 7]);
    packet.extend(vec![9; 4 * usize::from(contributors)]);
    packet.extend(payload);
    packet
}

fn secured(suite: Suite, ours: u8, theirs: u8) -> Secured {
    Secured { tag: 1, ours: key(suite, ours), theirs: key(suite, theirs), mki: None, profile: true }
}

fn key(suite: Suite, which: u8) -> MasterKey {
    Keys::new([[which; 44]; 4]).of(suite)
}
