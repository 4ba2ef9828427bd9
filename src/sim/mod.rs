//! The second shell: the whole engine in simulated time.
