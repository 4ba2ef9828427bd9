//! The tables of texts, `prompts/ko/*.tsv`: one prompt a line, `id⇥kind⇥text⇥pronunciation`.
//!
//! The first line names the columns; empty lines and lines that begin with `#` are left out. Every mistake of a file is
//! reported, not only the first.

use crate::limits::{PROMPT_ID_BYTES_MAX, PROMPT_TEXT_CHARS_MAX};
use crate::speech::finding::{Both, PromptError, both};
use crate::speech::naming;
use crate::speech::sound::Tone;
use crate::speech::words::Kind;
use std::collections::BTreeMap;

/// One line of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The prompt's name, and with `.wav` its file's.
    pub id: String,
    /// How it is spoken.
    pub kind: Kind,
    /// What is said.
    pub text: String,
    /// What the synthesiser is given instead, where it would read the text wrong.
    pub pronunciation: Option<String>,
    /// Where it stands.
    pub file: String,
    /// The line there.
    pub line: usize,
}

/// Reads one table.
pub fn read(file: &str, bytes: &[u8]) -> (Vec<Text>, Vec<PromptError>) {
    let mut texts: Vec<Text> = Vec::new();
    let mut errors = Vec::new();
    // Spreadsheets put a byte-order mark before the text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut columns_named = false;
    for (index, line_bytes) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let line = index + 1;
        let mut report = |(what, fix): (Both, Both)| {
            errors.push(PromptError { file: file.to_owned(), line: Some(line), what, fix });
        };
        let Ok(content) = std::str::from_utf8(line_bytes) else {
            report((
                both("UTF-8이 아닙니다", "not UTF-8"),
                both(
                    "편집기에서 UTF-8로 저장하세요(EUC-KR, CP949 아님)",
                    "save the file as UTF-8 (not EUC-KR or CP949)",
                ),
            ));
            continue;
        };
        let content = content.strip_suffix('\r').unwrap_or(content);
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        if !columns_named {
            columns_named = true;
            if content.split('\t').map(str::trim).eq(["id", "kind", "text", "pronunciation"]) {
                continue;
            }
            report((
                both("첫 줄은 열 이름이어야 합니다", "the first line must name the columns"),
                both(
                    "첫 줄: id⇥kind⇥text⇥pronunciation (⇥는 탭)",
                    "first line: id⇥kind⇥text⇥pronunciation (⇥ is a tab)",
                ),
            ));
        }
        match row(file, content, line) {
            Err(mistake) => report(mistake),
            Ok(text) => match seen.get(&text.id) {
                Some(first) => report((
                    both(
                        format!("`{}`이(가) {first}행에 이미 있습니다", text.id),
                        format!("`{}` stands in line {first} already", text.id),
                    ),
                    both("둘 중 하나를 지우거나 이름을 바꾸세요", "delete one of them or give it another id"),
                )),
                None => {
                    seen.insert(text.id.clone(), line);
                    texts.push(text);
                }
            },
        }
    }
    (texts, errors)
}

fn row(file: &str, content: &str, line: usize) -> Result<Text, (Both, Both)> {
    let fields: Vec<&str> = content.split('\t').map(str::trim).collect();
    let (id, kind, text, pronunciation) = match fields[..] {
        [id, kind, text] => (id, kind, text, ""),
        [id, kind, text, pronunciation] => (id, kind, text, pronunciation),
        _ => {
            return Err((
                both(
                    format!("열이 {}개입니다. 3개나 4개여야 합니다", fields.len()),
                    format!("{} columns; there must be three or four", fields.len()),
                ),
                both(
                    "열 사이에 탭 하나: id⇥kind⇥text⇥pronunciation",
                    "one tab between columns: id⇥kind⇥text⇥pronunciation",
                ),
            ));
        }
    };
    let named = naming::of_table(id);
    if !id_is_plain(id) && !id_is_of_a_table(&named) {
        return Err((
            both(format!("`{id}`은(는) 안내음 이름이 될 수 없습니다"), format!("`{id}` cannot name a prompt")),
            both("영문 소문자, 숫자, 밑줄만 쓰세요: menu_main", "use small Latin letters, digits and `_`: menu_main"),
        ));
    }
    let Some(kind) = Kind::from_word(kind) else {
        return Err((
            both(format!("`{kind}`은(는) 없는 종류입니다"), format!("`{kind}` is no kind")),
            both(
                "sentence, going-on, ending, digit, tone 가운데 하나를 쓰세요",
                "write one of sentence, going-on, ending, digit, tone",
            ),
        ));
    };
    if kind == Kind::Tone && Tone::from_word((!pronunciation.is_empty()).then_some(pronunciation)).is_none() {
        return Err((
            both(format!("`{pronunciation}`은(는) 없는 소리입니다"), format!("`{pronunciation}` is no tone")),
            both("넷째 열에 music이나 beep를 쓰세요", "write music or beep in the fourth column"),
        ));
    }
    if text.is_empty() {
        return Err((
            both(format!("`{id}`의 문구가 비었습니다"), format!("`{id}` has no text")),
            both("셋째 열에 들려줄 말을 쓰세요", "write what is said in the third column"),
        ));
    }
    if text.chars().count().max(pronunciation.chars().count()) > PROMPT_TEXT_CHARS_MAX {
        return Err((
            both(
                format!("`{id}`의 문구가 {PROMPT_TEXT_CHARS_MAX}자보다 깁니다"),
                format!("the text of `{id}` is longer than {PROMPT_TEXT_CHARS_MAX} characters"),
            ),
            both("나누거나 줄이세요", "split it or shorten it"),
        ));
    }
    Ok(Text {
        id: named,
        kind,
        text: text.to_owned(),
        pronunciation: (!pronunciation.is_empty()).then(|| pronunciation.to_owned()),
        file: file.to_owned(),
        line,
    })
}

