//! Whether a scenario makes sense: what contradicts itself is refused before anything is started.

use std::collections::HashSet;

use anyhow::{Result, ensure};

use super::{Act, Bursts, Does, Event, Form, Load, Scenario};

impl Scenario {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.begins < self.ends, "the day ends before it begins");
        ensure!(!self.loads.is_empty() && !self.phases.is_empty(), "a day has a load and a phase at least");
        ensure!(self.phases[0].from <= self.begins, "the first phase begins after the day");
        ensure!(self.phases.is_sorted_by_key(|phase| phase.from), "the phases are not in order");
        each_once("phases", self.phases.iter().map(|phase| phase.name.as_str()))?;
        each_once("loads", self.loads.iter().map(|load| load.class.as_str()))?;
        self.check_stage()?;
        [self.long, self.short].iter().try_for_each(check_form)?;
        self.loads.iter().try_for_each(|load| self.check_load(load))?;
        self.events.iter().try_for_each(|event| self.check_event(event))?;
        self.caps.iter().try_for_each(|caps| caps.check(self))?;
        self.thresholds.iter().try_for_each(|threshold| threshold.check(self))
    }

    fn check_stage(&self) -> Result<()> {
        let stage = &self.stage;
        ensure!([1, 3].contains(&stage.nats), "NATS has 1 node or 3");
        ensure!(stage.cores > 0, "a stage has a core at least");
        ensure!(stage.cores == 1 || stage.nats == 3, "several cores need a NATS of 3 nodes");
        ensure!(
            stage.edges == 0 || stage.edges >= stage.cores,
            "there are as many edges as cores at least, or none"
        );
        let tills = self.loads.iter().find(|load| load.does.is_till());
        if let Some(Load { class, .. }) = tills {
            ensure!(stage.people > 0, "load {class} is of people, and `people` is 0");
        }
        Ok(())
    }

    fn check_load(&self, load: &Load) -> Result<()> {
        let Load { class, rate, from, until, rise_s, .. } = load;
        number(&format!("`rate` of {class}"), *rate)?;
        number(&format!("`rise_s` of {class}"), *rise_s)?;
        ensure!(*rate > 0.0 && from < until, "load {class} never comes");
        ensure!(
            *from < self.ends && *until > self.begins,
            "load {class} comes from {from} to {until}, outside the day from {} to {}",
            self.begins,
            self.ends
        );
        ensure!(load.terminals > 0, "load {class} comes from 0 terminals; write 1 at least");
        ensure!(
            load.asks_again == 0 || load.does == Does::DeskCheck,
            "load {class} can not ask again: only checks are given up; take `asks_again` out"
        );
        if let Some(Bursts { every_s, last_s, times }) = load.bursts {
            for value in [every_s, last_s, times] {
                number(&format!("a number in `bursts` of {class}"), value)?;
            }
            let fits = last_s > 0.0 && times >= 1.0 && last_s * times <= every_s;
            ensure!(fits, "the bursts of {class} alone are more than its mean rate");
        }
        Ok(())
    }

    fn check_event(&self, event: &Event) -> Result<()> {
        let Event { at, to, .. } = event;
        let (begins, ends) = (self.begins, self.ends);
        ensure!(
            (begins..ends).contains(at),
            "the event at {at} lies outside the day from {begins} to {ends}"
        );
        number(&format!("`for_s` of the event at {at}"), event.for_s)?;
        let stage = &self.stage;
        let nodes = numbered("nats", stage.nats);
        match event.act {
            Act::Kill | Act::Pause => {
                // The managed NATS is within its core.
                let nodes = if stage.nats == 1 { Vec::new() } else { nodes };
                one_of(
                    event,
                    &[numbered("core", stage.cores), numbered("edge", stage.edges), nodes].concat(),
                )?;
            }
            Act::Dawn => one_of(event, &numbered("core", stage.cores))?,
            Act::Drop => one_of(event, &["tills", "readers"].map(str::to_owned))?,
            Act::Fill => {
                ensure!(stage.disk_mib > 0, "to fill a disk needs a small one: `disk_mib`");
                one_of(event, &["disk".to_owned()])?;
            }
            Act::Migrate => ensure!(to.is_empty(), "a migration is of all outlets, and not of {to:?}"),
            Act::Partition => {
                ensure!(stage.nats == 3, "a partition needs a NATS of 3 nodes");
                ensure!(
                    nodes.contains(to),
                    "a partition is of a node of NATS, such as `nats 2`, and not {to:?}"
                );
                ensure!(Some(to) == self.cut_off().as_ref(), "one node alone can be cut off in a day");
            }
            Act::SlowFsync => {
                ensure!(
                    nodes.contains(to),
                    "slow_fsync is of a node of NATS, such as `nats 0`, and not {to:?}"
                );
                ensure!(event.each_ms > 0, "slow_fsync needs `each_ms`, by which each fsync takes longer");
            }
        }
        Ok(())
    }
}

fn check_form(form: &Form) -> Result<()> {
    let fits = form.scale > 0.0 && form.scale <= 1.0 && form.speed > 0.0 && form.speed.is_finite();
    ensure!(fits, "a scale lies between 0 and 1, and a speed above 0");
    Ok(())
}

/// What is measured or waited for is a number from 0 on.
pub(super) fn number(what: &str, value: f64) -> Result<()> {
    ensure!(value.is_finite() && value >= 0.0, "{what} is {value}; write a number from 0 on");
    Ok(())
}

