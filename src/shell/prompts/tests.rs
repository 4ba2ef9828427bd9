//! The folder in a scratch directory, and the shipped folder as it is committed.

use super::build::Report;
use super::*;
use crate::routing::Language;
use crate::speech::Kind;
use crate::speech::ledger::Origin;
use crate::speech::pronunciation::spoken;
use crate::speech::sound;
use std::fs;
use std::time::Duration;

const HEAD: &str = "id\tkind\ttext\tpronunciation\n";

/// A folder of our own below the build's, empty at the start of its test.
fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/prompts-tests").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko")
}

fn put(dir: &Path, file: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn sound_of(value: i16) -> Vec<u8> {
    wav::write(&[value; 800])
}

/// Of Korean, in its usual voice.
fn checked(dir: &Path, words: &BTreeMap<String, Derived>) -> Result<Report, Vec<PromptError>> {
    let surveyed = survey(&Tongue { language: "ko", dir, words, voice: &Voice::of_language("ko") }, None)?;
    let recorded =
        surveyed.lines.iter().filter(|line| line.sound.as_ref().is_some_and(|sound| sound.origin == Origin::Recorded));
    let report = Report {
        recorded: recorded.map(|line| line.id.clone()).collect(),
        unchanged: surveyed.count(Origin::Built),
        ..Report::default()
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = surveyed.findings.into_iter().partition(|finding| finding.is_error);
    let told = |findings: Vec<Finding>| findings.into_iter().map(|finding| finding.told).collect::<Vec<_>>();
    if errors.is_empty() { Ok(Report { warnings: told(warnings), ..report }) } else { Err(told(errors)) }
}

fn built(dir: &Path, words: &BTreeMap<String, Derived>, prune: bool) -> Result<Report, Vec<PromptError>> {
    run_build(&Tongue { language: "ko", dir, words, voice: &Voice::of_language("ko") }, prune, &mut |_| {})
}

/// Tones need no synthesiser, so the rules of building are tested with them on every machine.
fn build(dir: &Path, prune: bool) -> Report {
    built(dir, &BTreeMap::new(), prune).unwrap()
}

#[test]
fn texts_and_sounds_come_together_in_a_catalogue() {
    let dir = scratch("load");
    put(&dir, "a.tsv", format!("{HEAD}greeting\tsentence\t안녕하십니까.\n"));
    put(&dir, "b.tsv", format!("{HEAD}again\tsentence\t다시\n"));
    put(&dir, "greeting.wav", sound_of(5));
    put(&dir, "say/창업.wav", sound_of(6));
    put(&dir, "built.tsv", "say/창업\tbuilt\t0\t0\t창업은\n");
    put(&dir, "._greeting.wav", "not a sound");
    put(&dir, "notes.txt", "not a prompt");
    let catalogue = load(&dir).unwrap();
    assert_eq!(catalogue.prompts.keys().collect::<Vec<_>>(), ["again", "greeting", "say/창업"]);
    assert_eq!(catalogue.text("say/창업"), Some("창업은"));
    let length = Duration::from_millis(100);
    let lengths = BTreeMap::from([("greeting".to_owned(), length), ("say/창업".to_owned(), length)]);
    assert_eq!(catalogue.lengths(), lengths);
}

#[test]
fn every_broken_file_is_reported_at_once() {
    let dir = scratch("broken");
    put(&dir, "a.tsv", format!("{HEAD}greeting\tsentence\t안녕하십니까.\n"));
    put(&dir, "greeting.wav", "RIFF and nothing more");
    put(&dir, "say/창업.wav", [0u8; 3]);
    let errors = load(&dir).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert!(errors[0].file.ends_with("greeting.wav"));

    put(&dir, "b.tsv", format!("{HEAD}greeting\tsentence\t다시\nx\ty\tz\n"));
    let errors = load(&dir).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [Some(3), Some(2)]);
    assert!(errors[1].what[1].contains("stands in"), "{}", errors[1]);

    let missing = load(&dir.join("nowhere")).unwrap_err();
    assert!(missing[0].what[1].contains("cannot be read"));
}

#[test]
fn the_words_of_a_table_are_known_before_it_checks() {
    let words = words_in(
        "[defaults.menu]\nkeys = { \"0\" = { say = \" 상담원 \", go = \"center.counsel\" } }\n[menu.main]\nprompt = \"menu_main\"\n1 = { say = \"창업\", go = \"nowhere\" }\n0 = { go = \"center.counsel\" }\n\
         [center]\nkised = { name = \"창업진흥원\", sip = 7 }\n[center.tax]\nname = \"국세상담센터\"\n= broken\n",
    );
    let texts: Vec<_> = words.iter().map(|(id, derived)| (id.as_str(), derived.text())).collect();
    assert_eq!(
        texts,
        [
            ("center/kised", "창업진흥원으로 연결해 드리겠습니다.".to_owned()),
            ("center/tax", "국세상담센터로 연결해 드리겠습니다.".to_owned()),
            ("name/kised", "창업진흥원".to_owned()),
            ("name/tax", "국세상담센터".to_owned()),
            ("say/상담원", "상담원은".to_owned()),
            ("say/창업", "창업은".to_owned()),
        ]
    );
}

#[test]
fn only_what_changed_is_built() {
    let dir = scratch("changed");
    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\ntwo\ttone\t둘\n"));
    assert_eq!(build(&dir, false).built, ["one", "two"]);
    let ledger = fs::read(dir.join(LEDGER)).unwrap();
    assert_eq!(build(&dir, false), Report { unchanged: 2, ..Report::default() });
    assert_eq!(fs::read(dir.join(LEDGER)).unwrap(), ledger, "a second build changes no byte");

    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\ntwo\ttone\t두 번째\n"));
    let errors = checked(&dir, &BTreeMap::new()).unwrap_err();
    assert!(errors[0].what[1].contains("the words changed"), "{}", errors[0]);
    assert_eq!(build(&dir, false).built, ["two"]);
    assert_eq!(checked(&dir, &BTreeMap::new()).unwrap().unchanged, 2);
}

#[test]
fn a_recording_is_never_overwritten() {
    let dir = scratch("recording");
    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\ntwo\ttone\t둘\n"));
    let recording = sound_of(3000);
    put(&dir, "one.wav", &recording);
    build(&dir, false);
    // The second one is replaced after it was built.
    put(&dir, "two.wav", &recording);
    for text in ["하나", "한 번", "한 번"] {
        put(&dir, "a.tsv", format!("{HEAD}one\ttone\t{text}\ntwo\ttone\t둘\n"));
        let report = build(&dir, true);
        assert_eq!(report.recorded, ["one", "two"]);
        assert_eq!(report.warnings.len(), usize::from(text != "하나"), "{text}: {:?}", report.warnings);
        assert_eq!(fs::read(dir.join("one.wav")).unwrap(), recording);
        assert_eq!(fs::read(dir.join("two.wav")).unwrap(), recording);
    }
    let warned = checked(&dir, &BTreeMap::new()).unwrap().warnings;
    assert!(warned[0].what[1].contains("the recording says \"하나\", the text \"한 번\""), "{}", warned[0]);

    put(&dir, "a.tsv", HEAD);
    build(&dir, true);
    assert!(dir.join("one.wav").exists(), "a recording outlives its text");
}

#[test]
fn a_broken_recording_is_an_error_and_stays() {
    let dir = scratch("broken-recording");
    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\n"));
    put(&dir, "one.wav", "an mp3, really");
    assert_eq!(built(&dir, &BTreeMap::new(), true).unwrap_err().len(), 1);
    assert_eq!(fs::read(dir.join("one.wav")).unwrap(), b"an mp3, really");
}

#[test]
fn sounds_nobody_asks_for_are_deleted_only_on_demand() {
    let dir = scratch("prune");
    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\ntwo\ttone\t둘\n"));
    build(&dir, false);
    put(&dir, "a.tsv", format!("{HEAD}one\ttone\t하나\n"));
    assert!(build(&dir, false).pruned.is_empty());
    assert!(dir.join("two.wav").exists());
    assert_eq!(build(&dir, true).pruned, ["two"]);
    assert!(!dir.join("two.wav").exists());
}

#[test]
fn a_missing_sound_is_found_with_its_words() {
    let dir = scratch("missing");
    let words = BTreeMap::from([("name/tax".to_owned(), Derived::Name("국세상담센터".into()))]);
    let errors = checked(&dir, &words).unwrap_err();
    assert!(errors[0].file.ends_with("name/tax.wav"));
    assert!(errors[0].what[0].contains("국세상담센터"));
}

#[test]
fn a_sound_too_quiet_or_late_is_a_warning() {
    let dir = scratch("shape");
    put(&dir, "a.tsv", format!("{HEAD}late\tsentence\t가\nquiet\tsentence\t나\nsilent\tsentence\t다\n"));
    put(&dir, "late.wav", wav::write(&[vec![0; 1600], vec![3000; 1600], vec![0; 800]].concat()));
    put(&dir, "quiet.wav", wav::write(&[vec![0; 160], vec![300; 1600], vec![0; 800]].concat()));
    put(&dir, "silent.wav", sound_of(0));
    let warned = checked(&dir, &BTreeMap::new()).unwrap().warnings;
    let what: Vec<_> = warned.iter().map(|warning| warning.what[1].as_str()).collect();
    assert_eq!(
        what,
        ["it is silent for 200 ms at its start", "its level is -40.8 dBov (-30 to -14 is right)", "it holds no sound"]
    );
}

#[test]
fn without_the_program_a_text_is_joined_from_sounds_or_refused() {
    let dir = scratch("say");
    put(&dir, "a.tsv", format!("{HEAD}one\tending\t1번\n"));
    put(&dir, "one.wav", sound_of(5));
    put(&dir, "say/창업.wav", sound_of(6));
    let words = BTreeMap::from([("say/창업".to_owned(), Derived::Choice("창업".into()))]);
    let voice = Voice { command: vec!["no-such-synthesiser".to_owned()], speed: 1, speed_of_parts: 1 };
    let tongue = Tongue { language: "ko", dir: &dir, words: &words, voice: &voice };
    let said = say::of_text(&tongue, " 창업은   1번. ").unwrap();
    assert_eq!(said.parts, ["say/창업", "one"]);
    assert_eq!(said.samples, [[6; 800], [5; 800]].concat());
    for (text, told) in
        [("창업은 2번", "\"2번\""), ("", "1 to 400 characters"), (&"가".repeat(401), "1 to 400 characters")]
    {
        let error = say::of_text(&tongue, text).unwrap_err();
        assert!(error.what[1].contains(told), "{error}");
    }
}

#[test]
fn a_line_of_its_own_says_how_words_of_the_table_are_read() {
    let dir = scratch("pronounced");
    put(&dir, "a.tsv", format!("{HEAD}say/TIPS\tgoing-on\tTIPS는\t팁스는\n"));
    let words = BTreeMap::from([("say/TIPS".to_owned(), Derived::Choice("TIPS".into()))]);
    let tongue = Tongue { language: "ko", dir: &dir, words: &words, voice: &Voice::of_language("ko") };
    let wanted = build::wanted(&tongue, &Folder::read(&dir).unwrap()).unwrap();
    assert_eq!(wanted["say/TIPS"].spoken, spoken("팁스는"));
    assert_eq!(wanted["say/TIPS"].text, words["say/TIPS"].text());
}

// The shipped folder.

#[test]
fn every_shipped_text_has_a_sound_that_fits_it() {
    let report = checked(&shipped(), &BTreeMap::new())
        .unwrap_or_else(|errors| panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
    assert_eq!(report.warnings, []);
    assert!(report.unchanged + report.recorded.len() > 30);
}

#[test]
fn every_shipped_sound_of_table_words_says_what_its_name_says() {
    let folder = Folder::read(&shipped()).unwrap();
    let words = words_in(&shipped_table());
    let tongue = Tongue { language: "ko", dir: &shipped(), words: &words, voice: &Voice::of_language("ko") };
    let wanted = build::wanted(&tongue, &folder).unwrap();
    let mut seen = 0;
    for (id, path) in &folder.wavs {
        let entry = folder.ledger.get(id).unwrap_or_else(|| panic!("{id} is in the ledger"));
        assert_eq!(entry.wav, read_wav(path).unwrap().1, "{id}");
        let Some((family, name)) = id.split_once('/') else {
            continue;
        };
        seen += 1;
        if entry.origin == Origin::Recorded {
            continue;
        }
        if family == "phrase" {
            let part = wanted.get(id).unwrap_or_else(|| panic!("{id} is a part of some text"));
            assert_eq!((&entry.text, &entry.source), (&part.text, &part.source), "{id}: run `ivr1357 prompts build`");
            continue;
        }
        let derived = match family {
            "say" => Derived::Choice(name.to_owned()),
            "name" => Derived::Name(entry.text.clone()),
            "center" => Derived::Connecting(folder.ledger[&format!("name/{name}")].text.clone()),
            other => panic!("no such family: {other}"),
        };
        assert_eq!(entry.text, derived.text(), "{id}");
        let source =
            ledger::source(&Voice::of_language("ko"), derived.kind(), &derived.text(), &spoken(&derived.text()));
        assert_eq!(entry.source, source, "{id}: run `ivr1357 prompts build`");
    }
    assert!(seen >= 16 * 2 + 8, "sixteen centres by two prompts, and the choices");
}

#[test]
fn every_shipped_sound_is_fit_for_a_telephone() {
    let catalogue = load(&shipped()).unwrap();
    for (id, prompt) in &catalogue.prompts {
        assert!(!prompt.text.is_empty(), "{id}");
        // A text that is filled in has the sounds of its parts.
        if prompt.text.contains('{') {
            assert!(prompt.samples.is_none() && catalogue.prompts.contains_key(&format!("phrase/{id}/1")), "{id}");
            continue;
        }
        let samples = prompt.samples.as_ref().unwrap_or_else(|| panic!("{id} has a sound"));
        let measured = sound::measure(samples).unwrap_or_else(|| panic!("{id} sounds"));
        assert!((-30.0..=-14.0).contains(&measured.active_dbov), "{id}: {measured:?}");
        assert!(measured.peak_dbfs <= -2.9, "{id}: {measured:?}");
        assert!(measured.lead < Duration::from_millis(150), "{id}: {measured:?}");
        assert!(measured.tail < Duration::from_millis(250), "{id}: {measured:?}");
    }
}

#[test]
fn the_prompts_the_program_itself_asks_for_are_shipped() {
    let lengths = load(&shipped()).unwrap().lengths();
    let mut ids: Vec<String> =
        "greeting menu_main again invalid phrase/center_busy/1 phrase/closed/1 busy goodbye waiting_tone stand_in \
                                stand_in_bye key_star key_hash"
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect();
    ids.extend((0..=9).map(|key| format!("key_{key}")));
    let missing: Vec<_> = ids.iter().filter(|id| !lengths.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The shipped routing table beside the prompts.
fn shipped_table() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("routing.toml")).unwrap_or_default()
}

#[test]
fn greeting_and_main_menu_take_less_than_twenty_seconds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let catalogue = crate::shell::table::load_prompts(&folder, Language::English).unwrap();
    let lengths = catalogue.lengths();
    let heard = crate::shell::table::heard(&catalogue);
    let plan = crate::routing::check_heard(&shipped_table(), &heard).plan.unwrap();
    let menu = plan.menus.iter().find(|menu| &*menu.row == "menu.main").unwrap();
    let said = plan.said(None, false, menu.speech.clone());
    assert!(said.len() >= 2 * 9, "it says its choices: {said:?}");
    assert_eq!(
        said[said.len() - 2..],
        ["en/say/영어".into(), "en/key_9".into()],
        "the last is for who knows no Korean"
    );
    let takes = |said: &[PromptId]| said.iter().map(|id| lengths[&**id]).sum::<Duration>();
    let total = takes(&said) + lengths["greeting"];
    assert!(total < Duration::from_secs(20), "{total:?}");
    assert!(total > Duration::from_secs(4), "{total:?}: faster than anybody understands");
    // Who listens in English has heard the greeting.
    let english = plan.said(Some(&"en".into()), false, menu.speech.clone());
    assert_eq!(english.len(), said.len(), "{english:?}");
    assert!(takes(&english) < Duration::from_secs(20), "{:?}", takes(&english));
}

#[test]
fn every_word_of_the_shipped_table_has_its_sound() {
    let words = words_in(&shipped_table());
    let report = checked(&shipped(), &words)
        .unwrap_or_else(|errors| panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
    assert!(report.unchanged + report.recorded.len() >= words.len());
}

#[test]
fn shipped_speech_is_as_fast_as_a_person_reads_and_every_sign_is_a_word() {
    let words = words_in(&shipped_table());
    let tongue = Tongue { language: "ko", dir: &shipped(), words: &words, voice: &Voice::of_language("ko") };
    let folder = Folder::read(&shipped()).unwrap();
    for (id, want) in build::wanted(&tongue, &folder).unwrap().iter().filter(|(_, want)| want.kind != Kind::Tone) {
        let unread: String = want.spoken.chars().filter(|c| c.is_ascii_alphanumeric() || "#*&%".contains(*c)).collect();
        assert_eq!(unread, "", "{id}: every sign is a word before it is spoken");
    }
    for line in survey(&tongue, None).unwrap().lines.iter().filter(|line| line.kind == Kind::Sentence) {
        let heard = line.sound.as_ref().unwrap();
        // Of what people record nothing is asked.
        if heard.origin == Origin::Built {
            let rate = heard.rate.unwrap();
            assert!((4.2..5.0).contains(&rate), "{}: {rate:.2} syllables a second", line.id);
        }
    }
}

#[test]
fn nothing_of_the_shipped_prompts_is_unused_late_or_out_of_shape() {
    let table = shipped_table();
    let plan = crate::routing::check_without_sound(&table).plan.unwrap();
    let (words, none) = (words_in(&table), BTreeMap::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let languages = languages(&folder);
    assert_eq!(languages.iter().map(|(language, _)| language.as_str()).collect::<Vec<_>>(), ["ko", "en"]);
    for (language, dir) in &languages {
        let voice = Voice::of_language(language);
        let words = if language == "ko" { &words } else { &none };
        let tongue = Tongue { language, dir, words, voice: &voice };
        let survey = survey(&tongue, Some(&plan)).unwrap();
        let told: Vec<_> = survey.findings.iter().map(|finding| finding.told.to_string()).collect();
        assert_eq!(told, [""; 0]);
        for line in survey.lines.iter().filter(|line| line.kind != Kind::Tone) {
            let measure = line.sound.as_ref().unwrap().measure.unwrap();
            assert!((-22.5..=-19.5).contains(&measure.active_dbov), "{language}/{}: {measure:?}", line.id);
        }
    }
}

#[test]
fn a_text_that_nobody_uses_is_told_unless_the_library_keeps_it() {
    let dir = scratch("unused");
    put(&dir, "a.tsv", format!("{HEAD}greeting\ttone\t안녕\nspare\ttone\t하나\n"));
    put(&dir, "library.tsv", format!("{HEAD}kept\ttone\t둘\n"));
    build(&dir, false);
    put(&dir, "say/옛말.wav", sound_of(3000));
    let plan = crate::routing::check_without_sound(&shipped_table()).plan.unwrap();
    let words = BTreeMap::new();
    let tongue = Tongue { language: "ko", dir: &dir, words: &words, voice: &Voice::of_language("ko") };
    let survey = survey(&tongue, Some(&plan)).unwrap();
    let ids: Vec<_> = survey.findings.iter().map(|finding| (finding.id.as_str(), finding.is_error)).collect();
    assert_eq!(ids, [("spare", false), ("say/옛말", false)]);
    assert_eq!(survey.findings[0].told.line, Some(3));
    let json = survey.to_json("ko");
    assert_eq!(json["findings"][0]["prompt"], "spare");
    assert_eq!(json["prompts"][0]["sound"]["origin"], "built");
    assert_eq!(json["prompts"][0]["sound"]["format"]["rate"], 8000);
}

#[test]
fn prompts_of_a_language_that_the_table_does_not_have_are_no_waste_of_it() {
    let dir = scratch("unused-language");
    put(&dir, "a.tsv", format!("{HEAD}greeting\ttone\thello\nspare\ttone\tone\n"));
    build(&dir, false);
    let words = BTreeMap::new();
    let tongue = Tongue { language: "en", dir: &dir, words: &words, voice: &Voice::of_language("en") };
    for (table, unused) in [(shipped_table(), &["spare"][..]), (include_str!("../../cli/starter.toml").to_owned(), &[])]
    {
        let plan = crate::routing::check_without_sound(&table).plan.unwrap();
        let survey = survey(&tongue, Some(&plan)).unwrap();
        assert_eq!(survey.findings.iter().map(|finding| finding.id.as_str()).collect::<Vec<_>>(), unused);
    }
}

#[test]
fn what_a_language_lacks_is_an_error_only_where_the_table_has_it() {
    let dir = scratch("lacking-language");
    put(&dir, "a.tsv", format!("{HEAD}greeting\ttone\thello\nagain\ttone\tonce more\n"));
    build(&dir, false);
    put(
        &dir,
        "a.tsv",
        format!("{HEAD}greeting\ttone\tgood morning\nagain\ttone\tonce more\nmenu_main\ttone\tchoose\n"),
    );
    put(&dir, "again.wav", "no sound");
    let words = BTreeMap::new();
    let tongue = Tongue { language: "en", dir: &dir, words: &words, voice: &Voice::of_language("en") };
    let found = |table: &str| {
        let plan = crate::routing::check_without_sound(table).plan.unwrap();
        let mut errors = BTreeMap::new();
        for finding in survey(&tongue, Some(&plan)).unwrap().findings {
            *errors.entry(finding.id).or_insert(false) |= finding.is_error;
        }
        errors
    };
    let all = |is_error| {
        [("again", true), ("greeting", is_error), ("menu_main", is_error)].map(|(id, is)| (id.to_owned(), is))
    };
    assert_eq!(found(&shipped_table()), all(true).into());
    // What cannot be read keeps an engine from starting, whatever its table says.
    assert_eq!(found(include_str!("../../cli/starter.toml")), all(false).into());
}

#[test]
fn a_menu_whose_words_keep_its_first_choice_back_is_told() {
    let dir = scratch("late-choice");
    put(&dir, "a.tsv", format!("{HEAD}menu_main\tsentence\t긴 말입니다.\n"));
    put(&dir, "menu_main.wav", wav::write(&vec![3000; 13 * 8000]));
    let plan = crate::routing::check_without_sound(&shipped_table()).plan.unwrap();
    let words = BTreeMap::new();
    let tongue = Tongue { language: "ko", dir: &dir, words: &words, voice: &Voice::of_language("ko") };
    let told = survey(&tongue, Some(&plan)).unwrap().findings;
    assert!(
        told.iter().any(|finding| finding.told.what[1] == "menu.main: 13.0 s before the first choice (12 s at most)"),
        "{told:?}"
    );
}

#[test]
fn a_studio_recording_is_heard_narrow_and_wide_and_stays() {
    let dir = scratch("studio");
    put(&dir, "a.tsv", format!("{HEAD}greeting\tsentence\t안녕하십니까.\n"));
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(dir.join("greeting.wav"), spec).unwrap();
    for at in 0..48_000 {
        // 1 kHz for half a second between silences.
        let loud = if (4800..28_800).contains(&at) { 1_000_000.0 } else { 0.0 };
        let sample = (f64::from(at) * std::f64::consts::TAU * 1000.0 / 48_000.0).sin() * loud;
        (0..2).for_each(|_| file.write_sample(sample as i32).unwrap());
    }
    file.finalize().unwrap();
    let bytes = fs::read(dir.join("greeting.wav")).unwrap();
    assert_eq!(build(&dir, true).recorded, ["greeting"]);
    assert_eq!(fs::read(dir.join("greeting.wav")).unwrap(), bytes, "not converted, not overwritten");
    let catalogue = load(&dir).unwrap();
    assert_eq!(catalogue.lengths()["greeting"], Duration::from_secs(1));
    assert_eq!(catalogue.wide["greeting"].len(), 16_000);
    assert!(catalogue.faults.is_empty() && checked(&dir, &BTreeMap::new()).unwrap().warnings.is_empty());
}

/// A program that any machine has stands for the one that speaks.
fn stand_in_voice(name: &str) -> Voice {
    let samples: Vec<i16> = (0..22_050).map(|at: i32| ((at * at / 50) % 9000 - 4500) as i16).collect();
    let source = scratch(name).join("voice.wav");
    fs::write(&source, wav::write_at(22_050, &samples)).unwrap();
    let command = ["sh", "-c", "read text; cat $0", &source.display().to_string()].map(str::to_owned).to_vec();
    Voice { command, speed: 1, speed_of_parts: 1 }
}

#[test]
fn a_text_with_slots_is_built_in_parts_and_its_old_whole_goes() {
    let dir = scratch("slots");
    let voice = stand_in_voice("slots-voice");
    let center = |name: &str| {
        let derived =
            [("center/fta", Derived::Connecting(name.to_owned())), ("say/가", Derived::Choice("가".to_owned()))];
        BTreeMap::from(derived.map(|(id, derived)| (id.to_owned(), derived)))
    };
    let make = |words: &BTreeMap<String, Derived>, prune: bool| {
        let tongue = Tongue { language: "ko", dir: &dir, words, voice: &voice };
        run_build(&tongue, prune, &mut |_| {})
    };
    let words = center("FTA 콜센터");
    put(&dir, "a.tsv", format!("{HEAD}busy\tsentence\t연결하지 못했습니다.\n"));
    assert_eq!(make(&words, false).unwrap().built, ["busy", "center/fta", "say/가"]);
    put(&dir, "a.tsv", format!("{HEAD}busy\tsentence\t{{center.name|으로/로}} 연결하지 못했습니다.\n"));
    let tongue = Tongue { language: "ko", dir: &dir, words: &words, voice: &voice };
    let plan = crate::routing::check_without_sound(&shipped_table()).plan.unwrap();
    let told: Vec<_> =
        survey(&tongue, Some(&plan)).unwrap().findings.into_iter().map(|found| (found.id, found.is_error)).collect();
    let parts = ["phrase/busy/1", "phrase/text-FTA 콜센터로"];
    assert!(parts.iter().all(|part| told.contains(&((*part).to_owned(), true))), "{told:?}");
    assert!(told.contains(&("busy".to_owned(), false)), "the whole is heard by nobody: {told:?}");
    let report = make(&words, true).unwrap();
    assert_eq!((report.built, report.pruned), (parts.map(str::to_owned).to_vec(), vec!["busy".to_owned()]));
    assert_eq!(make(&words, true).unwrap(), Report { unchanged: 4, ..Report::default() });
    // Another name is another sound.
    let report = make(&center("국세상담센터"), true).unwrap();
    assert_eq!(report.built, ["center/fta", "phrase/text-국세상담센터로"]);
    assert_eq!(report.pruned, ["phrase/text-FTA 콜센터로"]);
}

#[test]
fn a_text_with_slots_that_is_written_wrong_is_told_with_its_line() {
    let dir = scratch("slots-wrong");
    let voice = stand_in_voice("slots-wrong-voice");
    let none = BTreeMap::new();
    for (language, text, line, what) in [
        ("ko", "a\tsentence\t{position|sino}번째", 2, "번째 takes native numbers"),
        ("ko", "a\tsentence\t가\nb\tsentence\t{nobody}", 3, "nothing here has this name"),
        ("ko", "a\tsentence\t가 {time} 나\t가 {date} 나", 2, "the pronunciation has other { } than the text"),
        ("ko", "a\tsentence\t가 {time} 나\t가 {time}", 2, "the pronunciation has other { } than the text"),
        ("en", "a\tsentence\t{opens|에}", 2, "is Korean"),
        ("zh", "a\tsentence\t{opens}", 2, "cannot be filled in this language"),
    ] {
        put(&dir, "a.tsv", format!("{HEAD}{text}\n"));
        let tongue = Tongue { language, dir: &dir, words: &none, voice: &voice };
        let errors = run_build(&tongue, false, &mut |_| {}).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(errors[0].line == Some(line) && errors[0].what[1].contains(what), "{text}: {errors:?}");
        assert_eq!(survey(&tongue, None).unwrap_err(), errors);
    }
    // What stands between the slots is read as its pronunciation says.
    put(&dir, "a.tsv", format!("{HEAD}a\tsentence\tA {{caller|digits}} B\t에이 {{caller|digits}} 비\n"));
    let tongue = Tongue { language: "ko", dir: &dir, words: &none, voice: &voice };
    let wanted = build::wanted(&tongue, &Folder::read(&dir).unwrap()).unwrap();
    let part = |id: &str| (wanted[id].text.as_str(), wanted[id].spoken.as_str());
    assert_eq!((part("phrase/a/1"), part("phrase/a/2")), (("A", "에이"), ("B", "비")));
}

#[test]
fn the_same_texts_give_the_same_bytes_whatever_program_speaks() {
    let voice = stand_in_voice("repeat-voice");
    let texts: String = (0..12).map(|at| format!("p{at}\tsentence\ttext {at}\n")).collect();
    let made = ["one", "two"].map(|turn| {
        let dir = scratch(&format!("repeat-{turn}"));
        put(&dir, "a.tsv", format!("{HEAD}{texts}"));
        let words = BTreeMap::new();
        let tongue = Tongue { language: "en", dir: &dir, words: &words, voice: &voice };
        assert_eq!(run_build(&tongue, false, &mut |_| {}).unwrap().built.len(), 12);
        // Another voice is another sound; a second run with the same one makes nothing.
        assert_eq!(run_build(&tongue, false, &mut |_| {}).unwrap().unchanged, 12);
        let other = Tongue {
            voice: &Voice {
                speed: 2,
                command: [&voice.command[..], &["{speed}".to_owned()]].concat(),
                ..voice.clone()
            },
            ..tongue
        };
        assert_eq!(survey(&other, None).unwrap().findings.len(), 12);
        (fs::read(dir.join(LEDGER)).unwrap(), fs::read(dir.join("p7.wav")).unwrap())
    });
    assert_eq!(made[0], made[1]);
}
