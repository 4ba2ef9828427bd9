//! Prompt texts with slots: `대기 순서는 {position|native}번째이고, 예상 대기 시간은 {wait|sino:분}입니다.`
//!
//! A text is read once, against the names that its place can fill; every mistake is told with its bytes. `saying` fills it in for
//! one call. Which number stands before which counter, [`reading`] knows; which particle follows, [`Particle`]. English texts take
//! the slots that need no counter and no particle (`english`).

mod english;
mod saying;
mod slots;

pub use english::pronunciation;
pub use saying::{Lack, MenuRow, Part, Reach, Sound, Spoken, Value, Values, kind_of_part};

use crate::speech::finding::{Both, both};
use crate::speech::particle::Particle;
use crate::speech::reading;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// What a name holds when the phrase is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// A count.
    Number,
    /// A count that is never larger.
    UpTo(u64),
    /// A number that is told digit by digit.
    Digits,
    /// Words of the table: a centre's name.
    Text,
    /// A time of day.
    Time,
    /// A day.
    Date,
    /// A day less than a year away: its year is not said.
    Day,
    /// When something opens: 내일 오전 아홉 시.
    Opening,
    /// Won.
    Money,
    /// The choices of a menu.
    Menu,
}

/// The language of a text, which decides what is said for a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tongue {
    /// Korean.
    #[default]
    Korean,
    /// English.
    English,
}

impl Tongue {
    /// From the name of its folder; `None` for languages whose slots nobody has written yet.
    pub fn of_language(language: &str) -> Option<Self> {
        match language {
            "ko" => Some(Self::Korean),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

/// The names that a place can fill, and what they hold.
pub type Known<'a> = BTreeMap<&'a str, Type>;

/// How a slot is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// `digits`: one by one.
    Digits,
    /// `native:명`, `sino:분`, or the counter that follows the slot.
    Count {
        counter: &'static str,
        natively: bool,
    },
    /// `sino` before no counter.
    Sino,
    Time,
    /// Whether the year is said, when it is another than today's.
    Date {
        year: bool,
    },
    Opening,
    Money,
    Text,
    Menu,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Slot {
    name: String,
    form: Form,
    /// The largest number it takes.
    most: Option<u64>,
    particle: Option<Particle>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// As it is written, with its spaces.
    Literal(String),
    Slot(Slot),
}

/// A text that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phrase {
    /// The prompt's, from which those of its sounds are made.
    id: String,
    tongue: Tongue,
    /// No literal goes beyond the end of its sentence.
    pieces: Vec<Piece>,
}

/// What is wrong with a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// `{` without `}`.
    Unclosed,
    /// `}` without `{`.
    Unopened,
    /// `{}` or `{|sino:분}`.
    NoName,
    /// Nothing here has this name; what has.
    UnknownName(Vec<String>),
    /// `{n|roman}`.
    UnknownKind(String),
    /// `{n|sino:분|native:명}`, or a kind behind a particle.
    SecondKind,
    /// `{n|은/을}`.
    UnknownParticle(String),
    /// `{n|native:꾸러미}`.
    UnknownCounter(String),
    /// `{n|sino}번째`: the counter, and whether it takes native numbers.
    WrongCounter(&'static str, bool),
    /// `{n|native}` before no counter.
    NoCounter,
    /// `{name|sino:분}` where the name is a text: what it holds.
    WrongType(Type),
    /// `{center.name}으로`: right behind some names only; both forms.
    FixedParticle(&'static str),
    /// `{menu|은/는}`: a particle follows one word.
    ParticleWithoutText,
    /// `{wait|sino:분}` in an English text: kinds and particles are Korean.
    KoreanOnly(String),
}

/// A mistake and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhraseError {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// Whether a text is filled in, or wants to be: it sounds in parts.
pub fn is_filled_in(text: &str) -> bool {
    text.contains(['{', '}'])
}

/// What may stand behind a counter and still leave it one: 번째이고, 분입니다, 명부터; not 시작, 개인.
const AFTER_A_COUNTER: &str = "이은는을를가입과와으로에의씩만부까남정미간당짜도나후전쯤안";

impl Phrase {
    /// Reads the Korean text of the prompt `id` for a place that can fill `known`. Every mistake is told, in their order.
    pub fn read(id: &str, text: &str, known: &Known<'_>) -> Result<Self, Vec<PhraseError>> {
        Self::read_in(Tongue::Korean, id, text, known)
    }

    /// The same for a text of any language that has slots.
    pub fn read_in(tongue: Tongue, id: &str, text: &str, known: &Known<'_>) -> Result<Self, Vec<PhraseError>> {
        let (mut pieces, mut errors) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            if end > 0 {
                let literal = rest.get(..end).unwrap_or("");
                pieces.extend(saying::by_sentence(literal).map(|part| Piece::Literal(part.to_owned())));
                at += end;
                continue;
            }
            let close = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '{' | '}'));
            match (rest.starts_with('{'), close) {
                (true, Some((close, '}'))) => {
                    let inner = at + 1..at + close;
                    let after = text.get(at + close + 1..).unwrap_or("");
                    at += close + 1;
                    match slot(tongue, text, inner, after, known) {
                        Ok((slot, counter)) => {
                            at += counter;
                            pieces.push(Piece::Slot(slot));
                        }
                        Err(error) => errors.push(error),
                    }
                }
                (true, _) => {
                    errors.push(PhraseError { range: at..at + 1, mistake: Mistake::Unclosed });
                    at += 1;
                }
                (false, _) => {
                    errors.push(PhraseError { range: at..at + 1, mistake: Mistake::Unopened });
                    at += 1;
                }
            }
        }
        if errors.is_empty() { Ok(Self { id: id.to_owned(), tongue, pieces }) } else { Err(errors) }
    }

