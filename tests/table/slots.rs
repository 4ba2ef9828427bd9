//! Texts with slots in calls: what a caller hears at which moment, what each place of a table can fill, and how the parts sound together.

use ivr1357::call::{CallKey, Effect, Event, Record, Saying, Session, record::Origin};
use ivr1357::cli::try_;
use ivr1357::engine::Edition;
use ivr1357::media::Form;
use ivr1357::media::stream::Stream;
use ivr1357::media::{Command, PlayKey, codec};
use ivr1357::number::{Caller, Key};
use ivr1357::routing::{Language, Plan, check_heard, check_without_sound, diagnostic, slots};
use ivr1357::sdp::{Chosen, Codec, Control, Direction, Manner};
use ivr1357::shell::table::{self, Files, Table};
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::phrase::{Phrase, Reach, Tongue};
use ivr1357::speech::{Catalogue, Prompt};
use ivr1357::time::{Duration, Instant, Now, Wall};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

pub const SHIPPED: &str = include_str!("../../routing.toml");

/// The prompts that ship.
pub static PROMPTS: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let Ok(catalogue) = table::load_prompts(&folder, Language::English) else { panic!("the prompts can be read") };
    Arc::new(catalogue)
});

/// A table with the prompts that ship, but for these texts: their parts have half a second each. None where the table is refused.
pub fn world(table: &str, texts: &[(&str, &str)]) -> (Option<Arc<Plan>>, Catalogue, Vec<diagnostic::Diagnostic>) {
    let mut catalogue = Catalogue::clone(&PROMPTS);
    let sound = |text: &str| Prompt { text: text.to_owned(), samples: Some(vec![0i16; 4000].into()) };
    for (id, text) in texts {
        let (prefix, own, tongue) = match id.split_once('/') {
            Some(("en", own)) => ("en/", own, Tongue::English),
            _ => ("", *id, Tongue::Korean),
        };
        catalogue.prompts.insert((*id).to_owned(), Prompt { text: (*text).to_owned(), samples: None });
        catalogue.said.remove(*id);
        let names = check_without_sound(SHIPPED).plan.expect("the shipped table").centers.into_iter();
        let names = names.map(|center| (center.row.trim_start_matches("center.").to_owned(), center.name)).collect();
        let Ok(phrase) = Phrase::read_in(tongue, own, text, &slots::vocabulary()) else { continue };
        if !phrase.has_slots() {
            catalogue.prompts.insert((*id).to_owned(), sound(text));
        }
        for part in phrase.sounds(&Reach { names, openings: None }) {
            catalogue.prompts.entry(format!("{prefix}{}", part.id)).or_insert_with(|| sound(&part.text));
        }
    }
    let checked = check_heard(table, &table::heard(&catalogue));
    (checked.plan.map(Arc::new), catalogue, checked.findings)
}

/// What the caller of a script hears, line by line.
fn hears(table: &str, texts: &[(&str, &str)], script: &str) -> String {
    let (plan, catalogue, findings) = world(table, texts);
    let plan = plan.unwrap_or_else(|| panic!("{findings:#?}"));
    try_::run(plan, &catalogue, script, Language::Korean).unwrap_or_else(|error| panic!("{script}: {error}"))
}

#[track_caller]
fn check(table: &str, texts: &[(&str, &str)], script: &str, lines: &[&str]) {
    let told = hears(table, texts, script);
    let mut rest = told.as_str();
    for line in lines {
        let Some((_, after)) = rest.split_once(line) else { panic!("no {line:?} (in this order) in\n{told}") };
        rest = after;
    }
}

