//! `[center]` and `[defaults.transfer]`: who callers are handed to, how, and what follows when that fails.

use super::Findings;
use super::doors;
use super::fields::{Fields, choose, later, nearest, wrong_kind};
use super::names::{Named, Names, Row};
use super::post_dial;
use super::sound::{At, Sounds};
use crate::limits::TARGETS_MAX;
use crate::number::Dialled;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table, Value, full_width, wide};
use crate::routing::pattern::Pattern;
use crate::routing::plan::{Center, Context, NoticeId, PromptId, Rung, Share, Success, Target, Transfer};
use crate::routing::slots;
use crate::sip::uri::SipUri;
use crate::speech::naming;
use std::ops::Range;
use std::time::Duration;

/// Where the parts of a centre stand.
#[derive(Default)]
pub(super) struct CenterSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// `closed`, or the row.
    pub(super) closed: Range<usize>,
    /// `give_up`, where it is written.
    pub(super) give_up: Range<usize>,
}

/// What is written of a transfer, in `[defaults.transfer]` or in a centre.
#[derive(Clone, Default)]
pub(super) struct TransferParts {
    /// Syntax was wrong there: what a centre misses may have been written.
    broken: bool,
    ladder: Option<Ladder>,
    success: Option<Success>,
    refer_timeout: Option<Duration>,
    ring_timeout: Option<Duration>,
    prompt: Option<(PromptId, Range<usize>)>,
    context: Option<Context>,
    rounds: Option<u8>,
    /// The outer option: is it written? The inner: does it mean anything?
    give_up: Option<(Option<NoticeId>, Range<usize>)>,
}

/// A ladder as written; a rung nobody knows is `None`.
#[derive(Clone)]
struct Ladder {
    rungs: Vec<(Option<Rung>, Range<usize>)>,
    span: Range<usize>,
}

/// Reads `[defaults.transfer]`.
pub(super) fn defaults(table: Option<&Table>, names: &Names, findings: &mut Findings) -> TransferParts {
    let Some(table) = table else { return TransferParts::default() };
    let mut fields = Fields::new("defaults.transfer", table);
    let parts = transfer(&mut fields, names, findings);
    if let Some(ladder) = &parts.ladder {
        check_ladder("defaults.transfer", ladder, findings);
    }
    fields.finish(findings);
    parts
}

/// Reads one centre. `own` are the numbers this table answers.
pub(super) fn center(
    row: &Row<'_>,
    defaults: &TransferParts,
    names: &Names,
    own: &[Pattern],
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Center, CenterSite) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let name = name(row, &mut fields, findings);
    let ministry = fields.text("ministry", findings).map(|(name, _)| name.to_owned());
    let targets = targets(row, &mut fields, own, findings);
    let without = ["이 시간 밖에는 받는 사람 없이 울립니다", "outside them it would ring out"];
    let closed_at = table.get("closed").map_or_else(|| row.span.clone(), |entry| entry.value.span.clone());
    let doors::Written { hours, closed } = doors::read(&mut fields, names, without, findings);
    let announce = fields.flag("announce", findings).unwrap_or(true);
    let post_dial = post_dial::read(&mut fields, findings);
    let own_parts = transfer(&mut fields, names, findings);
    let broken = fields.broken();
    fields.finish(findings);
    if let Some(ladder) = &own_parts.ladder {
        check_ladder(&row.name, ladder, findings);
        check_own_rungs(row, ladder, (targets.written, post_dial.is_some()), names, findings);
    }
    let is_known = !broken && !defaults.broken && (own_parts.ladder.is_some() || defaults.ladder.is_some());
    let (transfer, give_up) = finish(row, own_parts, defaults, broken, sounds, findings);
    if let Some((_, span)) = post_dial.as_ref().filter(|_| is_known) {
        post_dial::is_called(&row.name, span, &transfer.ladder, findings);
    }

    let said = name.1;
    if !name.0.is_empty() {
        sounds.name(row.id, &name.0, said.clone());
    }
    let announce = (announce && !name.0.is_empty()).then(|| sounds.connecting(row.id, &name.0, said));
    let site = CenterSite { row: row.span.clone(), closed: closed_at, give_up };
    let center = Center {
        row: row.name.as_str().into(),
        name: name.0,
        ministry,
        announce,
        targets: targets.targets,
        shares: targets.shares,
        post_dial: post_dial.map(|(post_dial, _)| post_dial),
        closed: closed.filter(|_| hours.is_some()),
        hours: hours.map(|(id, _)| id),
        transfer,
    };
    (center, site)
}

