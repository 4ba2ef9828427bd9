use super::*;
use crate::limits::MESSAGE_SPOKEN_MIN;
use std::sync::Mutex;

/// What was written, and how it ended; and why nothing can be kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<i16>, Option<Ended>)>>, Option<Loss>);

impl Sink for Kept {
    fn take(&mut self, samples: &[i16]) -> Result<(), Loss> {
        self.0.lock().expect("one thread").0.extend_from_slice(samples);
        self.1.map_or(Ok(()), Err)
    }

    fn finish(&mut self, ended: Ended) {
        self.0.lock().expect("one thread").1 = Some(ended);
    }
}

impl Kept {
    fn ended(&self) -> Ended {
        self.0.lock().expect("one thread").1.expect("it is told how it ended")
    }
}

const KEY: RecordingKey = RecordingKey { call: 1357, number: 7 };

fn tap(sides: Sides, silence: Option<Duration>) -> (Tap, Kept) {
    let kept = Kept::default();
    let longest = Duration::from_secs(10);
    let recording = Recording { key: KEY, file: "messages/a".into(), sides, longest, silence };
    (Tap::new(recording, Box::new(kept.clone())), kept)
}

/// 20 ms of a voice: a tone that is told apart by its loudness.
fn voice(loud: i16) -> [i16; 160] {
    std::array::from_fn(|n| if n % 8 < 4 { loud } else { -loud })
}

/// How loud a voice is in its n-th 20 ms: five syllables a second.
fn syllables(n: u32) -> i16 {
    if n % 10 < 6 { 4000 } else { 3000 }
}

fn kept(kept: &Kept) -> Vec<i16> {
    kept.0.lock().expect("one thread").0.clone()
}

/// The loudness of each 20 ms.
fn loudness(samples: &[i16]) -> Vec<i16> {
    samples.chunks(160).map(|frame| frame.iter().copied().max().unwrap_or(0)).collect()
}

/// The loudness of each 20 ms of one side.
fn side(samples: &[i16], at: usize) -> Vec<i16> {
    loudness(&samples.iter().skip(at).step_by(2).copied().collect::<Vec<_>>())
}

#[test]
fn what_we_say_stands_beside_what_came_at_the_time() {
    let (mut tap, file) = tap(Sides::Both, None);
    for n in 0..10 {
        tap.heard.jitter.put(1, RATE, n * 160, &voice(1000 + n as i16));
        tap.tick(160, &voice(500 + n as i16));
    }
    // What came in the last 100 ms waits for what was sent before it.
    let samples = kept(&file);
    assert_eq!(side(&samples, 0), [1000, 1001, 1002, 1003, 1004]);
    assert_eq!(side(&samples, 1), [500, 501, 502, 503, 504]);
}

#[test]
fn it_begins_with_the_first_word_and_ends_with_the_last() {
    for ticks in [1, 3, 5, 6, 50] {
        let (mut tap, file) = tap(Sides::Both, None);
        for n in 0..ticks {
            tap.heard.jitter.put(1, RATE, n * 160, &voice(1000 + n as i16));
            assert!(!tap.tick(160, &voice(500 + n as i16)));
        }
        tap.end();
        let samples = kept(&file);
        assert_eq!(side(&samples, 0), (0..ticks as i16).map(|n| 1000 + n).collect::<Vec<_>>());
        assert_eq!(side(&samples, 1), (0..ticks as i16).map(|n| 500 + n).collect::<Vec<_>>());
        assert_eq!(file.ended().length, Duration::from_millis(20) * ticks);
    }
    // What could not be kept is not tried again.
    let (mut tap, file) = tap(Sides::Both, None);
    (0..20).for_each(|_| _ = tap.tick(160, &[]));
    tap.fail(Loss::Broken);
    assert_eq!(
        (file.ended().end, file.ended().length),
        (RecordingEnd::Failed(Loss::Broken), Duration::from_millis(300))
    );
}

