//! What the table means: every name resolved, every default filled in, nothing left to check.
//!
//! A [`Plan`] is made by `check` only and shared by all calls that began with it.

use crate::number::{CallerKind, Dialled, Digits};
use crate::routing::accepts::Accepts;
use crate::routing::calendar::korea;
use crate::routing::pattern::Pattern;
use crate::routing::rules::Rules;
use crate::routing::test_row::TestRow;
use crate::sip::uri::SipUri;
use crate::speech::phrase::{MenuRow, Phrase};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The name of a prompt in the catalogue, for example `greeting_main` or `say/정책자금`.
pub type PromptId = Arc<str>;

/// A language other than Korean, which is always there: `en`.
pub type Tongue = Arc<str>;

/// Begins the name of a prompt that is said in Korean whatever the call speaks: `ko/say/한국어`.
pub const KOREAN: &str = "ko/";
/// What the key of a language says to who listens in it already.
pub const BACK_TO_KOREAN: &str = "한국어";

/// The name under which the catalogue has a prompt.
fn bare(id: &str) -> &str {
    id.strip_prefix(KOREAN).unwrap_or(id)
}

/// An index into [`Plan::menus`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MenuId(pub usize);
/// An index into [`Plan::inputs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InputId(pub usize);
/// An index into [`Plan::centers`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CenterId(pub usize);
/// An index into [`Plan::notices`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NoticeId(pub usize);
/// An index into [`Plan::messages`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(pub usize);
/// An index into [`Plan::hours`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HoursId(pub usize);

/// A routing table that checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The first 12 hex digits of the SHA-256 of the file: which table a call followed.
    pub version: String,
    /// The zone of all hours.
    pub timezone: TimeZone,
    /// Dialled numbers.
    pub numbers: Vec<Number>,
    /// Menus.
    pub menus: Vec<Menu>,
    /// Questions that are answered with digits.
    pub inputs: Vec<Input>,
    /// Centres, the counsellors among them.
    pub centers: Vec<Center>,
    /// Announcements.
    pub notices: Vec<Notice>,
    /// Messages that callers leave.
    pub messages: Vec<Message>,
    /// Opening hours.
    pub hours: Vec<Hours>,
    /// Public holidays.
    pub holidays: Holidays,
    /// Names of the switches, as `[switch]` declares them, each with what it is for.
    pub switches: BTreeMap<Arc<str>, String>,
    /// Languages that are spoken beside Korean, each with the prompts that have sound in it: their names there.
    pub tongues: BTreeMap<Tongue, BTreeMap<PromptId, PromptId>>,
    /// Each key with a language says the same menu again in it: pressed once more it leads back, and who listens in a language is not offered it.
    pub switches_back: bool,
    /// Prompts as they are said slowly, by their usual names; empty where no key asks for it.
    pub slow: BTreeMap<PromptId, PromptId>,
    /// Heard while a transfer is pending: a tone or music, repeated.
    pub waiting: PromptId,
    /// The longest a call may last before it is told goodbye.
    pub call_max: Duration,
    /// Prompts whose words come from the table itself (`say`, centre names), by id.
    pub words: BTreeMap<PromptId, Words>,
    /// Prompts whose texts have slots, by their names in their language (`closed`, `en/closed`): they sound in parts.
    pub phrases: BTreeMap<PromptId, Slotted>,
    /// `[prove]`.
    pub rules: Rules,
    /// `[[test]]`.
    pub tests: Vec<TestRow>,
}

/// Words that the table gives a prompt of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Words {
    /// `say/TEXT`: a menu choice, "TEXT은/는", followed by the key's own prompt `key_1` … ("일 번").
    Choice(String),
    /// `center/ROW`: "NAME(으)로 연결해 드리겠습니다 …".
    Connecting(String),
    /// `name/ROW`: the bare name.
    Name(String),
}

/// A text with slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slotted {
    /// The text, read.
    pub phrase: Phrase,
    /// Every sound that it may need in this table, but for the rows of menus.
    pub sounds: Vec<PromptId>,
}

