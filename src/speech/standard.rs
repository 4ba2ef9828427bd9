//! Standard pronunciation (표준 발음법): Hangul as it is written to Hangul as it is said.
//!
//! 국민 is said 궁민, 협력 혐녁, 같이 가치. The rules here need only letters, each under its article; what depends on a word's
//! meaning or origin (tensing in Sino-Korean words, an added ㄴ) stands in [`lexicon`]. Vowel length is not written: nobody
//! tells it apart on the telephone. Where the standard allows two forms its first one is taken, but for ㅢ behind a consonant
//! that moves to it (문의 무니, 밖의 바께), where the first cannot be told from 늬 and 끠, and 맛있다 마싣따, which everybody says.

use crate::speech::hangul::{NONE, Syllable};
use crate::speech::lexicon::{self, Mark};

/// How closely words follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// Word by word, as an announcer speaks: across a space only 27 (할 수 할 쑤) and 못 are heard.
    Apart,
    /// In one breath: 12, 15, 18, 23 and 29 across a space, too.
    Joined,
}

/// ㅏ ㅓ ㅕ ㅖ ㅗ ㅜ ㅟ ㅢ ㅣ by their index.
const EO: u32 = 4;
const E: u32 = 5;
const YEO: u32 = 6;
const YE: u32 = 7;
const UI: u32 = 19;
const I: u32 = 20;

/// The standard pronunciation, with spaces and marks where they were.
pub fn standard(text: &str, pace: Pace) -> String {
    let mut out = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let words: Vec<&[char]> = chars.chunk_by(|a, b| is_hangul(*a) == is_hangul(*b)).collect();
    let mut onset = None;
    for (at, word) in words.iter().enumerate() {
        if !word.first().copied().is_some_and(is_hangul) {
            out.extend(word.iter());
            continue;
        }
        let mut said = inside(word);
        if let (Some(first), Some(initial)) = (said.first_mut(), onset.take()) {
            *first = Syllable { initial, ..*first };
        }
        let next = match (words.get(at + 1), words.get(at + 2)) {
            (Some([' ']), Some(next)) => Some(*next),
            _ => None,
        };
        if let Some(last) = said.last_mut() {
            let after = words.get(at + 4).filter(|_| words.get(at + 3).is_some_and(|gap| **gap == [' ']));
            (last.last, onset) = edge(word, *last, next, after.copied(), pace);
        }
        out.extend(said.into_iter().filter_map(|syllable| vowel(syllable).to_char()));
    }
    out
}

fn is_hangul(character: char) -> bool {
    Syllable::from_char(character).is_some()
}

/// 5: what is left of a compound vowel behind some consonants.
fn vowel(said: Syllable) -> Syllable {
    let medial = match (said.initial, said.medial) {
        // 가져 가저, 다쳐 다처.
        ('ㅈ' | 'ㅉ' | 'ㅊ', YEO) => EO,
        ('ㅈ' | 'ㅉ' | 'ㅊ', YE) => E,
        // 희망 히망.
        (initial, UI) if initial != 'ㅇ' => I,
        (_, medial) => medial,
    };
    Syllable { medial, ..said }
}

/// The syllables of one word as they are said; the last keeps its final as written.
fn inside(written: &[char]) -> Vec<Syllable> {
    let (word, marks) = lexicon::marked(written);
    let spelt: Vec<Syllable> = word.iter().copied().filter_map(Syllable::from_char).collect();
    let mut said = spelt.clone();
    for at in 1..spelt.len() {
        let (Some(&first), Some(&second)) = (spelt.get(at - 1), spelt.get(at)) else { continue };
        let (last, initial) = match marks.get(at).copied().unwrap_or_default() {
            Mark::None
                if lexicon::is_sai_siot(word.get(at - 1).copied()) && tense(second.initial) != second.initial =>
            {
                // 30: 냇가 내까.
                (NONE, tense(second.initial))
            }
            Mark::TenseBehindRieul if first.last == 'ㄹ' => ('ㄹ', tense(second.initial)),
            Mark::Nasal if first.last == 'ㄴ' => ('ㄴ', 'ㄴ'),
            Mark::None | Mark::TenseBehindRieul | Mark::Nasal => met(first, second),
            Mark::Tense => (closed(first, None), tense(second.initial)),
            Mark::Nieun => nieun(closed(first, None)),
            Mark::Seam => {
                let (last, initial) = across(closed(first, None), second);
                (last, initial.unwrap_or(second.initial))
            }
        };
        let medial = match second.medial {
            // 5: the particle 의 behind a consonant is 에, any other 의 이.
            UI if second.initial == 'ㅇ' && initial != 'ㅇ' && second.last == NONE => {
                if at + 1 == spelt.len() && !lexicon::ends_in_noun_of_ui(&word) { E } else { I }
            }
            medial => medial,
        };
        if let Some(first) = said.get_mut(at - 1) {
            first.last = last;
        }
        if let Some(second) = said.get_mut(at) {
            (second.initial, second.medial) = (initial, medial);
        }
    }
    said
}

