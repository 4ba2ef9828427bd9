//! One leg's media: what it sends each 20 ms and what the peer's packets mean. (First cut; the inside follows.)
