//! A phrase filled in: the parts to play one after the other, and the whole as it is written.
//!
//! What has few values is one part, said in one breath (세 명, 오전 아홉 시); larger numbers are joined from their thousands, hundreds and
//! what is left. A part's id is the same whenever its words, its melody and its particle are, so a sound can be built for it
//! ahead ([`Phrase::closed_set`]).

use super::slots::{Draft, Next};
use super::{Form, Phrase, Piece, Slot, Tongue};
use crate::speech::naming;
use crate::speech::sound::silence;
use crate::speech::words::Kind;
use jiff::civil::{Date, DateTime, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What a slot is filled with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A count.
    Number(u64),
    /// A number told digit by digit; what is no digit parts its groups.
    Digits(String),
    /// Words of the table.
    Text(String),
    /// A time of day; its seconds are not said.
    Time(Time),
    /// A day.
    Date(Date),
    /// Won.
    Money(u64),
    /// Choices and their keys, in the order of the table.
    Menu(Vec<MenuRow>),
    /// A row of the table by its name: `kosmes`, 중소벤처기업진흥공단.
    Named(String, String),
    /// When something opens.
    Opening(DateTime),
}

/// A choice of a menu.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MenuRow {
    /// Its words, as they stand in the table: 정책자금.
    pub words: String,
    /// The keys to press: `1`.
    pub keys: String,
    /// The language that it is offered in, because it leads there: `en`; `None` is the phrase's own.
    pub offered: Option<String>,
}

/// What is known when a phrase is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Values {
    /// The day of the call: a date of its year is said without the year, and so is every date when this is not known.
    pub today: Option<Date>,
    /// The values by name.
    pub by_name: BTreeMap<String, Value>,
}

/// Why a phrase cannot be said: the name whose value is missing, is empty or is another than its kind wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lack(pub String);

/// What values a table has, of those that not every table has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// Rows that a text may name: `kosmes`, 중소벤처기업진흥공단.
    pub names: Vec<(String, String)>,
    /// Times at which something opens; `None` is any.
    pub openings: Option<BTreeSet<Time>>,
}

/// One sound of a phrase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The prompt that sounds so; `None` when its name would leave the folder.
    pub id: Option<String>,
    /// What is said.
    pub text: String,
    /// How it ends.
    pub kind: Kind,
    /// Silence between the voice before it and its own, in milliseconds; 0 for the first.
    pub gap_ms: u32,
    /// How much of that has to be added: the rest lies in the built sounds themselves.
    pub added_ms: u32,
}

/// A phrase for one call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spoken {
    /// What to play, in order.
    pub parts: Vec<Part>,
    /// The whole, numbers in words, as a transcript has it.
    pub text: String,
}

/// A sound that a phrase may need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sound {
    /// Its prompt.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How it ends.
    pub kind: Kind,
}

impl Phrase {
    /// The phrase with these values.
    pub fn say(&self, values: &Values) -> Result<Spoken, Lack> {
        self.say_unless(values, &|_| false)
    }

    /// The phrase with these values, without the sentences whose values are not known.
    pub fn say_what_is_known(&self, values: &Values) -> Spoken {
        let lacks = |piece: &Piece| match piece {
            Piece::Literal(_) => false,
            Piece::Slot(slot) => {
                let value = values.by_name.get(&slot.name);
                value.is_none_or(|value| slot.drafts(self.tongue, value, values.today, Next::More).is_none())
            }
        };
        let is_left_out = |sentence: &[Piece]| sentence.iter().any(lacks);
        self.say_unless(values, &is_left_out).unwrap_or_default()
    }

