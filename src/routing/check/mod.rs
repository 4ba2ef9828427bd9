//! From the file's text to a plan, or to every mistake in it at once.
//!
//! The steps: syntax (`routing::file`), the names of all rows, each row by itself (one file a kind), how the rows
//! hang together (`flow`), and what can be heard (`sound`). No step stops at a mistake: a row that is wrong stands
//! in for itself as well as it can, and the plan is only handed out when nothing is an error.

mod center;
mod doors;
mod fields;
mod filled;
mod flow;
mod holidays;
mod hours;
mod input;
mod languages;
mod menu;
mod message;
mod names;
mod never;
mod notice;
mod number;
mod post_dial;
mod prove;
mod sound;
mod spoken;
mod test_rows;
mod text;

use self::spoken::Told;
use crate::limits::FINDINGS_MAX;
use crate::routing::diagnostic::{Diagnostic, Severity};
use crate::routing::file::{self, Kind, Table};
use crate::routing::heard::Heard;
use crate::routing::plan::{CenterId, HoursId, InputId, MenuId, MessageId, NoticeId, Plan, PromptId, Slotted};
use crate::routing::published;
use fields::{Fields, later};
pub(super) use fields::{nearest, spell};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use names::{Named, Names};
use sha2::{Digest, Sha256};
use sound::Sounds;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use text::decode;

/// What a table turned out to be.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The plan, when there is no error.
    pub plan: Option<Plan>,
    /// Everything found, in the order of the file.
    pub findings: Vec<Diagnostic>,
    /// The plan of a table whose errors leave open nothing of what it means: for one that is live already.
    pub(super) meant: Option<Plan>,
    /// The last day of its holidays.
    ends: Option<holidays::Ends>,
}

impl Checked {
    /// Adds what is only wrong from some day on, seen today.
    pub fn as_of(mut self, today: Date) -> Self {
        if let Some(finding) = self.ends.as_ref().and_then(|ends| ends.ran_out(today)) {
            let at = self.findings.partition_point(|known| known.span.start <= finding.span.start);
            self.findings.insert(at, finding);
        }
        self
    }
}

/// Checks a table. `prompts` are the prompts that have sound, and how long each is.
pub fn check(text: &str, prompts: &BTreeMap<String, Duration>) -> Checked {
    check_heard(text, &Heard::of_lengths(prompts))
}

/// The same with what the prompts say, and what is wrong with them.
pub fn check_heard(text: &str, prompts: &Heard) -> Checked {
    examine(text, Some(prompts))
}

/// Checks a table without asking whether its prompts have sound: for the tool that makes the sounds from
/// [`Plan::words`] and [`Plan::prompts`]. Such a plan is not for calls.
pub fn check_without_sound(text: &str) -> Checked {
    examine(text, None)
}

/// Checks a table as it lies on the disk, its included files with it (`routing::bundle`). The findings point into
/// [`decode`]'s text.
pub fn check_bytes(bytes: &[u8], prompts: &Heard) -> Checked {
    match decode(bytes) {
        Ok(text) => check_heard(text, prompts),
        Err(finding) => Checked { plan: None, findings: vec![*finding], meant: None, ends: None },
    }
}

