//! Waits that outlast a machine which is stopped for a moment: the kernel then ends a wait with a time limit with EINTR (signal(7)).

use std::io;

/// What `wait` comes to, begun anew as often as it is interrupted.
pub fn patiently<T>(mut wait: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match wait() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
