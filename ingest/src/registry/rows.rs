//! From lines of cells to outlets, with a finding for whatever is not as it should be.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use schemas::registry::{ExternalIds, OutletInfo, OutletType, Place};
use schemas::{IdError, OutletCode, region};

use super::columns::Columns;
use super::table::Line;
use super::{Finding, FindingKind, Layout, check_texts};

/// Most characters of a cell that a finding shows.
const SHOWN_CHARS: usize = 120;

/// The outlets of the lines below the header, and the findings; `above` is the header and what stands over it.
pub(super) fn read(columns: Columns, above: &[Line], lines: &[Line]) -> (Vec<OutletInfo>, Vec<Finding>) {
    let (columns, swapped) = columns_as_filled(columns, lines);
    let mut reading = Reading {
        columns,
        rows: Vec::with_capacity(lines.len()),
        findings: above.iter().filter_map(|line| swallowed(line, String::new())).chain(swapped).collect(),
        codes: HashMap::default(),
        shops: HashMap::default(),
    };
    for line in lines {
        reading.take(line);
    }
    (reading.rows, reading.findings)
}

/// The columns with latitude and longitude exchanged where most rows hold them so, and the finding that says it.
fn columns_as_filled(columns: Columns, lines: &[Line]) -> (Columns, Option<Finding>) {
    let count = |expected: fn(&Position) -> bool| {
        lines
            .iter()
            .filter(|line| expected(&position(cell(line, columns.lat), cell(line, columns.lng))))
            .count()
    };
    let swapped = count(|position| matches!(position, Position::Swapped(_)));
    let straight = count(|position| matches!(position, Position::At(_)));
    if swapped <= straight {
        return (columns, None);
    }
    let detail = format!(
        "latitude and longitude stand in each other's column in {swapped} of {} rows that have them; \
         read the other way round",
        swapped + straight
    );
    let finding =
        Finding { line: columns.header, code: String::new(), kind: FindingKind::SwappedCoordinates, detail };
    (Columns { lat: columns.lng, lng: columns.lat, ..columns }, Some(finding))
}

/// What is to be said where a line holds more than one.
fn swallowed(line: &Line, code: String) -> Option<Finding> {
    let cell = line.cells.iter().find(|cell| cell.contains(['\r', '\n']))?;
    let detail = format!(
        "a quoted cell goes on over {} more lines; if they are rows, a quote in this line is to go: {:?}",
        line.swallowed,
        shown(cell)
    );
    let kind = FindingKind::SwallowedLines;
    (line.swallowed > 0).then_some(Finding { line: line.number, code, kind, detail })
}

/// What has been read so far, for comparison with what comes.
struct Reading<'l> {
    columns: Columns,
    rows: Vec<OutletInfo>,
    findings: Vec<Finding>,
    /// Line of each code.
    codes: HashMap<&'l str, u64, FixedState>,
    /// Line of each name and address.
    shops: HashMap<(&'l str, &'l str), u64, FixedState>,
}

impl<'l> Reading<'l> {
    fn take(&mut self, line: &'l Line) {
        self.findings.extend(swallowed(line, self.written_code(line)));
        let (name, addr) = (cell(line, self.columns.name), cell(line, self.columns.addr));
        if let Err(error) = check_texts(name, addr) {
            return self.note(line, FindingKind::TooLong, format!("{error}: {}", self.shop(line)));
        }
        let Some(code) = self.code(line) else { return };
        self.look_at_texts(line, name, addr);
        let row = OutletInfo {
            kind: self.kind(line, name),
            place: self.place(line),
            region: region::of_address(addr),
            code,
            name: name.to_owned(),
            addr: addr.to_owned(),
            hours: None,
            external_ids: self.other(line).map(Box::new),
        };
        if row.region.is_none() {
            self.note(line, FindingKind::NoRegion, self.shop(line));
        }
        self.rows.push(row);
    }

    /// The code of a row that can be taken.
    fn code(&mut self, line: &'l Line) -> Option<OutletCode> {
        let text = cell(line, self.columns.code).trim();
        let shop = || self.shop(line);
        let (kind, detail) = match OutletCode::new(text) {
            Err(IdError::Empty { .. }) => (FindingKind::NoCode, shop()),
            Err(error) => (FindingKind::BadCode, format!("{error}: {}", shop())),
            Ok(code) => match self.codes.get(text) {
                Some(first) => {
                    (FindingKind::DuplicateCode, format!("first in line {first}; here {}", shop()))
                }
                None => {
                    self.codes.insert(text, line.number);
                    return Some(code);
                }
            },
        };
        self.note(line, kind, detail);
        None
    }

