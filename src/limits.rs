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
/// Lines of `a=crypto` looked at in one media line: there are some ten suites, and telephones offer one to four.
pub const SDP_CRYPTO_MAX: usize = 16;
/// The longest master key of SRTP with its salt: 32 bytes and 12 (RFC 7714), or 16 and 14 (RFC 3711).
pub const SRTP_KEY_BYTES_MAX: usize = 44;
/// The same in base64, with its padding.
pub const SRTP_KEY_TEXT_MAX: usize = 60;
/// RFC 4568 §6.1: the longest number of a key in packets.
pub const SRTP_MKI_BYTES_MAX: u8 = 128;
/// What SRTP adds at most to a packet of ours: a tag of 16 bytes (RFC 7714), and the number of a report.
pub const SRTP_TRAILER_BYTES_MAX: usize = 16 + 4;
/// Sources (SSRC) of one peer under one key. None is forgotten before its key is, for its old packets could be sent again then. A telephone has one, and
/// perhaps another after each hold; some take another with each key that is pressed. Each takes 80 bytes once it was heard, all of them 20 kB.
pub const SRTP_SOURCES_MAX: usize = 256;

/// Keys collected in one go: a 13-digit registration number and room for slips.
pub const DIGITS_MAX: usize = 32;
/// Digits of one entry: card numbers have sixteen, and a longer one nobody enters on a telephone.
pub const ENTRY_DIGITS_MAX: usize = 16;
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
/// Errors of ours in one stream that it is begun anew after, so that the call goes on. What comes at every packet would keep the others
/// from their time.
pub const STREAM_BREAKS_MAX: u8 = 3;
/// Presses remembered at once. Dialling machines make twelve a second; more than this within [`KEY_MEMORY`] is a flood,
/// and does not count.
pub const KEY_PRESSES_MAX: usize = 16;
/// Keys that we send with one order: a country's longest number, and a code behind it.
pub const KEYS_SENT_MAX: usize = 32;
/// Characters of a centre's post-dial digits: its keys fit one order, and its pauses (a second each) what a caller waits for an answer.
pub const POST_DIAL_MAX: usize = KEYS_SENT_MAX;
/// How long a call may wait for the socket of an ended one to be closed, when all ports are taken: a worker that lives closes it within a millisecond or two.
pub const PORT_CLOSES_WITHIN: Duration = Duration::from_millis(200);
/// How much of a prompt is encoded at once, in eighths of a millisecond: 200 ms. A media worker encodes so much of one that nobody has heard in
/// that codec, between two packets.
pub const STRETCH: usize = 200 * 8;
/// A packet of Opus of ours: six times what its bit rate has on the mean, which no frame of a voice comes near.
pub const OPUS_FRAME_BYTES_MAX: usize = 300;
/// What is lost between two packets of Opus is guessed for so long, in samples of 8 kHz: 100 ms. A guess that is longer sounds like nobody.
pub const CONCEALED_MAX: usize = 800;
/// What a packet of ours holds at most: 60 ms of G.711.
pub const PAYLOAD_BYTES_MAX: usize = 480;
/// An RTP packet of ours: 12 bytes of header, what it holds, and what SRTP adds.
pub const RTP_PACKET_BYTES_MAX: usize = 12 + PAYLOAD_BYTES_MAX + SRTP_TRAILER_BYTES_MAX;
/// RFC 3550 §6.2: reports of one leg leave this far apart, give or take half. The share of the bandwidth that the RFC allows them would
/// have them come ten times as often.
pub const RTCP_INTERVAL: Duration = Duration::from_secs(5);
/// How long a record waits for what its stream counted. A media thread answers within a millisecond; one that does not is gone.
pub const STREAM_REPORT_PATIENCE: Duration = Duration::from_millis(250);
/// A telephone that reports every five seconds and speaks only when spoken to must not be taken for gone.
pub const MEDIA_TIMEOUT_LEAST: Duration = Duration::from_secs(5);
/// How long the source of before a re-INVITE is still heard without being taken for the new one: packets under way.
pub const RTP_SOURCE_CHANGE: Duration = Duration::from_secs(1);
/// Files a table may include: programmes by ministry, holidays, tests.
pub const INCLUDES_MAX: usize = 64;
/// Files within files: deeper than this nobody finds a row.
pub const INCLUDES_DEEP_MAX: usize = 4;
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
/// Nine choices fill the digits beside 0; with the counsellor ten are said, and nobody remembers more.
pub const CHOICES_SAID_MAX: usize = 10;
/// A caller who hears only that one rung after the other does not answer waits about this long.
pub const LADDER_PATIENCE: Duration = Duration::from_secs(45);
/// Addresses of one centre: each may cost the caller a ring timeout.
pub const TARGETS_MAX: usize = 8;
/// A caller who has heard twenty seconds without a choice presses 0 or hangs up.
pub const SPEECH_BEFORE_KEY_MAX: Duration = Duration::from_secs(20);
/// What a caller hears before the first thing to choose: the notices of recording and protection fit in.
pub const FIRST_CHOICE_MAX: Duration = Duration::from_secs(12);
/// How far `routing::calendar` looks for the next opening: a year holds any week, any holiday and any date of a season.
pub const CALENDAR_DAYS_AHEAD: i64 = 366;
/// At how many moments it is asked whether a caller would be served: twenty a day for a year. Hours that change more often are looked at less far ahead.
pub const OPENING_MOMENTS_MAX: usize = 8192;
/// A caller stops listening long before; a longer file is a recording of something else.
pub const PROMPT_SECONDS_MAX: u32 = 120;
/// Two minutes of 48 kHz, stereo, 32 bits are 46 MB; a bigger file is a whole session, not a prompt.
pub const PROMPT_FILE_BYTES_MAX: u64 = 64 << 20;
/// Below 8 kHz a telephone's band is not there; no studio records above 192 kHz.
pub const PROMPT_RATES: std::ops::RangeInclusive<u32> = 8000..=192_000;
/// espeak-ng takes a few milliseconds, a large neural voice some seconds for half a minute of speech; longer is a program that hangs.
pub const SYNTHESIS_MAX: Duration = Duration::from_secs(60);
/// Half a minute of speech; a longer text is a page, not a prompt.
pub const PROMPT_TEXT_CHARS_MAX: usize = 400;
/// A name becomes a file name, and those end at 255 bytes on every file system in use.
pub const PROMPT_ID_BYTES_MAX: usize = 200;
/// Datagrams read from one SIP socket before the next socket gets a turn: more than the kernel's usual queue holds.
pub const DATAGRAMS_PER_TURN: usize = 512;
/// What the kernel may hold for a SIP socket: a burst of 4,000 INVITEs while the engine is busy elsewhere.
pub const SIP_RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Peers whose route is remembered; each costs 40 bytes, and asking again costs some 5 µs.
pub const ROUTES_CACHED_MAX: usize = 4096;
/// How long a route is believed: an address that came or went is noticed within a minute.
pub const ROUTE_BELIEVED: Duration = Duration::from_secs(60);
/// Rounds of output that answer each other (send, failure, next send) before sockets get their turn again.
pub const OUTPUT_ROUNDS_MAX: usize = 16;
/// How long a draining engine waits for its live calls before it says goodbye to them: most callers have been heard and
/// handed over by then.
pub const DRAIN: Duration = Duration::from_secs(120);
/// What a draining engine tells peers in Retry-After: a restart is over well within a minute, and whoever comes back
/// before that only hears it again.
pub const DRAIN_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long an engine at the end of its drain waits for the answers to its BYEs: a lost one is sent again after 0.5, 1.5 and 3.5 s.
pub const STOP_PATIENCE: Duration = Duration::from_secs(4);
/// How long it waits when it is to end now: a lost BYE is sent again once, after 0.5 s.
pub const STOP_NOW_PATIENCE: Duration = Duration::from_secs(1);
/// Signals this close together are one: some supervisors signal a process and then its group.
pub const SIGNAL_ECHO: Duration = Duration::from_secs(1);

