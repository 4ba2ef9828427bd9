//! How the rows hang together: rows nobody reaches, ways that go round, and the house rules of a Korean IVR.

use super::Findings;
use super::center::CenterSite;
use super::input::InputSite;
use super::menu::MenuSite;
use super::message::MessageSite;
use super::names::Names;
use super::never::NumberSite;
use super::notice::NoticeSite;
use crate::limits::LADDER_PATIENCE;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{Center, CenterId, Destination, InputId, MenuId, NoticeId, Plan, Rung};
use crate::routing::ways::{self, ways};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// Where the rows of a plan stand.
#[derive(Default)]
pub(super) struct Sites {
    pub(super) numbers: Vec<NumberSite>,
    pub(super) menus: Vec<MenuSite>,
    pub(super) inputs: Vec<InputSite>,
    pub(super) centers: Vec<CenterSite>,
    pub(super) notices: Vec<NoticeSite>,
    pub(super) messages: Vec<MessageSite>,
}

/// Everything about ways through the table. `whole` is false when syntax hides some of the ways.
pub(super) fn check(
    plan: &Plan,
    sites: &Sites,
    names: &Names,
    whole: bool,
    korean_profile: bool,
    findings: &mut Findings,
) {
    let reached = reached(plan, names);
    if whole {
        unreachable(plan, sites, &reached, findings);
    }
    loops(plan, sites, findings);
    give_up_ends(plan, sites, findings);
    ambiguous(plan, sites, findings);
    ambiguous_values(plan, sites, findings);
    patience(plan, sites, findings);
    if korean_profile {
        house_rules(plan, sites, &reached, findings);
        no_person_from_input(plan, sites, &reached, findings);
    }
}

/// Every row a caller can come to. Where a name is unknown, the row it probably meant counts.
fn reached(plan: &Plan, names: &Names) -> BTreeSet<Destination> {
    let entries = plan.numbers.iter().flat_map(|number| number.when.iter().map(|when| when.go).chain([number.go]));
    ways::reached(plan, entries.chain(names.guessed()))
}

/// E0203.
fn unreachable(plan: &Plan, sites: &Sites, reached: &BTreeSet<Destination>, findings: &mut Findings) {
    // Without a way in nothing is reached, and that has been said.
    if !reached.iter().any(|at| !matches!(at, Destination::End)) {
        return;
    }
    let menus = plan.menus.iter().zip(&sites.menus).enumerate();
    let menus = menus.map(|(at, (menu, site))| (Destination::Menu(MenuId(at)), &menu.row, &site.row));
    let inputs = plan.inputs.iter().zip(&sites.inputs).enumerate();
    let inputs = inputs.map(|(at, (input, site))| (Destination::Input(InputId(at)), &input.row, &site.row));
    let centers = plan.centers.iter().zip(&sites.centers).enumerate();
    let centers = centers.map(|(at, (center, site))| (Destination::Center(CenterId(at)), &center.row, &site.row));
    let notices = plan.notices.iter().zip(&sites.notices).enumerate();
    let notices = notices.map(|(at, (notice, site))| (Destination::Notice(NoticeId(at)), &notice.row, &site.row));
    for (place, row, span) in menus.chain(inputs).chain(centers).chain(notices) {
        if reached.contains(&place) {
            continue;
        }
        findings.push(
            Diagnostic::error(
                "E0203",
                span.clone(),
                format!("{row} 에 닿는 전화가 없습니다"),
                format!("no call can reach {row}"),
            )
            .help(
                format!("메뉴의 버튼에서 이리로 보내거나 (go = \"{row}\"), 이 행을 지우세요"),
                format!("lead a key to it with go = \"{row}\", or delete the row"),
            ),
        );
    }
}

