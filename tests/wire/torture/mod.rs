//! Messages that hurt: those of RFC 4475 and a set of our own, as datagrams and as bytes of a stream, each with its verdict
//! and a valid call afterwards.

mod line;
mod own;
mod rfc4475;
