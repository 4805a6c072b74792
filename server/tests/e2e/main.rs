//! The whole system as its users meet it: a real `jaego` process, a real nats-server, real sockets, real data.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

mod admission;
mod anew;
mod arrows;
mod capacity;
mod contract;
mod crash;
mod data;
mod desk;
mod edge;
mod examples;
mod harness;
mod history;
mod lifecycle;
mod privacy;
mod ration;
mod readers;
mod real_input;
mod rehearsal;
mod starts;
mod taiwan;
