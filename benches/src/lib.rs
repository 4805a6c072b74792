//! Measurements of jaego, and of the systems it is measured against.

pub mod claims;
pub mod jaego;
pub mod ledger;
pub mod ledger_nation;
pub mod ledger_work;
pub mod open;
pub mod peers;
pub mod pipeline;
pub mod report;
pub mod restart;
pub mod stages;
pub mod visible;
pub mod workload;