#[test]
fn who_calls_outside_the_hours_hears_when_the_counsellors_are_there_again() {
    for (at, row, says) in [
        // 2026-11-24 is a Tuesday.
        ("2026-11-24T08:15", "closed", "상담은 오늘 오전 아홉 시에 시작합니다."),
        ("2026-11-24T18:00", "closed", "상담은 내일 오전 아홉 시에 시작합니다."),
        ("2026-11-25T00:30", "closed", "상담은 오늘 오전 아홉 시에 시작합니다."),
        ("2026-11-27T18:00", "closed", "상담은 월요일 오전 아홉 시에 시작합니다."),
        ("2026-11-28T10:00", "closed", "상담은 월요일 오전 아홉 시에 시작합니다."),
        ("2026-11-29T23:59", "closed", "상담은 내일 오전 아홉 시에 시작합니다."),
        // Christmas is a Friday: the date is said, since a weekday would be taken for a nearer one.
        ("2026-12-24T19:00", "closed", "상담은 십이월 이십팔일 월요일 오전 아홉 시에 시작합니다."),
        ("2026-12-25T11:00", "holiday", "상담은 월요일 오전 아홉 시에 시작합니다."),
        // Over the end of the year, which is not said.
        ("2026-12-31T20:00", "closed", "상담은 일월 사일 월요일 오전 아홉 시에 시작합니다."),
        // 설날 2027: Saturday to Monday, and Tuesday in its place.
        ("2027-02-05T18:30", "closed", "상담은 이월 십일 수요일 오전 아홉 시에 시작합니다."),
        ("2027-02-08T10:00", "holiday", "상담은 수요일 오전 아홉 시에 시작합니다."),
        ("2027-02-09T22:00", "holiday", "상담은 내일 오전 아홉 시에 시작합니다."),
    ] {
        check(SHIPPED, &[], &format!("at {at}; call 1357"), &[&format!("[notice.{row}]"), says, "1357이 끊음"]);
    }
}

#[test]
fn hours_of_their_own_and_breaks_are_asked_for_the_next_opening() {
    let lunch = SHIPPED.replacen("main = [\"월-금 09:00-18:00\"]", "main = [\"월-금 08:30-12:00, 13:00-18:00\"]", 1);
    check(&lunch, &[], "at 2026-11-24T12:10; call 1357", &["상담은 오늘 오후 한 시에 시작합니다."]);
    check(&lunch, &[], "at 2026-11-24T19:10; call 1357", &["상담은 내일 오전 여덟 시 삼십 분에 시작합니다."]);
    // A centre's own hours lead to the same announcement, with its own next opening.
    let centre = SHIPPED.replacen("[hours]\n", "[hours]\nfta = [\"수 10:00-12:00\"]\n", 1).replacen(
        "name = \"FTA 콜센터\",",
        "name = \"FTA 콜센터\", hours = \"hours.fta\", closed = \"notice.closed\",",
        1,
    );
    check(
        &centre,
        &[],
        "at 2026-11-23T10:00; call 1357; key 71",
        &["[center.fta]", "[notice.closed]", "상담은 수요일 오전 열 시에 시작합니다."],
    );
    check(&centre, &[], "at 2026-11-25T12:00; call 1357; key 71", &["십이월 이일 수요일 오전 열 시에"]);
}

#[test]
fn who_listened_to_the_greeting_over_the_hour_hears_when_it_opened_not_when_it_closes() {
    // The greeting takes five seconds; the caller was found before a closed door at 08:59:58.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        Files { routing: folder.join("routing.toml"), prompts: folder.join("prompts"), language: Language::English };
    let Ok(Table { plan, .. }) = Table::load(&files) else { panic!("the shipped table checks") };
    let mut call = Call::new(plan, "2026-11-24T08:59:58+09:00", "");
    call.happen(Event::Answered);
    assert_eq!(call.happen(Event::Connected), ["greeting"]);
    call.pass(Duration::from_secs(5));
    let said = call.finished();
    assert!(said[0].contains("상담은 오늘 오전 아홉 시에 시작합니다."), "{said:?}");
}

/// A session alone.
struct Call {
    session: Session,
    now: Now,
    playing: PlayKey,
}

