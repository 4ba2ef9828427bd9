//! What is promised to callers, held against every way through a table.
//!
//! No call is cut, no caller hears nothing, nobody who does nothing (or only wrong things) goes round for ever, and
//! there is always a way on; then the rules of `[prove]`.

use super::explore::{Came, Edge, End, Graph, Node};
use super::line::Step;
use crate::call::input;
use crate::call::menu::Turn;
use crate::call::session::standing::{Place, Reach};
use crate::number::{Digits, Key};
use crate::routing::Language;
use crate::routing::accepts::Class;
use crate::routing::plan::{CenterId, Plan};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A promise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Promise {
    /// Every call ends with a person, with an announcement, or by the caller.
    NoDrop,
    /// A caller hears something, or a menu waits for a key.
    NoSilence,
    /// Who presses nothing, or only wrong keys, comes to an end.
    NoLoop,
    /// From everywhere there is a way to a person or to an announcement that ends the call.
    WayOn,
    /// 0 leads to a person.
    Zero,
    /// At most this many keys to a person.
    Person(u8),
    /// At most this many menus.
    Menus(u8),
    /// At most this many keys to a centre.
    Keys(CenterId, u8),
}

impl Promise {
    /// The promise in a sentence.
    pub fn words(&self, plan: &Plan, language: Language) -> String {
        let pair = match self {
            Self::NoDrop => ["말없이 끊기는 전화는 없다".to_owned(), "no call is cut without a word".to_owned()],
            Self::NoSilence => {
                ["아무 소리도 들리지 않는 때는 없다".to_owned(), "no caller is left in silence".to_owned()]
            }
            Self::NoLoop => [
                "누르지 않거나 잘못 누르기만 해도 끝없이 돌지 않는다".to_owned(),
                "who presses nothing, or only wrong keys, does not go round for ever".to_owned(),
            ],
            Self::WayOn => ["어디서나 나갈 길이 있다".to_owned(), "there is a way on from everywhere".to_owned()],
            Self::Zero => ["0번은 어디서나 사람에게 닿는다".to_owned(), "0 leads to a person everywhere".to_owned()],
            Self::Person(most) => [
                format!("어느 메뉴에서든 {most}번 안에 사람에게 닿는다"),
                format!("from every menu at most {most} keys to a person"),
            ],
            Self::Menus(most) => {
                [format!("메뉴는 {most}단계까지다"), format!("no caller is led deeper than {most} menus")]
            }
            Self::Keys(center, most) => {
                let row = &plan.center(*center).row;
                [format!("{row} 까지 {most}번 안에 닿는다"), format!("at most {most} keys to {row}")]
            }
        };
        language.of(&pair).clone()
    }
}

/// A promise that a way through the table breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// The row in which it shows.
    pub row: Arc<str>,
    /// The shortest way there ends in this state.
    pub node: u32,
    /// The step that shows it, after the way.
    pub then: Vec<Step>,
}

/// Every broken promise, each once a row, the shortest way first.
pub fn prove(plan: &Plan, graph: &Graph) -> Vec<Broken> {
    let mut found = Found { plan, graph, seen: BTreeSet::new(), list: Vec::new() };
    found.each_state();
    found.loops();
    found.ways_on();
    found.zero();
    found.person();
    found.keys();
    let mut list = found.list;
    list.sort_by_key(|broken| {
        let (_, way) = graph.way(broken.node);
        let steps = way.len() + broken.then.len();
        let keys = way.iter().chain(&broken.then).filter(|step| matches!(step, Step::Key(_) | Step::Enter(_))).count();
        (keys, steps)
    });
    list
}

struct Found<'g> {
    plan: &'g Plan,
    graph: &'g Graph,
    seen: BTreeSet<(Promise, Arc<str>)>,
    list: Vec<Broken>,
}

/// How far a state is from something; further than any.
const FAR: u32 = u32::MAX;

