//! A file of lines that is only ever added to.
//!
//! It knows how long the file is when every line is whole, so that a write that failed half-way leaves nothing behind
//! that the next line would be glued to.

use std::fs::File;
use std::io::{self, Write};

/// An open file and its good length.
#[derive(Debug)]
pub struct Appender {
    file: File,
    length: u64,
    /// The file could not be cut back after a failed write: the next line must begin with a newline.
    torn: bool,
    dirty: bool,
}

impl Appender {
    /// A file opened for appending whose `length` bytes are whole lines.
    pub fn new(file: File, length: u64) -> Self {
        Self { file, length, torn: false, dirty: false }
    }

    /// Bytes of whole lines.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds whole lines, all of them or none.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.dirty = true;
        if self.torn {
            self.file.write_all(b"\n")?;
            self.length = self.file.metadata()?.len();
            self.torn = false;
        }
        match self.file.write_all(lines) {
            Ok(()) => {
                self.length += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = self.file.set_len(self.length).is_err();
                Err(error)
            }
        }
    }

    /// What others wrote may not be on disk either: the next [`Appender::sync`] asks the disk.
    pub fn dirty(&mut self) {
        self.dirty = true;
    }

    /// Waits until what was added is on disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.dirty {
            match self.file.sync_data() {
                // A special file (/dev/null) that has no disk behind it.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                result => result?,
            }
            self.dirty = false;
        }
        Ok(())
    }
}