impl Call {
    fn new(plan: Arc<Plan>, at: &str, caller: &str) -> Self {
        let wall = Wall::from_micros(at.parse::<jiff::Timestamp>().expect("a time").as_microsecond());
        let (now, caller) = (Now { instant: Instant::START, wall }, Caller::new(caller));
        let origin = Origin {
            call: CallKey(0x1357),
            call_id: "a@b",
            caller: &caller,
            dialled: "1357",
            table: &plan.version,
            zone: &plan.timezone,
            hash_key: &[7; 32],
        };
        let record = Record::new(now, &origin);
        let session = Session::new(now, CallKey(0x1357), plan.clone(), 0, record).situated(caller, Arc::default());
        Self { session, now, playing: PlayKey::default() }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// What is said then: names, with the words of those that were filled in.
    fn happen(&mut self, event: Event) -> Vec<String> {
        let mut effects = Vec::new();
        self.session.handle(self.now, event, &mut effects);
        let mut all = Vec::new();
        for effect in effects {
            if let Effect::Play { play, said, .. } = effect {
                self.playing = play;
                all.extend(said.iter().map(|saying| saying.told().to_string()));
            }
        }
        all
    }

    fn finished(&mut self) -> Vec<String> {
        self.happen(Event::Finished(self.playing))
    }

    fn key(&mut self, key: char) -> Vec<String> {
        self.happen(Event::Key(Key::from_char(key).expect("a key")))
    }

    /// Answered, and past the greeting.
    fn enter(&mut self) -> Vec<String> {
        self.happen(Event::Answered);
        self.happen(Event::Connected);
        self.finished()
    }
}

fn call(table: &str, texts: &[(&str, &str)], caller: &str) -> Call {
    let (plan, _, findings) = world(table, texts);
    Call::new(plan.unwrap_or_else(|| panic!("{findings:#?}")), "2026-11-24T10:00:00+09:00", caller)
}

#[test]
fn what_is_said_again_has_the_values_of_its_moment() {
    let texts = [("menu_main", "지금은 {time}입니다. 상담원은 0번,")];
    let mut call = call(SHIPPED, &texts, "");
    let ten = "menu_main (지금은 오전 열 시입니다. 상담원은 0번,)";
    assert_eq!(call.enter()[0], ten);
    call.pass(Duration::from_secs(61));
    assert_eq!(call.key('*')[0], "menu_main (지금은 오전 열 시 일 분입니다. 상담원은 0번,)");
    // Hold, and a minute later the same menu.
    assert!(call.happen(Event::Held(true)).is_empty());
    call.pass(Duration::from_secs(60));
    assert_eq!(call.happen(Event::Held(false))[0], "menu_main (지금은 오전 열 시 이 분입니다. 상담원은 0번,)");
    // The caller on a new line.
    call.happen(Event::Replaced(Caller::new("")));
    call.pass(Duration::from_secs(60));
    assert_eq!(call.happen(Event::Connected)[0], "menu_main (지금은 오전 열 시 삼 분입니다. 상담원은 0번,)");
}

#[test]
fn a_closed_caller_on_a_new_line_hears_the_next_opening_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        Files { routing: folder.join("routing.toml"), prompts: folder.join("prompts"), language: Language::English };
    let Ok(Table { plan, .. }) = Table::load(&files) else { panic!("the shipped table checks") };
    let mut call = Call::new(plan, "2026-11-28T10:00:00+09:00", "");
    let first = call.enter();
    assert!(first[0].contains("월요일 오전 아홉 시에"), "{first:?}");
    call.happen(Event::Replaced(Caller::new("")));
    assert_eq!(call.happen(Event::Connected), first);
}

#[test]
fn a_greeting_before_the_answer_is_filled_in_too() {
    let early =
        SHIPPED.replacen("greeting = \"greeting\"\n", "greeting = \"greeting\"\nanswer = \"after-greeting\"\n", 1);
    let texts = [("greeting", "안녕하십니까. 오늘은 {date}입니다.")];
    let mut call = call(&early, &texts, "");
    assert_eq!(call.happen(Event::Progressed), ["greeting (안녕하십니까. 오늘은 십일월 이십사일 화요일입니다.)"]);
}

