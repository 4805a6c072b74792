//! One run from beginning to end: servers, first reports, load, faults, and what stands in the end.

mod cast;
mod held;
mod openings;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::aftermath;
use super::events::Events;
use super::generator::Shared;
use super::measured::Measured;
use super::progress::Progress;
use super::scenario::{Form, LONGEST_S, Scenario};
use super::schedule::Timeline;
use super::stage::{Stage, target};
use super::watch::{self, Pids, Watch};
use super::{Options, plain_http};
use crate::probe::Visible;
use cast::{Cast, Running};

/// After the last request came: how long tills may go on until all of them are answered.
const SETTLE: Duration = Duration::from_secs(60);
/// From the order to the first moment, in which threads and connections come up.
const LEAD: Duration = Duration::from_millis(100);
/// Time between two looks of the director.
const LOOK: Duration = Duration::from_millis(20);

/// Plays a scenario.
///
/// # Errors
/// When it is larger than any run may be, or has faults that can not be made at servers that run already.
pub(crate) fn play(scenario: &Scenario, form: Form, options: &Options) -> Result<Measured> {
    let timeline = Timeline::new(scenario, form);
    ensure!(form.scale > 0.0 && form.scale <= 1.0, "a scale lies between 0 and 1");
    ensure!(
        form.speed > 0.0 && form.speed.is_finite() && timeline.length <= LONGEST_S,
        "at this speed the day takes {:.0} s, and {LONGEST_S} s are the most; raise --speed",
        timeline.length
    );
    if !options.targets.is_empty() {
        target::can_play(scenario, &options.targets)?;
    }
    let mut measured = Measured::new(scenario, form, options.short, &timeline);
    measured.targets.clone_from(&options.targets);
    let mut progress = Progress::new(scenario);
    if let Err(error) = act(scenario, form, options, &timeline, &mut measured, &mut progress) {
        measured.void.push(format!("it could not be carried through: {error:#}"));
    }
    progress.end();
    Ok(measured)
}

fn act(
    scenario: &Scenario,
    form: Form,
    options: &Options,
    timeline: &Timeline,
    measured: &mut Measured,
    progress: &mut Progress,
) -> Result<()> {
    // Probes and signals live here; the load has threads of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let asked_to_stop = stop_on_signals(&runtime)?;
    let mut stage = match options.targets.is_empty() {
        true => Stage::start(&options.programs, scenario, form, &mut |words| progress.say(words))?,
        false => Stage::of_targets(&options.targets, options.targets_are_mine)?,
    };
    measured.parts = stage.parts.iter().map(|part| part.name.clone()).collect();
    let mut cast = Cast::new(scenario, form, timeline, &stage)?;
    measured.readers_alone = !cast.has_tills();
    if cast.has_tills() {
        progress.say("first reports of all outlets");
    }
    cast.open_shops().context("the first reports were not taken")?;
    wait_for_first_version(&stage, cast.opened())?;
    let pids: Pids = Arc::new(Mutex::new(Vec::new()));
    tell_pids(&stage, &pids);
    let visible = Visible::default();
    let probes = cast.probe(&runtime, &stage, &visible)?;
    let begins = match &scenario.caps {
        Some(caps) if cast.has_tills() => {
            progress.say("the caps of the day are applied");
            let of = (scenario.name.as_str(), form.scale);
            let (caps, begins) = openings::apply(caps, of, timeline, &stage.addresses.admins())?;
            measured.caps = Some(caps);
            begins
        }
        _ => Instant::now() + LEAD,
    };
    progress.say("the day begins");
    measured.began_ms = crate::fleet::now().0;
    measured.before_mib = watch::sizes(&pids);
    let shared = Arc::new(Shared::new(begins));
    let running = cast.play(&shared)?;
    let watch = Watch::start(stage.addresses.open.clone(), Arc::clone(&pids), shared.start);
    let mut events = Events::new(scenario, timeline);
    let day = Day { shared: &shared, timeline, pids: &pids, asked_to_stop: &asked_to_stop };
    let carried_through = day.direct(&running, &mut events, &mut stage, measured, progress);
    // Where it can not go on, what was heard so far is gathered nevertheless.
    shared.stop.fetch_or(carried_through.is_err(), Relaxed);
    probes.iter().for_each(tokio::task::JoinHandle::abort);
    measured.seen = watch.end();
    let start = shared.start;
    measured.visible_each = visible
        .each()
        .into_iter()
        .map(|(at, ms)| (at.saturating_duration_since(start).as_secs_f64(), ms))
        .collect();
    (measured.visible, measured.unseen) = (visible.whole_run(), visible.failed());
    running.end(measured)?;
    (measured.events, measured.remarks) = (events.done(), events.remarks());
    tell_holds(measured);
    measured.remarks.extend(held::remark(scenario, measured));
    carried_through?;
    if !measured.stopped {
        progress.say("comparing what was acknowledged with what is published");
    }
    compare(&stage, &events, &cast.probed, measured);
    Ok(())
}