/// The rows of version 1 that may be tables at the top, and its plain fields; the rest is unknown or later.
fn examine(text: &str, heard: Option<&Heard>) -> Checked {
    let mut findings = Findings::default();
    if let Some(finding) = text::refuse(text) {
        return Checked { plan: None, findings: vec![finding], meant: None, ends: None };
    }
    let file = file::read(text);
    findings.list.extend(text::byte_order_marks(text));
    let whole = file.mistakes.is_empty();
    findings.list.extend(file.mistakes);

    let mut fields = Fields::new("routing.toml", &file.root);
    schema(&mut fields, &mut findings);
    // What the names mean was found when the files were joined.
    fields.texts("include", &mut findings);
    let timezone = timezone(&mut fields, &mut findings);
    let korean_zone = timezone.iana_name() == Some("Asia/Seoul");
    let (holidays, ends) = holidays::holidays(fields.table("holidays", &mut findings), korean_zone, &mut findings);
    let korean_profile = profile(&mut fields, &mut findings);
    let mut sounds = Sounds::default();
    let waiting = match fields.text("waiting", &mut findings) {
        Some((id, span)) => sounds.named(id, span),
        None => sounds.named("waiting_tone", 0..0),
    };
    let call_max = limits(fields.table("limits", &mut findings), &mut findings);
    let defaults = Defaults::read(fields.table("defaults", &mut findings), &mut findings);

    let mut names = Names::default();
    let tongues = languages::languages(&mut fields, &mut findings);
    names.speak(tongues.clone());
    let mut rows = |kind: &'static str, named: &dyn Fn(usize) -> Named| {
        let table = fields.table(kind, &mut findings);
        names.add(kind, table, named, &mut findings)
    };
    let numbers = rows("number", &|_| Named::Number);
    let hours = rows("hours", &|at| Named::Hours(HoursId(at)));
    let menus = rows("menu", &|at| Named::Menu(MenuId(at)));
    let inputs = rows("input", &|at| Named::Input(InputId(at)));
    let centers = rows("center", &|at| Named::Center(CenterId(at)));
    let notices = rows("notice", &|at| Named::Notice(NoticeId(at)));
    let messages = rows("message", &|at| Named::Message(MessageId(at)));
    let switches = rows("switch", &|_| Named::Switch);
    let rules = fields.table("prove", &mut findings);
    let tests = fields.entry("test");
    top_level_leftovers(fields, &mut findings);

    let mut sites = flow::Sites::default();
    let mut taken = Vec::new();
    let mut plan = Plan {
        version: version(text),
        timezone,
        numbers: Vec::new(),
        menus: Vec::new(),
        inputs: Vec::new(),
        centers: Vec::new(),
        notices: Vec::new(),
        messages: Vec::new(),
        hours: Vec::new(),
        holidays,
        switches: BTreeMap::new(),
        switches_back: false,
        tongues: tongues.keys().map(|language| (language.clone(), BTreeMap::new())).collect(),
        slow: BTreeMap::new(),
        waiting,
        call_max,
        words: BTreeMap::new(),
        phrases: BTreeMap::new(),
        rules: prove::rules(rules, &names, &mut findings),
        tests: Vec::new(),
    };
    if numbers.is_empty() && !file.root.broken {
        findings.push(no_number());
    }
    for row in &numbers {
        let (number, site) = number::number(row, &names, &mut taken, &mut sounds, &mut findings);
        plan.numbers.push(number);
        sites.numbers.push(site);
    }
    let own: Vec<_> = taken.into_iter().map(|(pattern, _)| pattern).collect();
    let switches_read = switches.iter().map(|row| (row.id.into(), number::switch(row, &mut findings)));
    plan.switches.extend(switches_read);
    number::unasked(&switches, &plan, whole, &mut findings);
    plan.hours.extend(hours.iter().map(|row| hours::hours(row, &mut findings)));
    let menu_defaults = menu::defaults(defaults.menu, &names, &mut findings);
    for row in &menus {
        let (menu, site) = menu::menu(row, &menu_defaults, &names, &mut sounds, &mut findings);
        plan.menus.push(menu);
        sites.menus.push(site);
    }
    for (at, row) in messages.iter().enumerate() {
        let (question, taken) =
            message::message(row, MessageId(at), &menu_defaults, &names, &mut sounds, &mut findings);
        plan.menus.push(question.0);
        sites.menus.push(question.1);
        plan.messages.push(taken.0);
        sites.messages.push(taken.1);
    }
    let input_defaults = input::defaults(defaults.input, &names, &mut findings);
    for row in &inputs {
        let (input, site) = input::input(row, &input_defaults, &names, &mut sounds, &mut findings);
        plan.inputs.push(input);
        sites.inputs.push(site);
    }
    let transfer_defaults = center::defaults(defaults.transfer, &names, &mut findings);
    for row in &centers {
        let (center, site) = center::center(row, &transfer_defaults, &names, &own, &mut sounds, &mut findings);
        plan.centers.push(center);
        sites.centers.push(site);
    }
    for row in &notices {
        let (notice, site) = notice::notice(row, &names, &mut sounds, &mut findings);
        plan.notices.push(notice);
        sites.notices.push(site);
    }
    plan.tests = test_rows::tests(text, tests, &names, &plan.numbers, &mut findings);
    if whole {
        languages::unspoken(&names, &mut findings);
    }
    flow::check(&plan, &sites, &names, whole, korean_profile, &mut findings);
    // A year is looked at where nothing else is wrong.
    if findings.is_right() {
        let hours: Vec<_> = hours.iter().map(|row| row.span.clone()).collect();
        never::check(&plan, &sites, &hours, &mut findings);
    }
    if let Some(heard) = heard {
        let mut prompts = heard.lengths();
        let filled = filled::read(&plan, &sounds, &tongues, heard, &prompts, &mut findings);
        sounds.check(heard, &prompts, &mut findings);
        plan.tongues = sounds.translate(&tongues, &plan.waiting, &prompts, &filled, &mut findings);
        languages::offer(&mut plan, &sites.menus);
        spoken::check(&plan, &sites, &sounds, &Told { heard, filled: &filled }, korean_profile, &mut findings);
        // What they take is known by their parts.
        prompts.extend(filled.iter().filter_map(|(id, filled)| Some((id.to_string(), filled.length?))));
        let slotted = |(id, filled): (PromptId, filled::Filled)| {
            let language = id.strip_suffix(filled.phrase.id()).unwrap_or_default();
            let sounds = filled.parts.iter().map(|part| format!("{language}{part}").into()).collect();
            (id, Slotted { phrase: filled.phrase, sounds })
        };
        plan.phrases = filled.into_iter().filter(|(_, filled)| filled.length.is_some()).map(slotted).collect();
        let menus: Vec<_> = sites.menus.iter().map(|site| site.row.clone()).collect();
        let numbers: Vec<_> = sites.numbers.iter().map(|site| site.row.clone()).collect();
        sound::too_long(&plan, &numbers, &menus, &prompts, &mut findings);
    }
    plan.words = sounds.words;
    plan.slow = plan.slow_names();
    Checked { ends, ..findings.finish(plan) }
}

