//! What kind of caller and what kind of telephone this is: drawn from a seed, or written by a test.

use super::follow_form::{FollowForm, Notify, ReferAnswer};
use super::keys::{EventForm, KeyForm};
use crate::random::Random;
use crate::sim::fault::{Fault, Faults};
use crate::time::Duration;

/// One thing a caller does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Presses a key.
    Key(char),
    /// Speaks for so long.
    Speak(Duration),
    /// Puts us on hold.
    Hold(HoldForm),
    /// Takes us back.
    Resume,
    /// Hangs up.
    HangUp,
    /// Is gone without a word: battery, tunnel, power cut.
    Vanish,
    /// His telephone does something strange by itself.
    Strange(Strange),
}

/// What telephones, proxies and attackers do inside a call that no caller has asked for. The call goes on, but for the
/// hang-up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strange {
    /// A re-INVITE that asks us to offer; its ACK may forget the answer.
    Offerless {
        /// Whether the ACK brings it.
        answers: bool,
    },
    /// A second offer while the first is open.
    Overlap {
        /// In an UPDATE, else in a re-INVITE.
        update: bool,
    },
    /// UPDATE (RFC 3311).
    Update {
        /// With an offer, else it only says where we are.
        offer: bool,
    },
    /// Holds or resumes by UPDATE.
    UpdateHold(Option<HoldForm>),
    /// BYE right behind a re-INVITE.
    ByeInReinvite,
    /// A re-INVITE with a CSeq of before.
    OldCseq,
    /// A method that nobody knows, or that has no place in a call.
    Method(&'static str),
    /// A NOTIFY about nothing of ours.
    NotifyOfNothing,
    /// CANCEL of a request that was never sent.
    UnknownCancel,
    /// A BYE that is broken in one of [`BROKEN`] ways: none of them ends the call.
    Broken(u8),
    /// A message on our own connection whose length nobody can tell.
    BrokenStream,
    /// A BYE larger than anything real.
    Oversized,
    /// The last key by INFO again, byte for byte, as if its answer had been lost.
    InfoAgain,
}

/// In how many ways [`Strange::Broken`] breaks a BYE.
pub const BROKEN: u8 = 11;

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

impl HoldForm {
    /// One of them.
    pub fn any(random: &mut Random) -> Self {
        [Self::SendOnly, Self::Inactive, Self::ZeroAddress][random.below(3) as usize]
    }
}

/// An action and the time after the one before (after the answer, for the first).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// How long after the last step.
    pub after: Duration,
    /// What.
    pub action: Action,
}

impl Strange {
    /// By the word that a script has for it.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "offerless" => Self::Offerless { answers: true },
            "offerless-unanswered" => Self::Offerless { answers: false },
            "overlap" => Self::Overlap { update: false },
            "overlap-update" => Self::Overlap { update: true },
            "update" => Self::Update { offer: false },
            "update-offer" => Self::Update { offer: true },
            "update-hold" => Self::UpdateHold(Some(HoldForm::Inactive)),
            "update-resume" => Self::UpdateHold(None),
            "bye-in-reinvite" => Self::ByeInReinvite,
            "old-cseq" => Self::OldCseq,
            "unknown-method" => Self::Method("FROB"),
            "refer" => Self::Method("REFER"),
            "notify-of-nothing" => Self::NotifyOfNothing,
            "unknown-cancel" => Self::UnknownCancel,
            "broken-stream" => Self::BrokenStream,
            "info-again" => Self::InfoAgain,
            "oversized" => Self::Oversized,
            _ => {
                let way = word.strip_prefix("broken-")?.parse().ok().filter(|way| *way < BROKEN)?;
                Self::Broken(way)
            }
        })
    }

    /// The words of [`Strange::named`].
    pub const NAMES: [&str; 18] = [
        "offerless",
        "offerless-unanswered",
        "overlap",
        "overlap-update",
        "update",
        "update-offer",
        "update-hold",
        "update-resume",
        "bye-in-reinvite",
        "old-cseq",
        "unknown-method",
        "refer",
        "notify-of-nothing",
        "unknown-cancel",
        "broken-stream",
        "broken-0",
        "oversized",
        "info-again",
    ];
}

/// How a telephone acknowledges a reliable provisional response (RFC 3262).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prack {
    /// As it should.
    AtOnce,
    /// The first copy never leaves.
    LostFirst,
    /// Only after this long.
    Late(Duration),
    /// Another with the same news follows, as a request of its own.
    Twice,
    /// Never.
    Never,
}

