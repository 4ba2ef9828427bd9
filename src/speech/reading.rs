//! Digits, Latin letters and signs as the words that are said for them: 9시 아홉시, 1588-0800 일오팔팔, 공팔공공, R&D 알앤디.
//!
//! A number is read as what stands behind it asks: native before things that are counted (한 명), Sino-Korean before measures (삼 분),
//! and digit by digit where nothing is counted (1357). A number that cannot be read as one, such as the hyphens of a
//! telephone number, is read digit by digit, with a breath for each hyphen.

use crate::speech::numeral::{fraction, native, one_by_one, sino};

/// Counters that take native numbers (한 시, 두 명).
const NATIVE: &str = "시간 시 명 개 번째 가지 곳 군데 살 달 대 건 배 사람 마리 장 잔 병 채 칸 통 벌 차례 바퀴 쌍 팀 그루 송이 자루 끼 돌 자리";
/// Counters that take Sino-Korean numbers (일 번, 삼십 분). The longer name wins: 개월 is not 개.
const SINO: &str = "번 분 초 원 년 월 일 층 호 차 개월 개국 개소 개사 개년 퍼센트포인트 퍼센트 프로 회 단계 점 등 급 위 인 도 주 기 세 조 항 평 쪽 페이지 학년 학기 교시 킬로
    미터 그램 톤 리터 달러 유로 엔 위안 분기 연대 만 억 천 백 십 포인트 종 절 여 제곱미터 시즌 건물 명령 대대 장소 통신 대책 동";
/// Units in Latin letters or signs of their own.
const UNITS: &str = "%p=퍼센트포인트 %=퍼센트 ％=퍼센트 kWh=킬로와트시 kW=킬로와트 km=킬로미터 kg=킬로그램 cm=센티미터 mm=밀리미터 mg=밀리그램 ml=밀리리터 mL=밀리리터
    m²=제곱미터 m2=제곱미터 m=미터 g=그램 t=톤 L=리터 ℓ=리터 KB=킬로바이트 MB=메가바이트 GB=기가바이트 TB=테라바이트 Hz=헤르츠 ㎞=킬로미터
    ㎏=킬로그램 ㎝=센티미터 ㎜=밀리미터 ㎎=밀리그램 ㎖=밀리리터 ㎡=제곱미터 ㎥=세제곱미터 ℃=도 °C=도 °=도";
/// What is no row of letter names.
const WORDS: &str = "R&D=알앤디 M&A=엠앤에이 Q&A=큐앤에이 A/S=에이에스 B2B=비투비 B2C=비투씨 B2G=비투지 G2B=지투비 O2O=오투오 Wi-Fi=와이파이 WiFi=와이파이
    KOTRA=코트라 KAIST=카이스트 HACCP=해썹 TIPS=팁스 email=이메일 e-mail=이메일 OK=오케이 PIN=핀 APP=앱";
/// Words that make a number before 대 a count of kinds (4대 보험) or an age (10대 청소년), and no number of machines.
const KINDS: &str = "보험 과제 분야 전략 핵심 중점 신산업 연령 청소년 청년 원칙 지표 도시 기업 은행 주주";

/// The pairs of a list: what is written, and what is said.
fn pairs(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    list.split_whitespace().filter_map(|pair| pair.split_once('='))
}

/// The text without digits, Latin letters and signs that a voice would read in its own way.
pub fn written_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let inside_a_word = out_ends_in_latin(text, rest);
        let word = pairs(WORDS).find(|(word, _)| !inside_a_word && is_word(rest, word));
        rest = if let Some((word, said)) = word {
            out.push_str(said);
            rest.get(word.len()..).unwrap_or("")
        } else if character.is_ascii_digit() {
            number(rest, &mut out)
        } else {
            sign(character, rest, &mut out)
        };
    }
    out
}

/// Whether a Latin letter or digit stands right before `rest` in `text`.
fn out_ends_in_latin(text: &str, rest: &str) -> bool {
    let before = text.len().checked_sub(rest.len()).and_then(|at| text.get(..at));
    before.and_then(|before| before.chars().next_back()).is_some_and(|c| c.is_ascii_alphanumeric())
}

