//! Publishing without sockets: a folder, a thread that plays the engine, and a gate that checks and knows one forbidden word.

use super::start::{Begun, Places, find};
use super::*;
use crate::routing::check_bytes;
use crate::sdp::Codecs;
use crate::shell::clock::Clock;
use crate::shell::patient::patiently;
use crate::shell::serve::Failure;
use crate::shell::table::Files;
use crate::shell::versions;
use crate::speech::{Voice, Voices, wav};
use crate::time::Duration;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const TABLE: &str = r##"
schema = 1
waiting = "tone"
[number.1357]
match = ["1357"]
greeting = "greeting"
go = "menu.main"
[defaults.menu]
no_input = { retries = 1, prompt = "again", then = "center.counsel" }
no_match = { retries = 1, prompt = "again", then = "center.counsel" }
keys = { "0" = "center.counsel", "#" = "back", "*" = "repeat" }
[defaults.transfer]
ladder = ["refer", "notice.bye"]
prompt = "again"
give_up = "notice.bye"
[menu.main]
prompt = "greeting"
1 = { go = "center.counsel" }
[center]
counsel = { name = "상담원", sip = ["sip:counsel@127.0.0.1:5070"] }
[notice]
bye = { prompt = "again", then = "end" }
"##;

/// A good table, another one for each `mark`.
fn table(mark: &str) -> String {
    format!("{TABLE}# {mark}\n")
}

fn gate(candidate: &Candidate<'_>) -> Verdict {
    let text = String::from_utf8_lossy(candidate.bytes);
    assert!(!text.contains("a panic of ours"), "as the test wants it");
    let checked = check_bytes(candidate.bytes, &crate::shell::table::heard(candidate.catalogue));
    match checked.plan.filter(|_| !text.contains("breaks a promise")) {
        Some(plan) => Verdict::Green { plan: Arc::new(plan), told: String::new(), difference: "1".to_owned() },
        None => Verdict::Red {
            told: format!("{} findings", checked.findings.len()),
            findings: checked.findings.iter().map(|finding| finding.message[1].clone()).collect(),
        },
    }
}

/// A folder with a table and its prompts; it goes with its test.
struct Bench {
    folder: PathBuf,
    places: Places,
}

impl Bench {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ivr1357-publish-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("prompts/center")).expect("a folder");
        let (routing, prompts) = (folder.join("routing.toml"), folder.join("prompts"));
        let files = Files { routing, prompts, language: Language::English };
        let places = Places {
            files,
            versions: folder.join("versions"),
            switches: folder.join("switches.json"),
            codecs: Codecs::USUAL,
            voices: Voices::default(),
        };
        let bench = Self { folder, places };
        for prompt in ["tone", "greeting", "again", "center/counsel", "key_1", "key_0", "key_hash", "key_star"] {
            bench.record(prompt, &[1; 800]);
        }
        bench.write(TABLE);
        bench
    }

    fn write(&self, table: &str) {
        fs::write(&self.places.files.routing, table).expect("written");
    }

    fn record(&self, prompt: &str, samples: &[i16]) {
        let file = self.places.files.prompts.join(format!("{prompt}.wav"));
        fs::write(file, wav::write(samples)).expect("written");
    }

    fn try_begin(&self, publish: bool) -> Result<(Begun, Option<String>), Failure> {
        let found = find(&self.places, gate, publish)?;
        let unpublished = found.unpublished.clone();
        let begun = found.begin(&self.places, gate, Clock::start(None))?;
        Ok((begun.expect("nobody else publishes here"), unpublished))
    }

    fn begin(&self) -> Begun {
        self.try_begin(false).expect("begins").0
    }

    fn versions(&self) -> &Path {
        &self.places.versions
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn order(table: &str) -> Order {
    let what = What::Table { file: "routing.toml".to_owned(), bytes: table.as_bytes().to_vec() };
    let who = Who { user: "kim".to_owned(), ..Who::default() };
    Order { what, who, why: "because".to_owned(), over: None, dry_run: false, language: Language::English }
}

fn again(number: Option<u64>) -> Order {
    Order { what: What::Again(number), ..order("") }
}

/// What an order comes to, and the edition that is live then.
fn print(press: &mut Press, order: &Order) -> Answer {
    match press.print(order) {
        Ok(printed) => printed.answer,
        Err(answer) => *answer,
    }
}

#[test]
fn a_red_table_is_refused_whole_and_the_old_one_stays() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    let before = press.live().clone();
    let broken = TABLE.replace("go = \"menu.main\"", "go = \"menu.mian\"");
    let missing = TABLE.replace("prompt = \"greeting\"", "prompt = \"never_recorded\"");
    for table in [broken.as_str(), missing.as_str(), "not toml at [", "", &table("breaks a promise")] {
        let answer = print(&mut press, &order(table));
        assert_eq!((answer.done, answer.live), (Done::Refused, 1), "{table}");
        assert!(answer.told.contains("findings") && answer.version.is_none());
        assert!(!answer.findings.is_empty(), "the log has them one by one: {table}");
    }
    assert!(Arc::ptr_eq(&press.live().edition, &before.edition));
    assert_eq!(versions::numbers(bench.versions()), [1]);
}

