//! What a chart shows: numbers, menus by how deep they lie, centres by whose they are, and what holds everywhere.

use crate::number::{CallerKind, Digits, EntryKind};
use crate::routing::plan::{CenterId, Condition, Destination, InputId, Menu, MenuId, NoticeId, Plan, Rung};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a chart shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// The numbers that may be dialled.
    pub numbers: Vec<NumberBox>,
    /// Menus in columns: those one key away from the number first.
    pub columns: Vec<Vec<MenuBox>>,
    /// Centres in groups.
    pub groups: Vec<Group>,
    /// Keys that do the same in every menu.
    pub common: Vec<Choice>,
    /// The centre that a common key leads to: drawn as a mark, not with a line from everywhere.
    pub everywhere: Option<CenterId>,
    /// What silence and wrong keys lead to in most menus.
    pub unanswered: Option<Destination>,
    /// The ladder of most centres.
    pub ladder: Vec<Rung>,
    /// After how many ladders a caller is told goodbye, and how.
    pub give_up: Option<(u8, NoticeId)>,
}

/// A number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberBox {
    /// What may be dialled.
    pub dialled: Vec<String>,
    /// Conditions and where they lead, the first that holds; hours come as written.
    pub when: Vec<(String, Destination)>,
    /// Otherwise.
    pub go: Destination,
    /// Its calls are recorded.
    pub recorded: bool,
}

/// A menu, or a question that is answered with digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MenuBox {
    /// Which.
    pub of: Destination,
    /// What it is called: the words of the key that leads to it.
    pub title: String,
    /// Its own choices, in the order they are said.
    pub choices: Vec<Choice>,
    /// Callers are recorded in it.
    pub recorded: bool,
}

impl MenuBox {
    /// What stands over it.
    pub fn head(&self) -> String {
        if self.recorded { format!("{} · 녹음", self.title) } else { self.title.clone() }
    }
}

/// A key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// `1`.
    pub keys: Digits,
    /// What is said for it, or the name of what it leads to.
    pub words: String,
    /// Where it leads.
    pub go: Destination,
}

/// Centres that belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The ministry; `None` for our own.
    pub ministry: Option<String>,
    /// Its centres, in the order of the table.
    pub centers: Vec<CenterId>,
}

impl Model {
    /// Reads a chart out of a plan.
    pub fn of(plan: &Plan) -> Self {
        let said: Vec<BTreeMap<String, String>> = plan.menus.iter().map(|menu| said(plan, menu)).collect();
        let common = common(plan, &said);
        let everywhere = common.iter().find_map(|choice| match choice.go {
            Destination::Center(center) => Some(center),
            _ => None,
        });
        let (depths, titles) = depths(plan, &said);
        let mut columns: Vec<Vec<MenuBox>> = Vec::new();
        for (id, depth) in depths {
            while columns.len() <= depth {
                columns.push(Vec::new());
            }
            let title = titles.get(&id).cloned();
            let closed = plan.doors(id).map(|(_, doors)| Choice {
                keys: Digits::default(),
                words: "운영 시간 밖".to_owned(),
                go: doors.closed,
            });
            let mut card = match id {
                Destination::Input(input) => {
                    let title = title.unwrap_or_else(|| name(plan, id));
                    MenuBox { of: id, title, choices: answers(plan, input), recorded: false }
                }
                Destination::Menu(menu) => MenuBox {
                    of: id,
                    title: title.unwrap_or_else(|| match plan.menu(menu).row.starts_with("message.") {
                        true => name(plan, id),
                        false => "처음 메뉴".to_owned(),
                    }),
                    choices: choices(plan, menu, &said[menu.0], &common),
                    recorded: plan.menu(menu).record,
                },
                _ => continue,
            };
            card.choices.extend(closed);
            columns[depth].push(card);
        }
        let most = most_common(plan.centers.iter().map(|center| &center.transfer.ladder));
        let give_up = most_common(plan.centers.iter().map(|center| (center.transfer.rounds, center.transfer.give_up)));
        Self {
            numbers: numbers(plan),
            columns,
            groups: groups(plan),
            common,
            everywhere,
            unanswered: most_common(plan.menus.iter().map(|menu| menu.no_input.then)),
            ladder: most.cloned().unwrap_or_default(),
            give_up,
        }
    }

    /// Whether a key does in this menu what it does in all.
    pub fn is_everywhere(&self, go: Destination) -> bool {
        self.everywhere.is_some_and(|center| go == Destination::Center(center))
    }
}