/// TCP and TLS connections of all peers together, unless the settings say so; a trunk needs a handful, a load test one per call.
pub const TCP_CONNECTIONS_MAX: usize = 8192;
/// TCP connections of one address: a load generator with one per call, and still an eighth of all.
pub const TCP_CONNECTIONS_PER_ADDRESS_MAX: usize = 1024;
/// Bytes read from a connection at once; a message that is longer comes in pieces.
pub const TCP_READ_BYTES: usize = 8 * 1024;
/// Pieces read from all connections that the engine has not seen yet: 8 MiB at most, then TCP itself slows the peers.
pub const TCP_PIECES_WAITING_MAX: usize = 1024;
/// Messages waiting for a peer that does not read; one more closes the connection.
pub const TCP_QUEUE_MAX: usize = 256;
/// Messages waiting for the TCP thread itself.
pub const TCP_COMMANDS_MAX: usize = 16 * 1024;
/// How long a connection may take to open: a dead peer must fail before the transaction does.
pub const TCP_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one message may take to leave.
pub const TCP_WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that says nothing but empty lines is not a telephone: one connects when it has something to say.
pub const TCP_FIRST_BYTES: Duration = Duration::from_secs(10);
/// A call may last an hour without a word of signalling, and its BYE must still find the connection.
pub const TCP_IDLE: Duration = Duration::from_secs(65 * 60);
/// RFC 5626 §4.4.1: the longest time between two pings on a connection that we opened.
pub const TCP_PING_EVERY: Duration = Duration::from_secs(120);
/// RFC 5626 §4.4.1: how long the answer to a ping may take.
pub const TCP_PONG: Duration = Duration::from_secs(10);
/// Quiet after which TCP itself asks whether a peer is still there.
pub const TCP_PROBE_AFTER: Duration = Duration::from_secs(60);
/// Between two of these questions.
pub const TCP_PROBE_EVERY: Duration = Duration::from_secs(15);
/// Questions without an answer after which the peer is gone.
pub const TCP_PROBES: u32 = 4;
/// Bytes that nobody has acknowledged for so long have not arrived: the transaction that waits for them ends at 64·T1.
pub const TCP_UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// Addresses whose certificate must hold a name; told again before each request that needs one.
pub const TCP_EXPECTED_NAMES_MAX: usize = 4096;
/// How long a handshake of TLS may take: three round trips of the slowest link.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes under way of peers outside the trunks: some 10 MiB, and a quarter of a second of work.
pub const TLS_HANDSHAKES_MAX: usize = 256;
/// Those of one address.
pub const TLS_HANDSHAKES_PER_ADDRESS_MAX: usize = 32;
/// How often the log tells of our certificate.
pub const CERTIFICATE_TOLD_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Names of one certificate; a hoster's has a hundred, a carrier's a few.
pub const CERTIFICATE_NAMES_MAX: usize = 128;
/// How long a message on a stream may take from its first byte to its last. Real ones come in a few segments; a peer that takes
/// longer holds memory for nothing (slowloris).
pub const STREAM_MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of all half-read messages together. Real ones are whole at once; only an attack holds more, and no trunk suffers from it.
pub const STREAM_BYTES_HELD_MAX: usize = 16 * 1024 * 1024;
/// A read buffer that grew beyond this is given back when it is empty.
pub const STREAM_BUFFER_KEPT: usize = 2 * 1024;