/// A dialled number and where its callers enter.
#[derive(Clone, Debug)]
pub struct Number {
    /// `number.1357`.
    pub row: Arc<str>,
    /// What may be dialled.
    pub dialled: Vec<Pattern>,
    /// Said once, before the first menu; a key cuts it short and counts for the menu.
    pub greeting: Option<PromptId>,
    /// Whether the greeting comes before the answer.
    pub answer: Answer,
    /// Its calls are recorded somewhere behind us.
    pub recorded: bool,
    /// We record its calls, once the greeting has said so.
    pub record: bool,
    /// Its callers are asked to be decent to whoever answers (산업안전보건법 41).
    pub protection: bool,
    /// What a call costs its caller, where the table says.
    pub fee: Option<Fee>,
    /// The language of its callers; `None` is Korean.
    pub language: Option<Tongue>,
    /// First true condition wins.
    pub when: Vec<When>,
    /// Otherwise.
    pub go: Destination,
}

/// `answer`: when the call is answered, and so begins to cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Answer {
    /// `at-once`.
    #[default]
    AtOnce,
    /// `after-greeting`: the greeting plays as early media first, where the caller's network lets it through.
    AfterGreeting,
}

/// `fee`: what a call costs its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fee {
    /// Nothing.
    Free,
    /// A local call.
    Local,
    /// Something else.
    Other,
}

/// A condition on entering.
#[derive(Clone, Debug)]
pub struct When {
    /// What must hold.
    pub condition: Condition,
    /// Then go here.
    pub go: Destination,
}

/// Conditions, a closed list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// The hours are over.
    Outside(HoursId),
    /// Today is (`true`) or is not a public holiday; a Sunday alone is none.
    Holiday(bool),
    /// A switch of the table is on.
    Switch(Arc<str>),
    /// The caller's number is one of these.
    Caller(Vec<Pattern>),
    /// The caller is of this kind.
    CallerKind(CallerKind),
    /// The call is in this language; `None` is Korean.
    Language(Option<Tongue>),
    /// So many calls of a hundred, drawn by chance.
    Share(u8),
}

impl Condition {
    /// Whether it holds because something is closed.
    pub fn closes(&self) -> bool {
        matches!(self, Self::Outside(_) | Self::Holiday(true))
    }
}

/// Where a caller goes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Destination {
    /// Into a menu.
    Menu(MenuId),
    /// To a question that is answered with digits.
    Input(InputId),
    /// To a person.
    Center(CenterId),
    /// To an announcement.
    Notice(NoticeId),
    /// To the tone behind which a message is left: who comes here has agreed.
    Message(MessageId),
    /// `back`: the menu before this one; in the first menu, this menu again.
    Back,
    /// `repeat`: this menu again.
    Repeat,
    /// `slower`: this menu again, and all from here on, in four thirds of the time; once more, at the usual pace.
    Slower,
    /// `repeat-slowly`: this menu again, and all from here on, in four thirds of the time; once more, the same once more.
    RepeatSlowly,
    /// `end`: our BYE. Only after an announcement.
    End,
}

/// A menu.
#[derive(Clone, Debug)]
pub struct Menu {
    /// `menu.main`.
    pub row: Arc<str>,
    /// When it may be entered; `None` is always.
    pub doors: Option<Doors>,
    /// What is said, in order: the menu's prompt, then each choice that has words. Choices that lead to a language stand here by
    /// their names in it (`en/say/영어`, `ko/say/한국어`) and are said in it.
    pub speech: Vec<PromptId>,
    /// So many of them are the menu's own; the rest are its rows.
    pub own_words: usize,
    /// A key cuts the speech short.
    pub barge_in: bool,
    /// Silence allowed after the speech.
    pub digit_timeout: Duration,
    /// Silence allowed between keys, when a longer choice is still possible.
    pub interdigit: Duration,
    /// What silence leads to.
    pub no_input: Retry,
    /// What a key nobody offered leads to.
    pub no_match: Retry,
    /// Choices, inherited ones (`0`, `#`, `*`) included.
    pub choices: BTreeMap<Digits, Destination>,
    /// Choices that go on in another language; `None` is Korean, and so is a language that is spoken already.
    pub languages: BTreeMap<Digits, Option<Tongue>>,
    /// Callers are recorded in this menu, once its words have said so.
    pub record: bool,
    /// Choices that agree to the recording of the call, or do not.
    pub recording: BTreeMap<Digits, bool>,
}

