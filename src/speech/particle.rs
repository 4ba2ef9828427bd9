//! Particles by final sound: 자금은 but 기술개발과, 서울로 but 공단으로.
//!
//! The choice follows the last sound as it is spoken: digits and Latin letters as they are read in Korean (1357 ends in
//! 칠, FTA in 에이), signs by their names (# is 우물정자). Brackets, quotes and stops after it do not sound.

use crate::speech::hangul::{NONE, Syllable};

/// A particle with two forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Particle {
    /// 은/는.
    Topic,
    /// 이/가.
    Subject,
    /// 을/를.
    Object,
    /// 과/와.
    And,
    /// 으로/로; a final ㄹ takes 로.
    Toward,
    /// 에, which has one form.
    At,
    /// 부터.
    From,
    /// 까지.
    Until,
}

/// How a word ends to the ear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Open,
    Rieul,
    Closed,
}

impl Particle {
    /// From its two forms, the one behind a consonant first: 은/는, 으로/로; or from its only one: 에.
    pub fn from_forms(forms: &str) -> Option<Self> {
        let (closed, open) = forms.split_once('/').unwrap_or((forms, forms));
        [Self::Topic, Self::Subject, Self::Object, Self::And, Self::Toward, Self::At, Self::From, Self::Until]
            .into_iter()
            .find(|particle| (closed, open) == (particle.after("각"), particle.after("가")))
            .filter(|_| closed != open || !forms.contains('/'))
    }

    /// The form that follows `text`.
    pub fn after(self, text: &str) -> &'static str {
        let ending = ending(text);
        let closed = ending != Ending::Open;
        match self {
            Self::Topic => {
                if closed {
                    "은"
                } else {
                    "는"
                }
            }
            Self::Subject => {
                if closed {
                    "이"
                } else {
                    "가"
                }
            }
            Self::Object => {
                if closed {
                    "을"
                } else {
                    "를"
                }
            }
            Self::And => {
                if closed {
                    "과"
                } else {
                    "와"
                }
            }
            Self::Toward => {
                if ending == Ending::Closed {
                    "으로"
                } else {
                    "로"
                }
            }
            Self::At => "에",
            Self::From => "부터",
            Self::Until => "까지",
        }
    }

    /// `text` with its particle.
    pub fn with(self, text: &str) -> String {
        format!("{text}{}", self.after(text))
    }
}

fn ending(text: &str) -> Ending {
    // The last character that sounds; a text without any (unthinkable for a name) is taken as open.
    text.chars().rev().find_map(sound).unwrap_or(Ending::Open)
}

/// How this character ends when it is read aloud; `None` when it is silent.
fn sound(character: char) -> Option<Ending> {
    if let Some(syllable) = Syllable::from_char(character) {
        return Some(match syllable.last {
            NONE => Ending::Open,
            'ㄹ' => Ending::Rieul,
            _ => Ending::Closed,
        });
    }
    match character.to_ascii_uppercase() {
        '1' | '7' | '8' => Some(Ending::Rieul), // 일 칠 팔
        // 영 or 공 and 십, 백, 천 all end in a consonant, so 10 and 1380 need no other rule.
        '0' | '3' | '6' => Some(Ending::Closed),     // 영 삼 육
        '2' | '4' | '5' | '9' => Some(Ending::Open), // 이 사 오 구
        'L' | 'R' => Some(Ending::Rieul),            // 엘 알
        'M' | 'N' => Some(Ending::Closed),           // 엠 엔
        'A'..='Z' => Some(Ending::Open),             // 에이 비 … 제트
        '#' | '*' | '%' => Some(Ending::Open),       // 우물정자 별표 퍼센트
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_particle_follows_the_final_sound() {
        // text, 은/는, 이/가, 을/를, 과/와, (으)로
        for (text, forms) in [
            ("정책자금", "은 이 을 과 으로"),
            ("인력", "은 이 을 과 으로"),
            ("상담센터", "는 가 를 와 로"),
            ("서울", "은 이 을 과 로"),
            ("기술개발", "은 이 을 과 로"),
            ("중소벤처기업진흥공단", "은 이 을 과 으로"),
            ("한국산학연협회", "는 가 를 와 로"),
            ("일", "은 이 을 과 로"),
            ("칠", "은 이 을 과 로"),
            ("팔", "은 이 을 과 로"),
            ("1", "은 이 을 과 로"),
            ("2", "는 가 를 와 로"),
            ("3", "은 이 을 과 으로"),
            ("4", "는 가 를 와 로"),
            ("5", "는 가 를 와 로"),
            ("6", "은 이 을 과 으로"),
            ("7", "은 이 을 과 로"),
            ("8", "은 이 을 과 로"),
            ("9", "는 가 를 와 로"),
            ("0", "은 이 을 과 으로"),
            ("10", "은 이 을 과 으로"),
            ("1357", "은 이 을 과 로"),
            ("1380", "은 이 을 과 으로"),
            ("1번", "은 이 을 과 으로"),
            ("FTA", "는 가 를 와 로"),
            ("R&D", "는 가 를 와 로"),
            ("FTA 콜센터", "는 가 를 와 로"),
            ("URL", "은 이 을 과 로"),
            ("ppm", "은 이 을 과 으로"),
            ("USN", "은 이 을 과 으로"),
            ("HR", "은 이 을 과 로"),
            ("#", "는 가 를 와 로"),
            ("*", "는 가 를 와 로"),
            ("기술개발(R&D)", "는 가 를 와 로"),
            ("'창업'", "은 이 을 과 으로"),
            ("값", "은 이 을 과 으로"),
            ("", "는 가 를 와 로"),
        ] {
            let particles = [Particle::Topic, Particle::Subject, Particle::Object, Particle::And, Particle::Toward];
            assert_eq!(particles.map(|particle| particle.after(text)).join(" "), forms, "{text}");
        }
    }

    #[test]
    fn a_particle_is_named_by_its_forms() {
        for (forms, particle) in [
            ("은/는", Some(Particle::Topic)),
            ("으로/로", Some(Particle::Toward)),
            ("에", Some(Particle::At)),
            ("부터", Some(Particle::From)),
            ("까지", Some(Particle::Until)),
            ("은/을", None),
            ("에/에", None),
            ("은", None),
            ("", None),
        ] {
            assert_eq!(Particle::from_forms(forms), particle, "{forms}");
        }
    }

    #[test]
    fn the_particle_is_written_to_its_word() {
        assert_eq!(Particle::Topic.with("창업"), "창업은");
        assert_eq!(Particle::Toward.with("국세상담센터"), "국세상담센터로");
    }
}