#[test]
fn the_log_has_a_line_for_each_finding_and_says_how_many_more_there_are() {
    let findings = |count: usize| (1..=count).map(|at| format!("finding {at}")).collect::<Vec<_>>();
    assert_eq!(findings_told(&findings(2)).collect::<Vec<_>>(), ["finding 1", "finding 2"]);
    let told: Vec<String> = findings_told(&findings(FINDINGS_LOGGED_MAX + 3)).collect();
    assert_eq!(told.len(), FINDINGS_LOGGED_MAX + 1);
    assert!(told[FINDINGS_LOGGED_MAX].starts_with("and 3 more"), "{told:?}");
}

#[test]
fn a_green_table_is_kept_with_who_when_and_why() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    let text = table("two");
    let answer = print(&mut press, &order(&text));
    assert_eq!((answer.done, answer.live, answer.difference.as_str()), (Done::Published, 2, "1"));
    let (version, bytes) = versions::read_table(bench.versions(), 2).expect("kept");
    assert_eq!(bytes, text.as_bytes());
    assert_eq!((version.why.as_str(), version.who.user.as_str(), version.replaced), ("because", "kim", Some(1)));
    assert_eq!(press.live().edition.number, Some(2));
    assert_eq!(press.live().edition.plan.version, version.short_hash());
    assert_eq!(print(&mut press, &order(&text)).done, Done::Unchanged);
    let dry = Order { dry_run: true, ..order(&table("three")) };
    assert_eq!(print(&mut press, &dry).done, Done::WouldPublish);
    assert_eq!(versions::numbers(bench.versions()), [2, 1]);
}

#[test]
fn who_was_not_looking_at_the_live_version_is_refused() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    let over = |number, mark: &str| Order { over: Some(number), ..order(&table(mark)) };
    assert_eq!(print(&mut press, &over(1, "a")).done, Done::Published);
    let answer = print(&mut press, &over(1, "b"));
    assert_eq!((answer.done, answer.live), (Done::Refused, 2));
    assert!(answer.sentence.contains("over version 1, and version 2 is live"), "{}", answer.sentence);
    assert_eq!(print(&mut press, &over(2, "b")).done, Done::Published);
}

#[test]
fn a_rollback_is_a_new_version_with_the_old_text_and_the_old_sound() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    assert_eq!(print(&mut press, &again(None)).done, Done::Refused, "there is nothing before the first");
    bench.record("greeting", &[2; 1600]);
    print(&mut press, &order(&table("two")));
    let lengths = |press: &Press| press.live().catalogue.lengths()["greeting"];
    assert_eq!(lengths(&press), Duration::from_millis(200));
    let answer = print(&mut press, &again(None));
    assert_eq!((answer.done, answer.live), (Done::Published, 3));
    let (version, bytes) = versions::read_table(bench.versions(), 3).expect("kept");
    assert_eq!((version.repeats, version.replaced, bytes), (Some(1), Some(2), TABLE.as_bytes().to_vec()));
    assert_eq!(lengths(&press), Duration::from_millis(100), "as it sounded then, whatever lies in the folder now");
    assert_eq!(print(&mut press, &again(Some(2))).live, 4);
    assert_eq!(print(&mut press, &again(Some(77))).done, Done::Refused);
}

