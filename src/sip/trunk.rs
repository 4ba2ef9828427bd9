//! Who may talk to us, and as whom: trunks, our own network, strangers.
//!
//! Holds what the settings say of each peer. Digest is computed in `auth`, registrations are kept alive in `register`.

use crate::sip::flow::Transport;
pub use crate::sip::route::is_private;
use crate::sip::uri::SipUri;
use crate::time::Duration;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An index into [`Peers::trunks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrunkId(pub usize);

/// Everybody who may talk to us. Without a trunk: loopback and private networks, and nobody else.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Peers {
    /// In the order of their names.
    pub trunks: Vec<Trunk>,
    /// What the others meet.
    pub strangers: Strangers,
    /// The most calls at one time, of all peers together.
    pub calls: Option<u32>,
    /// For so many legs there is room: a call has one, and a second one where it may be bridged to a centre.
    pub legs: Option<u32>,
    /// The most new calls in a second, of all peers together.
    pub calls_per_second: Option<u32>,
    /// Whether sound is encrypted where the trunk does not say, and where there is none.
    pub srtp: Srtp,
    /// Whether keys of SRTP may go where they can be read, likewise.
    pub srtp_over_plain: bool,
}

/// Whether a peer's sound is encrypted: SRTP with its keys in the descriptions (RFC 4568).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Srtp {
    /// Never: an offer of SRTP alone meets 488.
    #[default]
    Off,
    /// As the peer offers.
    Optional,
    /// Always: an offer of plain RTP meets 488, and ours are SRTP.
    Required,
}

/// What a source meets that no trunk covers, the same for every method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strangers {
    /// Nothing: a scanner learns nothing, not even that somebody is here.
    #[default]
    Silence,
    /// 403.
    Forbidden,
}

/// A carrier's or an exchange's peer.
#[derive(Clone, PartialEq, Debug)]
pub struct Trunk {
    /// Its key in the settings: `kt` of `[trunk.kt]`.
    pub name: String,
    /// Where it calls from. Empty: from anywhere, when it proves itself in another way.
    pub networks: Vec<Network>,
    /// The only transport it may use, and the one we call it by; `None`: any.
    pub transport: Option<Transport>,
    /// How it proves to be this trunk.
    pub proof: Proof,
    /// Where our requests outside its dialogs go, by RFC 3263.
    pub proxy: Option<SipUri>,
    /// What we answer its challenges with.
    pub credentials: Option<Credentials>,
    /// How we make ourselves known to it.
    pub registration: Option<Registration>,
    /// The most calls at one time.
    pub calls: Option<u32>,
    /// The most new calls in a second.
    pub calls_per_second: Option<u32>,
    /// It passes sound before the answer on to the caller, so a greeting may play there.
    pub early_media: bool,
    /// It belongs to our trust domain (RFC 3325 §2.3): what it asserts about a caller is believed.
    pub trusted: bool,
    /// Whether its sound is encrypted; `None`: as everybody's.
    pub srtp: Option<Srtp>,
    /// Whether keys of SRTP may go by UDP and TCP, where others can read them; `None`: as everybody's.
    pub srtp_over_plain: Option<bool>,
}

impl Trunk {
    /// A trunk known by its addresses, and nothing more.
    pub fn new(name: &str, networks: Vec<Network>) -> Self {
        Self {
            name: name.to_owned(),
            networks,
            transport: None,
            proof: Proof::Address,
            proxy: None,
            credentials: None,
            registration: None,
            calls: None,
            calls_per_second: None,
            early_media: false,
            trusted: false,
            srtp: None,
            srtp_over_plain: None,
        }
    }
}

impl Trunk {
    /// Its settings let it come by this transport from this address.
    fn may_come(&self, transport: Transport, address: IpAddr) -> bool {
        self.transport.is_none_or(|only| only == transport)
            && (self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address)))
    }
}

/// How a trunk proves who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// It calls from its networks.
    Address,
    /// It answers our digest challenge (RFC 8760) with these.
    Digest(Credentials),
    /// Its TLS certificate holds this name (RFC 5922).
    Certificate(String),
}

/// A name and a password, for one realm.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The realm they are for; `None`: the host of the trunk's proxy or registrar.
    pub realm: Option<String>,
    /// Name.
    pub user: String,
    /// Secret.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("realm", &self.realm).field("user", &self.user).finish_non_exhaustive()
    }
}

/// A registration that is kept alive (RFC 3261 §10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The Request-URI: the registrar's domain.
    pub registrar: SipUri,
    /// Our address of record there.
    pub address: SipUri,
    /// How long a binding should last.
    pub expires: Duration,
    /// How often the way to the registrar is kept open, for the sake of a NAT; `None`: only where it is a stream.
    pub keepalive: Option<Duration>,
}

/// An address, or a range of them: `192.0.2.10`, `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        let ((ours, ours_v4), (theirs, theirs_v4)) = (bits(self.address), bits(address.to_canonical()));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        ours_v4 == theirs_v4 && ours & mask == theirs & mask
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| ())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= widest).ok_or(())?,
            None => widest,
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// As whom a source may talk to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// A trunk that has proved itself by its address or its certificate.
    Trunk(TrunkId),
    /// Loopback or a private network, where there is no trunk.
    Private,
    /// Whoever answers the challenge of one of the digest trunks.
    Unproven,
    /// Nobody we know.
    Stranger,
}

