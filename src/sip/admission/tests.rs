use super::*;
use crate::sip::trunk::Trunk;

/// Calls that come at an even pace for a while; who was taken.
struct Rush {
    admission: Admission,
    now: Now,
    next: u64,
}

impl Rush {
    fn new(peers: &Peers) -> Self {
        Self { admission: Admission::new(peers), now: Now::default(), next: 0 }
    }

    fn call(&mut self, source: Source) -> Option<Place> {
        self.next += 1;
        let asking = Asking { invite: self.next, source, controlled: false, late: false };
        self.admission.admit(self.now, &asking)
    }

    /// Offers this many calls a second from each source; how many a second were taken, by source.
    fn run(&mut self, seconds: u64, offered: &[(Source, u64)]) -> Vec<f64> {
        let mut taken = vec![0u64; offered.len()];
        for milli in 0..seconds * 1000 {
            for (index, &(source, rate)) in offered.iter().enumerate() {
                // Not all in step.
                let milli = milli + index as u64 * 7;
                let (before, after) = (milli * rate / 1000, (milli + 1) * rate / 1000);
                for _ in before..after {
                    if let Some(place) = self.call(source) {
                        taken[index] += 1;
                        self.admission.leave(place);
                    }
                }
            }
            self.now = self.now.after(Duration::from_millis(1));
        }
        taken.into_iter().map(|taken| taken as f64 / seconds as f64).collect()
    }
}

fn address(last: u32) -> Source {
    Source::new(None, IpAddr::from((0x7f01_0000 + last).to_be_bytes()))
}

fn capped(calls: Option<u32>, calls_per_second: Option<u32>) -> Peers {
    Peers { calls, calls_per_second, ..Peers::default() }
}

#[test]
fn without_a_cap_everybody_comes_in() {
    let mut rush = Rush::new(&Peers::default());
    assert_eq!(rush.run(2, &[(address(1), 5000)]), [5000.0]);
}

#[test]
fn no_more_calls_live_than_may_and_an_end_makes_room() {
    let mut rush = Rush::new(&capped(Some(2), None));
    let first = rush.call(address(1)).expect("room");
    assert!(rush.call(address(1)).is_some());
    assert!(rush.call(address(1)).is_none());
    rush.admission.leave(first);
    assert!(rush.call(address(1)).is_some());
}

#[test]
fn where_calls_may_be_bridged_each_has_room_for_two_legs() {
    let mut rush = Rush::new(&Peers { legs: Some(5), ..capped(Some(4), None) });
    let mut live: Vec<Place> = (0..5).filter_map(|_| rush.call(address(1))).collect();
    assert_eq!(live.len(), 4, "as the settings say");
    // A table that bridges is published: who is there stays.
    rush.admission.bridges(true);
    for left in [3, 2] {
        rush.admission.leave(live.pop().expect("a call"));
        assert!(rush.call(address(1)).is_none(), "{left} live");
    }
    rush.admission.leave(live.pop().expect("a call"));
    assert!(rush.call(address(1)).is_some() && rush.call(address(1)).is_none());
    rush.admission.bridges(false);
    assert!(rush.call(address(1)).is_some());
}

#[test]
fn one_source_at_five_times_the_rate_gets_the_whole_rate() {
    let mut rush = Rush::new(&capped(None, Some(200)));
    // The first second takes what the bucket held.
    rush.run(2, &[(address(1), 1000)]);
    let taken = rush.run(10, &[(address(1), 1000)])[0];
    assert!((195.0..=201.0).contains(&taken), "{taken}");
}

#[test]
fn whoever_asks_seldom_comes_in_beside_a_flood() {
    let mut rush = Rush::new(&capped(None, Some(200)));
    let taken = rush.run(10, &[(address(1), 10_000), (address(2), 20), (address(3), 5)]);
    assert_eq!(taken[1..], [20.0, 5.0], "{taken:?}");
    assert!(taken[0] >= 170.0, "{taken:?}");
}

