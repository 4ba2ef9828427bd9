//! What prompts say against what the table does: by the checker, and from the files that the prompts lie in.

use ivr1357::routing::{Heard, Language, check_heard, check_without_sound, diagnostic, heard};
use ivr1357::shell::table::{self, load_prompts};
use std::fs;
use std::path::Path;
use std::time::Duration;

const SHIPPED: &str = include_str!("../../routing.toml");

/// The shipped table's prompts, each of a second, with these words for some.
fn heard(texts: &[(&str, &str)]) -> Heard {
    let plan = check_without_sound(SHIPPED).plan.expect("the shipped table");
    let sound = |text: Option<&str>| heard::Prompt {
        length: Some(Duration::from_millis(500)),
        text: text.map(str::to_owned),
        ..heard::Prompt::default()
    };
    let both = |id: &std::sync::Arc<str>| [id.to_string(), format!("en/{id}")].map(|id| (id, sound(None)));
    let mut prompts: Heard = Heard(plan.prompts().iter().flat_map(both).collect());
    // Said in inputs that name no other.
    prompts.0.extend(both(&"again".into()));
    prompts.0.extend(texts.iter().map(|(id, text)| ((*id).to_owned(), sound(Some(text)))));
    prompts
}

fn codes(text: &str, heard: &Heard) -> Vec<&'static str> {
    check_heard(text, heard).findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_prompt_names_only_keys_that_its_menu_offers() {
    for (texts, found) in [
        (&[("menu_main", "상담원은 0번, 정책자금은 1번입니다.")][..], &[][..]),
        (&[("menu_fund", "상담원은 6번입니다.")], &["E0504"]),
        (&[("menu_fund", "4번과 5번, 0번")], &["E0504"]),
        (&[("greeting", "1357입니다. 상담원은 10번입니다.")], &["E0504"]),
        (&[("again_slowly", "다시 듣기는 별표, 이전 안내는 우물정자입니다.")], &[]),
        (&[("closed", "1번 창구로 오십시오")], &[]),
    ] {
        assert_eq!(codes(SHIPPED, &heard(texts)), found, "{texts:?}");
    }
    let without = SHIPPED.replacen(", \"*\" = \"repeat-slowly\"", "", 1);
    // One prompt that every menu says is told once.
    assert_eq!(codes(&without, &heard(&[("again_slowly", "다시 듣기는 별표입니다.")])), ["E0504"]);
    let input = SHIPPED.replacen("[limits]\n", "[input.a]\nprompt = \"menu_fund\"\nallow = \"1-3\"\nno_input = { then = \"center.counsel\" }\nno_match = { prompt = \"invalid\", then = \"center.counsel\" }\nthen = \"center.counsel\"\n[limits]\n", 1).replacen("[menu.fund]\n", "[menu.fund]\n9 = \"input.a\"\n", 1);
    // Values that are taken may be named; a key that is a digit here may not.
    let three = heard(&[("menu_fund", "서울은 1번, 부산은 3번")]);
    assert_eq!(codes(&input, &three), [""; 0]);
    assert_eq!(codes(&input, &heard(&[("menu_fund", "상담원은 0번")])), ["E0504"]);
}

#[test]
fn a_key_that_is_said_to_read_slowly_does() {
    let slowly = ("again_slowly", "천천히 다시 듣기는 별표, 이전 안내는 우물정자입니다.");
    assert_eq!(codes(SHIPPED, &heard(&[slowly])), [""; 0]);
    let toggles = SHIPPED.replacen("\"*\" = \"repeat-slowly\"", "\"*\" = \"slower\"", 1);
    // Only the profile has something to say of it.
    assert_eq!(codes(&toggles, &heard(&[slowly])), ["K1002"]);
    let repeats = SHIPPED.replacen("\"*\" = \"repeat-slowly\"", "\"*\" = \"repeat\"", 1);
    assert_ne!(repeats, SHIPPED);
    // Told once, whoever inherits it, and in the language in which it is not so.
    assert_eq!(codes(&repeats, &heard(&[slowly])), ["W0508"]);
    let english = ("en/again_slowly", "To listen again slowly, press star.");
    assert_eq!(codes(&repeats, &heard(&[english])), ["W0508"]);
    assert_eq!(codes(&repeats, &heard(&[("again_slowly", "다시 듣기는 별표입니다.")])), [""; 0]);
    // An input repeats at the usual pace, unless its keys say otherwise.
    let input = |keys: &str| {
        SHIPPED.replacen("[limits]\n", &format!("[input.a]\nprompt = \"menu_fund\"\nallow = \"1-3\"\n{keys}no_input = {{ then = \"center.counsel\" }}\nno_match = {{ prompt = \"invalid\", then = \"center.counsel\" }}\nthen = \"center.counsel\"\n[limits]\n"), 1).replacen("[menu.fund]\n", "[menu.fund]\n9 = \"input.a\"\n", 1)
    };
    let asks = heard(&[("menu_fund", "지역 번호를 누르십시오. 천천히 들으시려면 별표입니다.")]);
    assert_eq!(codes(&input(""), &asks), ["W0508"]);
    assert_eq!(codes(&input("keys = { \"*\" = \"repeat-slowly\" }\n"), &asks), [""; 0]);
}