/// E0205 and E0206: ways on which nothing stops a caller who does nothing, or only wrong things.
fn loops(plan: &Plan, sites: &Sites, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    let shut = [false, true];
    for (wrong_keys, closed) in [false, true].into_iter().flat_map(|wrong| shut.map(|closed| (wrong, closed))) {
        for start in starts(plan) {
            let Some(circle) = circle(plan, start, wrong_keys, closed) else { continue };
            let mut members = circle.clone();
            members.sort();
            // A circle of announcements is the same whatever is pressed.
            let shut = |at: &Destination| closed && plan.doors(*at).is_some();
            let asks = circle.iter().any(|at| matches!(at, Destination::Menu(_) | Destination::Input(_)) && !shut(at));
            if !told.insert((members, asks && wrong_keys)) {
                continue;
            }
            let mut path: Vec<&str> = circle.iter().map(|at| row(plan, *at)).collect();
            path.extend(path.first().copied());
            let path = path.join(" → ");
            let asked = circle.iter().filter(|at| !shut(at)).find_map(|at| match at {
                Destination::Menu(id) => sites.menus.get(id.0).map(|site| (&site.no_input, &site.no_match)),
                Destination::Input(id) => sites.inputs.get(id.0).map(|site| (&site.no_input, &site.no_match)),
                _ => None,
            });
            findings.push(match asked {
                None => {
                    let of_shut = |at: &Destination| if shut(at) { named(sites, *at) } else { leaves(sites, *at) };
                    let span = circle.first().map_or(0..0, of_shut);
                    Diagnostic::error(
                        "E0205",
                        span,
                        format!("{path}: 끝없이 돕니다"),
                        format!("{path}: goes round for ever"),
                    )
                    .help(
                        "한 곳을 메뉴나 상담원, 또는 \"end\" 로 보내세요",
                        "let one of them lead to a menu, to a person or to \"end\"",
                    )
                }
                Some((no_input, no_match)) => {
                    let (span, korean, english) = if wrong_keys {
                        (no_match, "잘못 누르기만 하는 전화는", "a caller who presses only wrong keys never leaves")
                    } else {
                        (no_input, "아무것도 누르지 않는 전화는", "a caller who presses nothing never leaves")
                    };
                    Diagnostic::error(
                        "E0206",
                        span.clone(),
                        format!("{path}: {korean} 끝없이 돕니다"),
                        format!("{path}: {english}"),
                    )
                    .help(
                        "then = \"center.counsel\" 처럼 사람에게 보내세요",
                        "lead to a person: then = \"center.counsel\"",
                    )
                }
            });
        }
    }
}

/// Every row, announcements first: a circle of them alone is the plainer mistake.
fn starts(plan: &Plan) -> Vec<Destination> {
    let notices = (0..plan.notices.len()).map(|at| Destination::Notice(NoticeId(at)));
    let centers = (0..plan.centers.len()).map(|at| Destination::Center(CenterId(at)));
    let menus = (0..plan.menus.len()).map(|at| Destination::Menu(MenuId(at)));
    let inputs = (0..plan.inputs.len()).map(|at| Destination::Input(InputId(at)));
    notices.chain(centers).chain(menus).chain(inputs).collect()
}

/// The circle through `start` that a caller walks by pressing nothing (or only wrong keys).
fn circle(plan: &Plan, start: Destination, wrong_keys: bool, closed: bool) -> Option<Vec<Destination>> {
    let mut path = vec![start];
    let mut at = start;
    loop {
        at = next(plan, at, wrong_keys, closed)?;
        if at == start {
            return Some(path);
        }
        // Another circle further on is found from its own rows.
        if path.contains(&at) {
            return None;
        }
        path.push(at);
    }
}

/// Where the caller is led without doing anything useful; `None` where somebody answers or the call ends.
/// What has hours is open, or all of it is closed.
fn next(plan: &Plan, at: Destination, wrong_keys: bool, closed: bool) -> Option<Destination> {
    if closed && let Some((_, doors)) = plan.doors(at) {
        return Some(doors.closed);
    }
    match at {
        Destination::Menu(id) => {
            let menu = plan.menus.get(id.0)?;
            Some(if wrong_keys { menu.no_match.then } else { menu.no_input.then })
        }
        Destination::Input(id) => {
            let input = plan.inputs.get(id.0)?;
            Some(if wrong_keys { input.no_match.then } else { input.no_input.then })
        }
        Destination::Notice(id) => Some(plan.notices.get(id.0)?.then),
        // Says nothing.
        Destination::Message(id) => Some(plan.messages.get(id.0)?.otherwise),
        // An open centre answers, or its ladder ends after `rounds`; a closed one sends on.
        Destination::Center(id) => {
            let center = plan.centers.get(id.0)?;
            center.hours.and(center.closed)
        }
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => None,
    }
}

