//! What a stream plays, and how far it is.

use crate::media::PlayKey;
use crate::media::clip::{Clip, Piece};
use crate::media::codec::{Form, silence};
use crate::sdp::Codec;
use std::sync::Arc;

/// The clips and the place in them, in eighths of a millisecond: the same in every codec, so that a new one goes on from there.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) play: PlayKey,
    /// None of them empty.
    clips: Vec<Arc<Clip>>,
    pub(super) repeat: bool,
    /// What is heard of another stream goes before it.
    pub(super) gives_way: bool,
    clip: usize,
    offset: usize,
}

impl Playing {
    pub(super) fn new(play: PlayKey, clips: Vec<Arc<Clip>>, repeat: bool) -> Self {
        Self { play, clips, repeat, gives_way: false, clip: 0, offset: 0 }
    }

    /// As [`super::Stream::touch`] wants it.
    pub(super) fn touch(&self) -> usize {
        self.offset ^ self.clips.get(self.clip).map_or(0, |clip| clip.eighths())
    }

    /// What it has still to play.
    pub(super) fn to_come(&self) -> &[Arc<Clip>] {
        let from = if self.repeat { 0 } else { self.clip };
        self.clips.get(from..).unwrap_or_default()
    }

    /// Copies what comes next, for so many eighths; how many bytes. There are fewer only at the very end, and where it is still being encoded.
    pub(super) fn fill(&mut self, form: Form, eighths: usize, payload: &mut [u8]) -> usize {
        let (mut filled, mut sounds) = (0, 0);
        while sounds < eighths {
            let Some(clip) = self.clips.get(self.clip) else {
                if !self.repeat {
                    break;
                }
                self.clip = 0;
                continue;
            };
            let left = clip.eighths().saturating_sub(self.offset);
            let room = payload.get_mut(filled..).unwrap_or_default();
            let lasts = match clip.at(form, self.offset, eighths - sounds) {
                // It goes on where it is.
                Piece::Later | Piece::Sound(_, 0) => break,
                Piece::Sound(sound, lasts) => {
                    room.iter_mut().zip(sound).for_each(|(place, byte)| *place = *byte);
                    filled += sound.len();
                    // A packet of Opus has one frame.
                    sounds += if form.codec == Codec::Opus { eighths } else { lasts };
                    lasts
                }
                // The call goes on in silence.
                Piece::Never => {
                    let lasts = left.min(eighths - sounds);
                    if form.codec != Codec::Opus {
                        room.iter_mut().take(lasts).for_each(|place| *place = silence(form.codec));
                        filled += lasts;
                    }
                    sounds += lasts;
                    lasts
                }
            };
            self.offset += lasts;
            if lasts >= left {
                self.clip += 1;
                self.offset = 0;
            }
        }
        filled
    }

    pub(super) fn is_over(&self) -> bool {
        !self.repeat && self.clip >= self.clips.len()
    }
}