    /// The prompt's name, without that of a language.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has slots: others are said as they are written.
    pub fn has_slots(&self) -> bool {
        self.slots().next().is_some()
    }

    /// The names of its slots, in their order.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot.name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// Whether something is said even when these names have no value: a sentence without any of them.
    pub fn speaks_without(&self, names: &[&str]) -> bool {
        let lacks = |piece: &Piece| matches!(piece, Piece::Slot(slot) if names.contains(&slot.name.as_str()));
        self.by_sentence().into_iter().any(|sentence| !sentence.iter().any(lacks))
    }

    /// What is said even when these names have no value: the words of the sentences without any of them.
    pub fn said_without(&self, names: &[&str]) -> String {
        let lacks = |piece: &Piece| matches!(piece, Piece::Slot(slot) if names.contains(&slot.name.as_str()));
        let kept = self.by_sentence().into_iter().filter(|sentence| !sentence.iter().any(lacks)).flatten();
        kept.filter_map(|piece| if let Piece::Literal(literal) = piece { Some(literal.as_str()) } else { None })
            .collect()
    }

    /// Its pieces, a sentence each.
    fn by_sentence(&self) -> Vec<&[Piece]> {
        let ends = |piece: &Piece| matches!(piece, Piece::Literal(literal) if saying::ends_a_sentence(literal));
        self.pieces.split_inclusive(ends).collect()
    }
}

/// The slot whose inside is `inner`, and how many bytes of `after` are its counter.
fn slot(
    tongue: Tongue,
    text: &str,
    inner: Range<usize>,
    after: &str,
    known: &Known<'_>,
) -> Result<(Slot, usize), PhraseError> {
    let whole = inner.start - 1..inner.end + 1;
    let inside = text.get(inner.clone()).unwrap_or("");
    let mut options = inside.split('|');
    let name = options.next().unwrap_or("");
    let name_range = inner.start..inner.start + name.len();
    let wrong = |range: &Range<usize>, mistake| PhraseError { range: range.clone(), mistake };
    if name.trim().is_empty() {
        return Err(wrong(&whole, Mistake::NoName));
    }
    let Some(&holds) = known.get(name.trim()) else {
        let names = known.keys().map(|name| (*name).to_owned()).collect();
        return Err(wrong(&name_range, Mistake::UnknownName(names)));
    };
    let (mut asked, mut particle) = (None, None);
    let mut begin = name_range.end + 1;
    for option in options {
        let range = begin..begin + option.len();
        begin = range.end + 1;
        let option = option.trim();
        if tongue != Tongue::Korean && !matches!(option, "digits" | "time" | "date") {
            return Err(wrong(&range, Mistake::KoreanOnly(option.to_owned())));
        }
        if option.contains('/') || Particle::from_forms(option).is_some() {
            match (Particle::from_forms(option), particle) {
                (Some(_), Some(_)) => return Err(wrong(&range, Mistake::SecondKind)),
                (Some(_), None) if holds == Type::Menu => return Err(wrong(&range, Mistake::ParticleWithoutText)),
                (Some(known), None) => particle = Some(known),
                (None, _) => return Err(wrong(&range, Mistake::UnknownParticle(option.to_owned()))),
            }
        } else if asked.is_some() || particle.is_some() {
            return Err(wrong(&range, Mistake::SecondKind));
        } else {
            asked = Some((option, range));
        }
    }
    let (form, taken) = match asked {
        Some((kind, range)) => {
            form(kind, holds, after, particle.is_some()).map_err(|mistake| wrong(&range, mistake))?
        }
        None => match holds {
            Type::Number | Type::UpTo(_) if tongue != Tongue::Korean => (Form::Sino, 0),
            Type::Number | Type::UpTo(_) => {
                form("sino", holds, after, particle.is_some()).map_err(|mistake| wrong(&whole, mistake))?
            }
            Type::Digits => (Form::Digits, 0),
            Type::Text => (Form::Text, 0),
            Type::Time => (Form::Time, 0),
            Type::Date => (Form::Date { year: true }, 0),
            Type::Day => (Form::Date { year: false }, 0),
            Type::Opening => (Form::Opening, 0),
            Type::Money => (Form::Money, 0),
            Type::Menu => (Form::Menu, 0),
        },
    };
    if let (Form::Text, None, Some((written, forms))) = (form, particle, particle_after(after)) {
        return Err(wrong(&(whole.end..whole.end + written), Mistake::FixedParticle(forms)));
    }
    let most = match holds {
        Type::UpTo(most) => Some(most),
        _ => None,
    };
    Ok((Slot { name: name.trim().to_owned(), form, most, particle }, taken))
}