impl Found<'_> {
    fn add(&mut self, promise: Promise, node: u32, then: Vec<Step>) {
        let row = row(self.plan, self.graph, node);
        if self.seen.insert((promise.clone(), row.clone())) {
            self.list.push(Broken { promise, row, node, then });
        }
    }

    fn nodes(&self) -> impl Iterator<Item = (u32, &Node)> {
        self.graph.nodes.iter().enumerate().map(|(at, node)| (at as u32, node))
    }

    fn each_state(&mut self) {
        for at in 0..self.graph.nodes.len() as u32 {
            let node = self.graph.node(at);
            if !node.attended {
                self.add(Promise::NoSilence, at, Vec::new());
            }
            let deepest = self.plan.rules.menus;
            if node.standing.menus.len() > usize::from(deepest) {
                self.add(Promise::Menus(deepest), at, Vec::new());
            }
            for edge in self.graph.steps(at) {
                if edge.end == Some(End::Cut) {
                    self.add(Promise::NoDrop, at, vec![edge.step]);
                }
            }
        }
    }

    // ---- round and round ---------------------------------------------------------------------------------------

    /// Circles of steps that a caller does not choose, and circles of wrong keys.
    fn loops(&mut self) {
        for wrong_keys in [false, true] {
            let follows = |at: u32, edge: &Edge| {
                let passes = match edge.step {
                    Step::Heard | Step::Refuses | Step::Fails | Step::Connect => true,
                    // Neither speaks nor presses.
                    Step::SaysNothing => !wrong_keys,
                    Step::Spoils => true,
                    Step::Silence => match &self.graph.node(at).standing.place {
                        Place::Menu(_) => !wrong_keys,
                        // Digits that stop too early are a wrong entry.
                        Place::Input(asking) => {
                            !wrong_keys || matches!(asking.turn, input::Turn::Collecting { valid: false, .. })
                        }
                        _ => true,
                    },
                    Step::Key(key) => wrong_keys && self.is_wrong(at, key),
                    Step::Enter(typed) => wrong_keys && typed.class != Class::Valid,
                    _ => false,
                };
                passes && edge.to != at
            };
            let circles = circles(self.graph, follows);
            for node in circles {
                self.add(Promise::NoLoop, node, Vec::new());
            }
        }
    }

    /// Nothing in this menu begins with the key, or the question whether an entry is right is not answered with it.
    fn is_wrong(&self, node: u32, key: Key) -> bool {
        if let Place::Input(asking) = &self.graph.node(node).standing.place {
            return asking.confirming && !"12*#".contains(key.as_char());
        }
        let Place::Menu(asking) = &self.graph.node(node).standing.place else { return false };
        let mut digits = match &asking.turn {
            Turn::Collecting(digits) => digits.clone(),
            Turn::Speaking | Turn::Waiting | Turn::Suspended => Digits::default(),
        };
        digits.push(key);
        !self.plan.menu(asking.menu).choices.keys().any(|choice| choice.as_str().starts_with(digits.as_str()))
    }

    // ---- ways to somewhere -------------------------------------------------------------------------------------

    fn ways_on(&mut self) {
        // What is cut is another promise.
        let good = |edge: &Edge| matches!(edge.end, Some(End::Person | End::Announced | End::Cut));
        let far = self.distances(good, |_, edge| {
            // Hanging up and waiting an hour are no ways on.
            (!matches!(edge.step, Step::HangUp | Step::CallMax)).then_some(0)
        });
        for (at, _) in far.iter().enumerate().filter(|(_, far)| **far == FAR) {
            // Who hung up has gone.
            if !self.graph.node(at as u32).standing.place.is_gone() {
                self.add(Promise::WayOn, at as u32, Vec::new());
            }
        }
    }

    fn zero(&mut self) {
        if !self.plan.rules.zero {
            return;
        }
        let Some(zero) = Key::from_char('0') else { return };
        for at in 0..self.graph.nodes.len() as u32 {
            let node = self.graph.node(at);
            let asks = matches!(&node.standing.place, Place::Menu(asking) if matches!(asking.turn, Turn::Speaking | Turn::Waiting));
            if !asks || node.standing.held || node.standing.overtime || !node.standing.ahead.is_empty() {
                continue;
            }
            let Some(edge) = self.graph.steps(at).iter().find(|edge| edge.step == Step::Key(zero)) else { continue };
            if !self.leads_to_person(edge) {
                self.add(Promise::Zero, at, vec![edge.step]);
            }
        }
    }

    /// Whether this step, and nothing but listening after it, leads to a person, or past a closed centre to an announcement.
    fn leads_to_person(&self, first: &Edge) -> bool {
        let (mut at, mut closed) = (first.to, first.closed);
        for _ in 0..16 {
            let node = self.graph.node(at);
            let asks =
                matches!(&node.standing.place, Place::Menu(asking) if !matches!(asking.turn, Turn::Collecting(_)));
            match &node.standing.place {
                Place::Transfer { .. } => return true,
                Place::Done => return closed,
                // A closed centre may lead to a menu that says more.
                Place::Menu(_) if asks && node.standing.ahead.is_empty() => return closed,
                Place::Input(_) | Place::Message(_) => return closed,
                _ => {}
            }
            let next = self.graph.steps(at).iter().find(|edge| matches!(edge.step, Step::Heard | Step::Silence));
            let Some(next) = next else { return false };
            closed |= next.closed;
            at = next.to;
        }
        false
    }

    fn person(&mut self) {
        let most = self.plan.rules.person;
        let far = self.distances(|edge| edge.end == Some(End::Person), deliberate);
        // At hours at which nobody answers anywhere, an announcement is all there can be.
        let served: BTreeSet<u32> =
            self.nodes().filter(|(at, _)| far[*at as usize] != FAR).map(|(_, node)| node.hours).collect();
        for (at, &far) in far.iter().enumerate() {
            let node = self.graph.node(at as u32);
            // In the middle of an entry a caller is not lost.
            let asks = match &node.standing.place {
                Place::Menu(_) => true,
                Place::Input(asking) => {
                    !matches!(asking.turn, input::Turn::Collecting { .. }) && node.standing.ahead.is_empty()
                }
                _ => false,
            };
            if asks && !node.standing.held && far > u32::from(most) && served.contains(&node.hours) {
                self.add(Promise::Person(most), at as u32, Vec::new());
            }
        }
    }

    fn keys(&mut self) {
        let rules = self.plan.rules.keys.clone();
        if rules.is_empty() {
            return;
        }
        for root in self.graph.roots.clone() {
            let far = self.distances_from(root.node);
            for rule in &rules {
                for &center in &rule.centers {
                    let refers = |node: &Node| matches!(node.standing.place, Place::Transfer { center: tried, reach: Reach::Referring, .. } if tried == center);
                    let nearest =
                        self.nodes().filter(|(_, node)| refers(node)).map(|(at, _)| (far[at as usize], at)).min();
                    if let Some((far, node)) = nearest
                        && far != FAR
                        && far > u32::from(rule.keys)
                    {
                        self.add(Promise::Keys(center, rule.keys), node, Vec::new());
                    }
                }
            }
        }
    }

    /// Keys from each state to the nearest step that is a goal, over the steps that `cost` allows.
    fn distances(&self, goal: impl Fn(&Edge) -> bool, cost: impl Fn(&Node, &Edge) -> Option<u32>) -> Vec<u32> {
        let graph = self.graph;
        let mut back: Vec<Vec<(u32, u32)>> = vec![Vec::new(); graph.nodes.len()];
        let mut far = vec![FAR; graph.nodes.len()];
        let mut open = VecDeque::new();
        for (at, node) in self.nodes() {
            for edge in graph.steps(at) {
                let Some(cost) = cost(node, edge) else { continue };
                back[edge.to as usize].push((at, cost));
                if goal(edge) && far[at as usize] > cost {
                    far[at as usize] = cost;
                    if cost == 0 { open.push_front(at) } else { open.push_back(at) }
                }
            }
        }
        relax(&back, &mut far, open);
        far
    }

    /// Keys from one state to each.
    fn distances_from(&self, root: u32) -> Vec<u32> {
        let graph = self.graph;
        let mut far = vec![FAR; graph.nodes.len()];
        far[root as usize] = 0;
        let mut open = VecDeque::from([root]);
        while let Some(at) = open.pop_front() {
            for edge in graph.steps(at) {
                let Some(cost) = deliberate(graph.node(at), edge) else { continue };
                let through = far[at as usize].saturating_add(cost);
                if through < far[edge.to as usize] {
                    far[edge.to as usize] = through;
                    if cost == 0 { open.push_front(edge.to) } else { open.push_back(edge.to) }
                }
            }
        }
        far
    }
}