/// A question that is answered with digits: its entries are personal, and no record or log holds them.
#[derive(Clone, Debug)]
pub struct Input {
    /// `input.business`.
    pub row: Arc<str>,
    /// When it may be entered; `None` is always.
    pub doors: Option<Doors>,
    /// What is asked, in order.
    pub speech: Vec<PromptId>,
    /// A key cuts the speech short.
    pub barge_in: bool,
    /// Silence allowed after the speech.
    pub digit_timeout: Duration,
    /// Silence allowed between keys.
    pub interdigit: Duration,
    /// What silence leads to.
    pub no_input: Retry,
    /// What an entry that is not taken leads to.
    pub no_match: Retry,
    /// Which entries are taken.
    pub accepts: Accepts,
    /// A recording is silent here.
    pub sensitive: bool,
    /// The entry is read back, and the caller says whether it is right.
    pub confirm: Option<ReadBack>,
    /// What `*` does before the first digit; after it, `*` begins the entry again.
    pub star: Destination,
    /// What `#` does before the first digit; after it, `#` ends the entry.
    pub hash: Destination,
    /// Where an entry that is taken leads.
    pub then: Destination,
}

/// `confirm`: the entry is read back digit by digit between these.
#[derive(Clone, Debug)]
pub struct ReadBack {
    /// "누르신 번호는".
    pub before: PromptId,
    /// The digits, 0 to 9.
    pub digits: [PromptId; 10],
    /// "맞으면 1번, 다시 누르시려면 2번".
    pub after: PromptId,
}

/// `hours` and `closed`: who comes outside the hours goes elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doors {
    /// When they are open.
    pub hours: HoursId,
    /// Where callers go otherwise.
    pub closed: Destination,
}

/// What happens when the caller does not answer a menu.
#[derive(Clone, Debug)]
pub struct Retry {
    /// How often the menu is said again.
    pub retries: u8,
    /// Said before the menu is said again.
    pub prompt: PromptId,
    /// After the last retry.
    pub then: Destination,
}

/// Who a caller can be handed to.
#[derive(Clone, Debug)]
pub struct Center {
    /// `center.kosmes`.
    pub row: Arc<str>,
    /// 중소벤처기업진흥공단.
    pub name: String,
    /// 산업통상자원부: whose centre it is, for readers of the table and its chart.
    pub ministry: Option<String>,
    /// Said before the transfer; `None` (`announce = false`) hands over at once.
    pub announce: Option<PromptId>,
    /// SIP addresses, the first tried first. Never empty.
    pub targets: Vec<Target>,
    /// How the calls are shared among the addresses, one for each of [`Center::targets`].
    pub shares: Vec<Share>,
    /// When it answers; `None` is always.
    pub hours: Option<HoursId>,
    /// Where callers go outside its hours.
    pub closed: Option<Destination>,
    /// What is tried, and what when that fails.
    pub transfer: Transfer,
}

/// How an address shares a centre's calls (the order and weight of RFC 2782).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// Lower ones are tried first; addresses of one order share the calls.
    pub order: u16,
    /// In proportion to this.
    pub weight: u16,
}

impl Center {
    /// The addresses in the order this call tries them. `chance` decides among those of one order, in proportion to
    /// their weights.
    pub fn targets_in_order(&self, mut chance: u64) -> Vec<usize> {
        let mut left: Vec<usize> = (0..self.targets.len()).collect();
        let share = |at: &usize| self.shares.get(*at).copied().unwrap_or(Share { order: u16::MAX, weight: 1 });
        let mut ordered = Vec::with_capacity(left.len());
        while let Some(order) = left.iter().map(|at| share(at).order).min() {
            let group: Vec<usize> = left.iter().copied().filter(|at| share(at).order == order).collect();
            let total: u64 = group.iter().map(|at| u64::from(share(at).weight.max(1))).sum();
            let mut ticket = chance % total;
            // Another draw for the next place: the multiplier of a 64-bit linear congruential generator.
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
            let mut next = group[0];
            for at in group {
                let weight = u64::from(share(&at).weight.max(1));
                if ticket < weight {
                    next = at;
                    break;
                }
                ticket -= weight;
            }
            left.retain(|at| *at != next);
            ordered.push(next);
        }
        ordered
    }
}

/// An address a REFER may name. Made from the table only: a caller's input never becomes one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target(SipUri);

impl Target {
    /// From the table, by `check` alone.
    pub(in crate::routing) fn new(uri: SipUri) -> Self {
        Self(uri)
    }