impl Prack {
    /// One of the ways the field has shown.
    pub fn odd(random: &mut Random) -> Self {
        match random.below(8) {
            0..4 => Self::AtOnce,
            4 => Self::LostFirst,
            5 => Self::Late(Duration::from_millis(random.below(5_000))),
            6 => Self::Twice,
            _ => Self::Never,
        }
    }
}

/// A telephone with a session timer (RFC 4028).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerForm {
    /// The interval it asks for, in seconds.
    pub interval: u64,
    /// Who shall refresh: `uac` is the telephone, `uas` the engine; `None` leaves it to the engine.
    pub refresher: Option<&'static str>,
    /// It takes and sends UPDATE; else refreshes are re-INVITEs.
    pub updates: bool,
    /// It refreshes when that is its part; else it has forgotten.
    pub keeps: bool,
    /// How it meets our refresh.
    pub answers: RefreshAnswer,
}

/// How a telephone meets a refresh of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshAnswer {
    /// With 200.
    Right,
    /// Its first answer is lost.
    LosesFirst,
    /// A re-INVITE of its own has just left: 491 on both sides.
    Crosses,
    /// Once with 422.
    TooBrief,
    /// An UPDATE with 405, although it was allowed.
    NotKnown,
    /// With 481: it knows nothing of the call any more.
    Gone,
    /// Not at all.
    Never,
}

impl TimerForm {
    /// One of the ways telephones have them; with all that can go wrong.
    pub fn odd(random: &mut Random) -> Self {
        let answers = match random.below(10) {
            0..3 => RefreshAnswer::Right,
            3 => RefreshAnswer::LosesFirst,
            4 | 5 => RefreshAnswer::Crosses,
            6 => RefreshAnswer::TooBrief,
            7 => RefreshAnswer::NotKnown,
            8 => RefreshAnswer::Gone,
            _ => RefreshAnswer::Never,
        };
        Self {
            interval: 90 + random.below(60),
            refresher: [None, Some("uac"), Some("uas"), Some("uas")][random.below(4) as usize],
            updates: random.chance(0.5),
            keeps: random.chance(0.7),
            answers,
        }
    }
}

/// A telephone that speaks over connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpForm {
    /// The first connection is reset after this long.
    pub reset: Option<Duration>,
    /// What had no answer when a connection ended is sent again on the next one; else it has failed.
    pub resends: bool,
    /// Takes connections that we open to its Contact.
    pub listens: bool,
}

