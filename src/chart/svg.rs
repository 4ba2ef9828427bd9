//! The chart as SVG for one A3 page.
//!
//! Boxes are laid out by `taffy` (flexbox): numbers and what holds everywhere on the left, a column for each depth of menus,
//! the centres on the right, each where the table has it. Lines run behind the boxes, from a key to whom it leads to.

use super::measure::{width, wrap};
use super::model::{Choice, MenuBox, Model, name, stays};
use crate::routing::plan::{CenterId, Destination, NoticeId, Plan, Rung};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use taffy::prelude::*;

/// The page in millimetres, A3 across.
const PAGE: (f32, f32) = (420.0, 297.0);
const MARGIN: f32 = 48.0;
const TITLE_SPACE: f32 = 78.0;
/// Between columns at the least: lines need room to bend.
const COLUMN_GAP: f32 = 110.0;
const PADDING: f32 = 14.0;
const ROW: f32 = 27.0;
const HEAD: f32 = 36.0;
const TEXT: f32 = 15.0;
const SMALL: f32 = 12.5;
const FONT: &str = "'Noto Sans KR','Noto Sans CJK KR','NanumGothic','Malgun Gothic','Apple SD Gothic Neo',sans-serif";

/// Line colours that stay apart in print and for most colour-blind readers; one for each menu of a column in turn.
const LINES: [&str; 8] = ["#1f6fb2", "#b3541e", "#2f7d4f", "#8a4f9e", "#b08900", "#0f7f86", "#a8324a", "#5b6573"];
const INK: &str = "#1c2733";
const QUIET: &str = "#5b6573";

/// A text on the page; no two may touch.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// As wide as it may come out.
    pub width: f32,
    /// From the top of its letters to their foot.
    pub height: f32,
}

/// A drawn chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawing {
    /// The SVG.
    pub svg: String,
    /// Every text in it.
    pub labels: Vec<Label>,
    /// Every box: left, top, width, height.
    pub boxes: Vec<[f32; 4]>,
    /// The page in its own units.
    pub page: (f32, f32),
}

/// Draws the chart of a table. `text` knows what prompts say.
pub fn draw(plan: &Plan, text: &dyn Fn(&str) -> Option<String>) -> Drawing {
    let model = Model::of(plan);
    let cards = cards(plan, &model, text);
    // Once to learn how high it is, then as wide as the page is for that height.
    let high = arrange(&cards, COLUMN_GAP).iter().map(|place| place.y + place.height).fold(0.0, f32::max) + MARGIN;
    let places = arrange(&cards, gap_for(&cards, high * PAGE.0 / PAGE.1));
    let mut pen =
        Pen { model: &model, lines: String::new(), shapes: String::new(), labels: Vec::new(), boxes: Vec::new() };
    let bottom = places.iter().map(|place| place.y + place.height).fold(0.0, f32::max);
    let right = places.iter().map(|place| place.x + place.width).fold(0.0, f32::max);
    pen.title(plan);
    let found: BTreeMap<Destination, Place> =
        cards.iter().zip(&places).filter_map(|(card, place)| Some((card.of?, *place))).collect();
    for (card, place) in cards.iter().zip(&places) {
        pen.card(card, place, &found);
    }
    let page = (right + MARGIN, bottom + MARGIN);
    let Pen { lines, shapes, labels, boxes, .. } = pen;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}mm\" height=\"{}mm\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"{FONT}\" role=\"img\" aria-label=\"연계흐름도\">",
        PAGE.0, PAGE.1, page.0, page.1
    );
    let _ = writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    svg.push_str("<g fill=\"none\" stroke-width=\"2\" stroke-linecap=\"round\">\n");
    svg.push_str(&lines);
    svg.push_str("</g>\n");
    svg.push_str(&shapes);
    svg.push_str("</svg>\n");
    Drawing { svg, labels, boxes, page }
}

// ---- what stands in the boxes ------------------------------------------------------------------------------------------

/// A box with a head and rows.
struct Card {
    /// The place of the table it stands for; lines end here.
    of: Option<Destination>,
    kind: Kind,
    column: usize,
    head: String,
    rows: Vec<Row>,
    width: f32,
    /// Opens a group in its column, under this title.
    group: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Menu,
    Center,
    Notice,
    Note,
}