/// The name that is said, and where it stands; empty after a finding.
fn name(row: &Row<'_>, fields: &mut Fields<'_>, findings: &mut Findings) -> (String, Range<usize>) {
    match fields.text("name", findings) {
        Some((name, span)) if name.trim().is_empty() || name.chars().any(char::is_control) => {
            findings.push(
                Diagnostic::error(
                    "E0103",
                    span.clone(),
                    format!("{}: 소리 내어 말할 수 없는 이름입니다", row.name),
                    format!("{}: this name cannot be spoken", row.name),
                )
                .help("한 줄의 글로 쓰세요: name = \"창업진흥원\"", "write one plain line: name = \"창업진흥원\""),
            );
            (String::new(), span)
        }
        Some((name, span)) => (naming::words(name), span),
        None => {
            fields.missing("name", row.span.clone(), "name = \"창업진흥원\"", findings);
            (String::new(), row.span.clone())
        }
    }
}

/// What stands under `sip`.
#[derive(Default)]
struct Targets {
    /// The addresses that are right.
    targets: Vec<Target>,
    /// One for each.
    shares: Vec<Share>,
    /// How many were written, right or wrong.
    written: usize,
}

/// One entry of `sip`: an address, or `{ uri, weight, order }`.
fn entries<'f>(
    row: &Row<'_>,
    fields: &mut Fields<'f>,
    findings: &mut Findings,
) -> Option<Vec<(&'f str, Range<usize>, Share)>> {
    let entry = fields.entry("sip")?;
    let items = match &entry.value.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut all = Vec::new();
    for (at, item) in items.iter().enumerate() {
        // Without an order of its own an address comes after the one before it.
        let order = u16::try_from(at + 1).unwrap_or(u16::MAX);
        match &item.kind {
            Kind::Text(text) => all.push((text.as_str(), item.span.clone(), Share { order, weight: 1 })),
            Kind::Table(table) => {
                let name = format!("{} sip", row.name);
                let mut parts = Fields::new(&name, table);
                let uri = parts.text("uri", findings);
                parts.missing(
                    "uri",
                    item.span.clone(),
                    "{ uri = \"sip:1357@sbc.kised.example\", weight = 3 }",
                    findings,
                );
                let number = |count: Option<i64>| count.and_then(|count| u16::try_from(count).ok());
                let weight = number(parts.count("weight", 1..=1000, findings)).unwrap_or(1);
                let order = number(parts.count("order", 1..=100, findings)).unwrap_or(order);
                parts.finish(findings);
                all.extend(uri.map(|(text, span)| (text, span, Share { order, weight })));
            }
            _ => findings.push(wrong_kind(
                &row.name,
                "sip",
                item,
                [
                    "\"sip:…\" 또는 { uri = \"sip:…\", weight = 3, order = 1 }",
                    "\"sip:…\" or { uri = \"sip:…\", weight = 3, order = 1 }",
                ],
            )),
        }
    }
    useless_weights(row, items, &all, findings);
    Some(all)
}

/// W0307: a weight shares calls only among addresses of one order.
fn useless_weights(row: &Row<'_>, items: &[Value], all: &[(&str, Range<usize>, Share)], findings: &mut Findings) {
    for item in items {
        let Kind::Table(table) = &item.kind else { continue };
        let Some(weight) = table.get("weight") else { continue };
        let Some((_, _, share)) = all.iter().find(|(_, span, _)| item.span.contains(&span.start)) else { continue };
        if all.iter().filter(|(_, _, other)| other.order == share.order).count() > 1 {
            continue;
        }
        findings.push(
            Diagnostic::warning(
                "W0307",
                weight.key_span.clone(),
                format!("{}: weight 를 나눌 같은 차례의 주소가 없습니다", row.name),
                format!("{}: no other address of this order shares the calls", row.name),
            )
            .help("나누어 받을 주소들에 같은 order 를 쓰세요", "give the addresses that share one order"),
        );
    }
}

