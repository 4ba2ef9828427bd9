//! Clips, and how they come to be held in a codec.

use super::*;
use audio_codec::Decoder as _;
use audio_codec::g722::G722Decoder;

/// The codecs in which an eighth of a millisecond is a byte.
const BYTES: [Codec; 3] = [Codec::Pcma, Codec::Pcmu, Codec::G722];

impl Clip {
    /// Held as these bytes, whatever they sound like.
    pub fn of_bytes(id: &str, alaw: &[u8], ulaw: &[u8]) -> Self {
        let clip = Self::new(id, vec![0; alaw.len()].into(), None);
        for (codec, bytes) in [(Codec::Pcma, alaw), (Codec::Pcmu, ulaw)] {
            let stretches = bytes.chunks(STRETCH).map(|bytes| OnceLock::from(Stretch::Bytes(bytes.into()))).collect();
            let held = clip.held(Form::of(codec)).expect("a form of ours");
            assert!(held.set(stretches).is_ok(), "nothing is held yet");
        }
        clip
    }
}

fn voice(samples: usize) -> Vec<i16> {
    (0..samples).map(|n| (n * 37 % 20_000) as i16 - 10_000).collect()
}

#[test]
fn a_clip_holds_the_same_sound_in_both_laws() {
    let samples = voice(800);
    let clip = Clip::from_samples("greeting", &samples);
    assert_eq!(clip.duration(), Duration::from_millis(100));
    let [alaw, ulaw] = [Codec::Pcma, Codec::Pcmu].map(|codec| clip.encoded(codec));
    for (at, &sample) in samples.iter().enumerate() {
        let (alaw, ulaw) = (codec::decode_alaw(alaw[at]), codec::decode_ulaw(ulaw[at]));
        assert!((alaw - sample).abs() <= 330 && (ulaw - sample).abs() <= 330, "{at}: {sample} {alaw} {ulaw}");
    }
}

#[test]
fn g722_carries_what_a_wide_recording_has_above_a_telephones_band() {
    // 5 kHz: nothing of it is left at 8 kHz.
    let turn = std::f64::consts::TAU * 5000.0 / 16_000.0;
    let wide: Vec<i16> = (0..16_000).map(|at| ((f64::from(at) * turn).sin() * 12_000.0) as i16).collect();
    let level = |wide: Option<&[i16]>| {
        let clip = Arc::new(Clip::new("greeting", vec![0; 8000].into(), wide.map(Arc::from)));
        let mut encoding = clip.encode(Form::of(Codec::G722)).expect("nobody else does");
        while encoding.step() {}
        let decoded = G722Decoder::new().decode(&clip.encoded(Codec::G722));
        decoded.iter().skip(1600).map(|sample| sample.unsigned_abs()).max()
    };
    assert!(level(Some(&wide)) > Some(8000), "{:?}", level(Some(&wide)));
    assert!(level(None) < Some(200));
    // One that does not fit its narrow sound is not taken: clips are as long in each codec.
    assert!(level(Some(&wide[..15_000])) < Some(200));
}

#[test]
fn a_clip_is_held_in_what_was_asked_for_and_as_long_in_each() {
    let samples = voice(3 * STRETCH + 1);
    let all = samples.len();
    for codecs in [vec![Codec::Pcma], vec![Codec::G722, Codec::Pcmu], Codec::ALL.to_vec()] {
        let clip = Clip::held_in(Codecs::new(codecs.clone()), "greeting", &samples);
        let held = BYTES.map(|codec| clip.encoded(codec).len());
        assert_eq!(held, BYTES.map(|codec| if codecs.contains(&codec) { all } else { 0 }));
        let packets = Codec::ALL.map(|codec| clip.packets(codec).count());
        assert_eq!(packets, Codec::ALL.map(|codec| if codecs.contains(&codec) { all.div_ceil(FRAME) } else { 0 }));
        assert_eq!(clip.eighths(), all);
    }
}

