//! Names of prompts whose words stand in the routing table: `say/정책자금`, `phrase/text-서울로`. Prompts are files of these names, and any words may
//! stand in a table.
//!
//! Words that can name a file below the folder name it as they are, `/` among them. In others each character that cannot stand is written as `%`
//! and the two hexadecimal digits of its bytes, `%` itself too, so that no two words meet in one name: words that look so are no names as they are. Of long ones the
//! beginning is kept, and a digest says which they are.

use crate::limits::PROMPT_ID_BYTES_MAX;
use crate::speech::hangul;
use sha2::{Digest, Sha256};

/// A part of a name is no longer, so that a family before it, a particle and a melody behind it still fit.
const PART_BYTES_MAX: usize = 160;
/// Begins the digest of long words; an escape never looks so.
const DIGEST: &str = "%~";
/// Of the digest: by chance no two words of a table agree in them.
const DIGEST_BYTES: usize = 8;

/// Words as they are compared and spoken: syllables joined that came as single letters (NFD), without spaces around.
pub fn words(text: &str) -> String {
    hangul::compose(text.trim())
}

/// Words as a part of a prompt's name.
pub fn part(text: &str) -> String {
    let text = words(text);
    if text.len() <= PART_BYTES_MAX && is_path_inside(&text) && !looks_escaped(&text) {
        return text;
    }
    let escaped = escape(&text);
    if escaped.len() <= PART_BYTES_MAX {
        return escaped;
    }
    let room = PART_BYTES_MAX - DIGEST.len() - 2 * DIGEST_BYTES;
    let cut = (0..=room).rev().find(|at| escaped.is_char_boundary(*at)).unwrap_or(0);
    let begin = escaped.get(..cut).unwrap_or_default();
    // Not behind half of an escape.
    let begin = match begin.rfind('%') {
        Some(at) if begin.len() - at < 3 => begin.get(..at).unwrap_or_default(),
        _ => begin,
    };
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("{begin}{DIGEST}{digest}")
}

/// The name of a prompt as a table of texts has it: behind `say/` stand the words as they are in the routing table.
pub fn of_table(id: &str) -> String {
    match id.strip_prefix("say/") {
        Some(words) => format!("say/{}", part(words)),
        None => id.to_owned(),
    }
}

/// Whether a prompt's name stays inside the prompt folder as a file name.
pub fn is_path_inside(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= PROMPT_ID_BYTES_MAX
        && !id.contains(['\\', ':'])
        && !id.chars().any(char::is_control)
        && id.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
        // A folder of this name would be where another prompt has its file.
        && !id.contains(".wav/")
}

/// Whether something in it is, or could be, an escape or the digest of long words.
fn looks_escaped(text: &str) -> bool {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    let bytes = text.as_bytes();
    text.contains(DIGEST)
        || bytes.windows(3).any(|three| matches!(three, [b'%', high, low] if is_hex(high) && is_hex(low)))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() || matches!(character, '/' | '\\' | ':' | '%' | '.') {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn words_that_can_name_a_file_do_and_others_are_escaped() {
        for (words, name) in [
            ("정책자금", "정책자금"),
            ("R&D", "R&D"),
            ("판로/수출", "판로/수출"),
            ("FTA 콜센터 ver. 2", "FTA 콜센터 ver. 2"),
            // Taken apart, as a Mac writes it.
            ("\u{110c}\u{1165}\u{11bc}\u{110e}\u{1162}\u{11a8}", "정책"),
            (" 상담원 ", "상담원"),
            ("상담 50% 할인", "상담 50% 할인"),
            ("상담 %25 할인", "상담 %2525 할인"),
            ("상담 %~", "상담 %25~"),
            ("가//나", "가%2F%2F나"),
            ("/가", "%2F가"),
            ("가/", "가%2F"),
            ("가/../나", "가%2F%2E%2E%2F나"),
            (".숨은 곳", "%2E숨은 곳"),
            ("24:00 상담", "24%3A00 상담"),
            ("a\\b", "a%5Cb"),
            ("가\u{85}나", "가%C2%85나"),
            ("가.wav/나", "가%2Ewav%2F나"),
        ] {
            assert_eq!(part(words), name, "{words:?}");
            assert!(is_path_inside(&format!("say/{name}")), "{name}");
        }
        assert_eq!(of_table("say/가//나"), "say/가%2F%2F나");
        assert_eq!(of_table("center/kosmes"), "center/kosmes");
    }

    #[test]
    fn no_two_words_meet_in_one_name() {
        // Every text of up to five of the characters that an escape is made of, and long ones that differ at their ends.
        let letters = ['/', '.', '%', ':', '2', 'F', '~', '가'];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            let longer = texts.iter().flat_map(|text| letters.iter().map(move |letter| format!("{text}{letter}")));
            let longer: Vec<String> = longer.collect();
            texts.extend(longer);
            texts.sort();
            texts.dedup();
        }
        texts.remove(0);
        for filling in ["가", "가/", "%", "a.", "/"] {
            texts.extend((0..100).map(|at| format!("{}{at}", filling.repeat(300 - 100 * (at % 2)))));
        }
        let mut names: BTreeMap<String, &String> = BTreeMap::new();
        for text in &texts {
            let name = part(text);
            assert!(name.len() <= PART_BYTES_MAX, "{name}");
            assert!(is_path_inside(&name), "{text:?}: {name}");
            if let Some(other) = names.insert(name, text) {
                panic!("{text:?} and {other:?} are one file");
            }
        }
        assert!(texts.len() > 30_000);
    }

    #[test]
    fn what_would_leave_the_folder_is_no_name() {
        let long = "가".repeat(100);
        for bad in ["", "/etc/x", "say/../x", "say/", "say//x", "say/.x", "a\\b", "say/a\0", "C:x", "a.wav/b", &long] {
            assert!(!is_path_inside(bad), "{bad:?}");
        }
    }
}