#[test]
fn a_number_that_is_not_known_takes_its_sentence_with_it() {
    let texts = [("greeting", "안녕하십니까. 거신 번호는 {caller|digits}번입니다. 반갑습니다.")];
    for (caller, said) in [
        ("01012345678", "안녕하십니까. 거신 번호는 공일공, 일이삼사, 오육칠팔번입니다. 반갑습니다."),
        ("+82-2-2104-5012", "안녕하십니까. 거신 번호는 공이, 이일공사, 오공일이번입니다. 반갑습니다."),
        ("", "안녕하십니까. 반갑습니다."),
        ("alice", "안녕하십니까. 반갑습니다."),
        ("123456789012345", "안녕하십니까. 거신 번호는 일이삼, 사오육칠, 팔구공일, 이삼사오번입니다. 반갑습니다."),
        // Longer than any telephone number.
        ("1234567890123456", "안녕하십니까. 반갑습니다."),
    ] {
        let mut call = call(SHIPPED, &texts, caller);
        call.happen(Event::Answered);
        assert_eq!(call.happen(Event::Connected), [format!("greeting ({said})")], "{caller}");
    }
}

#[test]
fn who_takes_a_call_over_is_told_another_number() {
    let texts = [("menu_main", "{caller|digits}번입니다. 상담원은 0번,")];
    let mut call = call(SHIPPED, &texts, "01012345678");
    assert!(call.enter()[0].contains("공일공, 일이삼사, 오육칠팔번입니다."));
    for (caller, said) in [("0221045012", "공이, 이일공사, 오공일이번입니다. 상담원은 0번,"), ("", "상담원은 0번,")]
    {
        call.happen(Event::Replaced(Caller::new(caller)));
        assert_eq!(call.happen(Event::Connected)[0], format!("menu_main ({said})"));
    }
}

#[test]
fn a_menu_that_names_its_rows_itself_does_not_say_them_twice() {
    let texts = [("menu_rnd", "기술개발 안내입니다. {menu}, 다시 듣기는 별표입니다.")];
    let mut all = call(SHIPPED, &texts, "");
    all.enter();
    let words = "신청과 평가는 1번, 협약과 사업비는 2번, 산학연 협력은 3번, 상담원은 0번";
    assert_eq!(all.key('2'), [format!("menu_rnd (기술개발 안내입니다. {words}, 다시 듣기는 별표입니다.)")]);
    // Another order of the rows, and nothing else, is another order of the same sounds.
    let order = SHIPPED.replacen("1 = { say = \"신청과 평가\", ", "3 = { say = \"신청과 평가\", ", 1).replacen(
        "3 = { say = \"산학연 협력\", ",
        "1 = { say = \"산학연 협력\", ",
        1,
    );
    let mut other = call(&order, &texts, "");
    other.enter();
    let words = "신청과 평가는 3번, 협약과 사업비는 2번, 산학연 협력은 1번, 상담원은 0번";
    assert_eq!(other.key('2'), [format!("menu_rnd (기술개발 안내입니다. {words}, 다시 듣기는 별표입니다.)")]);
}

#[test]
fn who_asks_for_slow_reading_hears_the_parts_slowly_too() {
    let slower = "\"8\" = { say = \"FTA\", go = \"slower\" }, \"#\" = \"back\"";
    let table = SHIPPED.replacen("\"#\" = \"back\"", slower, 1);
    let mut call = call(&table, &[("menu_fund", "지금은 {time}입니다.")], "");
    call.enter();
    let said = call.key('1');
    assert_eq!(said[0], "menu_fund (지금은 오전 열 시입니다.)");
    let mut effects = Vec::new();
    call.session.handle(call.now, Event::Key(Key::from_char('8').expect("a key")), &mut effects);
    let said =
        effects.into_iter().find_map(|effect| if let Effect::Play { said, .. } = effect { Some(said) } else { None });
    let sounds: Vec<String> =
        said.iter().flatten().flat_map(Saying::sounds).map(|(id, _)| id.to_string()).take(4).collect();
    let wanted = ["phrase/menu_fund/1", "phrase/time-10", "phrase/menu_fund/2", "say/중소벤처기업진흥공단 정책자금"];
    assert_eq!(sounds, wanted.map(|id| format!("slow/{id}")));
}

/// A question for a business number in the place of a menu.
pub fn with_input() -> String {
    SHIPPED
        .replacen(
            "[limits]\n",
            "[input.business]\nprompt = \"visit_business_number\"\nkind = \"business-number\"\nconfirm = true\nno_input = { then = \"center.counsel\" }\nno_match = { then = \"center.counsel\" }\nthen = \"center.kosmes\"\n\n[limits]\n",
            1,
        )
        .replacen("[menu.fund]\n", "[menu.fund]\n9 = \"input.business\"\n", 1)
}

