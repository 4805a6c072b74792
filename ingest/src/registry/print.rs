//! The reports as text: a count for each heading, then the first rows under it.

use std::fmt::{self, Display, Formatter};

use schemas::region;
use schemas::registry::{OutletInfo, RegionCode};

use super::{Changed, FindingKind, Layout, Moved, Reconciliation, RegistryFile};

/// How many rows are printed under each heading; JSON holds them all.
pub const FIRST_ROWS: usize = 10;

impl Display for RegistryFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let layout = match self.layout {
            Layout::StoreList => "store list",
            Layout::HiraRegister => "HIRA register",
        };
        writeln!(f, "{}: {layout}, digest {:016x}", self.source, self.digest)?;
        count(f, "rows in the file", self.rows_read)?;
        count(f, "outlets taken", self.rows.len())?;
        for kind in FindingKind::ALL {
            self.section(f, kind)?;
        }
        Ok(())
    }
}

impl RegistryFile {
    fn section(&self, f: &mut Formatter<'_>, kind: FindingKind) -> fmt::Result {
        let found = self.findings.iter().filter(|finding| finding.kind == kind);
        let rows: Vec<String> = found
            .map(|finding| format!("line {:<7} {:<12} {}", finding.line, finding.code, finding.detail))
            .collect();
        section(f, kind.name(), &rows, String::clone)
    }
}

impl Display for Reconciliation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        count(f, "outlets before", self.old)?;
        count(f, "outlets after", self.new)?;
        count(f, "in both", self.in_both)?;
        section(f, "added", &self.added, outlet)?;
        section(f, "removed", &self.removed, outlet)?;
        section(f, "moved > 1 km", &self.moved, moved)?;
        count(f, "moved > 50 km", self.moved_over_50_km)?;
        count(f, "position changed at all", self.position_changed)?;
        count(f, "position found", self.position_found)?;
        count(f, "position lost", self.position_lost)?;
        section(f, "renamed", &self.renamed, renamed)?;
        section(f, "retyped", &self.retyped, |row| changed(row, |kind| kind.name().to_owned()))?;
        section(f, "region changed", &self.region_changed, |row| changed(row, |code| place_name(*code)))?;
        count(f, "address text changed", self.address_changed)
    }
}

fn count(f: &mut Formatter<'_>, heading: &str, number: usize) -> fmt::Result {
    writeln!(f, "{heading:<24} {number:>7}")
}

/// A heading with its count, and the first rows.
fn section<T>(f: &mut Formatter<'_>, heading: &str, rows: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    count(f, heading, rows.len())?;
    for row in rows.iter().take(FIRST_ROWS) {
        writeln!(f, "    {}", line(row))?;
    }
    if rows.len() > FIRST_ROWS {
        writeln!(f, "    and {} more (--json lists all)", rows.len() - FIRST_ROWS)?;
    }
    Ok(())
}

fn outlet(row: &OutletInfo) -> String {
    format!("{:<12} {:<11} {} | {}", row.code.as_str(), row.kind.name(), row.name, row.addr)
}

fn moved(row: &Moved) -> String {
    let Moved { code, name, metres, from, to } = row;
    let km = metres / 1_000.0;
    let places = format!("{}, {} -> {}, {}", from.lat, from.lng, to.lat, to.lng);
    format!("{:<12} {km:>9.1} km  {name} | {places}", code.as_str())
}

fn renamed(row: &Changed<String>) -> String {
    format!("{:<12} {} -> {}", row.code.as_str(), row.from, row.to)
}

fn changed<T>(row: &Changed<T>, show: impl Fn(&T) -> String) -> String {
    format!("{:<12} {} -> {}  {}", row.code.as_str(), show(&row.from), show(&row.to), row.name)
}

fn place_name(code: Option<RegionCode>) -> String {
    match code.and_then(region::by_code) {
        Some(region) if region.sido == region.sigungu => region.sido.to_owned(),
        Some(region) => format!("{} {}", region.sido, region.sigungu),
        None => "none".to_owned(),
    }
}
