//! From what is written to what is said: the text a synthesiser is given.
//!
//! espeak-ng reads 1357 as a quantity, R&D and # in English, and Hangul letter by letter where standard Korean
//! (표준 발음법) lets sounds meet: 국민 must sound 궁민, 입니다 임니다, 신라 실라. So numbers, letters and signs are
//! written out first, then a short list of words no rule can know, then the rules of meeting sounds, word by word.
//! What espeak-ng does well by itself (linking 자금은, tensing 육번, aspiration 특허) is left to it.
//! A prompt that still sounds wrong has a `pronunciation` of its own in its table.

use crate::speech::hangul::{NONE, Syllable};
use crate::speech::numeral;

/// The text as it is to be spoken.
pub fn spoken(text: &str) -> String {
    meeting_sounds(&exceptions(&written_out(text)))
}

/// Counters that take native numbers (한 시, 두 명); every other unit takes Sino-Korean (일 번, 삼십 분).
const NATIVE_COUNTERS: [&str; 8] = ["시간", "시", "명", "개", "번째", "가지", "곳", "군데"];
const SINO_COUNTERS: [&str; 14] =
    ["번", "분", "초", "원", "년", "월", "일", "층", "호", "차", "개월", "퍼센트", "회", "단계"];

/// Digits, Latin letters and signs, as words.
fn written_out(text: &str) -> String {
    let text = text.replace("R&D", "알앤디").replace("r&d", "알앤디");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        if character.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            out.push_str(&number_words(number, after));
            rest = after;
            continue;
        }
        match character {
            '#' => out.push_str("우물정자"),
            '*' => out.push_str("별표"),
            '%' => out.push_str("퍼센트"),
            '&' => out.push_str(" 앤 "),
            '·' | '/' => out.push_str(", "),
            '(' | ')' | '\'' | '"' | '‘' | '’' | '“' | '”' => {}
            _ => match letter_name(character) {
                Some(name) => out.push_str(name),
                None => out.push(character),
            },
        }
        rest = rest.get(character.len_utf8()..).unwrap_or("");
    }
    out
}

/// A run of digits and hyphens, said as what follows it asks.
fn number_words(number: &str, after: &str) -> String {
    let unit = after.trim_start();
    let value = number.parse::<u32>().ok();
    // 시장 is no hour and 일반 no day: a counter counts only when its number is a plain one, and the longer name
    // wins (시간 before 시).
    if let Some(value) = value {
        if unit.starts_with("월") && (value == 6 || value == 10) {
            return if value == 6 { "유" } else { "시" }.to_owned();
        }
        if SINO_COUNTERS.iter().any(|counter| unit.starts_with(counter)) && !unit.starts_with("번째") {
            return numeral::sino(value);
        }
        if NATIVE_COUNTERS.iter().any(|counter| unit.starts_with(counter)) {
            return numeral::native(value).unwrap_or_else(|| numeral::sino(value));
        }
        if number.len() <= 2 {
            return numeral::sino(value);
        }
    }
    // Telephone and receipt numbers: digit by digit, a breath for each hyphen.
    number.split('-').map(numeral::one_by_one).filter(|group| !group.is_empty()).collect::<Vec<_>>().join(", ")
}

fn letter_name(letter: char) -> Option<&'static str> {
    const NAMES: [&str; 26] = [
        "에이",
        "비",
        "씨",
        "디",
        "이",
        "에프",
        "지",
        "에이치",
        "아이",
        "제이",
        "케이",
        "엘",
        "엠",
        "엔",
        "오",
        "피",
        "큐",
        "알",
        "에스",
        "티",
        "유",
        "브이",
        "더블유",
        "엑스",
        "와이",
        "제트",
    ];
    if !letter.is_ascii_alphabetic() {
        return None;
    }
    NAMES.get(usize::from(letter.to_ascii_lowercase() as u8 - b'a')).copied()
}

/// Words whose sound no rule of letters can tell (tensing inside Sino-Korean words, an added ㄴ, 문의).
const EXCEPTIONS: [(&str, &str); 29] = [
    ("십육", "심뉵"),
    ("평가", "평까"),
    ("결정", "결쩡"),
    ("발전", "발쩐"),
    ("실시", "실씨"),
    ("활동", "활똥"),
    ("설정", "설쩡"),
    ("실적", "실쩍"),
    ("결제", "결쩨"),
    ("달성", "달썽"),
    ("필수", "필쑤"),
    ("출장", "출짱"),
    ("일정", "일쩡"),
    ("물질", "물찔"),
    ("철도", "철또"),
    ("조건", "조껀"),
    ("인건비", "인껀비"),
    ("특허권", "특허꿘"),
    ("상품권", "상품꿘"),
    ("문의", "무니"),
    ("밖의", "바께"),
    ("협의", "혀비"),
    ("연습용", "연슴뇽"),
    ("업용", "엄뇽"),
    ("국민연금", "궁민년금"),
    ("생산력", "생산녁"),
    ("의견란", "의견난"),
    ("실 수 ", "실 쑤 "),
    ("할 수 ", "할 쑤 "),
];

fn exceptions(text: &str) -> String {
    EXCEPTIONS.iter().fold(text.to_owned(), |text, (written, said)| text.replace(written, said))
}

/// The rules for two consonants that meet inside a word.
fn meeting_sounds(text: &str) -> String {
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    for character in text.chars() {
        let mut next = character;
        let before = out.last().copied().and_then(Syllable::from_char);
        if let (Some(mut first), Some(mut second)) = (before, Syllable::from_char(character)) {
            (first.last, second.initial) = if second.initial == 'ㅇ' && GLIDES.contains(&second.medial) {
                link(first.last)
            } else {
                meet(first.last, second.initial)
            };
            if let (Some(first), Some(second)) = (first.to_char(), second.to_char()) {
                out.pop();
                out.push(first);
                next = second;
            }
        }
        out.push(next);
    }
    out.into_iter().collect()
}

