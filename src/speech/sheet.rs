//! A sheet of sounds: the outline of every prompt on one picture, to see cuts, clipping and uneven levels at a glance.

use crate::speech::wav::RATE;
use std::fmt::Write;

/// Pixels a second: a quarter of a second is visible, and fifteen minutes fit one sheet.
const PIXELS_PER_SECOND: usize = 25;
const SAMPLES_PER_PIXEL: usize = RATE as usize / PIXELS_PER_SECOND;
const WIDTH: usize = 1500;
/// Half a prompt's height: full scale.
const HALF: usize = 18;
/// A name above each.
const LABEL: usize = 11;
const ROW: usize = LABEL + 2 * HALF + 7;
const GAP: usize = 8;

/// The picture as SVG. Green lines are -3 dBFS, the loudest that a built prompt is; red is what reaches full scale.
pub fn draw<'s>(sounds: impl IntoIterator<Item = (&'s str, &'s [i16])>) -> String {
    let mut body = String::new();
    let (mut left, mut top) = (GAP, GAP);
    for (id, samples) in sounds {
        let pixels = samples.len().div_ceil(SAMPLES_PER_PIXEL);
        let width = pixels.max(id.chars().map(|c| if c.is_ascii() { 5 } else { 9 }).sum());
        if left + width > WIDTH && left > GAP {
            (left, top) = (GAP, top + ROW);
        }
        sound(&mut body, id, samples, left, top, pixels);
        left += width + GAP;
    }
    let height = top + ROW;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"9\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn sound(out: &mut String, id: &str, samples: &[i16], left: usize, top: usize, pixels: usize) {
    let middle = top + LABEL + HALF;
    let scaled = |sample: i16| (i32::from(sample) * HALF as i32 + 16_384).div_euclid(32_768);
    // -3 dBFS is 0.71 of full scale.
    let (above, below) = (middle - HALF * 71 / 100, middle + HALF * 71 / 100);
    let name = id.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(out, "<text x=\"{left}\" y=\"{}\">{name}</text>", top + LABEL - 2);
    let _ = writeln!(
        out,
        "<path d=\"M{left} {above}h{pixels}M{left} {below}h{pixels}\" stroke=\"#9c9\" stroke-width=\".4\"/>"
    );
    let (mut path, mut red) = (String::new(), String::new());
    for (at, chunk) in samples.chunks(SAMPLES_PER_PIXEL).enumerate() {
        let (low, high) = (chunk.iter().min().copied().unwrap_or(0), chunk.iter().max().copied().unwrap_or(0));
        let (up, down) = (scaled(high), scaled(low));
        let clipped = high == i16::MAX || low == i16::MIN;
        let stroke = if clipped { &mut red } else { &mut path };
        // Half a pixel into its column; silence is a dot.
        let _ = write!(stroke, "M{} {}v{}", left + at, middle as i32 - up, (up - down).max(1));
    }
    let _ = writeln!(out, "<path d=\"{path}\" stroke=\"#235\"/>");
    if !red.is_empty() {
        let _ = writeln!(out, "<path d=\"{red}\" stroke=\"#d00\"/>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sound_has_its_name_and_outline_and_full_scale_is_red() {
        let calm = [100i16; 8000];
        let loud = [i16::MAX; 800];
        let sheet = draw([("say/R&D", &calm[..]), ("loud", &loud[..])]);
        assert!(sheet.contains(">say/R&amp;D</text>") && sheet.contains(">loud</text>"));
        assert_eq!(sheet.matches("stroke=\"#235\"").count(), 2);
        assert_eq!(sheet.matches("stroke=\"#d00\"").count(), 1);
        // A column for each twenty-fifth of a second.
        assert_eq!(sheet.lines().find(|line| line.contains("#235")).unwrap().matches('M').count(), 25);
    }

    #[test]
    fn a_sheet_grows_downwards() {
        let long = vec![0i16; 8000 * 40];
        let sheet = draw([("a", &long[..]), ("b", &long[..]), ("c", &[][..])]);
        assert!(sheet.contains(&format!("0 0 {WIDTH} {}", GAP + 2 * ROW)), "{sheet}");
    }
}
