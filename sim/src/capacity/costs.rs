//! What a request of each kind costs: the utilisation law U = X·D (Denning and Buzen, 1978), solved for D by least squares over the seconds
//! of the reports.

use serde::Serialize;

use super::batches::{self, Batches};
use super::report::Report;
use super::squares::{self, Fit};
use super::unfit::Unfit;
use super::windows::{Kind, Service, Window};

/// Kinds whose rates go together more closely than this have one cost.
const TOGETHER: f64 = 0.97;
/// Batches are told where they explain at least so much of what was left without them that this share of it remains.
const BATCHES_EXPLAIN: f64 = 0.85;
/// Seconds that tell of batches at least.
const BATCHES_NEED: usize = 40;
/// Seconds needed for each cost that is to be found.
const SECONDS_FOR_EACH: usize = 3;
/// Fewer requests a second than this, in the mean, are too few to be seen beside the idle use.
const SEEN: f64 = 5.0;
/// A cost is told where its standard error is at most this share of it.
const TOLD: f64 = 0.5;

/// Kinds with one cost: one, or several that rise and fall together.
#[derive(Debug, Clone)]
pub struct Column(pub Vec<Kind>);

/// The cost of a kind at a service.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// Name of the kind, or names.
    pub kind: String,
    /// Class of admission.
    pub class: &'static str,
    /// CPU microseconds of a request.
    pub micros: f64,
    /// Its standard error.
    pub error: f64,
    /// Whether it can be told from nothing.
    pub told: bool,
    /// What is planned with: two standard errors more, and no less than nothing.
    pub planned: f64,
}

/// Costs at one service.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceCosts {
    /// Name of the service.
    pub service: &'static str,
    /// By kind.
    pub costs: Vec<Cost>,
    /// CPUs that were used without any request, by report, with the standard error.
    pub idle: Vec<(f64, f64)>,
    /// Mean use, in CPUs.
    pub mean: f64,
    /// How far the fit is from the seconds it was made of: root of the mean square, in CPUs.
    pub fit_error: f64,
    /// The same of the seconds that were kept back.
    pub held_out_error: f64,
    /// The same of the mean alone, which a fit has to beat.
    pub mean_error: f64,
}

impl ServiceCosts {
    /// Whether the costs foretell better than the mean does.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.held_out_error < 0.8 * self.mean_error
    }
}

/// All costs.
#[derive(Debug, Clone, Serialize)]
pub struct Costs {
    /// By service.
    pub services: Vec<ServiceCosts>,
    /// Batches of the journal, where the seconds tell of them.
    pub batches: Option<Batches>,
    /// Seconds that were fitted, and those that were kept back.
    pub seconds: (usize, usize),
    #[serde(skip)]
    pub(super) columns: Vec<Column>,
}

impl Costs {
    /// The cost of a kind at a service, where it can be told, and the costs there foretell anything.
    #[must_use]
    pub fn of(&self, service: Service, kind: Kind) -> Option<&Cost> {
        self.bound(service, kind).filter(|cost| cost.told)
    }

    /// The same where it is small beside its error too: then what is planned with is a bound.
    #[must_use]
    pub fn bound(&self, service: Service, kind: Kind) -> Option<&Cost> {
        let at = self.services.iter().find(|found| found.service == service.name())?;
        let place = self.columns.iter().position(|column| column.0.contains(&kind))?;
        Some(&at.costs[place]).filter(|_| at.holds())
    }
}

/// Finds the costs of these seconds.
///
/// # Errors
/// When they are too few, or all kinds rise and fall together.
pub fn of(reports: &[Report], kinds: &[Kind], windows: &[Window]) -> Result<Costs, Unfit> {
    let mut columns = columns(kinds, windows, reports.len());
    let rows: Vec<Vec<f64>> =
        windows.iter().map(|window| row(window, kinds, &columns, reports.len())).collect();
    let (unknowns, fitted) = (
        columns.len() + reports.len(),
        (0..rows.len()).filter(|index| !squares::is_held_out(*index)).count(),
    );
    let needed = unknowns * SECONDS_FOR_EACH;
    if fitted < needed {
        return Err(Unfit::TooShort { windows: fitted, unknowns, needed });
    }
    let seconds = (fitted, rows.len() - fitted);
    let plain = services(&columns, &rows, windows).ok_or(Unfit::Together)?;
    let Some((batches, services)) = with_batches(&plain, &columns, (&rows, kinds, windows), reports) else {
        return Ok(Costs { services: plain, batches: None, seconds, columns });
    };
    columns.insert(0, Column(vec![Kind::Batch]));
    Ok(Costs { services, batches: Some(batches), seconds, columns })
}

fn services(columns: &[Column], rows: &[Vec<f64>], windows: &[Window]) -> Option<Vec<ServiceCosts>> {
    let services = (0..Service::ALL.len()).filter_map(|service| {
        let used: Vec<f64> = windows.iter().map(|window| window.used[service]).collect();
        (used.iter().sum::<f64>() > 0.0).then(|| at(Service::ALL[service], columns, rows, &used))
    });
    services.collect()
}

