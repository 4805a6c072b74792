//! What happens in a run on purpose, at its moment: faults and the operator's acts, and how each is made good.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use schemas::registry::OutletInfo;

use super::generator::Shared;
use super::plain_http;
use super::scenario::{Act, Event, Scenario};
use super::schedule::Timeline;
use super::stage::slow_disk::SlowDisk;
use super::stage::{Stage, flags};
use crate::registry;

/// What is said when a registry is imported, and when it is in force.
pub(crate) const IMPORT_BEGINS: &str = "another registry is imported";
pub(crate) const IN_FORCE: &str = "is in force";

/// How long an import may take.
const IMPORT_WITHIN: Duration = Duration::from_secs(120);

/// Events of a run, those to come and those to be made good.
pub(crate) struct Events {
    coming: Vec<(f64, Event)>,
    good_at: Vec<(f64, Event)>,
    done: Vec<(f64, String)>,
    remarks: Vec<String>,
    killed: Vec<String>,
    slow: Vec<(String, SlowDisk)>,
    /// Mornings so far, beyond the first.
    day: u32,
    next_registry: Option<Vec<OutletInfo>>,
    import: Option<JoinHandle<Result<String>>>,
}

impl Events {
    /// The events of a scenario in their real time.
    pub(crate) fn new(scenario: &Scenario, timeline: &Timeline) -> Self {
        let mut coming: Vec<(f64, Event)> =
            scenario.events.iter().map(|event| (timeline.seconds(event.at), event.clone())).collect();
        coming.sort_by(|a, b| b.0.total_cmp(&a.0));
        Self {
            coming,
            good_at: Vec::new(),
            done: Vec::new(),
            remarks: Vec::new(),
            killed: Vec::new(),
            slow: Vec::new(),
            day: 0,
            next_registry: None,
            import: None,
        }
    }

    /// Lets happen what is due; tells whether processes have changed.
    ///
    /// # Errors
    /// When an event names nobody, or can not be made to happen.
    pub(crate) fn look(&mut self, shared: &Shared, stage: &mut Stage) -> Result<bool> {
        let (now, mut changed) = (shared.start.elapsed().as_secs_f64(), false);
        while self.coming.last().is_some_and(|(at, _)| *at <= now) {
            let (_, event) = self.coming.pop().context("it was seen")?;
            self.happen(&event, shared, stage)?;
            self.done.push((now, words(&event)));
            if event.for_s > 0.0 {
                self.good_at.push((now + event.for_s, event));
            }
            changed = true;
        }
        let (due, later) = std::mem::take(&mut self.good_at).into_iter().partition(|(at, _)| *at <= now);
        self.good_at = later;
        for (_, event) in due {
            self.mend(&event, now, stage)?;
            changed = true;
        }
        self.look_at_import(now, false)?;
        Ok(changed)
    }

    /// Makes good what is left, at the end.
    ///
    /// # Errors
    /// When it can not be.
    pub(crate) fn make_good(&mut self, shared: &Shared, stage: &mut Stage) -> Result<()> {
        let now = shared.start.elapsed().as_secs_f64();
        for (_, event) in std::mem::take(&mut self.good_at) {
            self.mend(&event, now, stage)?;
        }
        self.look_at_import(now, true)
    }

    fn happen(&mut self, event: &Event, shared: &Shared, stage: &mut Stage) -> Result<()> {
        match event.act {
            Act::Kill => {
                stage.part(&event.to).with_context(|| nobody(event))?.kill();
                self.killed.push(event.to.clone());
            }
            Act::Pause => stage.part(&event.to).with_context(|| nobody(event))?.pause(true),
            Act::Partition => stage.island.as_ref().context("there is no node on an island")?.pull(true)?,
            Act::SlowFsync => {
                let node = stage.nats(&event.to).with_context(|| nobody(event))?;
                let slow = SlowDisk::attach(node, Duration::from_millis(event.each_ms.into()))?;
                self.slow.push((event.to.clone(), slow));
            }
            Act::Drop => {
                let counter = match event.to.as_str() {
                    "tills" => &shared.drop_tills,
                    "readers" => &shared.drop_readers,
                    _ => anyhow::bail!(nobody(event)),
                };
                counter.fetch_add(1, Relaxed);
            }
            Act::Fill => stage.disk.as_ref().context("there is no small disk to fill: `disk_mib`")?.fill()?,
            Act::Migrate => self.migrate(stage)?,
            Act::Dawn => {
                self.day += 1;
                stage
                    .part(&event.to)
                    .with_context(|| nobody(event))?
                    .again_with(flags::clock_of(self.day))?;
            }
        }
        Ok(())
    }