/// A line of a box.
struct Row {
    keys: String,
    words: String,
    /// A line leads there, from the right edge.
    go: Option<Destination>,
    /// Said in a mark at the right edge instead of a line.
    mark: Option<String>,
}

impl Row {
    fn plain(words: impl Into<String>) -> Self {
        Self { keys: String::new(), words: words.into(), go: None, mark: None }
    }
}

impl Card {
    fn height(&self) -> f32 {
        let rows = self.rows.len() as f32 * ROW;
        if self.rows.is_empty() { HEAD } else { HEAD + rows + PADDING * 0.6 }
    }
}

const LEFT_WIDTH: f32 = 330.0;

fn cards(plan: &Plan, model: &Model, text: &dyn Fn(&str) -> Option<String>) -> Vec<Card> {
    let mut cards = Vec::new();
    for number in &model.numbers {
        let mut rows = Vec::new();
        for (condition, go) in &number.when {
            let lines =
                wrap(condition, TEXT, LEFT_WIDTH - 3.0 * PADDING - mark_width(&format!("안내 {}", name(plan, *go))));
            for (at, line) in lines.iter().enumerate() {
                let first = at == 0;
                rows.push(Row {
                    keys: String::new(),
                    words: line.clone(),
                    go: first.then_some(*go).filter(|go| {
                        matches!(go, Destination::Menu(_) | Destination::Input(_) | Destination::Center(_))
                    }),
                    mark: first.then(|| mark(plan, *go)).flatten(),
                });
            }
        }
        let words = if number.when.is_empty() { "전화를 받으면" } else { "그 밖에는" };
        rows.push(Row {
            keys: String::new(),
            words: words.to_owned(),
            go: Some(number.go),
            mark: mark(plan, number.go),
        });
        if number.recorded {
            rows.push(Row::plain("인사말 뒤부터 통화를 녹음합니다"));
        }
        let head = number.dialled.join(" · ");
        cards.push(Card { of: None, kind: Kind::Number, column: 0, head, rows, width: LEFT_WIDTH, group: None });
    }
    let notices: Vec<NoticeId> = notices(plan, model);
    for id in notices {
        cards.push(notice(plan, id, text));
    }
    cards.extend(everywhere(plan, model));
    cards.extend(ladder(plan, model));
    for (depth, column) in model.columns.iter().enumerate() {
        let widest = column.iter().map(|menu| menu_width(plan, model, menu)).fold(200.0, f32::max);
        for menu in column {
            let rows = menu.choices.iter().map(|choice| choice_row(plan, model, (menu.of, depth), choice)).collect();
            cards.push(Card {
                of: Some(menu.of),
                kind: Kind::Menu,
                column: 1 + depth,
                head: menu.head(),
                rows,
                width: widest,
                group: None,
            });
        }
    }
    let last = 1 + model.columns.len();
    let widest = plan.centers.iter().map(|center| width(&center.name, TEXT) + 2.0 * PADDING).fold(220.0, f32::max);
    for group in &model.groups {
        for (at, &center) in group.centers.iter().enumerate() {
            let title = group.ministry.clone().unwrap_or_else(|| "1357 상담원과 소관 기관".to_owned());
            cards.push(Card {
                of: Some(Destination::Center(center)),
                kind: Kind::Center,
                column: last,
                head: plan.center(center).name.clone(),
                rows: center_rows(plan, center),
                width: widest,
                group: (at == 0).then_some(title),
            });
        }
    }
    cards
}

