use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ivr1357-versions-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Store {
        Store::open(&self.0).expect("opens")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn version(number: u64) -> Version {
    Version {
        schema: 1,
        number,
        hash: String::new(),
        sounds: String::new(),
        bytes: 0,
        file: "routing.toml".to_owned(),
        who: Who { user: "kim".to_owned(), uid: Some(1000), by: None },
        when: "2026-11-24T10:00:00+09:00".to_owned(),
        why: "설날".to_owned(),
        replaced: number.checked_sub(1).filter(|number| *number > 0),
        repeats: None,
        proved: true,
    }
}

fn sounds(samples: &[i16]) -> Catalogue {
    let prompt = |text: &str, samples: &[i16]| Prompt { text: text.to_owned(), samples: Some(samples.into()) };
    let prompts = [("greeting", prompt("안녕하세요", samples)), ("menu_main", prompt("1번은", &[7, 8]))];
    Catalogue { prompts: prompts.map(|(id, prompt)| (id.to_owned(), prompt)).into(), ..Catalogue::default() }
}

/// The hash of a version's list of sounds: equal lists, equal sounds and words.
fn sounds_hash(catalogue: &Catalogue) -> String {
    hash(list(catalogue).0.as_bytes())
}

#[test]
fn a_version_that_is_not_there_is_told_with_those_that_are() {
    let folder = std::env::temp_dir().join(format!("ivr1357-versions-absent-{}", std::process::id()));
    assert!(absent(&folder, 7).is_some_and(|[korean, _]| korean.contains("아직 없습니다")));
    for number in [1, 2, 3, 5] {
        fs::create_dir_all(folder.join(name(number))).expect("a folder");
    }
    assert_eq!(absent(&folder, 5), None);
    let [korean, english] = absent(&folder, 0).expect("there is none");
    assert!(korean.contains("0판은 없습니다") && korean.contains("1–3, 5"), "{korean}");
    assert!(english.contains("there are 1–3, 5"), "{english}");
    fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_text_that_is_filled_in_is_kept_without_a_sound() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut all = sounds(&[1]);
    let text = |text: &str| Prompt { text: text.to_owned(), samples: None };
    all.prompts.insert("closed".to_owned(), text("상담은 {opens|에} 시작합니다."));
    all.prompts.insert("mute".to_owned(), text("말이 없습니다."));
    store.add(version(1), b"schema = 1", &all).expect("kept");
    let Whole { version, catalogue, .. } = read(&scratch.0, 1).expect("whole");
    assert_eq!(catalogue.text("closed"), Some("상담은 {opens|에} 시작합니다."));
    assert!(catalogue.prompts["closed"].samples.is_none() && catalogue.text("mute").is_none());
    assert_eq!(version.sounds, sounds_hash(&catalogue));
    // Other words are another version, though no sound changed.
    all.prompts.insert("closed".to_owned(), text("상담은 {opens|에} 다시 시작합니다."));
    assert_ne!(sounds_hash(&all), version.sounds);
}

#[test]
fn what_was_published_is_read_again_byte_for_byte() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let bytes = "schema = 1 # 표\r\n".as_bytes();
    let kept = store.add(version(1), bytes, &sounds(&[1, -2, 3])).expect("kept");
    let Whole { version, bytes: again, catalogue } = read(&scratch.0, 1).expect("whole");
    assert_eq!((version.clone(), again.as_slice()), (kept, bytes));
    assert_eq!(sounds_hash(&catalogue), sounds_hash(&sounds(&[1, -2, 3])));
    assert_eq!((version.sounds.clone(), catalogue.text("greeting")), (sounds_hash(&catalogue), Some("안녕하세요")));
    assert_eq!(version.hash, hash(bytes));
    assert_eq!((version.short_hash().len(), version.why.as_str()), (12, "설날"));
    assert_eq!(store.next_number(), 2);
}

#[test]
fn a_process_killed_at_any_step_leaves_the_old_version_or_the_new_one() {
    let mut ends = 0;
    for last in 0.. {
        let scratch = Scratch::new();
        let store = scratch.open();
        store.add(version(1), b"old", &sounds(&[1])).expect("kept");
        let (draft, done) = (scratch.0.join(".2"), scratch.0.join(name(2)));
        let mut steps = 0;
        let mut killed_at = || {
            steps += 1;
            if steps > last { Err(io::Error::other("killed")) } else { Ok(()) }
        };
        let result = store.write(version(2), b"new", &sounds(&[2]), &draft, &done, &mut killed_at);
        drop(store);
        let newest = numbers(&scratch.0)[0];
        let whole = read(&scratch.0, newest).unwrap_or_else(|error| panic!("killed at step {last}: {error}"));
        assert_eq!(whole.bytes, if newest == 2 { b"new" } else { b"old" }, "killed at step {last}");
        assert_eq!(whole.version.sounds, sounds_hash(&sounds(if newest == 2 { &[2] } else { &[1] })));
        // The next start cleans up and publishes on.
        let store = scratch.open();
        let next = store.next_number();
        store.add(version(next), b"next", &sounds(&[3])).unwrap_or_else(|error| panic!("killed at {last}: {error}"));
        assert_eq!(read(&scratch.0, next).expect("whole").bytes, b"next");
        assert!(
            fs::read_dir(&scratch.0)
                .expect("lists")
                .flatten()
                .all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        );
        ends += u64::from(newest == 2);
        if result.is_ok() {
            break;
        }
    }
    assert_eq!(ends, 2, "only the last sync comes after the rename");
}

