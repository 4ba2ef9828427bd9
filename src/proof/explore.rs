//! Every state a call can be in, and every step between them.
//!
//! Breadth first, so that the way to each state is the shortest there is. A state is where the call stands, at which of
//! the table's hours; the time on the clock and what the record holds make no difference to what comes next.

use super::circumstance::{Circumstance, circumstances, weighted};
use super::line::{Line, Sound, Step};
use crate::call::session::standing::{Leaving, Place, Stage, Standing};
use crate::call::{Effect, Outcome};
use crate::limits::STATES_MAX;
use crate::routing::plan::{Doors, HoursId, Plan};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Where the ways of a table lead.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The states, each reached by the shortest way; a state's way goes over states before it.
    pub nodes: Vec<Node>,
    /// The steps, in the order of the states they lead away from.
    pub edges: Vec<Edge>,
    /// Where a state's steps begin in `edges`; one entry more than there are states.
    starts: Vec<u32>,
    /// The states in which calls begin.
    pub roots: Vec<Root>,
    /// There were more states than [`STATES_MAX`]: what was found holds, what was not found is not proved.
    pub cut: bool,
}

/// A call that begins.
#[derive(Clone, Debug)]
pub struct Root {
    /// Its state.
    pub node: u32,
    /// Which number was dialled.
    pub number: usize,
    /// When.
    pub circumstance: Circumstance,
}

/// A state.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the call stands.
    pub standing: Standing,
    /// Which hours are open, as far as they matter from here: an index that is equal for equal hours.
    pub hours: u32,
    /// How a call came here first.
    pub came: Came,
    /// Something sounds, or a key is waited for.
    pub attended: bool,
}

/// How a state was first reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// A call begins here: an index into [`Graph::roots`].
    Root(u32),
    /// From another state.
    From(u32, Step),
}

/// A step from one state to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Where to.
    pub to: u32,
    /// Which step.
    pub step: Step,
    /// The call is over, and how.
    pub end: Option<End>,
    /// A row was asked for that is closed now.
    pub closed: bool,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// With a person.
    Person,
    /// After an announcement was said to its end.
    Announced,
    /// The caller hung up.
    Caller,
    /// In any other way: nobody may be cut off like this.
    Cut,
}

/// Walks every way through a table.
pub fn explore(plan: &Arc<Plan>) -> Graph {
    let mut search = Search::new(plan);
    for circumstance in circumstances(plan) {
        for number in 0..plan.numbers.len() {
            search.begin(number, circumstance.clone());
        }
    }
    search.run();
    search.graph
}

struct Search<'p> {
    plan: &'p Arc<Plan>,
    graph: Graph,
    /// By hours, whether the caller is attended to, and where the call stands.
    known: HashMap<(u32, bool, Standing), u32>,
    open: VecDeque<Line>,
    /// Which hours any row asks about: later than at its beginning, a call asks about no others.
    asked: Vec<HoursId>,
    classes: BTreeMap<(Option<usize>, u64, Vec<bool>), u32>,
    /// Addresses are drawn by chance.
    weighted: bool,
    /// For each root, its class before a menu and its class after.
    worlds: Vec<[u32; 2]>,
}

impl<'p> Search<'p> {
    fn new(plan: &'p Arc<Plan>) -> Self {
        let doors = plan.menus.iter().map(|menu| menu.doors).chain(plan.notices.iter().map(|notice| notice.doors));
        let doors = doors.chain(plan.inputs.iter().map(|input| input.doors)).flatten().map(|doors| doors.hours);
        let mut asked: Vec<HoursId> = plan.centers.iter().filter_map(|center| center.hours).chain(doors).collect();
        asked.sort();
        asked.dedup();
        let graph = Graph { nodes: Vec::new(), edges: Vec::new(), starts: Vec::new(), roots: Vec::new(), cut: false };
        Self {
            plan,
            graph,
            known: HashMap::new(),
            open: VecDeque::new(),
            asked,
            classes: BTreeMap::new(),
            weighted: weighted(plan),
            worlds: Vec::new(),
        }
    }

    fn begin(&mut self, number: usize, circumstance: Circumstance) {
        let line = Line::called(self.plan, number, &circumstance);
        // Where the addresses of centres are drawn, the draw matters to the end.
        let chance = if self.weighted { circumstance.chance } else { 0 };
        let later: Vec<bool> = self.asked.iter().map(|hours| circumstance.is_open(*hours)).collect();
        let world = [self.class(Some(number), chance, circumstance.open.clone()), self.class(None, chance, later)];
        let root = self.graph.roots.len() as u32;
        self.worlds.push(world);
        let standing = line.standing();
        let node = self.reach(world, standing, Came::Root(root), true, line);
        self.graph.roots.push(Root { node, number, circumstance });
    }

    fn class(&mut self, number: Option<usize>, chance: u64, open: Vec<bool>) -> u32 {
        let next = self.classes.len() as u32;
        *self.classes.entry((number, chance, open)).or_insert(next)
    }

