//! What the table means: every name resolved, every default filled in, nothing left to check.
//!
//! A [`Plan`] is made by `check` only and shared by all calls that began with it.

mod center;
mod hours;
mod post_dial;
mod said;

use crate::number::{CallerKind, Dialled, Digits};
use crate::routing::accepts::Accepts;
use crate::routing::pattern::Pattern;
use crate::routing::rules::Rules;
use crate::routing::test_row::TestRow;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use center::{Center, Context, Rung, Share, Success, Target, Transfer};
pub use hours::{Exception, Holidays, Hours, Opening, Span};
pub(in crate::routing) use post_dial::NoPostDial;
pub use post_dial::{PostDial, PostDialStep};
pub use said::{BACK_TO_KOREAN, KOREAN, Slotted, Words};

/// The name of a prompt in the catalogue, for example `greeting_main` or `say/정책자금`.
pub type PromptId = Arc<str>;

/// A language other than Korean, which is always there: `en`.
pub type Tongue = Arc<str>;

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

    /// Whether a call may be bridged: it has a second leg then, with a port and a file of its own.
    pub fn bridges(&self) -> bool {
        self.centers.iter().any(|center| center.transfer.ladder.contains(&Rung::Bridge))
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
}
