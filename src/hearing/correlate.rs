//! Where a sound may stand within a longer one: cross-correlation by FFT (`realfft`), in pieces, so that memory does not grow with the longer one.

use realfft::RealFftPlanner;

/// Less than this is likeness by chance.
pub const LEAST_ALIKE: f32 = 0.05;
/// Faint noise is not blown up: at the least it counts as so much of the short one's power.
const FAINT: f64 = 1e-3;

/// How alike the short one is at each place of the long one, from −1 to 1, or 0 where that is less than [`LEAST_ALIKE`] for sure; places begin `short.len()` before the long one, where only the end of the
/// short one overlaps it.
pub fn likeness(long: &[f32], short: &[f32]) -> Vec<f32> {
    let lead = short.len();
    let energy: f64 = short.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    if lead == 0 || energy <= 0.0 {
        return Vec::new();
    }
    let size = (lead * 4).max(1 << 15).min(long.len() + 2 * lead).next_power_of_two();
    let step = size - lead;
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, backward) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let mut buffer = vec![0.0; size];
    let mut pattern = forward.make_output_vec();
    buffer.iter_mut().zip(short).for_each(|(place, &sample)| *place = sample);
    // Lengths are the planner's own, so no transform can fail; if one did, nothing would be found.
    if forward.process(&mut buffer, &mut pattern).is_err() {
        return Vec::new();
    }
    let mut spectrum = forward.make_output_vec();
    let places = long.len() + lead;
    let mut out = Vec::with_capacity(places + step);
    // The long one, with the lead of silence.
    let sample = |at: usize| at.checked_sub(lead).and_then(|at| long.get(at)).copied().unwrap_or(0.0);
    let mut begin = 0;
    while begin < places {
        buffer.iter_mut().enumerate().for_each(|(at, place)| *place = sample(begin + at));
        // By Cauchy and Schwarz no place of so faint a block can reach the least: whoever listens is silent, and a search for all prompts has little to do.
        let power: f64 = buffer.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        if power < energy * FAINT * f64::from(LEAST_ALIKE).powi(2) {
            out.resize(out.len() + step, 0.0);
            begin += step;
            continue;
        }
        if forward.process(&mut buffer, &mut spectrum).is_err() {
            return Vec::new();
        }
        spectrum.iter_mut().zip(&pattern).for_each(|(value, pattern)| *value *= pattern.conj());
        // What a real signal's spectrum has at its ends is real.
        if let Some(value) = spectrum.first_mut() {
            value.im = 0.0;
        }
        if let Some(value) = spectrum.last_mut() {
            value.im = 0.0;
        }
        if backward.process(&mut spectrum, &mut buffer).is_err() {
            return Vec::new();
        }
        out.extend(buffer.iter().take(step).map(|value| value / size as f32));
        begin += step;
    }
    out.truncate(places);
    // Each by the energy of both.
    let floor = energy * FAINT;
    let mut window = 0.0_f64;
    for (at, value) in out.iter_mut().enumerate() {
        let entering = f64::from(sample(at + lead - 1));
        window += entering * entering;
        *value = (f64::from(*value) / (energy * window.max(floor)).sqrt()) as f32;
        let leaving = f64::from(sample(at));
        window -= leaving * leaving;
    }
    out
}

/// How alike two sounds are, from −1 to 1; 0 where one is silent.
pub fn alike(a: &[f32], b: &[f32]) -> f64 {
    let sums = a.iter().zip(b).fold([0.0_f64; 3], |[both, first, second], (&a, &b)| {
        let (a, b) = (f64::from(a), f64::from(b));
        [both + a * b, first + a * a, second + b * b]
    });
    let [both, first, second] = sums;
    if first <= 0.0 || second <= 0.0 { 0.0 } else { both / (first * second).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_found_where_it_stands_also_when_only_its_end_is_there() {
        let mut chance = crate::random::Random::from_number(1);
        let mut noise =
            |length: usize| -> Vec<f32> { (0..length).map(|_| (chance.u32() >> 16) as f32 - 32_768.0).collect() };
        let short = noise(3000);
        for begin in [-1000_i64, 0, 17, 60_000, 97_000] {
            let mut long: Vec<f32> = noise(100_000).iter().map(|sample| sample * 0.3).collect();
            for (at, &sample) in (begin..).zip(&short) {
                if let Some(place) = usize::try_from(at).ok().and_then(|at| long.get_mut(at)) {
                    *place = sample;
                }
            }
            let likeness = likeness(&long, &short);
            assert_eq!(likeness.len(), 103_000);
            let best = (0..likeness.len()).max_by(|&a, &b| likeness[a].total_cmp(&likeness[b])).expect("places");
            assert_eq!(best as i64 - 3000, begin);
            assert!(likeness.iter().all(|value| value.abs() < 1.01));
        }
        assert!(likeness(&[1.0; 100], &[]).is_empty());
        assert!(likeness(&[], &[1.0; 10]).iter().all(|&value| value == 0.0));
    }
}
