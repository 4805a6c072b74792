//! How many outlets an import may make vanish.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use ingest::registry::Reconciliation;

/// A number of outlets, or a share of those there were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxLoss {
    /// So many outlets.
    Outlets(usize),
    /// So many of a hundred.
    Percent(f64),
}

impl MaxLoss {
    /// Whether no more than this would vanish.
    #[must_use]
    pub fn allows(self, changes: &Reconciliation) -> bool {
        match self {
            Self::Outlets(most) => changes.loss() <= most,
            Self::Percent(percent) => changes.loss() as f64 * 100.0 <= changes.old as f64 * percent,
        }
    }
}

impl FromStr for MaxLoss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.strip_suffix('%') {
            Some(share) => share.parse().ok().filter(|p| (0.0..=100.0).contains(p)).map(Self::Percent),
            None => text.parse().ok().map(Self::Outlets),
        };
        parsed.ok_or_else(|| "expected a number of outlets, or a share from 0% to 100%".to_owned())
    }
}

impl Display for MaxLoss {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outlets(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::OutletCode;
    use schemas::registry::{OutletInfo, OutletType};

    use super::*;

    fn losing(lost: usize, of: usize) -> Reconciliation {
        let row = OutletInfo::bare(OutletCode::new("1").unwrap(), "", "", OutletType::Pharmacy);
        Reconciliation { old: of, removed: vec![row; lost], ..Reconciliation::default() }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        for (limit, allowed, refused) in
            [("2", 2, 3), ("0", 0, 1), ("2%", 4, 5), ("1.5%", 3, 4), ("0%", 0, 1)]
        {
            let limit: MaxLoss = limit.parse().unwrap();
            assert!(limit.allows(&losing(allowed, 200)), "{limit}");
            assert!(!limit.allows(&losing(refused, 200)), "{limit}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for bad in ["", "-1", "%", "101%", "-1%", "NaN%", "many"] {
            assert!(bad.parse::<MaxLoss>().is_err(), "{bad}");
        }
    }
}
