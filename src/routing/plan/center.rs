//! A centre: who a caller can be handed to, at which addresses, and what follows when it is not reached.

use super::{CenterId, Destination, HoursId, NoticeId, PostDial, PromptId};
use crate::sip::uri::SipUri;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    /// What is pressed once it has answered. A REFER cannot carry it: such a centre is called by us alone.
    pub post_dial: Option<PostDial>,
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
