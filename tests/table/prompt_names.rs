//! Words of the table that cannot name a file as they are: they are built, read and heard like all others.

use ivr1357::cli::try_;
use ivr1357::routing::{Language, check_heard, check_without_sound};
use ivr1357::shell::prompts::{self, Tongue, Voice};
use ivr1357::shell::table;
use ivr1357::speech::wav;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of our own below the build's, empty at the start of its test.
fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/prompts-tests").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("made");
    dir
}

/// A program that any machine has stands for the one that speaks.
fn stand_in_voice(dir: &Path) -> Voice {
    let samples: Vec<i16> = (0..22_050).map(|at: i32| ((at * at / 50) % 9000 - 4500) as i16).collect();
    let source = dir.join("voice.bin");
    std::fs::write(&source, wav::write_at(22_050, &samples)).expect("written");
    let command = ["sh", "-c", "read text; cat $0", &source.display().to_string()].map(str::to_owned).to_vec();
    Voice { command, speed: 1, speed_of_parts: 1 }
}

/// 창업진흥원, its syllables taken apart as a Mac does.
const TAKEN_APART: &str = "\u{110e}\u{1161}\u{11bc}\u{110b}\u{1165}\u{11b8}\u{110c}\u{1175}\u{11ab}\u{1112}\u{1173}\u{11bc}\u{110b}\u{116f}\u{11ab}";

#[test]
fn any_words_of_a_table_have_a_sound_and_no_two_of_them_one_file() {
    let dir = scratch("names");
    let long = "중소벤처기업과 소상공인을 위한 통합 지원 상담센터 ".repeat(6);
    let names = ["수출/판로", "../가", ".숨은 센터", "24:00 센터", "할인 50%", "가%2F나", "가/나", TAKEN_APART, &long];
    let says = ["24:00 접수", "할인 50%", "가%2F나", "%"];
    let mut table = String::from(
        "schema = 1\n[number.1357]\nmatch = [\"1357\"]\ngo = \"menu.main\"\n[defaults.menu]\nno_input = { then = \"center.c0\" }\n\
         no_match = { then = \"center.c0\" }\n[defaults.transfer]\nladder = [\"refer\", \"notice.busy\"]\nprompt = \"center_busy\"\ngive_up = \"notice.bye\"\n\
         [notice]\nbusy = { prompt = \"center_busy\", then = \"end\" }\nbye = { prompt = \"goodbye\", then = \"end\" }\n[center]\n",
    );
    for (at, name) in names.iter().enumerate() {
        table.push_str(&format!("c{at} = {{ name = \"{}\", sip = [\"sip:c{at}@127.0.0.1:5070\"] }}\n", name.trim()));
    }
    table.push_str("[menu.main]\nprompt = \"menu_main\"\n");
    for at in 0..names.len() {
        match says.get(at) {
            Some(say) => table.push_str(&format!("{} = {{ say = \"{say}\", go = \"center.c{at}\" }}\n", at + 1)),
            None => table.push_str(&format!("{} = \"center.c{at}\"\n", at + 1)),
        }
    }
    let texts = "id\tkind\ttext\tpronunciation\nmenu_main\tsentence\t가\nagain\tsentence\t다시\ninvalid\tsentence\t없는 번호\ngoodbye\tsentence\t안녕히\n\
                 center_busy\tsentence\t{center.name|으로/로} 연결하지 못했습니다.\nwaiting_tone\ttone\t음악\n"
        .to_owned()
        + &(1..10).map(|key| format!("key_{key}\tending\t{key}번\n")).collect::<String>();
    std::fs::create_dir_all(dir.join("prompts/ko")).expect("made");
    std::fs::write(dir.join("prompts/ko/a.tsv"), texts).expect("written");
    let mistakes = check_without_sound(&table).findings;
    assert!(mistakes.iter().all(|finding| finding.code.starts_with('W')), "{mistakes:#?}");

    let (words, folder, voice) = (prompts::words_in(&table), dir.join("prompts/ko"), stand_in_voice(&dir));
    let tongue = Tongue { language: "ko", dir: &folder, words: &words, voice: &voice };
    let report = prompts::run_build(&tongue, false, &mut |_| {}).expect("built");
    let said: BTreeSet<&String> = report.built.iter().filter(|id| id.starts_with("say/")).collect();
    let named: BTreeSet<&String> = report.built.iter().filter(|id| id.starts_with("phrase/text-")).collect();
    assert_eq!((said.len(), named.len()), (says.len(), names.len()), "{:#?}", report.built);
    assert_eq!(prompts::run_build(&tongue, true, &mut |_| {}).expect("built").built, [""; 0], "all is found again");

    let catalogue = table::load_prompts(&dir.join("prompts"), Language::English).expect("readable");
    let checked = check_heard(&table, &table::heard(&catalogue));
    let errors: Vec<_> = checked.findings.iter().filter(|finding| finding.code.starts_with('E')).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let plan = Arc::new(checked.plan.expect("it checks"));
    for (at, name) in names.iter().enumerate() {
        let script = format!("center c{at} busy; call 1357; key {}", at + 1);
        let Ok(told) = try_::run(plan.clone(), &catalogue, &script, Language::Korean) else { panic!("{script}") };
        let name = if *name == TAKEN_APART { "창업진흥원" } else { name.trim() };
        assert!(
            told.contains(&format!("{name}로 연결하지")) || told.contains(&format!("{name}으로 연결하지")),
            "{name}: {told}"
        );
    }
}