/// The same with batches as a kind of their own, at the time of a batch that explains most at core and NATS; `None` where that is little.
fn with_batches(
    plain: &[ServiceCosts],
    columns: &[Column],
    (rows, kinds, windows): (&[Vec<f64>], &[Kind], &[Window]),
    reports: &[Report],
) -> Option<(Batches, Vec<ServiceCosts>)> {
    if rows.len() < BATCHES_NEED {
        return None;
    }
    let writers = reports[0].parts.iter().filter(|part| part.starts_with("core")).count();
    let journaled = |window: &Window| -> f64 {
        let all = kinds.iter().zip(&window.rates).filter(|(kind, _)| kind.is_journaled());
        all.map(|(_, rate)| rate).sum()
    };
    let columns: Vec<Column> =
        std::iter::once(Column(vec![Kind::Batch])).chain(columns.iter().cloned()).collect();
    let entries = within(windows, reports.len(), journaled);
    let tried = batches::tried().filter_map(|seconds| {
        let rate = |window: &Window| batches::rate(journaled(window), seconds, writers as f64);
        // Where each message has a batch of its own, the two can not be told apart.
        if correlation(&within(windows, reports.len(), rate), &entries) > TOGETHER {
            return None;
        }
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .zip(windows)
            .map(|(row, window)| std::iter::once(rate(window)).chain(row.iter().copied()).collect())
            .collect();
        let found = services(&columns, &rows, windows)?;
        let left = unexplained(&found) / unexplained(plain).max(f64::MIN_POSITIVE);
        Some((Batches { ms: seconds * 1_000.0, writers, left }, found))
    });
    let best = tried.min_by(|a, b| a.0.left.total_cmp(&b.0.left))?;
    let told = best.1.iter().any(|service| service.service != "load" && service.costs[0].told);
    (told && best.0.left < BATCHES_EXPLAIN).then_some(best)
}

/// What is left unexplained at those who write, as a share of what there was.
fn unexplained(services: &[ServiceCosts]) -> f64 {
    let writing = services.iter().filter(|service| ["core", "nats"].contains(&service.service));
    writing.map(|service| (service.fit_error / service.mean_error.max(f64::MIN_POSITIVE)).powi(2)).sum()
}

fn at(service: Service, columns: &[Column], rows: &[Vec<f64>], used: &[f64]) -> Option<ServiceCosts> {
    let [kept, fitted] = [true, false]
        .map(|kept| (0..rows.len()).filter(|at| squares::is_held_out(*at) == kept).collect::<Vec<_>>());
    let pick = |chosen: &[usize]| -> (Vec<Vec<f64>>, Vec<f64>) {
        chosen.iter().map(|index| (rows[*index].clone(), used[*index])).unzip()
    };
    let (train, wanted) = pick(&fitted);
    let fit = squares::least(&train, &wanted)?;
    let mean = wanted.iter().sum::<f64>() / wanted.len() as f64;
    let off = |chosen: &[usize], says: &dyn Fn(usize) -> f64| {
        let squares: f64 = chosen.iter().map(|index| (used[*index] - says(*index)).powi(2)).sum();
        (squares / chosen.len().max(1) as f64).sqrt()
    };
    Some(ServiceCosts {
        service: service.name(),
        costs: columns.iter().enumerate().map(|(place, column)| cost(column, &fit, place)).collect(),
        idle: (columns.len()..fit.coefficients.len())
            .map(|place| (fit.coefficients[place], fit.errors[place]))
            .collect(),
        mean,
        fit_error: off(&fitted, &|index| fit.says(&rows[index])),
        held_out_error: off(&kept, &|index| fit.says(&rows[index])),
        mean_error: off(&kept, &|_| mean),
    })
}

fn cost(column: &Column, fit: &Fit, place: usize) -> Cost {
    let (micros, error) = (fit.coefficients[place] * 1e6, fit.errors[place] * 1e6);
    Cost {
        kind: column.0.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" + "),
        class: column.0[0].class(),
        micros,
        error,
        told: micros > 0.0 && error <= micros * TOLD,
        planned: (micros + 2.0 * error).max(0.0),
    }
}

/// Rates of all columns, then which report it is: each has an idle use of its own.
fn row(window: &Window, kinds: &[Kind], columns: &[Column], reports: usize) -> Vec<f64> {
    let rate = |column: &Column| -> f64 {
        let of =
            |kind: &Kind| kinds.iter().position(|known| known == kind).map_or(0.0, |at| window.rates[at]);
        column.0.iter().map(of).sum()
    };
    let idle = (0..reports).map(|report| f64::from(u8::from(report == window.report)));
    columns.iter().map(rate).chain(idle).collect()
}

/// Kinds that came often enough to be seen; those whose rates go together share a column.
fn columns(kinds: &[Kind], windows: &[Window], reports: usize) -> Vec<Column> {
    let mut columns: Vec<(Column, Vec<f64>)> = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        let rates = within(windows, reports, |window| window.rates[place]);
        let mean =
            windows.iter().map(|window| window.rates[place]).sum::<f64>() / windows.len().max(1) as f64;
        if mean < SEEN {
            continue;
        }
        match columns.iter_mut().find(|(_, known)| correlation(known, &rates) > TOGETHER) {
            Some((column, known)) => {
                column.0.push(*kind);
                known.iter_mut().zip(&rates).for_each(|(sum, rate)| *sum += rate);
            }
            None => columns.push((Column(vec![*kind]), rates)),
        }
    }
    columns.into_iter().map(|(column, _)| column).collect()
}

/// Values less the mean of their report, which the idle use of the report explains.
fn within(windows: &[Window], reports: usize, of: impl Fn(&Window) -> f64) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); reports];
    for window in windows {
        sums[window.report].0 += of(window);
        sums[window.report].1 += 1.0;
    }
    windows.iter().map(|window| of(window) - sums[window.report].0 / sums[window.report].1).collect()
}

/// How closely two series without mean go together, −1 to 1.
pub(super) fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
