//! A registration that is kept alive (RFC 3261 §10.2, with the back-off of RFC 5626 §4.5).
//!
//! When to send a REGISTER, with which lifetime, and what its answer means. Finding the registrar, proving who we are and
//! sending is the agent's work.

use crate::limits::{
    BINDING_EXPIRES_MIN, REGISTER_BACKOFF_BASE, REGISTER_BACKOFF_MAX, REGISTER_EVERY_LEAST, REGISTER_INTERVALS_MAX,
    TRANSACTION_TIMEOUT,
};
use crate::random::Random;
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant};
use std::mem;

/// The machine.
#[derive(Clone, Debug)]
pub struct Register {
    /// What the settings wish, or what the registrar wants at least.
    expires: Duration,
    /// Attempts in a row that came to nothing.
    failures: u32,
    /// Refusals of one attempt for its short lifetime.
    intervals: u32,
    last: Option<StatusCode>,
    /// When the binding ends that we have.
    bound_until: Option<Instant>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The next REGISTER leaves then.
    Waiting {
        until: Instant,
    },
    /// One is under way.
    Asking,
    /// The binding is being removed, no longer than this.
    Leaving {
        until: Instant,
    },
    Over,
}

/// What can happen to it.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// The final response; 408 for silence, 503 where no address could be reached.
    Answered {
        /// It.
        status: StatusCode,
        /// The lifetime that our Contact was given.
        granted: Option<Duration>,
        /// Min-Expires.
        least: Option<Duration>,
    },
    /// The flow it came by is gone.
    Lost,
    /// We go: remove the binding.
    Stop,
    /// Time went by.
    Tick,
}

/// What it wants done: a REGISTER with this lifetime; zero removes the binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Send(pub Duration);

/// How a registration stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Bound until then, unless it is refreshed.
    Registered(Instant),
    /// Not bound, or not any more.
    Unregistered,
}

impl Register {
    /// One that begins now.
    pub fn new(now: Instant, expires: Duration) -> Self {
        Self {
            expires: expires.max(BINDING_EXPIRES_MIN),
            failures: 0,
            intervals: 0,
            last: None,
            bound_until: None,
            state: State::Waiting { until: now },
        }
    }

    /// How it stands.
    pub fn standing(&self, now: Instant) -> Standing {
        self.bound_until.filter(|until| *until > now).map_or(Standing::Unregistered, Standing::Registered)
    }

    /// The last final response.
    pub fn last(&self) -> Option<StatusCode> {
        self.last
    }

    /// The binding is being removed.
    pub fn is_leaving(&self) -> bool {
        matches!(self.state, State::Leaving { .. })
    }

    /// Nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// One step.
    pub fn handle(&mut self, now: Instant, input: Input, random: &mut Random) -> Option<Send> {
        let mut send = None;
        self.state = match (mem::replace(&mut self.state, State::Over), input) {
            (State::Waiting { until }, Input::Tick) if now >= until => {
                self.intervals = 0;
                send = Some(Send(self.expires));
                State::Asking
            }
            // Without its flow nobody reaches us: at once, and not all trunks' engines at the same moment.
            (State::Waiting { .. }, Input::Lost) if self.bound_until.is_some() => {
                self.bound_until = None;
                State::Waiting { until: now + Duration::from_millis(random.below(2_000)) }
            }
            (State::Asking, Input::Answered { status, granted, least }) => {
                self.last = Some(status);
                self.answered(now, status, granted, least, random, &mut send)
            }
            // What is under way may still bind us, so it is taken back even before its answer.
            (State::Waiting { .. }, Input::Stop) if self.bound_until.take().is_none() => State::Over,
            (State::Waiting { .. } | State::Asking, Input::Stop) => {
                send = Some(Send(Duration::ZERO));
                State::Leaving { until: now + TRANSACTION_TIMEOUT }
            }
            (State::Leaving { .. }, Input::Answered { status, .. }) => {
                self.last = Some(status);
                State::Over
            }
            (State::Leaving { until }, Input::Tick) if now >= until => State::Over,
            (state @ (State::Waiting { .. } | State::Asking | State::Leaving { .. } | State::Over), _) => state,
        };
        send
    }