#[test]
fn an_entry_is_read_back_in_its_groups_and_once() {
    let mut call = call(&with_input(), &[], "");
    call.enter();
    call.key('1');
    call.key('9');
    let mut said = Vec::new();
    for key in "1108141272".chars() {
        said = call.key(key);
    }
    let read_back = "read_back (누르신 번호는 일일공, 팔일, 사일이칠이번입니다.)";
    assert_eq!(said, [read_back, "read_back_right"]);
    call.finished();
    assert_eq!(call.key('*'), [read_back, "read_back_right"]);
    // Hold and back.
    call.happen(Event::Held(true));
    assert_eq!(call.happen(Event::Held(false)), [read_back, "read_back_right"]);
}

#[test]
fn what_was_entered_is_told_to_nobody_but_its_caller() {
    let told = hears(&with_input(), &[], "call 1357; key 1; wait 1s; key 9; wait 1s; key 1108141272; wait 9s; hangup");
    assert!(told.contains("누르신 번호는 • • • • • • • • • • 번입니다."), "{told}");
    assert!(!told.contains("일 일 공") && !told.contains("1108141272"), "{told}");
}

#[test]
fn a_failed_transfer_names_the_centre_with_its_particle() {
    check(
        SHIPPED,
        &[],
        "center fta busy; call 1357; key 71",
        &["FTA 콜센터로 연결해 드리겠습니다.", "486", "FTA 콜센터로 연결하지 못했습니다. 1357 상담원으로 연결해"],
    );
    // Each failure names the one that failed; the announcement behind the ladder, the one that was asked for.
    let texts = [("busy", "{center.name|은/는} 지금 통화 중입니다. 처음 안내로 돌아갑니다.")];
    check(
        SHIPPED,
        &texts,
        "center kosmes refuses; center counsel busy; call 1357; key 32; wait 60s; hangup",
        &[
            "중소벤처기업진흥공단으로 연결하지 못했습니다.",
            "[notice.busy]",
            "중소벤처기업진흥공단은 지금 통화 중입니다. 처음 안내로 돌아갑니다.",
            "[menu.main]",
        ],
    );
}

pub fn english() -> String {
    SHIPPED.replacen("match    = [\"1357\"]", "language = \"en\"\nmatch    = [\"1357\"]", 1)
}

#[test]
fn an_english_caller_hears_the_opening_and_the_centre_in_english() {
    for (at, says) in [
        ("2026-11-24T18:30", "We open tomorrow at 9 a.m."),
        ("2026-11-28T10:00", "We open on Monday at 9 a.m."),
        ("2027-02-05T18:30", "We open on Wednesday February 10th at 9 a.m."),
        ("2026-12-25T10:00", "Today is a public holiday in Korea. We open on Monday at 9 a.m."),
    ] {
        check(&english(), &[], &format!("at {at}; call 1357"), &["Welcome", says]);
    }
    let busy = "We could not connect you to the F T A call centre";
    check(&english(), &[], "center fta busy; call 1357; key 71", &[busy]);
    check(&english(), &[], "at 2026-11-28T10:00; call 1357", &["Our hours are 9 to 6 on weekdays."]);
}

#[test]
fn a_menu_said_by_its_slot_offers_a_language_in_itself_and_the_way_back_in_korean() {
    let texts = [("menu_main", "번호를 누르십시오. {menu}."), ("en/menu_main", "Press a key. {menu}.")];
    let (plan, catalogue, findings) = world(SHIPPED, &texts);
    let plan = plan.unwrap_or_else(|| panic!("{findings:#?}"));
    let script = "call 1357; wait 6s; key 9; wait 3s; key 9; wait 3s; hangup";
    let Ok(script) = Script::parse(script, &plan) else { panic!("a script") };
    let (world, _) = script.play(plan, &catalogue);
    let told = world.moments().iter().map(|(_, moment)| script::words(&world, moment));
    let menus: Vec<String> = told.filter(|told| told.contains("phrase/menu_main/1")).collect();
    assert_eq!(menus.len(), 3, "{menus:#?}");
    assert!(menus[0].contains("+say/정책자금+key_1+") && menus[0].contains("+en/say/영어+en/key_9"), "{}", menus[0]);
    assert!(!menus[0].contains("say/한국어"), "{}", menus[0]);
    let english = "+en/say/정책자금+en/key_1+";
    assert!(menus[1].contains(english) && menus[1].contains("+say/한국어+key_9"), "{}", menus[1]);
    assert!(!menus[1].contains("영어"), "nobody is offered what is spoken: {}", menus[1]);
    assert_eq!(menus[0], menus[2]);
}

