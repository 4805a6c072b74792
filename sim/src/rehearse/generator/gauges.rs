//! What one worker measured: counts and latencies by class, second and phase, and how late it was itself.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Shed;

/// The longest time that is told apart, in microseconds: two minutes.
const LONGEST_US: u64 = 120_000_000;

/// Measurements of a class.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClassGauge {
    /// Requests meant to start in each second of the run.
    pub(crate) intended: Vec<u32>,
    /// First tries sent in each second.
    pub(crate) sent: Vec<u32>,
    /// Requests answered as they should be, in the second of the answer.
    pub(crate) good: Vec<u32>,
    /// The same in the tenth of a second of the answer.
    pub(crate) good_tenths: Vec<u32>,
    /// Requests turned away by name in the end, in the second of the answer.
    pub(crate) turned_away: Vec<u32>,
    /// Tries turned away, those that were sent again too.
    pub(crate) shed: Shed,
    /// Requests that failed, in the second in which that was known.
    pub(crate) failed: Vec<u32>,
    /// Tries after the first.
    pub(crate) again: u64,
    /// Bytes of the bodies of answers.
    pub(crate) bytes: u64,
    /// From the intended start to the moment at which the worker saw that it was due, in microseconds.
    pub(crate) lateness: Option<Histogram<u64>>,
    /// Statuses of answers; 0: none came.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Latencies in microseconds by the second of the answer.
    pub(crate) by_second: Vec<Option<Histogram<u32>>>,
    /// Latencies in microseconds by the phase of the intended start.
    pub(crate) by_phase: Vec<Option<Histogram<u64>>>,
}

/// Measurements of a worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauges {
    /// By class of the scenario.
    pub(crate) classes: Vec<ClassGauge>,
    /// Requests of no class that are done, in the second of the answer: deliveries that tills need, copies.
    pub(crate) aside: Vec<u32>,
    /// Tries of such requests that were turned away.
    pub(crate) aside_shed: Shed,
    /// Greatest lateness in each second, in microseconds.
    pub(crate) late: Vec<u64>,
    /// Time that a due request waited because all connections were taken, in microseconds.
    pub(crate) waited: Option<Histogram<u64>>,
    /// Share of one CPU that the worker used in each second.
    pub(crate) cpu: Vec<f64>,
    /// Share of each second for which it was ready to run and had no CPU.
    pub(crate) starved: Vec<f64>,
    /// Most connections that were open at once.
    pub(crate) connections: usize,
    /// Requests without an answer at the end.
    pub(crate) unanswered: u64,
    /// The system's word where a connection could not be opened.
    pub(crate) refused: BTreeMap<String, u64>,
}

/// Adds one to a second.
pub(crate) fn count(seconds: &mut Vec<u32>, second: usize) {
    *at(seconds, second) += 1;
}

/// The value of a second, which is made where it is missing.
pub(crate) fn at<T: Default + Clone>(seconds: &mut Vec<T>, second: usize) -> &mut T {
    if seconds.len() <= second {
        seconds.resize(second + 1, T::default());
    }
    &mut seconds[second]
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST_US)
}

fn record(histogram: &mut Option<Histogram<u64>>, time: Duration) {
    let new = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are in order");
    histogram.get_or_insert_with(new).saturating_record(micros(time));
}

impl ClassGauge {
    /// Takes the latency of a request that is done.
    pub(crate) fn latency(&mut self, time: Duration, second: usize, phase: usize) {
        let new = || Histogram::new_with_bounds(1, LONGEST_US, 2).expect("the bounds are in order");
        at(&mut self.by_second, second).get_or_insert_with(new).saturating_record(micros(time));
        record(at(&mut self.by_phase, phase), time);
    }

    /// Takes a request that was answered as it should be at this time.
    pub(crate) fn answered_well(&mut self, now: Duration) {
        count(&mut self.good, now.as_secs() as usize);
        count(&mut self.good_tenths, (now.as_millis() / 100) as usize);
    }

    /// Longest time without a good answer between two moments, in seconds, to a tenth of one.
    pub(crate) fn silence(&self, from: f64, until: f64) -> f64 {
        let [from, until] = [from, until].map(|second| (second * 10.0) as usize);
        let good = (from..until).filter(|tenth| self.good_tenths.get(*tenth).is_some_and(|good| *good > 0));
        let (longest, last) =
            good.fold((0, from), |(longest, last), tenth| (longest.max(tenth - last), tenth));
        longest.max(until.saturating_sub(last)) as f64 / 10.0
    }

    fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.intended, other.intended),
            (&mut self.sent, other.sent),
            (&mut self.good, other.good),
            (&mut self.good_tenths, other.good_tenths),
            (&mut self.turned_away, other.turned_away),
            (&mut self.failed, other.failed),
        ];
        for (own, more) in pairs {
            for (second, value) in more.into_iter().enumerate() {
                *at(own, second) += value;
            }
        }
        self.shed.add(other.shed);
        sum(&mut self.lateness, other.lateness);
        self.again += other.again;
        self.bytes += other.bytes;
        for (status, number) in other.statuses {
            *self.statuses.entry(status).or_default() += number;
        }
        merge(&mut self.by_second, other.by_second);
        merge(&mut self.by_phase, other.by_phase);
    }
}