/// Names of the tables: what an operator types without thinking about spelling.
fn id_is_plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= PROMPT_ID_BYTES_MAX
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Words of the routing table, which a language says in its own way (`say/정책자금` in `prompts/en`) or a table pronounces.
fn id_is_of_a_table(id: &str) -> bool {
    ["say/", "center/", "name/"].iter().any(|family| id.starts_with(family)) && naming::is_path_inside(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id\tkind\ttext\tpronunciation\n";

    #[test]
    fn a_table_is_read_line_by_line() {
        let (texts, errors) = read(
            "a.tsv",
            format!("\u{feff}# 인사\n\n{HEAD}greeting\tsentence\t안녕하십니까.\r\nkey_1\tending\t1번\t일번\n")
                .as_bytes(),
        );
        assert_eq!(errors, []);
        assert_eq!(texts.len(), 2);
        assert_eq!((texts[0].id.as_str(), texts[0].kind, texts[0].line), ("greeting", Kind::Sentence, 4));
        assert_eq!((texts[0].text.as_str(), texts[0].pronunciation.as_deref()), ("안녕하십니까.", None));
        assert_eq!(texts[1].pronunciation.as_deref(), Some("일번"));
    }

    #[test]
    fn a_mistake_is_reported_with_its_line_and_what_to_do() {
        let long = format!("a\tsentence\t{}", "가".repeat(PROMPT_TEXT_CHARS_MAX + 1));
        for (line, what) in [
            ("a\tsentence", "2 columns"),
            ("a sentence 안녕", "1 columns"),
            ("a\tsentence\t안녕\t안녕\t안녕", "5 columns"),
            ("a\tSentence\t안녕", "`Sentence` is no kind"),
            ("a\t\t안녕", "`` is no kind"),
            ("a\ttone\t종소리\tgong", "`gong` is no tone"),
            ("a\tsentence\t  ", "`a` has no text"),
            ("\tsentence\t안녕", "`` cannot name"),
            ("인사\tsentence\t안녕", "`인사` cannot name"),
            ("../a\tsentence\t안녕", "`../a` cannot name"),
            ("say/\tsentence\t안녕", "`say/` cannot name"),
            ("center/../a\tsentence\t안녕", "`center/../a` cannot name"),
            (long.as_str(), "longer than"),
        ] {
            let (texts, errors) = read("a.tsv", format!("{HEAD}{line}\nb\tsentence\t안녕\n").as_bytes());
            assert_eq!(texts.len(), 1, "the good line is kept: {line}");
            assert_eq!(errors.len(), 1, "{line}");
            assert_eq!((errors[0].file.as_str(), errors[0].line), ("a.tsv", Some(2)));
            assert!(errors[0].what[1].contains(what), "{line}: {}", errors[0]);
            assert!(errors[0].render(true).starts_with("a.tsv:2: "));
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let (texts, errors) =
            read("a.tsv", b"a\tsentence\tA\nid\tkind\ttext\tpronunciation\n\xb0\xa1\nb\tx\tB\na\tending\tC\n");
        let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
        assert!(errors[0].what[1].contains("name the columns"));
        assert!(errors[2].what[1].contains("UTF-8"));
        assert!(errors[4].what[1].contains("stands in line 1 already"));
        assert_eq!(texts.len(), 1);
    }

    #[test]
    fn any_words_of_the_routing_table_may_have_a_line_of_their_own() {
        let (texts, errors) = read("a.tsv", format!("{HEAD}say/../50%\tgoing-on\tFor half price,\n").as_bytes());
        assert_eq!(errors, []);
        assert_eq!(texts[0].id, "say/%2E%2E%2F50%25");
    }
}
