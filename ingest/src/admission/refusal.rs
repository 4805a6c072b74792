//! Why somebody is turned away at the door, and when to come again: a random time, so that not all come at once.

use rand::Rng;
use schemas::Millis;
use schemas::caps::Class;
use schemas::pos::Reason;

use crate::decode::Rejection;

/// Longest time that is told, in milliseconds: an hour. Until then there may be another plan.
const LONGEST_MS: i64 = 3_600_000;
/// Those who join at one moment come within so many milliseconds after it.
const SPREAD_MS: u32 = 30_000;

/// Turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason by name.
    pub reason: Reason,
    /// The reason in words, with what to do.
    pub detail: &'static str,
    /// When to come again, in milliseconds.
    pub retry_after_ms: u32,
}

impl Refusal {
    /// All seats are taken: more institutions speak at once than there are in the country.
    pub(super) fn crowded() -> Self {
        Self::over_cap("more outlet codes speak than there is room for; send again later", 3_000_000_000)
    }

    fn not_admitted(detail: &'static str, retry_after_ms: u32) -> Self {
        Self { reason: Reason::NotAdmitted, detail, retry_after_ms }
    }

    /// A wait of so long at least, and of up to twice that or a second more.
    fn over_cap(detail: &'static str, wait_ns: u64) -> Self {
        let wait_ms = i64::try_from(wait_ns / 1_000_000).map_or(LONGEST_MS, |ms| (ms + 1).min(LONGEST_MS));
        let wait_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
        Self { reason: Reason::OverCap, detail, retry_after_ms: wait_ms + random(0, wait_ms.max(1_000)) }
    }

    pub(super) fn not_in_plan() -> Self {
        let detail = "this kind of institution may not send such messages: the caps in force do not list it";
        Self::not_admitted(detail, random(60_000, 120_000))
    }

    pub(super) fn in_no_cohort() -> Self {
        let detail = "this outlet is in none of the groups that join under the caps in force";
        Self::not_admitted(detail, random(60_000, 120_000))
    }

    pub(super) fn region_unknown() -> Self {
        Self::not_admitted("the registry is not read yet; send again", random(1_000, 3_000))
    }

    pub(super) fn not_yet(now: Millis, opens: Millis) -> Self {
        let wait = u32::try_from(opens.since(now).clamp(0, LONGEST_MS)).unwrap_or(0);
        Self::not_admitted(
            "this outlet joins later; send again after the time told",
            wait + random(0, SPREAD_MS),
        )
    }

    pub(super) fn held() -> Self {
        let detail = "no further outlets are let in while answers are late; send again after the time told";
        Self::not_admitted(detail, random(10_000, 10_000 + SPREAD_MS))
    }

    pub(super) fn too_fast(wait_ns: u64) -> Self {
        Self::over_cap("this outlet sends faster than its cap; send again after the time told", wait_ns)
    }

    pub(super) fn too_fast_terminal(wait_ns: u64) -> Self {
        Self::over_cap("this terminal sends faster than its cap; send again after the time told", wait_ns)
    }

    pub(super) fn too_fast_kind(wait_ns: u64) -> Self {
        let detail =
            "all institutions of this kind together are over their cap; send again after the time told";
        Self::over_cap(detail, wait_ns)
    }

    pub(super) fn too_many_waiting() -> Self {
        Self::over_cap("this outlet waits for too many answers at once: wait for one, then send", 0)
    }

    pub(super) fn too_many_of_terminal() -> Self {
        Self::over_cap("this terminal waits for too many answers at once: wait for one, then send", 0)
    }

    pub(super) fn too_many_of_kind() -> Self {
        let detail = "all institutions of this kind together wait for too many answers; send again later";
        Self::over_cap(detail, 1_000_000_000)
    }

    pub(super) fn overloaded(class: Class) -> Self {
        let (detail, least, most) = match class {
            Class::Check => {
                ("more checks are under way than can be answered in time; send again", 1_000, 4_000)
            }
            _ => ("more messages are under way than can be answered in time; send again", 200, 2_000),
        };
        Self { reason: Reason::Overloaded, detail, retry_after_ms: random(least, most) }
    }
}

fn random(least: u32, below: u32) -> u32 {
    rand::rng().random_range(least..below)
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, detail, retry_after_ms } = refusal;
        Self { reason, detail: detail.to_owned(), retry_after_ms: Some(retry_after_ms) }
    }
}