/// `rest` begins with this word, in whatever case, and goes on with something else.
fn is_word(rest: &str, word: &str) -> bool {
    rest.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
        && !rest.get(word.len()..).unwrap_or("").starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// One character that begins no number and no word of its own. Gives what is left.
fn sign<'a>(character: char, rest: &'a str, out: &mut String) -> &'a str {
    let rest = rest.get(character.len_utf8()..).unwrap_or("");
    let after = rest.chars().next();
    let inside_an_address =
        character == '.' && out.ends_with(letter_names) && after.is_some_and(|c| c.is_ascii_alphabetic());
    match character {
        '#' => out.push_str("우물정자"),
        '*' if after == Some('표') => out.push('별'),
        '*' => out.push_str("별표"),
        '+' if after.is_some_and(char::is_alphanumeric) => out.push_str(" 플러스 "),
        // www.mss.go.kr.
        '.' if inside_an_address => out.push_str(" 점 "),
        '①'..='⑳' => out.push_str(&sino(u64::from(character) - u64::from('①') + 1)),
        '※' | '★' | '☆' | '○' | '●' | '■' | '□' | '▶' | '▷' | '◆' | '◇' | '•' => {}
        '%' | '％' => out.push_str("퍼센트"),
        '&' => out.push_str(" 앤 "),
        '~' | '∼' | '～' | '〜' if rest.trim_start().starts_with(char::is_alphanumeric) => {
            out.truncate(out.trim_end().len());
            out.push_str("에서 ");
            return rest.trim_start();
        }
        '·' | '/' => out.push_str(", "),
        // K-스타트업.
        '-' if out.ends_with(letter_names) && after.is_some_and(|c| !c.is_ascii()) => {}
        '-' if out.ends_with(letter_names) && after.is_some_and(|c| c.is_ascii_digit()) => out.push(' '),
        // What stands in brackets is told apart.
        '(' | '[' if out.ends_with(|c: char| c != ' ') => out.push(' '),
        '(' | ')' | '\'' | '"' | '‘' | '’' | '“' | '”' | '「' | '」' | '[' | ']' => {}
        _ => match letter_name(character) {
            Some(name) => out.push_str(name),
            None => match pairs(UNITS).find(|(unit, _)| unit.chars().eq([character])) {
                Some((_, name)) => out.push_str(name),
                None => out.push(character),
            },
        },
    }
    rest
}

/// A last syllable of a letter's name.
fn letter_names(character: char) -> bool {
    "이비씨디프지치케엘엠엔오피큐알스티유브스와트".contains(character)
}

/// A number with what belongs to it. Gives what is left.
fn number<'a>(rest: &'a str, out: &mut String) -> &'a str {
    for reader in [date, clock, holiday, telephone, share, quantity] {
        if let Some(left) = reader(rest, out) {
            return left;
        }
    }
    let (digits, left) = digits(rest);
    out.push_str(&one_by_one(digits));
    left
}

/// A run of digits, and what follows it.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// 2026-11-29, 2026.11.29, 2026. 11. 29.
fn date<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let (year, left) = digits(rest);
    let mark = left.chars().next().filter(|c| "-./".contains(*c))?;
    let (month, left) = digits(left.strip_prefix(mark)?.trim_start_matches(' '));
    let (day, left) = digits(left.strip_prefix(mark)?.trim_start_matches(' '));
    let (month_number, day_number): (u64, u64) = (month.parse().ok()?, day.parse().ok()?);
    if year.len() != 4 || !(1..=12).contains(&month_number) || !(1..=31).contains(&day_number) {
        return None;
    }
    out.push_str(&format!("{}년 {}월 {}일", sino(year.parse().ok()?), month_name(month_number), sino(day_number)));
    Some(if mark == '.' { left.strip_prefix('.').unwrap_or(left) } else { left })
}

/// 유월 and 시월 lose their last sound.
pub(super) fn month_name(month: u64) -> String {
    match month {
        6 => "유".to_owned(),
        10 => "시".to_owned(),
        month => sino(month),
    }
}

/// The word before an hour of 0 to 24: 오전, 낮, 오후, 밤; none before 영 시.
pub(super) fn part_of_day(hour: u64) -> Option<&'static str> {
    match hour {
        0 => None,
        12 => Some("낮"),
        24 => Some("밤"),
        hour if hour < 12 => Some("오전"),
        _ => Some("오후"),
    }
}

