//! Texts with slots: whether each place of the table can fill them, and the sounds they need.

use super::Findings;
use super::sound::{At, Sounds};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::heard::Heard;
use crate::routing::opening;
use crate::routing::plan::{
    Condition, Destination, Hours, Menu, MenuId, MessageId, NoticeId, Plan, PromptId, Rung, Tongue, When,
};
use crate::routing::slots::{self, Place};
use crate::routing::ways;
use crate::speech::phrase::{self, Mistake, Phrase, Reach};
use jiff::civil::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// Names of sounds told in one finding.
const LACKING_TOLD: usize = 3;

/// A text that was read, and all that it may sound like.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) phrase: Phrase,
    pub(super) parts: Vec<PromptId>,
    /// How long it may take, where all of it has sound.
    pub(super) length: Option<Duration>,
}

/// Every text with slots that the table uses, by its prompt: in Korean, and as `en/closed` in the other languages.
pub(super) fn read(
    plan: &Plan,
    sounds: &Sounds,
    tongues: &BTreeMap<Tongue, Range<usize>>,
    heard: &Heard,
    lengths: &BTreeMap<String, Duration>,
    findings: &mut Findings,
) -> BTreeMap<PromptId, Filled> {
    let reach = reach(plan);
    let any_minute = opens_at_any_minute(plan).then(|| Reach { openings: None, ..reach.clone() });
    let vocabulary = slots::vocabulary();
    let ways = Ways::of(plan);
    let mut all = BTreeMap::new();
    let korean: Option<&Tongue> = None;
    for language in std::iter::once(korean).chain(tongues.keys().map(Some)) {
        let code: &str = language.map_or("ko", |language| language);
        let tongue = phrase::Tongue::of_language(code);
        for (id, span) in sounds.uses() {
            let there: PromptId = language.map_or_else(|| id.clone(), |language| format!("{language}/{id}").into());
            let Some(text) = heard.text(&there).filter(|text| phrase::is_filled_in(text)) else { continue };
            // What the table says itself is no text of the catalogue.
            if language.is_none() && sounds.words.contains_key(id) {
                continue;
            }
            let Some(tongue) = tongue else {
                findings.push(no_grammar(&there, span.clone()));
                continue;
            };
            let phrase = match Phrase::read_in(tongue, id, text, &vocabulary) {
                Ok(phrase) => phrase,
                Err(errors) => {
                    let places: Vec<Place> = sounds.at(id).map(|(at, _)| ways.place(plan, at)).collect();
                    findings.push(misread(&there, code, text, &errors, &places, span.clone()));
                    continue;
                }
            };
            if !phrase.has_slots() {
                continue;
            }
            let mut fits = true;
            for (at, span) in sounds.at(id) {
                fits &= fills(&there, &phrase, ways.place(plan, at), span.clone(), findings);
            }
            let names_rows = phrase.slots().any(|slot| slot == "menu");
            if let Some(row) = mutes_menu(plan, id).filter(|_| fits && names_rows) {
                fits = false;
                findings.push(no_rows(&there, row, span.clone()));
            }
            if !phrase.speaks_without(&slots::unsure()) {
                findings.push(silent(&there, span.clone()));
            }
            let prefix = language.map(|language| format!("{language}/")).unwrap_or_default();
            let mut parts = parts_of(&phrase, &reach);
            let lacking: Vec<&str> = parts
                .iter()
                .map(|part| &**part)
                .filter(|part| !lengths.contains_key(&format!("{prefix}{part}")))
                .collect();
            // Sounds of a text that has to change are not worth making.
            if fits && !lacking.is_empty() && language.is_none() {
                findings.push(mute(id, &lacking, span.clone()));
            }
            let length = lacking.is_empty().then(|| longest(&phrase, &reach, &prefix, lengths));
            // The end of a switch is said where its sounds are there; where they are not the sentence is left out.
            let further = any_minute.iter().flat_map(|reach| parts_of(&phrase, reach));
            let further: Vec<PromptId> = further
                .filter(|part| !parts.contains(part) && lengths.contains_key(&format!("{prefix}{part}")))
                .collect();
            parts.extend(further);
            all.insert(there, Filled { phrase, parts, length });
        }
    }
    all
}

