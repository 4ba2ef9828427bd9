//! What a call is about: menus, announcements, the ladder of transfers, and the record as it grows.
//!
//! A session knows addresses and status codes, never dialogs or RTP: a menu test needs no SIP.