fn sum(own: &mut Option<Histogram<u64>>, more: Option<Histogram<u64>>) {
    match (own, more) {
        (Some(own), Some(more)) => own.add(more).expect("all have the same bounds"),
        (empty @ None, more) => *empty = more,
        _ => {}
    }
}

fn merge<T: hdrhistogram::Counter>(own: &mut Vec<Option<Histogram<T>>>, more: Vec<Option<Histogram<T>>>) {
    for (index, histogram) in more.into_iter().enumerate() {
        let Some(histogram) = histogram else { continue };
        match at(own, index) {
            Some(own) => own.add(histogram).expect("all have the same bounds"),
            empty => *empty = Some(histogram),
        }
    }
}

impl Gauges {
    /// Of so many classes.
    pub(crate) fn new(classes: usize) -> Self {
        Self { classes: vec![ClassGauge::default(); classes], ..Self::default() }
    }

    /// What was turned away of a class, or of none.
    pub(crate) fn shed_of(&mut self, class: Option<usize>) -> &mut Shed {
        class.map_or(&mut self.aside_shed, |class| &mut self.classes[class].shed)
    }

    /// Takes how late the worker saw a request of a class.
    pub(crate) fn late(&mut self, class: usize, by: Duration, second: usize) {
        record(&mut self.classes[class].lateness, by);
        let most = at(&mut self.late, second);
        *most = micros(by).max(*most);
    }

    /// The class of which the worker saw one request in a hundred latest, and how late that one or more was, in microseconds.
    pub(crate) fn latest(&self) -> Option<(usize, u64)> {
        let p99 = |(number, class): (usize, &ClassGauge)| {
            Some((number, class.lateness.as_ref()?.value_at_quantile(0.99)))
        };
        self.classes.iter().enumerate().filter_map(p99).max_by_key(|(_, late)| *late)
    }

    /// Takes how long a request waited for a connection.
    pub(crate) fn waited(&mut self, time: Duration) {
        record(&mut self.waited, time);
    }

    /// Adds what another worker measured. CPU shares stay apart: the greater one counts.
    pub(crate) fn add(&mut self, other: Self) {
        for (own, more) in self.classes.iter_mut().zip(other.classes) {
            own.add(more);
        }
        sum(&mut self.waited, other.waited);
        self.aside_shed.add(other.aside_shed);
        for (second, number) in other.aside.into_iter().enumerate() {
            *at(&mut self.aside, second) += number;
        }
        for (second, late) in other.late.into_iter().enumerate() {
            let own = at(&mut self.late, second);
            *own = late.max(*own);
        }
        for (own, more) in [(&mut self.cpu, other.cpu), (&mut self.starved, other.starved)] {
            for (second, share) in more.into_iter().enumerate() {
                let own = at(own, second);
                *own = share.max(*own);
            }
        }
        self.connections += other.connections;
        self.unanswered += other.unanswered;
        for (why, number) in other.refused {
            *self.refused.entry(why).or_default() += number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_add_up() {
        let (mut a, mut b) = (Gauges::new(1), Gauges::new(1));
        a.classes[0].latency(Duration::from_millis(5), 0, 0);
        b.classes[0].latency(Duration::from_millis(50), 2, 0);
        count(&mut b.classes[0].good, 2);
        b.late(0, Duration::from_millis(3), 1);
        a.add(b);
        let all = a.classes[0].by_phase[0].as_ref().unwrap();
        assert_eq!((all.len(), a.classes[0].good.as_slice()), (2, &[0, 0, 1][..]));
        assert!(a.classes[0].by_second[1].is_none() && a.classes[0].by_second[2].is_some());
        assert_eq!(a.late, [0, 3_000]);
        // To a thousandth, as histograms tell times.
        let latest = a.latest().map(|(class, us)| (class, us / 100));
        assert_eq!(latest, Some((0, 30)));
    }

    #[test]
    fn a_silence_is_as_long_as_nobody_was_answered() {
        let (mut a, mut b) = (Gauges::new(1), Gauges::new(1));
        (0..300).filter(|tenth| !(100..135).contains(tenth)).for_each(|tenth| {
            let worker = if tenth % 2 == 0 { &mut a } else { &mut b };
            worker.classes[0].answered_well(Duration::from_millis(tenth * 100 + 50));
        });
        a.add(b);
        let class = &a.classes[0];
        // The last one before it is of the tenth that ends with it.
        assert_eq!((class.silence(0.0, 30.0), class.good[10], class.good[13]), (3.6, 0, 5));
        // From a moment within it; before it; and with nobody after the last one.
        assert_eq!(
            [(11.0, 30.0), (0.0, 9.0), (20.0, 34.0)].map(|(from, until)| class.silence(from, until)),
            [2.5, 0.1, 4.1]
        );
    }
}