/// What has been found so far.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    told: BTreeSet<&'static str>,
}

impl Findings {
    /// Adds one.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.list.push(finding);
    }

    /// Adds one of a kind that every row would repeat.
    pub(super) fn once(&mut self, kind: &'static str, finding: Diagnostic) {
        if self.told.insert(kind) {
            self.list.push(finding);
        }
    }

    /// Nothing but notes so far.
    fn is_right(&self) -> bool {
        self.list.iter().all(|finding| finding.severity == Severity::Warning)
    }

    /// In the order of the file, each once; the plan only without errors.
    fn finish(mut self, plan: Plan) -> Checked {
        self.list.sort_by(|a, b| (a.span.start, a.span.end, a.code).cmp(&(b.span.start, b.span.end, b.code)));
        // What many rows inherit is reported once, where it is written.
        self.list
            .dedup_by(|b, a| a.code == b.code && a.span == b.span && (a.message == b.message || !a.span.is_empty()));
        let errors = self.list.iter().filter(|finding| finding.severity == Severity::Error).count();
        let meaning_holds = self.list.iter().all(published::meaning_holds);
        let more = self.list.len().saturating_sub(FINDINGS_MAX);
        // Notes go first: many of them must neither hide an error nor become one.
        let mut notes_kept = FINDINGS_MAX.saturating_sub(errors);
        self.list.retain(|finding| {
            let note = finding.severity == Severity::Warning;
            let kept = !note || notes_kept > 0 || more == 0;
            notes_kept = notes_kept.saturating_sub(usize::from(note));
            kept
        });
        self.list.truncate(FINDINGS_MAX);
        if let (1.., Some(last)) = (more, self.list.last()) {
            let span = last.span.clone();
            let (korean, english) = (format!("이 뒤로도 {more}개가 더 있습니다"), format!("{more} more follow"));
            let finding = match errors {
                0 => Diagnostic::warning("E0100", span, korean, english),
                _ => Diagnostic::error("E0100", span, korean, english),
            };
            self.list.push(finding.help("여기까지 고치고 다시 확인하세요", "mend these first, then check again"));
        }
        let (plan, meant) = match errors {
            0 => (Some(plan), None),
            _ => (None, meaning_holds.then_some(plan)),
        };
        Checked { plan, findings: self.list, meant, ends: None }
    }
}

