//! jaego
fn main() {}
