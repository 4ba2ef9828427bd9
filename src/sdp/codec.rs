//! The codecs we speak, by the names and numbers of descriptions (RFC 3551, RFC 7587).

/// A codec we speak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Codec {
    /// G.711 A-law, payload type 8: the national preference.
    Pcma,
    /// G.711 µ-law, payload type 0.
    Pcmu,
    /// G.722, payload type 9: sound of 16 kHz under a clock of 8 kHz, by an error of RFC 1890 that RFC 3551 §4.5.2 keeps.
    G722,
    /// Opus, under a clock of 48 kHz whatever its sound has (RFC 7587 §4.1). Agreed on by programs that were built with it alone.
    Opus,
}

impl Codec {
    /// Every codec that this program was built to speak.
    #[cfg(feature = "opus")]
    pub const ALL: [Self; 4] = [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus];
    /// Every codec that this program was built to speak.
    #[cfg(not(feature = "opus"))]
    pub const ALL: [Self; 3] = [Self::Pcma, Self::Pcmu, Self::G722];

    /// Ticks of its RTP timestamp in a second.
    pub const fn clock(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 => 8000,
            Self::Opus => 48_000,
        }
    }

    /// Its name in settings and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }

    /// What `rtpmap` says of it.
    pub const fn rtpmap(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA/8000",
            Self::Pcmu => "PCMU/8000",
            Self::G722 => "G722/8000",
            // RFC 7587 §7: two channels, also where there is one.
            Self::Opus => "opus/48000/2",
        }
    }

    /// Its number without an `rtpmap` (RFC 3551 §6); of Opus, which has none, the one that browsers gave it.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
            Self::G722 => 9,
            Self::Opus => 111,
        }
    }
}

/// The codecs that a call may agree on, in our order of preference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Codecs([Option<Codec>; 4]);

impl Codecs {
    /// A-law before µ-law, whatever the peer lists first: the national preference.
    pub const USUAL: Self = Self([Some(Codec::Pcma), Some(Codec::Pcmu), None, None]);

    /// In this order; one named again counts where it was named first.
    pub fn new(order: impl IntoIterator<Item = Codec>) -> Self {
        let mut codecs = [None; 4];
        for codec in order {
            if !codecs.contains(&Some(codec))
                && let Some(free) = codecs.iter_mut().find(|place| place.is_none())
            {
                *free = Some(codec);
            }
        }
        Self(codecs)
    }

    /// The first is what we like best.
    pub fn iter(self) -> impl Iterator<Item = Codec> {
        self.0.into_iter().flatten()
    }

    /// Whether it is one of them.
    pub fn has(self, codec: Codec) -> bool {
        self.0.contains(&Some(codec))
    }

    /// Whether one of them has more than a telephone's band.
    pub fn is_wide(self) -> bool {
        self.has(Codec::G722) || self.has(Codec::Opus)
    }
}

impl Default for Codecs {
    fn default() -> Self {
        Self::USUAL
    }
}
