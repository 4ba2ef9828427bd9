//! How a telephone follows a REFER: as it should, or with one of the odd habits the field has shown.

use super::manner::HoldForm;
use crate::random::Random;
use crate::time::Duration;

/// How a telephone follows a REFER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FollowForm {
    /// What it answers.
    pub answer: ReferAnswer,
    /// The first NOTIFY leaves before the 202.
    pub notify_first: bool,
    /// What it tells.
    pub notify: Notify,
    /// Whether NOTIFY has an Event header.
    pub event: bool,
    /// Whether NOTIFY has a Subscription-State header.
    pub state: bool,
    /// Whether the sipfrag ends with CRLF.
    pub crlf: bool,
    /// What is wrong with NOTIFY's Via branch.
    pub branch: Branch,
    /// NOTIFY goes to another Request-URI than our Contact.
    pub wrong_uri: bool,
    /// A hold re-INVITE right after the 202, a resume re-INVITE when the centre does not answer.
    pub hold: Option<HoldForm>,
    /// Each NOTIFY is followed by another with the same news, at once.
    pub twice: bool,
    /// Hangs up on us the moment the centre answers.
    pub bye: ByeRace,
    /// Ends a dial nobody answers after this long.
    pub patience: Duration,
    /// A second REFER while the first is open is refused with 491 (else it replaces the first).
    pub refuses_second: bool,
}

/// The answer to a REFER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReferAnswer {
    /// 202, or 200 from telephones of RFC 6665.
    Accepts(u16),
    /// Any refusal.
    Refuses(u16),
    /// Not a word, and it does not follow either.
    Ignores,
}

/// What a telephone tells about the centre.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notify {
    /// 100, 180 and the end.
    All,
    /// The end only.
    FinalOnly,
    /// Nothing, ever.
    Never,
}

/// The Via branch of a NOTIFY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Branch {
    /// A new one each time.
    Right,
    /// None at all (RFC 2543).
    Missing,
    /// Without the magic cookie.
    Old,
}

/// A telephone that hangs up by itself when the centre answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByeRace {
    /// It waits for our BYE, as most do.
    Waits,
    /// NOTIFY and BYE leave together.
    AfterNotify,
    /// BYE first, then NOTIFY.
    BeforeNotify,
}

impl Default for FollowForm {
    fn default() -> Self {
        Self {
            answer: ReferAnswer::Accepts(202),
            notify_first: false,
            notify: Notify::All,
            event: true,
            state: true,
            crlf: true,
            branch: Branch::Right,
            wrong_uri: false,
            hold: None,
            twice: false,
            bye: ByeRace::Waits,
            patience: Duration::from_secs(32),
            refuses_second: false,
        }
    }
}

impl FollowForm {
    /// One of the odd habits the field has shown.
    pub fn odd(random: &mut Random) -> Self {
        let usual = Self::default();
        match random.below(15) {
            0 => Self { notify_first: true, ..usual },
            1 => Self { notify: Notify::Never, ..usual },
            2 => Self { notify: Notify::FinalOnly, ..usual },
            3 => Self { event: false, ..usual },
            4 => Self { state: false, ..usual },
            5 => Self { crlf: false, ..usual },
            6 => Self { branch: Branch::Missing, ..usual },
            7 => Self { branch: Branch::Old, wrong_uri: true, ..usual },
            8 => Self { hold: Some(HoldForm::any(random)), ..usual },
            9 => Self { bye: ByeRace::AfterNotify, ..usual },
            10 => Self { bye: ByeRace::BeforeNotify, ..usual },
            11 => Self { answer: ReferAnswer::Refuses([405, 501, 603, 481, 500][random.below(5) as usize]), ..usual },
            12 => Self { answer: ReferAnswer::Ignores, ..usual },
            13 => Self { twice: true, crlf: random.chance(0.5), ..usual },
            _ => Self {
                answer: ReferAnswer::Accepts(200),
                notify_first: true,
                hold: Some(HoldForm::SendOnly),
                crlf: false,
                ..usual
            },
        }
    }
}