/// A caller and his telephone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manner {
    /// What is dialled.
    pub dials: String,
    /// The name in its Contact, with a port or without; `None`: its address.
    pub host: Option<String>,
    /// By connections; `None`: by datagrams.
    pub tcp: Option<TcpForm>,
    /// Sends pings of RFC 5626 between the messages.
    pub pings: bool,
    /// INVITE without an offer.
    pub late_offer: bool,
    /// It supports 100rel, and this is how it acknowledges.
    pub reliable: Option<Prack>,
    /// Its session timer.
    pub timer: Option<TimerForm>,
    /// Takes the place of another telephone in its call: the value of Replaces (RFC 3891).
    pub replaces: Option<String>,
    /// Its network passes on what plays before the answer.
    pub early_media: bool,
    /// A key pressed this long after sound began before the answer.
    pub early_key: Option<(Duration, char)>,
    /// An UPDATE with an offer before the answer.
    pub early_update: bool,
    /// The INVITE comes by two ways.
    pub merged: bool,
    /// Requests come again seconds later.
    pub late_copies: bool,
    /// Gives up this long after dialling, unless answered before.
    pub cancel: Option<Duration>,
    /// ACKs that never leave; 255 is all.
    pub lost_acks: u8,
    /// An ACK with another CSeq goes before the right one.
    pub wrong_ack: bool,
    /// BYE leaves twice.
    pub double_bye: bool,
    /// Our REFER and BYE meet this challenge.
    pub challenge: Option<u16>,
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
            host: None,
            tcp: None,
            pings: false,
            late_offer: false,
            reliable: None,
            timer: None,
            replaces: None,
            early_media: false,
            early_key: None,
            early_update: false,
            merged: false,
            late_copies: false,
            cancel: None,
            lost_acks: 0,
            wrong_ack: false,
            double_bye: false,
            challenge: None,
            keys: KeyForm::Events(EventForm::default()),
            follow: FollowForm::default(),
            steps: Vec::new(),
            patience: Duration::from_secs(600),
            talk: Duration::from_secs(30),
        }
    }

    /// Gives the telephone the habit that a script has this word for; false when there is none.
    pub fn take_up(&mut self, habit: &str) -> bool {
        match habit {
            "tcp" => self.tcp = Some(TcpForm { reset: None, resends: true, listens: true }),
            "late-offer" => self.late_offer = true,
            "two-ways" => self.merged = true,
            "late-copies" => self.late_copies = true,
            "loses-ack" => self.lost_acks = 3,
            "never-acks" => self.lost_acks = 255,
            "wrong-ack" => self.wrong_ack = true,
            "double-bye" => self.double_bye = true,
            "challenges" => self.challenge = Some(407),
            "info" => self.keys = KeyForm::Info,
            "events-and-info" => self.keys = KeyForm::Both,
            "notify-first" => self.follow.notify_first = true,
            "notify-twice" => self.follow.twice = true,
            "notify-never" => self.follow.notify = Notify::Never,
            "refuses-refer" => self.follow.answer = ReferAnswer::Refuses(603),
            "ignores-refer" => self.follow.answer = ReferAnswer::Ignores,
            "holds-on-refer" => self.follow.hold = Some(HoldForm::SendOnly),
            _ => return false,
        }
        true
    }

    /// The words of [`Manner::take_up`].
    pub const HABITS: [&str; 17] = [
        "tcp",
        "late-offer",
        "two-ways",
        "late-copies",
        "loses-ack",
        "never-acks",
        "wrong-ack",
        "double-bye",
        "challenges",
        "info",
        "events-and-info",
        "notify-first",
        "notify-twice",
        "notify-never",
        "refuses-refer",
        "ignores-refer",
        "holds-on-refer",
    ];

    /// A caller of a seed with these faults.
    pub fn draw(random: &mut Random, dials: &str, faults: Faults) -> Self {
        let mut manner = Self::plain(dials);
        let has = |fault| faults.has(fault);
        if has(Fault::WrongNumber) && random.chance(0.1) {
            manner.dials = "1358".to_owned();
        }
        if has(Fault::Tcp) && random.chance(0.6) {
            let reset = has(Fault::Reset) && random.chance(0.6);
            manner.tcp = Some(TcpForm {
                reset: reset.then(|| Duration::from_millis(random.below(20_000))),
                resends: random.chance(0.7),
                listens: !(has(Fault::Refused) && random.chance(0.5)),
            });
        }
        manner.pings = has(Fault::Keepalive) && random.chance(0.4);
        manner.late_offer = has(Fault::LateOffer) && random.chance(0.4);
        manner.merged = manner.tcp.is_none() && has(Fault::Merged) && random.chance(0.5);
        // A connection never brings anything twice.
        manner.late_copies = manner.tcp.is_none() && has(Fault::LateCopies) && random.chance(0.5);
        if has(Fault::Cancel) && random.chance(0.3) {
            manner.cancel = Some(Duration::from_millis(random.below(40)));
        }
        if has(Fault::EarlyMedia) && random.chance(0.8) {
            manner.early_media = true;
            manner.reliable =
                random.chance(0.6).then(|| if has(Fault::Prack) { Prack::odd(random) } else { Prack::AtOnce });
            manner.early_key = random.chance(0.3).then(|| (Duration::from_millis(random.below(3_000)), '1'));
            manner.early_update = has(Fault::Update) && random.chance(0.3);
            if has(Fault::Cancel) && random.chance(0.2) {
                manner.cancel = Some(Duration::from_millis(random.below(6_000)));
            }
        }
        if has(Fault::LostAck) && random.chance(0.3) {
            manner.lost_acks = if random.chance(0.2) { 255 } else { 1 + random.below(3) as u8 };
        }
        manner.wrong_ack = has(Fault::WrongAck) && random.chance(0.5);
        manner.double_bye = has(Fault::ByeRaces) && random.chance(0.5);
        if has(Fault::Challenge) && random.chance(0.4) {
            manner.challenge = Some(if random.chance(0.5) { 401 } else { 407 });
        }
        if has(Fault::Events) && random.chance(0.6) {
            manner.keys = KeyForm::Events(EventForm::odd(random));
        }
        if has(Fault::Info) && random.chance(0.4) {
            manner.keys = [KeyForm::InfoRelay, KeyForm::Info, KeyForm::Both][random.below(3) as usize];
        }
        if has(Fault::Follow) && random.chance(0.7) {
            manner.follow = FollowForm::odd(random);
            manner.follow.refuses_second = random.chance(0.3);
            manner.follow.patience = Duration::from_secs(5 + random.below(60));
        }
        let spacing = match manner.keys {
            KeyForm::Events(form) => form.spacing(),
            // Two INFOs on their way at once may change places: a caller's finger is slower than that.
            KeyForm::InfoRelay | KeyForm::Info => Duration::from_millis(300),
            // Nor does anybody press a key again before the echo of the first can have come by the other way.
            KeyForm::Both => Duration::from_millis(1_000),
        };
        let kinds = strange_kinds(faults, manner.tcp.is_some());
        for _ in 0..random.below(6) {
            let pause = if random.chance(0.3) { random.below(12_000) } else { random.below(2_000) };
            let action = if !kinds.is_empty() && random.chance(0.25) {
                let kind = kinds.get(random.below(kinds.len() as u64) as usize).copied();
                kind.map_or(Action::Resume, |kind| kind.action(random))
            } else {
                let keys = b"1111223345678900*#9";
                Action::Key(char::from(keys[random.below(keys.len() as u64) as usize]))
            };
            manner.steps.push(Step { after: spacing + Duration::from_millis(pause), action });
        }
        if has(Fault::Bridges) {
            // By then a centre may be there.
            for _ in 0..random.below(4) {
                let action = match random.below(4) {
                    0 | 1 => Action::Hold(HoldForm::any(random)),
                    2 => Action::Resume,
                    _ => Action::Strange(Strange::Offerless { answers: true }),
                };
                manner.steps.push(Step { after: Duration::from_millis(2_000 + random.below(20_000)), action });
            }
        }
        let pause = Duration::from_millis(random.below(40_000));
        if has(Fault::Vanish) && random.chance(0.15) {
            manner.steps.push(Step { after: pause, action: Action::Vanish });
        } else if has(Fault::HangUp) && random.chance(0.5) {
            let races = has(Fault::ByeRaces) && random.chance(0.5);
            let action = if races { Action::Strange(Strange::ByeInReinvite) } else { Action::HangUp };
            manner.steps.push(Step { after: pause, action });
        }
        manner.patience = Duration::from_secs(20 + random.below(300));
        if has(Fault::SessionTimer) && random.chance(0.6) {
            manner.timer = Some(TimerForm::odd(random));
            manner.patience = Duration::from_secs(100 + random.below(400));
        }
        manner.talk = Duration::from_millis(500 + random.below(60_000));
        manner
    }
}