#[test]
fn words_that_changed_and_sounds_out_of_shape_are_noted() {
    let mut prompts = heard(&[("menu_fund", "정책자금 안내입니다."), ("menu_rnd", "{center.name} 안내입니다.")]);
    let prompt = |prompts: &mut Heard, id: &str, change: &dyn Fn(&mut heard::Prompt)| {
        change(prompts.0.get_mut(id).expect("a prompt"));
    };
    prompt(&mut prompts, "menu_fund", &|prompt| prompt.said = Some("융자 안내입니다.".to_owned()));
    prompt(&mut prompts, "center/kosmes", &|prompt| prompt.said = Some("중진공으로 연결해 드리겠습니다.".to_owned()));
    prompt(&mut prompts, "center/keit", &|prompt| {
        prompt.said = Some("한국산업기술평가관리원으로 연결해 드리겠습니다.".to_owned());
    });
    prompt(&mut prompts, "busy", &|prompt| {
        prompt.fault = Some(["음량이 -40.0 dBov입니다".to_owned(), "its level is -40.0 dBov".to_owned()])
    });
    let findings = check_heard(SHIPPED, &prompts).findings;
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["W0502", "E0503", "W0502", "W0506"], "{findings:#?}");
    let shown = diagnostic::render("routing.toml", SHIPPED, &findings, Language::English, false);
    assert!(
        shown.contains("the sound says \"융자 안내입니다.\"") && shown.contains("busy.wav: its level is -40.0 dBov"),
        "{shown}"
    );
}

#[test]
fn what_costs_or_is_recorded_is_told_first() {
    let table = SHIPPED.replacen(
        "go       = \"menu.main\"\n",
        "go       = \"menu.main\"\nrecorded = true\nfee = \"local\"\n",
        1,
    );
    assert_ne!(table, SHIPPED);
    let of = |table: &str, greeting: &str| {
        let mut all = heard(&[("greeting", greeting), ("menu_main", "번호를 눌러 주십시오")]);
        for id in ["key_0", "key_1", "key_2", "key_3", "key_4", "key_5", "key_6", "key_7", "key_8"] {
            all.0.get_mut(id).expect("a key").text = Some("번".to_owned());
        }
        codes(table, &all)
    };
    let says = |greeting: &str| of(&table, greeting);
    assert_eq!(says("안녕하십니까"), ["K1005", "K1007"]);
    let protected = table.replacen("recorded = true\n", "protection = true\n", 1);
    let asked = |greeting: &str| of(&protected, greeting);
    assert_eq!(asked("통화는 녹음됩니다. 통화료가 듭니다"), ["K1005"]);
    assert_eq!(asked("상담사에게 폭언을 삼가 주십시오. 통화료가 듭니다"), [""; 0]);
    assert_eq!(says("통화는 녹음됩니다"), ["K1007"]);
    assert_eq!(says("시내 통화료가 들고, 통화는 녹음됩니다"), [""; 0]);
    // Of prompts without words nothing is claimed.
    assert_eq!(codes(&table, &heard(&[])), [""; 0]);
}

#[test]
fn the_files_say_which_words_a_sound_has_and_how_a_recording_is() {
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let folder = std::env::temp_dir().join(format!("ivr1357-spoken-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("ko")).expect("made");
    for name in ["greeting.wav", "emergency.wav", "built.tsv"] {
        fs::copy(prompts.join("ko").join(name), folder.join("ko").join(name)).expect("copied");
    }
    // A recording that is silent, and a text that moved away from its sound.
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut silent = hound::WavWriter::create(folder.join("ko/busy.wav"), spec).expect("a file");
    (0..8000).for_each(|_| silent.write_sample(0i16).expect("written"));
    silent.finalize().expect("whole");
    let texts =
        "id\tkind\ttext\tpronunciation\ngreeting\tsentence\t다른 인사말입니다.\nbusy\tsentence\t통화 중입니다.\n";
    fs::write(folder.join("ko/prompts.tsv"), texts).expect("written");
    let Ok(catalogue) = load_prompts(&folder, Language::English) else { panic!("readable") };
    let known = table::heard(&catalogue);
    assert_ne!(known.0["greeting"].said, known.0["greeting"].text);
    assert!(known.0["greeting"].fault.is_none() && known.0["busy"].fault.is_some(), "{:?}", known.0["busy"]);
    assert_eq!(known.0["busy"].said, None);
    fs::remove_dir_all(&folder).expect("removed");
}
