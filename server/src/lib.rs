//! The process `jaego`: settings, the wiring of the crates, the admin port and the command line.

pub mod admin;
pub mod audit_command;
pub mod capacity_command;
pub mod caps_command;
mod caps_file;
pub mod core;
pub mod core_dumps;
pub mod edge;
pub mod endpoints;
mod history;
pub mod journal_command;
pub mod key_command;
pub mod logging;
pub mod metrics;
mod nats_care;
pub mod open_files;
pub mod policy_command;
pub mod policy_file;
mod probe;
pub mod publish;
pub mod registry_command;
pub mod rehearse_command;
pub mod relay;
pub mod serve;
pub mod settings;
pub mod stop;
mod threads;