/// The end of a word: its final, and the initial of the next word where the two meet.
fn edge(
    word: &[char],
    last: Syllable,
    next: Option<&[char]>,
    after: Option<&[char]>,
    pace: Pace,
) -> (char, Option<char>) {
    let final_sound = closed(last, None);
    let second = next.and_then(|next| next.first()).copied().and_then(Syllable::from_char);
    let (Some(next), Some(second)) = (next, second) else { return (final_sound, None) };
    // 27: 할 것을 할꺼슬.
    if last.last == 'ㄹ' && lexicon::is_adnominal(word) && lexicon::is_dependent(next, after) {
        return (final_sound, Some(tense(second.initial)));
    }
    // 못 clings to its verb.
    if pace == Pace::Apart && word != ['못'] {
        return (final_sound, None);
    }
    // 29: 옷 입다 온닙따.
    if second.initial == 'ㅇ' && front(second.medial) && final_sound != NONE {
        let (last, initial) = nieun(final_sound);
        return (last, Some(initial));
    }
    across(final_sound, second)
}

/// ㅣ and the glides ㅑ ㅕ ㅛ ㅠ ㅒ ㅖ.
fn front(medial: u32) -> bool {
    matches!(medial, 2 | 3 | 6 | 7 | 12 | 17 | I)
}

/// Two words in one breath; the first ends in one of the seven finals.
fn across(last: char, second: Syllable) -> (char, Option<char>) {
    match (last, second.initial) {
        // 12: 옷 한 벌 오탄벌.
        ('ㄱ' | 'ㄷ' | 'ㅂ', 'ㅎ') => (NONE, Some(aspirated(last))),
        // 15: 밭 아래 바다래.
        ('ㄱ' | 'ㄴ' | 'ㄷ' | 'ㄹ' | 'ㅁ' | 'ㅂ', 'ㅇ') => (NONE, Some(last)),
        // 18: 책 넣는다 챙넌는다.
        ('ㄱ' | 'ㄷ' | 'ㅂ', 'ㄴ' | 'ㅁ') => (nasal(last), None),
        // 23.
        ('ㄱ' | 'ㄷ' | 'ㅂ', initial) => (last, Some(tense(initial))),
        _ => (last, None),
    }
}

/// 29: a ㄴ comes between; behind ㄹ it is ㄹ, and a stop before it is nasal.
fn nieun(last: char) -> (char, char) {
    match last {
        'ㄹ' => ('ㄹ', 'ㄹ'),
        last => (nasal(last), 'ㄴ'),
    }
}

/// Two syllables of one word.
fn met(first: Syllable, second: Syllable) -> (char, char) {
    match second.initial {
        'ㅇ' => linked(first.last, second.medial),
        'ㅎ' => breathed(first.last, second.medial),
        initial if matches!(first.last, 'ㅎ' | 'ㄶ' | 'ㅀ') => after_hieut(first.last, initial),
        initial => consonants(first, second, initial),
    }
}

/// 13, 14: a final moves to the open syllable after it; 12.4: ㅎ is lost; 17: ㄷ and ㅌ soften before 이.
fn linked(last: char, medial: u32) -> (char, char) {
    match last {
        'ㄷ' if medial == I => (NONE, 'ㅈ'),
        'ㅌ' if medial == I || medial == YEO => (NONE, 'ㅊ'),
        'ㄾ' if medial == I => ('ㄹ', 'ㅊ'),
        'ㅇ' | NONE => (last, 'ㅇ'),
        'ㅎ' => (NONE, 'ㅇ'),
        'ㄶ' => (NONE, 'ㄴ'),
        'ㅀ' => (NONE, 'ㄹ'),
        'ㄳ' => ('ㄱ', 'ㅆ'),
        'ㄵ' => ('ㄴ', 'ㅈ'),
        'ㄺ' => ('ㄹ', 'ㄱ'),
        'ㄻ' => ('ㄹ', 'ㅁ'),
        'ㄼ' => ('ㄹ', 'ㅂ'),
        'ㄽ' => ('ㄹ', 'ㅆ'),
        'ㄾ' => ('ㄹ', 'ㅌ'),
        'ㄿ' => ('ㄹ', 'ㅍ'),
        'ㅄ' => ('ㅂ', 'ㅆ'),
        single => (NONE, single),
    }
}