    fn answered(
        &mut self,
        now: Instant,
        status: StatusCode,
        granted: Option<Duration>,
        least: Option<Duration>,
        random: &mut Random,
        send: &mut Option<Send>,
    ) -> State {
        if status.is_success() {
            // A registrar shortens what was asked for, and never makes it longer (RFC 3261 §10.3).
            let granted = granted.unwrap_or(self.expires).min(self.expires);
            // A registrar that grants nothing has not bound us.
            if !granted.is_zero() {
                self.failures = 0;
                self.bound_until = Some(now + granted);
                // Room for two attempts of 32 s in what remains of an hour, and for one of some seconds in a minute.
                let share = 0.70 + random.below(1_000) as f64 / 10_000.0;
                return State::Waiting { until: now + granted.mul_f64(share).max(REGISTER_EVERY_LEAST) };
            }
        }
        if status == StatusCode::INTERVAL_TOO_BRIEF
            && let Some(least) = least.filter(|least| *least > self.expires && *least <= REGISTER_BACKOFF_MAX * 48)
            && self.intervals < REGISTER_INTERVALS_MAX
        {
            self.intervals += 1;
            self.expires = least;
            *send = Some(Send(least));
            return State::Asking;
        }
        let longest = REGISTER_BACKOFF_BASE.saturating_mul(1 << self.failures.min(16)).min(REGISTER_BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        // RFC 5626 §4.5: between half of it and all of it, by lot.
        State::Waiting { until: now + longest.mul_f64(0.5 + random.below(1_000) as f64 / 2_000.0) }
    }

    /// When [`Input::Tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } | State::Leaving { until } => Some(until),
            State::Asking | State::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    struct Scene {
        machine: Register,
        random: Random,
    }

    impl Scene {
        fn new() -> Self {
            Self { machine: Register::new(at(0), HOUR), random: Random::from_number(1) }
        }

        fn step(&mut self, now: Instant, input: Input) -> Option<u64> {
            self.machine.handle(now, input, &mut self.random).map(|Send(expires)| expires.as_secs())
        }

        fn answer(&mut self, now: Instant, code: u16, granted: Option<u64>, least: Option<u64>) -> Option<u64> {
            let status = StatusCode::new(code).expect("a status code");
            let (granted, least) = (granted.map(Duration::from_secs), least.map(Duration::from_secs));
            self.step(now, Input::Answered { status, granted, least })
        }
    }

    #[test]
    fn a_binding_is_refreshed_before_it_ends() {
        let mut scene = Scene::new();
        assert_eq!(scene.step(at(0), Input::Tick), Some(3600));
        assert_eq!(scene.answer(at(1), 200, Some(600), None), None);
        assert_eq!(scene.machine.standing(at(1)), Standing::Registered(at(601)));
        let due = scene.machine.deadline().expect("a refresh");
        assert!((at(421)..at(482)).contains(&due), "{due:?}");
        assert_eq!(scene.step(at(400), Input::Tick), None);
        assert_eq!(scene.step(due, Input::Tick), Some(3600));
        assert_eq!(scene.machine.standing(at(601)), Standing::Unregistered, "it ended while the refresh was under way");
    }

    #[test]
    fn a_lifetime_too_short_is_asked_for_again_with_what_the_registrar_wants_but_not_for_ever() {
        let mut scene = Scene::new();
        scene.step(at(0), Input::Tick);
        assert_eq!(scene.answer(at(0), 423, None, Some(7200)), Some(7200));
        assert_eq!(scene.answer(at(0), 423, None, Some(8000)), Some(8000));
        assert_eq!(scene.answer(at(0), 423, None, Some(9000)), None, "it only wants more and more");
        assert!(scene.machine.deadline().is_some());
        let mut scene = Scene::new();
        scene.step(at(0), Input::Tick);
        assert_eq!(scene.answer(at(0), 423, None, Some(60)), None, "we had asked for more than that");
        assert_eq!(scene.answer(at(0), 423, None, Some(u64::MAX / 4)), None);
    }

    #[test]
    fn failures_wait_longer_and_longer_and_success_forgets_them() {
        let mut scene = Scene::new();
        let mut now = at(0);
        for longest in [30, 60, 120, 240, 480, 960, 1800, 1800, 1800] {
            assert_eq!(scene.step(now, Input::Tick), Some(3600));
            assert_eq!(scene.answer(now, 503, None, None), None);
            let next = scene.machine.deadline().expect("another attempt");
            let wait = next.since(now).as_secs_f64();
            assert!((f64::from(longest) / 2.0..=f64::from(longest)).contains(&wait), "{wait} of {longest}");
            now = next;
        }
        scene.step(now, Input::Tick);
        scene.answer(now, 200, Some(3600), None);
        now = scene.machine.deadline().expect("a refresh");
        scene.step(now, Input::Tick);
        scene.answer(now, 500, None, None);
        assert!(scene.machine.deadline().expect("another attempt").since(now) <= Duration::from_secs(30));
        assert!(matches!(scene.machine.standing(now), Standing::Registered(_)), "the binding still lasts");
    }

    #[test]
    fn going_removes_the_binding_once_and_waits_for_it_no_longer_than_a_transaction() {
        let mut scene = Scene::new();
        scene.step(at(0), Input::Tick);
        scene.answer(at(0), 200, Some(3600), None);
        assert_eq!(scene.step(at(9), Input::Stop), Some(0));
        assert_eq!(scene.step(at(9), Input::Stop), None);
        assert!(scene.machine.is_leaving());
        scene.step(at(41), Input::Tick);
        assert_eq!(scene.machine.deadline(), None);
        let mut unbound = Scene::new();
        assert_eq!(unbound.step(at(0), Input::Stop), None, "nothing was bound");
        assert_eq!(unbound.machine.deadline(), None);
        let mut asking = Scene::new();
        asking.step(at(0), Input::Tick);
        assert_eq!(asking.step(at(1), Input::Stop), Some(0), "the first REGISTER may have bound us already");
        asking.answer(at(2), 200, Some(0), None);
        assert!(asking.machine.is_over());
    }

    #[test]
    fn a_registrar_that_grants_nothing_has_bound_nothing() {
        let mut scene = Scene::new();
        scene.step(at(0), Input::Tick);
        assert_eq!(scene.answer(at(0), 200, Some(0), None), None);
        assert_eq!(scene.machine.standing(at(0)), Standing::Unregistered);
        assert!(scene.machine.deadline().expect("another attempt") >= at(15));
    }

    #[test]
    fn a_registrar_that_grants_a_moment_or_an_age_sets_no_pace_of_its_own() {
        for (granted, soonest, latest) in [(1, 10, 10), (20, 14, 16), (u64::from(u32::MAX), 2520, 2880)] {
            let mut scene = Scene::new();
            scene.step(at(0), Input::Tick);
            scene.answer(at(0), 200, Some(granted), None);
            let due = scene.machine.deadline().expect("a refresh");
            assert!((at(soonest)..=at(latest)).contains(&due), "{granted}: {due:?}");
        }
    }

    #[test]
    fn a_flow_that_is_lost_is_replaced_at_once() {
        let mut scene = Scene::new();
        scene.step(at(0), Input::Tick);
        scene.answer(at(0), 200, Some(3600), None);
        assert_eq!(scene.step(at(100), Input::Lost), None);
        assert!(scene.machine.deadline().expect("another attempt") <= at(102));
        assert_eq!(scene.machine.standing(at(100)), Standing::Unregistered);
    }
}
