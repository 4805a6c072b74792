//! A running day on disk: one Zstandard frame with a checksum for each version, so that a torn end is known and cut off.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::lines::{Rows, Told, take_in};

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;
/// Speed before size: a day is compressed again when it is over.
const LEVEL: i32 = 3;

/// The lines of one version as a frame.
pub(crate) fn frame(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(text)
}

/// Reads the whole frames from a place on. Returns where the last of them ends.
///
/// # Errors
/// When the file can not be read. A frame that is damaged or torn is no error: it is the end.
pub(crate) fn scan(path: &Path, from: u64, mut each: impl FnMut(Told)) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut input = Counted { input: BufReader::with_capacity(BUFFER, file), read: from };
    let mut end = from;
    let mut text = Vec::new();
    while !input.fill_buf()?.is_empty() {
        text.clear();
        let mut frame = zstd::Decoder::with_buffer(&mut input)?.single_frame();
        let whole = match frame.read_to_end(&mut text) {
            Ok(_) => true,
            // The disk, not the bytes: what is there must not be taken for torn.
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(_) => false,
        };
        drop(frame);
        let Some(told) = whole.then(|| Told::read(&text)).flatten() else { break };
        end = input.read;
        each(told);
    }
    Ok(end)
}

/// All lines of a day, one after another.
///
/// # Errors
/// When the file can not be read, or what `each` says.
pub(crate) fn lines(path: &Path, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let decoder = zstd::Decoder::new(File::open(path)?)?;
    let mut input = BufReader::with_capacity(BUFFER, decoder);
    let mut line = Vec::with_capacity(1024);
    while input.read_until(b'\n', &mut line)? > 0 {
        each(&line)?;
        line.clear();
    }
    Ok(())
}

/// The rows at the end of a day.
///
/// # Errors
/// When the file can not be read or understood.
pub(crate) fn rows_at_the_end(path: &Path) -> io::Result<Rows> {
    let mut rows = Rows::new();
    lines(path, |line| take_in(&mut rows, line).map_err(io::Error::from))?;
    Ok(rows)
}

/// Counts what is taken out of a buffer.
struct Counted<R> {
    input: R,
    read: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.read += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount as u64;
        self.input.consume(amount);
    }
}