/// E0205: after the last round the call must end, or the rounds mean nothing.
fn give_up_ends(plan: &Plan, sites: &Sites, findings: &mut Findings) {
    let mut told = BTreeSet::new();
    for (center, site) in plan.centers.iter().zip(&sites.centers) {
        let mut at = Destination::Notice(center.transfer.give_up);
        let mut steps = 0;
        let mut shut = None;
        while let Destination::Notice(id) = at {
            shut = shut.or(plan.doors(at).map(|(row, _)| row.clone()));
            steps += 1;
            match plan.notices.get(id.0) {
                Some(notice) if steps <= plan.notices.len() => at = notice.then,
                _ => break,
            }
        }
        if let Some(row) = shut {
            if told.insert(site.give_up.start) {
                findings.push(
                    Diagnostic::error(
                        "E0202",
                        site.give_up.clone(),
                        format!("give_up 의 안내는 언제나 들려야 하는데 {row} 에 hours 가 있습니다"),
                        format!("what give_up says must be heard at all hours, and {row} has hours"),
                    )
                    .help("hours 가 없는 안내를 쓰세요", "name an announcement without hours"),
                );
            }
            continue;
        }
        if !matches!(at, Destination::Menu(_) | Destination::Input(_) | Destination::Center(_))
            || !told.insert(site.give_up.start)
        {
            continue;
        }
        let again = row(plan, at);
        findings.push(
            Diagnostic::error(
                "E0205",
                site.give_up.clone(),
                format!("give_up 뒤에 다시 {again} 에 이르러 끝나지 않습니다"),
                format!("after give_up the caller comes back to {again}, for ever"),
            )
            .help(
                "무엇을 하면 되는지 말하고 끝내세요: [notice] 행에 then = \"end\"",
                "say what the caller can do, then end: then = \"end\" in that [notice] row",
            ),
        );
    }
}

/// W0601: a key that is also the beginning of a longer one waits for it.
fn ambiguous(plan: &Plan, sites: &Sites, findings: &mut Findings) {
    for (menu, site) in plan.menus.iter().zip(&sites.menus) {
        for short in menu.choices.keys() {
            let long =
                menu.choices.keys().find(|long| long.len() > short.len() && long.as_str().starts_with(short.as_str()));
            let (Some(long), Some(span)) = (long, site.choices.get(short)) else { continue };
            let (row, short, long_text, wait) =
                (&menu.row, short.as_str(), long.as_str(), menu.interdigit.as_secs_f32());
            let finding = Diagnostic::warning(
                "W0601",
                span.clone(),
                format!("{row}: {long_text} 때문에 {short} 번을 누를 때마다 {wait}초를 기다립니다"),
                format!("{row}: because of {long_text}, every {short} waits {wait} s"),
            )
            .help("길이가 같은 번호로 바꾸세요", "give them keys of one length");
            findings.push(match site.choices.get(long) {
                Some(other) => finding.related(other.clone(), "이 번호 때문입니다", "because of this"),
                None => finding,
            });
        }
    }
}

/// W0601: a value that is also the beginning of a longer one waits for it, unless the caller presses `#`.
fn ambiguous_values(plan: &Plan, sites: &Sites, findings: &mut Findings) {
    for (input, site) in plan.inputs.iter().zip(&sites.inputs) {
        let mut lows =
            input.accepts.allow.iter().map(|allowed| format!("{:0width$}", allowed.low, width = allowed.width));
        let Some(short) = lows.find(|value| input.accepts.is_valid(value) && input.accepts.may_go_on(value)) else {
            continue;
        };
        let (row, wait) = (&input.row, input.interdigit.as_secs_f32());
        findings.push(
            Diagnostic::warning(
                "W0601",
                site.allow.clone(),
                format!("{row}: {short} 로 시작하는 더 긴 값이 있어 {short} 을(를) 누를 때마다 {wait}초를 기다립니다"),
                format!("{row}: longer values begin with {short}, so every {short} waits {wait} s"),
            )
            .help("길이가 같은 값으로 쓰세요: \"01-17\"", "write values of one length: \"01-17\""),
        );
    }
}

/// K1001 for inputs, where 0 is a digit: `*` or `#` before the first digit must lead on to a person.
fn no_person_from_input(plan: &Plan, sites: &Sites, reached: &BTreeSet<Destination>, findings: &mut Findings) {
    for (at, (input, site)) in plan.inputs.iter().zip(&sites.inputs).enumerate() {
        let id = Destination::Input(InputId(at));
        // `back` is the menu the caller came from, where 0 is a counsellor; without one it is this input again.
        let behind_menu = (0..plan.menus.len()).map(|at| Destination::Menu(MenuId(at))).any(|menu| {
            let mut seen = BTreeSet::new();
            let mut open = ways(plan, menu);
            while let Some(to) = open.pop() {
                if to == id {
                    return true;
                }
                if !matches!(to, Destination::Menu(_)) && seen.insert(to) {
                    open.extend(ways(plan, to));
                }
            }
            false
        });
        let helps = |go: Destination| match go {
            Destination::Back => behind_menu,
            Destination::Menu(_) => true,
            go => leads_to_person(plan, go),
        };
        if !reached.contains(&id) || helps(input.star) || helps(input.hash) {
            continue;
        }
        let row = &input.row;
        findings.push(
            Diagnostic::warning(
                "K1001",
                site.keys.clone(),
                format!("{row}: 숫자를 누르기 전에 \"*\" 나 \"#\" 로 상담원에게 갈 수 없습니다 (ARS 지침 2009)"),
                format!("{row}: neither \"*\" nor \"#\" leads to a person before the first digit (ARS guideline 2009)"),
            )
            .help("keys = { \"*\" = \"center.counsel\" } 를 더하세요", "add keys = { \"*\" = \"center.counsel\" }"),
        );
    }
}