/// `[defaults.menu]`, `[defaults.input]` and `[defaults.transfer]`.
#[derive(Default)]
struct Defaults<'f> {
    menu: Option<&'f Table>,
    input: Option<&'f Table>,
    transfer: Option<&'f Table>,
}

impl<'f> Defaults<'f> {
    fn read(table: Option<&'f Table>, findings: &mut Findings) -> Self {
        let Some(table) = table else { return Self::default() };
        let mut fields = Fields::new("defaults", table);
        let menu = fields.table("menu", findings);
        let input = fields.table("input", findings);
        let transfer = fields.table("transfer", findings);
        fields.finish(findings);
        Self { menu, input, transfer }
    }
}

/// `schema = 1`: which language the file is written in.
fn schema(fields: &mut Fields<'_>, findings: &mut Findings) {
    if fields.entry("schema").is_none() {
        fields.missing("schema", 0..0, "schema = 1", findings);
    } else {
        fields.count("schema", 1..=1, findings);
    }
}

fn timezone(fields: &mut Fields<'_>, findings: &mut Findings) -> TimeZone {
    let (name, span) = fields.text("timezone", findings).unwrap_or(("Asia/Seoul", 0..0));
    TimeZone::get(name).unwrap_or_else(|_| {
        findings.push(
            Diagnostic::error(
                "E0103",
                span,
                format!("없는 시간대입니다: timezone = \"{name}\""),
                format!("timezone = \"{name}\" does not exist"),
            )
            .help("timezone = \"Asia/Seoul\"", "timezone = \"Asia/Seoul\""),
        );
        TimeZone::UTC
    })
}

/// Whether the house rules of a Korean IVR are looked at.
fn profile(fields: &mut Fields<'_>, findings: &mut Findings) -> bool {
    match fields.text("profile", findings) {
        None => false,
        Some(("kr-ars-2009", _)) => true,
        Some((name, span)) => {
            findings.push(
                Diagnostic::error(
                    "E0103",
                    span,
                    format!("모르는 규칙입니다: profile = \"{name}\""),
                    format!("profile = \"{name}\" is not known"),
                )
                .help("\"kr-ars-2009\" 를 쓰거나 이 줄을 지우세요", "write \"kr-ars-2009\", or delete the line"),
            );
            false
        }
    }
}

/// `[limits]`.
fn limits(table: Option<&Table>, findings: &mut Findings) -> Duration {
    let usual = Duration::from_secs(60 * 60);
    let Some(table) = table else { return usual };
    let mut fields = Fields::new("limits", table);
    let bounds = Duration::from_secs(60)..=Duration::from_secs(24 * 60 * 60);
    let call_max = fields.duration("call_max", bounds, findings);
    fields.finish(findings);
    call_max.unwrap_or(usual)
}

/// Rows and fields at the top that nobody asked for. `[queue.counsel]` is later, whatever stands in it.
fn top_level_leftovers(fields: Fields<'_>, findings: &mut Findings) {
    let mut kept: Vec<Diagnostic> = Vec::new();
    for entry in fields.rest() {
        let rows: Vec<_> = match &entry.value.kind {
            Kind::Table(table) if fields::is_later(&entry.key) && table.span == entry.key_span => {
                table.entries.iter().map(|row| (row.key_span.clone(), format!("{}.{}", entry.key, row.key))).collect()
            }
            _ => Vec::new(),
        };
        if rows.is_empty() {
            kept.push(fields.unknown(entry));
        }
        kept.extend(rows.into_iter().map(|(span, name)| later(span, &name)));
    }
    kept.into_iter().for_each(|finding| findings.push(finding));
}

fn no_number() -> Diagnostic {
    Diagnostic::error("E0107", 0..0, "걸려 오는 번호가 하나도 없습니다", "no number is answered").help(
        "[number.1357] 행에 match = [\"1357\"] 과 go = \"menu.main\" 을 쓰세요",
        "add a row [number.1357] with match = [\"1357\"] and go = \"menu.main\"",
    )
}

/// The first 12 hex digits of the SHA-256 of the file.
fn version(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