/// The announcements that conditions and the ladder lead to, each once.
fn notices(plan: &Plan, model: &Model) -> Vec<NoticeId> {
    let conditions = model.numbers.iter().flat_map(|number| number.when.iter().map(|(_, go)| *go).chain([number.go]));
    let keys = model.columns.iter().flatten().flat_map(|menu| menu.choices.iter().map(|choice| choice.go));
    let of_centers = plan.centers.iter().filter_map(|center| center.closed);
    let doors = plan.notices.iter().filter_map(|notice| notice.doors).map(|doors| doors.closed);
    let closed = of_centers.chain(doors);
    let rungs = model.ladder.iter().filter_map(|rung| match rung {
        Rung::Notice(id) => Some(*id),
        _ => None,
    });
    let places = conditions.chain(keys).chain(closed).filter_map(|go| match go {
        Destination::Notice(id) => Some(id),
        _ => None,
    });
    let mut all: Vec<NoticeId> = Vec::new();
    for id in places.chain(rungs).chain(model.give_up.map(|(_, id)| id)) {
        if !all.contains(&id) {
            all.push(id);
        }
    }
    all
}

fn notice(plan: &Plan, id: NoticeId, text: &dyn Fn(&str) -> Option<String>) -> Card {
    let row = plan.notice(id);
    let words: Vec<String> = row.speech.iter().filter_map(|prompt| text(prompt)).collect();
    let mut rows: Vec<Row> =
        wrap(&words.join(" "), TEXT, LEFT_WIDTH - 2.5 * PADDING).into_iter().map(Row::plain).collect();
    let then = match row.then {
        Destination::End => "말한 뒤 통화를 마칩니다".to_owned(),
        Destination::Menu(_) | Destination::Input(_) => format!("말한 뒤 '{}'(으)로", title(plan, row.then)),
        go => format!("말한 뒤 {} 연결", name(plan, go)),
    };
    rows.push(Row { keys: "→".to_owned(), words: then, go: None, mark: None });
    if let Some(doors) = row.doors {
        rows.push(Row::plain(format!("운영 시간 밖에는 {}", name(plan, doors.closed))));
    }
    let head = format!("안내 · {}", name(plan, Destination::Notice(id)));
    Card {
        of: Some(Destination::Notice(id)),
        kind: Kind::Notice,
        column: 0,
        head,
        rows,
        width: LEFT_WIDTH,
        group: None,
    }
}

fn title(plan: &Plan, of: Destination) -> String {
    let model = Model::of(plan);
    let found = model.columns.iter().flatten().find(|other| other.of == of).map(|menu| menu.title.clone());
    found.unwrap_or_else(|| name(plan, of))
}

/// What holds in every menu.
fn everywhere(plan: &Plan, model: &Model) -> Option<Card> {
    let mut rows: Vec<Row> = Vec::new();
    for Choice { keys, words, go } in &model.common {
        let words = match go {
            Destination::Center(center) => format!("{words} ({})", plan.center(*center).name),
            _ => words.clone(),
        };
        rows.push(Row { keys: keys.as_str().to_owned(), words, go: None, mark: None });
    }
    if let Some(go) = model.unanswered {
        rows.push(Row::plain("누르지 않거나 거듭 잘못 누르면"));
        rows.push(Row { keys: "→".to_owned(), words: name(plan, go), go: None, mark: None });
    }
    (!rows.is_empty()).then(|| Card {
        of: None,
        kind: Kind::Note,
        column: 0,
        head: "어느 메뉴에서나".to_owned(),
        rows,
        width: LEFT_WIDTH,
        group: None,
    })
}

/// What happens when a centre is not reached.
fn ladder(plan: &Plan, model: &Model) -> Option<Card> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, rung) in model.ladder.iter().enumerate() {
        let words = match rung {
            Rung::Refer => "기관의 첫 주소".to_owned(),
            Rung::NextTarget => "그 기관의 다음 주소".to_owned(),
            Rung::Bridge => "직접 걸어 이어 줌".to_owned(),
            Rung::Center(center) => plan.center(*center).name.clone(),
            Rung::Notice(notice) => format!("안내 · {}", name(plan, Destination::Notice(*notice))),
        };
        rows.push(Row { keys: (at + 1).to_string(), words, go: None, mark: None });
    }
    if let Some((rounds, notice)) = model.give_up {
        rows.push(Row::plain(format!("이렇게 {rounds}번 되지 않으면")));
        let words = format!("안내 · {}", name(plan, Destination::Notice(notice)));
        rows.push(Row { keys: "→".to_owned(), words, go: None, mark: None });
    }
    (!rows.is_empty()).then(|| Card {
        of: None,
        kind: Kind::Note,
        column: 0,
        head: "연결이 되지 않으면 차례로".to_owned(),
        rows,
        width: LEFT_WIDTH,
        group: None,
    })
}