/// An hour of 0 to 24 as the clock's face has it: 13 is 한.
pub(super) fn hour_name(hour: u64) -> String {
    // Within 1 to 12 there is always a native one.
    native((hour + 11) % 12 + 1).filter(|_| hour > 0).unwrap_or_else(|| sino(hour))
}

/// 09:30, with 오전 or 오후 where nothing says so.
fn clock<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let (hour, left) = digits(rest);
    let (minute, left) = digits(left.strip_prefix(':')?);
    let (hour, minutes): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
    if minute.len() != 2 || hour > 24 || minutes > 59 {
        return None;
    }
    let told = ["오전", "오후", "낮", "밤", "새벽", "아침", "저녁"].iter().any(|part| out.trim_end().ends_with(part));
    match part_of_day(hour).filter(|_| !told) {
        Some(part) => out.push_str(&format!("{part} {}시", hour_name(hour))),
        None if told && hour > 12 => out.push_str(&format!("{}시", sino(hour))),
        None => out.push_str(&format!("{}시", hour_name(hour))),
    }
    if minutes > 0 {
        out.push_str(&format!(" {}분", sino(minutes)));
    }
    // 9:30:15.
    let (second, after) = digits(left.strip_prefix(':').unwrap_or(""));
    let left = match second.parse().ok().filter(|seconds| second.len() == 2 && *seconds < 60) {
        Some(seconds) => {
            out.push_str(&format!(" {}초", sino(seconds)));
            after
        }
        None => left,
    };
    // 09:00-18:00.
    if let Some(until) = left.strip_prefix('-').filter(|until| until.starts_with(|c: char| c.is_ascii_digit())) {
        out.push_str("에서 ");
        return Some(until);
    }
    Some(left)
}

/// 6·25, 3·1절: days known by their digits.
fn holiday<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let (month, left) = digits(rest);
    let (day, left) = digits(left.strip_prefix('·')?);
    if day.is_empty() || month.len() > 2 {
        return None;
    }
    let read = |digits: &str| digits.parse().ok().map(sino);
    // 4·19 is 사일구.
    out.push_str(&read(month)?);
    out.push_str(&one_by_one(day));
    Some(left)
}

/// 1/2 이분의 일, 3:1 삼대일.
fn share<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let (first, left) = digits(rest);
    let mark = left.chars().next().filter(|mark| "/:".contains(*mark))?;
    let (second, left) = digits(left.strip_prefix(mark)?);
    let (part, whole): (u64, u64) = (first.parse().ok()?, second.parse().ok()?);
    if left.starts_with(mark) || whole > 100 || part > 100 {
        return None;
    }
    match mark {
        ':' => out.push_str(&format!("{}대{}", sino(part), sino(whole))),
        // 6/25 is a date, or a list.
        _ if part < whole && whole <= 10 => out.push_str(&format!("{}분의 {}", sino(whole), sino(part))),
        _ => return None,
    }
    Some(left)
}

/// 02-123-4567, 02)123-4567, 02.123.4567, 1588-0800: digit by digit, a breath for each part.
fn telephone<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let end = rest.find(|c: char| !(c.is_ascii_digit() || "-).".contains(c))).unwrap_or(rest.len());
    let run = rest.get(..end)?;
    let parts_by_dots = run.starts_with('0') && run.trim_end_matches('.').matches('.').count() == 2;
    let run = if parts_by_dots { run } else { run.split('.').next()? };
    let run = run.trim_end_matches(['-', ')', '.']);
    let parts: Vec<String> = run.split(['-', ')', '.']).map(one_by_one).filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 || (run.contains(')') && !run.starts_with('0')) {
        return None;
    }
    out.push_str(&parts.join(", "));
    rest.get(run.len()..)
}

/// A number that is counted or measured, or one without a unit.
fn quantity<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let number = Number::read(rest)?;
    // 1~3번: the first has the unit of the second.
    let range = number
        .rest
        .trim_start_matches(' ')
        .strip_prefix(['~', '∼', '～', '〜'])
        .map(|other| other.trim_start_matches(' '));
    if let Some((other, second)) = range.and_then(|other| Some((other, Number::read(other)?))) {
        let (unit, name, _) = unit(second.rest);
        out.push_str(&number.said(unit, name, second.rest));
        out.push_str(name);
        out.push_str("에서 ");
        return Some(other);
    }
    let (unit, name, left) = unit(number.rest);
    out.push_str(&number.said(unit, name, number.rest));
    if unit == Counted::Latin {
        out.push_str(name);
        return Some(left);
    }
    // 1,234만 원: the next part of the number keeps its distance.
    if let (true, Some(scale)) = (unit == Counted::Scale, number.rest.chars().next()) {
        out.push(scale);
        let left = number.rest.get(scale.len_utf8()..)?;
        if left.starts_with(|c: char| c.is_ascii_digit()) {
            out.push(' ');
        }
        return Some(left);
    }
    Some(number.rest)
}

