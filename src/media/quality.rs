//! How a leg sounded: what was counted, and what the E-model makes of it (ITU-T G.107, simplified).
//!
//! All that depends on rooms, echoes and levels stays at the default of the standard; what remains is delay, loss and codec.

use crate::sdp::{Codec, Suite};
use crate::time::Duration;

/// A leg's sound in both directions, told once when its stream closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// What was spoken last.
    pub codec: Codec,
    /// RTP packets sent.
    pub sent: u32,
    /// Packet intervals that went by unsent, because the media thread was late.
    pub unsent: u32,
    /// What came; `None` where it is not counted.
    pub heard: Option<Heard>,
    /// What the peer's last report said of ours; `None` without one.
    pub peer: Option<PeerReport>,
    /// From us to the peer and back.
    pub round_trip: Option<Duration>,
    /// How it was encrypted in the end; `None`: it was not.
    pub suite: Option<Suite>,
    /// Packets that were not encrypted with the agreed keys, and did not count.
    pub forged: u32,
}

/// The packets that the peer sent us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// RTP packets that came.
    pub packets: u32,
    /// Packets that never did.
    pub lost: u32,
    /// How unevenly they came.
    pub jitter: Duration,
}

/// What a peer says of the packets it received from us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerReport {
    /// Lost in all.
    pub lost: u32,
    /// How unevenly they came.
    pub jitter: Duration,
}

/// A mean opinion score, in hundredths: 100 to 450.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mos(pub u16);

/// R of a connection with everything at its default (G.107 §7.7).
const R_DEFAULT: f64 = 93.2;
/// Loss robustness of G.711 with concealment (G.113 table I.4): what telephones have. G.722 is told on the same narrow-band scale, so that figures
/// of calls compare.
const LOSS_ROBUSTNESS: f64 = 25.1;

impl Report {
    /// How the peer sounds to us; `None` when it sent nothing, or nothing was counted, and where the model knows nothing of the codec.
    pub fn mos_in(&self) -> Option<Mos> {
        let heard = self.heard.filter(|_| is_modelled(self.codec))?;
        let share = share(heard.lost, heard.packets.checked_add(heard.lost)?)?;
        Some(mos(self.one_way(heard.jitter), share))
    }

    /// How we sound to the peer, by its own report; `None` without one, and where the model knows nothing of the codec.
    pub fn mos_out(&self) -> Option<Mos> {
        let peer = self.peer.filter(|_| is_modelled(self.codec))?;
        let share = share(peer.lost.min(self.sent), self.sent)?;
        Some(mos(self.one_way(peer.jitter), share))
    }

    /// Half the round trip, a packet to fill, and a jitter buffer twice as long as the jitter.
    fn one_way(&self, jitter: Duration) -> Duration {
        const PACKET: Duration = Duration::from_millis(20);
        self.round_trip.unwrap_or_default() / 2 + PACKET + jitter * 2
    }
}

/// G.113 has no impairment of Opus, nor how well it stands loss: a figure would be ours alone.
fn is_modelled(codec: Codec) -> bool {
    codec != Codec::Opus
}

fn share(lost: u32, all: u32) -> Option<f64> {
    (all > 0).then(|| f64::from(lost) / f64::from(all))
}

/// The score of a way with this delay, this share of packets lost (0 to 1) evenly.
fn mos(delay: Duration, lost: f64) -> Mos {
    let delay = delay.as_secs_f64() * 1000.0;
    let late = 0.024 * delay + if delay > 177.3 { 0.11 * (delay - 177.3) } else { 0.0 };
    let percent = lost * 100.0;
    let broken = 95.0 * percent / (percent + LOSS_ROBUSTNESS);
    let r = (R_DEFAULT - late - broken).clamp(0.0, 100.0);
    // G.107 annex B; below 6.5 the cubic would dip under 1.
    let score = (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5);
    Mos((score * 100.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(packets: u32, lost: u32) -> Option<Heard> {
        Some(Heard { packets, lost, jitter: Duration::ZERO })
    }

    fn report() -> Report {
        Report {
            codec: Codec::Pcma,
            sent: 1000,
            unsent: 0,
            heard: heard(1000, 0),
            peer: None,
            round_trip: None,
            suite: None,
            forged: 0,
        }
    }

    /// R 93.2 is 4.41 in G.107; the others are computed by hand from the two formulas.
    #[test]
    fn scores_follow_the_e_model() {
        for (delay, lost, expected) in [
            (0, 0.0, 441),
            (100, 0.0, 436),
            (177, 0.0, 431),
            (400, 0.0, 305),
            (0, 0.01, 433),
            (0, 0.05, 392),
            (0, 1.0, 118),
        ] {
            let Mos(score) = mos(Duration::from_millis(delay), lost);
            assert!(score.abs_diff(expected) <= 1, "{delay} ms, {lost}: {score}");
        }
        assert!(mos(Duration::from_secs(60), 1.0) == Mos(100), "nothing is worse than bad");
    }

    #[test]
    fn each_direction_has_its_own_score_or_none() {
        for nothing in [heard(0, 0), None] {
            let quiet = Report { heard: nothing, ..report() };
            assert_eq!((quiet.mos_in(), quiet.mos_out()), (None, None));
        }
        let peer = Some(PeerReport { lost: 100, jitter: Duration::from_millis(3) });
        let lossy = Report { peer, round_trip: Some(Duration::from_millis(40)), ..report() };
        assert!(lossy.mos_in() > Some(Mos(435)) && lossy.mos_out() < Some(Mos(370)), "{lossy:?}");
        // A peer that counts more lost than we sent has counted others' packets.
        let absurd = Report { peer: Some(PeerReport { lost: u32::MAX, jitter: Duration::ZERO }), ..report() };
        assert!(absurd.mos_out() >= Some(Mos(100)));
        let all = Report { heard: heard(u32::MAX, 1), ..report() };
        assert_eq!(all.mos_in(), None);
        let opus = Report { codec: Codec::Opus, ..lossy };
        assert_eq!((opus.mos_in(), opus.mos_out()), (None, None), "nobody has measured it for the model");
    }
}