    fn say_unless(&self, values: &Values, is_left_out: &dyn Fn(&[Piece]) -> bool) -> Result<Spoken, Lack> {
        let (mut parts, mut text): (Vec<Part>, _) = (Vec::new(), String::new());
        let mut literals = 0;
        // Whether a sentence is under way, so that what ends it is its ending.
        let mut going = false;
        let left_out = self.by_sentence().into_iter().flat_map(|sentence| vec![is_left_out(sentence); sentence.len()]);
        for (at, (piece, left_out)) in self.pieces.iter().zip(left_out).enumerate() {
            let next = self.next(at);
            match piece {
                // The names of the others do not change.
                Piece::Literal(literal) if left_out => literals += sentences(literal).count(),
                Piece::Slot(_) if left_out => {}
                Piece::Literal(literal) => {
                    // 9 a.m. ends its sentence with its own full stop.
                    if literal.starts_with('.') && text.ends_with('.') {
                        text.pop();
                    }
                    text.push_str(literal);
                    for sentence in sentences(literal) {
                        literals += 1;
                        let ends = ends_a_sentence(sentence);
                        let kind = match (ends || (next == Next::End && literal.trim_end().ends_with(sentence)), going)
                        {
                            (true, true) => Kind::Ending,
                            (true, false) => Kind::Sentence,
                            (false, _) => Kind::GoingOn,
                        };
                        going = kind == Kind::GoingOn;
                        let id = Some(format!("phrase/{}/{literals}", self.id));
                        push(
                            &mut parts,
                            Draft { id, before: "", text: sentence.to_owned(), kind: None, gap_ms: None },
                            kind,
                        );
                    }
                    // A full stop right behind a slot.
                    if ends_a_sentence(literal) {
                        going = false;
                    }
                }
                Piece::Slot(slot) => {
                    let value = values.by_name.get(&slot.name).ok_or_else(|| Lack(slot.name.clone()))?;
                    let drafts = slot.drafts(self.tongue, value, values.today, next);
                    let drafts = drafts.ok_or_else(|| Lack(slot.name.clone()))?;
                    let last = drafts.len().saturating_sub(1);
                    for (index, draft) in drafts.into_iter().enumerate() {
                        text.push_str(draft.before);
                        text.push_str(&draft.text);
                        let falls = index == last && next == Next::End;
                        let kind = draft.kind.unwrap_or(if falls { Kind::Ending } else { Kind::GoingOn });
                        going = true;
                        push(&mut parts, draft, kind);
                    }
                    going &= next != Next::End;
                }
            }
        }
        Ok(Spoken { parts, text: text.trim().to_owned() })
    }

    /// The phrase with values that take long, for those who ask how long it may take.
    pub fn example(&self, reach: &Reach) -> Spoken {
        let slots = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some((slot.name.clone(), slot.example(reach)?)),
            Piece::Literal(_) => None,
        });
        self.say_what_is_known(&Values { today: None, by_name: slots.collect() })
    }

    /// Every sound of it that does not hang on words of the table: what a build has to make, each once, by id.
    pub fn closed_set(&self) -> Vec<Sound> {
        self.sounds(&Reach::default())
    }

    /// Every sound of it in such a table.
    pub fn sounds(&self, reach: &Reach) -> Vec<Sound> {
        let mut sounds = BTreeSet::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let Piece::Slot(slot) = piece else { continue };
            let next = self.next(at);
            for (value, today) in slot.every_value(self.tongue, reach) {
                let drafts = slot.drafts(self.tongue, &value, today, next).unwrap_or_default();
                let last = drafts.len().saturating_sub(1);
                for (index, draft) in drafts.into_iter().enumerate() {
                    let falls = index == last && next == Next::End;
                    let kind = draft.kind.unwrap_or(if falls { Kind::Ending } else { Kind::GoingOn });
                    sounds.extend(draft.id.map(|id| Sound { id: named(id, kind), text: draft.text, kind }));
                }
            }
        }
        sounds.extend(self.literals());
        sounds.retain(|sound| naming::is_path_inside(&sound.id));
        sounds.into_iter().collect()
    }

    /// The sounds of what stands between its slots: the same whatever those hold.
    pub fn literals(&self) -> Vec<Sound> {
        let mut only = self.clone();
        only.pieces.iter_mut().for_each(|piece| {
            if let Piece::Slot(slot) = piece {
                *slot = Slot { name: String::new(), form: Form::Text, most: None, particle: None };
            }
        });
        only.tongue = Tongue::Korean;
        let anything =
            Values { today: None, by_name: BTreeMap::from([(String::new(), Value::Text("가".to_owned()))]) };
        let literal = format!("phrase/{}/", self.id);
        let spoken = only.say(&anything).map(|spoken| spoken.parts).unwrap_or_default();
        let own = spoken.into_iter().filter_map(|part| {
            let id = part.id.filter(|id| id.starts_with(&literal))?;
            Some(Sound { id, text: part.text, kind: part.kind })
        });
        own.collect()
    }

    fn next(&self, at: usize) -> Next {
        let Some(Piece::Literal(literal)) = self.pieces.get(at + 1) else {
            return if at + 1 < self.pieces.len() { Next::More } else { Next::End };
        };
        let is_last = at + 2 == self.pieces.len();
        let word = literal.trim_start_matches(|c: char| !c.is_alphanumeric());
        let between = literal.get(..literal.len() - word.len()).unwrap_or("");
        match (word.is_empty() && is_last, between) {
            (true, _) => Next::End,
            (false, between) if ends_a_sentence(between) => Next::End,
            (false, "") => Next::Attached,
            (false, _) => Next::More,
        }
    }
}