/// The addresses.
fn targets(row: &Row<'_>, fields: &mut Fields<'_>, own: &[Pattern], findings: &mut Findings) -> Targets {
    let Some(written) = entries(row, fields, findings) else {
        fields.missing("sip", row.span.clone(), "sip = [\"sip:1357@sbc.kised.example\"]", findings);
        return Targets::default();
    };
    if written.is_empty() || written.len() > TARGETS_MAX {
        findings.push(
            Diagnostic::error(
                "E0103",
                row.span.clone(),
                format!("{}: sip 주소는 하나부터 {TARGETS_MAX}개까지 씁니다", row.name),
                format!("{}: sip takes one to {TARGETS_MAX} addresses", row.name),
            )
            .help("sip = [\"sip:1357@sbc.kised.example\"]", "sip = [\"sip:1357@sbc.kised.example\"]"),
        );
    }
    let mut targets: Vec<Target> = Vec::new();
    let mut shares = Vec::new();
    for (text, span, share) in &written {
        match address(text) {
            Ok(uri) => {
                if is_ourselves(&uri, own) {
                    findings.push(
                        Diagnostic::error(
                            "E0304",
                            span.clone(),
                            format!("{}: 이 주소는 우리 자신입니다. 전화가 여기로 되돌아옵니다", row.name),
                            format!("{}: this address is ourselves; the call would come back here", row.name),
                        )
                        .help("그 기관의 주소를 쓰세요", "write the centre's own address"),
                    );
                }
                let target = Target::new(uri);
                if targets.contains(&target) {
                    findings.push(
                        Diagnostic::error(
                            "E0104",
                            span.clone(),
                            format!("{}: 같은 주소가 두 번 있습니다", row.name),
                            format!("{}: the same address stands twice", row.name),
                        )
                        .help("하나를 지우세요", "delete one"),
                    );
                }
                targets.push(target);
                shares.push(*share);
            }
            Err(reason) => findings.push(match full_width(text) {
                Some(plain) => wide(span.clone(), text, &plain),
                None => Diagnostic::error(
                    "E0303",
                    span.clone(),
                    format!("{}: SIP 주소가 아닙니다", row.name),
                    format!("{}: this is not a SIP address", row.name),
                )
                .label(reason[0].clone(), reason[1].clone())
                .help(
                    "예: \"sip:1357@sbc.kised.example;transport=tls\"",
                    "for example: \"sip:1357@sbc.kised.example;transport=tls\"",
                ),
            }),
        }
    }
    Targets { targets, shares, written: written.len() }
}

/// An address a REFER can name.
fn address(text: &str) -> Result<SipUri, [String; 2]> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"') || !c.is_ascii()) {
        return Err(["빈칸 없이 영문과 숫자로만 씁니다".to_owned(), "only plain characters without spaces".to_owned()]);
    }
    let lower = text.to_ascii_lowercase();
    if !["sip:", "sips:", "tel:"].iter().any(|scheme| lower.starts_with(scheme)) {
        return Err(["sip: 로 시작해야 합니다".to_owned(), "it must begin with sip:".to_owned()]);
    }
    let uri: SipUri =
        text.parse().map_err(|error: crate::sip::uri::UriError| [error.to_string(), error.to_string()])?;
    if uri.host().is_empty() && !lower.starts_with("tel:") {
        return Err(["@ 뒤에 받는 곳이 없습니다".to_owned(), "there is no host".to_owned()]);
    }
    Ok(uri)
}

/// One of our numbers on this machine's own SIP port. Any other host may be somebody else's, even with our number:
/// agencies take calls for `sip:1357@…` on their side.
fn is_ourselves(uri: &SipUri, own: &[Pattern]) -> bool {
    let host = uri.host();
    let loopback = host.eq_ignore_ascii_case("localhost") || host.starts_with("127.") || host == "[::1]";
    loopback
        && uri.port().unwrap_or(5060) == 5060
        && own.iter().any(|pattern| pattern.matches(Dialled::new(&uri.user()).as_str()))
}

/// Reads the fields of a transfer, which stand in the defaults and in any centre.
fn transfer(fields: &mut Fields<'_>, names: &Names, findings: &mut Findings) -> TransferParts {
    let row = fields.row().to_owned();
    let seconds = Duration::from_secs;
    let ladder_span = fields.entry("ladder").map(|entry| entry.value.span.clone());
    let ladder = fields.texts("ladder", findings).map(|rungs| Ladder {
        rungs: rungs.into_iter().map(|(text, span)| (rung(&row, text, span.clone(), names, findings), span)).collect(),
        span: ladder_span.unwrap_or_default(),
    });
    let words = [("notify-200", Success::Notify200), ("accepted", Success::Accepted)];
    let success = choose(fields, "refer_success", &words, findings);
    if let (Some(Success::Accepted), Some(entry)) = (success, fields.entry("refer_success")) {
        findings.push(
            Diagnostic::warning(
                "W0306",
                entry.value.span.clone(),
                format!("{row}: \"accepted\" 이면 통화 중인 기관도 연결된 것으로 셉니다"),
                format!("{row}: with \"accepted\" a busy centre counts as reached"),
            )
            .help(
                "NOTIFY 를 보내는 기관이면 \"notify-200\" 을 쓰세요. 아니면 그대로 두세요",
                "write \"notify-200\" for a centre that sends NOTIFY; else leave it",
            ),
        );
    }
    TransferParts {
        broken: fields.broken(),
        ladder,
        success,
        refer_timeout: fields.duration("refer_timeout", seconds(1)..=seconds(120), findings),
        ring_timeout: fields.duration("ring_timeout", seconds(5)..=seconds(300), findings),
        prompt: fields.text("prompt", findings).map(|(id, span)| (PromptId::from(id), span)),
        context: choose(fields, "context", &[("refer-to", Context::ReferTo), ("none", Context::None)], findings),
        rounds: fields.count("rounds", 1..=9, findings).and_then(|count| u8::try_from(count).ok()),
        give_up: fields
            .text("give_up", findings)
            .map(|(text, span)| (names.notice(&row, text, span.clone(), findings), span)),
    }
}