    fn mend(&mut self, event: &Event, now: f64, stage: &mut Stage) -> Result<()> {
        match event.act {
            Act::Kill => {
                stage.part(&event.to).with_context(|| nobody(event))?.again()?;
                self.killed.retain(|name| *name != event.to);
                self.done.push((now, format!("{} is started again", event.to)));
            }
            Act::Pause => {
                stage.part(&event.to).with_context(|| nobody(event))?.pause(false);
                self.done.push((now, format!("{} goes on", event.to)));
            }
            Act::Fill => {
                stage.disk.as_ref().context("there is a disk")?.empty();
                self.done.push((now, "the disk has room again".to_owned()));
            }
            Act::Partition => {
                stage.island.as_ref().context("there is an island")?.pull(false)?;
                self.done.push((now, format!("{} is connected again", event.to)));
            }
            Act::SlowFsync => {
                self.slow.retain(|(name, _)| *name != event.to);
                self.done.push((now, format!("the disk of {} is as it was", event.to)));
            }
            Act::Drop | Act::Migrate | Act::Dawn => {}
        }
        Ok(())
    }

    /// The operator imports the next registry through the admin port, while all runs.
    fn migrate(&mut self, stage: &Stage) -> Result<()> {
        let rows = next(&stage.registry);
        let [_, admin] = *stage.addresses.cores.first().context("there is no admin port for a migration")?;
        self.next_registry = Some(rows.clone());
        self.import = Some(std::thread::spawn(move || import(admin, &rows)));
        Ok(())
    }

    fn look_at_import(&mut self, now: f64, wait: bool) -> Result<()> {
        if let Some(import) = self.import.take_if(|import| wait || import.is_finished()) {
            let words =
                import.join().ok().context("the import broke down")?.context("importing another registry")?;
            self.done.push((now, words));
        }
        Ok(())
    }

    /// Whether this part was killed on purpose and not started again.
    pub(crate) fn has_killed(&self, name: &str) -> bool {
        self.killed.iter().any(|killed| killed == name)
    }

    /// The registry that was imported, if one was.
    pub(crate) fn registry(&self) -> Option<&Vec<OutletInfo>> {
        self.next_registry.as_ref()
    }

    /// What happened, by second.
    pub(crate) fn done(&self) -> Vec<(f64, String)> {
        self.done.clone()
    }

    /// Remarks for the report.
    pub(crate) fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

fn nobody(event: &Event) -> String {
    format!("an event names {:?}, and there is nobody of that name", event.to)
}

fn words(event: &Event) -> String {
    match event.act {
        Act::Kill => format!("{} is killed", event.to),
        Act::Pause => format!("{} stands still", event.to),
        Act::Partition => format!("{} is cut off", event.to),
        Act::SlowFsync => format!("each fsync of {} takes {} ms longer", event.to, event.each_ms),
        Act::Drop => format!("all connections of {} break", event.to),
        Act::Fill => "the disk is full".to_owned(),
        Act::Migrate => IMPORT_BEGINS.to_owned(),
        Act::Dawn => format!("{} is started again with the clock of the next morning", event.to),
    }
}

/// The list after a migration: every 30th outlet has left, every 10th has another name, and a twentieth has joined.
fn next(registry: &[OutletInfo]) -> Vec<OutletInfo> {
    let mut rows: Vec<OutletInfo> =
        registry.iter().enumerate().filter(|(n, _)| n % 30 != 29).map(|(_, row)| row.clone()).collect();
    for row in rows.iter_mut().step_by(10) {
        row.name = format!("새 {}", row.name);
    }
    let known: std::collections::HashSet<String> = registry.iter().map(|row| row.code.to_string()).collect();
    let joined = registry::synthetic(registry.len().div_ceil(20).max(1), 2025);
    rows.extend(joined.into_iter().filter(|row| !known.contains(row.code.as_str())));
    rows
}

fn import(admin: SocketAddr, rows: &[OutletInfo]) -> Result<String> {
    let mut body = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut body, row)?;
        body.push(b'\n');
    }
    let (status, answer) = plain_http::post(admin, "/registry?source=migration", &body, IMPORT_WITHIN)?;
    ensure!(status == 200, "the import was answered with {status}: {}", String::from_utf8_lossy(&answer));
    Ok(format!("the registry of {} outlets {IN_FORCE}", rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_migration_takes_leave_renames_and_adds() {
        let old = registry::synthetic(600, 1);
        let new = next(&old);
        let codes = |rows: &[OutletInfo]| rows.iter().map(|row| row.code.to_string()).collect::<HashSet<_>>();
        let (before, after) = (codes(&old), codes(&new));
        assert_eq!((before.difference(&after).count(), after.len()), (20, new.len()));
        assert!(after.difference(&before).count() >= 29 && new[0].name.starts_with("새 "));
    }
}
