//! From what is written to what is said: the text a synthesiser is given.
//!
//! espeak-ng reads 1357 as a quantity, R&D and # in English, and Hangul letter by letter where standard Korean
//! (표준 발음법) lets sounds meet: 국민 must sound 궁민, 입니다 임니다, 신라 실라. So numbers, letters and signs are
//! written out first ([`reading`]), then the whole text as it is pronounced ([`standard`]), spelt for the voice ([`espeak`]).
//! A prompt that still sounds wrong has a `pronunciation` of its own in its table.

use crate::speech::standard::{Pace, standard};
use crate::speech::{espeak, reading};

/// The text as it is to be spoken by the synthesiser.
pub fn spoken(text: &str) -> String {
    espeak::spelt(&said(text, Pace::Apart))
}

/// The text in its standard pronunciation.
pub fn said(text: &str, pace: Pace) -> String {
    standard(&reading::written_out(text), pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_out_pronounced_and_spelt_for_the_voice() {
        for (written, voice) in [
            ("국민", "궁민"),
            ("9시", "아홉씨"),
            ("2026년", "이처니심늉년"),
            ("그 밖의 문의", "그 밖에 무니"),
            ("R&D 평가 1357", "아랜디 평\u{11a9}아 일사모칠"),
            ("", ""),
            ("。", "。"),
            ("é", "é"),
        ] {
            assert_eq!(spoken(written), voice, "{written}");
        }
    }
}