#[test]
fn a_flood_from_200_sources_leaves_an_equal_share_to_the_201st() {
    let mut rush = Rush::new(&capped(None, Some(1000)));
    let mut offered: Vec<(Source, u64)> = (1..=200).map(|last| (address(last), 50)).collect();
    offered.push((address(999), 3));
    let taken = rush.run(10, &offered);
    assert!(taken[200] >= 2.5, "{}", taken[200]);
    let total: f64 = taken.iter().sum();
    assert!((900.0..=1110.0).contains(&total), "{total}");
}

#[test]
fn a_trunk_keeps_to_its_own_caps_and_does_not_hurt_another() {
    let small = Trunk { calls: Some(3), calls_per_second: Some(10), ..Trunk::new("a", Vec::new()) };
    let peers = Peers { trunks: vec![small, Trunk::new("b", Vec::new())], ..capped(None, Some(100)) };
    let [a, b] = [0, 1].map(|index| Source::Trunk(TrunkId(index)));
    let mut rush = Rush::new(&peers);
    let taken = rush.run(10, &[(a, 200), (b, 80)]);
    assert!((9.0..=12.0).contains(&taken[0]), "{taken:?}");
    assert_eq!(taken[1], 80.0);
    rush.now = rush.now.after(Duration::from_secs(2));
    let kept: Vec<_> = (0..5).filter_map(|_| rush.call(a)).collect();
    assert_eq!(kept.len(), 3);
}

#[test]
fn a_copy_of_a_refused_invite_is_refused_even_when_there_is_room_again() {
    let mut rush = Rush::new(&capped(Some(1), None));
    let place = rush.call(address(1)).expect("room");
    assert!(rush.call(address(1)).is_none());
    let refused = rush.next;
    rush.admission.leave(place);
    let copy = Asking { invite: refused, source: address(1), controlled: false, late: false };
    assert!(rush.admission.admit(rush.now.after(Duration::from_secs(1)), &copy).is_none());
    assert!(rush.call(address(1)).is_some());
}

#[test]
fn long_waits_slow_the_pace_down_and_short_ones_give_it_back_within_five_seconds() {
    let mut rush = Rush::new(&Peers::default());
    let tick = |rush: &mut Rush, wait: u64| {
        let taken = rush.run(1, &[(address(1), 1000)])[0];
        rush.admission.waits(rush.now.instant, Duration::from_millis(wait), Duration::ZERO);
        taken
    };
    assert_eq!(tick(&mut rush, 120), 1000.0);
    let slowed: Vec<f64> = (0..3).map(|_| tick(&mut rush, 120)).collect();
    assert!(slowed[0] < 600.0 && slowed[1] < slowed[0] && slowed[2] < slowed[1], "{slowed:?}");
    // Neither long nor short: it stays as it is.
    let kept = [tick(&mut rush, 30), tick(&mut rush, 30)];
    assert!((kept[0] - kept[1]).abs() < 20.0, "{kept:?}");
    for _ in 0..10 {
        tick(&mut rush, 1);
    }
    assert_eq!(tick(&mut rush, 1), 1000.0);
}

#[test]
fn one_busy_moment_changes_nothing_for_those_who_come_later() {
    let mut rush = Rush::new(&Peers::default());
    rush.run(1, &[(address(1), 100)]);
    rush.admission.waits(rush.now.instant, Duration::from_millis(100), Duration::ZERO);
    rush.now = rush.now.after(Duration::from_secs(3));
    rush.admission.waits(rush.now.instant, Duration::ZERO, Duration::ZERO);
    assert_eq!(rush.run(1, &[(address(1), 2000)]), [2000.0]);
}

#[test]
fn sources_beyond_the_bound_share_one_place() {
    let mut rush = Rush::new(&capped(None, Some(1_000_000)));
    for last in 0..SOURCES_MAX as u32 + 1000 {
        rush.call(address(last));
    }
    assert!(rush.admission.sources.len() <= SOURCES_MAX + 1);
    assert!(rush.admission.sources.contains_key(&Source::Others));
}

