//! Which column holds what, found by its header.

use super::table::Line;
use super::{Layout, ReadError};

/// How far down a header may stand, below a title.
const HEADER_WITHIN: usize = 10;

const CODE: &[&str] = &["code"];
const HIRA_CODE: &[&str] = &["ykiho", "암호화요양기호", "암호화된요양기호", "요양기호"];
/// The code of the store lists, where it stands beside HIRA's.
const MASK_CODE: &[&str] = &["mask_code", "판매처코드"];
const NAME: &[&str] = &["name", "요양기관명", "약국명"];
const ADDR: &[&str] = &["addr", "주소"];
const LAT: &[&str] = &["latitude", "lat", "위도", "좌표(y)", "y좌표"];
const LNG: &[&str] = &["longitude", "lng", "경도", "좌표(x)", "x좌표"];
const KIND: &[&str] = &["type"];

/// Positions of the columns that are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) layout: Layout,
    /// Line of the header.
    pub(super) header: u64,
    pub(super) code: usize,
    pub(super) name: usize,
    pub(super) addr: usize,
    pub(super) lat: usize,
    pub(super) lng: usize,
    /// The type, which HIRA's register needs not have.
    pub(super) kind: Option<usize>,
    /// The code that the other list gives an outlet: HIRA's in a store list, that of the store lists in HIRA's register.
    pub(super) other: Option<usize>,
}

/// The columns, and the lines below their header.
pub(super) fn find(lines: &[Line]) -> Result<(Columns, &[Line]), ReadError> {
    let header = lines.iter().take(HEADER_WITHIN).enumerate();
    header.filter_map(|(at, line)| Some((of_header(line)?, &lines[at + 1..]))).next().ok_or_else(|| {
        ReadError::Columns(lines.first().map_or_else(String::new, |line| line.cells.join(",")))
    })
}

fn of_header(line: &Line) -> Option<Columns> {
    let names: Vec<String> = line.cells.iter().map(|cell| plain(cell)).collect();
    let column = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    let kind = column(KIND);
    let (layout, code, kind, other) = match (column(CODE).zip(kind), column(HIRA_CODE)) {
        (Some((code, kind)), hira) => (Layout::StoreList, code, Some(kind), hira),
        (None, Some(code)) => (Layout::HiraRegister, code, None, column(MASK_CODE)),
        (None, None) => return None,
    };
    let (name, addr, lat, lng) = (column(NAME)?, column(ADDR)?, column(LAT)?, column(LNG)?);
    Some(Columns { layout, header: line.number, code, name, addr, lat, lng, kind, other })
}

/// A header without blanks and in small letters.
fn plain(header: &str) -> String {
    header.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[&str]) -> Option<Columns> {
        let cells = headers.iter().map(|&text| text.to_owned()).collect();
        of_header(&Line { number: 1, cells, swallowed: 0 })
    }

    #[test]
    fn columns_are_found_in_any_order_under_either_language() {
        let list = found(&["addr", "code", "latitude", "longitude", "name", "type"]).unwrap();
        assert_eq!((list.layout, list.lat, list.lng, list.kind), (Layout::StoreList, 2, 3, Some(5)));
        let hira = found(&["암호화요양기호", "요양기관명", "주소", "좌표(X)", "좌표(Y)"]).unwrap();
        assert_eq!((hira.layout, hira.lng, hira.lat), (Layout::HiraRegister, 3, 4));
        let english = found(&["ykiho", "name", "type", "type_code", "addr", "lat", "lng"]).unwrap();
        assert_eq!((english.layout, english.kind, english.other), (Layout::HiraRegister, None, None));
    }

    #[test]
    fn either_list_may_tell_the_code_of_the_other() {
        let list = found(&["code", "name", "type", "addr", "lat", "lng", "암호화요양기호"]).unwrap();
        assert_eq!((list.layout, list.code, list.other), (Layout::StoreList, 0, Some(6)));
        let hira = found(&["ykiho", "name", "addr", "lat", "lng", "mask_code"]).unwrap();
        assert_eq!((hira.layout, hira.code, hira.other), (Layout::HiraRegister, 0, Some(5)));
    }

    #[test]
    fn a_header_without_a_needed_column_is_none() {
        assert!(found(&["addr", "code", "latitude", "longitude", "name"]).is_none());
        assert!(found(&["addr", "latitude", "longitude", "name", "type"]).is_none());
        assert!(found(&[]).is_none());
    }
}