/// One rung of a ladder; `None` after a finding.
fn rung(row: &str, text: &str, span: Range<usize>, names: &Names, findings: &mut Findings) -> Option<Rung> {
    match text {
        "refer" => return Some(Rung::Refer),
        "next-target" => return Some(Rung::NextTarget),
        "bridge" => return Some(Rung::Bridge),
        "consult" => {
            findings.push(later(span, text));
            return None;
        }
        _ => {}
    }
    if !text.contains('.')
        && let Some(near) = nearest(text, ["refer", "next-target", "bridge"])
    {
        findings.push(
            Diagnostic::error(
                "E0201",
                span,
                format!("{row}: 그런 단계가 없습니다: \"{text}\""),
                format!("{row}: there is no rung \"{text}\""),
            )
            .help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?")),
        );
        return None;
    }
    match names.look_up(row, text, span.clone(), findings)? {
        Named::Center(id) => Some(Rung::Center(id)),
        Named::Notice(id) => Some(Rung::Notice(id)),
        Named::Menu(_) | Named::Input(_) | Named::Message(_) | Named::Hours(_) | Named::Number | Named::Switch => {
            findings.push(
                Diagnostic::error(
                    "E0202",
                    span,
                    format!("{row}: ladder 의 단계가 될 수 없습니다: \"{text}\""),
                    format!("{row}: \"{text}\" cannot be a rung"),
                )
                .help(
                    "\"refer\", \"next-target\", \"bridge\", \"center.…\", \"notice.…\" 가운데 하나를 쓰세요. 메뉴로 돌아가려면 notice 를 거치세요",
                    "write \"refer\", \"next-target\", \"bridge\", a \"center.…\" or a \"notice.…\"; a notice may lead back to a menu",
                ),
            );
            None
        }
    }
}

/// E0301 and E0203: the last rung cannot fail, and nothing stands behind one that cannot.
fn check_ladder(row: &str, ladder: &Ladder, findings: &mut Findings) {
    let safe = ladder.rungs.iter().position(|(rung, _)| matches!(rung, Some(Rung::Notice(_))));
    if let Some(at) = safe {
        if let Some((_, span)) = ladder.rungs.get(at + 1) {
            findings.push(
                Diagnostic::error(
                    "E0203",
                    span.clone(),
                    format!("{row}: 이 단계까지 오는 전화가 없습니다"),
                    format!("{row}: no call comes to this rung"),
                )
                .help("안내(notice)는 ladder 의 맨 끝에 두세요", "put the notice last")
                .related(ladder.rungs[at].1.clone(), "여기서 끝납니다", "the ladder ends here"),
            );
        }
        return;
    }
    let help = ["ladder 끝에 \"notice.busy\" 를 더하세요", "add \"notice.busy\" at the end of the ladder"];
    match ladder.rungs.last() {
        // A last rung nobody knows was reported as such.
        Some((None, _)) => {}
        Some((Some(_), span)) => findings.push(
            Diagnostic::error(
                "E0301",
                span.clone(),
                format!("{row}: 연결이 모두 실패하면 전화가 끊깁니다"),
                format!("{row}: when every transfer fails, the caller is cut off"),
            )
            .label("이 단계도 실패할 수 있습니다", "this rung can fail too")
            .help(help[0], help[1]),
        ),
        None => findings.push(
            Diagnostic::error(
                "E0301",
                ladder.span.clone(),
                format!("{row}: ladder 가 비어 있습니다"),
                format!("{row}: the ladder is empty"),
            )
            .help(
                "ladder = [\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]",
                "ladder = [\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]",
            ),
        ),
    }
}