/// The counter that `text` begins with, and whether it takes native numbers.
pub(super) fn counter(text: &str) -> Option<(&'static str, bool)> {
    match unit(text) {
        (Counted::Native, name, _) => Some((name, true)),
        (Counted::Sino, name, _) => Some((name, false)),
        _ => None,
    }
}

/// The number before a counter that [`counter`] knows: 한 명, 첫 번째, 유월; Sino-Korean where native numbers end.
pub(super) fn counted(value: u64, counter: &str, natively: bool) -> String {
    match counter {
        "월" => month_name(value),
        "번째" if value == 1 => "첫".to_owned(),
        _ if natively && counts_natively(value, counter, counter) => native(value).unwrap_or_else(|| sino(value)),
        _ => sino(value),
    }
}

/// What stands behind a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Native,
    Sino,
    /// 만, 억: a part of the number.
    Scale,
    /// A unit that is no Hangul yet.
    Latin,
    Nothing,
}

/// The unit that `text` begins with, its name, and what follows it.
fn unit(text: &str) -> (Counted, &'static str, &str) {
    let latin = pairs(UNITS).find(|(unit, _)| {
        let after = text.strip_prefix(unit).map(|after| after.chars().next());
        after.is_some_and(|after| !after.is_some_and(|c| c.is_ascii_alphanumeric()))
    });
    if let Some((unit, name)) = latin {
        return (Counted::Latin, name, text.get(unit.len()..).unwrap_or(""));
    }
    let word = text.trim_start_matches(' ');
    let longest = |list: &'static str| list.split_whitespace().filter(|c| word.starts_with(c)).max_by_key(|c| c.len());
    let (kind, name) = match (longest(NATIVE), longest(SINO)) {
        (Some(native), Some(sino)) if sino.len() > native.len() => (Counted::Sino, sino),
        (Some(native), _) => (Counted::Native, native),
        (None, Some(sino)) => (Counted::Sino, sino),
        (None, None) => return (Counted::Nothing, "", text),
    };
    let scale = text.starts_with(name) && ["만", "억", "조", "천", "백", "십"].contains(&name);
    (if scale { Counted::Scale } else { kind }, name, word.get(name.len()..).unwrap_or(""))
}

/// A number as it is written: 1,234 or 3.5.
struct Number<'a> {
    digits: String,
    fraction: &'a str,
    /// It has thousands separators, so it is a quantity.
    separated: bool,
    rest: &'a str,
}

impl<'a> Number<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (first, mut rest) = digits(text);
        if first.is_empty() {
            return None;
        }
        let mut number = first.to_owned();
        let mut separated = false;
        while let Some((group, after)) = rest.strip_prefix(',').map(digits).filter(|(group, _)| group.len() == 3) {
            if first.len() > 3 {
                break;
            }
            number.push_str(group);
            (rest, separated) = (after, true);
        }
        let fraction = match rest.strip_prefix('.').map(digits) {
            Some((fraction, after)) if !fraction.is_empty() => {
                rest = after;
                fraction
            }
            _ => "",
        };
        Some(Self { digits: number, fraction, separated, rest })
    }

    /// The number in words, as its unit asks. `after` is what stands behind it.
    fn said(&self, unit: Counted, name: &str, after: &str) -> String {
        let digit_by_digit = || one_by_one(&self.digits);
        let Ok(value) = self.digits.parse::<u64>() else { return digit_by_digit() };
        if !self.fraction.is_empty() {
            return format!(
                "{} 점 {}{}",
                sino(value),
                fraction(self.fraction),
                if unit == Counted::Latin { " " } else { "" }
            );
        }
        match unit {
            // Numbers that are dialled.
            _ if name == "번" && !self.separated && is_dialled(&self.digits) => digit_by_digit(),
            // 1만 원 is 만 원, 1천 천; but 1억 일억.
            Counted::Scale if value == 1 && ["만", "천", "백", "십"].contains(&name) => String::new(),
            Counted::Native if !counts_natively(value, name, after) => sino(value),
            Counted::Native | Counted::Sino => counted(value, name, unit == Counted::Native),
            Counted::Scale | Counted::Latin => sino(value),
            Counted::Nothing if self.separated || self.digits.len() <= 2 => sino(value),
            Counted::Nothing => digit_by_digit(),
        }
    }
}