impl Peers {
    /// Who talks to us from this address; `names` are those of its TLS certificate.
    pub fn who(&self, transport: Transport, address: IpAddr, names: &[String]) -> Who {
        if self.trunks.is_empty() {
            return if is_private(address) { Who::Private } else { Who::Stranger };
        }
        let mut who = Who::Stranger;
        let trunks = self.trunks.iter().enumerate();
        for (index, trunk) in trunks.filter(|(_, trunk)| trunk.may_come(transport, address)) {
            match &trunk.proof {
                Proof::Address if !trunk.networks.is_empty() => return Who::Trunk(TrunkId(index)),
                Proof::Certificate(name) if names.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                    return Who::Trunk(TrunkId(index));
                }
                Proof::Digest(_) => who = Who::Unproven,
                // A trunk with neither is known by its registrar alone; a wrong certificate proves nothing.
                Proof::Address | Proof::Certificate(_) => {}
            }
        }
        who
    }

    /// The trunk whose proxy this address names: it is called with that trunk's credentials and transport.
    pub fn trunk_to(&self, target: &SipUri) -> Option<TrunkId> {
        let names =
            |trunk: &Trunk| trunk.proxy.as_ref().is_some_and(|proxy| proxy.host().eq_ignore_ascii_case(target.host()));
        self.trunks.iter().position(names).map(TrunkId)
    }

    /// The trunks that whoever talks to us from this address may prove to be by digest.
    pub fn by_digest(
        &self,
        transport: Transport,
        address: IpAddr,
    ) -> impl Iterator<Item = (TrunkId, &Credentials)> + Clone {
        self.trunks.iter().enumerate().filter_map(move |(index, trunk)| match &trunk.proof {
            Proof::Digest(credentials) if trunk.may_come(transport, address) => Some((TrunkId(index), credentials)),
            Proof::Digest(_) | Proof::Address | Proof::Certificate(_) => None,
        })
    }

    /// Whether anybody at this address can be more than a stranger; who it is may need its certificate.
    pub fn may_connect(&self, transport: Transport, address: IpAddr) -> bool {
        let by_certificate = |trunk: &Trunk| {
            matches!(trunk.proof, Proof::Certificate(_))
                && (trunk.networks.is_empty() || trunk.networks.iter().any(|network| network.contains(address)))
        };
        // Where its registrar is shows when it has accepted us.
        let by_registrar = |trunk: &Trunk| {
            trunk.proof == Proof::Address
                && trunk.networks.is_empty()
                && trunk.transport.is_none_or(|only| only == transport)
        };
        (transport == Transport::Tls && self.trunks.iter().any(by_certificate))
            || self.trunks.iter().any(by_registrar)
            || self.who(transport, address, &[]) != Who::Stranger
    }

    /// Whether the sound of this peer is encrypted, and whether its keys may go by this transport.
    pub fn srtp(&self, trunk: Option<TrunkId>, transport: Transport) -> (Srtp, bool) {
        let trunk = trunk.and_then(|trunk| self.trunk(trunk));
        let over_plain = trunk.and_then(|trunk| trunk.srtp_over_plain).unwrap_or(self.srtp_over_plain);
        let srtp = trunk.and_then(|trunk| trunk.srtp).unwrap_or(self.srtp);
        (srtp, over_plain || transport == Transport::Tls)
    }

    /// A trunk by its index.
    pub fn trunk(&self, id: TrunkId) -> Option<&Trunk> {
        self.trunks.get(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (range, address, inside) in [
            ("192.0.2.10", "192.0.2.10", true),
            ("192.0.2.10", "192.0.2.11", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.0.2.10", "::ffff:192.0.2.10", true),
        ] {
            assert_eq!(network(range).contains(address.parse().expect("an address")), inside, "{range} {address}");
        }
        for bad in ["", "192.0.2", "192.0.2.0/33", "::/129", "sbc.example", "192.0.2.0/"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_source_is_who_it_can_prove_to_be() {
        let by_digest = |name: &str, networks: &[&str]| Trunk {
            proof: Proof::Digest(Credentials { realm: None, user: name.to_owned(), password: "secret".to_owned() }),
            ..Trunk::new(name, networks.iter().map(|text| network(text)).collect())
        };
        let by_name = Trunk {
            transport: Some(Transport::Tls),
            proof: Proof::Certificate("sbc.kt.example".to_owned()),
            ..Trunk::new("kt", Vec::new())
        };
        let open = Peers::default();
        let addresses = Peers { trunks: vec![Trunk::new("a", vec![network("192.0.2.0/24")])], ..Peers::default() };
        let digest = Peers { trunks: vec![by_digest("d", &["198.51.100.0/24"])], ..Peers::default() };
        let named = Peers { trunks: vec![by_name, by_digest("d", &[])], ..Peers::default() };
        let sbc = ["SBC.kt.example".to_owned()];
        for (peers, transport, address, names, who) in [
            (&open, Transport::Udp, "10.0.0.1", &[][..], Who::Private),
            (&open, Transport::Udp, "203.0.113.1", &[], Who::Stranger),
            (&addresses, Transport::Udp, "192.0.2.7", &[], Who::Trunk(TrunkId(0))),
            // With a trunk, our own network is a stranger too unless a trunk names it.
            (&addresses, Transport::Udp, "10.0.0.1", &[], Who::Stranger),
            (&digest, Transport::Udp, "198.51.100.1", &[], Who::Unproven),
            (&digest, Transport::Udp, "192.0.2.7", &[], Who::Stranger),
            (&named, Transport::Tls, "203.0.113.1", &sbc, Who::Trunk(TrunkId(0))),
            (&named, Transport::Tcp, "203.0.113.1", &sbc, Who::Unproven),
            (&named, Transport::Tls, "203.0.113.1", &[], Who::Unproven),
        ] {
            let found = peers.who(transport, address.parse().expect("an address"), names);
            assert_eq!(found, who, "{transport:?} {address} {names:?}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials { realm: None, user: "1357".to_owned(), password: "hidden".to_owned() };
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
