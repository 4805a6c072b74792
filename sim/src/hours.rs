//! When outlets are open. The lists of 2020 did not say; each outlet knows its own hours, and so does the fleet.

use rand::Rng;
use rand::rngs::StdRng;
use schemas::registry::{Hours, OutletType};

/// Hours of one outlet: post offices and marts as their institutions set them, pharmacies by their own choice.
#[must_use]
pub fn of(kind: OutletType, rng: &mut StdRng) -> Hours {
    match kind {
        OutletType::PostOffice => week((9 * 60, 18 * 60), (0, 0), (0, 0)),
        OutletType::Mart => week((8 * 60 + 30, 19 * 60), (9 * 60, 18 * 60), (9 * 60, 18 * 60)),
        OutletType::Pharmacy => {
            let open = [8 * 60, 8 * 60 + 30, 8 * 60 + 30, 9 * 60, 9 * 60][rng.random_range(0..5)];
            let close = [18 * 60 + 30, 19 * 60, 19 * 60, 20 * 60, 22 * 60][rng.random_range(0..5)];
            let sunday = if rng.random_bool(0.15) { (10 * 60, 16 * 60) } else { (0, 0) };
            week((open, close), (open, 15 * 60), sunday)
        }
    }
}

fn week(day: (u16, u16), saturday: (u16, u16), sunday: (u16, u16)) -> Hours {
    Hours([day, day, day, day, day, saturday, sunday])
}