/// The form that `kind` asks for, and how many bytes of `after` are its counter.
fn form(kind: &str, holds: Type, after: &str, particle: bool) -> Result<(Form, usize), Mistake> {
    let (word, counter) = match kind.split_once(':') {
        Some((word, counter)) => (word.trim_end(), Some(counter.trim_start())),
        None => (kind, None),
    };
    let fits = match (word, counter) {
        ("native" | "sino", _) => matches!(holds, Type::Number | Type::UpTo(_)),
        ("digits", None) => matches!(holds, Type::Digits | Type::Number | Type::UpTo(_)),
        ("money", None) => matches!(holds, Type::Money | Type::Number | Type::UpTo(_)),
        ("time", None) => holds == Type::Time,
        ("date", None) => matches!(holds, Type::Date | Type::Day),
        _ => return Err(Mistake::UnknownKind(kind.to_owned())),
    };
    if !fits {
        return Err(Mistake::WrongType(holds));
    }
    match word {
        "digits" => return Ok((Form::Digits, 0)),
        "money" => return Ok((Form::Money, 0)),
        "time" => return Ok((Form::Time, 0)),
        "date" => return Ok((Form::Date { year: holds == Type::Date }, 0)),
        _ => {}
    }
    let natively = word == "native";
    let (counter, takes_native, taken) = match counter {
        Some(written) => match reading::counter(written).filter(|(name, _)| *name == written) {
            Some((name, takes_native)) => (name, takes_native, 0),
            None => return Err(Mistake::UnknownCounter(written.to_owned())),
        },
        // A particle inside the slot ends the word: what follows it is another one.
        None => match counter_after(after).filter(|_| !particle) {
            Some(found) => found,
            None if natively => return Err(Mistake::NoCounter),
            None => return Ok((Form::Sino, 0)),
        },
    };
    if natively != takes_native {
        return Err(Mistake::WrongCounter(counter, takes_native));
    }
    Ok((Form::Count { counter, natively }, taken))
}

/// The counter that a text begins with, whether it takes native numbers, and its bytes with the space before it.
fn counter_after(text: &str) -> Option<(&'static str, bool, usize)> {
    let word = text.strip_prefix(' ').unwrap_or(text);
    let (name, natively) = reading::counter(word).filter(|(name, _)| word.starts_with(name))?;
    let next = word.get(name.len()..).and_then(|after| after.chars().next());
    let is_whole = next.is_none_or(|next| !next.is_alphanumeric() || AFTER_A_COUNTER.contains(next));
    is_whole.then_some((name, natively, text.len() - word.len() + name.len()))
}

/// The particle that is all that is left of a word, by its bytes and both its forms.
fn particle_after(text: &str) -> Option<(usize, &'static str)> {
    let word = text.find(|c: char| !c.is_alphanumeric()).map_or(text, |end| text.get(..end).unwrap_or(text));
    let forms = ["은/는", "이/가", "을/를", "과/와", "으로/로"];
    forms.into_iter().find(|forms| forms.split('/').any(|form| form == word)).map(|forms| (word.len(), forms))
}

