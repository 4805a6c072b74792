//! Answers that this code gave to a small registry; a test asks for them again and compares.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// By operation, or name of a shared response.
static EXAMPLES: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../contract/examples.json")).expect("a test writes this file")
});

/// The answer to an operation. One that is new has none until the test wrote it.
pub(super) fn example(operation: &str) -> Option<&'static Value> {
    EXAMPLES.get(operation)
}
