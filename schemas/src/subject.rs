//! NATS subjects and stream names, written and read in one place.

use crate::caps::Class;
use crate::ids::{IdError, OutletCode};

/// Stream that holds the journal.
pub const JOURNAL_STREAM: &str = "JOURNAL";
/// Subject of every journal batch.
pub const JOURNAL: &str = "journal.v1";
/// Every message of a POS; no stream captures it, so no message body of a POS reaches a disk unread.
pub const POS_ALL: &str = "pos.v1.>";
/// Subjects that name no kind and outlet, whatever the kind: nothing else that a gateway subscribes to matches them.
pub const POS_STRAYS: [&str; 2] = ["pos.v1.*", "pos.v1.*.*.>"];
/// An outlet that is none: a core reports as it and looks when that is served. It is in no list and no total.
pub const PROBE_OUTLET: &str = "_probe";
/// Queue group of the gateways: each message reaches one of them.
pub const POS_QUEUE: &str = "gateway";
/// Stream that keeps the dead letters for a week.
pub const DEAD_STREAM: &str = "DEAD";
/// Every dead letter.
pub const DEAD_ALL: &str = "dead.v1.>";
/// Stream that keeps the last snapshots for edges.
pub const SNAPSHOTS_STREAM: &str = "SNAPSHOTS";
/// First part of each whole snapshot.
pub const KEYFRAMES: &str = "snapshots.v1.key";
/// The other parts of whole snapshots.
pub const KEYFRAME_PARTS: &str = "snapshots.v1.more";
/// What differs between versions, in parts.
pub const DELTAS: &str = "snapshots.v1.delta";
/// The status of a core, as often as it changes; no stream keeps it.
pub const CORE_STATUS: &str = "status.v1.core";
const POS_PREFIX: &str = "pos.v1.";
const DEAD_PREFIX: &str = "dead.v1.";

/// What a POS message is about: the third token of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PosKind {
    /// Absolute count.
    Report,
    /// Movement of the count.
    Delta,
    /// Sales suspended (판매중지).
    Pause,
    /// Sales resumed.
    Resume,
    /// Public words on how and when this outlet sells.
    Notice,
    /// A person buys.
    Claim,
    /// A person bought, on paper.
    Late,
    /// A number ticket (번호표) for a person.
    Reserve,
    /// A claim or reservation is taken back.
    Void,
    /// A reservation becomes a sale.
    Confirm,
    /// May this person buy?
    Check,
}

impl PosKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Report,
        Self::Delta,
        Self::Pause,
        Self::Resume,
        Self::Notice,
        Self::Claim,
        Self::Late,
        Self::Reserve,
        Self::Void,
        Self::Confirm,
        Self::Check,
    ];

    /// Whether messages of this kind are about a person.
    #[must_use]
    pub fn is_personal(self) -> bool {
        !matches!(self, Self::Report | Self::Delta | Self::Pause | Self::Resume | Self::Notice)
    }

    /// The class whose queue and share it has.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Report | Self::Delta | Self::Pause | Self::Resume | Self::Notice => Class::Stock,
            Self::Claim | Self::Late | Self::Reserve | Self::Void | Self::Confirm => Class::Sale,
            Self::Check => Class::Check,
        }
    }

    /// The subject token, which is also the metric label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Delta => "delta",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Notice => "notice",
            Self::Claim => "claim",
            Self::Late => "late",
            Self::Reserve => "reserve",
            Self::Void => "void",
            Self::Confirm => "confirm",
            Self::Check => "check",
        }
    }
}

/// A subject that names no kind and outlet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// Not of the form `pos.v1.<kind>.<outlet>`.
    #[error("the subject is not pos.v1.<kind>.<outlet>")]
    Shape,
    /// The kind is none that this server knows.
    #[error(
        "the subject names no known kind: use report, delta, pause, resume, notice, claim, late, reserve, void, confirm or check"
    )]
    Kind,
    /// The outlet is no valid code.
    #[error("the subject's outlet is not valid: {0}")]
    Outlet(IdError),
}

/// Subject on which an outlet sends messages of a kind.
#[must_use]
pub fn pos(kind: PosKind, outlet: &OutletCode) -> String {
    format!("{POS_PREFIX}{}.{outlet}", kind.name())
}

/// What a gateway subscribes to for one kind.
#[must_use]
pub fn pos_of(kind: PosKind) -> String {
    format!("{POS_PREFIX}{}.*", kind.name())
}

/// Reads kind and outlet out of a POS subject.
///
/// # Errors
/// [`BadSubject`] says which part is wrong.
pub fn parse_pos(subject: &str) -> Result<(PosKind, &str), BadSubject> {
    let rest = subject.strip_prefix(POS_PREFIX).ok_or(BadSubject::Shape)?;
    let (kind, outlet) = rest.split_once('.').ok_or(BadSubject::Shape)?;
    let kind = PosKind::ALL.into_iter().find(|k| k.name() == kind).ok_or(BadSubject::Kind)?;
    OutletCode::check(outlet).map_err(BadSubject::Outlet)?;
    Ok((kind, outlet))
}

/// Subject of the dead letters that were turned away for this reason.
#[must_use]
pub fn dead(reason: crate::pos::Reason) -> String {
    format!("{DEAD_PREFIX}{}", reason.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_subject_is_read_back() {
        let outlet = OutletCode::new("34840559").unwrap();
        for kind in PosKind::ALL {
            assert_eq!(parse_pos(&pos(kind, &outlet)), Ok((kind, "34840559")));
        }
    }

    #[test]
    fn a_wrong_subject_says_which_part_is_wrong() {
        assert_eq!(parse_pos("pos.v2.report.1"), Err(BadSubject::Shape));
        assert_eq!(parse_pos("pos.v1.report"), Err(BadSubject::Shape));
        assert_eq!(parse_pos("pos.v1.rep0rt.1"), Err(BadSubject::Kind));
        assert!(matches!(parse_pos("pos.v1.report.1.2"), Err(BadSubject::Outlet(_))));
    }
}