#[test]
fn what_is_encoded_stretch_by_stretch_is_what_is_encoded_at_once() {
    let samples = voice(5 * STRETCH + 77);
    let clip = Arc::new(Clip::new("greeting", samples.as_slice().into(), None));
    for form in Codec::ALL.map(Form::of) {
        assert_eq!(clip.at(form, 0, 160), Piece::Never);
        let mut encoding = clip.encode(form).expect("nobody else does");
        assert!(clip.encode(form).is_none(), "one is enough");
        assert_eq!(clip.at(form, 0, 160), Piece::Later);
        assert!(encoding.step());
        assert!(matches!(clip.at(form, STRETCH - 160, 480), Piece::Sound(bytes, 160) if !bytes.is_empty()));
        assert_eq!(clip.at(form, STRETCH, 160), Piece::Later);
        let steps = 2 + std::iter::from_fn(|| encoding.step().then_some(())).count();
        assert_eq!(steps, 6);
    }
    let whole = |law: fn(i16) -> u8| samples.iter().map(|&sample| law(sample)).collect::<Vec<u8>>();
    assert_eq!(clip.encoded(Codec::Pcma), whole(codec::encode_alaw));
    assert_eq!(clip.encoded(Codec::Pcmu), whole(codec::encode_ulaw));
    assert_eq!(clip.encoded(Codec::G722), *codec::encode_g722(&samples));
}

#[test]
fn what_nobody_goes_on_encoding_is_silence_to_its_end() {
    let clip = Arc::new(Clip::new("greeting", voice(3 * STRETCH).into(), None));
    for codec in Codec::ALL {
        let mut encoding = clip.encode(Form::of(codec)).expect("nobody else does");
        encoding.step();
        drop(encoding);
        let packets: Vec<Vec<u8>> = clip.packets(codec).collect();
        let mut silence = [0; FRAME];
        let length = Form::of(codec).fill_up(&mut silence, 0, FRAME).expect("it fits");
        let (spoken, silent) = packets.split_at(STRETCH / FRAME);
        assert_eq!(silent.len(), 2 * spoken.len());
        assert!(silent.iter().all(|packet| packet[..] == silence[..length]));
        assert!(spoken.iter().all(|packet| packet[..] != silence[..length]));
    }
}

#[test]
fn an_empty_clip_has_no_sound_in_any_codec() {
    let clip = Arc::new(Clip::new("nothing", Arc::from([]), None));
    for codec in Codec::ALL {
        assert!(!clip.encode(Form::of(codec)).expect("nobody else does").step());
        assert!(clip.encoded(codec).is_empty());
    }
}

#[test]
fn a_sound_that_is_made_later_is_made_once_and_as_long_as_was_said() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let made = Arc::new(AtomicUsize::new(0));
    let clip = |length: usize| {
        let made = Arc::clone(&made);
        Arc::new(Clip::made_when_played("slow/greeting", 800, move || {
            made.fetch_add(1, Ordering::Relaxed);
            (vec![8000; length].into(), None)
        }))
    };
    let later = clip(800);
    assert_eq!((later.duration(), made.load(Ordering::Relaxed)), (Duration::from_millis(100), 0));
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut work = later.encode(Form::of(codec)).expect("nobody has it");
        while work.step() {}
        assert_eq!(later.encoded(codec), Clip::from_samples("x", &[8000; 800]).encoded(codec));
    }
    assert!(later.is_made() && !clip(800).is_made());
    later.prepare();
    assert_eq!(made.load(Ordering::Relaxed), 1);
    // Whatever comes of it: silence at the end, or nothing of what is too long.
    for length in [0, 300, 900] {
        let clip = clip(length);
        clip.prepare();
        let mut work = clip.encode(Form::of(Codec::Pcma)).expect("nobody has it");
        while work.step() {}
        let bytes = clip.encoded(Codec::Pcma);
        assert_eq!(bytes.len(), 800);
        assert_eq!(bytes[799], if length > 799 { codec::encode_alaw(8000) } else { codec::encode_alaw(0) });
    }
}