/// What the director of a day needs.
struct Day<'a> {
    shared: &'a Shared,
    timeline: &'a Timeline,
    pids: &'a Pids,
    asked_to_stop: &'a AtomicBool,
}

impl Day<'_> {
    /// Lets everything happen at its moment, until everybody has finished or somebody stops the day.
    fn direct(
        &self,
        running: &Running,
        events: &mut Events,
        stage: &mut Stage,
        measured: &mut Measured,
        progress: &mut Progress,
    ) -> Result<()> {
        while !running.is_done() {
            std::thread::sleep(LOOK);
            measured.stopped |= self.asked_to_stop.load(Relaxed);
            self.shared.stop.fetch_or(measured.stopped, Relaxed);
            if events.look(self.shared, stage)? {
                tell_pids(stage, self.pids);
            }
            ended_alone(stage, events, &mut measured.faults);
            progress.show(self.shared, self.timeline);
        }
        events.make_good(self.shared, stage)
    }
}

fn compare(stage: &Stage, events: &Events, probed: &[String], measured: &mut Measured) {
    let registry = events.registry().unwrap_or(&stage.registry);
    let codes: Vec<&str> = registry.iter().map(|outlet| outlet.code.as_str()).collect();
    let others: Vec<&str> = probed.iter().map(String::as_str).collect();
    measured.registered = codes.len() as u64;
    if !measured.stopped {
        let open = &stage.addresses.open;
        measured.aftermath = Some(aftermath::compare(open, &measured.accounts, &codes, &others));
    }
}

/// Ctrl-C and SIGTERM end a run in order.
fn stop_on_signals(runtime: &tokio::runtime::Runtime) -> Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let asked = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&asked);
    let _inside = runtime.enter();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    runtime.spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.store(true, Relaxed);
    });
    Ok(asked)
}

/// What servers told of the opening is among what happened. Of one that was held to the end nobody saw that it went on.
fn tell_holds(measured: &mut Measured) {
    for (from, until) in measured.held() {
        measured.events.push((from as f64, "the opening is held: no further cohort joins".to_owned()));
        if until < measured.seen.samples.len() {
            measured.events.push((until as f64, "the opening goes on".to_owned()));
        }
    }
    measured.events.sort_by(|a, b| a.0.total_cmp(&b.0));
}

fn tell_pids(stage: &Stage, pids: &Pids) {
    *pids.lock().unwrap_or_else(PoisonError::into_inner) =
        stage.parts.iter().map(super::stage::part::Part::pid).collect();
}

/// Parts that ended and were not killed by us.
fn ended_alone(stage: &mut Stage, events: &Events, faults: &mut Vec<String>) {
    for part in &mut stage.parts {
        if events.has_killed(&part.name) {
            continue;
        }
        if let Some(how) = part.ended() {
            let words = format!("{} ended by itself ({how}): {}", part.name, part.last_words());
            if !faults.iter().any(|told| told.starts_with(&format!("{} ended", part.name))) {
                faults.push(words);
            }
        }
    }
}

/// Waits until every server that readers go to shows the first reports.
fn wait_for_first_version(stage: &Stage, version: u64) -> Result<()> {
    let started = Instant::now();
    for server in &stage.addresses.open {
        loop {
            let page = plain_http::get(*server, "/v1/status.json", Duration::from_secs(5));
            let page =
                page.ok().and_then(|(_, body)| serde_json::from_slice::<serde_json::Value>(&body).ok());
            if page.is_some_and(|page| page["version"].as_u64().is_some_and(|at| at >= version)) {
                break;
            }
            if started.elapsed() > SETTLE {
                bail!("the first reports are not shown after {} s", SETTLE.as_secs());
            }
            std::thread::sleep(LOOK);
        }
    }
    Ok(())
}
