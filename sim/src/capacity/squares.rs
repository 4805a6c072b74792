//! Least squares with standard errors that hold where neighbouring seconds resemble each other.

use nalgebra::{DMatrix, DVector};

/// Columns whose smallest part is less than this share of the largest depend on each other.
const INDEPENDENT: f64 = 1e-6;

/// What was fitted.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    /// One for each column.
    pub(super) coefficients: Vec<f64>,
    /// Standard error of each (Newey and West, 1987).
    pub(super) errors: Vec<f64>,
}

impl Fit {
    /// What the fit says of a row.
    pub(super) fn says(&self, row: &[f64]) -> f64 {
        row.iter().zip(&self.coefficients).map(|(value, coefficient)| value * coefficient).sum()
    }
}

/// The coefficients of the columns of `rows` that come nearest to `values`; rows are in the order of time. `None` where columns depend on
/// each other, or there are not more rows than columns.
pub(super) fn least(rows: &[Vec<f64>], values: &[f64]) -> Option<Fit> {
    let (count, columns) = (rows.len(), rows.first()?.len());
    if count <= columns {
        return None;
    }
    let raw = DMatrix::from_fn(count, columns, |row, column| rows[row][column]);
    let scales: Vec<f64> = raw.column_iter().map(|column| column.norm()).collect();
    if scales.iter().any(|scale| *scale <= 0.0 || !scale.is_finite()) {
        return None;
    }
    let scaled = DMatrix::from_fn(count, columns, |row, column| raw[(row, column)] / scales[column]);
    let parts = scaled.clone().svd(false, false).singular_values;
    if parts.min() < parts.max() * INDEPENDENT {
        return None;
    }
    let inverse = (scaled.transpose() * &scaled).cholesky()?.inverse();
    let wanted = DVector::from_column_slice(values);
    let found = &inverse * scaled.transpose() * &wanted;
    let left = wanted - &scaled * &found;
    let spread = &inverse * meat(&scaled, &left) * &inverse;
    // A few rows overstate what they know.
    let few = count as f64 / (count - columns) as f64;
    let coefficients = (0..columns).map(|column| found[column] / scales[column]).collect();
    let error = |column: usize| (spread[(column, column)].max(0.0) * few).sqrt() / scales[column];
    Some(Fit { coefficients, errors: (0..columns).map(error).collect() })
}

/// How residuals of the same and of neighbouring rows go together, with Bartlett's weights.
fn meat(rows: &DMatrix<f64>, left: &DVector<f64>) -> DMatrix<f64> {
    let count = rows.nrows();
    let weighed = DMatrix::from_fn(count, rows.ncols(), |row, column| rows[(row, column)] * left[row]);
    let mut sum = weighed.transpose() * &weighed;
    let lags = (4.0 * (count as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize;
    for lag in 1..=lags.min(count / 4) {
        let (later, earlier) = (weighed.rows(lag, count - lag), weighed.rows(0, count - lag));
        let cross = later.transpose() * earlier;
        sum += (&cross + cross.transpose()) * (1.0 - lag as f64 / (lags as f64 + 1.0));
    }
    sum
}

/// Whether a row is kept back to see how well a fit foretells it: every fourth run of five rows.
pub(super) fn is_held_out(index: usize) -> bool {
    index / 5 % 4 == 3
}

/// The middle value; 0 of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn a_line_is_found_again_and_its_error_told() {
        let mut far = 0;
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            // Noise that lasts for some seconds, as that of a machine does.
            let mut noise = 0.0;
            let (rows, values): (Vec<_>, Vec<_>) = (0..200)
                .map(|_| {
                    let (a, b) = (rng.random_range(0.0..10.0), rng.random_range(0.0..1_000.0));
                    noise = 0.6 * noise + rng.random_range(-1.0..1.0);
                    (vec![1.0, a, b], 5.0 + 2.0 * a + 0.03 * b + noise)
                })
                .unzip();
            let fit = least(&rows, &values).unwrap();
            far += [5.0, 2.0, 0.03]
                .iter()
                .zip(&fit.coefficients)
                .zip(&fit.errors)
                .filter(|((truth, found), error)| (*found - *truth).abs() > 2.0 * *error)
                .count();
            assert!((fit.coefficients[1] - 2.0).abs() < 0.15, "{fit:?}");
        }
        // Two standard errors hold 19 of 20; of 150 some 8 lie beyond, and 25 would say that errors are understated.
        assert!(far < 25, "{far} of 150 beyond two standard errors");
    }

    #[test]
    fn what_depends_on_each_other_is_no_fit() {
        let rows: Vec<Vec<f64>> = (0..40).map(|n| vec![1.0, f64::from(n), f64::from(3 * n)]).collect();
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        assert!(least(&rows, &values).is_none());
        assert!(least(&rows[..2], &values[..2]).is_none() && least(&[], &[]).is_none());
    }
}
