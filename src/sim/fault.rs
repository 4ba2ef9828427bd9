//! What can go wrong in a run, each thing with its name. A seed switches every fault on or off by itself (swarm
//! testing), so that rare mixtures occur and a failing seed shows what it needs.

/// Names the faults once: variant, name on the command line, share of seeds that have it, what it is.
macro_rules! faults {
    ($($variant:ident $name:literal $share:literal $about:literal;)*) => {
        /// One thing that can go wrong.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Fault {
            $(#[doc = $about] $variant,)*
        }

        impl Fault {
            /// All of them, in the order of the list.
            pub const ALL: &[Fault] = &[$(Fault::$variant,)*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Fault::$variant => $name,)*
                }
            }

            /// What it is.
            pub fn about(self) -> &'static str {
                match self {
                    $(Fault::$variant => $about,)*
                }
            }

            /// In which share of seeds it is on.
            pub fn share(self) -> f64 {
                match self {
                    $(Fault::$variant => $share,)*
                }
            }
        }
    };
}

faults! {
    Loss "loss" 0.3 "datagrams never arrive";
    Duplication "duplication" 0.3 "datagrams arrive twice";
    Reorder "reorder" 0.3 "datagrams are overtaken";
    Jitter "jitter" 0.5 "the way takes longer now and then";
    SendFailure "send-failure" 0.2 "a datagram of ours cannot leave (ENETUNREACH, ENOBUFS), at any send";
    Tcp "tcp" 0.35 "callers come over TCP";
    Pieces "pieces" 0.5 "the bytes of a connection are cut and joined anywhere";
    Reset "reset" 0.4 "a connection is reset in the middle of a call, and opened again";
    Refused "refused" 0.3 "a connection we open to a caller is refused";
    Keepalive "keepalive" 0.3 "pings of RFC 5626 and empty datagrams between the messages";
    LateOffer "late-offer" 0.4 "INVITE without SDP";
    EarlyMedia "early-media" 0.3 "the greeting plays before the answer; keys, CANCEL and UPDATE come in it";
    Prack "prack" 0.4 "PRACK lost, late, twice or never";
    Merged "merged" 0.25 "the same INVITE on two ways: another branch";
    LateCopies "late-copies" 0.25 "requests that come again seconds later, also after their 487 or BYE";
    Cancel "cancel" 0.4 "CANCEL before, while or after the call is answered";
    LostAck "lost-ack" 0.4 "ACKs that never leave";
    WrongAck "wrong-ack" 0.25 "an ACK with another CSeq before the right one";
    Info "info-keys" 0.4 "keys by INFO";
    Events "odd-events" 0.4 "odd telephone events";
    Follow "odd-refer" 0.4 "odd ways to follow a REFER";
    Challenge "challenge" 0.2 "our REFER and BYE meet 401 or 407";
    Hold "hold" 0.4 "hold and resume in every form, also during a transfer";
    Offerless "offerless" 0.25 "re-INVITE without SDP, its ACK with or without the answer";
    Overlap "overlap" 0.25 "a second re-INVITE or UPDATE while the first is open";
    Update "update" 0.25 "UPDATE with and without an offer";
    SessionTimer "session-timer" 0.25 "session timers: a refresh lost, crossed, refused with 422, 481 or 405, or never sent";
    Replaces "replaces" 0.15 "another telephone takes a call over (RFC 3891)";
    Mischief "mischief" 0.25 "requests inside the call that are wrong or strange: old CSeq, unknown method, NOTIFY of nothing";
    HangUp "hang-up" 0.4 "hang-ups at any moment";
    ByeRaces "bye-races" 0.25 "BYE twice, or while a re-INVITE is open";
    Vanish "vanish" 0.4 "callers who are gone without a word";
    WrongNumber "wrong-number" 0.3 "numbers that are not ours";
    Centres "odd-centres" 0.4 "centres that are busy, dead, slow or refuse";
    Registrar "registrar" 0.3 "we register with a carrier whose registrar is stale, brief, slow, wrong, silent or dead";
    Dns "dns" 0.3 "names fail, are empty, take long or change";
    Caps "caps" 0.15 "more calls come than the settings allow";
    Malformed "malformed" 0.3 "broken messages on datagrams and connections: flipped bits, cuts, noise, two lengths";
    Oversized "oversized" 0.15 "messages beyond every bound";
    Strangers "strangers" 0.3 "sources that are nobody's trunk, also with the identifiers of a live call";
    SlowDisk "slow-disk" 0.2 "the start of a call takes the disk seconds";
    Recordings "odd-recordings" 0.3 "what callers say takes the disk seconds, or finds it full when its file is closed";
    NoPort "no-port" 0.1 "no RTP port is free";
    Crash "crash" 0.1 "kill -9, and a new process";
    Drain "drain" 0.1 "the first SIGTERM: nothing new, live calls go on";
    Stop "stop" 0.05 "the second: BYE to everybody";
    ClockStep "clock-step" 0.2 "wall time jumps by seconds, hours or a day";
    OtherHours "other-hours" 0.15 "another time of the week";
    Bridges "odd-bridges" 0.5 "centres that we call: early sound, hold, other codecs, answers that cross, REFER, silence; callers who hold meanwhile";
    Hosts "two-addresses" 0.3 "Contacts that are names with two addresses, of which one is silent, refuses, is slow or cannot be sent to";
    Publish "publish" 0.2 "other tables are published while calls live";
}

/// A set of faults.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Faults(u128);

impl Faults {
    /// None.
    pub const NONE: Self = Self(0);

    /// All that have a name.
    pub fn all() -> Self {
        Fault::ALL.iter().copied().collect()
    }

    /// Whether this one is on.
    pub fn has(self, fault: Fault) -> bool {
        self.0 & bit(fault) != 0
    }

    /// These and that one.
    pub fn with(self, fault: Fault) -> Self {
        Self(self.0 | bit(fault))
    }

    /// These without that one.
    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !bit(fault))
    }

    /// Those that are in both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.has(*fault))
    }

    /// From `loss,cancel,hold`; the first word that is no fault comes back as the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| Fault::ALL.iter().copied().find(|fault| fault.name() == word).ok_or_else(|| word.to_owned()))
            .collect()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        faults.into_iter().fold(Self::NONE, Self::with)
    }
}

fn bit(fault: Fault) -> u128 {
    1 << (fault as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_has_a_name_of_its_own_and_room_in_the_set() {
        let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
        assert_eq!(Faults::all().iter().count(), Fault::ALL.len());
        assert!(Fault::ALL.len() <= 128);
    }

    #[test]
    fn a_list_of_names_is_a_set_and_a_wrong_word_is_named() {
        let set = Faults::parse("loss, cancel").expect("two faults");
        assert_eq!(set.iter().collect::<Vec<_>>(), [Fault::Loss, Fault::Cancel]);
        assert_eq!(set.without(Fault::Loss).iter().collect::<Vec<_>>(), [Fault::Cancel]);
        assert_eq!(Faults::parse("loss,los"), Err("los".to_owned()));
    }
}