/// W0305: rungs that are silent one after the other; told for the slowest ladder.
fn patience(plan: &Plan, sites: &Sites, findings: &mut Findings) {
    let silent = |center: &Center| {
        let addresses = |id: CenterId| plan.centers.get(id.0).map_or(0, |center| center.targets.len());
        let rungs = center.transfer.ladder.iter().map(|rung| match rung {
            Rung::Refer | Rung::NextTarget if center.post_dial.is_some() => 0,
            Rung::Refer => center.targets.len().min(1),
            Rung::NextTarget => center.targets.len().saturating_sub(1),
            Rung::Bridge => center.targets.len(),
            Rung::Center(id) => addresses(*id),
            Rung::Notice(_) => 0,
        });
        center.transfer.refer_timeout * u32::try_from(rungs.sum::<usize>()).unwrap_or(u32::MAX)
    };
    let slow: Vec<_> =
        plan.centers.iter().zip(&sites.centers).map(|(center, site)| (silent(center), center, site)).collect();
    let slow: Vec<_> = slow.into_iter().filter(|(wait, ..)| *wait > LADDER_PATIENCE).collect();
    let Some((wait, center, site)) = slow.iter().rev().max_by_key(|(wait, ..)| *wait) else { return };
    let (row, wait, limit, others) = (&center.row, wait.as_secs(), LADDER_PATIENCE.as_secs(), slow.len() - 1);
    let (korean, english) = match others {
        0 => (String::new(), String::new()),
        others => (format!(", 다른 기관 {others}곳도"), format!(", and so do {others} more")),
    };
    findings.push(
        Diagnostic::warning(
            "W0305",
            site.row.clone(),
            format!("{row}: 아무도 대답하지 않으면 {wait}초를 기다립니다 (권장 {limit}초){korean}"),
            format!("{row}: when nobody answers the caller waits {wait} s (advice: {limit} s){english}"),
        )
        .help("refer_timeout 이나 sip 주소의 수를 줄이세요", "lower refer_timeout, or use fewer addresses"),
    );
}

/// K1001–K1003: the ARS guideline of 2009, advice rather than law.
fn house_rules(plan: &Plan, sites: &Sites, reached: &BTreeSet<Destination>, findings: &mut Findings) {
    let depths = depths(plan);
    for (at, (menu, site)) in plan.menus.iter().zip(&sites.menus).enumerate() {
        let id = MenuId(at);
        if !reached.contains(&Destination::Menu(id)) {
            continue;
        }
        let row = &menu.row;
        let on = |key: &str| {
            menu.choices.iter().find(|(keys, _)| keys.as_str() == key).map(|(keys, go)| (*go, site.choices.get(keys)))
        };
        let counsellor = on("0");
        if !counsellor.is_some_and(|(go, _)| leads_to_person(plan, go)) {
            let span = counsellor.and_then(|(_, span)| span).unwrap_or(&site.row);
            findings.push(
                Diagnostic::warning(
                    "K1001",
                    span.clone(),
                    format!("{row}: 0번을 눌러도 상담원에게 닿지 않습니다 (ARS 지침 2009)"),
                    format!("{row}: 0 does not lead to a person (ARS guideline 2009)"),
                )
                .help(
                    "[defaults.menu] 의 keys 에 \"0\" = \"center.counsel\" 을 두세요",
                    "put \"0\" = \"center.counsel\" in keys of [defaults.menu]",
                ),
            );
        }
        for (key, meant, korean, english) in
            [("#", Destination::Back, "이전 메뉴", "previous"), ("*", Destination::Repeat, "다시 듣기", "repeat")]
        {
            let Some((go, span)) = on(key) else { continue };
            if go == meant || (meant, go) == (Destination::Repeat, Destination::RepeatSlowly) {
                continue;
            }
            findings.push(
                Diagnostic::warning(
                    "K1002",
                    span.unwrap_or(&site.row).clone(),
                    format!("{row}: {key} 는 {korean}에 쓰는 버튼입니다 (ARS 지침 2009)"),
                    format!("{row}: {key} is kept for \"{english}\" (ARS guideline 2009)"),
                )
                .help("다른 버튼을 쓰세요", "use another key"),
            );
        }
        if let Some(&depth) = depths.get(&id)
            && depth > DEPTH_ADVISED
        {
            findings.push(
                Diagnostic::warning(
                    "K1003",
                    site.row.clone(),
                    format!("{row}: {depth}번째 단계의 메뉴입니다 (권장 {DEPTH_ADVISED}단계)"),
                    format!("{row} is {depth} menus deep (advice: {DEPTH_ADVISED})"),
                )
                .help("위 메뉴에서 바로 고를 수 있게 하세요", "offer it in a menu above"),
            );
        }
    }
}