/// Questions to the name system under way or waiting; each call that we place asks a few.
pub const DNS_QUESTIONS_OPEN_MAX: usize = 512;
/// How long one name server has for one attempt.
pub const DNS_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Attempts of one question.
pub const DNS_ATTEMPTS: usize = 2;
/// How long one question may take with all its attempts and servers: a caller waits meanwhile.
pub const DNS_QUESTION_TIMEOUT: Duration = Duration::from_secs(5);
/// Answers kept.
pub const DNS_ANSWERS_CACHED_MAX: u64 = 4096;
/// The longest that an answer is believed, whatever its time to live says: a carrier that moves is followed within the hour.
pub const DNS_BELIEVED_MAX: Duration = Duration::from_secs(3600);
/// The longest that a name is believed to be missing.
pub const DNS_MISSING_BELIEVED_MAX: Duration = Duration::from_secs(60);

/// How long a start waits for others to share its write to disk; a lone one is written at once.
pub const JOURNAL_GROUP: Duration = Duration::from_millis(5);
/// A write this long ago is no sign of a busy engine.
pub const JOURNAL_BUSY: Duration = Duration::from_millis(50);
/// Lines waiting for the disk. A disk that hangs this long is broken: further starts are answered unwritten.
pub const JOURNAL_QUEUE_MAX: usize = 100_000;
/// The journal is rewritten with the open calls only when it is this long: some 14,000 calls.
pub const JOURNAL_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How often the journal is rewritten with the open calls alone, if calls have ended: so long it may name a caller who has gone.
pub const JOURNAL_TIDY: Duration = Duration::from_secs(60);
/// Records kept in memory while the disk refuses them: half a minute at 500 calls/s.
pub const RECORDS_KEPT_MAX: usize = 16 * 1024;
/// The end of a call is on disk at the latest after this; its start was there before the call was answered.
pub const RECORDS_SYNC: Duration = Duration::from_secs(1);
/// So many findings of a red table stand in the log: enough to begin with, and no flood.
pub const FINDINGS_LOGGED_MAX: usize = 20;
/// How often the log repeats that the disk refuses records.
pub const ALARM_EVERY: Duration = Duration::from_secs(60);
/// How long `status` shows what happened last: longer than whoever asks it now and then waits between two times.
pub const ALARM_STANDS: Duration = Duration::from_secs(15 * 60);
/// Log lines waiting for a standard error that nobody reads; more are dropped and counted.
pub const LOG_LINES_WAITING_MAX: usize = 8192;
/// RFC 3261 §18.1.1: above this a request wants a transport that does not lose parts of it.
pub const DATAGRAM_REQUEST_BYTES_MAX: usize = 1300;
/// How long an address may say nothing while there is another: five sendings. RFC 3261 would wait 32 s, and no caller does.
pub const ADDRESS_PATIENCE: Duration = Duration::from_secs(6);
/// How long a question to the name system may stay open; resolvers give up after some five seconds.
pub const LOOKUP_PATIENCE: Duration = Duration::from_secs(10);
/// How long the name of a next hop inside a dialog is looked up with all its questions: a request that waits for it
/// (the BYE of a call that a dead process left) is wanted by nobody after 64·T1.
pub const FINDING_PATIENCE: Duration = Duration::from_secs(20);
/// More addresses of a name than any request inside a dialog lives to try: each has [`ADDRESS_PATIENCE`].
pub const NEXT_HOPS_MAX: usize = 4;
/// How long an address that failed is passed over while there is another.
pub const UNREACHABLE_FOR: Duration = Duration::from_secs(60);
/// Addresses that failed, remembered at once: those of all trunks together are some dozens.
pub const UNREACHABLE_MAX: usize = 1024;
/// Loaded peers whose word is heeded at once; calls go to those of the trunks.
pub const RESTRAINTS_MAX: usize = 1024;
/// A send that fails is told of in the turn in which it failed; what left longer ago by the same way did leave.
pub const SEND_FAILURE_TOLD: Duration = Duration::from_millis(10);
/// Early dialogs and answers of one call that we place; an exchange that rings a whole office has fewer. More are not
/// acknowledged, and their senders hang up by themselves.
pub const FORKS_MAX: usize = 16;
/// Redirections followed for one call.
pub const REDIRECTS_MAX: usize = 3;
/// How often the session interval of a call that we place may be too small: once for the callee, once for a proxy before it.
pub const SESSION_422_MAX: u32 = 2;
/// How long a call that we place may ring; RFC 3261's proxies give up after as much (timer C).
pub const RING_MAX: Duration = Duration::from_secs(180);
/// A binding shorter than this is refreshed more often than a trunk likes.
pub const BINDING_EXPIRES_MIN: Duration = Duration::from_secs(60);
/// RFC 5626 §4.5: the first wait after a registration that failed, and the longest.
pub const REGISTER_BACKOFF_BASE: Duration = Duration::from_secs(30);
/// See [`REGISTER_BACKOFF_BASE`].
pub const REGISTER_BACKOFF_MAX: Duration = Duration::from_secs(1800);
/// How often one attempt is refused for its short lifetime: a registrar that always wants more is not followed.
pub const REGISTER_INTERVALS_MAX: u32 = 2;
/// However short a binding is granted, it is refreshed no more often.
pub const REGISTER_EVERY_LEAST: Duration = Duration::from_secs(10);
/// How often a stream that calls are to come by is kept open (RFC 5626 §4.4.1: at most 120 s, by four fifths).
pub const REGISTER_PING: Duration = Duration::from_secs(95);
/// Hosts of one registrar that count as its trunk: carriers have two to four.
pub const REGISTRAR_HOMES_MAX: usize = 4;
/// A NAT that forgets a way sooner forgets it between two packets of a call, too.
pub const KEEPALIVE_LEAST: Duration = Duration::from_secs(5);
/// Keys by INFO that are known when they come again: no more are under way when a connection breaks.
pub const INFOS_REMEMBERED: usize = 16;
/// Proxies of a Service-Route; carriers give one or two.
pub const SERVICE_ROUTES_MAX: usize = 8;
/// A field of a digest header; a nonce of a large vendor is some 200 bytes.
pub const AUTH_FIELD_BYTES_MAX: usize = 512;
/// Challenges of one response that are read: three hashes for each of two realms, and room.
pub const CHALLENGES_MAX: usize = 8;
/// Challenges answered for one request: the first, and one more of a proxy or of a nonce that was stale.
pub const CHALLENGES_ANSWERED_MAX: usize = 2;
/// How long a nonce of ours is good: longer than any answer takes, and short for whoever overheard it.
pub const NONCE_LIFE: Duration = Duration::from_secs(60);
/// Nonces whose counts are remembered: 1,000 proven calls/s for four seconds. Older ones are then stale before their time.
pub const NONCES_MAX: usize = 4096;
/// Questions to the name system for one request: the NAPTR of a domain, three SRV, and the addresses of a dozen hosts.
pub const LOCATE_QUESTIONS_MAX: usize = 24;
/// Records of one answer that are looked at; a carrier lists two to six hosts.
pub const LOCATE_RECORDS_MAX: usize = 16;
/// SIP transactions held at once. 1,000 calls/s leave some 130,000 lingering for 64·T1; a flood may fill the
/// rest, some 300 MB, and then meets silence.
pub const TRANSACTIONS_MAX: usize = 400_000;
/// Above this no new INVITE is taken (503): the rest is reserved for the BYEs and NOTIFYs of admitted calls.
pub const TRANSACTIONS_FOR_NEW_CALLS: usize = 300_000;
/// How long a REFER is repeated. Nobody waits longer for its answer, and a copy that arrives later would move a
/// caller whom we have led elsewhere by then.
pub const REFER_REPEATS: Duration = Duration::from_secs(15);
/// Dialogs held at once: 1,000 calls/s of 100 s each; more than the media of one machine carries.
pub const DIALOGS_MAX: usize = 100_000;
/// How far above the last number of a dialog that of its BYE lies when a later process has to send it. A call of a day that is
/// refreshed each second sends 86,400 requests; numbers end at 2^31 (RFC 3261 §8.1.1.5).
pub const CSEQ_JUMP: u32 = 1_000_000;
/// BYEs for the dialogs of a process that died, sent at once: some 100 µs of work, so that no new call waits for them.
pub const ORPHANS_AT_ONCE: usize = 5;
/// And the pause between: 500 a second are 20 s for 10,000 calls, and 16,000 transactions if nobody answers any.
pub const ORPHANS_EVERY: Duration = Duration::from_millis(10);
/// What the kernel may hold for an RTP socket: about a second of one caller, and nothing of a flood.
pub const RTP_RECEIVE_BUFFER_BYTES: usize = 64 * 1024;
/// Packets read from one RTP socket in a millisecond; a telephone sends one in twenty.
pub const RTP_PACKETS_PER_SLOT: usize = 8;
/// Ports of other programs passed over before a call goes without; each costs a microsecond or two.
pub const PORT_TRIES_MAX: usize = 256;
/// Findings told at once: nobody reads on, and a file of noise must not cost more than a table.
pub const FINDINGS_MAX: usize = 300;

