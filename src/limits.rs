//! Every bound with its reason.

use std::time::Duration;

/// Longer than any real message; a bigger datagram is noise or an attack.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Real messages carry some 20 headers; a proxy chain adds a Via and a Record-Route each.
pub const HEADERS_MAX: usize = 256;
/// The longest header line seen in practice is a 2 KiB Identity token.
pub const HEADER_LINE_BYTES_MAX: usize = 8 * 1024;
/// An SDP offer of a browser is some 6 KiB.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
/// Max-Forwards starts at 70, so a request cannot have crossed more hops.
pub const VIAS_MAX: usize = 70;

/// RFC 3261 §17.1.1.1: the estimate of the round trip.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2: the longest wait between retransmissions.
pub const T2: Duration = Duration::from_secs(4);
/// RFC 3261 §17.1.2.2: how long a message can live in the network.
pub const T4: Duration = Duration::from_secs(5);
/// 64·T1: when a transaction gives up, and how long its last response is kept.
pub const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(32);

/// An SDP with more media lines than this is not a telephone's.
pub const SDP_MEDIA_MAX: usize = 16;
/// Payload types are seven bits; nobody lists more formats in one line.
pub const SDP_FORMATS_MAX: usize = 64;

/// Keys collected in one go: a 13-digit registration number and room for slips.
pub const DIGITS_MAX: usize = 32;
/// Keys typed ahead while something plays that no key may cut.
pub const TYPE_AHEAD_MAX: usize = 16;
/// Menus a caller can be deep in before `#` stops remembering more.
pub const MENU_DEPTH_MAX: usize = 16;
/// Rows of the path kept in a record; a caller who circles for an hour repeats himself.
pub const PATH_ROWS_MAX: usize = 200;

/// The largest `routing.toml` read: 1,300 programmes need some 300 KiB.
pub const TABLE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a key press is remembered after its last packet. Longer than any gap within a press (packets come each
/// 20–100 ms), shorter than it takes SIPp's captures, which repeat one timestamp, to be played again.
pub const KEY_MEMORY: Duration = Duration::from_millis(500);
/// A press without an end whose duration goes on counting is the same press even after a hole this long.
pub const KEY_GAP: Duration = Duration::from_secs(3);
/// Presses remembered at once. Dialling machines make twelve a second; more than this within [`KEY_MEMORY`] is a flood,
/// and does not count.
pub const KEY_PRESSES_MAX: usize = 16;
/// An RTP packet of ours: 12 bytes of header and 60 ms of G.711.
pub const RTP_PACKET_BYTES_MAX: usize = 12 + 480;
/// How long the source of before a re-INVITE is still heard without being taken for the new one: packets under way.
pub const RTP_SOURCE_CHANGE: Duration = Duration::from_secs(1);
/// What the kernel may hold for an RTP socket: about a second of one caller, and nothing of a flood.
pub const RTP_RECEIVE_BUFFER_BYTES: usize = 64 * 1024;
/// Packets read from one RTP socket in a millisecond; a telephone sends one in twenty.
pub const RTP_PACKETS_PER_SLOT: usize = 8;
/// Ports of other programs passed over before a call goes without; each costs a microsecond or two.
pub const PORT_TRIES_MAX: usize = 256;