    /// The address.
    pub fn uri(&self) -> &SipUri {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a centre is reached and what follows when it is not.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The rungs in order; the last is a notice, which cannot fail.
    pub ladder: Vec<Rung>,
    /// What counts as reached.
    pub success: Success,
    /// No response and no NOTIFY at all by then: the rung failed.
    pub refer_timeout: Duration,
    /// After a NOTIFY of progress.
    pub ring_timeout: Duration,
    /// Said between rungs.
    pub prompt: PromptId,
    /// What the centre is told about the call.
    pub context: Context,
    /// How many transfers may fail before the goodbye (`give_up`).
    pub rounds: u8,
    /// After the last round: says what to do, then ends.
    pub give_up: NoticeId,
}

/// One rung of the ladder. Queues and callbacks will join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rung {
    /// `refer`: REFER to the first address.
    Refer,
    /// `next-target`: REFER to each further address.
    NextTarget,
    /// `bridge`: we call each address in turn ourselves and stay between the two.
    Bridge,
    /// `center.counsel`: that centre's addresses, each in turn (skipped when we come from there).
    Center(CenterId),
    /// `notice.busy`: an announcement and what follows it.
    Notice(NoticeId),
}

/// `refer_success`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Success {
    /// `notify-200`: a NOTIFY says the centre answered.
    Notify200,
    /// `accepted`: the 202 is all we will hear.
    Accepted,
}

/// `context`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// User-to-User escaped into the Refer-To URI (RFC 7433, RFC 3261 §19.1.1).
    ReferTo,
    /// Nothing.
    None,
}

/// An announcement.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `notice.closed`.
    pub row: Arc<str>,
    /// When it is said; `None` is always.
    pub doors: Option<Doors>,
    /// What is said, in order.
    pub speech: Vec<PromptId>,
    /// What follows.
    pub then: Destination,
}

/// A message that a caller leaves, once the menu of [`Message::consent`] has a yes.
#[derive(Clone, Debug)]
pub struct Message {
    /// `message.closed`, the name of the question too.
    pub row: Arc<str>,
    /// Asks whether the caller agrees; the menus of the messages follow those of `[menu]`, in their order.
    pub consent: MenuId,
    /// Said before the tone.
    pub speech: Vec<PromptId>,
    /// The tone.
    pub tone: PromptId,
    /// Said when the message is kept.
    pub saved: PromptId,
    /// Said when there was nothing to keep.
    pub empty: PromptId,
    /// The longest message.
    pub longest: Duration,
    /// So much silence ends it.
    pub silence: Duration,
    /// How often a caller who says nothing is asked again.
    pub retries: u8,
    /// What follows a message.
    pub then: Destination,
    /// Where the caller goes who does not agree, says nothing, or whose message cannot be kept.
    pub otherwise: Destination,
}

impl MessageId {
    /// Its question, where so many menus come before those of the messages.
    pub(in crate::routing) fn consent(self, menus: usize) -> MenuId {
        MenuId(menus + self.0)
    }
}

/// Opening hours. An exception holds before everything else, then the rule for public holidays, then the week.
#[derive(Clone, Debug)]
pub struct Hours {
    /// `hours.main`.
    pub row: Arc<str>,
    /// An ordinary week.
    pub spans: Vec<Span>,
    /// On public holidays; empty is closed.
    pub holidays: Vec<Opening>,
    /// On single dates.
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// Every time at which it may be open, whatever the day.
    pub fn openings(&self) -> impl Iterator<Item = &Opening> {
        let exceptions = self.exceptions.iter().flat_map(|exception| &exception.open);
        self.spans.iter().map(|span| &span.open).chain(&self.holidays).chain(exceptions)
    }
}

/// "월-금 09:00-18:00".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Monday first.
    pub days: [bool; 7],
    /// When.
    pub open: Opening,
}

/// "09:00-18:00", by the local clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Minutes after midnight.
    pub from: u16,
    /// Minutes after the same midnight, later than `from`; above 1440 on the next day.
    pub to: u16,
}

/// "2026-12-24~2026-12-26 휴무".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// When it is open all the same; empty is closed.
    pub open: Vec<Opening>,
}

