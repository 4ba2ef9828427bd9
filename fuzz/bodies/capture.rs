//! Captures as they lie on disks: whatever the bytes, they are read or refused, and what was read is judged and told.

use ivr1357::hearing::{Choice, Expected, capture, judge_capture, picture, told};

pub fn run(data: &[u8]) {
    let Ok(capture) = capture::read(data) else { return };
    let packets: usize = capture.streams.iter().map(|stream| stream.packets.len()).sum();
    // No frame is shorter than an RTP header.
    assert!(packets * 12 <= data.len());
    let expected =
        [Expected { name: "tone".to_owned(), samples: (0..800).map(|n| ((n * 97) % 8000) as i16).collect() }];
    if let Some(judgement) = judge_capture(&capture, &Choice::default(), &expected, true, &mut |_, _| {}) {
        for korean in [true, false] {
            assert!(!told::text(&judgement, korean).is_empty());
        }
        assert!(told::json(&judgement).is_object());
        assert!(picture::draw(&judgement, true).ends_with("</svg>\n"));
    }
}