/// A key of the menu at this depth: with a line to what lies deeper, and back to the menu itself.
fn choice_row(plan: &Plan, model: &Model, (from, depth): (Destination, usize), choice: &Choice) -> Row {
    let Choice { keys, words, go } = choice;
    let deeper = |to: Destination| {
        let place = model.columns.iter().position(|column| column.iter().any(|other: &MenuBox| other.of == to));
        place.is_some_and(|place| place > depth)
    };
    let line = match go {
        Destination::Menu(_) | Destination::Input(_) => *go == from || deeper(*go),
        Destination::Center(_) => !model.is_everywhere(*go),
        _ => false,
    };
    let mark = if line || stays(*go) { None } else { mark(plan, *go).or_else(|| Some(name(plan, *go))) };
    Row { keys: keys.as_str().to_owned(), words: words.clone(), go: line.then_some(*go), mark }
}

/// The mark of a place that no line leads to.
fn mark(plan: &Plan, go: Destination) -> Option<String> {
    match go {
        Destination::Notice(_) => Some(format!("안내 {}", name(plan, go))),
        _ => None,
    }
}

fn mark_width(words: &str) -> f32 {
    width(words, SMALL) + 16.0
}

fn menu_width(plan: &Plan, model: &Model, menu: &MenuBox) -> f32 {
    let rows = menu.choices.iter().map(|choice| {
        let row = choice_row(plan, model, (menu.of, usize::MAX), choice);
        let mark = row.mark.as_deref().map_or(0.0, |words| mark_width(words) + 10.0);
        PADDING * 2.0 + 34.0 + width(&row.words, TEXT) + mark
    });
    rows.chain([width(&menu.head(), TEXT + 1.0) + PADDING * 2.0]).fold(0.0, f32::max)
}

fn center_rows(plan: &Plan, center: CenterId) -> Vec<Row> {
    let row = plan.center(center);
    let mut rows = Vec::new();
    if let Some(hours) = row.hours.and_then(|hours| plan.hours.get(hours.0)) {
        rows.extend(hours.spans.iter().map(|span| Row::plain(super::model::span(span))));
    }
    if let Some(closed) = row.closed {
        let words = match closed {
            Destination::Notice(_) => format!("닫히면 안내 · {}", name(plan, closed)),
            _ => format!("닫히면 {}", name(plan, closed)),
        };
        rows.push(Row::plain(words));
    }
    rows
}

// ---- where the boxes stand ---------------------------------------------------------------------------------------------

/// Where a box stands.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Place {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// Space above a group for its title.
const GROUP_HEAD: f32 = 26.0;

/// The space between columns that makes the chart this wide; never less than [`COLUMN_GAP`].
fn gap_for(cards: &[Card], wide: f32) -> f32 {
    let columns = cards.iter().map(|card| card.column).max().map_or(0, |last| last + 1);
    let widest = |column| cards.iter().filter(|card| card.column == column).map(|card| card.width).fold(0.0, f32::max);
    let filled: f32 = (0..columns).map(widest).sum();
    let gaps = columns.saturating_sub(1).max(1) as f32;
    ((wide - 2.0 * MARGIN - filled) / gaps).max(COLUMN_GAP)
}