#[test]
fn another_sound_is_another_version_of_the_same_text() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    assert_eq!(print(&mut press, &order(TABLE)).done, Done::Unchanged);
    bench.record("greeting", &[2; 1600]);
    assert_eq!(print(&mut press, &order(TABLE)).done, Done::Published);
    drop(press);
    bench.record("greeting", &[3; 1600]);
    let (begun, unpublished) = bench.try_begin(false).expect("begins");
    assert!(unpublished.expect("is told").contains("prompts"), "an edited prompt is not live either");
    assert_eq!(begun.press.live().version.number, 2);
}

#[test]
fn a_disk_that_refuses_is_no_publication() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    // A file where the draft's folder would be.
    fs::write(bench.versions().join(".2"), "").expect("written");
    let answer = print(&mut press, &order(&table("two")));
    assert_eq!((answer.done, answer.live), (Done::Failed, 1));
    assert_eq!(press.live().version.number, 1);
}

#[test]
fn a_restart_begins_with_the_last_good_version_whatever_lies_in_the_file() {
    let bench = Bench::new();
    print(&mut bench.begin().press, &order(&table("two")));
    bench.write(&table("never published"));
    let (begun, unpublished) = bench.try_begin(false).expect("begins");
    assert_eq!((begun.press.live().version.number, begun.alarms.len()), (2, 0));
    assert!(unpublished.expect("is told").contains("differs from version 2"));
    drop(begun);
    bench.write("schema = ");
    let (begun, _) = bench.try_begin(false).expect("begins");
    assert_eq!(begun.press.live().version.number, 2);
    assert!(begun.alarms[0][1].contains("has mistakes"), "{:?}", begun.alarms);
    drop(begun);
    fs::remove_file(&bench.places.files.routing).expect("removed");
    fs::remove_dir_all(&bench.places.files.prompts).expect("removed");
    let (begun, _) = bench.try_begin(false).expect("begins without any of its files");
    assert_eq!((begun.press.live().version.number, begun.alarms.len()), (2, 1));
}

#[test]
fn a_damaged_version_is_passed_over_with_an_alarm_and_its_number_is_not_used_again() {
    let bench = Bench::new();
    print(&mut bench.begin().press, &order(&table("two")));
    fs::write(bench.versions().join("000002/routing.toml"), table("tampered with")).expect("written");
    let Begun { mut press, alarms } = bench.begin();
    assert_eq!(press.live().version.number, 1);
    assert!(alarms[0][1].contains("version 2 cannot be used") && alarms[0][1].contains("hash"), "{alarms:?}");
    assert_eq!(print(&mut press, &order(&table("three"))).live, 3);
}

/// Keeps a version as a program did that did not find what this one finds.
fn keep_unchecked(bench: &Bench, table: &str) -> u64 {
    let press = bench.begin().press;
    let number = press.store.next_number();
    let version = Version { number, why: "by an earlier program".to_owned(), ..press.live().version.clone() };
    press.store.add(version, table.as_bytes(), &press.live().catalogue).expect("kept").number
}

#[test]
fn a_version_in_which_a_newer_program_finds_errors_stays_live_with_an_alarm_until_another_is_published() {
    let bench = Bench::new();
    drop(bench.begin());
    // A row that nobody reaches, and a prompt without a sound: callers met both all along.
    let strict = TABLE.replace("[notice]\n", "[notice]\nnobody = { prompt = \"never_recorded\", then = \"end\" }\n");
    assert_eq!(keep_unchecked(&bench, &strict), 2);
    let Begun { mut press, alarms } = bench.begin();
    assert_eq!((press.live().version.number, alarms.len()), (2, 1), "{alarms:?}");
    assert!(alarms[0][1].contains("version 2 stays live") && alarms[0][1].contains("(E0203, E0501)"), "{alarms:?}");
    assert_eq!(press.live().edition.plan.notices.len(), 2);
    // What is new has to satisfy the checks of today.
    let answer = print(&mut press, &order(&format!("{strict}# edited\n")));
    assert_eq!((answer.done, answer.live), (Done::Refused, 2));
    assert_eq!(print(&mut press, &again(Some(2))).done, Done::Unchanged);
    assert_eq!(print(&mut press, &order(&table("mended"))).live, 3);
    assert_eq!(print(&mut press, &again(Some(2))).done, Done::Refused, "nor does it come back");
    drop(press);
    assert_eq!(bench.begin().alarms.len(), 0);
}