/// The sounds that a text may need with these values.
fn parts_of(phrase: &Phrase, reach: &Reach) -> Vec<PromptId> {
    phrase.sounds(reach).into_iter().map(|sound| sound.id.into()).collect()
}

/// A menu that says this and has no row with words.
fn mutes_menu<'a>(plan: &'a Plan, id: &PromptId) -> Option<&'a str> {
    let says = |menu: &&Menu| menu.speech.len() <= menu.own_words && menu.speech.contains(id);
    plan.menus.iter().find(says).map(|menu| &*menu.row)
}

/// How long a text takes with values that take long.
fn longest(phrase: &Phrase, reach: &Reach, prefix: &str, lengths: &BTreeMap<String, Duration>) -> Duration {
    let parts = phrase.example(reach).parts.into_iter();
    let length = |id: String| lengths.get(&format!("{prefix}{id}")).or_else(|| lengths.get(&id)).copied();
    parts.filter_map(|part| Some(length(part.id?)? + Duration::from_millis(part.added_ms.into()))).sum()
}

/// What values this table has.
fn reach(plan: &Plan) -> Reach {
    let names = plan.centers.iter().map(|center| {
        let row = center.row.strip_prefix("center.").unwrap_or(&center.row);
        (row.to_owned(), center.name.clone())
    });
    let time = |minutes: u16| {
        let minutes = minutes % (24 * 60);
        Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()
    };
    let spans = plan.hours.iter().flat_map(Hours::openings);
    // A holiday ends at midnight, and where a number closes it may lead to what is open then.
    let openings = spans.map(|open| open.from).chain([0]).chain(closings(plan));
    let openings: BTreeSet<Time> = openings.filter_map(time).collect();
    // Where the clock changes, what opens in the hour that is left out opens at another time.
    let fixed = plan.timezone.iana_name() == Some("Asia/Seoul");
    Reach { names: names.collect(), openings: fixed.then_some(openings) }
}

/// Whether a number may open at any minute: when a switch that shut it goes off.
fn opens_at_any_minute(plan: &Plan) -> bool {
    let shut_by_switch = |when: &When| matches!(when.condition, Condition::Switch(_)) && opening::shuts(plan, when);
    plan.numbers.iter().flat_map(|number| &number.when).any(shut_by_switch)
}

/// When numbers close that lead to rows with hours of their own then.
fn closings(plan: &Plan) -> impl Iterator<Item = u16> {
    let conditions = plan.numbers.iter().flat_map(|number| &number.when);
    let leads_on = |to| ways::reached(plan, [to]).into_iter().any(|at| plan.doors(at).is_some());
    let asked = conditions.filter_map(move |when| match when.condition {
        Condition::Outside(hours) if leads_on(when.go) => plan.hours.get(hours.0),
        _ => None,
    });
    asked.flat_map(Hours::openings).map(|open| open.to)
}

/// How callers come to each notice.
struct Ways {
    /// Only because something is closed.
    closed: BTreeSet<NoticeId>,
    /// Only because nobody was reached.
    unreached: BTreeSet<NoticeId>,
}

/// What may be entered because something is closed, and what follows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Notice(NoticeId),
    /// A message, from its question on.
    Message(MessageId),
}

/// Why a caller is led somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Closed,
    Unreached,
    After(Node),
    Other,
}

impl Ways {
    fn of(plan: &Plan) -> Self {
        let ways = ways(plan);
        // What follows is about the same closed door: the set shrinks until it holds.
        let mut closed: BTreeSet<Node> = ways.iter().map(|(node, _)| *node).collect();
        loop {
            let fits = |why: &Why| match why {
                Why::Closed => true,
                Why::After(before) => closed.contains(before),
                Why::Unreached | Why::Other => false,
            };
            let all = |node: &Node| ways.iter().filter(|(to, _)| to == node).all(|(_, why)| fits(why));
            let left: BTreeSet<Node> = closed.iter().copied().filter(all).collect();
            if left == closed {
                break;
            }
            closed = left;
        }
        let notices = |nodes: BTreeSet<Node>| {
            let notice = |node| if let Node::Notice(notice) = node { Some(notice) } else { None };
            nodes.into_iter().filter_map(notice).collect()
        };
        let all = |node: &Node| ways.iter().filter(|(to, _)| to == node).all(|(_, why)| *why == Why::Unreached);
        let unreached = ways.iter().map(|(node, _)| *node).filter(all).collect();
        Self { closed: notices(closed), unreached: notices(unreached) }
    }