/// E0302, only where the centre itself writes its ladder: an inherited rung that does not apply is skipped.
fn check_own_rungs(
    row: &Row<'_>,
    ladder: &Ladder,
    (targets, post_dial): (usize, bool),
    names: &Names,
    findings: &mut Findings,
) {
    // Without a call of ours that is one mistake, and told where the keys stand.
    let keys = post_dial && ladder.rungs.iter().any(|(rung, _)| *rung == Some(Rung::Bridge));
    let mut ignored = Findings::default();
    let own = names.look_up(&row.name, &row.name, 0..0, &mut ignored);
    for (rung, span) in &ladder.rungs {
        let (korean, english, help) = match rung {
            Some(Rung::NextTarget) if targets == 1 => (
                "sip 주소가 하나뿐이라 다음 주소가 없습니다",
                "there is only one sip address",
                [
                    "\"next-target\" 을 지우거나 sip 에 주소를 더하세요",
                    "drop \"next-target\", or add an address to sip",
                ],
            ),
            Some(Rung::Refer | Rung::NextTarget) if keys => (
                "post_dial 을 누르지 않고 넘기므로 이 단계는 쓰이지 않습니다",
                "REFER would reach it without its post_dial, so this rung is never tried",
                [
                    "이 단계를 지우세요. \"bridge\" 가 주소마다 걸어 버튼을 누릅니다",
                    "drop this rung; \"bridge\" calls each address and presses the keys",
                ],
            ),
            Some(Rung::Center(id)) if own == Some(Named::Center(*id)) => (
                "자기 자신에게 넘길 수 없습니다",
                "a centre cannot be its own rung",
                ["이 단계를 지우세요", "drop this rung"],
            ),
            _ => continue,
        };
        findings.push(
            Diagnostic::error(
                "E0302",
                span.clone(),
                format!("{}: {korean}", row.name),
                format!("{}: {english}", row.name),
            )
            .help(help[0], help[1]),
        );
    }
}

/// Fills a centre's transfer from the defaults; `ladder` and `give_up` must be written somewhere.
fn finish(
    row: &Row<'_>,
    own: TransferParts,
    defaults: &TransferParts,
    broken: bool,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Transfer, Range<usize>) {
    let broken = broken || defaults.broken;
    let ladder = own.ladder.or_else(|| defaults.ladder.clone());
    if ladder.is_none() && !broken {
        findings.once(
            "ladder",
            Diagnostic::error(
                "E0301",
                row.span.clone(),
                format!("{}: 연결이 실패하면 어떻게 할지 없습니다", row.name),
                format!("{}: nothing says what follows a failed transfer", row.name),
            )
            .help(
                "[defaults.transfer] 에 ladder = [\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"] 를 더하세요",
                "add ladder = [\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"] to [defaults.transfer]",
            ),
        );
    }
    let give_up = own.give_up.or_else(|| defaults.give_up.clone());
    if give_up.is_none() && !broken {
        findings.once(
            "give_up",
            Diagnostic::error(
                "E0204",
                row.span.clone(),
                format!("{}: 모든 연결이 거듭 실패하면 갈 곳이 없습니다", row.name),
                format!("{}: when transfers fail again and again, nothing follows", row.name),
            )
            .help(
                "[defaults.transfer] 에 give_up = \"notice.goodbye\" 를 더하세요",
                "add give_up = \"notice.goodbye\" to [defaults.transfer]",
            ),
        );
    }
    let (give_up, give_up_span) = give_up.unwrap_or((None, row.span.clone()));
    let (prompt, span) =
        own.prompt.or_else(|| defaults.prompt.clone()).unwrap_or_else(|| ("center_busy".into(), row.span.clone()));
    let transfer = Transfer {
        ladder: ladder.iter().flat_map(|ladder| &ladder.rungs).filter_map(|(rung, _)| *rung).collect(),
        success: own.success.or(defaults.success).unwrap_or(Success::Notify200),
        refer_timeout: own.refer_timeout.or(defaults.refer_timeout).unwrap_or(Duration::from_secs(15)),
        ring_timeout: own.ring_timeout.or(defaults.ring_timeout).unwrap_or(Duration::from_secs(60)),
        prompt: sounds.said_at(At::Place(slots::Place::Transfer), &prompt, span),
        context: own.context.or(defaults.context).unwrap_or(Context::ReferTo),
        rounds: own.rounds.or(defaults.rounds).unwrap_or(2),
        // Nobody knows this notice: a finding says so, and the plan will not go live.
        give_up: give_up.unwrap_or(NoticeId(usize::MAX)),
    };
    (transfer, give_up_span)
}