/// The name of a place, for people.
pub fn name(plan: &Plan, go: Destination) -> String {
    match go {
        Destination::Center(id) => plan.center(id).name.clone(),
        Destination::Menu(id) => match plan.menu(id).row.split_once('.') {
            Some(("message", id)) => format!("메시지 {id}"),
            Some((_, id)) => id.to_owned(),
            None => plan.menu(id).row.to_string(),
        },
        Destination::Message(id) => format!("녹음 {}", plan.message(id).row.trim_start_matches("message.")),
        Destination::Input(id) => plan.input(id).row.trim_start_matches("input.").to_owned(),
        Destination::Notice(id) => plan.notice(id).row.trim_start_matches("notice.").to_owned(),
        Destination::Back => "이전 메뉴".to_owned(),
        Destination::Repeat => "다시 듣기".to_owned(),
        Destination::Slower => "천천히 듣기".to_owned(),
        Destination::RepeatSlowly => "천천히 다시 듣기".to_owned(),
        Destination::End => "끝".to_owned(),
    }
}

/// Whether a key leaves the caller where he is, or was before: the words say it all.
pub fn stays(go: Destination) -> bool {
    matches!(go, Destination::Back | Destination::Repeat | Destination::Slower | Destination::RepeatSlowly)
}

/// `None` is Korean.
fn tongue(language: Option<&str>) -> String {
    format!("언어 {}", language.unwrap_or("ko"))
}

/// What a menu says for each of its keys.
fn said(plan: &Plan, menu: &Menu) -> BTreeMap<String, String> {
    // As a call in Korean has them: the way back to it is no row of its own.
    plan.rows_offered(menu, None).into_iter().map(|row| (row.keys, row.words)).collect()
}

/// Keys that every menu has, with the same destination: a language leads to each menu itself, once more.
fn common(plan: &Plan, said: &[BTreeMap<String, String>]) -> Vec<Choice> {
    let Some(first) = plan.menus.first() else { return Vec::new() };
    let everywhere = |keys: &Digits, go: &Destination| {
        let same = |menu: &Menu| menu.choices.get(keys) == Some(go) && !menu.languages.contains_key(keys);
        plan.menus.len() > 1 && plan.menus.iter().all(same)
    };
    let words = |keys: &Digits, go: Destination| {
        said.iter().find_map(|said| said.get(keys.as_str()).cloned()).unwrap_or_else(|| name(plan, go))
    };
    let of_all = first.choices.iter().filter(|(keys, go)| everywhere(keys, go));
    of_all.map(|(keys, go)| Choice { keys: keys.clone(), words: words(keys, *go), go: *go }).collect()
}

fn choices(plan: &Plan, id: MenuId, said: &BTreeMap<String, String>, common: &[Choice]) -> Vec<Choice> {
    let own = plan.menu(id).choices.iter().filter(|(keys, _)| common.iter().all(|choice| choice.keys != **keys));
    own.map(|(keys, go)| match *go {
        // Where the caller goes who has left one.
        Destination::Message(message) => {
            Choice { keys: keys.clone(), words: "동의하고 녹음".to_owned(), go: plan.message(message).then }
        }
        go if plan.asks_consent(id) && keys.as_str() == "2" => {
            Choice { keys: keys.clone(), words: "동의하지 않음".to_owned(), go }
        }
        go => {
            let words = said.get(keys.as_str()).cloned().unwrap_or_else(|| name(plan, go));
            let words = match plan.menu(id).recording.get(keys) {
                Some(true) => format!("{words} (녹음)"),
                Some(false) => format!("{words} (녹음하지 않음)"),
                None => words,
            };
            match (plan.menu(id).languages.get(keys), go) {
                (None, go) => Choice { keys: keys.clone(), words, go },
                (Some(language), go) => {
                    // What is said again in another language is another menu to those who hear it.
                    let go = if go == Destination::Repeat { Destination::Menu(id) } else { go };
                    Choice { keys: keys.clone(), words: format!("{words} ({})", tongue(language.as_deref())), go }
                }
            }
        }
    })
    .collect()
}

/// What answers to an input lead to: a right one, and wrong ones or silence.
fn answers(plan: &Plan, id: InputId) -> Vec<Choice> {
    let input = plan.input(id);
    let what = match input.accepts.kind {
        EntryKind::Any => "번호",
        EntryKind::Phone => "전화번호",
        EntryKind::BusinessNumber => "사업자등록번호",
        EntryKind::Date => "날짜",
    };
    let answer = |words: String, go| Choice { keys: Digits::default(), words, go };
    let mut all = vec![answer(format!("{what} 입력"), input.then)];
    all.push(answer("거듭 틀리면".to_owned(), input.no_match.then));
    if input.no_input.then != input.no_match.then {
        all.push(answer("누르지 않으면".to_owned(), input.no_input.then));
    }
    all
}

