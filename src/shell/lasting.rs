//! What has lasted: the least of the last looks at something that grows with overload.

use crate::limits::LOOKS_BACK;
use crate::time::Duration;

/// A processor that was away for a moment, for its neighbours or for the whole machine's pause, makes everything late that comes behind that
/// moment, and nothing later. One look is full of it; overload fills every look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lasting {
    before: [Duration; LOOKS_BACK - 1],
}

impl Lasting {
    /// Another look showed this; what has lasted until now.
    pub fn look(&mut self, shown: Duration) -> Duration {
        let least = self.before.iter().fold(shown, |least, before| least.min(*before));
        self.before.rotate_right(1);
        self.before[0] = shown;
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_look_says_nothing_and_one_good_one_is_enough() {
        let mut lasting = Lasting::default();
        let shown = [0, 900, 0, 80, 70, 90, 60, 75, 3, 90, 90];
        let told = shown.map(|millis| lasting.look(Duration::from_millis(millis)).as_millis());
        assert_eq!(told, [0, 0, 0, 0, 0, 70, 60, 60, 3, 3, 3]);
    }
}
