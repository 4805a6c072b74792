//! A day that is over: written anew as the two files that never change, listed beside them, and old days dropped.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{Days as Span, NaiveDate};
use sha2::{Digest, Sha256};

use super::columns::Table;
use super::day::{Day, DayFile, Format};
use super::frames;
use super::lines::Told;
use super::running::{Running, has_room};

/// Size before speed: it is done once, beside everything else.
const LEVEL: i32 = 6;

/// The list entry of a sealed day; it is written last, so that a day which has one is whole.
fn listing(dir: &Path, day: NaiveDate) -> PathBuf {
    dir.join(format!("changes-{day}.json"))
}

/// The sealed days of a folder.
///
/// # Errors
/// When the folder can not be read. A day whose files are not as they are listed is left out, with a word in the log.
pub(crate) fn sealed(dir: &Path) -> io::Result<Vec<Day>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with("changes-") || !name.ends_with(".json") {
            continue;
        }
        match fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice::<Day>(&bytes)?)) {
            Ok(day) if day.files.iter().all(|file| is_there(dir, file)) => days.push(day),
            Ok(_) => tracing::warn!(path = %path.display(), "a day of the history is not as it is listed"),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a day of the history can not be read");
            }
        }
    }
    Ok(days)
}

fn is_there(dir: &Path, file: &DayFile) -> bool {
    fs::metadata(dir.join(file.name())).is_ok_and(|found| found.len() == file.bytes)
}

/// Seals a day that is over; none where nothing is in it. What a crash leaves is written anew, to the same bytes.
///
/// # Errors
/// When it can not be read or written, or is damaged: a day that is over was whole. Its lines then stay where they are.
pub(crate) fn seal(dir: &Path, day: NaiveDate) -> io::Result<Option<Day>> {
    let running = Running::path(dir, day);
    let mut told: Option<Day> = None;
    let end = frames::scan(&running, 0, |version| count(&mut told, day, version))?;
    let Some(mut sealed) = told else {
        fs::remove_file(running)?;
        return Ok(None);
    };
    if end < fs::metadata(&running)?.len() {
        let what = format!(
            "{} is damaged from byte {end} on: restore it from a copy, or move it away",
            running.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    has_room(dir)?;
    sealed.files = write(dir, day, &running)?;
    let aside = listing(dir, day).with_extension("json.tmp");
    write_through(&aside, &serde_json::to_vec_pretty(&sealed)?)?;
    fs::rename(aside, listing(dir, day))?;
    File::open(dir)?.sync_all()?;
    fs::remove_file(running)?;
    Ok(Some(sealed))
}

fn count(told: &mut Option<Day>, day: NaiveDate, version: Told) {
    let (first_version, last_version) = (version.version, version.version);
    let entry = told.get_or_insert(Day {
        day,
        sealed: true,
        first_version,
        last_version,
        changes: 0,
        files: Vec::new(),
    });
    entry.last_version = last_version;
    entry.changes += version.changes;
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes both files in one go over the lines.
fn write(dir: &Path, day: NaiveDate, running: &Path) -> io::Result<Vec<DayFile>> {
    let aside = |format: Format| dir.join(format!("{}.tmp", format.file(day)));
    let mut text = zstd::Encoder::new(Measured::create(&aside(Format::Ndjson))?, LEVEL)?;
    text.include_checksum(true)?;
    let mut table = Table::begin(Measured::create(&aside(Format::Parquet))?)?;
    frames::lines(running, |line| {
        text.write_all(line)?;
        table.push(line)
    })?;
    let mut files = Vec::new();
    for (format, written) in [(Format::Ndjson, text.finish()?), (Format::Parquet, table.end()?)] {
        let (bytes, sha256) = written.end()?;
        fs::rename(aside(format), dir.join(format.file(day)))?;
        files.push(DayFile {
            url: format.url(day),
            format: format.end().to_owned(),
            media: format.media().to_owned(),
            bytes,
            sha256,
        });
    }
    Ok(files)
}

/// A file whose length and digest are known once it is written.
struct Measured {
    file: BufWriter<File>,
    bytes: u64,
    digest: Sha256,
}

impl Measured {
    fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 * 1024, File::create(path)?);
        Ok(Self { file, bytes: 0, digest: Sha256::new() })
    }

    /// Writes through to the disk; length and digest.
    fn end(self) -> io::Result<(u64, String)> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let digest = self.digest.finalize();
        Ok((self.bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The first day that is kept while another runs.
pub(crate) fn first_kept(running: NaiveDate, keep: u32) -> NaiveDate {
    running.checked_sub_days(Span::new(u64::from(keep))).unwrap_or(NaiveDate::MIN)
}

/// Removes a sealed day; who reads it just now reads it to its end.
///
/// # Errors
/// When it can not be removed.
pub(crate) fn remove(dir: &Path, day: NaiveDate) -> io::Result<()> {
    let files = Format::ALL.map(|format| dir.join(format.file(day)));
    [listing(dir, day)].into_iter().chain(files).try_for_each(|path| match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}