/// Lays the cards out: a row of columns, each a column of cards in the order given.
fn arrange(cards: &[Card], gap: f32) -> Vec<Place> {
    let mut tree: TaffyTree<()> = TaffyTree::new();
    let laid_out = "a tree of fixed boxes can be laid out";
    let columns = cards.iter().map(|card| card.column).max().map_or(0, |last| last + 1);
    let mut leaves = vec![None; cards.len()];
    let mut column_nodes = Vec::new();
    for column in 0..columns {
        let mut nodes = Vec::new();
        for (at, card) in cards.iter().enumerate().filter(|(_, card)| card.column == column) {
            let top = if card.group.is_some() { GROUP_HEAD } else { 0.0 };
            let style = Style {
                size: Size { width: length(card.width), height: length(card.height()) },
                margin: Rect { top: length(top), left: zero(), right: zero(), bottom: zero() },
                flex_shrink: 0.0,
                ..Style::default()
            };
            let node = tree.new_leaf(style).expect(laid_out);
            leaves[at] = Some(node);
            nodes.push(node);
        }
        let style = Style {
            flex_direction: FlexDirection::Column,
            justify_content: if column == 0 { JustifyContent::FLEX_START } else { JustifyContent::CENTER },
            gap: Size { width: zero(), height: length(if column == columns - 1 { 9.0 } else { 18.0 }) },
            flex_shrink: 0.0,
            ..Style::default()
        };
        column_nodes.push(tree.new_with_children(style, &nodes).expect(laid_out));
    }
    let style = Style {
        display: Display::Flex,
        align_items: AlignItems::STRETCH,
        gap: Size { width: length(gap), height: zero() },
        padding: Rect { left: length(MARGIN), top: length(MARGIN + TITLE_SPACE), right: zero(), bottom: zero() },
        ..Style::default()
    };
    let root = tree.new_with_children(style, &column_nodes).expect(laid_out);
    tree.compute_layout(root, Size::MAX_CONTENT).expect(laid_out);
    let absolute = |column: NodeId, leaf: NodeId| {
        let (outer, inner) = (tree.layout(column).expect(laid_out), tree.layout(leaf).expect(laid_out));
        Place {
            x: outer.location.x + inner.location.x,
            y: outer.location.y + inner.location.y,
            width: inner.size.width,
            height: inner.size.height,
        }
    };
    let places = cards.iter().zip(&leaves);
    places
        .map(|(card, leaf)| absolute(column_nodes[card.column], leaf.expect("every card stands in a column")))
        .collect()
}

// ---- the drawing -------------------------------------------------------------------------------------------------------

struct Pen<'p> {
    model: &'p Model,
    lines: String,
    shapes: String,
    labels: Vec<Label>,
    boxes: Vec<[f32; 4]>,
}

