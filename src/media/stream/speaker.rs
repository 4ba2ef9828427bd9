//! Whose sound counts of the sources that one peer sends from (RFC 3550 §5.1).

/// The source that speaks, and the one before it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Speaker {
    present: Option<u32>,
    /// What still comes of it was under way when it was left.
    left: Option<u32>,
    /// What would be its next number.
    next: Option<u16>,
}

impl Speaker {
    /// Whether a packet of sound counts. Another source counts at once; one that was left, when two in a row say that it is back (RFC 3550 A.1).
    pub(super) fn counts(&mut self, ssrc: u32, sequence: u16) -> bool {
        if self.left == Some(ssrc) && self.next.replace(sequence.wrapping_add(1)) != Some(sequence) {
            return false;
        }
        if self.present != Some(ssrc) {
            self.left = self.present.replace(ssrc);
        }
        self.next = None;
        true
    }

    /// Whether it is another source than this one.
    pub(super) fn is_another(&self, ssrc: u32) -> bool {
        self.present.is_some_and(|present| present != ssrc)
    }
}
