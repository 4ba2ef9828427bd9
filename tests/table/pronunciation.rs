//! How Korean is said: the table of 표준 발음법 and of numbers, letters and signs, and what the synthesiser makes of every prompt.

use ivr1357::speech::hangul::{NONE, Syllable};
use ivr1357::speech::standard::Pace;
use ivr1357::speech::{ledger, pronunciation, texts};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

const TABLE: &str = include_str!("../golden/standard-pronunciation.tsv");

struct Row {
    article: &'static str,
    written: &'static str,
    said: &'static str,
    pace: Pace,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && *line != "article\twritten\tsaid\tpace");
    lines
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [article, written, said, "apart"] => Row { article, written, said, pace: Pace::Apart },
            [article, written, said, "joined"] => Row { article, written, said, pace: Pace::Joined },
            _ => panic!("four columns, and a pace: {line}"),
        })
        .collect()
}

#[test]
fn every_word_of_the_table_is_said_as_the_standard_says() {
    let (mut wrong, mut score) = (Vec::new(), BTreeMap::new());
    for row in rows() {
        let mut got = pronunciation::said(row.written, row.pace);
        if row.pace == Pace::Joined {
            got.retain(|c| c != ' ');
        }
        // 12.1 and 12.1 붙임2 count as 12.
        let article = row.article.split(['.', ' ']).next().unwrap_or(row.article);
        let (right, all) = score.entry(article).or_insert((0, 0));
        *all += 1;
        if got == row.said {
            *right += 1;
        } else {
            wrong.push(format!("{}: {} is said {}, not {got}", row.article, row.written, row.said));
        }
    }
    let (right, all) = score.values().fold((0, 0), |(right, all), one| (right + one.0, all + one.1));
    let by_article: Vec<_> = score.iter().map(|(article, (right, all))| format!("{article} {right}/{all}")).collect();
    println!("{right} of {all}: {}", by_article.join(", "));
    assert!(all >= 400, "{all} rows");
    assert!(wrong.is_empty(), "{right} of {all}\n{}", wrong.join("\n"));
}

#[test]
fn the_voice_says_every_prompt_and_word_in_its_standard_pronunciation() {
    if Command::new("espeak-ng").arg("--version").output().is_err() {
        println!("skipped: espeak-ng is not installed");
        return;
    }
    let (prompts, errors) = ledger::read("built.tsv", include_bytes!("../../prompts/ko/built.tsv"));
    assert_eq!(errors, []);
    let (tables, errors): (Vec<_>, Vec<_>) = [
        texts::read("prompts.tsv", include_bytes!("../../prompts/ko/prompts.tsv")),
        texts::read("library.tsv", include_bytes!("../../prompts/ko/library.tsv")),
    ]
    .into_iter()
    .unzip();
    assert_eq!(errors.concat(), []);
    // A text that is read wrong has its pronunciation beside it; those of tones are descriptions.
    let beside =
        |id: &str| tables.iter().flatten().find(|text| text.id == id).and_then(|text| text.pronunciation.as_deref());
    let prompts = prompts.iter().filter(|(id, _)| !id.ends_with("_tone"));
    let prompts: Vec<(&str, &str)> =
        prompts.map(|(id, entry)| (id.as_str(), beside(id).unwrap_or(entry.text.as_str()))).collect();
    let rows = rows();
    let words: Vec<(&str, &str)> =
        rows.iter().filter(|row| row.pace == Pace::Apart).map(|row| (row.article, row.written)).collect();
    for (what, texts, least) in [("prompts", prompts, 180), ("words of the table", words, 700)] {
        let wrong = said_otherwise(&texts);
        let (agree, raw) = (texts.len() - wrong.len(), texts.len() - said_otherwise_unspelt(&texts));
        println!("{agree} of {} {what} agree; {raw} would as they are written", texts.len());
        assert!(wrong.is_empty(), "{agree} of {} {what} agree\n{}", texts.len(), wrong.join("\n"));
        assert!(agree >= least, "{agree} {what}");
        // The comparison sees what it is to see.
        assert!(raw < agree * 2 / 3, "{raw} of {agree} {what}");
    }
}

