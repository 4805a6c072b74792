//! Logs: one line an event on standard error, as text or JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Libraries that write what they receive into their logs, at levels below info: a subject may hold a person's number.
const TALKATIVE: [&str; 3] = ["async_nats", "hyper", "h2"];

/// Starts logging. The filter was checked with the settings. What libraries say of the bytes that they move is never logged.
pub fn start(filter: &str, json: bool) {
    let quiet = |library| format!("{library}=info").parse().expect("a directive");
    let filter =
        TALKATIVE.iter().fold(EnvFilter::new(filter), |all, library| all.add_directive(quiet(library)));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
    }
}