fn relax(back: &[Vec<(u32, u32)>], far: &mut [u32], mut open: VecDeque<u32>) {
    while let Some(at) = open.pop_front() {
        for &(before, cost) in &back[at as usize] {
            let through = far[at as usize].saturating_add(cost);
            if through < far[before as usize] {
                far[before as usize] = through;
                if cost == 0 { open.push_front(before) } else { open.push_back(before) }
            }
        }
    }
}

/// What a caller does who wants to get somewhere: presses keys, listens where no key helps, and is answered.
fn deliberate(node: &Node, edge: &Edge) -> Option<u32> {
    match edge.step {
        Step::Key(_) => Some(1),
        // An entry is one thing to do, however long it is.
        Step::Enter(typed) => (typed.class == Class::Valid).then_some(1),
        // Keys typed ahead count once the menu has been said.
        Step::Heard
            if matches!(node.standing.place, Place::Menu(_) | Place::Input(_)) && node.standing.ahead.is_empty() =>
        {
            None
        }
        Step::Connect | Step::Heard | Step::Accepts | Step::Rings | Step::Reaches | Step::Parts => Some(0),
        // A story is told once; it is no key.
        Step::Speaks => Some(0),
        Step::Silence if matches!(&node.standing.place, Place::Menu(asking) if matches!(asking.turn, Turn::Collecting(_))) => {
            Some(0)
        }
        Step::Silence
        | Step::Refuses
        | Step::Fails
        | Step::Vanishes
        | Step::SaysNothing
        | Step::Spoils
        | Step::HangUp
        | Step::Hold
        | Step::Resume
        | Step::CallMax => None,
    }
}