impl Mistake {
    /// What is wrong, and what to write instead, in Korean and in English.
    pub fn told(&self) -> Both {
        match self {
            Self::Unclosed => both("{ 뒤에 } 가 없습니다", "{ without }"),
            Self::Unopened => both("} 앞에 { 가 없습니다", "} without {"),
            Self::NoName => both("{ } 안에 이름이 없습니다", "{ } without a name"),
            Self::UnknownName(known) => {
                let known = known.join(", ");
                both(
                    format!("여기에서 채울 수 없는 이름입니다. 쓸 수 있는 이름: {known}"),
                    format!("nothing here has this name; there are: {known}"),
                )
            }
            Self::UnknownKind(kind) => both(
                format!(
                    "`{kind}`: 없는 방식입니다. digits, native:명, sino:분, time, date, money 가운데 하나를 쓰세요"
                ),
                format!("`{kind}` is no kind; write one of digits, native:명, sino:분, time, date, money"),
            ),
            Self::SecondKind => {
                both("이름|방식|조사 차례로 하나씩만 씁니다", "one kind and then one particle: name|kind|particle")
            }
            Self::UnknownParticle(forms) => both(
                format!(
                    "`{forms}`: 없는 조사입니다. 은/는, 이/가, 을/를, 과/와, 으로/로, 에, 부터, 까지 가운데 하나를 쓰세요"
                ),
                format!("`{forms}` is no particle; write one of 은/는, 이/가, 을/를, 과/와, 으로/로, 에, 부터, 까지"),
            ),
            Self::UnknownCounter(counter) => {
                both(format!("`{counter}`: 모르는 단위입니다"), format!("`{counter}` is no counter we know"))
            }
            Self::WrongCounter(counter, true) => both(
                format!("{counter} 앞에는 하나, 둘로 셉니다: native:{counter}"),
                format!("{counter} takes native numbers: native:{counter}"),
            ),
            Self::WrongCounter(counter, false) => both(
                format!("{counter} 앞에는 일, 이로 읽습니다: sino:{counter}"),
                format!("{counter} takes Sino-Korean numbers: sino:{counter}"),
            ),
            Self::NoCounter => both(
                "세는 단위가 없습니다: native:명, 또는 } 바로 뒤에 번째",
                "native wants a counter: native:명, or 번째 right behind }",
            ),
            Self::WrongType(holds) => {
                let [korean, english] = match holds {
                    Type::Number | Type::UpTo(_) => ["수", "a number"],
                    Type::Digits => ["한 자씩 읽는 번호", "digits"],
                    Type::Text => ["글", "a text"],
                    Type::Time => ["시각", "a time"],
                    Type::Date | Type::Day => ["날짜", "a date"],
                    Type::Opening => ["여는 때", "an opening"],
                    Type::Money => ["금액", "money"],
                    Type::Menu => ["메뉴", "a menu"],
                };
                both(
                    format!("이 이름의 값은 {korean}이라서 이렇게 읽을 수 없습니다"),
                    format!("this name is {english} and cannot be said so"),
                )
            }
            Self::FixedParticle(forms) => both(
                format!("이름에 따라 조사가 바뀝니다: {{이름|{forms}}}"),
                format!("the particle changes with the name: {{name|{forms}}}"),
            ),
            Self::ParticleWithoutText => both(
                "조사를 붙일 낱말이 없습니다: 메뉴에는 조사가 이미 있습니다",
                "there is no word for this particle: a menu has its own",
            ),
            Self::KoreanOnly(option) => both(
                format!("`{option}`: 영어 글에는 셈과 조사가 없습니다. {{이름}} 만 쓰세요"),
                format!("`{option}` is Korean; an English text has the {{name}} alone"),
            ),
        }
    }
}

impl fmt::Display for PhraseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}: {}", self.range.start, self.range.end, self.mistake.told()[1])
    }
}

