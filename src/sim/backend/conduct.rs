//! What a centre does in a call that it gets from us, once it rings: drawn from a seed, or plain.

use crate::random::Random;
use crate::time::Duration;

/// What a centre does in one call.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Conduct {
    /// It tells where it listens before it answers.
    pub early: Option<Early>,
    /// Its 200 says nothing of its sound, which the early response has told.
    pub bare_answer: bool,
    /// Its 200 describes nothing that we could speak.
    pub unfit: bool,
    /// A CANCEL comes too late: it has answered.
    pub crosses: bool,
    /// Its BYE leaves twice.
    pub double_bye: bool,
    /// Another telephone behind the same address answers as well, so long after the first: a fork (RFC 3261 §13.2.2.4).
    pub forks: Option<Duration>,
    /// How long it stays before it hangs up; `None`: until the caller does.
    pub stays: Option<Duration>,
    /// What it does in the talk, each how long after the one before.
    pub acts: Vec<(Duration, Act)>,
}

/// Which response tells of its sound early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Early {
    /// The 180.
    Rings,
    /// A 183 behind it.
    Progress,
}

/// One thing that a centre does in a talk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Puts us on hold.
    Hold(Hold),
    /// Comes back.
    Resume,
    /// Offers the other law of G.711.
    OtherCodec,
    /// A re-INVITE that asks us to offer; whether its ACK answers.
    Offerless {
        /// Whether it does.
        answers: bool,
    },
    /// An UPDATE without an offer.
    Update,
    /// REFER: it would have us call somebody else.
    Refer,
    /// A question that any call must bear.
    Options,
    /// A key.
    Key,
    /// Its sound stops, and its signalling goes on.
    Mute,
    /// It is gone without a word.
    Vanish,
}

/// How a centre says hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// `a=sendonly`: it plays music of its own.
    SendOnly,
    /// `a=inactive`.
    Inactive,
    /// `a=recvonly`: it listens and says nothing.
    RecvOnly,
    /// `c=IN IP4 0.0.0.0`.
    ZeroAddress,
}

impl Conduct {
    /// It answers, talks for a while and hangs up.
    pub fn plain(random: &mut Random) -> Self {
        Self { stays: Some(Duration::from_millis(5_000 + random.below(90_000))), ..Self::default() }
    }

    /// One of the ways of the field.
    pub fn odd(random: &mut Random) -> Self {
        // What came later is drawn aside, so that a seed tells the story that it always told.
        let mut aside = Random::from_number(random.clone().u64() ^ 0xf0);
        let latest = if aside.chance(0.5) { 100 } else { 40_000 };
        let early = match random.below(3) {
            0 => Some(Early::Rings),
            1 => Some(Early::Progress),
            _ => None,
        };
        let mut acts = Vec::new();
        for _ in 0..random.below(5) {
            acts.push((Duration::from_millis(random.below(15_000)), Act::any(random)));
        }
        if random.chance(0.2) {
            let last = if random.chance(0.5) { Act::Mute } else { Act::Vanish };
            acts.push((Duration::from_millis(random.below(20_000)), last));
        }
        Self {
            early,
            bare_answer: early.is_some() && random.chance(0.3),
            unfit: random.chance(0.05),
            crosses: random.chance(0.4),
            double_bye: random.chance(0.2),
            forks: aside.chance(0.2).then(|| Duration::from_millis(aside.below(latest))),
            stays: Some(Duration::from_millis(random.below(90_000))),
            acts,
        }
    }
}

impl Act {
    fn any(random: &mut Random) -> Self {
        match random.below(10) {
            0..3 => {
                let forms = [Hold::SendOnly, Hold::Inactive, Hold::RecvOnly, Hold::ZeroAddress];
                Self::Hold(forms[random.below(4) as usize])
            }
            3 | 4 => Self::Resume,
            5 => Self::OtherCodec,
            6 => Self::Offerless { answers: random.chance(0.8) },
            7 => Self::Update,
            8 => [Self::Refer, Self::Options][random.below(2) as usize],
            _ => Self::Key,
        }
    }
}