/// The states in which circles close, over the steps that `follows` allows.
fn circles(graph: &Graph, follows: impl Fn(u32, &Edge) -> bool) -> Vec<u32> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Shut,
    }
    let mut marks = vec![Mark::New; graph.nodes.len()];
    let mut found = Vec::new();
    let mut stack: Vec<(u32, usize)> = Vec::new();
    for start in 0..graph.nodes.len() as u32 {
        if marks[start as usize] != Mark::New {
            continue;
        }
        stack.push((start, 0));
        marks[start as usize] = Mark::Open;
        while let Some((at, next)) = stack.last_mut() {
            let at = *at;
            let Some(edge) = graph.steps(at).get(*next) else {
                marks[at as usize] = Mark::Shut;
                stack.pop();
                continue;
            };
            *next += 1;
            if !follows(at, edge) {
                continue;
            }
            match marks[edge.to as usize] {
                Mark::New => {
                    marks[edge.to as usize] = Mark::Open;
                    stack.push((edge.to, 0));
                }
                Mark::Open => found.push(edge.to),
                Mark::Shut => {}
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The row a call is in.
pub fn row(plan: &Plan, graph: &Graph, node: u32) -> Arc<str> {
    let mut at = node;
    loop {
        let node = graph.node(at);
        match &node.standing.place {
            Place::Menu(asking) => return plan.menu(asking.menu).row.clone(),
            Place::Input(asking) => return plan.input(asking.input).row.clone(),
            Place::Notice(notice) => return plan.notice(*notice).row.clone(),
            Place::Message(leaving) => return plan.message(leaving.message).row.clone(),
            Place::Transfer { center, .. } | Place::Talking(center) => return plan.center(*center).row.clone(),
            Place::Arriving
            | Place::Early { .. }
            | Place::Answered { .. }
            | Place::Greeting { .. }
            | Place::Leaving
            | Place::Done => {}
        }
        match node.came {
            Came::From(before, _) if !matches!(node.standing.place, Place::Greeting { .. }) => at = before,
            Came::From(..) | Came::Root(_) => {
                let (root, _) = graph.way(at);
                return plan.numbers[root.number].row.clone();
            }
        }
    }
}