/// 12.1, its notes, and 17's note (굳히다): a stop before ㅎ. Behind ㄴ, ㄹ, ㅁ, ㅇ the ㅎ stays (전화).
fn breathed(last: char, medial: u32) -> (char, char) {
    let soft = medial == I || medial == YEO;
    match last {
        'ㄱ' | 'ㄲ' | 'ㅋ' | 'ㄳ' => (NONE, 'ㅋ'),
        'ㄺ' => ('ㄹ', 'ㅋ'),
        'ㄷ' | 'ㅌ' if soft => (NONE, 'ㅊ'),
        'ㄾ' if soft => ('ㄹ', 'ㅊ'),
        'ㄾ' => ('ㄹ', 'ㅌ'),
        'ㄷ' | 'ㅅ' | 'ㅆ' | 'ㅊ' | 'ㅌ' | 'ㅎ' => (NONE, 'ㅌ'),
        'ㅂ' | 'ㅍ' | 'ㅄ' => (NONE, 'ㅍ'),
        'ㄼ' | 'ㄿ' => ('ㄹ', 'ㅍ'),
        'ㅈ' => (NONE, 'ㅊ'),
        'ㄵ' => ('ㄴ', 'ㅊ'),
        'ㄶ' => ('ㄴ', 'ㅎ'),
        'ㄽ' | 'ㅀ' => ('ㄹ', 'ㅎ'),
        'ㄻ' => ('ㅁ', 'ㅎ'),
        other => (other, 'ㅎ'),
    }
}

/// 12.1–12.3: a final ㅎ before a consonant.
fn after_hieut(last: char, initial: char) -> (char, char) {
    let rest = match last {
        'ㄶ' => 'ㄴ',
        'ㅀ' => 'ㄹ',
        _ => NONE,
    };
    match initial {
        'ㄱ' | 'ㄷ' | 'ㅈ' => (rest, aspirated(initial)),
        'ㅅ' => (rest, 'ㅆ'),
        'ㄴ' if last == 'ㅀ' => ('ㄹ', 'ㄹ'),
        'ㄹ' if last != 'ㅎ' => ('ㄹ', 'ㄹ'),
        'ㄴ' | 'ㄹ' => ('ㄴ', 'ㄴ'),
        'ㅁ' if last == 'ㅎ' => ('ㄴ', 'ㅁ'),
        other if last == 'ㅎ' => ('ㄷ', tense(other)),
        other => (rest, other),
    }
}

/// 18–20 and 23–25: two consonants meet.
fn consonants(first: Syllable, second: Syllable, initial: char) -> (char, char) {
    let last = closed(first, Some(second));
    match (last, initial) {
        // 20: ㄴ beside ㄹ.
        ('ㄴ', 'ㄹ') | ('ㄹ', 'ㄴ') => ('ㄹ', 'ㄹ'),
        // 19: ㄹ behind another consonant.
        ('ㅁ' | 'ㅇ', 'ㄹ') => (last, 'ㄴ'),
        ('ㄱ' | 'ㄷ' | 'ㅂ', 'ㄹ') => (nasal(last), 'ㄴ'),
        // 18: a stop before a nasal.
        ('ㄱ' | 'ㄷ' | 'ㅂ', 'ㄴ' | 'ㅁ') => (nasal(last), initial),
        // 23: a stop makes the next one tense.
        ('ㄱ' | 'ㄷ' | 'ㅂ', _) => (last, tense(initial)),
        // 24, 25: so do the stems in ㄵ, ㄻ, ㄼ, ㄾ; the suffix 기 of 굶기다 stays, and 여덟 and 삶 are no stems.
        (_, 'ㄱ' | 'ㄷ' | 'ㅅ' | 'ㅈ') if stem_tenses(first, second) => (last, tense(initial)),
        // 11: ㄺ of a stem before ㄱ.
        ('ㄹ', 'ㄱ') if first.last == 'ㄺ' => (last, 'ㄲ'),
        _ => (last, initial),
    }
}