/// A kind of strange thing that a seed allows.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Hold,
    Offerless,
    Overlap,
    Update,
    Mischief,
    Broken,
    BrokenStream,
    Oversized,
}

fn strange_kinds(faults: Faults, over_tcp: bool) -> Vec<Kind> {
    [
        (Fault::Hold, Kind::Hold),
        (Fault::Hold, Kind::Hold),
        (Fault::Offerless, Kind::Offerless),
        (Fault::Overlap, Kind::Overlap),
        (Fault::Update, Kind::Update),
        (Fault::Mischief, Kind::Mischief),
        (Fault::Malformed, if over_tcp { Kind::BrokenStream } else { Kind::Broken }),
        (Fault::Oversized, Kind::Oversized),
    ]
    .into_iter()
    .filter_map(|(fault, kind)| faults.has(fault).then_some(kind))
    .collect()
}

impl Kind {
    fn action(self, random: &mut Random) -> Action {
        let strange = match self {
            Self::Hold if random.chance(0.5) => return Action::Hold(HoldForm::any(random)),
            Self::Hold => return Action::Resume,
            Self::Offerless => Strange::Offerless { answers: random.chance(0.8) },
            Self::Overlap => Strange::Overlap { update: random.chance(0.5) },
            Self::Update => match random.below(4) {
                0 => Strange::Update { offer: false },
                1 => Strange::Update { offer: true },
                2 => Strange::UpdateHold(Some(HoldForm::any(random))),
                _ => Strange::UpdateHold(None),
            },
            Self::Mischief => match random.below(5) {
                0 => Strange::OldCseq,
                1 => Strange::NotifyOfNothing,
                2 => Strange::UnknownCancel,
                _ => {
                    let methods = ["OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REGISTER", "REFER", "FROB"];
                    Strange::Method(methods[random.below(methods.len() as u64) as usize])
                }
            },
            Self::Broken => Strange::Broken(random.below(u64::from(BROKEN)) as u8),
            Self::BrokenStream => Strange::BrokenStream,
            Self::Oversized => Strange::Oversized,
        };
        Action::Strange(strange)
    }
}
