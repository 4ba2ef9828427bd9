//! A judgement as a picture: the wave, the prompts that were found, and in red what is missing.

use super::{CLIPPED_MS, Judgement, MS};
use std::fmt::Write as _;

/// Seconds in a row.
const ROW_SECONDS: usize = 20;
const ROW: usize = ROW_SECONDS * 8000;
const WIDTH: f64 = 1400.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 40.0;
/// From row to row: the wave, and names in two lines below it.
const ROW_HEIGHT: f64 = 130.0;
const WAVE: f64 = 34.0;
/// Rows of the longest picture; what follows is left out.
const ROWS_MAX: usize = 90;
const FONT: &str = "'Noto Sans KR','Noto Sans CJK KR','NanumGothic','Malgun Gothic','Apple SD Gothic Neo',sans-serif";
/// Neighbours differ.
const COLOURS: [&str; 4] = ["#1f6fb2", "#2f7d4f", "#8a4f9e", "#b08900"];
const RED: &str = "#d11a2a";

/// The SVG.
pub fn draw(judgement: &Judgement, korean: bool) -> String {
    let samples = &judgement.sound.samples;
    let rows = samples.len().div_ceil(ROW).clamp(1, ROWS_MAX);
    let height = TOP + rows as f64 * ROW_HEIGHT + 10.0;
    let page = LEFT + WIDTH + 20.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{page}\" height=\"{height}\" viewBox=\"0 0 {page} {height}\" font-family=\"{FONT}\" font-size=\"13\">\n\
         <rect width=\"{page}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let mut title = match (judgement.unknown_ms.is_some(), judgement.is_well(), korean) {
        (false, _, true) => "들린 소리".to_owned(),
        (false, _, false) => "what was heard".to_owned(),
        (true, true, true) => "판정 좋음".to_owned(),
        (true, true, false) => "verdict: good".to_owned(),
        (true, false, true) => "판정 나쁨".to_owned(),
        (true, false, false) => "verdict: bad".to_owned(),
    };
    if !judgement.missing.is_empty() {
        let words = if korean { "들리지 않음" } else { "not heard" };
        let _ = write!(title, " – {words}: {}", judgement.missing.join(", "));
    }
    text(&mut out, LEFT, 24.0, "#1c2733", &title);
    for row in 0..rows {
        wave(&mut out, row, samples);
    }
    for hole in &judgement.sound.holes {
        bar(&mut out, rows, hole.start, hole.end, |x, y, width| {
            format!(
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{RED}\" fill-opacity=\"0.15\"/>\n",
                y - WAVE,
                2.0 * WAVE
            )
        });
    }
    for (n, found) in judgement.found.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        // Names of neighbours stand in two lines, so that short prompts do not write over each other.
        let line = 14.0 * (n % 2) as f64;
        let mut named = false;
        bar(&mut out, rows, found.start, found.end, |x, y, width| {
            let top = y - WAVE - 4.0;
            let mut marks = format!(
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\" fill-opacity=\"0.14\" stroke=\"{colour}\"/>\n",
                2.0 * WAVE + 8.0
            );
            if !std::mem::replace(&mut named, true) {
                text(&mut marks, x + 2.0, y + WAVE + 18.0 + line, colour, &found.name);
            }
            marks
        });
        let red = |x: f64, y: f64, width: f64| {
            let (top, width) = (y - WAVE - 4.0, width.max(2.0));
            format!(
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{RED}\" fill-opacity=\"0.75\"/>\n",
                2.0 * WAVE + 8.0
            )
        };
        if found.clipped_ms >= CLIPPED_MS {
            bar(&mut out, rows, found.start.saturating_sub(found.clipped_ms * MS), found.start, red);
        }
        for gap in &found.gaps {
            bar(&mut out, rows, gap.at, gap.at + gap.ms * MS, red);
        }
    }
    for key in &judgement.sound.keys {
        let Ok(at) = usize::try_from(key.at) else { continue };
        bar(&mut out, rows, at, at + 1, |x, y, _| {
            let mut mark = format!(
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#1c2733\" stroke-dasharray=\"3 2\"/>\n",
                y - WAVE - 12.0,
                y + WAVE
            );
            text(&mut mark, x + 3.0, y - WAVE - 6.0, "#1c2733", &format!("[{}]", key.key.as_char()));
            mark
        });
    }
    out.push_str("</svg>\n");
    out
}

fn middle(row: usize) -> f64 {
    TOP + row as f64 * ROW_HEIGHT + WAVE + 14.0
}

fn wave(out: &mut String, row: usize, samples: &[i16]) {
    let y = middle(row);
    let samples = samples.get(row * ROW..((row + 1) * ROW).min(samples.len())).unwrap_or_default();
    let length = samples.len() as f64 / ROW as f64 * WIDTH;
    let _ = writeln!(out, "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#c3cad3\"/>", LEFT + length);
    text(out, 6.0, y + 4.0, "#5b6573", &format!("{}", row * ROW_SECONDS));
    out.push_str("<path stroke=\"#5b6573\" stroke-width=\"1\" fill=\"none\" d=\"");
    let column = (ROW as f64 / WIDTH) as usize;
    for (at, samples) in samples.chunks(column).enumerate() {
        let low = samples.iter().copied().min().unwrap_or(0);
        let high = samples.iter().copied().max().unwrap_or(0);
        let scaled = |sample: i16| y - f64::from(sample) / 32_768.0 * WAVE;
        let x = LEFT + (at * column) as f64 / ROW as f64 * WIDTH;
        if high > low {
            let _ = write!(out, "M{x:.1} {:.1}V{:.1}", scaled(high), scaled(low));
        }
    }
    out.push_str("\"/>\n");
}

/// A range of samples, drawn in each row that it crosses.
fn bar(out: &mut String, rows: usize, start: usize, end: usize, mut mark: impl FnMut(f64, f64, f64) -> String) {
    for row in start / ROW..=end.saturating_sub(1).max(start) / ROW {
        if row >= rows {
            return;
        }
        let place = |at: usize| LEFT + at.saturating_sub(row * ROW).min(ROW) as f64 / ROW as f64 * WIDTH;
        out.push_str(&mark(place(start), middle(row), place(end) - place(start)));
    }
}

fn text(out: &mut String, x: f64, y: f64, colour: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{words}</text>");
}
