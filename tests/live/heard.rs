//! What a telephone of a test hears, judged as `ivr1357 hear` judges it.

use crate::capture::{Pcap, RAW, prompt};
use ivr1357::hearing::search::Words;
use ivr1357::hearing::{CLIPPED_MS, Choice, Expected, capture, judge_capture, told};
use std::net::SocketAddr;

/// What a telephone of a test received, to be scored.
pub struct Heard {
    pcap: Pcap,
    packets: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self { pcap: Pcap::new(RAW), packets: 0 }
    }
}

impl Heard {
    /// A packet, in its turn: when it came is the test machine's affair.
    pub fn take(&mut self, packet: &[u8]) {
        let (engine, telephone) =
            (SocketAddr::from(([192, 0, 2, 1], 20_000)), SocketAddr::from(([192, 0, 2, 9], 4000)));
        self.pcap.udp(self.packets * 20_000, engine, telephone, packet);
        self.packets += 1;
    }

    /// These prompts were heard in this order, each from its first syllable, without a lost word and undistorted; of all else little. A busy machine may make
    /// the engine late: then a prompt waits, and the timestamps say for how long.
    pub fn is(&self, prompts: &[&str]) {
        let expected: Vec<Expected> = prompts.iter().map(|name| prompt(name)).collect();
        let capture = capture::read(self.pcap.bytes()).expect("a capture");
        let judgement = judge_capture(&capture, &Choice::default(), &expected, true, &mut |_, _| {}).expect("sound");
        let told = told::text(&judgement, false);
        let names: Vec<&str> = judgement.found.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, prompts, "{told}");
        let way = &judgement.stream.as_ref().expect("a stream").way;
        assert_eq!((way.lost, way.duplicates, way.reordered), (0, 0, 0), "{told}");
        assert!(judgement.unknown_ms < Some(200), "{told}");
        for found in &judgement.found {
            assert!(found.clipped_ms < CLIPPED_MS && found.correlation > 0.99 && found.level_db.abs() < 0.3, "{told}");
            let waited: usize = found.gaps.iter().map(|gap| gap.ms).sum();
            assert!(found.gaps.iter().all(|gap| gap.words == Words::Late), "{told}");
            assert!(waited <= way.jumped_ms, "{told}");
        }
    }
}