/// The texts whose sound is not the standard's.
fn said_otherwise(texts: &[(&str, &str)]) -> Vec<String> {
    let heard = voice(texts.iter().map(|(_, text)| pronunciation::spoken(text)));
    let differ = texts.iter().zip(heard).filter_map(|((name, text), heard)| {
        let standard = pronunciation::said(text, Pace::Apart);
        let expected = phonemes(&standard);
        (expected != heard).then(|| format!("{name}: {standard}\n  should be {expected}\n  is        {heard}"))
    });
    differ.collect()
}

/// How many would be, if the voice were given them as they are written.
fn said_otherwise_unspelt(texts: &[(&str, &str)]) -> usize {
    let heard = voice(texts.iter().map(|(_, text)| (*text).to_owned()));
    texts
        .iter()
        .zip(heard)
        .filter(|((_, text), heard)| phonemes(&pronunciation::said(text, Pace::Apart)) != *heard)
        .count()
}

/// What espeak-ng says to each text, in its own letters for sounds; without stress, without the spaces, which it leaves out before ㄴ
/// and ㅁ, and without the mark of an ㅣ before another vowel.
fn voice(texts: impl Iterator<Item = String>) -> Vec<String> {
    // A text may have several sentences, and each makes a line; 삐익 stands between texts.
    const BETWEEN: &str = "p-iiq";
    let script: String = texts.map(|text| format!("{}.\n\n삐익.\n\n", text.trim_end_matches('.'))).collect();
    let mut child = Command::new("espeak-ng")
        .args(["-v", "ko+Annie", "-q", "-x", "--sep=.", "-b", "1", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("espeak-ng starts");
    let mut input = child.stdin.take().expect("piped");
    let writer = thread::spawn(move || input.write_all(script.as_bytes()).expect("written"));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    let said = String::from_utf8_lossy(&output.stdout).replace(['\'', ',', '.'], "").replace("i;", "i");
    let (mut heard, mut one) = (Vec::new(), String::new());
    for line in said.lines().map(|line| line.split_whitespace().collect::<String>()) {
        if line == BETWEEN {
            heard.push(std::mem::take(&mut one));
        } else {
            one.push_str(&line);
        }
    }
    heard
}

/// Hangul as it is said, in the voice's letters for sounds: syllable by syllable, with no rule but where ㄱ, ㅂ, ㅈ stand at the beginning of a
/// word and that two ㄹ are one long one.
fn phonemes(standard: &str) -> String {
    const VOWELS: [&str; 21] = [
        "a", "E", "ja", "jE", "@", "e", "j@", "je", "o", "wa", "wE", "we", "jo", "u", "w@", "we", "wi", "ju", "u-",
        "u-j", "i",
    ];
    let mut words = Vec::new();
    for word in standard.split(|c| Syllable::from_char(c).is_none()).filter(|word| !word.is_empty()) {
        let syllables: Vec<Syllable> = word.chars().filter_map(Syllable::from_char).collect();
        let mut out = String::new();
        for (at, syllable) in syllables.iter().enumerate() {
            let (begins, next) = (at == 0, syllables.get(at + 1));
            let doubled = at > 0 && syllables[at - 1].last == 'ㄹ';
            out.push_str(match syllable.initial {
                'ㄱ' if begins => "g",
                'ㄱ' => "q",
                'ㄲ' => "k-",
                'ㅋ' => "kh",
                'ㄷ' => "d",
                'ㄸ' => "t-",
                'ㅌ' => "th",
                'ㅂ' if begins => "p",
                'ㅂ' => "b",
                'ㅃ' => "p-",
                'ㅍ' => "ph",
                'ㅈ' if begins => "tS;",
                'ㅈ' => "dZ;",
                'ㅉ' => "tS;-",
                'ㅊ' => "tSh",
                'ㅅ' => "s",
                'ㅆ' => "s-",
                'ㅎ' => "h",
                'ㄴ' => "n",
                'ㅁ' => "m",
                'ㄹ' if doubled => "l",
                'ㄹ' => "*",
                _ => "",
            });
            out.push_str(VOWELS[syllable.medial as usize]);
            out.push_str(match syllable.last {
                NONE => "",
                'ㄱ' => "q",
                'ㄴ' => "n",
                'ㄷ' => "d-",
                'ㄹ' if next.is_some_and(|next| next.initial == 'ㄹ') => "",
                'ㄹ' => "L",
                'ㅁ' => "m",
                'ㅂ' => "p",
                'ㅇ' => "N",
                other => panic!("{word}: {other} ends no syllable"),
            });
        }
        words.push(out);
    }
    words.concat()
}