impl Pen<'_> {
    fn title(&mut self, plan: &Plan) {
        let numbers: Vec<String> =
            self.model.numbers.iter().flat_map(|number| number.dialled.clone()).take(3).collect();
        let title = format!("{} 연계흐름도", numbers.join(" · "));
        self.text(&title, MARGIN, MARGIN + 28.0, 32.0, "700", INK);
        let (menus, centers) = (plan.menus.len() - plan.messages.len(), plan.centers.len());
        let below = format!("메뉴 {menus} · 기관 {centers}");
        self.text(&below, MARGIN, MARGIN + 54.0, 14.0, "400", QUIET);
    }

    fn card(&mut self, card: &Card, place: &Place, found: &BTreeMap<Destination, Place>) {
        let Place { x, y, width: wide, height } = *place;
        self.boxes.push([x, y, wide, height]);
        if let Some(title) = &card.group {
            self.text(title, x + 2.0, y - 9.0, 13.0, "700", QUIET);
        }
        let (fill, head, line) = match card.kind {
            Kind::Number => ("#ffffff", "#16324f", "#16324f"),
            Kind::Menu => ("#ffffff", "#e7eef6", "#9db4cb"),
            Kind::Center => ("#f4faf5", "#f4faf5", "#8fb79a"),
            Kind::Notice => ("#fffaf0", "#fbeed3", "#d9bd84"),
            Kind::Note => ("#ffffff", "#eef0f2", "#b9c1c9"),
        };
        let _ = writeln!(
            self.shapes,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{height:.1}\" rx=\"8\" fill=\"{fill}\" stroke=\"{line}\" stroke-width=\"1.5\"/>"
        );
        if !card.rows.is_empty() && head != fill {
            let (right, foot) = (x + wide, y + HEAD);
            let _ = writeln!(
                self.shapes,
                "<path d=\"M{x:.1} {foot:.1} V{:.1} q0 -8 8 -8 H{:.1} q8 0 8 8 V{foot:.1} Z\" fill=\"{head}\"/>",
                y + 8.0,
                right - 8.0
            );
        }
        let ink = if card.kind == Kind::Number { "#ffffff" } else { INK };
        let weight = if card.kind == Kind::Center { "500" } else { "700" };
        let size = if card.kind == Kind::Number { 19.0 } else { TEXT };
        self.text(&card.head, x + PADDING, y + HEAD / 2.0 + size * 0.36, size, weight, ink);
        for (at, row) in card.rows.iter().enumerate() {
            self.row(card, row, *place, at, found);
        }
    }

    fn row(&mut self, card: &Card, row: &Row, place: Place, at: usize, found: &BTreeMap<Destination, Place>) {
        let middle = place.y + HEAD + PADDING * 0.3 + ROW * (at as f32 + 0.5);
        let mut left = place.x + PADDING;
        let small = card.kind == Kind::Center;
        if !row.keys.is_empty() {
            let wide = (width(&row.keys, TEXT) + 10.0).max(22.0);
            let _ = writeln!(
                self.shapes,
                "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"20\" rx=\"5\" fill=\"#ffffff\" stroke=\"#9aa6b2\"/>",
                middle - 10.0
            );
            let start = left + (wide - width(&row.keys, TEXT)) / 2.0;
            self.text(&row.keys, start, middle + TEXT * 0.36, TEXT, "700", INK);
            left += wide + 10.0;
        }
        let (size, ink) = if small { (SMALL, QUIET) } else { (TEXT, INK) };
        self.text(&row.words, left, middle + size * 0.36, size, "400", ink);
        let right = place.x + place.width;
        if let Some(words) = &row.mark {
            let wide = mark_width(words);
            let (x, fill) =
                (right - PADDING * 0.7 - wide, if words.starts_with("안내") { "#fbeed3" } else { "#dff0e3" });
            let _ = writeln!(
                self.shapes,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"20\" rx=\"10\" fill=\"{fill}\"/>",
                middle - 10.0
            );
            self.text(words, x + 8.0, middle + SMALL * 0.36, SMALL, "500", INK);
        }
        let target = row.go.and_then(|go| found.get(&go).map(|to| (go, to)));
        if let Some((go, to)) = target {
            self.line(card, right, middle, go, to);
        }
    }

    /// A line from a key to whom it leads to, with a dot where it begins.
    fn line(&mut self, card: &Card, x: f32, y: f32, go: Destination, to: &Place) {
        let colour = match (card.of, go) {
            // A menu's lines have one colour; those to menus have the colour of the menu they lead to.
            (_, Destination::Menu(menu)) if card.kind == Kind::Menu => LINES[menu.0 % LINES.len()],
            (Some(Destination::Menu(menu)), _) => LINES[menu.0 % LINES.len()],
            _ => INK,
        };
        let end = to.y + (HEAD / 2.0).min(to.height / 2.0);
        let bend = ((to.x - x) * 0.5).max(40.0);
        // From the left, or back to the right edge that it came from.
        let (tip, before) = if card.of == Some(go) { (x, 1.0) } else { (to.x, -1.0) };
        let _ = writeln!(
            self.lines,
            "<path d=\"M{x:.1} {y:.1} C{:.1} {y:.1} {:.1} {end:.1} {:.1} {end:.1}\" stroke=\"{colour}\"/>",
            x + bend,
            tip + before * bend,
            tip + before * 7.0
        );
        let wing = tip + before * 9.0;
        let _ = writeln!(
            self.shapes,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/><path d=\"M{wing:.1} {:.1} L{tip:.1} {end:.1} L{wing:.1} {:.1} Z\" fill=\"{colour}\"/>",
            end - 4.5,
            end + 4.5
        );
    }

    fn text(&mut self, words: &str, x: f32, y: f32, size: f32, weight: &str, ink: &str) {
        if words.is_empty() {
            return;
        }
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            self.shapes,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{ink}\">{escaped}</text>"
        );
        let label =
            Label { text: words.to_owned(), x, y: y - size * 0.85, width: width(words, size), height: size * 1.05 };
        self.labels.push(label);
    }
}
