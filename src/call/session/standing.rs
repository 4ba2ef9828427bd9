//! Where a call stands, without its times and its record: what those compare who explore a table.
//!
//! Two calls that stand alike on one plan, at one hour, do the same from here on. What waits, waits for the same length
//! of time wherever it began, so the moments themselves are left out.

pub use super::leaving_word::{Leaving, Stage};
use super::{Session, State};
use crate::call::input;
use crate::call::menu::Asking;
use crate::call::transfer::{Means, Phase, Step, Transfer};
use crate::number::Key;
use crate::routing::plan::{CenterId, Destination, MenuId, NoticeId, Plan, Tongue};

/// Where a call stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Standing {
    /// What the call is doing.
    pub place: Place,
    /// The language; `None` is Korean.
    pub language: Option<Tongue>,
    /// The caller asked for slow reading.
    pub slow: bool,
    /// The menus the caller came through, the present one last.
    pub menus: Vec<MenuId>,
    /// Keys typed ahead.
    pub ahead: Vec<Key>,
    /// Ladders that ended without a person.
    pub rounds: u8,
    /// The caller's side put us on hold.
    pub held: bool,
    /// The longest call is over; only the goodbye is left.
    pub overtime: bool,
    /// Whether the caller agrees to be recorded; `None` before anybody asked.
    pub agreed: Option<bool>,
}

/// What a call is doing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// Not answered yet.
    Arriving,
    /// The number's greeting before our 200, or the wait for its PRACK.
    Early {
        /// What follows it.
        then: Destination,
    },
    /// Answered; nobody hears us yet.
    Answered {
        /// What follows a greeting that was heard already.
        then: Option<Destination>,
    },
    /// The number's greeting.
    Greeting {
        /// What follows it.
        then: Destination,
    },
    /// In a menu.
    Menu(Asking),
    /// Asked for digits.
    Input(input::Asking),
    /// An announcement.
    Notice(NoticeId),
    /// Leaving a message.
    Message(Leaving),
    /// Being handed over.
    Transfer {
        /// The centre the caller asked for.
        asked: CenterId,
        /// The centre tried now.
        center: CenterId,
        /// Which of its addresses.
        target: usize,
        /// How.
        means: Means,
        /// What is still to try.
        rest: Vec<Step>,
        /// How far it is.
        reach: Reach,
    },
    /// Talking to a centre, with us between them.
    Talking(CenterId),
    /// The caller hung up while a REFER was open.
    Leaving,
    /// Over.
    Done,
}

impl Place {
    /// The caller has hung up, or the call is over otherwise.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Leaving | Self::Done | Self::Message(Leaving { stage: Stage::Gone, .. }))
    }
}

/// How far a rung is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reach {
    /// The words before it.
    Announcing,
    /// The REFER, or our INVITE, is out.
    Referring,
    /// The caller's phone said that it is trying, or the centre rings.
    Ringing,
    /// The centre has answered, and this step of its post-dial digits is under way.
    PostDialling(usize),
}

impl Session {
    /// Where the call stands.
    pub fn standing(&self) -> Standing {
        // Named one by one, so that a new field has to say whether it changes what a caller meets.
        let Self {
            state,
            language,
            slow,
            menus,
            ahead,
            rounds,
            held,
            overtime,
            call: _,
            plan,
            number: _,
            record: _,
            plays: _,
            recordings: _,
            running: _,
            tape: _,
            agreed,
            caller: _,
            switches: _,
            turned_away: _,
            ends: _,
        } = self;
        Standing {
            place: place(state, plan),
            language: language.clone(),
            slow: *slow,
            menus: menus.clone(),
            ahead: ahead.iter().copied().collect(),
            rounds: *rounds,
            held: *held,
            overtime: *overtime,
            agreed: *agreed,
        }
    }
}

fn place(state: &State, plan: &Plan) -> Place {
    match state {
        State::Arriving => Place::Arriving,
        State::EarlyGreeting { then, .. } | State::Answering { then } => Place::Early { then: *then },
        State::Answered { then, .. } => Place::Answered { then: *then },
        State::Greeting { then, .. } => Place::Greeting { then: *then },
        State::Menu { dialogue, .. } => Place::Menu(dialogue.asking()),
        State::Input { dialogue, .. } => Place::Input(dialogue.asking(plan.input(dialogue.input))),
        State::Notice { notice, .. } => Place::Notice(*notice),
        State::Message(word) => Place::Message(word.leaving()),
        State::Talking { center, .. } => Place::Talking(*center),
        State::Transferring(Transfer { ladder, means, center, target, phase }) => Place::Transfer {
            asked: ladder.center,
            center: *center,
            target: *target,
            means: *means,
            rest: ladder.rest().collect(),
            reach: match phase {
                Phase::Announcing { .. } => Reach::Announcing,
                Phase::Referring { progressed: false, .. } => Reach::Referring,
                Phase::Referring { progressed: true, .. } => Reach::Ringing,
                Phase::PostDialling { at, .. } => Reach::PostDialling(*at),
            },
        },
        State::Leaving { .. } => Place::Leaving,
        State::Done => Place::Done,
    }
}