/// The guideline prefers three steps and allows five.
const DEPTH_ADVISED: usize = 3;

/// Straight to a centre, or to one behind announcements.
fn leads_to_person(plan: &Plan, go: Destination) -> bool {
    let mut at = go;
    for _ in 0..=plan.notices.len() {
        match at {
            Destination::Center(_) => return true,
            Destination::Notice(id) => match plan.notices.get(id.0) {
                Some(notice) => at = notice.then,
                None => return false,
            },
            _ => return false,
        }
    }
    false
}

/// How many menus a caller has heard when this one speaks, on the shortest way.
fn depths(plan: &Plan) -> BTreeMap<MenuId, usize> {
    let mut depths = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut queue: VecDeque<(Destination, usize)> = plan
        .numbers
        .iter()
        .flat_map(|number| number.when.iter().map(|when| when.go).chain([number.go]))
        .map(|go| (go, 0))
        .collect();
    while let Some((at, heard)) = queue.pop_front() {
        if !seen.insert(at) {
            continue;
        }
        match at {
            Destination::Menu(id) => {
                depths.insert(id, heard + 1);
                queue.extend(
                    plan.menus.get(id.0).iter().flat_map(|menu| menu.choices.values()).map(|go| (*go, heard + 1)),
                );
                queue.extend(plan.doors(at).map(|(_, doors)| (doors.closed, heard)));
            }
            Destination::Notice(id) => queue.extend(plan.notices.get(id.0).map(|notice| (notice.then, heard))),
            Destination::Input(_) | Destination::Message(_) => {
                queue.extend(ways(plan, at).into_iter().map(|go| (go, heard)));
            }
            _ => {}
        }
    }
    depths
}

/// A destination's row.
fn row(plan: &Plan, at: Destination) -> &str {
    match at {
        Destination::Menu(id) => plan.menus.get(id.0).map_or("?", |menu| &menu.row),
        Destination::Input(id) => plan.inputs.get(id.0).map_or("?", |input| &input.row),
        Destination::Center(id) => plan.centers.get(id.0).map_or("?", |center| &center.row),
        Destination::Notice(id) => plan.notices.get(id.0).map_or("?", |notice| &notice.row),
        Destination::Message(id) => plan.messages.get(id.0).map_or("?", |message| &message.row),
        Destination::Back => "back",
        Destination::Repeat => "repeat",
        Destination::Slower => "slower",
        Destination::RepeatSlowly => "repeat-slowly",
        Destination::End => "end",
    }
}

/// Where a row's name stands.
pub(super) fn named(sites: &Sites, at: Destination) -> Range<usize> {
    let span = match at {
        Destination::Notice(id) => sites.notices.get(id.0).map(|site| &site.row),
        Destination::Center(id) => sites.centers.get(id.0).map(|site| &site.row),
        Destination::Menu(id) => sites.menus.get(id.0).map(|site| &site.row),
        Destination::Input(id) => sites.inputs.get(id.0).map(|site| &site.row),
        Destination::Message(id) => sites.messages.get(id.0).map(|site| &site.row),
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => None,
    };
    span.cloned().unwrap_or(0..0)
}

/// Where a row says what follows it.
fn leaves(sites: &Sites, at: Destination) -> Range<usize> {
    match at {
        Destination::Notice(id) => sites.notices.get(id.0).map_or(0..0, |site| site.then.clone()),
        Destination::Center(id) => sites.centers.get(id.0).map_or(0..0, |site| site.closed.clone()),
        Destination::Menu(id) => sites.menus.get(id.0).map_or(0..0, |site| site.no_input.clone()),
        Destination::Input(id) => sites.inputs.get(id.0).map_or(0..0, |site| site.no_input.clone()),
        Destination::Message(id) => sites.messages.get(id.0).map_or(0..0, |site| site.otherwise.clone()),
        Destination::Back
        | Destination::Repeat
        | Destination::Slower
        | Destination::RepeatSlowly
        | Destination::End => 0..0,
    }
}