#[test]
fn a_sound_that_is_missing_in_english_makes_the_text_korean_and_never_half_of_it() {
    let mut catalogue = Catalogue::clone(&PROMPTS);
    catalogue.prompts.remove("en/phrase/on-weekday-1");
    let checked = check_heard(&english(), &table::heard(&catalogue));
    // Greeting and menu in English take longer than those in Korean: another matter.
    let codes = checked.findings.iter().map(|finding| finding.code).filter(|code| *code != "W0505");
    assert_eq!(codes.collect::<Vec<_>>(), ["W0507"], "{:#?}", checked.findings);
    assert!(checked.findings[0].message[1].contains("closed (en/phrase/on-weekday-1)"), "{:#?}", checked.findings);
    let told = checked
        .plan
        .map(|plan| try_::run(Arc::new(plan), &catalogue, "at 2026-11-24T18:30; call 1357", Language::Korean));
    let told = told.expect("a warning is no error").unwrap_or_else(|error| panic!("{error}"));
    assert!(told.contains("Welcome") && told.contains("상담은 내일 오전 아홉 시에 시작합니다."), "{told}");
    // Another text has an English "tomorrow", and the names of both are alike.
    let mut catalogue = Catalogue::clone(&PROMPTS);
    catalogue.prompts.remove("en/closed");
    let plan = check_heard(&english(), &table::heard(&catalogue)).plan.expect("a warning is no error");
    assert!(plan.prompts().contains("en/phrase/day-tomorrow"), "the holiday is still translated");
    let mut call = Call::new(Arc::new(plan), "2026-11-24T18:30:00+09:00", "");
    call.happen(Event::Answered);
    call.happen(Event::Connected);
    let mut effects = Vec::new();
    call.session.handle(call.now, Event::Finished(call.playing), &mut effects);
    let sounds: Vec<String> = effects
        .iter()
        .filter_map(|effect| if let Effect::Play { said, .. } = effect { Some(said) } else { None })
        .flat_map(|said| said.iter().flat_map(Saying::sounds).map(|(id, _)| id.to_string()))
        .collect();
    assert!(sounds.contains(&"phrase/day-tomorrow".to_owned()), "{sounds:?}");
    assert!(!sounds.iter().any(|id| id.starts_with("en/")), "{sounds:?}");
}

/// Milliseconds of silence between what sounds, in order.
fn silences(samples: &[i16]) -> Vec<usize> {
    // Windows of 5 ms below -44 dBov.
    let quiet = |window: &[i16]| {
        let power: f64 = window.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / window.len() as f64;
        power.sqrt() < 32_768.0 * 10f64.powf(-44.0 / 20.0)
    };
    let windows: Vec<bool> = samples.chunks(40).map(quiet).collect();
    let mut runs = Vec::new();
    let mut run = 0;
    for quiet in windows.into_iter().skip_while(|quiet| *quiet) {
        match (quiet, run) {
            (true, _) => run += 1,
            (false, 0) => {}
            (false, length) => {
                runs.push(length * 5);
                run = 0;
            }
        }
    }
    runs
}

