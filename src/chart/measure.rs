//! How wide a text will be, without its font.
//!
//! The chart names a family and cannot know which font a reader has, so these widths are those of the widest in common use
//! (Noto Sans KR, NanumGothic, Malgun Gothic): a label may come out narrower, never wider.

use unicode_width::UnicodeWidthChar;

/// The width of a text at a size, both in the same unit.
pub(super) fn width(text: &str, size: f32) -> f32 {
    text.chars().map(em).sum::<f32>() * size
}

/// A character's advance in em.
fn em(c: char) -> f32 {
    match c {
        ' ' => 0.3,
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '·' => 0.34,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.96,
        'A'..='Z' | '&' | '→' | '↩' => 0.74,
        // A few symbols that Korean fonts draw as wide as a syllable.
        '※' | '“' | '”' | '‘' | '’' | '…' | '–' => 1.0,
        _ if c.width() == Some(2) => 1.0,
        _ if c.width() == Some(0) => 0.0,
        _ => 0.62,
    }
}

/// The text in lines no wider than `most`, broken at spaces; a word that is wider is broken where it must be.
pub(super) fn wrap(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size) <= most {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if width(&line, size) + em(c) * size > most && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_wider_than_asked_and_no_letter_is_lost() {
        let text = "지금은 운영 시간이 아닙니다. 평일 오전 아홉 시부터 오후 여섯 시까지 다시 걸어 주시기 바랍니다 ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for most in [60.0, 100.0, 240.0] {
            let lines = wrap(text, 14.0, most);
            assert!(lines.iter().all(|line| width(line, 14.0) <= most), "{lines:?}");
            let plain = |text: &str| text.replace(' ', "");
            assert_eq!(plain(&lines.concat()), plain(text));
        }
        assert_eq!(wrap("", 14.0, 100.0), Vec::<String>::new());
    }
}