impl std::error::Error for PhraseError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known<'static> {
        Known::from([
            ("position", Type::Number),
            ("wait", Type::Number),
            ("number", Type::Digits),
            ("center.name", Type::Text),
            ("opens", Type::Opening),
            ("time", Type::Time),
            ("date", Type::Date),
            ("money", Type::Money),
            ("menu", Type::Menu),
        ])
    }

    #[test]
    fn every_mistake_is_told_with_its_bytes() {
        for (text, at, mistake) in [
            ("{position|sino}번째", "sino", Mistake::WrongCounter("번째", true)),
            ("{position|sino} 명이", "sino", Mistake::WrongCounter("명", true)),
            ("{position}번째", "{position}", Mistake::WrongCounter("번째", true)),
            ("{wait|native:분}", "native:분", Mistake::WrongCounter("분", false)),
            ("{wait|native}분입니다", "native", Mistake::WrongCounter("분", false)),
            ("{wait|sino:시간}", "sino:시간", Mistake::WrongCounter("시간", true)),
            ("{wait|native} 시작", "native", Mistake::NoCounter),
            ("{wait|native|이/가}명", "native", Mistake::NoCounter),
            ("{wait|native:꾸러미}", "native:꾸러미", Mistake::UnknownCounter("꾸러미".into())),
            ("{wait|native:}", "native:", Mistake::UnknownCounter(String::new())),
            ("{wait|roman}", "roman", Mistake::UnknownKind("roman".into())),
            ("{wait|}", "", Mistake::UnknownKind(String::new())),
            ("{wait|sino:분|sino:초}", "sino:초", Mistake::SecondKind),
            ("{wait|이/가|sino:분}", "sino:분", Mistake::SecondKind),
            ("{center.name|은/을}", "은/을", Mistake::UnknownParticle("은/을".into())),
            ("{menu|은/는}", "은/는", Mistake::ParticleWithoutText),
            ("{center.name}으로 연결", "으로", Mistake::FixedParticle("으로/로")),
            ("{center.name}는, ", "는", Mistake::FixedParticle("은/는")),
            ("{center.name|sino:분}", "sino:분", Mistake::WrongType(Type::Text)),
            ("{time|date}", "date", Mistake::WrongType(Type::Time)),
            ("대기 {position|native", "{", Mistake::Unclosed),
            ("대기 }", "}", Mistake::Unopened),
            ("{}", "{}", Mistake::NoName),
            ("{ |sino:분}", "{ |sino:분}", Mistake::NoName),
        ] {
            let error = Phrase::read("p", text, &known()).expect_err(text);
            assert_eq!(error.len(), 1, "{text}: {error:?}");
            assert_eq!((&text[error[0].range.clone()], &error[0].mistake), (at, &mistake), "{text}");
            assert!(error[0].mistake.told().iter().all(|told| !told.is_empty()));
        }
        let error = Phrase::read("p", "순서는 {positon|native}번째", &known()).unwrap_err();
        assert_eq!(error[0].range, 11..18);
        assert!(matches!(&error[0].mistake, Mistake::UnknownName(names) if names.len() == known().len()));
        assert!(error[0].to_string().starts_with("11..18: nothing here has this name; there are: center.name, date,"));
    }

    #[test]
    fn every_mistake_of_a_text_is_told_at_once() {
        let errors = Phrase::read("p", "{a} } {wait|native:분} {", &known()).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.range.start).collect::<Vec<_>>(), [1, 4, 12, 24]);
    }

    #[test]
    fn a_counter_is_one_before_particles_and_endings_only() {
        for (text, counter) in [
            ("번째이고", Some(("번째", true, 6))),
            (" 명이 기다립니다", Some(("명", true, 4))),
            ("개월", Some(("개월", false, 6))),
            ("분.", Some(("분", false, 3))),
            ("분", Some(("분", false, 3))),
            ("  분", None),
            (" 시작", None),
            ("개인", None),
            ("", None),
            ("입니다", None),
        ] {
            assert_eq!(counter_after(text), counter, "{text}");
        }
    }

    #[test]
    fn what_only_begins_like_a_particle_is_left_alone() {
        for text in [
            "{center.name}입니다",
            "{center.name}이며",
            "{center.name} 가",
            "{wait|sino:분}이",
            "{center.name|으로/로} 가",
        ] {
            assert!(Phrase::read("p", text, &known()).is_ok(), "{text}");
        }
    }

    #[test]
    fn no_text_brings_the_reader_down() {
        for text in [
            "{{}}",
            "{|}",
            "{wait|/}",
            "{wait|sino:",
            "}{",
            "{wait|:}",
            "{\u{0}}",
            "{wait|sino:분}{wait|sino:분}",
            "가{나}다",
        ] {
            let _ = Phrase::read("p", text, &known());
        }
    }
}
