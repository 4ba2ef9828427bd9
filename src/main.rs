//! Arguments -> plan -> shell.

fn main() {}