    fn place(&self, plan: &Plan, at: &At) -> Place {
        match at {
            At::Place(place) => *place,
            At::Notice(row) => {
                let id = plan.notices.iter().position(|notice| *notice.row == **row).map(NoticeId);
                let among = |set: &BTreeSet<NoticeId>| id.is_some_and(|id| set.contains(&id));
                Place::Notice { closed: among(&self.closed), unreached: among(&self.unreached) }
            }
        }
    }
}

/// Every way to a notice or a message, and why it is taken.
fn ways(plan: &Plan) -> Vec<(Node, Why)> {
    let question = |menu: MenuId| plan.messages.iter().position(|message| message.consent == menu).map(MessageId);
    let node = |to: Destination| match to {
        Destination::Notice(notice) => Some(Node::Notice(notice)),
        Destination::Message(message) => Some(Node::Message(message)),
        Destination::Menu(menu) => question(menu).map(Node::Message),
        Destination::Input(_) | Destination::Center(_) => None,
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => None,
    };
    let mut ways: Vec<(Node, Why)> = Vec::new();
    let mut add = |to: Destination, why: Why| {
        // From a question to its own message is no way to it.
        ways.extend(node(to).filter(|node| why != Why::After(*node)).map(|node| (node, why)));
    };
    for number in &plan.numbers {
        for when in &number.when {
            add(when.go, if opening::shuts(plan, when) { Why::Closed } else { Why::Other });
        }
        add(number.go, Why::Other);
    }
    for (at, menu) in plan.menus.iter().enumerate() {
        let why = question(MenuId(at)).map_or(Why::Other, |message| Why::After(Node::Message(message)));
        let led = menu.choices.values().chain([&menu.no_input.then, &menu.no_match.then]);
        led.for_each(|go| add(*go, why));
    }
    for input in &plan.inputs {
        let led = [input.star, input.hash, input.then, input.no_input.then, input.no_match.then];
        led.into_iter().for_each(|go| add(go, Why::Other));
    }
    for (at, message) in plan.messages.iter().enumerate() {
        let why = Why::After(Node::Message(MessageId(at)));
        [message.then, message.otherwise].into_iter().for_each(|go| add(go, why));
    }
    for center in &plan.centers {
        for rung in &center.transfer.ladder {
            if let Rung::Notice(notice) = rung {
                add(Destination::Notice(*notice), Why::Unreached);
            }
        }
        // It is the goodbye of the longest call, too.
        add(Destination::Notice(center.transfer.give_up), Why::Other);
        center.closed.into_iter().for_each(|go| add(go, Why::Closed));
    }
    for (at, notice) in plan.notices.iter().enumerate() {
        add(notice.then, Why::After(Node::Notice(NoticeId(at))));
    }
    let doors = plan.menus.iter().map(|menu| menu.doors);
    let doors = doors.chain(plan.inputs.iter().map(|input| input.doors));
    let doors = doors.chain(plan.notices.iter().map(|notice| notice.doors)).flatten();
    doors.for_each(|doors| add(doors.closed, Why::Closed));
    ways
}

