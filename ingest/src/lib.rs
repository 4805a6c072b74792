//! All that comes in: POS messages over NATS into the journal, the journal into the fold, registry files into rows.
//!
//! One word per stage: decode ([`decode`]) → commit ([`commit`]) → apply ([`apply`]) → answer ([`answer`]).

pub mod admission;
pub mod answer;
pub mod apply;
pub mod checkpoints;
pub mod clock;
pub mod commit;
pub mod counts;
pub mod decision;
pub mod decode;
pub mod desk;
pub mod folding;
pub mod gateway;
pub mod health;
pub mod hops;
pub mod identity;
pub mod import;
pub mod intake;
pub mod journal;
pub mod lock;
pub mod modes;
pub mod nats;
pub mod nats_server;
pub mod person;
pub mod priority;
pub mod proof;
pub mod redact;
pub mod registry;
pub mod skew;
pub mod tail;
pub mod tick;
