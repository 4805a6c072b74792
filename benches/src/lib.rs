//! Measurements of jaego, and of the systems it is measured against.

pub mod peers;