#[test]
fn a_version_that_this_program_does_not_understand_is_passed_over_with_an_alarm() {
    let bench = Bench::new();
    drop(bench.begin());
    let unknown = TABLE.replace("go = \"menu.main\"", "go = \"menu.main\"\nlater = true");
    for (number, table) in [(2, unknown.as_str()), (3, "schema = 1\n[number")] {
        assert_eq!(keep_unchecked(&bench, table), number);
    }
    let Begun { press, alarms } = bench.begin();
    assert_eq!((press.live().version.number, alarms.len()), (1, 2), "{alarms:?}");
    assert!(alarms[0][1].contains("version 3 cannot be used") && alarms[0][1].contains("E0101"), "{alarms:?}");
    assert!(alarms[1][1].contains("(E0102)") && alarms[1][1].contains("ivr1357 history 2"), "{alarms:?}");
}

#[test]
fn only_a_first_start_without_any_good_version_fails() {
    let bench = Bench::new();
    bench.write("schema = ");
    assert!(matches!(bench.try_begin(false), Err(Failure::Setup(_))));
    assert!(!bench.versions().exists(), "and it leaves nothing behind");
    bench.write(TABLE);
    let begun = bench.begin();
    let Version { number, proved, replaced, .. } = begun.press.live().version.clone();
    assert_eq!((number, proved, replaced), (1, false, None));
}

#[test]
fn serve_publish_takes_a_green_file_and_leaves_a_red_one() {
    let bench = Bench::new();
    drop(bench.begin());
    bench.write(&table("two"));
    let (begun, unpublished) = bench.try_begin(true).expect("begins");
    assert_eq!((begun.press.live().version.number, unpublished), (2, None));
    assert_eq!(begun.press.live().version.who.user, "serve --publish");
    drop(begun);
    bench.write(&table("breaks a promise"));
    let (begun, unpublished) = bench.try_begin(true).expect("begins");
    assert_eq!(begun.press.live().version.number, 2);
    assert!(begun.alarms[0][1].contains("is red") && unpublished.is_some());
}

#[test]
fn new_words_of_a_table_get_a_sound_or_it_is_refused_with_the_reason() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    let table = TABLE.replace("1 = { go", "1 = { say = \"새로운 말\", go");
    let answer = print(&mut press, &order(&table));
    if answer.done == Done::Published {
        assert!(answer.notes[0].contains("say/새로운 말"), "{:?}", answer.notes);
        assert!(press.live().catalogue.lengths().contains_key("say/새로운 말"));
    } else {
        eprintln!("left out: espeak-ng is not installed");
        assert!(answer.told.contains("espeak-ng"), "{}", answer.told);
    }
}

/// A voice whose program is not there.
fn nobody() -> Voice {
    Voice { command: vec!["/nowhere/voice".to_owned()], ..Voice::of_language("ko") }
}

