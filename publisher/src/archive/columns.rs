//! A day as a Parquet table: a row for each item of each line, in typed columns, so that no text has to be taken apart.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::table_rows::{Row, bytes, push_line};

/// Rows of a group: they are held in memory.
const GROUP: usize = 65_536;
const LEVEL: i32 = 6;

/// The columns. `op` is that of the line: start, upsert, remove or next. An outlet without stock has one row without item.
const SCHEMA: &str = "message change {
    required int64 version (INTEGER(64,false));
    required int64 at (TIMESTAMP(MILLIS,true));
    required binary op (STRING);
    optional binary id (STRING);
    optional binary name (STRING);
    optional binary type (STRING);
    optional binary addr (STRING);
    optional binary region (STRING);
    optional double lat;
    optional double lng;
    optional binary hours (JSON);
    optional binary external_ids (JSON);
    optional binary notice (JSON);
    optional boolean silent;
    optional int64 received_at (TIMESTAMP(MILLIS,true));
    optional binary item (STRING);
    optional binary level (STRING);
    optional int64 count;
    optional int64 promised;
    optional boolean paused;
    optional boolean gap;
    optional int64 item_observed_at (TIMESTAMP(MILLIS,true));
    optional int64 item_received_at (TIMESTAMP(MILLIS,true));
    optional int64 item_changed_at (TIMESTAMP(MILLIS,true));
    optional int64 item_arrived_at (TIMESTAMP(MILLIS,true));
}";

/// Writes a table group by group.
pub(crate) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: Vec<Row>,
}

impl<W: Write + Send> Table<W> {
    /// A table without rows.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn begin(out: W) -> io::Result<Self> {
        let schema = parse_message_type(SCHEMA).expect("the schema is one");
        let level = ZstdLevel::try_new(LEVEL).expect("a level of Zstandard");
        // The same rows are the same bytes, whichever build writes them on whichever day.
        let properties = WriterProperties::builder()
            .set_created_by("jaego".to_owned())
            .set_compression(Compression::ZSTD(level))
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(other)?;
        Ok(Self { writer, rows: Vec::with_capacity(GROUP) })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it is none, or can not be written.
    pub(crate) fn push(&mut self, line: &[u8]) -> io::Result<()> {
        push_line(&mut self.rows, &serde_json::from_slice(line)?)?;
        if self.rows.len() >= GROUP { self.group() } else { Ok(()) }
    }

    /// Ends the table, and gives back what it was written to.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn end(mut self) -> io::Result<W> {
        if !self.rows.is_empty() {
            self.group()?;
        }
        self.writer.into_inner().map_err(other)
    }

    fn group(&mut self) -> io::Result<()> {
        let mut group = self.writer.next_row_group().map_err(other)?;
        write_columns(&mut group, &self.rows).map_err(other)?;
        group.close().map_err(other)?;
        self.rows.clear();
        Ok(())
    }
}

fn other(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

/// The columns in the order of the schema.
fn write_columns<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row],
) -> Result<(), ParquetError> {
    required::<Int64Type, _>(group, rows.iter().map(|row| row.version))?;
    required::<Int64Type, _>(group, rows.iter().map(|row| row.at))?;
    required::<ByteArrayType, _>(group, rows.iter().map(|row| bytes(row.op)))?;
    for text in [
        |row: &Row| row.id.clone(),
        |row: &Row| row.name.clone(),
        |row: &Row| row.kind.clone(),
        |row: &Row| row.addr.clone(),
        |row: &Row| row.region.clone(),
    ] {
        optional::<ByteArrayType, _>(group, rows.iter().map(text))?;
    }
    optional::<DoubleType, _>(group, rows.iter().map(|row| row.lat))?;
    optional::<DoubleType, _>(group, rows.iter().map(|row| row.lng))?;
    for json in
        [|row: &Row| row.hours.clone(), |row: &Row| row.external_ids.clone(), |row: &Row| row.notice.clone()]
    {
        optional::<ByteArrayType, _>(group, rows.iter().map(json))?;
    }
    optional::<BoolType, _>(group, rows.iter().map(|row| row.silent))?;
    optional::<Int64Type, _>(group, rows.iter().map(|row| row.received_at))?;
    write_items(group, rows)
}

fn write_items<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row],
) -> Result<(), ParquetError> {
    let items = || rows.iter().map(|row| row.item.as_ref());
    optional::<ByteArrayType, _>(group, items().map(|item| Some(item?.item.clone())))?;
    optional::<ByteArrayType, _>(group, items().map(|item| Some(item?.level.clone())))?;
    optional::<Int64Type, _>(group, items().map(|item| item?.count))?;
    optional::<Int64Type, _>(group, items().map(|item| Some(item?.promised)))?;
    optional::<BoolType, _>(group, items().map(|item| Some(item?.paused)))?;
    optional::<BoolType, _>(group, items().map(|item| Some(item?.gap)))?;
    (0..4).try_for_each(|n| optional::<Int64Type, _>(group, items().map(|item| Some(item?.times[n]))))
}

fn required<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    column::<T, W>(group, &values.collect::<Vec<_>>(), None)
}

fn optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut present, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    column::<T, W>(group, &present, Some(&levels))
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("as many columns as in the schema");
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
