//! From the bytes of a file to lines of text cells, whatever its container and encoding.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use calamine::{Data, Reader};
use encoding_rs::{EUC_KR, Encoding};

use super::ReadError;

/// Largest unpacked file; the lists of 2020 are below 5 MB.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// One line of a file, or row of a sheet.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it starts, from 1.
    pub(super) number: u64,
    pub(super) cells: Vec<String>,
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

/// UTF-8 or UTF-16 by its mark, UTF-8 where it is valid, else CP949, which the Encoding Standard calls EUC-KR.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    if Encoding::for_bom(bytes).is_none() && std::str::from_utf8(bytes).is_err() {
        return EUC_KR.decode_without_bom_handling(bytes).0;
    }
    encoding_rs::UTF_8.decode(bytes).0
}

fn csv_lines(text: &str) -> Result<Vec<Line>, ReadError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut ruler = Ruler { text: text.as_bytes(), at: 0, line: 1 };
    let mut line = |record: csv::StringRecord| Line {
        number: ruler.line_at(record.position().map_or(0, csv::Position::byte)),
        cells: record.iter().map(str::to_owned).collect(),
    };
    Ok(reader.records().map(|record| record.map(&mut line)).collect::<Result<_, _>>()?)
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
        self.line += passed.iter().filter(|b| **b == b'\n').count() as u64;
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
        .map(|(number, row)| Line { number, cells: row.iter().map(Data::to_string).collect() })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
}