/// ㅑ ㅒ ㅕ ㅖ ㅛ ㅠ.
const GLIDES: [u32; 6] = [2, 3, 6, 7, 12, 17];

/// 13: a final moves to the open syllable after it. espeak-ng does so itself, except before a glide (협약).
fn link(last: char) -> (char, char) {
    match last {
        'ㄱ' | 'ㄷ' | 'ㅂ' | 'ㅅ' | 'ㅈ' | 'ㅊ' | 'ㅋ' | 'ㅌ' | 'ㅍ' => (NONE, last),
        _ => (last, 'ㅇ'),
    }
}

/// A final and the initial after it, as they sound together (표준 발음법, the article beside each rule).
fn meet(last: char, initial: char) -> (char, char) {
    match (last, initial) {
        // 12: ㅎ before ㅅ and ㄴ.
        ('ㅎ', 'ㅅ') => (NONE, 'ㅆ'),
        ('ㄶ', 'ㅅ') => ('ㄴ', 'ㅆ'),
        ('ㅀ', 'ㅅ') => ('ㄹ', 'ㅆ'),
        ('ㅎ', 'ㄴ') => ('ㄴ', 'ㄴ'),
        ('ㄶ', 'ㄴ') => ('ㄴ', 'ㄴ'),
        ('ㅀ' | 'ㄾ', 'ㄴ') => ('ㄹ', 'ㄹ'),
        // 20: ㄴ beside ㄹ becomes ㄹ.
        ('ㄴ' | 'ㄵ', 'ㄹ') => ('ㄹ', 'ㄹ'),
        ('ㄹ', 'ㄴ') => ('ㄹ', 'ㄹ'),
        // 19: ㄹ after another consonant becomes ㄴ, and the consonant before it nasal as in 18.
        (last @ ('ㅁ' | 'ㅇ'), 'ㄹ') => (last, 'ㄴ'),
        (last, 'ㄹ') if nasal(last).is_some() => (nasal(last).unwrap_or(last), 'ㄴ'),
        // 18: a stop before a nasal becomes nasal.
        (last, initial @ ('ㄴ' | 'ㅁ')) if nasal(last).is_some() => (nasal(last).unwrap_or(last), initial),
        other => other,
    }
}

/// The nasal at the place of a stop.
fn nasal(last: char) -> Option<char> {
    match last {
        'ㄱ' | 'ㄲ' | 'ㅋ' | 'ㄳ' | 'ㄺ' => Some('ㅇ'),
        'ㄷ' | 'ㅅ' | 'ㅆ' | 'ㅈ' | 'ㅊ' | 'ㅌ' => Some('ㄴ'),
        'ㅂ' | 'ㅍ' | 'ㄼ' | 'ㄿ' | 'ㅄ' => Some('ㅁ'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cases: &[(&str, &str)]) {
        for (written, said) in cases {
            assert_eq!(spoken(written), *said, "{written}");
        }
    }

    #[test]
    fn numbers_letters_and_signs_are_words() {
        table(&[
            ("1357 상담원", "일삼오칠 상담원"),
            ("1번", "일번"),
            ("10번", "십번"),
            ("2 번", "이 번"),
            ("9시", "아홉시"),
            ("12시 30분", "열두시 삼십분"),
            ("3명", "세명"),
            ("2번째", "두번째"),
            ("24시간", "스물레시간"),
            ("6월 25일", "유월 이십오일"),
            ("10월 9일", "시월 구일"),
            ("2026년", "이천이심늉년"),
            ("1588-0800", "일오팔팔, 공팔공공"),
            ("119", "일일구"),
            ("100개", "백개"),
            ("R&D", "알앤디"),
            ("FTA 콜센터", "에프티에이 콜센터"),
            ("KC 인증", "케이씨 인증"),
            ("#", "우물정자"),
            ("*", "별표"),
            ("판로·수출", "팔로, 수출"),
            ("기술개발(R&D)", "기술개발알앤디"),
        ]);
    }

    #[test]
    fn sounds_that_meet_change_as_the_standard_says() {
        table(&[
            ("국민", "궁민"),
            ("입니다", "임니다"),
            ("없습니다", "없슴니다"),
            ("업무", "엄무"),
            ("받는", "반는"),
            ("읽는", "잉는"),
            ("신라", "실라"),
            ("연락", "열락"),
            ("관리", "괄리"),
            ("판로", "팔로"),
            ("칠년", "칠련"),
            ("협력", "혐녁"),
            ("독립", "동닙"),
            ("음료", "음뇨"),
            ("공립", "공닙"),
            ("않습니다", "안씀니다"),
            ("좋습니다", "조씀니다"),
            ("넣는", "넌는"),
            ("협약", "혀뱍"),
            ("학연", "하견"),
            ("금융", "금융"),
            // Nothing meets across a space, and what espeak-ng does well stays as it is.
            ("정책 마련", "정책 마련"),
            ("자금은", "자금은"),
            ("특허", "특허"),
            ("안내", "안내"),
        ]);
    }

    #[test]
    fn words_outside_the_rules_are_listed() {
        table(&[
            ("평가", "평까"),
            ("생산력", "생산녁"),
            ("누르실 수 있습니다", "누르실 쑤 있슴니다"),
            ("상품권", "상품꿘"),
            ("문의", "무니"),
            ("밖의", "바께"),
        ]);
    }

    #[test]
    fn what_is_no_korean_does_not_stop_it() {
        table(&[("", ""), ("。", "。"), ("é", "é"), ("99999999999999번", "구구구구구구구구구구구구구구번")]);
    }
}
