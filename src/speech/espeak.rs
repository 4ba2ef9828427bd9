//! Standard pronunciation spelt so that espeak-ng 1.51 says it.
//!
//! Its Korean voice reads the seven finals, linked consonants and tense ㄸ ㅃ ㅉ as they are written, but a written ㄲ with the very sound of a
//! plain ㄱ between vowels (평까 as 평가). The tense k that it has comes from a ㄱ behind a stop (국가), and from a final ㄲ before a
//! vowel (갂아); so ㄲ is spelt in these ways. ㅆ has the sound of ㅅ however it is spelt.

use crate::speech::hangul::{NONE, Syllable};

/// A final ㄲ that belongs to no syllable block: the one before it has a final already.
const FINAL_GG: char = '\u{11a9}';

/// `standard` text in the spelling for the synthesiser.
pub fn spelt(standard: &str) -> String {
    let mut out = String::with_capacity(standard.len());
    for character in standard.chars() {
        let Some(syllable) = Syllable::from_char(character).filter(|syllable| syllable.initial == 'ㄲ') else {
            out.push(character);
            continue;
        };
        let before = out.chars().next_back();
        let previous = before.and_then(Syllable::from_char);
        let initial = match previous.map(|previous| previous.last) {
            Some('ㄱ' | 'ㄷ' | 'ㅂ') => 'ㄱ',
            Some(NONE) => {
                out.pop();
                let moved = previous.and_then(|previous| Syllable { last: 'ㄲ', ..previous }.to_char());
                out.extend(moved.or(before));
                'ㅇ'
            }
            _ => {
                out.push(FINAL_GG);
                'ㅇ'
            }
        };
        out.extend(Syllable { initial, ..syllable }.to_char());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tense_g_is_spelt_as_the_voice_has_it() {
        for (standard, voice) in [
            ("국까", "국가"),
            ("바께", "밖에"),
            ("평까", "평\u{11a9}아"),
            ("할 꺼슬", "할 \u{11a9}어슬"),
            ("육깨월 시까지", "육개월 싞아지"),
            ("임니다, 쌀.", "임니다, 쌀."),
        ] {
            assert_eq!(spelt(standard), voice, "{standard}");
        }
    }
}
