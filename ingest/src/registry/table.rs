//! From the bytes of a file to lines of text cells, whatever its container and encoding.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use calamine::{Data, Reader};
use encoding_rs::{EUC_KR, Encoding, UTF_8};

use super::ReadError;

/// Largest unpacked file; the lists of 2020 are below 5 MB.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// One line of a file, or row of a sheet.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it starts, from 1.
    pub(super) number: u64,
    pub(super) cells: Vec<String>,
    /// Lines of a CSV file after the first that stand within its cells, by quotes.
    pub(super) swallowed: u64,
}

/// All lines that are not blank.
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<Line>, ReadError> {
    let bytes = unpacked(bytes)?;
    let mut lines = if is_workbook(&bytes) { sheet_lines(&bytes)? } else { csv_lines(&text(&bytes))? };
    lines.retain(|line| line.cells.iter().any(|cell| !cell.trim().is_empty()));
    Ok(lines)
}

fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut unpacked)?;
    if unpacked.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(Cow::Owned(unpacked)) }
}

/// Whether these are the first bytes of a zip (XLSX) or of an OLE container (XLS).
fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0])
}

/// UTF-8 or UTF-16 by its mark, UTF-8 where it is valid; else UTF-8 or CP949, which the Encoding Standard calls EUC-KR:
/// whichever reads more of it, so that one damaged byte does not make another text of the whole file.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let utf8 = UTF_8.decode(bytes).0;
    if Encoding::for_bom(bytes).is_some() || std::str::from_utf8(bytes).is_ok() {
        return utf8;
    }
    let cp949 = EUC_KR.decode_without_bom_handling(bytes).0;
    if unread(&cp949) < unread(&utf8) { cp949 } else { utf8 }
}

/// How many places of a text could not be read.
fn unread(text: &str) -> usize {
    text.matches('\u{fffd}').count()
}

fn csv_lines(text: &str) -> Result<Vec<Line>, ReadError> {
    if let Some((line, swallowed)) = open_quote(text.as_bytes()) {
        return Err(ReadError::OpenQuote { line, swallowed });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut ruler = Ruler { text: text.as_bytes(), at: 0, line: 1 };
    let mut line = |record: csv::StringRecord| Line {
        number: ruler.line_at(record.position().map_or(0, csv::Position::byte)),
        cells: record.iter().map(str::to_owned).collect(),
        swallowed: record.iter().map(|cell| line_ends(cell.as_bytes())).sum(),
    };
    Ok(reader.records().map(|record| record.map(&mut line)).collect::<Result<_, _>>()?)
}

/// Line ends, of one character or of two.
fn line_ends(text: &[u8]) -> u64 {
    let ends = |at: &usize| match text[*at] {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..text.len()).filter(ends).count() as u64
}

/// Where in a cell of CSV one is, as the `csv` crate takes it.
#[derive(Clone, Copy)]
enum Within {
    Begin,
    Plain,
    /// From this byte on.
    Quoted(usize),
    /// After a quote that ends the cell, or is the first of two: in a cell quoted from this byte on.
    AfterQuote(usize),
}

/// The line of a cell whose quotes are never closed, and how many lines after that one it takes in.
fn open_quote(text: &[u8]) -> Option<(u64, u64)> {
    let end = text.iter().enumerate().fold(Within::Begin, |within, (at, byte)| match (within, byte) {
        (Within::Begin, b'"') => Within::Quoted(at),
        (Within::Quoted(from), b'"') => Within::AfterQuote(from),
        (Within::AfterQuote(from), b'"') | (Within::Quoted(from), _) => Within::Quoted(from),
        (_, b',' | b'\r' | b'\n') => Within::Begin,
        _ => Within::Plain,
    });
    let Within::Quoted(from) = end else { return None };
    let cell = text[from..].trim_ascii_end();
    Some((1 + line_ends(&text[..from]), line_ends(cell)))
}

/// Counts lines along a text; the positions of the `csv` crate are one short after a line end of two characters.
struct Ruler<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Ruler<'_> {
    /// Line of the first character at or after `byte` that is no line end; bytes are asked for in rising order.
    fn line_at(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).clamp(self.at, self.text.len());
        let blank = self.text[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let passed = &self.text[self.at..from + blank];
        self.line += line_ends(passed);
        self.at = from + blank;
        self.line
    }
}