#[test]
fn a_pause_leaves_nothing_of_either_side_from_just_before_it_until_the_last_key_has_died_away() {
    let (mut tap, file) = tap(Sides::Both, None);
    let mut over = false;
    for n in 0..400u32 {
        // The caller's side comes 80 ms late: what is said in the pause is still under way at its end.
        if let Some(said) = n.checked_sub(4) {
            tap.heard.jitter.put(1, RATE, said * 160, &voice(1000 + said as i16));
        }
        match n {
            100 => tap.pause(true),
            200 => tap.pause(false),
            // Once more is no longer.
            210 => tap.pause(false),
            _ => {}
        }
        over |= tap.tick(160, &voice(2000 + n as i16));
    }
    assert!(!over);
    tap.end();
    let told = file.ended();
    let samples = kept(&file);
    // A second behind the end, and not a sample before it; the time is whole.
    let silent = 95 * 320..245 * 320;
    assert!(samples[silent].iter().all(|&sample| sample == 0));
    assert_eq!(samples.len(), 400 * 320);
    let (caller, ours) = (side(&samples, 0), side(&samples, 1));
    assert_eq!((caller[94], ours[94]), (1000 + 94 - 4, 2000 + 94));
    assert_eq!((caller[245], ours[245]), (1000 + 245 - 4, 2000 + 245));
    assert_eq!((told.length, told.hushed), (Duration::from_secs(8), Duration::from_secs(3)));
    // What came just before the pause, a key's tone, is not kept either: none of it is in the file.
    assert!(!caller.iter().any(|&loud| (1091..=1240).contains(&loud)), "{caller:?}");
}

#[test]
fn silence_ends_it_after_words_and_without_any_and_a_noisy_line_is_no_voice() {
    let silence = Some(Duration::from_secs(2));
    let run = |sound: &dyn Fn(u32) -> i16| {
        let (mut tap, file) = tap(Sides::Caller, silence);
        for n in 0..2000 {
            tap.heard.jitter.put(1, RATE, n * 160, &voice(sound(n)));
            if tap.tick(160, &[]) {
                return file.ended();
            }
        }
        panic!("never ends");
    };
    let nothing = run(&|_| 0);
    assert_eq!(
        (nothing.end, nothing.spoken, nothing.length),
        (RecordingEnd::Silence, Duration::ZERO, Duration::from_secs(2))
    );
    // Three seconds of words; the silence counts from their end.
    let words = run(&|n| if n < 150 { syllables(n) } else { 20 });
    assert_eq!((words.end, words.spoken), (RecordingEnd::Silence, Duration::from_secs(3)));
    assert_eq!(words.length, Duration::from_secs(5));
    // A voice in a car: 15 dB above its noise, which is heard between the syllables.
    let car = run(&|n| if (50..150).contains(&n) && n % 10 < 8 { syllables(n) } else { 600 });
    assert_eq!(car.end, RecordingEnd::Silence);
    assert!(car.spoken >= Duration::from_millis(1500), "{car:?}");
    let long = run(&|n| if n % 100 < 50 { syllables(n) } else { 0 });
    assert_eq!((long.end, long.length), (RecordingEnd::Longest, Duration::from_secs(10)));
    // A loud tone is kept, as whoever tries it out expects.
    assert!(run(&|n| if n < 100 { 3000 } else { 0 }).spoken >= Duration::from_millis(1900));
    // Nobody on a line that hisses from the first moment, at -42 to -26 dBov, or begins to.
    for hiss in [260, 412, 1036, 1600] {
        for from in [0, 1, 20] {
            let alone = run(&|n| if n < from { 0 } else { hiss + (n * 7919 % 13) as i16 * (hiss / 100) });
            assert_eq!(
                (alone.end, alone.spoken < MESSAGE_SPOKEN_MIN),
                (RecordingEnd::Silence, true),
                "{hiss}: {alone:?}"
            );
        }
    }
}

#[test]
fn a_sink_that_cannot_keep_it_ends_it_and_telling_it_finishes_the_file() {
    let (mut tap, file) = tap(Sides::Caller, None);
    assert!(!tap.tick(160, &[]));
    tap.end();
    let told = file.ended();
    assert_eq!((told.key, told.end, told.length), (KEY, RecordingEnd::Told, Duration::from_millis(20)));

    let full = Kept(Arc::default(), Some(Loss::Disk));
    let recording = Recording {
        key: KEY,
        file: "messages/b".into(),
        sides: Sides::Caller,
        longest: Duration::from_secs(1),
        silence: None,
    };
    let mut tap = Tap::new(recording, Box::new(full.clone()));
    assert!((0..6).any(|_| tap.tick(160, &[])));
    assert_eq!(full.ended().end, RecordingEnd::Failed(Loss::Disk));
}