#[test]
fn refusals_are_counted_by_reason_and_told_once_in_a_while() {
    let mut rush = Rush::new(&capped(Some(1), None));
    let _place = rush.call(address(1));
    assert_eq!(rush.admission.deadline(), None);
    rush.call(address(1));
    rush.next += 1;
    let late = Asking { invite: rush.next, source: address(1), controlled: false, late: true };
    for _ in 0..2 {
        assert!(rush.admission.admit(rush.now, &late).is_none());
    }
    let due = rush.admission.deadline().expect("something to tell");
    assert_eq!(rush.admission.told(rush.now.instant), None);
    let told = Refused { too_many: 1, too_late: 1, ..Refused::default() };
    assert_eq!(rush.admission.told(due), Some(told));
    assert_eq!((rush.admission.deadline(), rush.admission.told(due)), (None, None));
}

/// A media thread with room for so many calls: beyond it falls behind, and loses an interval's sound with each 20 ms.
struct Thread {
    room: f64,
    calls: f64,
    late: f64,
    looks: [f64; 2],
    lost: f64,
}

impl Thread {
    /// A tenth of a second, in which this share of its calls ends; how late it was in this one and the two before.
    fn pass(&mut self, ending: f64) -> Duration {
        self.calls *= 1.0 - ending;
        self.late = (self.late + (self.calls / self.room - 1.0) * 100.0).max(0.0);
        self.lost += (self.late - 20.0).max(0.0);
        let lasting = self.looks.iter().fold(self.late, |least, late| least.min(*late));
        self.looks = [self.late, self.looks[0]];
        Duration::from_secs_f64(lasting / 1000.0)
    }
}

#[test]
fn nobody_comes_in_while_sound_is_late_and_no_call_that_is_there_loses_any() {
    let mut rush = Rush::new(&Peers::default());
    let mut thread = Thread { room: 1000.0, calls: 900.0, late: 0.0, looks: [0.0; 2], lost: 0.0 };
    let (mut least, mut most) = (f64::MAX, 0.0f64);
    // Two minutes of twice the calls that fit: 33 a second, a minute each.
    for tenth in 0..1200 {
        for call in 0..33 {
            if (tenth * 33 + call) % 10 == 0 && rush.call(address(1)).is_some() {
                thread.calls += 1.0;
            }
        }
        rush.now = rush.now.after(Duration::from_millis(100));
        let late = thread.pass(0.1 / 60.0);
        rush.admission.waits(rush.now.instant, Duration::ZERO, late);
        if tenth > 300 {
            (least, most) = (least.min(thread.calls), most.max(thread.calls));
        }
    }
    assert!(thread.lost == 0.0, "{} ms of sound were lost", thread.lost);
    assert!(least > 930.0 && most < 1030.0, "between {least} and {most} calls");
    assert!(rush.admission.refused.no_media > 100);
    // Fewer calls come: within seconds each is taken again.
    for _ in 0..100 {
        rush.now = rush.now.after(Duration::from_millis(100));
        rush.admission.waits(rush.now.instant, Duration::ZERO, Duration::ZERO);
    }
    assert_eq!(rush.run(1, &[(address(1), 500)]), [500.0]);
}

#[test]
fn sound_that_is_late_keeps_new_calls_out_until_it_has_been_in_time_for_a_while() {
    let mut rush = Rush::new(&Peers::default());
    let mut comes = |millis, late| {
        rush.now = rush.now.after(Duration::from_millis(millis));
        rush.admission.waits(rush.now.instant, Duration::ZERO, Duration::from_micros(late));
        rush.call(address(1)).is_some()
    };
    assert!(comes(100, 4900), "it catches up by itself");
    assert!(!comes(100, 5000));
    assert!(!comes(1900, 1100), "better, but not in time");
    assert!(!comes(100, 0) && !comes(1800, 0), "in time, but not for long");
    assert!(comes(200, 0));
    assert!(comes(1000, 4900), "between the two nothing changes");
    // Nobody looked for a while: whoever comes then is not kept out by what was.
    assert!(!comes(100, 9000));
    rush.now = rush.now.after(Duration::from_secs(60));
    assert!(rush.call(address(1)).is_some());
}
