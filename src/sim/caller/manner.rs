//! What kind of caller and what kind of telephone this is: drawn from a seed, or written by a test.

use super::keys::{EventForm, KeyForm};
use crate::random::Random;
use crate::time::Duration;

/// One thing a caller does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Presses a key.
    Key(char),
    /// Puts us on hold.
    Hold(HoldForm),
    /// Takes us back.
    Resume,
    /// Hangs up.
    HangUp,
    /// Is gone without a word: battery, tunnel, power cut.
    Vanish,
}

/// How a telephone says hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HoldForm {
    /// `a=sendonly`.
    SendOnly,
    /// `a=inactive`.
    Inactive,
    /// `c=IN IP4 0.0.0.0`, as RFC 2543 had it.
    ZeroAddress,
}

/// An action and the time after the one before (after the answer, for the first).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// How long after the last step.
    pub after: Duration,
    /// What.
    pub action: Action,
}

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
    pub hold: bool,
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
            hold: false,
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
        match random.below(14) {
            0 => Self { notify_first: true, ..usual },
            1 => Self { notify: Notify::Never, ..usual },
            2 => Self { notify: Notify::FinalOnly, ..usual },
            3 => Self { event: false, ..usual },
            4 => Self { state: false, ..usual },
            5 => Self { crlf: false, ..usual },
            6 => Self { branch: Branch::Missing, ..usual },
            7 => Self { branch: Branch::Old, wrong_uri: true, ..usual },
            8 => Self { hold: true, ..usual },
            9 => Self { bye: ByeRace::AfterNotify, ..usual },
            10 => Self { bye: ByeRace::BeforeNotify, ..usual },
            11 => Self { answer: ReferAnswer::Refuses([405, 501, 603, 481, 500][random.below(5) as usize]), ..usual },
            12 => Self { answer: ReferAnswer::Ignores, ..usual },
            _ => Self { answer: ReferAnswer::Accepts(200), notify_first: true, hold: true, crlf: false, ..usual },
        }
    }
}

/// A caller and his telephone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manner {
    /// What is dialled.
    pub dials: String,
    /// INVITE without an offer.
    pub late_offer: bool,
    /// Gives up this long after dialling, unless answered before.
    pub cancel: Option<Duration>,
    /// ACKs that never leave; 255 is all.
    pub lost_acks: u8,
    /// How keys are told.
    pub keys: KeyForm,
    /// How a REFER is followed.
    pub follow: FollowForm,
    /// What the caller does once connected.
    pub steps: Vec<Step>,
    /// How long the caller stays at most.
    pub patience: Duration,
    /// How long a conversation with a centre lasts.
    pub talk: Duration,
}

impl Manner {
    /// A plain caller with a plain telephone who dials this and then waits.
    pub fn plain(dials: &str) -> Self {
        Self {
            dials: dials.to_owned(),
            late_offer: false,
            cancel: None,
            lost_acks: 0,
            keys: KeyForm::Events(EventForm::default()),
            follow: FollowForm::default(),
            steps: Vec::new(),
            patience: Duration::from_secs(600),
            talk: Duration::from_secs(30),
        }
    }
}

/// Which oddities a seed has switched on. Each is drawn per seed, so that a failure shows what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Oddities {
    /// INVITE without SDP.
    pub late_offer: bool,
    /// CANCEL before or while the call is answered.
    pub cancel: bool,
    /// ACKs that never leave.
    pub lost_ack: bool,
    /// Keys by INFO.
    pub info: bool,
    /// Odd telephone events.
    pub events: bool,
    /// Odd followers of REFER.
    pub follow: bool,
    /// Hold and resume.
    pub hold: bool,
    /// Hang-ups at any moment.
    pub hang_up: bool,
    /// Callers who are gone without a word.
    pub vanish: bool,
    /// Numbers that are not ours.
    pub wrong_number: bool,
}

impl Manner {
    /// A caller of this seed.
    pub fn draw(random: &mut Random, dials: &str, odd: Oddities) -> Self {
        let mut manner = Self::plain(dials);
        if odd.wrong_number && random.chance(0.1) {
            manner.dials = "1358".to_owned();
        }
        manner.late_offer = odd.late_offer && random.chance(0.4);
        if odd.cancel && random.chance(0.3) {
            manner.cancel = Some(Duration::from_millis(random.below(40)));
        }
        if odd.lost_ack && random.chance(0.3) {
            manner.lost_acks = if random.chance(0.2) { 255 } else { 1 + random.below(3) as u8 };
        }
        if odd.events && random.chance(0.6) {
            manner.keys = KeyForm::Events(EventForm::odd(random));
        }
        if odd.info && random.chance(0.4) {
            manner.keys = if random.chance(0.5) { KeyForm::InfoRelay } else { KeyForm::Info };
        }
        if odd.follow && random.chance(0.7) {
            manner.follow = FollowForm::odd(random);
            manner.follow.refuses_second = random.chance(0.3);
            manner.follow.patience = Duration::from_secs(5 + random.below(60));
        }
        let spacing = match manner.keys {
            KeyForm::Events(form) => form.spacing(),
            // Two INFOs on their way at once may change places: a caller's finger is slower than that.
            KeyForm::InfoRelay | KeyForm::Info => Duration::from_millis(300),
        };
        for _ in 0..random.below(6) {
            let pause = if random.chance(0.3) { random.below(12_000) } else { random.below(2_000) };
            let action = if odd.hold && random.chance(0.2) {
                let form = [HoldForm::SendOnly, HoldForm::Inactive, HoldForm::ZeroAddress][random.below(3) as usize];
                if random.chance(0.5) { Action::Hold(form) } else { Action::Resume }
            } else {
                let keys = b"1111223345678900*#9";
                Action::Key(char::from(keys[random.below(keys.len() as u64) as usize]))
            };
            manner.steps.push(Step { after: spacing + Duration::from_millis(pause), action });
        }
        let pause = Duration::from_millis(random.below(40_000));
        if odd.vanish && random.chance(0.15) {
            manner.steps.push(Step { after: pause, action: Action::Vanish });
        } else if odd.hang_up && random.chance(0.5) {
            manner.steps.push(Step { after: pause, action: Action::HangUp });
        }
        manner.patience = Duration::from_secs(20 + random.below(300));
        manner.talk = Duration::from_millis(500 + random.below(60_000));
        manner
    }
}
