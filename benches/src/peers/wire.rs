//! A client as lean as it can be, the same for every peer that speaks over a socket: requests are written as bytes, many
//! in one write; answers are told apart in what was read, and each is checked. On a machine that also runs the server,
//! what the client takes is missing there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::load::{Load, Tally};

/// Bytes that are read at once.
const READ: usize = 64 * 1024;

/// The language of a peer on one connection.
pub(crate) trait Wire: Send + 'static {
    /// Writes call `number`, whose answer will be known as that of `place`: a number below the calls in flight here.
    fn ask(&mut self, out: &mut Vec<u8>, place: usize, number: u64);

    /// Takes one answer off what was read: how many bytes it has, whose it is, and whether it is the one wanted. `None`
    /// where the rest is still to come.
    ///
    /// # Errors
    /// When it is no answer at all.
    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>>;
}

/// What was read.
pub(crate) struct Answer {
    /// Bytes.
    pub(crate) length: usize,
    /// Place of the call, and whether it succeeded; `None` where it is none, such as a ping.
    pub(crate) of: Option<(usize, bool)>,
}

/// Keeps `in_flight` calls under way for `seconds`, spread evenly over the connections, and waits for the last of them. No
/// two calls get the same number.
///
/// # Errors
/// When a connection fails, or an answer can not be understood or was not asked for.
pub(crate) async fn closed_loop<S, W>(lanes: Vec<(S, W)>, in_flight: usize, seconds: f64) -> Result<Load>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    W: Wire,
{
    let count = lanes.len();
    ensure!(count > 0 && in_flight >= count, "{in_flight} in flight over {count} connections");
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    all(lanes, |index, (stream, wire), tally| {
        let places = in_flight / count + usize::from(index < in_flight % count);
        Lane { stream, wire, next: index as u64, step: count as u64, open: vec![None; places] }
            .run(tally, end)
    })
    .await
}

/// Makes `per_second` calls a second for `seconds`, spread evenly over the connections, whether or not the server keeps up.
/// A call that waits for the one before it on its connection is timed from the moment when it was due.
///
/// # Errors
/// As [`closed_loop`].
pub(crate) async fn paced<S, W>(lanes: Vec<(S, W)>, per_second: f64, seconds: f64) -> Result<Load>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    W: Wire,
{
    let count = lanes.len();
    ensure!(count > 0 && per_second > 0.0, "{per_second} calls a second over {count} connections");
    let step = Duration::from_secs_f64(count as f64 / per_second);
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    all(lanes, |index, (stream, wire), tally| {
        let due = start + step.mul_f64(index as f64 / count as f64);
        Lane { stream, wire, next: index as u64, step: count as u64, open: vec![None] }
            .run_paced(tally, (due, step, end))
    })
    .await
}

/// Runs every lane on a task of its own, and adds up what they did.
async fn all<T, F>(lanes: Vec<T>, run: impl Fn(usize, T, Arc<Mutex<Tally>>) -> F) -> Result<Load>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let tally = Arc::new(Mutex::new(Tally::new()));
    let start = Instant::now();
    let lanes = lanes.into_iter().enumerate();
    let running: Vec<_> = lanes.map(|(n, lane)| tokio::spawn(run(n, lane, Arc::clone(&tally)))).collect();
    for lane in running {
        lane.await.context("a lane of the load panicked")??;
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(tally.load(start.elapsed()))
}

/// A connection and its calls.
struct Lane<S, W> {
    stream: S,
    wire: W,
    next: u64,
    step: u64,
    /// When the call of each place was made.
    open: Vec<Option<Instant>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin, W: Wire> Lane<S, W> {
    async fn run(mut self, tally: Arc<Mutex<Tally>>, end: Instant) -> Result<()> {
        let (mut out, mut read) = (Vec::new(), Vec::with_capacity(READ));
        for place in 0..self.open.len() {
            self.ask(&mut out, place, Instant::now());
        }
        let mut waiting = self.open.len();
        while waiting > 0 {
            if !out.is_empty() {
                self.stream.write_all(&out).await?;
                out.clear();
            }
            ensure!(self.stream.read_buf(&mut read).await? > 0, "the server closed the connection");
            waiting -= self.take(&mut read, &mut out, &tally, end)?;
        }
        Ok(())
    }

    /// One call after the other, each at its time or as soon after it as the one before has been answered.
    async fn run_paced(
        mut self,
        tally: Arc<Mutex<Tally>>,
        (mut due, step, end): (Instant, Duration, Instant),
    ) -> Result<()> {
        let (mut out, mut read) = (Vec::new(), Vec::with_capacity(READ));
        while due < end {
            let asked = if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
                // The timer's own lateness is not the server's.
                Instant::now()
            } else {
                due
            };
            self.ask(&mut out, 0, asked);
            self.stream.write_all(&out).await?;
            out.clear();
            while self.open[0].is_some() {
                ensure!(self.stream.read_buf(&mut read).await? > 0, "the server closed the connection");
                self.take(&mut read, &mut out, &tally, asked)?;
            }
            due += step;
        }
        Ok(())
    }

    /// Counts the answers that were read and makes a new call for each while there is time; returns how many places stay empty.
    fn take(
        &mut self,
        read: &mut Vec<u8>,
        out: &mut Vec<u8>,
        tally: &Mutex<Tally>,
        end: Instant,
    ) -> Result<usize> {
        let (now, mut taken, mut done) = (Instant::now(), 0, 0);
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(Answer { length, of }) = self.wire.answer(&read[taken..])? {
            taken += length;
            let Some((place, ok)) = of else { continue };
            let asked = self.open.get_mut(place).and_then(Option::take);
            tally.count(now - asked.context("an answer that nobody waits for")?, ok);
            if now < end {
                self.ask(out, place, now);
            } else {
                done += 1;
            }
        }
        read.drain(..taken);
        Ok(done)
    }

    fn ask(&mut self, out: &mut Vec<u8>, place: usize, now: Instant) {
        self.wire.ask(out, place, self.next);
        self.next += self.step;
        self.open[place] = Some(now);
    }
}