/// `[holidays]`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Holidays {
    /// The holidays of [`korea`] count.
    pub korean: bool,
    /// Days the table adds: designated days, election days.
    pub added: BTreeSet<Date>,
    /// Days that are working days after all.
    pub open: BTreeSet<Date>,
}

impl Holidays {
    /// Whether a day is a public holiday.
    pub fn contains(&self, day: Date) -> bool {
        !self.open.contains(&day) && (self.added.contains(&day) || (self.korean && korea::holiday(day).is_some()))
    }
}

impl Plan {
    /// The number a dialled text belongs to.
    pub fn number(&self, dialled: &Dialled) -> Option<&Number> {
        self.number_at(dialled).and_then(|at| self.numbers.get(at))
    }

    /// Its place in [`Plan::numbers`].
    pub fn number_at(&self, dialled: &Dialled) -> Option<usize> {
        let meant = |number: &Number| number.dialled.iter().any(|pattern| pattern.matches(dialled.as_str()));
        self.numbers.iter().position(meant)
    }

    /// The menu behind an id.
    pub fn menu(&self, id: MenuId) -> &Menu {
        &self.menus[id.0]
    }

    /// The input behind an id.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.0]
    }

    /// The centre behind an id.
    pub fn center(&self, id: CenterId) -> &Center {
        &self.centers[id.0]
    }

    /// The notice behind an id.
    pub fn notice(&self, id: NoticeId) -> &Notice {
        &self.notices[id.0]
    }

    /// Whether this menu asks for the consent to a message.
    pub fn asks_consent(&self, id: MenuId) -> bool {
        self.messages.iter().any(|message| message.consent == id)
    }

    /// The message behind an id.
    pub fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    /// The rows of a menu as they are said: the words, their keys, and the language of those that are said in one whatever the call speaks.
    pub fn rows_said(&self, menu: &Menu) -> Vec<MenuRow> {
        let mut rows: Vec<MenuRow> = Vec::new();
        for id in menu.speech.iter().skip(menu.own_words) {
            let offered = self.offers(id).map(|language| language.map_or("ko", |language| language).to_owned());
            let folder = offered.as_deref().map_or(0, |language| language.len() + 1);
            let name = id.get(folder..).unwrap_or_default();
            if let Some(Words::Choice(words)) = self.words.get(name) {
                rows.push(MenuRow { words: words.clone(), keys: String::new(), offered });
            } else if let (Some(key), Some(row)) = (name.strip_prefix("key_"), rows.last_mut()) {
                row.keys.push_str(match key {
                    "star" => "*",
                    "hash" => "#",
                    digit => digit,
                });
            }
        }
        rows
    }

    /// The same for a call in this language: nobody is offered what is spoken, where it is a way back.
    pub fn rows_offered(&self, menu: &Menu, language: Option<&Tongue>) -> Vec<MenuRow> {
        let spoken = language.map_or("ko", |language| language);
        let mut rows = self.rows_said(menu);
        rows.retain(|row| !self.switches_back || row.offered.as_deref() != Some(spoken));
        rows
    }

    /// Prompts as they are said in a language, slowly or not: those without sound in it are said in Korean.
    pub fn said(&self, language: Option<&Tongue>, slowly: bool, prompts: Vec<PromptId>) -> Vec<PromptId> {
        let tongue = language.and_then(|language| self.tongues.get(language));
        let slow = slowly.then_some(&self.slow);
        let named = |names: Option<&BTreeMap<PromptId, PromptId>>, id: PromptId| {
            names.and_then(|names| names.get(&id)).cloned().unwrap_or(id)
        };
        let spoken = |id: PromptId| match self.offers(&id) {
            None => Some(named(tongue, id)),
            // Nobody is offered the language that is spoken, where it is a way back.
            Some(offered) if self.switches_back && offered == language => None,
            Some(_) => Some(bare(&id).into()),
        };
        prompts.into_iter().filter_map(spoken).map(|id| named(slow, id)).collect()
    }

    /// The language in which a prompt is said whatever the call speaks, because its key leads there.
    pub fn offers(&self, id: &PromptId) -> Option<Option<&Tongue>> {
        let (folder, name) = id.split_once('/')?;
        if !name.starts_with("say/") && !name.starts_with("key_") {
            return None;
        }
        let tongue = || self.tongues.get_key_value(folder).map(|(tongue, _)| Some(tongue));
        if id.starts_with(KOREAN) { Some(None) } else { tongue() }
    }

    /// Some key asks for slow reading.
    fn is_read_slowly(&self) -> bool {
        let menus = self.menus.iter().flat_map(|menu| menu.choices.values());
        let inputs = self.inputs.iter().flat_map(|input| [&input.star, &input.hash]);
        menus.chain(inputs).any(|go| matches!(go, Destination::Slower | Destination::RepeatSlowly))
    }

    /// The slow names of all prompts: `slow/greeting`, `en/slow/greeting`. Tones have one pace.
    pub(in crate::routing) fn slow_names(&self) -> BTreeMap<PromptId, PromptId> {
        if !self.is_read_slowly() {
            return BTreeMap::new();
        }
        let tones: Vec<&PromptId> = self.messages.iter().map(|message| &message.tone).chain([&self.waiting]).collect();
        let translated = |id: &PromptId| {
            self.tongues.iter().find_map(|(language, names)| {
                names.iter().find(|(_, there)| *there == id).map(|(usual, _)| (language, usual))
            })
        };
        let slow = |id: PromptId| match translated(&id) {
            Some((_, usual)) if tones.contains(&usual) => None,
            Some((language, usual)) => Some((id, format!("{language}/slow/{usual}").into())),
            None if tones.contains(&&id) => None,
            None => Some((id.clone(), format!("slow/{id}").into())),
        };
        // A text with slots has no sound of its own: its parts are said slowly.
        self.prompts().into_iter().filter(|id| !self.phrases.contains_key(id)).filter_map(slow).collect()
    }

    /// The doors of a place that has some: its row, and when and where else.
    pub fn doors(&self, at: Destination) -> Option<(&Arc<str>, Doors)> {
        let (row, doors) = match at {
            Destination::Menu(id) => self.menus.get(id.0).map(|menu| (&menu.row, menu.doors))?,
            Destination::Input(id) => self.inputs.get(id.0).map(|input| (&input.row, input.doors))?,
            Destination::Notice(id) => self.notices.get(id.0).map(|notice| (&notice.row, notice.doors))?,
            Destination::Center(id) => {
                let center = self.centers.get(id.0)?;
                let doors = center.hours.zip(center.closed).map(|(hours, closed)| Doors { hours, closed });
                (&center.row, doors)
            }
            Destination::Message(_)
            | Destination::Back
            | Destination::Repeat
            | Destination::Slower
            | Destination::RepeatSlowly
            | Destination::End => {
                return None;
            }
        };
        doors.map(|doors| (row, doors))
    }

    /// Every prompt a caller of this table can hear, in order of name.
    pub fn prompts(&self) -> BTreeSet<PromptId> {
        // Bare names are heard where a row says them: from stand-in centres.
        let heard = self.words.iter().filter(|(_, words)| !matches!(words, Words::Name(_)));
        let mut all: BTreeSet<PromptId> = heard.map(|(id, _)| id.clone()).collect();
        all.insert(self.waiting.clone());
        for menu in &self.menus {
            all.extend(menu.speech.iter().map(|id| match bare(id) {
                same if same == &**id => id.clone(),
                bare => bare.into(),
            }));
            all.insert(menu.no_input.prompt.clone());
            all.insert(menu.no_match.prompt.clone());
        }
        for input in &self.inputs {
            all.extend(input.speech.iter().cloned());
            all.insert(input.no_input.prompt.clone());
            all.insert(input.no_match.prompt.clone());
            if let Some(ReadBack { before, digits, after }) = &input.confirm {
                all.extend(digits.iter().chain([before, after]).cloned());
            }
        }
        for center in &self.centers {
            all.extend(center.announce.clone());
            all.insert(center.transfer.prompt.clone());
        }
        all.extend(self.notices.iter().flat_map(|notice| notice.speech.iter().cloned()));
        for Message { speech, tone, saved, empty, .. } in &self.messages {
            all.extend(speech.iter().chain([tone, saved, empty]).cloned());
        }
        all.extend(self.numbers.iter().filter_map(|number| number.greeting.clone()));
        all.extend(self.tongues.values().flat_map(|names| names.values().cloned()));
        for (id, Slotted { sounds, .. }) in &self.phrases {
            if all.remove(id) {
                all.extend(sounds.iter().cloned());
            }
        }
        all.extend(self.slow.values().cloned());
        all
    }
}