#[test]
fn what_another_language_lacks_is_made_by_its_voice_or_told() {
    let mut bench = Bench::new();
    let source = bench.folder.join("voice.bin");
    let samples: Vec<i16> = (0..8000).map(|at: i32| ((at * at / 50) % 9000 - 4500) as i16).collect();
    fs::write(&source, wav::write(&samples)).expect("written");
    let command = ["sh", "-c", "read text; cat $0", &source.display().to_string()].map(str::to_owned).to_vec();
    let speaker = Voice { command, speed: 1, speed_of_parts: 1 };
    // The folder has a language beside Korean, whose texts have no sound yet.
    let (old, prompts) = (bench.places.files.prompts.clone(), bench.folder.join("spoken"));
    fs::create_dir_all(prompts.join("en")).expect("a folder");
    fs::rename(old, prompts.join("ko")).expect("moved");
    bench.places.files.prompts = prompts.clone();
    let head = "id\tkind\ttext\tpronunciation\n";
    let texts = format!("{head}greeting\tsentence\tWelcome, it is {{time}}.\nagain\tsentence\tOnce more.\n");
    fs::write(prompts.join("en/texts.tsv"), texts).expect("written");
    let english = |mark: &str| {
        let table = table(mark).replacen("schema = 1\n", "schema = 1\nlanguages = [\"ko\", \"en\"]\n", 1);
        table.replacen("1 = { go = ", "1 = { language = \"en\", go = ", 1)
    };
    bench.places.voices.0.insert("en".to_owned(), nobody());
    let mut press = bench.begin().press;
    let answer = print(&mut press, &order(&english("nobody speaks")));
    assert_eq!(answer.done, Done::Published, "Korean is heard in place of it: {answer:#?}");
    assert!(answer.notes[0].starts_with("en: sounds could not be made"), "{:?}", answer.notes);
    assert!(answer.notes[0].contains("/nowhere/voice"), "{:?}", answer.notes);
    press.voices.0.insert("en".to_owned(), speaker);
    let answer = print(&mut press, &order(&english("somebody speaks")));
    assert_eq!(answer.done, Done::Published, "{answer:#?}");
    let told = answer.notes.join("; ");
    assert!(told.contains("sounds were made: en/again") && told.contains(" more"), "{told}");
    let said = press.live().catalogue.lengths();
    assert!(said.contains_key("en/again") && said.contains_key("en/phrase/greeting/1"), "{:?}", said.keys());
}

#[test]
fn prompts_are_read_again_only_when_a_sound_was_made() {
    let mut bench = Bench::new();
    let (old, prompts) = (bench.places.files.prompts.clone(), bench.folder.join("spoken"));
    fs::create_dir_all(prompts.join("en")).expect("a folder");
    fs::rename(old, prompts.join("ko")).expect("moved");
    bench.places.files.prompts = prompts.clone();
    let english = |mark: &str| {
        let table = table(mark).replacen("schema = 1\n", "schema = 1\nlanguages = [\"ko\", \"en\"]\n", 1);
        table.replacen("1 = { go = ", "1 = { language = \"en\", go = ", 1)
    };
    // What English lacks has no text either: there is nothing to make, and nothing is written down of sounds that were looked at.
    fs::write(prompts.join("en/texts.tsv"), "id\tkind\ttext\tpronunciation\ngreeting\tsentence\tWelcome.\n")
        .expect("written");
    fs::write(prompts.join("en/greeting.wav"), wav::write(&[1; 800])).expect("written");
    let mut press = bench.begin().press;
    let answer = print(&mut press, &order(&english("nothing to say")));
    assert_eq!((answer.done, answer.notes.len()), (Done::Published, 0), "{answer:#?}");
    assert!(!prompts.join("en/built.tsv").exists());
    // A voice that fails, and by which one sees whether what it left is read.
    fs::write(prompts.join("en/more.tsv"), "id\tkind\ttext\tpronunciation\nagain\tsentence\tOnce more.\n")
        .expect("written");
    let (left, greeting) = (bench.folder.join("left.wav"), prompts.join("ko/greeting.wav"));
    fs::write(&left, wav::write(&[2; 800])).expect("written");
    let command = ["sh", "-c", "cp $0 $1; exit 1", &left.display().to_string(), &greeting.display().to_string()];
    let fails = Voice { command: command.map(str::to_owned).to_vec(), speed: 1, speed_of_parts: 1 };
    press.voices.0.insert("en".to_owned(), fails);
    let answer = print(&mut press, &order(&english("nobody speaks")));
    assert_eq!((answer.done, answer.notes.len()), (Done::Published, 1), "{answer:#?}");
    assert_eq!(fs::read(&greeting).expect("there"), fs::read(&left).expect("there"), "the voice was asked");
    let live = press.live().catalogue.prompts["greeting"].samples.as_deref().map(|samples| samples[0]);
    assert_eq!(live, Some(1));
}