/// RFC 4028 §4: a session without a refresh ends after this; half an hour is its recommendation.
pub const SESSION_EXPIRES: Duration = Duration::from_secs(1800);
/// RFC 4028 §4: nobody may ask for less.
pub const SESSION_EXPIRES_LEAST: Duration = Duration::from_secs(90);
/// RFC 3261 §10.2: the usual life of a registration.
pub const TRUNK_EXPIRES: Duration = Duration::from_secs(3600);
/// How often a running engine looks whether the switches were changed: an operator who turns one on waits no longer.
pub const SWITCHES_LOOK: Duration = Duration::from_millis(500);
/// Bytes of the switches' file: some 60 for each switch of a table that has a hundred.
pub const SWITCHES_BYTES_MAX: u64 = 64 * 1024;
/// Values of P-Asserted-Identity looked at; RFC 3325 allows two.
pub const IDENTITIES_MAX: usize = 4;
/// Entries of Diversion or History-Info looked at; gateways stop a call that was sent on five times.
pub const HISTORY_ENTRIES_MAX: usize = 16;
/// A User-to-User value with its parameters: the 131 octets of an ISDN element in hexadecimal, and room for the words.
pub const USER_TO_USER_BYTES_MAX: usize = 384;
/// Parts of a multipart body looked at: SDP, ISUP and what a proxy adds.
pub const BODY_PARTS_MAX: usize = 8;
/// How long after a refresh that failed the next one is tried; a session of 90 s still has one to spare.
pub const SESSION_RETRY: Duration = Duration::from_secs(10);
/// A refresh that could not even leave is tried again soon: a full send buffer empties, a telephone comes back.
pub const SESSION_RETRY_UNSENT: Duration = Duration::from_secs(2);
/// Times a peer may raise the interval of one refresh; more is a peer that means no interval at all.
pub const SESSION_REFRESHES_422_MAX: u8 = 3;
/// RFC 3261 §13.3.1.1: a provisional response at least each minute, for proxies give up after three.
pub const PROGRESS_AGAIN: Duration = Duration::from_secs(60);
/// States explored of one table: some 4 GB. A table of 1,000 rows has some 100,000.
pub const STATES_MAX: usize = 4_000_000;
/// Sources whose share of the pace of new calls is told apart; the rest shares one. Some 300 KiB.
pub const SOURCES_MAX: usize = 4096;
/// How much a source may have taken in the last second, as a multiple of what the bucket holds now. With 1.5, a single
/// source gets the whole pace, two thirds of a second's calls stay for others, and equal sources get equal shares.
pub const SOURCE_SHARE: f64 = 1.5;
/// Refused INVITEs remembered in each of two generations, eight bytes and a hash table's room each: 6,000 a second for 32 s.
pub const REFUSALS_REMEMBERED_MAX: usize = 200_000;
/// One line in the log tells of all calls refused in this time: a flood is no record storm.
pub const REFUSALS_TOLD_EVERY: Duration = Duration::from_secs(5);
/// One line tells of all that strangers asked in this time.
pub const TURNED_AWAY_TOLD_EVERY: Duration = Duration::from_secs(60);
/// When every message waits at least this long, the pace of new calls is lowered: a tenth of T1, so that nobody repeats
/// himself yet.
pub const WAIT_LONG: Duration = Duration::from_millis(50);
/// When some message waits no longer than this, the pace is raised again.
pub const WAIT_SHORT: Duration = Duration::from_millis(10);
/// When a media thread serves every slot at least this late, no new call is taken: a quarter of the interval behind which sound is lost, so that
/// those who are there keep theirs.
pub const MEDIA_LATE_LONG: Duration = Duration::from_millis(5);
/// So many packets lost while no core was full are an alarm: a second of sound, of one caller or a little of fifty. Fewer are hidden by the telephones
/// that miss them.
pub const MEDIA_LOST_ALARM: u64 = 50;
/// When it serves some slot no later than this, it has time left.
pub const MEDIA_LATE_SHORT: Duration = Duration::from_millis(1);
/// No new call is taken before a media thread has had time left for so long: some calls have ended by then, and it is not full again with the
/// next one.
pub const MEDIA_LATE_REST: Duration = Duration::from_secs(2);
/// A changed pace shows its effect before it is changed again.
pub const PACE_EASED_EVERY: Duration = Duration::from_millis(500);
/// However long messages wait, so many new calls a second are tried: they show when it is over.
pub const ADMITTED_PER_SECOND_MIN: f64 = 5.0;
/// What a peer under overload control is asked to keep back at most (RFC 7339): the rest shows when it is over.
pub const LOSS_PERCENT_MAX: u32 = 95;
/// How long such a word holds: longer than the pause between two calls of a peer that is slowed down.
pub const OVERLOAD_VALIDITY: Duration = Duration::from_secs(5);
/// How far into a datagram its urgency is looked for: To stands among the first headers.
pub const URGENCY_PEEK_BYTES: usize = 2048;
/// New calls that wait for the engine: a quarter of a second's work.
pub const INVITES_WAITING_MAX: usize = 2048;
/// Pings that wait: more are no pings, and are dropped.
pub const PINGS_WAITING_MAX: usize = 1024;
/// All datagrams that wait together: what the kernel would hold, twice.
pub const INTAKE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// While messages wait long, a new call that waited longer is refused: well before T1, so that its sender hears something before he repeats
/// himself.
pub const INVITE_WAIT_MAX: Duration = Duration::from_millis(150);
/// How often the engine is told how long messages wait.
pub const WAITS_TOLD_EVERY: Duration = Duration::from_millis(100);
/// What shows in so many looks on end has lasted: in a third of a second a rush fills no queue, and a virtual machine that stood still has caught up.
pub const LOOKS_BACK: usize = 3;
/// Time for datagrams of live calls and for emptying the kernel's queue before new calls get their turn, and for new calls
/// before live ones get theirs.
pub const TURN: Duration = Duration::from_millis(3);
/// Fewer messages than this in that time say nothing about overload: a moment without the processor hits one or two.
pub const WAITS_COUNTED: usize = 5;
/// Pings worked on before a new call gets its turn, if one waits.
pub const PINGS_IN_A_ROW: usize = 4;
/// Published versions kept: years of changes, and some 50 MB beside their shared sounds. The oldest go.
pub const VERSIONS_KEPT_MAX: usize = 1000;
/// Publications that wait for the one before them; each holds its table. More is no operator, but a script gone wild.
pub const ORDERS_WAITING_MAX: usize = 8;
/// Letters of a reason or a name kept with a version: a sentence or three.
pub const PUBLISH_WORD_CHARS_MAX: usize = 500;
/// Programs at the control socket at one time.
pub const CONTROL_CLIENTS_MAX: usize = 16;
/// A question at the control socket without the bytes behind it.
pub const CONTROL_LINE_BYTES_MAX: usize = 16 * 1024;
/// How long a program at the control socket may take to ask, and to read its answer.
pub const CONTROL_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits for its answer: proofs of the largest tables, eight of them.
pub const CONTROL_ANSWER_PATIENCE: Duration = Duration::from_secs(300);
/// The longest message a caller may leave: a story of ten minutes, and 10 MB of a disk.
pub const MESSAGE_LONGEST_MAX: Duration = Duration::from_secs(600);
/// The longest silence that a table may let a message wait out.
pub const MESSAGE_SILENCE_MAX: Duration = Duration::from_secs(30);
/// Fewer words than this are no message, but a breath or a door.
pub const MESSAGE_SPOKEN_MIN: Duration = Duration::from_millis(500);
/// How long after its end the file of a recording may take to be told of: so long a caller waits behind a message, and the record of a call for what is in it.
pub const RECORDED_PATIENCE: Duration = Duration::from_secs(2);
/// How long a call waits for the start of its record: a busy disk answers in milliseconds, one that spins up in seconds. Callers
/// give up after some ten.
pub const JOURNAL_PATIENCE: Duration = Duration::from_secs(3);
/// A key that a caller tells beside the sound and within it comes by both ways within this.
pub const BRIDGE_ECHO: Duration = Duration::from_millis(600);
/// A press that is passed on is over when no packet of it came for so long: senders tell of it every 50 ms or more often, and one may be lost. More
/// than the 50 ms between two keys (ITU-T Q.24).
pub const BRIDGE_PRESS: Duration = Duration::from_millis(120);
/// A bridged leg that hears nothing from the other one for so long hears our silence: its telephone must not take us for dead.
pub const BRIDGE_QUIET: Duration = Duration::from_millis(500);
/// Another leg over which something of ours plays is heard when it has sounded for so long: a click is no voice.
pub const BRIDGE_HEARD: Duration = Duration::from_millis(60);
/// And no longer when it has sent silence for so long: ringing tones pause for up to four seconds (ITU-T E.180).
pub const BRIDGE_UNHEARD: Duration = Duration::from_secs(5);
/// How far the time stamps that a bridged leg is told may be from its own time before they are set anew.
pub const BRIDGE_DRIFT_MAX: Duration = Duration::from_secs(1);
/// Recordings of one stream at a time: the call, and a message within it.
pub const STREAM_RECORDINGS_MAX: usize = 2;
/// How long a recording stays silent behind what nobody may keep: the last key may still be held, and its tone still sound.
pub const PAUSE_TAIL: Duration = Duration::from_secs(1);
/// Intervals in a row that a recording makes up for when the pacer was late; a machine that stood still for longer has no sound of it.
pub const TAP_SKIPPED_MAX: u32 = 500;
/// Presses of a caller that wait for their echo by another way (an INFO behind an event): the digits of a long number.
pub const PRESSES_WAITING_MAX: usize = 16;
/// How long the caller's sound waits before it is recorded, so that late packets find their place: the jitter of a bad mobile line.
pub const TAP_DELAY: Duration = Duration::from_millis(100);
/// Samples that may wait in a jitter buffer: half a second. What comes further ahead is from a sender whose clock has jumped.
pub const JITTER_SAMPLES: usize = 4096;
/// Frames that wait for the writer of recordings: 200 ms each, 1,000 calls for three seconds of a slow disk, some 105 MB with both
/// sides. They take it only while the disk is slow.
pub const RECORDING_FRAMES_WAITING: usize = 16 * 1024;
/// How long the end of the process waits for recordings that are on their way to the disk: all that may wait is written by a healthy one within a second. It is
/// within what a supervisor leaves beside the drain (docs/OPERATIONS.md).
pub const RECORDER_ENDS_WITHIN: Duration = Duration::from_secs(5);
/// Recordings written at once; more would be a disk too slow for all of them.
pub const RECORDINGS_MAX: usize = 2000;
/// Frames of a capture that are looked at: eight hours of a call in both directions.
pub const CAPTURE_PACKETS_MAX: usize = 3_000_000;
/// The longest record of a capture: libpcap takes no more of a packet.
pub const CAPTURE_RECORD_BYTES_MAX: u32 = 256 * 1024;
/// What looks like RTP within a capture; more is a capture of something else.
pub const CAPTURE_STREAMS_MAX: usize = 10_000;
/// The largest file that is scored, captures and recordings: it is held whole.
pub const CAPTURE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How much of a stream is put together and searched: no call in menus lasts so long, and its samples take 60 MB.
pub const HEARD_SECONDS_MAX: usize = 1800;
/// Places at which one prompt is tried: a waiting tone may sound so often.
pub const PROMPT_PLACES_MAX: usize = 400;
