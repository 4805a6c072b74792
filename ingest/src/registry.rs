//! Registry files: every row of a store list or of HIRA's register is kept or listed with its reason.

mod columns;
mod print;
mod reconcile;
mod rows;
mod table;

use schemas::registry::OutletInfo;
use serde::Serialize;

pub use print::FIRST_ROWS;
pub use reconcile::{Changed, Moved, Reconciliation, reconcile};

/// A registry file as it was understood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegistryFile {
    /// File name.
    pub source: String,
    /// Which of the known lists it is.
    pub layout: Layout,
    /// Rows that the file holds, its header and blank lines aside; those that `rows` lacks are in `findings`.
    pub rows_read: usize,
    /// The outlets, in the order of the file, each code once.
    #[serde(skip)]
    pub rows: Vec<OutletInfo>,
    /// All that is not as it should be, in the order of the file.
    pub findings: Vec<Finding>,
    /// [`digest`] of `rows`; in JSON 16 hexadecimal digits, for not every reader of JSON holds 64 bits.
    #[serde(serialize_with = "hexadecimal")]
    pub digest: u64,
}

/// Which list a file is, known by its column names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The `stores` list of the public-mask API of 2020: `addr, code, latitude, longitude, name, type`; a column of HIRA's
    /// ids may stand beside them.
    StoreList,
    /// HIRA's pharmacy register (약국정보서비스), with its own headers or English ones; all rows are pharmacies. A column
    /// `mask_code` (판매처코드) may stand beside them.
    HiraRegister,
}

/// One thing about a file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Line of the file (row of the sheet), from 1; the header's where it concerns the whole file.
    pub line: u64,
    /// The outlet, as the file writes its code; empty where it concerns the whole file or there is none.
    pub code: String,
    /// What is the matter.
    pub kind: FindingKind,
    /// The values that tell, for people.
    pub detail: String,
}

/// What can be the matter with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A quoted cell goes on over more lines, which are no rows of their own; the row is taken as it reads.
    SwallowedLines,
    /// Name or address is longer than [`MAX_TEXT_CHARS`]: the row is not taken.
    TooLong,
    /// The code is empty: the row is not taken.
    NoCode,
    /// The text is no valid code: the row is not taken.
    BadCode,
    /// The code stands further up already: the first row is taken.
    DuplicateCode,
    /// Name and address stand further up already under another code.
    DuplicatePlaceName,
    /// The name is empty.
    NoName,
    /// The type is none of those known; it is taken from the name.
    BadType,
    /// Name or address holds bytes that can not be read in the encoding of the file; they are replaced by `U+FFFD`.
    BadText,
    /// Latitude or longitude is empty: taken without a place.
    NoCoordinates,
    /// Not a number, or not within latitude 33 to 43 and longitude 124 to 132: taken without a place.
    ImpossibleCoordinates,
    /// Latitude and longitude stand in each other's column: corrected.
    SwappedCoordinates,
    /// The code that the other list gives the outlet is no valid one: taken without it.
    BadExternalId,
    /// The address names no district, or might mean several: taken without a region.
    NoRegion,
}

impl FindingKind {
    /// All kinds, gravest first.
    pub const ALL: [Self; 14] = [
        Self::SwallowedLines,
        Self::TooLong,
        Self::NoCode,
        Self::BadCode,
        Self::DuplicateCode,
        Self::DuplicatePlaceName,
        Self::NoName,
        Self::BadType,
        Self::BadText,
        Self::NoCoordinates,
        Self::ImpossibleCoordinates,
        Self::SwappedCoordinates,
        Self::BadExternalId,
        Self::NoRegion,
    ];

    /// The name in JSON and in print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SwallowedLines => "swallowed_lines",
            Self::TooLong => "too_long",
            Self::NoCode => "no_code",
            Self::BadCode => "bad_code",
            Self::DuplicateCode => "duplicate_code",
            Self::DuplicatePlaceName => "duplicate_place_name",
            Self::NoName => "no_name",
            Self::BadType => "bad_type",
            Self::BadText => "bad_text",
            Self::NoCoordinates => "no_coordinates",
            Self::ImpossibleCoordinates => "impossible_coordinates",
            Self::SwappedCoordinates => "swapped_coordinates",
            Self::BadExternalId => "bad_external_id",
            Self::NoRegion => "no_region",
        }
    }
}

/// Why a file can not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The compression is damaged or unknown.
    #[error("the file can not be unpacked: {0}")]
    Gzip(#[from] std::io::Error),
    /// Unpacked it is larger than any registry.
    #[error("the file unpacks to more than {} MiB", table::MAX_BYTES >> 20)]
    TooLarge,
    /// The workbook is damaged.
    #[error("the workbook can not be read: {0}")]
    Workbook(#[from] calamine::Error),
    /// The text is not CSV.
    #[error("the file is not CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A quote takes in all that follows.
    #[error(
        "the quote that opens a cell in line {line} is never closed, and takes in the {swallowed} lines after it: remove \
         it, or close the cell with another"
    )]
    OpenQuote {
        /// Line of the cell, from 1.
        line: u64,
        /// Lines after it, to the end of the file.
        swallowed: u64,
    },
    /// No line near the top names the columns.
    #[error(
        "no header with a code, a name, an address, a latitude and a longitude; the first line reads {0:?}"
    )]
    Columns(String),
}

/// Most characters of a name or an address; those of 2020 are shorter than 100.
pub const MAX_TEXT_CHARS: usize = 400;

/// A name or an address that is too long to be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} is {len} characters long, at most {MAX_TEXT_CHARS} are allowed")]
pub struct TooLong {
    /// Which of the two.
    what: &'static str,
    /// Its characters.
    len: usize,
}

/// Whether name and address are as short as such are.
///
/// # Errors
/// [`TooLong`] for the first that is not.
pub fn check_texts(name: &str, addr: &str) -> Result<(), TooLong> {
    let lengths = [("name", name), ("address", addr)].map(|(what, text)| (what, text.chars().count()));
    match lengths.into_iter().find(|(_, len)| *len > MAX_TEXT_CHARS) {
        Some((what, len)) => Err(TooLong { what, len }),
        None => Ok(()),
    }
}

/// Reads a store list (CSV) or HIRA's register (CSV or XLSX); CSV in UTF-8, with or without a mark, or CP949; any of them
/// in gzip. The content decides, not the file name, which is kept as the source.
///
/// # Errors
/// [`ReadError`] where no row can be understood; a defect of single rows is a [`Finding`].
pub fn read(bytes: &[u8], file_name: &str) -> Result<RegistryFile, ReadError> {
    let lines = table::lines(bytes)?;
    let (columns, body) = columns::find(&lines)?;
    let above = &lines[..lines.len() - body.len()];
    let (rows, findings) = rows::read(columns, above, body);
    Ok(RegistryFile {
        source: file_name.to_owned(),
        layout: columns.layout,
        rows_read: body.len(),
        digest: digest(&rows),
        rows,
        findings,
    })
}

fn hexadecimal<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:016x}"))
}

impl RegistryFile {
    /// How many findings of a kind there are.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> usize {
        self.findings.iter().filter(|finding| finding.kind == kind).count()
    }
}

/// Fingerprint of rows and their order, the same for every encoding and container of a list: FNV-1a, 64 bits
/// (RFC 9923), over the rows as JSON lines.
#[must_use]
pub fn digest(rows: &[OutletInfo]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash_line = |hash, row| {
        let line = serde_json::to_vec(row).expect("a row holds only text, finite numbers and lists");
        line.iter().chain(b"\n").fold(hash, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
    };
    rows.iter().fold(OFFSET_BASIS, hash_line)
}