/// Adds a part behind the others.
fn push(parts: &mut Vec<Part>, draft: Draft, kind: Kind) {
    let (lead, _) = silence(kind);
    let own = parts.last().map_or(0, |before| silence(before.kind).1 + lead);
    let own = u32::try_from(own).unwrap_or(u32::MAX);
    let gap_ms = if parts.is_empty() { 0 } else { draft.gap_ms.unwrap_or(own).max(own) };
    let id = draft.id.map(|id| named(id, kind)).filter(|id| naming::is_path_inside(id));
    parts.push(Part { id, text: draft.text, kind, gap_ms, added_ms: gap_ms - own });
}

/// How a part sounds whose name says so: those of slots.
pub fn kind_of_part(id: &str) -> Option<Kind> {
    let rest = id.strip_prefix("phrase/")?;
    let of_a_slot = OF_SLOTS.iter().any(|family| rest.starts_with(family));
    of_a_slot.then_some(if rest.ends_with("-end") { Kind::Ending } else { Kind::GoingOn })
}

/// The same words fall at an end and stay up before more: two sounds. Prompts of the tables have one kind, and literals one place.
fn named(id: String, kind: Kind) -> String {
    let of_a_slot =
        id.strip_prefix("phrase/").is_some_and(|rest| OF_SLOTS.iter().any(|family| rest.starts_with(family)));
    if of_a_slot && kind == Kind::Ending { format!("{id}-end") } else { id }
}

/// Families of parts that stand in more than one place.
const OF_SLOTS: [&str; 16] = [
    "count-", "counter-", "native-", "sino-", "time-", "month-", "day-", "weekday-", "digit-", "text-", "number-",
    "hour-", "minute-", "clock-", "at-", "on-",
];

pub(super) fn ends_a_sentence(text: &str) -> bool {
    text.trim_end().ends_with(['.', '?', '!', '。'])
}

/// A text cut behind each of its sentences. A full stop ends one before a space only.
pub(super) fn by_sentence(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.match_indices(['.', '?', '!', '。']).map(|(at, mark)| at + mark.len());
    let ends = ends.filter(|&end| text.get(end..).is_some_and(|rest| rest.starts_with(' '))).chain([text.len()]);
    let mut begin = 0;
    ends.filter_map(move |end| {
        let sentence = text.get(begin..end).filter(|sentence| !sentence.is_empty());
        begin = end;
        sentence
    })
}