    /// What the other list calls it.
    fn other(&mut self, line: &Line) -> Option<ExternalIds> {
        let text = cell(line, self.columns.other?).trim();
        match OutletCode::new(text) {
            Ok(code) if self.columns.layout == Layout::StoreList => {
                Some(ExternalIds { hira: Some(code), ..ExternalIds::default() })
            }
            Ok(code) => Some(ExternalIds { mask: Some(code), ..ExternalIds::default() }),
            Err(IdError::Empty { .. }) => None,
            Err(error) => {
                self.note(line, FindingKind::BadExternalId, format!("{error}: {}", self.shop(line)));
                None
            }
        }
    }

    fn look_at_texts(&mut self, line: &'l Line, name: &'l str, addr: &'l str) {
        let first = *self.shops.entry((name, addr)).or_insert(line.number);
        if first != line.number {
            self.note(
                line,
                FindingKind::DuplicatePlaceName,
                format!("as in line {first}: {}", self.shop(line)),
            );
        }
        if name.trim().is_empty() {
            self.note(line, FindingKind::NoName, self.shop(line));
        }
        if name.contains('\u{fffd}') || addr.contains('\u{fffd}') {
            self.note(line, FindingKind::BadText, self.shop(line));
        }
    }

    fn kind(&mut self, line: &Line, name: &str) -> OutletType {
        let Some(column) = self.columns.kind else { return OutletType::Pharmacy };
        let written = cell(line, column).trim();
        // A sheet may have made a number of 01.
        OutletType::from_code(&format!("{written:0>2}")).unwrap_or_else(|| {
            let kind = kind_by_name(name);
            let detail = format!("{written:?}, taken as {} by the name {name:?}", kind.name());
            self.note(line, FindingKind::BadType, detail);
            kind
        })
    }

    fn place(&mut self, line: &Line) -> Option<Place> {
        let (lat, lng) = (cell(line, self.columns.lat), cell(line, self.columns.lng));
        let (kind, place) = match position(lat, lng) {
            Position::At(place) => return Some(place),
            Position::Swapped(place) => (FindingKind::SwappedCoordinates, Some(place)),
            Position::Missing => (FindingKind::NoCoordinates, None),
            Position::Impossible => (FindingKind::ImpossibleCoordinates, None),
        };
        self.note(line, kind, format!("latitude {lat:?}, longitude {lng:?}: {}", self.shop(line)));
        place
    }

    /// Name and address, for people.
    fn shop(&self, line: &Line) -> String {
        let (name, addr) = (cell(line, self.columns.name), cell(line, self.columns.addr));
        format!("{:?}, {:?}", shown(name), shown(addr))
    }

    fn written_code(&self, line: &Line) -> String {
        shown(cell(line, self.columns.code).trim())
    }

    fn note(&mut self, line: &Line, kind: FindingKind, detail: String) {
        let code = self.written_code(line);
        self.findings.push(Finding { line: line.number, code, kind, detail });
    }
}

fn cell(line: &Line, column: usize) -> &str {
    line.cells.get(column).map_or("", String::as_str)
}

/// A text, or the beginning of one that is long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// 우체국 is in the name of post offices, 농협 or 하나로마트 in that of marts.
fn kind_by_name(name: &str) -> OutletType {
    if name.contains("우체국") {
        OutletType::PostOffice
    } else if ["농협", "하나로", "축협"].iter().any(|word| name.contains(word)) {
        OutletType::Mart
    } else {
        OutletType::Pharmacy
    }
}

/// What a pair of cells says.
enum Position {
    At(Place),
    Swapped(Place),
    Missing,
    Impossible,
}

fn position(lat: &str, lng: &str) -> Position {
    let (lat, lng) = (lat.trim(), lng.trim());
    if lat.is_empty() || lng.is_empty() {
        return Position::Missing;
    }
    let (Ok(lat), Ok(lng)) = (lat.parse(), lng.parse()) else { return Position::Impossible };
    if in_bounds(Place { lat, lng }) {
        Position::At(Place { lat, lng })
    } else if in_bounds(Place { lat: lng, lng: lat }) {
        Position::Swapped(Place { lat: lng, lng: lat })
    } else {
        Position::Impossible
    }
}

/// The bounds of the open API of 2020, degrees. They do not overlap, so an exchange of the two is certain.
fn in_bounds(place: Place) -> bool {
    (33.0..=43.0).contains(&place.lat) && (124.0..=132.0).contains(&place.lng)
}