fn misread(
    id: &str,
    language: &str,
    text: &str,
    errors: &[phrase::PhraseError],
    places: &[Place],
    span: Range<usize>,
) -> Diagnostic {
    let fills = |name: &str| places.iter().all(|place| place.fills().contains(&name));
    let told: Vec<[String; 2]> = errors
        .iter()
        .map(|error| {
            let at = text.get(error.range.clone()).unwrap_or("");
            // Of all names those that this place can fill.
            let mistake = match &error.mistake {
                Mistake::UnknownName(names) => {
                    Mistake::UnknownName(names.iter().filter(|name| fills(name)).cloned().collect())
                }
                other => other.clone(),
            };
            mistake.told().map(|told| format!("`{at}`: {told}"))
        })
        .collect();
    let join = |language: usize| told.iter().map(|told| told[language].as_str()).collect::<Vec<_>>().join("; ");
    Diagnostic::error(
        "E0503",
        span,
        format!("\"{id}\" 의 글을 채울 수 없습니다. {}", join(0)),
        format!("the text of \"{id}\" cannot be filled in: {}", join(1)),
    )
    .label(format!("글: \"{text}\""), format!("the text: \"{text}\""))
    .help(
        format!("prompts/{language}/*.tsv 의 글을 고치세요 (docs/PROMPTS.md)"),
        format!("change the text in prompts/{language}/*.tsv (docs/PROMPTS.md)"),
    )
}

/// Whether a place has a value for every name of a text; those it has none for are told.
fn fills(id: &str, phrase: &Phrase, place: Place, span: Range<usize>, findings: &mut Findings) -> bool {
    let fills = place.fills();
    let mut told = BTreeSet::new();
    for name in phrase.slots().filter(|name| !fills.contains(name)) {
        if !told.insert(name) {
            continue;
        }
        let [korean, english] = place.words();
        let [where_ko, where_en] = slots::belongs(name).unwrap_or_default();
        let names = fills.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
        findings.push(
            Diagnostic::error(
                "E0503",
                span.clone(),
                format!("\"{id}\" 의 {{{name}}} 을(를) {korean}에서는 채울 수 없습니다. {where_ko}"),
                format!("{{{name}}} of \"{id}\" cannot be filled in {english}: {where_en}"),
            )
            .help(
                format!("다른 안내음을 쓰거나 글을 고치세요. 여기에서 쓸 수 있는 것: {names}"),
                format!("use another prompt, or change its text; this place fills {names}"),
            ),
        );
    }
    told.is_empty()
}

fn no_rows(id: &str, row: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0503",
        span,
        format!("\"{id}\": {row} 에는 say 가 있는 줄이 없어 {{menu}} 가 할 말이 없습니다"),
        format!("\"{id}\": no row of {row} has a say, so {{menu}} says nothing"),
    )
    .help("줄에 say 를 쓰거나 글에서 {menu} 를 빼세요", "give its rows a say, or take {menu} out of the text")
}

fn silent(id: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0503",
        span,
        format!("\"{id}\": 값을 모르면 아무 말도 남지 않습니다 (번호를 숨긴 전화, 다시 열지 않는 시간)"),
        format!(
            "\"{id}\": nothing is left to say when the value is not known (a withheld number, hours that never open)"
        ),
    )
    .help(
        "{ } 가 없는 문장을 하나 더하세요. 값을 모르면 그 문장만 들립니다",
        "add a sentence without { }: it is what such callers hear",
    )
}

fn no_grammar(id: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0503",
        span,
        format!("\"{id}\": 이 말로는 {{ }} 를 채울 수 없습니다. 한국어와 영어만 됩니다"),
        format!("\"{id}\": {{ }} cannot be filled in this language, only in Korean and English"),
    )
    .help("말할 그대로 글을 쓰세요", "write the text as it is said")
}

/// E0501: sounds of its slots.
fn mute(id: &str, lacking: &[&str], span: Range<usize>) -> Diagnostic {
    let count = lacking.len();
    let more = if count > LACKING_TOLD { ", …" } else { "" };
    let list = lacking.iter().take(LACKING_TOLD).copied().collect::<Vec<_>>().join(", ");
    Diagnostic::error(
        "E0501",
        span,
        format!("\"{id}\" 의 소리 {count}개가 없습니다: {list}{more}"),
        format!("\"{id}\" lacks {count} of its sounds: {list}{more}"),
    )
    .help("`ivr1357 prompts build` 로 소리를 만드세요", "build them: `ivr1357 prompts build`")
}