#[test]
fn parts_of_texts_with_slots_are_made_too_or_the_table_is_refused() {
    let mut bench = Bench::new();
    let source = bench.folder.join("voice.bin");
    let samples: Vec<i16> = (0..8000).map(|at: i32| ((at * at / 50) % 9000 - 4500) as i16).collect();
    fs::write(&source, wav::write(&samples)).expect("written");
    let command = ["sh", "-c", "read text; cat $0", &source.display().to_string()].map(str::to_owned).to_vec();
    let voice = Voice { command, speed: 1, speed_of_parts: 1 };
    bench.places.voices.0.insert("ko".to_owned(), voice);
    let mut press = bench.begin().press;
    let head = "id\tkind\ttext\tpronunciation\n";
    let texts = |busy: &str| format!("{head}missed\tsentence\t{busy}\n");
    let put = |busy: &str| fs::write(bench.places.files.prompts.join("texts.tsv"), texts(busy)).expect("written");
    // The table says no new words of its own: what lacks are the parts alone.
    put("{center.name|으로/로} 연결하지 못했습니다.");
    let slotted = TABLE.replacen(
        "[defaults.transfer]\nladder = [\"refer\", \"notice.bye\"]\nprompt = \"again\"",
        "[defaults.transfer]\nladder = [\"refer\", \"notice.bye\"]\nprompt = \"missed\"",
        1,
    );
    assert_ne!(slotted, TABLE);
    let answer = print(&mut press, &order(&slotted));
    assert_eq!((answer.done, answer.live), (Done::Published, 2), "{answer:#?}");
    let told = answer.notes.join("; ");
    assert!(told.contains("phrase/missed/1") && told.contains("phrase/text-상담원으로"), "{told}");
    // Another name wants another part, and its voice is gone.
    press.voices.0.insert("ko".to_owned(), nobody());
    let renamed = slotted.replacen("name = \"상담원\"", "name = \"창구\", announce = false", 1);
    let answer = print(&mut press, &order(&renamed));
    assert_eq!((answer.done, answer.live), (Done::Refused, 2), "{answer:#?}");
    assert!(answer.told.contains("/nowhere/voice"), "{}", answer.told);
}

#[test]
fn a_switch_that_is_on_is_told_when_the_table_drops_it_or_brings_it() {
    let bench = Bench::new();
    let with_switch = TABLE
        .replace("[notice]", "[switch]\nflood = \"수해\"\n[notice]")
        .replace("go = \"menu.main\"\n", "go = \"menu.main\"\nwhen = [{ switch = \"flood\", go = \"notice.bye\" }]\n");
    let mut press = bench.begin().press;
    fs::write(&bench.places.switches, "{\"flood\": null}").expect("written");
    let brought = print(&mut press, &order(&with_switch));
    assert_eq!(brought.done, Done::Published, "{}", brought.told);
    assert!(brought.notes[0].contains("flood is on already"), "{:?}", brought.notes);
    let dropped = print(&mut press, &again(None));
    assert!(dropped.notes[0].contains("it stays on"), "{:?}", dropped.notes);
    assert_eq!(fs::read_to_string(&bench.places.switches).expect("is there"), "{\"flood\": null}");
}

/// A publisher with a thread that takes over what the engine would.
struct Running {
    publisher: Arc<Publisher>,
    taken: Arc<Mutex<Vec<u64>>>,
    stop: Arc<AtomicBool>,
    engine: Option<JoinHandle<()>>,
    inbox: Arc<Inbox>,
}

impl Running {
    fn new(bench: &Bench) -> Self {
        let Begun { press, alarms } = bench.begin();
        let mut poll = mio::Poll::new().expect("a poll");
        let inbox = Arc::new(Inbox::new(&poll).expect("an inbox"));
        let (taken, stop) = (Arc::<Mutex<Vec<u64>>>::default(), Arc::<AtomicBool>::default());
        let (theirs, end, hears) = (Arc::clone(&taken), Arc::clone(&stop), Arc::clone(&inbox));
        let engine = std::thread::spawn(move || {
            let (mut events, mut messages) = (mio::Events::with_capacity(4), Vec::new());
            while !end.load(Ordering::Acquire) {
                patiently(|| poll.poll(&mut events, None)).expect("polls");
                hears.take(&mut messages);
                for message in messages.drain(..) {
                    let Message::Published { edition, taken } = message else { continue };
                    theirs.lock().expect("whole").extend(edition.number);
                    taken.send(Duration::from_micros(3)).expect("the publisher waits");
                }
            }
        });
        let (publisher, _) = Publisher::start(press, Arc::clone(&inbox), alarms).expect("a thread");
        Self { publisher, taken, stop, engine: Some(engine), inbox }
    }