/// How many keys lead to each menu or input, in the order a reader meets them; and the words that lead there.
fn depths(
    plan: &Plan,
    said: &[BTreeMap<String, String>],
) -> (Vec<(Destination, usize)>, BTreeMap<Destination, String>) {
    let (mut order, mut titles) = (Vec::new(), BTreeMap::new());
    let mut seen = BTreeSet::new();
    let entries =
        plan.numbers.iter().flat_map(|number| [number.go].into_iter().chain(number.when.iter().map(|when| when.go)));
    let mut open: VecDeque<(Destination, usize)> = entries.map(|go| (go, 0)).collect();
    while let Some((at, depth)) = open.pop_front() {
        match at {
            Destination::Menu(id) if seen.insert(at) => {
                order.push((at, depth));
                for (keys, go) in &plan.menu(id).choices {
                    if let (Destination::Menu(_) | Destination::Input(_), Some(words)) =
                        (go, said[id.0].get(keys.as_str()))
                        && !seen.contains(go)
                    {
                        titles.entry(*go).or_insert_with(|| words.clone());
                    }
                    open.push_back((*go, depth + 1));
                }
            }
            Destination::Input(id) if seen.insert(at) => {
                order.push((at, depth));
                open.push_back((plan.input(id).then, depth + 1));
            }
            Destination::Notice(id) => {
                let then = plan.notice(id).then;
                if matches!(then, Destination::Menu(_) | Destination::Input(_)) && !seen.contains(&then) {
                    open.push_back((then, depth + 1));
                }
            }
            _ => {}
        }
    }
    (order, titles)
}

fn numbers(plan: &Plan) -> Vec<NumberBox> {
    let condition = |condition: &Condition| match condition {
        Condition::Outside(hours) => {
            let hours = plan.hours.get(hours.0);
            let spans: Vec<String> = hours.iter().flat_map(|hours| &hours.spans).map(span).collect();
            format!("{} 밖", spans.join(", "))
        }
        Condition::Holiday(true) => "공휴일".to_owned(),
        Condition::Holiday(false) => "공휴일이 아닌 날".to_owned(),
        Condition::Switch(name) => match plan.switches.get(name).filter(|words| !words.is_empty()) {
            Some(words) => format!("{words} ({name})"),
            None => format!("스위치 {name}"),
        },
        Condition::Caller(patterns) => {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            format!("건 번호 {}", patterns.join(", "))
        }
        Condition::CallerKind(kind) => {
            let word = CallerKind::WORDS.iter().find(|(_, known)| known == kind).map_or("", |(word, _)| word);
            format!("건 전화 {word}")
        }
        Condition::Language(language) => tongue(language.as_deref()),
        Condition::Share(percent) => format!("백 통에 {percent}통"),
    };
    let number = |number: &crate::routing::plan::Number| NumberBox {
        dialled: number.dialled.iter().map(ToString::to_string).collect(),
        when: number.when.iter().map(|when| (condition(&when.condition), when.go)).collect(),
        go: number.go,
        recorded: number.record,
    };
    plan.numbers.iter().map(number).collect()
}

/// `월-금 09:00-18:00`.
pub fn span(span: &crate::routing::plan::Span) -> String {
    const DAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];
    let mut days: Vec<String> = Vec::new();
    let mut at = 0;
    while at < 7 {
        let run = span.days.iter().skip(at).take_while(|open| **open).count();
        match run {
            0 => at += 1,
            7 => return format!("매일 {}", times(span)),
            1 => days.push(DAYS[at].to_owned()),
            2 => days.push(format!("{},{}", DAYS[at], DAYS[at + 1])),
            _ => days.push(format!("{}-{}", DAYS[at], DAYS[at + run - 1])),
        }
        at += run;
    }
    format!("{} {}", days.join(","), times(span))
}

fn times(span: &crate::routing::plan::Span) -> String {
    let open = span.open;
    format!(
        "{:02}:{:02}-{:02}:{:02}",
        open.from / 60,
        open.from % 60,
        open.to / 60 % 24 + if open.to == 24 * 60 { 24 } else { 0 },
        open.to % 60
    )
}

/// Our own centres first, then each ministry's, in the order of the table.
fn groups(plan: &Plan) -> Vec<Group> {
    let mut groups = vec![Group { ministry: None, centers: Vec::new() }];
    for (at, center) in plan.centers.iter().enumerate() {
        match groups.iter_mut().find(|group| group.ministry == center.ministry) {
            Some(group) => group.centers.push(CenterId(at)),
            None => groups.push(Group { ministry: center.ministry.clone(), centers: vec![CenterId(at)] }),
        }
    }
    groups.retain(|group| !group.centers.is_empty());
    groups
}

fn most_common<T: PartialEq + Clone>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    // The first of equals: the order of the table.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}
