//! What a person at the terminal sees meanwhile: one line that moves, or plain lines now and then where nobody sits at a terminal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::generator::Shared;
use super::scenario::Scenario;
use super::schedule::Timeline;
use super::verdict::{Judged, Judgement, Verdict};

const BAR: usize = 24;
/// Time between two lines where nobody sits at a terminal.
const PLAIN: Duration = Duration::from_secs(5);
/// Time between two pictures of the line that moves.
const MOVING: Duration = Duration::from_millis(200);

/// Progress on standard error.
pub(crate) struct Progress {
    moving: bool,
    phases: Vec<String>,
    shown: Instant,
    before: (Instant, u64),
    dirty: bool,
}

impl Progress {
    /// Of a scenario; says which.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let progress = Self {
            moving: io::stderr().is_terminal(),
            phases: scenario.phases.iter().map(|phase| phase.title.en.clone()).collect(),
            shown: Instant::now(),
            before: (Instant::now(), 0),
            dirty: false,
        };
        say(&format!("{} · {}", scenario.title.ko, scenario.title.en));
        progress
    }

    /// Says what is being done.
    pub(crate) fn say(&mut self, words: &str) {
        self.end();
        say(words);
    }

    /// Shows where the run is.
    pub(crate) fn show(&mut self, shared: &Shared, timeline: &Timeline) {
        if self.shown.elapsed() < if self.moving { MOVING } else { PLAIN } {
            return;
        }
        self.shown = Instant::now();
        let now = shared.start.elapsed().as_secs_f64();
        let sent = shared.sent.load(Relaxed);
        let rate = (sent - self.before.1.min(sent)) as f64 / self.before.0.elapsed().as_secs_f64().max(0.001);
        self.before = (Instant::now(), sent);
        let phase =
            if now > timeline.length { "until all are answered" } else { &self.phases[timeline.phase(now)] };
        let line = format!(
            "{} {now:4.0} of {:.0} s · {phase} · {rate:.0}/s · {} good · {} not · {} open",
            bar(now / timeline.length),
            timeline.length,
            shared.good.load(Relaxed),
            shared.failed.load(Relaxed),
            shared.open.load(Relaxed)
        );
        if self.moving {
            // Cut to nothing and written anew; who can not be written to is gone, and the run goes on.
            let _gone = write!(io::stderr(), "\r\x1b[2K{line}").and_then(|()| io::stderr().flush());
            self.dirty = true;
        } else {
            say(&line);
        }
    }

    /// Leaves the line that moves.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.dirty) {
            say("");
        }
    }
}

fn say(words: &str) {
    // Who can not be written to is gone, and the run goes on.
    let _gone = writeln!(io::stderr(), "{words}");
}

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * BAR as f64) as usize;
    format!("[{}{}]", "█".repeat(full), "·".repeat(BAR - full))
}

/// Says the verdict, and where the report is if it could be written.
pub(crate) fn verdict(judgement: &Judgement, report: Option<&Path>) {
    // Who can not be written to has the report.
    let _gone = io::stdout().write_all(verdict_in_words(judgement, report).as_bytes());
}

fn verdict_in_words(judgement: &Judgement, report: Option<&Path>) -> String {
    let mut out = String::new();
    for row in &judgement.rows {
        let mark = match row.judged {
            Judged::Held => "ok    ",
            Judged::Broken => "BROKEN",
            Judged::NotJudged => "told  ",
        };
        out += &format!("{mark} {}: {} (allowed {})\n", row.what, row.measured, row.allowed);
    }
    for why in &judgement.void {
        out += &format!("void   {why}\n");
    }
    out += match judgement.verdict {
        Verdict::Passed => "PASSED: everything held\n",
        Verdict::Broken => "BROKEN: see above\n",
        Verdict::Void => "VOID: this run says nothing; see above\n",
    };
    if let Some(folder) = report {
        out += &format!("report: {}\n", folder.join("report.html").display());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_told_with_and_without_a_report() {
        let judgement = Judgement { verdict: Verdict::Passed, void: Vec::new(), rows: Vec::new() };
        assert_eq!(verdict_in_words(&judgement, None), "PASSED: everything held\n");
        let told = verdict_in_words(&judgement, Some(Path::new("out")));
        assert_eq!(told, "PASSED: everything held\nreport: out/report.html\n");
    }

    #[test]
    fn a_bar_is_as_full_as_the_day_is_over() {
        assert_eq!(bar(0.5).matches('█').count(), BAR / 2);
        assert_eq!(bar(7.0).matches('·').count(), 0);
    }
}