    fn order(&self, order: Order) -> Answer {
        self.publisher.order(order).expect("there is room").blocking_recv().expect("an answer")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.inbox.push(Message::Stop);
        let _ = self.engine.take().map(JoinHandle::join);
    }
}

#[test]
fn two_publishes_at_once_cannot_mix() {
    let bench = Bench::new();
    let running = Running::new(&bench);
    let answers: Vec<(String, Answer)> = std::thread::scope(|scope| {
        let publish = |mark: usize| {
            let text = table(&format!("{mark}"));
            (text.clone(), running.order(order(&text)))
        };
        let threads: Vec<_> = (0..6).map(|mark| scope.spawn(move || publish(mark))).collect();
        threads.into_iter().map(|thread| thread.join().expect("publishes")).collect()
    });
    for (text, answer) in &answers {
        assert_eq!((answer.done, answer.swap_us), (Done::Published, Some(3.0)));
        let (version, bytes) = versions::read_table(bench.versions(), answer.live).expect("kept whole");
        assert_eq!(bytes, text.as_bytes());
        assert_eq!(version.replaced, Some(answer.live - 1), "each took over from the one before it");
    }
    assert_eq!(*running.taken.lock().expect("whole"), [2, 3, 4, 5, 6, 7]);
}

#[test]
fn of_two_who_looked_at_the_same_version_one_is_refused() {
    let bench = Bench::new();
    let running = Running::new(&bench);
    let done: Vec<Done> = std::thread::scope(|scope| {
        let publish = |mark: &str| running.order(Order { over: Some(1), ..order(&table(mark)) }).done;
        let threads = ["a", "b"].map(|mark| scope.spawn(move || publish(mark)));
        threads.into_iter().map(|thread| thread.join().expect("publishes")).collect()
    });
    assert!(done.contains(&Done::Published) && done.contains(&Done::Refused), "{done:?}");
    assert_eq!(versions::numbers(bench.versions()), [2, 1]);
}

#[test]
fn an_error_of_ours_costs_one_order_and_no_call() {
    let bench = Bench::new();
    let running = Running::new(&bench);
    assert_eq!(running.order(order("a panic of ours")).done, Done::Failed);
    assert_eq!(running.order(order(&table("two"))).done, Done::Published);
    assert_eq!(*running.taken.lock().expect("whole"), [2]);
}

#[test]
fn a_first_start_that_breaks_promises_is_an_alarm_until_something_better_is_published() {
    let bench = Bench::new();
    bench.write(&table("breaks a promise"));
    let running = Running::new(&bench);
    let prove = Order { what: What::Prove, ..order("") };
    assert_eq!(running.order(prove).done, Done::Refused);
    assert!(running.publisher.state().alarms[0][1].contains("never proved"));
    assert!(!running.publisher.state().live.proved);
    assert_eq!(running.order(order(TABLE)).done, Done::Published);
    assert!(running.publisher.state().alarms.is_empty());
}

#[test]
fn a_first_start_that_keeps_its_promises_is_proved_from_then_on() {
    let bench = Bench::new();
    let running = Running::new(&bench);
    assert!(!running.publisher.state().live.proved, "calls come first");
    running.order(Order { what: What::Prove, ..order("") });
    assert!(running.publisher.state().live.proved);
    let kept = versions::read(bench.versions(), 1).expect("whole").version;
    assert_eq!(kept, running.publisher.state().live, "history and the next start know it too");
}

#[test]
fn the_sounds_of_a_plan_that_did_not_change_are_shared() {
    let bench = Bench::new();
    let mut press = bench.begin().press;
    let before = press.live().edition.clone();
    bench.record("greeting", &[5; 800]);
    print(&mut press, &order(&table("two")));
    let clip = |edition: &Edition, id: &str| edition.clip(&id.into()).expect("a sound");
    let after = &press.live().edition;
    assert!(Arc::ptr_eq(&clip(&before, "again"), &clip(after, "again")));
    assert!(!Arc::ptr_eq(&clip(&before, "greeting"), &clip(after, "greeting")));
}
