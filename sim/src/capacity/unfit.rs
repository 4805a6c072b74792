//! Why nothing can be said from the reports that were given: each case with its name and the next step.

use std::path::PathBuf;

/// What is wrong with the reports.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The file can not be read.
    #[error(
        "{path} can not be read: {source}; next step: give the report.json, or the folder, of a `jaego rehearse`"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is something else.
    #[error(
        "{path} is no report of a rehearsal ({why}); next step: give the report.json of a `jaego rehearse`"
    )]
    NoReport {
        /// The file.
        path: PathBuf,
        /// What is not as it should be.
        why: String,
    },
    /// It was written before reports told each second.
    #[error(
        "{path} does not tell what happened in each second (its format is {found}, and {wanted} is needed); next step: play the scenario \
         again with this jaego"
    )]
    NoSeries {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The format that is read.
        wanted: &'static str,
    },
    /// Its servers were not its own, so nothing tells what they used.
    #[error(
        "{path} was played against servers that ran already, and nothing tells what those used; next step: play it without --target"
    )]
    NoParts {
        /// The file.
        path: PathBuf,
    },
    /// It says nothing.
    #[error(
        "{path} is void: {why}; next step: play it again on a quieter machine or with a smaller --scale; with --take-void it is taken, and \
         the page says so"
    )]
    Void {
        /// The file.
        path: PathBuf,
        /// Why it is void.
        why: String,
    },
    /// It is the short form.
    #[error(
        "{path} is of a short form, which is too brief and too small to measure; next step: play it again without --short; with \
         --take-void it is taken, and the page says so"
    )]
    Short {
        /// The file.
        path: PathBuf,
    },
    /// What its requests cost is half the cost of refusals.
    #[error(
        "{percent:.0} % of {class} were turned away in {path}: a refusal costs less than an answer; next step: play a scenario whose loads \
         are within its caps; with --take-void it is taken, and the page says so"
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// The class.
        class: String,
        /// How many of a hundred.
        percent: f64,
    },
    /// Reports of unlike stages or machines.
    #[error(
        "{path} had {this}, and {first} had {that}: what a request costs differs between them; next step: state them apart"
    )]
    AnotherStage {
        /// The file.
        path: PathBuf,
        /// Its stage.
        this: String,
        /// The first file.
        first: PathBuf,
        /// The stage of that.
        that: String,
    },
    /// The same run twice.
    #[error("{path} is the same run as {first}; next step: give each report once")]
    Twice {
        /// The file.
        path: PathBuf,
        /// The one before.
        first: PathBuf,
    },
    /// Not enough seconds.
    #[error(
        "{windows} seconds can be used, and {unknowns} costs need {needed} at least; next step: play a longer run, or give more reports"
    )]
    TooShort {
        /// Seconds that can be used.
        windows: usize,
        /// What is to be found.
        unknowns: usize,
        /// Seconds needed.
        needed: usize,
    },
    /// All classes rise and fall together.
    #[error(
        "the classes of these reports rise and fall together, so their costs can not be told apart; next step: give a report of \
         `jaego rehearse capacity-costs`"
    )]
    Together,
}