#[test]
fn a_half_written_file_of_a_draft_is_never_looked_at() {
    let scratch = Scratch::new();
    scratch.open().add(version(1), b"old", &sounds(&[1])).expect("kept");
    fs::create_dir(scratch.0.join(".2")).expect("made");
    fs::write(scratch.0.join(".2/version.json"), "{\"sch").expect("written");
    let store = scratch.open();
    assert_eq!((numbers(&scratch.0), store.next_number()), (vec![1], 2));
}

#[test]
fn a_wide_recording_comes_back_wide_and_is_missed_when_it_is_gone() {
    let scratch = Scratch::new();
    let mut catalogue = sounds(&[1, 2]);
    catalogue.wide.insert("greeting".to_owned(), vec![1, 1, 2, 2].into());
    assert_ne!(sounds_hash(&catalogue), sounds_hash(&sounds(&[1, 2])));
    assert!(is_alike(&catalogue, &catalogue.clone()) && !is_alike(&catalogue, &sounds(&[1, 2])));
    scratch.open().add(version(1), b"table", &catalogue).expect("kept");
    let whole = read(&scratch.0, 1).expect("whole");
    assert_eq!(whole.catalogue.wide, catalogue.wide);
    scratch.open().tidy(1);
    assert!(read(&scratch.0, 1).is_ok());
    let hash = sound_hash(&[1, 2], Some(&[1, 1, 2, 2]));
    fs::remove_file(scratch.0.join(format!("sounds/{hash}.wide.wav"))).expect("was there");
    assert!(read(&scratch.0, 1).expect_err("not whole").contains("its hash differs"));
}

#[test]
fn damage_is_told_whatever_file_it_hit() {
    for (file, content, part) in [
        ("000001/routing.toml", "schema = 2", "its hash differs"),
        ("000001/sounds.tsv", "", "its hash differs"),
        ("000001/version.json", "{", "version.json"),
        ("000001/version.json", "{\"schema\": 1}", "version.json"),
        ("sounds/SOUND.wav", "RIFF", "the sound of greeting"),
    ] {
        let scratch = Scratch::new();
        scratch.open().add(version(1), b"table", &sounds(&[1])).expect("kept");
        let file = file.replace("SOUND", &sound_hash(&[1], None));
        fs::write(scratch.0.join(&file), content).expect("written");
        let error = read(&scratch.0, 1).expect_err(&file);
        assert!(error.contains(part), "{file}: {error}");
        assert_eq!(scratch.open().next_number(), 2, "a damaged number is not used again");
    }
    let scratch = Scratch::new();
    assert!(read(&scratch.0, 1).is_err(), "nor is one that is not there");
}

#[test]
fn a_disk_that_refuses_leaves_what_was_there() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.add(version(1), b"old", &sounds(&[1])).expect("kept");
    // A file in the way of the draft, as a stand-in for any refusal of the disk.
    fs::write(scratch.0.join(".2"), "").expect("written");
    assert!(store.add(version(2), b"new", &sounds(&[2])).is_err());
    assert_eq!(numbers(&scratch.0), [1]);
    assert!(store.add(version(1), b"new", &sounds(&[2])).is_err(), "a version is never replaced");
    // That refusal took version 1 away with its own draft if anything did: it must not.
    assert_eq!(read(&scratch.0, 1).expect("whole").bytes, b"old");
}

#[test]
fn two_engines_do_not_publish_in_one_folder() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert!(matches!(Store::open(&scratch.0), Err(OpenError::InUse)));
    drop(store);
    scratch.open();
}

#[test]
fn the_oldest_go_when_there_are_too_many_and_shared_sounds_stay() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 1..=3 {
        store.add(version(number), b"table", &sounds(&[number as i16])).expect("kept");
    }
    for number in 4..VERSIONS_KEPT_MAX as u64 + 3 {
        fs::create_dir(scratch.0.join(name(number))).expect("made");
        fs::write(scratch.0.join(name(number)).join(SOUNDS), "").expect("written");
    }
    store.tidy(1);
    let kept = numbers(&scratch.0);
    assert!(kept.contains(&1) && !kept.contains(&2) && kept.contains(&3), "the live one stays however old");
    let sound = |samples: &[i16]| scratch.0.join("sounds").join(format!("{}.wav", sound_hash(samples, None))).exists();
    assert!(sound(&[1]) && !sound(&[2]) && sound(&[3]) && sound(&[7, 8]));
}
