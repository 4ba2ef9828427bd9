//! Hangul syllables and their parts (Unicode §3.12: a syllable is arithmetic on initial, medial and final).

const FIRST: u32 = 0xAC00;
const LAST: u32 = 0xD7A3;
const MEDIALS: u32 = 21;
const FINALS: u32 = 28;

/// The 19 initials in Unicode order.
const INITIAL: [char; 19] =
    ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];
/// The 27 finals in Unicode order, after "none".
const FINAL: [char; 28] = [
    NONE, 'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ', 'ㅄ',
    'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];

/// No final consonant.
pub const NONE: char = '\0';

/// One syllable taken apart. The consonants are compatibility jamo (`ㄱ`), which read well in a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Syllable {
    /// `ㅎ` of 한.
    pub initial: char,
    /// Index of the vowel, 0 (ㅏ) to 20 (ㅣ).
    pub medial: u32,
    /// `ㄴ` of 한; [`NONE`] for an open syllable.
    pub last: char,
}

impl Syllable {
    /// Takes a syllable apart; `None` for any other character.
    pub fn from_char(character: char) -> Option<Self> {
        let code = u32::from(character);
        if !(FIRST..=LAST).contains(&code) {
            return None;
        }
        let index = code - FIRST;
        Some(Self {
            initial: *INITIAL.get((index / (MEDIALS * FINALS)) as usize)?,
            medial: index / FINALS % MEDIALS,
            last: *FINAL.get((index % FINALS) as usize)?,
        })
    }

    /// Puts it together again; `None` when a part is not one of its place (ㄸ is no final).
    pub fn to_char(self) -> Option<char> {
        let initial = INITIAL.iter().position(|&c| c == self.initial)? as u32;
        let last = FINAL.iter().position(|&c| c == self.last)? as u32;
        (self.medial < MEDIALS)
            .then(|| FIRST + (initial * MEDIALS + self.medial) * FINALS + last)
            .and_then(char::from_u32)
    }
}

/// Joins conjoining jamo (U+1100…) into syllables.
///
/// A file copied from a Mac may bring its name taken apart (NFD): 정책 as ㅈㅓㅇㅊㅐㄱ. It is the same prompt.
pub fn compose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let code = u32::from(character);
        let previous = out.chars().next_back();
        let joined = match (previous, code) {
            (Some(initial @ '\u{1100}'..='\u{1112}'), 0x1161..=0x1175) => {
                char::from_u32(FIRST + ((u32::from(initial) - 0x1100) * MEDIALS + code - 0x1161) * FINALS)
            }
            (Some(open), 0x11A8..=0x11C2)
                if Syllable::from_char(open).is_some_and(|syllable| syllable.last == NONE) =>
            {
                char::from_u32(u32::from(open) + code - 0x11A7)
            }
            _ => None,
        };
        match joined {
            Some(joined) => {
                out.pop();
                out.push(joined);
            }
            None => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syllable_comes_apart_and_together_again() {
        for code in FIRST..=LAST {
            let character = char::from_u32(code).expect("the Hangul block has no holes");
            assert_eq!(Syllable::from_char(character).and_then(Syllable::to_char), Some(character));
        }
        assert_eq!(Syllable::from_char('한'), Some(Syllable { initial: 'ㅎ', medial: 0, last: 'ㄴ' }));
        assert_eq!(Syllable::from_char('ㅎ'), None);
        assert_eq!(Syllable::from_char('a'), None);
    }

    #[test]
    fn a_name_taken_apart_by_a_mac_is_the_same_name() {
        let apart = "\u{110c}\u{1165}\u{11bc}\u{110e}\u{1162}\u{11a8}";
        assert_eq!(compose(apart), "정책");
        assert_eq!(compose("say/정책자금 a1"), "say/정책자금 a1");
        assert_eq!(compose("\u{11a8}가\u{11a8}각\u{11a8}"), "\u{11a8}각각\u{11a8}");
    }
}