/// The rows of the first sheet.
fn sheet_lines(bytes: &[u8]) -> Result<Vec<Line>, ReadError> {
    let mut workbook = calamine::open_workbook_auto_from_rs(Cursor::new(bytes))?;
    let Some(sheet) = workbook.worksheet_range_at(0) else { return Ok(Vec::new()) };
    let sheet = sheet?;
    let first = u64::from(sheet.start().map_or(0, |(row, _)| row)) + 1;
    Ok((first..)
        .zip(sheet.rows())
        .map(|(number, row)| Line { number, cells: row.iter().map(Data::to_string).collect(), swallowed: 0 })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        lines(bytes).unwrap().into_iter().map(|line| line.cells).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_cells() {
        let text = "code,name\n1,\"혜약국 <간>, 뷁\"\n";
        let expected = cells(text.as_bytes());
        let cp949 = EUC_KR.encode(text).0;
        assert_ne!(&*cp949, text.as_bytes());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&cp949).unwrap();
        assert_eq!(cells(&cp949), expected);
        assert_eq!(cells(format!("\u{feff}{text}").as_bytes()), expected);
        assert_eq!(cells(&gzip.finish().unwrap()), expected);
        assert_eq!(expected[1], ["1", "혜약국 <간>, 뷁"]);
    }

    #[test]
    fn blank_lines_are_left_out_and_counted() {
        let numbers: Vec<u64> =
            lines(b"a,b\n\n,\n1,\"x\ny\"\n2,z\n").unwrap().iter().map(|l| l.number).collect();
        assert_eq!(numbers, [1, 4, 6]);
    }

    #[test]
    fn a_damaged_byte_does_not_change_the_encoding_of_the_rest() {
        let list = "code,name\n1,가약국\n2,나약국\n3,다약국\n";
        for whole in [list.as_bytes().to_vec(), EUC_KR.encode(list).0.into_owned()] {
            let first = whole.iter().position(|byte| !byte.is_ascii()).unwrap();
            let missing = [&whole[..first], &whole[first + 1..]].concat();
            let rows = cells(&missing);
            assert_eq!(rows[2..], [["2", "나약국"], ["3", "다약국"]]);
            assert_eq!(
                (rows.len(), rows[0].as_slice()),
                (4, ["code".to_owned(), "name".to_owned()].as_slice())
            );
        }
        let cut = &list.as_bytes()[..list.len() - 2];
        let rows = cells(cut);
        assert_eq!(rows[..3], cells(list.as_bytes())[..3]);
        assert_eq!(rows[3], ["3", "다약\u{fffd}"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_with_its_line() {
        let tell = |text: &str| match lines(text.as_bytes()) {
            Err(ReadError::OpenQuote { line, swallowed }) => Some((line, swallowed)),
            _ => None,
        };
        assert_eq!(tell("a,b\r\n1,\"x\r\n2,y\r\n3,z\r\n"), Some((2, 2)));
        assert_eq!(tell("a,\"b\nc\",\"d\n1,\"\"x\n"), Some((2, 1)));
        assert_eq!(tell("a,b\n1,\"x"), Some((2, 0)));
        assert_eq!(tell("a,\"b\"\n1,x\"\n2,\"y\"z\n"), None);
    }

    #[test]
    fn lines_within_cells_are_counted() {
        let swallowed =
            |text: &str| lines(text.as_bytes()).unwrap().iter().map(|l| l.swallowed).collect::<Vec<_>>();
        assert_eq!(swallowed("a,b\n1,\"x\n2,y\n3,\"z\n"), [0, 2]);
        assert_eq!(swallowed("a,b\r\n\"1\r\n\",\"x\r\ny\"\r\n2,z\r\n"), [0, 2, 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_line_begins_a_row_or_is_counted_in_one(text in "[a\",\r\n]{0,40}") {
            let marked = format!("{text}\nEND\n");
            let mut marked =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(marked.as_bytes());
            let last = marked.records().last().unwrap().unwrap();
            let read = csv_lines(&text);
            prop_assert_eq!(read.is_ok(), last == vec!["END"]);
            let Ok(read) = read else { return Ok(()) };
            let physical = text.split(['\r', '\n']).filter(|line| !line.is_empty()).count() as u64;
            let told: u64 = read.iter().map(|line| 1 + line.swallowed).sum();
            let blank = line_ends(text.as_bytes()) + 1 - physical;
            prop_assert!(physical <= told && told <= physical + blank, "{} lines, {} told", physical, told);
        }
    }
}
