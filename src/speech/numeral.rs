//! Numbers as they are said: digit by digit, Sino-Korean (일, 이, 삼) and native (한, 두, 세).

const DIGITS: [&str; 10] = ["공", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"];

/// A run of digits one by one, as telephone and receipt numbers are said: 1357 is 일삼오칠, 0 is 공.
/// Other characters are left out.
pub fn one_by_one(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| DIGITS.get(digit as usize)).copied().collect()
}

/// A Sino-Korean number below 10¹⁶, its groups of four digits parted by spaces: 0 영, 25 이십오, 12345 만 이천삼백사십오. Larger ones digit
/// by digit.
pub fn sino(number: u64) -> String {
    const GROUPS: [(u64, &str); 4] = [(1_000_000_000_000, "조"), (100_000_000, "억"), (10_000, "만"), (1, "")];
    if number >= 10_000_000_000_000_000 {
        return one_by_one(&number.to_string());
    }
    if number == 0 {
        return "영".to_owned();
    }
    let groups = GROUPS.iter().filter_map(|(unit, name)| match number / unit % 10_000 {
        0 => None,
        // 10,000 is 만; 일만 is said behind 억 only.
        1 if *name == "만" && number < 20_000 => Some((*name).to_owned()),
        group => Some(format!("{}{name}", below_ten_thousand(group))),
    });
    groups.collect::<Vec<_>>().join(" ")
}

fn below_ten_thousand(number: u64) -> String {
    let mut out = String::new();
    for (unit, name) in [(1000, "천"), (100, "백"), (10, "십"), (1, "")] {
        let digit = number / unit % 10;
        // 일십 is written, never said: ten is 십.
        if digit > 1 || (digit == 1 && unit == 1) {
            out.push_str(DIGITS[digit as usize]);
        }
        if digit > 0 {
            out.push_str(name);
        }
    }
    out
}

/// The digits behind a decimal point: 0.05 is 영 점 영오.
pub fn fraction(digits: &str) -> String {
    one_by_one(digits).replace('공', "영")
}

/// A native number as it stands before a counter (한 시, 스무 명), 1–99; `None` beyond, where Sino-Korean takes over.
pub fn native(number: u64) -> Option<String> {
    const ONES: [&str; 10] = ["", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"];
    const TENS: [&str; 10] = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"];
    match number {
        20 => Some("스무".to_owned()),
        1..=99 => Some(format!("{}{}", TENS[(number / 10) as usize], ONES[(number % 10) as usize])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_koreans_say_them() {
        assert_eq!(one_by_one("1357"), "일삼오칠");
        assert_eq!(one_by_one("02-2104"), "공이이일공사");
        for (number, said) in [
            (0, "영"),
            (1, "일"),
            (10, "십"),
            (11, "십일"),
            (20, "이십"),
            (35, "삼십오"),
            (100, "백"),
            (111, "백십일"),
            (1357, "천삼백오십칠"),
            (9000, "구천"),
            (10_000, "만"),
            (12_345, "만 이천삼백사십오"),
            (100_010_000, "일억 일만"),
            (1_000_000, "백만"),
            (9_999_999_999_999_999, "구천구백구십구조 구천구백구십구억 구천구백구십구만 구천구백구십구"),
            (10_000_000_000_000_000, "일공공공공공공공공공공공공공공공공"),
        ] {
            assert_eq!(sino(number), said, "{number}");
        }
        for (number, said) in [
            (1, "한"),
            (2, "두"),
            (3, "세"),
            (4, "네"),
            (9, "아홉"),
            (12, "열두"),
            (20, "스무"),
            (21, "스물한"),
            (99, "아흔아홉"),
        ] {
            assert_eq!(native(number).as_deref(), Some(said), "{number}");
        }
        assert_eq!(fraction("05"), "영오");
        assert_eq!(native(0), None);
        assert_eq!(native(100), None);
    }
}