/// Thresholds call loads and phases by name, so no name is there twice.
fn each_once<'a>(of: &str, mut names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut known = HashSet::new();
    let twice = names.find(|name| !known.insert(*name));
    ensure!(
        twice.is_none(),
        "two {of} are called {:?}; give each a name of its own",
        twice.unwrap_or_default()
    );
    Ok(())
}

fn numbered(sort: &str, number: usize) -> Vec<String> {
    (0..number).map(|one| format!("{sort} {one}")).collect()
}

fn one_of(event: &Event, names: &[String]) -> Result<()> {
    let Event { at, to, .. } = event;
    ensure!(names.contains(to), "the event at {at} names {to:?}; it can be of {}", names.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::catalog;

    /// What is said of a shipped scenario with a text in the place of another.
    fn wrong(from: &str, to: &str) -> String {
        let (_, text) = catalog::ALL[0];
        assert!(text.contains(from), "{from}");
        format!("{:#}", Scenario::parse(&text.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        let (_, text) = catalog::ALL[0];
        assert!(wrong("[stage]", "[stage]\nsize = 3").contains("size"));
        assert!(wrong("nats = 1", "nats = 2").contains("1 node or 3"));
        let few = "cores = 2\nedges = 1\nnats = 3";
        assert!(wrong("cores = 1\nedges = 1\nnats = 1", few).contains("as many edges"));
        assert!(wrong("class = \"sale\"", "class = \"sell\"").contains("sale"));
        assert!(wrong("times = 10", "times = 1000").contains("mean rate"));
        let with = |event: &str| {
            format!(
                "{:#}",
                Scenario::parse(&format!("{text}\n[[event]]\nat = \"08:30\"\n{event}")).unwrap_err()
            )
        };
        assert!(with("do = \"partition\"\nto = \"nats 0\"").contains("3 nodes"));
        assert!(with("do = \"slow_fsync\"\nto = \"core 0\"\neach_ms = 5").contains("node of NATS"));
        assert!(with("do = \"slow_fsync\"\nto = \"nats 0\"").contains("each_ms"));
        assert!(with("do = \"kill\"\nto = \"core 7\"").contains("core 0, edge 0"));
        assert!(with("do = \"pause\"\nto = \"nats 0\"").contains("core 0, edge 0"));
        assert!(with("do = \"dawn\"\nto = \"edge 0\"").contains("it can be of core 0"));
        assert!(with("do = \"drop\"\nto = \"people\"").contains("tills, readers"));
        assert!(with("do = \"fill\"\nto = \"disk\"").contains("disk_mib"));
        assert!(with("do = \"migrate\"\nto = \"core 0\"").contains("all outlets"));
        assert!(with("do = \"drop\"\nto = \"tills\"\nfor_s = -1").contains("from 0 on"));
        assert!(wrong("people = 51800000", "people = 0").contains("`people` is 0"));
        assert!(wrong("cores = 1", "cores = 0").contains("a core at least"));
        assert!(
            wrong("only = [\"post_check\"]", "only = [\"checks\"]").contains("\"checks\", which is no load")
        );
        assert!(wrong("at_least_percent = 25", "at_least_percent = 70").contains("from 0 to 100"));
        assert!(wrong("at_least_percent = 25", "at_least_percent = nan").contains("from 0 to 100"));
        assert!(wrong("at_most_percent = 65", "at_most_percent = 101").contains("from 0 to 100"));
        assert!(wrong("terminals = 43", "terminals = 0").contains("1 at least"));
        assert!(wrong("rate = 500", "rate = 500\nasks_again = 1").contains("only checks are given up"));
    }

    #[test]
    fn names_are_there_once_and_numbers_are_numbers() {
        let twice = wrong("class = \"apps_near\"", "class = \"apps_area\"");
        assert!(twice.contains("two loads are called \"apps_area\""), "{twice}");
        let twice = wrong("name = \"post_offices\"", "name = \"apps\"");
        assert!(twice.contains("two phases are called \"apps\""), "{twice}");
        for (from, to) in [
            ("rate = 500", "rate = inf"),
            ("rate = 500", "rate = -1"),
            ("every_s = 300", "every_s = inf"),
            ("rise_s = 180", "rise_s = -180"),
            ("at_most_ms = 1000", "at_most_ms = nan"),
            ("at_most_percent = 10", "at_most_percent = -10"),
            ("at_least_percent = 99.9", "at_least_percent = -1"),
        ] {
            let told = wrong(from, to);
            assert!(told.contains("from 0 on"), "{to}: {told}");
        }
        assert!(wrong("speed = 560", "speed = inf").contains("a speed above 0"));
    }

    #[test]
    fn nothing_lies_outside_the_day() {
        let (_, text) = catalog::ALL[0];
        for at in ["07:55", "09:20", "24:00"] {
            let event = format!("{text}\n[[event]]\nat = \"{at}\"\ndo = \"drop\"\nto = \"tills\"");
            let told = format!("{:#}", Scenario::parse(&event).unwrap_err());
            assert!(told.contains("outside the day"), "{at}: {told}");
        }
        for (from, until) in [("06:00", "07:56"), ("09:20", "09:30")] {
            let hours = format!("rate = 500\nfrom = \"{from}\"\nuntil = \"{until}\"");
            let moved = text.replacen("rate = 500\nfrom = \"07:56\"\nuntil = \"09:20\"", &hours, 1);
            let told = format!("{:#}", Scenario::parse(&moved).unwrap_err());
            assert!(told.contains("outside the day"), "{from}: {told}");
        }
    }
}