/// The sentences of a text, and what is left behind them, without those that do not sound.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    by_sentence(text).filter_map(|sentence| {
        // Marks right behind a slot are written, and heard in its melody.
        let sentence = sentence.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '#' && c != '*').trim_end();
        (!sentence.is_empty()).then_some(sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Type};
    use super::*;

    fn say(text: &str, values: &[(&str, Value)]) -> Spoken {
        let known = Known::from([
            ("position", Type::Number),
            ("wait", Type::Number),
            ("number", Type::Digits),
            ("center.name", Type::Text),
            ("opens", Type::Time),
            ("day", Type::Date),
            ("menu", Type::Menu),
            ("opening", Type::Opening),
            ("caller", Type::Digits),
        ]);
        let by_name = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Phrase::read("p", text, &known).unwrap().say(&Values { today: None, by_name }).unwrap()
    }

    /// id, text, kind, gap and what is added to it.
    fn parts(spoken: &Spoken) -> Vec<String> {
        let parts = spoken.parts.iter();
        parts
            .map(|part| {
                let id = part.id.as_deref().unwrap_or("-");
                format!("{id} {} {} {}+{}", part.text, part.kind, part.gap_ms, part.added_ms)
            })
            .collect()
    }

    #[test]
    fn a_place_in_the_queue_is_joined_from_whole_phrases() {
        let spoken = say(
            "대기 순서는 {position|native}번째이고, 예상 대기 시간은 {wait|sino:분}입니다.",
            &[("position", Value::Number(3)), ("wait", Value::Number(12))],
        );
        assert_eq!(spoken.text, "대기 순서는 세 번째이고, 예상 대기 시간은 십이 분입니다.");
        assert_eq!(
            parts(&spoken),
            [
                "phrase/p/1 대기 순서는 going-on 0+0",
                "phrase/count-번째-3 세 번째 going-on 50+0",
                "phrase/p/2 이고, 예상 대기 시간은 going-on 50+0",
                "phrase/count-분-12 십이 분 going-on 50+0",
                "phrase/p/3 입니다. ending 30+0",
            ]
        );
    }

    #[test]
    fn what_ends_a_sentence_falls() {
        let spoken = say(
            "안내입니다. 지금은 {opens}. {wait|native:명}, 그리고 {position|sino:분}",
            &[
                ("opens", Value::Time(Time::constant(9, 30, 0, 0))),
                ("wait", Value::Number(45)),
                ("position", Value::Number(2)),
            ],
        );
        assert_eq!(spoken.text, "안내입니다. 지금은 오전 아홉 시 삼십 분. 마흔다섯 명, 그리고 이 분");
        assert_eq!(
            parts(&spoken),
            [
                "phrase/p/1 안내입니다. sentence 0+0",
                "phrase/p/2 지금은 going-on 160+0",
                "phrase/time-9 오전 아홉 시 going-on 50+0",
                "phrase/count-분-30-end 삼십 분 ending 30+0",
                "phrase/native-45 마흔다섯 going-on 140+0",
                "phrase/counter-명 명 going-on 50+0",
                "phrase/p/3 그리고 going-on 50+0",
                "phrase/count-분-2-end 이 분 ending 30+0",
            ]
        );
    }

    #[test]
    fn an_opening_is_said_by_the_nearest_word_for_its_day() {
        let known = Known::from([("opens", Type::Opening)]);
        let phrase = Phrase::read("p", "상담은 {opens|에} 시작합니다.", &known).unwrap();
        let sounds: BTreeMap<String, String> =
            phrase.closed_set().into_iter().map(|sound| (sound.id, sound.text)).collect();
        for (at, said) in [
            ("2026-11-27T13:00", "오늘 오후 한 시에"),
            ("2026-11-28T09:00", "내일 오전 아홉 시에"),
            ("2026-11-29T09:00", "일요일 오전 아홉 시에"),
            ("2026-11-30T09:30", "월요일 오전 아홉 시 삼십 분에"),
            ("2026-12-01T09:00", "십이월 일일 화요일 오전 아홉 시에"),
            ("2027-01-04T00:00", "일월 사일 월요일 영 시에"),
        ] {
            let by_name = BTreeMap::from([("opens".to_owned(), Value::Opening(at.parse().unwrap()))]);
            let spoken = phrase.say(&Values { today: Some(Date::constant(2026, 11, 27)), by_name }).unwrap();
            assert_eq!(spoken.text, format!("상담은 {said} 시작합니다."));
            for part in spoken.parts {
                assert_eq!(sounds.get(part.id.as_deref().unwrap()), Some(&part.text), "{at}");
            }
        }
        // A table that opens at nine needs no other time.
        let openings = Some(BTreeSet::from([Time::constant(9, 0, 0, 0)]));
        let times = phrase.sounds(&Reach { names: Vec::new(), openings });
        let times: Vec<_> =
            times.iter().filter(|sound| sound.id.contains("time-") || sound.id.contains("분")).collect();
        assert_eq!(times.iter().map(|sound| sound.id.as_str()).collect::<Vec<_>>(), ["phrase/time-9-에"]);
    }

    #[test]
    fn a_sentence_whose_value_is_not_known_is_left_out() {
        let known = Known::from([("opens", Type::Opening), ("caller", Type::Digits)]);
        let text = "지금은 상담 시간이 아닙니다. 상담은 {opens|에} 시작합니다. 그때 전화해 주십시오.";
        let phrase = Phrase::read("p", text, &known).unwrap();
        let spoken = phrase.say_what_is_known(&Values::default());
        assert_eq!(spoken.text, "지금은 상담 시간이 아닙니다. 그때 전화해 주십시오.");
        let ids: Vec<_> = spoken.parts.iter().filter_map(|part| part.id.as_deref()).collect();
        assert_eq!(ids, ["phrase/p/1", "phrase/p/4"], "the names of the others stay");
        let by_name = BTreeMap::from([("opens".to_owned(), Value::Opening("2026-11-30T09:00".parse().unwrap()))]);
        let all = Values { today: None, by_name };
        assert_eq!(phrase.say_what_is_known(&all), phrase.say(&all).unwrap());
        assert!(phrase.speaks_without(&["opens"]));
        let only = Phrase::read("p", "거신 번호는 {caller|digits}입니다", &known).unwrap();
        assert_eq!(only.say_what_is_known(&Values::default()), Spoken::default());
        assert!(!only.speaks_without(&["opens", "caller"]) && only.speaks_without(&["opens"]));
    }

    #[test]
    fn a_number_over_its_bound_is_none() {
        let known = Known::from([("wait", Type::UpTo(60))]);
        let phrase = Phrase::read("p", "{wait|sino:분}", &known).unwrap();
        let say =
            |number| phrase.say(&Values { today: None, by_name: [("wait".to_owned(), Value::Number(number))].into() });
        assert!(say(60).is_ok() && say(61).is_err());
        assert_eq!(phrase.closed_set().len(), 62, "0 to 59, and 60 in two");
    }

    #[test]
    fn digits_stand_apart_their_groups_further_and_the_last_one_falls() {
        let spoken = say("{number}", &[("number", Value::Digits("120-345".into()))]);
        assert_eq!(spoken.text, "일이공, 삼사오");
        assert_eq!(
            parts(&spoken),
            [
                "digit_1 일 digit 0+0",
                "digit_2 이 digit 60+0",
                "digit_0 공 digit 60+0",
                "digit_3 삼 digit 300+240",
                "digit_4 사 digit 60+0",
                "phrase/digit-5-end 오 ending 60+20",
            ]
        );
        let inside = say("{number|digits}번입니다.", &[("number", Value::Digits("7".into()))]);
        assert_eq!(parts(&inside)[0], "digit_7 칠 digit 0+0", "a word goes on behind it");
        let particle = say("{number|digits|으로/로} 겁니다.", &[("number", Value::Digits("10".into()))]);
        assert_eq!(particle.text, "일공으로 겁니다.");
        assert_eq!(parts(&particle)[1], "phrase/digit-0-으로 공으로 going-on 60+0");
    }

    #[test]
    fn a_menu_is_said_by_the_prompts_it_has() {
        let choices = [("정책자금", "1"), ("다른 부처 상담센터", "12"), ("처음", "*")];
        let row = |(words, keys): (&str, &str)| MenuRow { words: words.into(), keys: keys.into(), offered: None };
        let spoken = say("{menu}입니다.", &[("menu", Value::Menu(choices.map(row).into()))]);
        assert_eq!(spoken.text, "정책자금은 1번, 다른 부처 상담센터는 1번 2번, 처음은 별표입니다.");
        let parts = parts(&spoken);
        assert_eq!(parts[..2], ["say/정책자금 정책자금은 going-on 0+0", "key_1 1번 ending 30+0"]);
        assert_eq!(parts[2], "say/다른 부처 상담센터 다른 부처 상담센터는 going-on 140+0");
        assert_eq!(parts[6], "key_star 별표 ending 30+0");
    }

    #[test]
    fn a_row_that_leads_to_a_language_is_offered_in_it() {
        let row = |words: &str, keys: &str, offered: Option<&str>| MenuRow {
            words: words.into(),
            keys: keys.into(),
            offered: offered.map(str::to_owned),
        };
        let rows = vec![row("정책자금", "1", None), row("영어", "9", Some("en")), row("한국어", "9", Some("ko"))];
        let value = || [("menu", Value::Menu(rows.clone()))];
        let spoken = say("{menu}.", &value());
        assert_eq!(spoken.text, "정책자금은 1번, 영어 press 9, 한국어는 9번.");
        let ids = |spoken: &Spoken| spoken.parts.iter().filter_map(|part| part.id.clone()).collect::<Vec<_>>();
        let parts = ["say/정책자금", "key_1", "en/say/영어", "en/key_9", "ko/say/한국어", "ko/key_9"];
        assert_eq!(ids(&spoken), parts);
        let known = Known::from([("menu", Type::Menu)]);
        let english = Phrase::read_in(Tongue::English, "p", "{menu}.", &known).unwrap();
        let by_name = value().map(|(name, value)| (name.to_owned(), value)).into();
        let spoken = english.say(&Values { today: None, by_name }).unwrap();
        assert_eq!(spoken.text, "정책자금 press 1, 영어 press 9, 한국어는 9번.");
        assert_eq!(ids(&spoken), parts);
    }

    #[test]
    fn a_name_that_cannot_be_a_file_has_an_escaped_one() {
        let name = |name: &str| say("{center.name|으로/로} 연결합니다.", &[("center.name", Value::Text(name.into()))]);
        assert_eq!(parts(&name("서울"))[0], "phrase/text-서울로 서울로 going-on 0+0");
        assert_eq!(parts(&name("가/../나"))[0], "phrase/text-가%2F%2E%2E%2F나로 가/../나로 going-on 0+0");
        let long = "가나다라마바사아자차".repeat(20);
        let spoken = name(&long);
        assert!(spoken.parts[0].id.as_deref().is_some_and(|id| id.len() < 200 && id.ends_with("로")), "{spoken:?}");
    }

    #[test]
    fn a_value_that_is_missing_empty_or_of_another_kind_is_named() {
        let known = Known::from([("t", Type::Text), ("number", Type::Digits)]);
        let lack = |name: &str, value: Value| {
            let values = Values { today: None, by_name: BTreeMap::from([(name.to_owned(), value)]) };
            Phrase::read("p", "{t} {number}", &known).unwrap().say(&values)
        };
        assert_eq!(lack("number", Value::Digits("1".into())), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Number(1)), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Text(" ".into())), Err(Lack("t".into())));
        assert_eq!(lack("t", Value::Text("가".into())), Err(Lack("number".into())));
    }

    #[test]
    fn a_closed_set_has_one_sound_for_each_id_and_the_words_of_the_phrase() {
        let known = Known::from([("wait", Type::Number)]);
        let phrase = Phrase::read("wait", "예상 대기 시간은 {wait|sino:분}입니다.", &known).unwrap();
        let set = phrase.closed_set();
        let ids: BTreeSet<_> = set.iter().map(|sound| &sound.id).collect();
        assert_eq!(ids.len(), set.len());
        let text = |id: &str| set.iter().find(|sound| sound.id == id).map(|sound| (sound.text.as_str(), sound.kind));
        assert_eq!(text("phrase/wait/1"), Some(("예상 대기 시간은", Kind::GoingOn)));
        assert_eq!(text("phrase/wait/2"), Some(("입니다.", Kind::Ending)));
        assert_eq!(text("phrase/count-분-59"), Some(("오십구 분", Kind::GoingOn)));
        assert_eq!(text("phrase/counter-분"), Some(("분", Kind::GoingOn)));
        assert_eq!(text("phrase/count-분-60"), None);
    }
}