    fn run(&mut self) {
        let (mut steps, mut effects) = (Vec::new(), Vec::new());
        let mut worlds: Vec<u32> = (0..self.graph.roots.len() as u32).collect();
        let mut at = 0;
        while let Some(line) = self.open.pop_front() {
            let standing = self.graph.nodes[at].standing.clone();
            if let Came::From(before, _) = self.graph.nodes[at].came {
                worlds.push(worlds[before as usize]);
            }
            let world = self.worlds[worlds[at] as usize];
            self.graph.starts.push(self.graph.edges.len() as u32);
            steps.clear();
            line.possible(&standing, &mut steps);
            for &step in &steps {
                let mut next = line.clone();
                effects.clear();
                next.step(step, &mut effects);
                let stands = next.standing();
                let end = effects.contains(&Effect::Over).then(|| ending(&line, &standing, &next));
                let closed = asked_in_vain(self.plan, &stands, &effects);
                let attended = is_attended(self.plan, &stands, &next);
                let to = self.reach(world, stands, Came::From(at as u32, step), attended, next);
                self.graph.edges.push(Edge { to, step, end, closed });
            }
            at += 1;
        }
        self.graph.starts.push(self.graph.edges.len() as u32);
    }

    /// The state's place, new or known.
    fn reach(&mut self, world: [u32; 2], standing: Standing, came: Came, attended: bool, line: Line) -> u32 {
        // In a menu the number has done its part, and with it the hours it asks about.
        let hours = world[usize::from(!standing.menus.is_empty())];
        let key = (hours, attended, standing);
        // Calls that have not been answered stand alike and are still to be told apart.
        if let (Came::From(..), Some(&known)) = (came, self.known.get(&key)) {
            return known;
        }
        let node = self.graph.nodes.len() as u32;
        if self.graph.nodes.len() >= STATES_MAX {
            self.graph.cut = true;
            return node.saturating_sub(1);
        }
        self.graph.nodes.push(Node { standing: key.2.clone(), hours, came, attended });
        self.known.insert(key, node);
        self.open.push_back(line);
        node
    }
}

/// Whether the caller hears something or is listened to.
fn is_attended(plan: &Plan, standing: &Standing, line: &Line) -> bool {
    match &standing.place {
        Place::Arriving | Place::Early { .. } | Place::Answered { .. } | Place::Leaving | Place::Done => true,
        // A person listens.
        Place::Talking(_) => true,
        _ if standing.held || line.sound() != Sound::Nothing => true,
        Place::Menu(asking) => {
            let menu = plan.menu(asking.menu);
            let patience = menu.digit_timeout.max(menu.interdigit);
            line.waits().is_some_and(|until| until.since(line.now().instant) <= patience)
        }
        Place::Input(asking) => {
            let input = plan.input(asking.input);
            let patience = input.digit_timeout.max(input.interdigit);
            line.waits().is_some_and(|until| until.since(line.now().instant) <= patience)
        }
        // The caller speaks, or has just done.
        Place::Message(leaving) => matches!(leaving.stage, Stage::Recording | Stage::Ending | Stage::Gone),
        Place::Greeting { .. } | Place::Notice(_) | Place::Transfer { .. } => false,
    }
}

fn ending(before: &Line, standing: &Standing, after: &Line) -> End {
    match after.record().outcome() {
        Some(Outcome::Transferred) => End::Person,
        Some(Outcome::Abandoned | Outcome::Cancelled) => End::Caller,
        // The announcement was heard to its end: nothing sounds any more that was cut.
        Some(Outcome::Announced)
            if matches!(standing.place, Place::Notice(_)) && matches!(before.sound(), Sound::Once(_)) =>
        {
            End::Announced
        }
        Some(Outcome::Message) => match &standing.place {
            // Told that it is kept, or told what follows.
            Place::Message(Leaving { stage: Stage::Thanking, .. }) | Place::Notice(_)
                if matches!(before.sound(), Sound::Once(_)) && after.record().cause() == Some("announced") =>
            {
                End::Announced
            }
            _ if after.record().cause() == Some("caller-hung-up") => End::Caller,
            _ => End::Cut,
        },
        Some(Outcome::Announced | Outcome::Refused | Outcome::Failed) | None => End::Cut,
    }
}

fn asked_in_vain(plan: &Plan, standing: &Standing, effects: &[Effect]) -> bool {
    let entered: Vec<&Arc<str>> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Entered(row) => Some(row),
            _ => None,
        })
        .collect();
    let to_center = entered.iter().any(|row| row.starts_with("center."));
    // Who was led on at once from a row with hours did not come in.
    let has_hours = |row: &&Arc<str>| {
        let named = |known: &Arc<str>, doors: Option<Doors>| known == *row && doors.is_some();
        plan.menus.iter().any(|menu| named(&menu.row, menu.doors))
            || plan.inputs.iter().any(|input| named(&input.row, input.doors))
            || plan.notices.iter().any(|notice| named(&notice.row, notice.doors))
    };
    let passed = entered.len().saturating_sub(1);
    !matches!(standing.place, Place::Transfer { .. }) && (to_center || entered.iter().take(passed).any(has_hours))
}

impl Graph {
    /// The steps that lead away from a state.
    pub fn steps(&self, node: u32) -> &[Edge] {
        let bound = |at: u32| self.starts.get(at as usize).map_or(self.edges.len(), |&start| start as usize);
        self.edges.get(bound(node)..bound(node + 1)).unwrap_or_default()
    }

    /// The state behind an index.
    pub fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// The shortest way to a state: the call it begins with, and its steps.
    pub fn way(&self, node: u32) -> (&Root, Vec<Step>) {
        let mut steps = Vec::new();
        let mut at = node;
        loop {
            match self.node(at).came {
                Came::Root(root) => {
                    steps.reverse();
                    return (&self.roots[root as usize], steps);
                }
                Came::From(before, step) => {
                    steps.push(step);
                    at = before;
                }
            }
        }
    }
}