/// 시, 시간, 대 and 개 take Sino-Korean numbers in some places.
fn counts_natively(value: u64, name: &str, after: &str) -> bool {
    match name {
        "시" => (1..=12).contains(&value),
        // 24시간 is 이십사시간.
        "시간" => !value.is_multiple_of(24),
        "대" => {
            let next = after.trim_start_matches(' ').strip_prefix('대').unwrap_or("").trim_start_matches(' ');
            let age = (20..100).contains(&value) && value.is_multiple_of(10);
            !age && !KINDS.split_whitespace().any(|kind| next.starts_with(kind))
        }
        _ => true,
    }
}

/// 1357번, 119번.
fn is_dialled(digits: &str) -> bool {
    match digits.len() {
        3 => digits.starts_with('1') && digits != "100",
        4 => ["13", "15", "16", "18"].iter().any(|begin| digits.starts_with(begin)),
        length => length > 4,
    }
}

fn letter_name(letter: char) -> Option<&'static str> {
    const NAMES: &str =
        "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트";
    if !letter.is_ascii_alphabetic() {
        return None;
    }
    NAMES.split(' ').nth(usize::from(letter.to_ascii_lowercase() as u8 - b'a'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_what_they_count_asks() {
        for (written, said) in [
            ("1357 상담원", "일삼오칠 상담원"),
            ("2 번", "이 번"),
            ("12시 30분", "열두시 삼십분"),
            ("13시", "십삼시"),
            ("오후 14:00", "오후 십사시"),
            ("24:00", "밤 열두시"),
            ("9:30:15, 9:61", "오전 아홉시 삼십분 십오초, 구대육십일"),
            ("09:00 ~ 18:00, 09:00-18:00", "오전 아홉시에서 오후 여섯시, 오전 아홉시에서 오후 여섯시"),
            ("1 ~ 3번", "일번에서 삼번"),
            ("1/2, 3:1, 6/25", "이분의 일, 삼대일, 육, 이십오"),
            ("(02)2104-1357, 02.123.4567", "공이, 이일공사, 일삼오칠, 공이, 일이삼, 사오육칠"),
            ("0.5, 1.25", "영 점 오, 일 점 이오"),
            ("www.mss.go.kr", "더블유더블유더블유 점 엠에스에스 점 지오 점 케이알"),
            ("106동, 비밀번호 4자리, 2대 주주, ①번, *표, D-7", "백육동, 비밀번호 네자리, 이대 주주, 일번, 별표, 디 칠"),
            ("※ 참고, 1+1", " 참고, 일 플러스 일"),
            ("48시간, 36시간", "사십팔시간, 서른여섯시간"),
            ("3·1절", "삼일절"),
            ("2026/11/29", "이천이십육년 십일월 이십구일"),
            ("2026. 13. 1", "이공이육. 십삼. 일"),
            ("1만 5천 원", "만 오천 원"),
            ("1,2,3", "일,이,삼"),
            ("1,2345", "일,이삼사오"),
            ("1,234", "천이백삼십사"),
            ("119번", "일일구번"),
            ("100번, 1,357번", "백번, 천삼백오십칠번"),
            ("1~3", "일에서 삼"),
            ("9시~18시", "아홉시에서 십팔시"),
            ("월~금", "월에서 금"),
            ("5m, 5mm", "오미터, 오밀리미터"),
            ("10대 청소년", "십대 청소년"),
            ("99999999999999번", "구구구구구구구구구구구구구구번"),
            ("99999999999999999999원", "구구구구구구구구구구구구구구구구구구구구원"),
            ("1.", "일."),
            ("1~", "일~"),
            ("1-", "일-"),
            ("e-mail, emails", "이메일, 이엠에이아이엘에스"),
            ("", ""),
            ("é", "é"),
        ] {
            assert_eq!(written_out(written), said, "{written}");
        }
    }
}