#[test]
fn the_parts_of_an_entry_leave_in_one_sequence_with_their_pauses() {
    let (plan, catalogue, findings) = world(&with_input(), &[]);
    let plan = plan.unwrap_or_else(|| panic!("{findings:#?}"));
    let edition = Edition::new(plan.clone(), &catalogue);
    let mut call = Call::new(plan, "2026-11-24T10:00:00+09:00", "");
    call.enter();
    call.key('1');
    call.key('9');
    let mut effects = Vec::new();
    for key in "1108141272".chars() {
        effects.clear();
        call.session.handle(call.now, Event::Key(Key::from_char(key).expect("a key")), &mut effects);
    }
    let said: Vec<Saying> = effects
        .into_iter()
        .find_map(|effect| if let Effect::Play { said, .. } = effect { Some(said) } else { None })
        .expect("it is read back");
    let clips = edition.clips(&said);
    let names: Vec<&str> = clips.iter().map(|clip| clip.id.as_str()).collect();
    let digits = |text: &str| text.chars().map(|digit| format!("digit_{digit}")).collect::<Vec<_>>();
    let pause = vec!["pause/240".to_owned()];
    let expected = [
        vec!["phrase/read_back/1".to_owned()],
        digits("110"),
        pause.clone(),
        digits("81"),
        pause,
        digits("41272"),
        vec!["phrase/read_back/2".to_owned(), "read_back_right".to_owned()],
    ]
    .concat();
    assert_eq!(names, expected);
    // Digits are the shared sounds, not copies.
    assert!(Arc::ptr_eq(&clips[1], &clips[2]) && Arc::ptr_eq(&clips[4], &clips[7]));

    // As a telephone hears it: every packet full, 20 ms apart, to the end.
    let mut stream = Stream::new(1, 0, 0);
    let mut events = Vec::new();
    let chosen = Chosen {
        remote: Some("192.0.2.7:4000".parse().expect("an address")),
        codec: Codec::Pcma,
        payload_type: 8,
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(20),
        events: Vec::new(),
        direction: Direction::SendRecv,
        control: Control::Off,
        secured: None,
    };
    stream.command(Instant::START, Command::Configure(chosen), &mut events);
    for mut encoding in clips.iter().filter_map(|clip| clip.encode(Form::of(Codec::Pcma))) {
        while encoding.step() {}
    }
    let total: usize = clips.iter().map(|clip| clip.eighths()).sum();
    stream.command(
        Instant::START,
        Command::Play { play: PlayKey(1), clips: clips.clone(), repeat: false },
        &mut events,
    );
    let mut heard = Vec::new();
    for _ in 0..total.div_ceil(160) {
        let mut buffer = [0u8; ivr1357::limits::RTP_PACKET_BYTES_MAX];
        let (_, length) = stream.next_packet(&mut buffer, &mut events).expect("a packet each 20 ms");
        assert_eq!(length, 12 + 160);
        heard.extend(buffer[12..length].iter().map(|&byte| codec::decode_alaw(byte)));
    }
    let told: Vec<i16> = clips.iter().flat_map(|clip| clip.encoded(Codec::Pcma)).map(codec::decode_alaw).collect();
    assert_eq!(heard[..told.len()], told, "nothing between the parts but their pauses");

    // The silence at each joint: 60 ms between digits, 300 ms between groups, as built sounds have it.
    let mut at = 0;
    let mut joints = BTreeMap::new();
    for (index, clip) in clips.iter().enumerate() {
        at += clip.eighths();
        if clip.id.starts_with("digit_") {
            joints.insert(index, at);
        }
    }
    let silence_around = |at: usize| {
        let quiet = |sample: &&i16| f64::from(sample.unsigned_abs()) < 32_768.0 * 10f64.powf(-40.0 / 20.0);
        let before = told[..at].iter().rev().take_while(quiet).count();
        let after = told[at..].iter().take_while(quiet).count();
        (before + after) / 8
    };
    for (index, at) in joints {
        let silence = silence_around(at);
        let next = clips[index + 1].id.as_str();
        let wanted = match next {
            "pause/240" => 280..=340,
            next if next.starts_with("digit_") => 50..=110,
            _ => 40..=130,
        };
        assert!(wanted.contains(&silence), "{silence} ms between {} and {next}", clips[index].id);
    }
    assert_eq!(
        silences(&told).iter().filter(|silence| (250..=340).contains(*silence)).count(),
        2,
        "{:?}",
        silences(&told)
    );
}
