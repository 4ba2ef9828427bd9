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
/// Brackets within brackets: a table's own rows need four.
pub const TABLE_DEPTH_MAX: usize = 32;
/// Dots in one line: two SIP addresses with long host names have some twenty; more only costs stack.
pub const TABLE_DOTS_PER_LINE_MAX: usize = 64;
/// Lines of one broken statement looked at together; a list of 16 addresses, one a line, is long.
pub const TABLE_STATEMENT_LINES_MAX: usize = 24;
/// Characters of a row's name: it is read in records and in diagnostics.
pub const ROW_NAME_MAX: usize = 40;
/// Characters of a `say`: more than this is a prompt and belongs to the catalogue.
pub const SAY_MAX: usize = 40;
/// Keys of one choice: more is a number to collect, not a choice.
pub const CHOICE_KEYS_MAX: usize = 4;
/// Addresses of one centre: each may cost the caller a ring timeout.
pub const TARGETS_MAX: usize = 8;
/// A caller who has heard twenty seconds without a choice presses 0 or hangs up.
pub const SPEECH_BEFORE_KEY_MAX: Duration = Duration::from_secs(20);
/// How far `routing::calendar` looks for the next opening: two weeks hold any week's hours.
pub const CALENDAR_DAYS_AHEAD: i64 = 14;
/// Findings told at once: nobody reads on, and a file of noise must not cost more than a table.
pub const FINDINGS_MAX: usize = 300;