fn stem_tenses(first: Syllable, second: Syllable) -> bool {
    let causative = first.last == 'ㄻ' && second.initial == 'ㄱ' && second.medial == I;
    let noun = matches!(first.to_char(), Some('덟' | '삶'));
    matches!(first.last, 'ㄵ' | 'ㄻ' | 'ㄼ' | 'ㄾ') && !causative && !noun
}

/// 8–11: the seven sounds that end a syllable.
fn closed(first: Syllable, next: Option<Syllable>) -> char {
    match first.last {
        'ㄱ' | 'ㄲ' | 'ㅋ' | 'ㄳ' => 'ㄱ',
        // 11: 맑게 말께, but 닭과 닥꽈.
        'ㄺ' if next.is_some_and(|next| next.initial == 'ㄱ') && !is_noun(first) => 'ㄹ',
        'ㄺ' => 'ㄱ',
        'ㄷ' | 'ㅅ' | 'ㅆ' | 'ㅈ' | 'ㅊ' | 'ㅌ' | 'ㅎ' => 'ㄷ',
        'ㅂ' | 'ㅍ' | 'ㅄ' | 'ㄿ' => 'ㅂ',
        // 10: 밟다 밥따.
        'ㄼ' if first.initial == 'ㅂ' && next.is_some() => 'ㅂ',
        'ㄼ' | 'ㄽ' | 'ㄾ' | 'ㅀ' => 'ㄹ',
        'ㄵ' | 'ㄶ' => 'ㄴ',
        'ㄻ' => 'ㅁ',
        single => single,
    }
}

/// Nouns in ㄺ: 닭, 흙, 칡, 기슭.
fn is_noun(syllable: Syllable) -> bool {
    matches!(syllable.to_char(), Some('닭' | '흙' | '칡' | '슭'))
}

fn nasal(last: char) -> char {
    match last {
        'ㄱ' => 'ㅇ',
        'ㄷ' => 'ㄴ',
        'ㅂ' => 'ㅁ',
        other => other,
    }
}

fn tense(initial: char) -> char {
    match initial {
        'ㄱ' => 'ㄲ',
        'ㄷ' => 'ㄸ',
        'ㅂ' => 'ㅃ',
        'ㅅ' => 'ㅆ',
        'ㅈ' => 'ㅉ',
        other => other,
    }
}

fn aspirated(stop: char) -> char {
    match stop {
        'ㄱ' => 'ㅋ',
        'ㄷ' => 'ㅌ',
        'ㅂ' => 'ㅍ',
        'ㅈ' => 'ㅊ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_meets_ends_in_one_of_seven_sounds_and_is_said_the_same_again() {
        let finals = "\0ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
        let (mut pairs, mut unsteady) = (0, Vec::new());
        for last in finals.chars() {
            for initial in "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ".chars() {
                for medial in 0..21 {
                    let first = Syllable { initial: 'ㄱ', medial: 8, last }.to_char().expect("a syllable");
                    let second = Syllable { initial, medial, last: 'ㄻ' }.to_char().expect("a syllable");
                    for (gap, pace) in [("", Pace::Apart), (" ", Pace::Apart), (" ", Pace::Joined)] {
                        let written = format!("{first}{gap}{second}");
                        let said = standard(&written, pace);
                        assert_eq!(said.chars().count(), written.chars().count(), "{written} {said}");
                        for syllable in said.chars().filter_map(Syllable::from_char) {
                            assert!("\0ㄱㄴㄷㄹㅁㅂㅇ".contains(syllable.last), "{written} {said}");
                        }
                        if standard(&said, pace) != said {
                            unsteady.push(format!("{written} {said} {}", standard(&said, pace)));
                        }
                        pairs += 1;
                    }
                }
            }
        }
        assert_eq!(pairs, 28 * 19 * 21 * 3);
        assert!(unsteady.is_empty(), "{}: {:?}", unsteady.len(), unsteady.iter().take(20).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_hangul_stays_where_it_is() {
        for text in ["", " ", "  ", "a", "ㄱㅏ", "é。,", "한", "한  글", "\u{1112}\u{1161}", " 값 ", "값"] {
            let kept = |text: &str| text.chars().filter(|c| !is_hangul(*c)).collect::<String>();
            for pace in [Pace::Apart, Pace::Joined] {
                assert_eq!(kept(&standard(text, pace)), kept(text), "{text}");
            }
        }
        assert_eq!(standard("값  값", Pace::Joined), "갑  갑");
    }
}
