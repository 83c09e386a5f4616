//! The list of a bulk import: CSV or JSON lines, one recording a row, read as a stream.
//!
//! A row names its `file` and what the API calls metadata. In CSV a person is `person_id` and `person_name`, tags are
//! joined by `;`; JSON lines may say it so as well, or as the API does.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::metadata::{InvalidMetadata, from_fields};
use crate::recording::Metadata;

/// The columns of a manifest.
pub const COLUMNS: [&str; 18] = [
    "file",
    "call_id",
    "part",
    "account_id",
    "recorded_at",
    "direction",
    "agent",
    "person_id",
    "person_name",
    "number",
    "lead_id",
    "listing_id",
    "product",
    "language",
    "notice",
    "sha256",
    "duration_ms",
    "tags",
];

/// The longest row, in bytes: more than the longest metadata that the API takes.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// Why a manifest cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file.
    #[error("the manifest cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The name ends in neither of the two.
    #[error("a manifest is a .csv or a .jsonl file")]
    Form,
    /// The first line of a CSV file.
    #[error("the manifest's first line: {0}")]
    Header(String),
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Which, from 1; the line with the names of the columns does not count.
    pub number: u64,
    /// The file as it is named; empty where the row names none.
    pub file: String,
    /// What is said about it, or what is wrong with that.
    pub metadata: Result<Metadata, RowProblem>,
}

/// What is wrong with a row.
#[derive(Debug)]
pub enum RowProblem {
    /// It is no row of the manifest's form.
    Malformed,
    /// It names no file.
    NoFile,
    /// Fields of its metadata.
    Metadata(InvalidMetadata),
}

enum Rows {
    Csv(Box<csv::Reader<BufReader<File>>>, Vec<String>),
    Lines(BufReader<File>),
}

/// A manifest being read.
pub struct Manifest {
    rows: Rows,
    number: u64,
}

impl Manifest {
    /// Opens a manifest and reads the names of its columns.
    pub fn open(path: &Path) -> Result<Self, ManifestError> {
        let form = path.extension().map(|ext| ext.to_ascii_lowercase()).unwrap_or_default();
        let mut reader = BufReader::new(File::open(path)?);
        // Spreadsheets begin UTF-8 files with a byte order mark.
        if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let rows = match form.to_str() {
            Some("csv") => csv_rows(reader)?,
            Some("jsonl" | "ndjson") => Rows::Lines(reader),
            _ => return Err(ManifestError::Form),
        };
        Ok(Self { rows, number: 0 })
    }

    /// Counts the rows of a manifest, for those who want to know how long it will take.
    pub fn count(path: &Path) -> Result<u64, ManifestError> {
        let mut manifest = Self::open(path)?;
        let mut rows = 0;
        while manifest.next_row()?.is_some() {
            rows += 1;
        }
        Ok(rows)
    }

    /// The next row; none at the end.
    pub fn next_row(&mut self) -> Result<Option<Row>, ManifestError> {
        let fields = match &mut self.rows {
            Rows::Csv(reader, columns) => csv_row(reader, columns)?,
            Rows::Lines(reader) => json_row(reader)?,
        };
        let Some(fields) = fields else { return Ok(None) };
        self.number += 1;
        let (file, metadata) = match fields {
            None => (String::new(), Err(RowProblem::Malformed)),
            Some(fields) => read_fields(fields),
        };
        Ok(Some(Row { number: self.number, file, metadata }))
    }
}

fn csv_rows(mut reader: BufReader<File>) -> Result<Rows, ManifestError> {
    // Spreadsheets of half of Europe separate by semicolons.
    let first = reader.fill_buf()?.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(reader);
    let unreadable = |error: csv::Error| ManifestError::Header(error.to_string());
    let columns: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(|c| c.trim().to_owned()).collect();
    for (i, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            let known = COLUMNS.join(", ");
            return Err(ManifestError::Header(format!("there is no column `{column}`; there are {known}")));
        }
        if columns[..i].contains(column) {
            return Err(ManifestError::Header(format!("the column `{column}` stands there twice")));
        }
    }
    if !columns.iter().any(|column| column == "file") {
        return Err(ManifestError::Header("the column `file` is missing".to_owned()));
    }
    Ok(Rows::Csv(Box::new(reader), columns))
}

/// A row's fields: outer none at the end, inner none where it is no row.
type MaybeFields = Option<Option<Map<String, Value>>>;

fn csv_row(reader: &mut csv::Reader<BufReader<File>>, columns: &[String]) -> Result<MaybeFields, ManifestError> {
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(false) => Ok(None),
        Ok(true) => {
            let cells = columns.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
            Ok(Some(Some(cells.map(|(column, cell)| (column.clone(), cell_value(column, cell))).collect())))
        }
        Err(error) => match error.into_kind() {
            csv::ErrorKind::Io(error) => Err(error.into()),
            _ => Ok(Some(None)),
        },
    }
}

fn cell_value(column: &str, cell: &str) -> Value {
    let number = matches!(column, "part" | "duration_ms").then(|| cell.trim().parse::<u64>().ok()).flatten();
    number.map_or_else(|| cell.into(), Value::from)
}

fn json_row(reader: &mut BufReader<File>) -> Result<MaybeFields, ManifestError> {
    loop {
        let mut line = Vec::new();
        let read = reader.take(MAX_ROW_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == MAX_ROW_BYTES && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
            return Ok(Some(None));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(serde_json::from_slice(&line).ok()));
        }
    }
}

fn read_fields(mut fields: Map<String, Value>) -> (String, Result<Metadata, RowProblem>) {
    let file = match fields.remove("file") {
        Some(Value::String(file)) if !file.is_empty() => file,
        _ => return (String::new(), Err(RowProblem::NoFile)),
    };
    let mut person = Map::new();
    for (column, name) in [("person_id", "id"), ("person_name", "name")] {
        if let Some(value) = fields.remove(column) {
            person.insert(name.to_owned(), value);
        }
    }
    if !person.is_empty() {
        fields.entry("person").or_insert(Value::Object(person));
    }
    if let Some(Value::String(tags)) = fields.get("tags") {
        let tags: Vec<Value> = tags.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from).collect();
        fields.insert("tags".to_owned(), Value::Array(tags));
    }
    (file, from_fields(fields).map_err(RowProblem::Metadata))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn rows(suffix: &str, text: &str) -> Vec<Row> {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut manifest = Manifest::open(file.path()).unwrap();
        let rows: Vec<Row> = std::iter::from_fn(|| manifest.next_row().unwrap()).collect();
        assert_eq!(Manifest::count(file.path()).unwrap(), rows.len() as u64);
        rows
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = "\u{feff}file,call_id,account_id,recorded_at,part,person_name,tags,agent\n\
                   a.wav,c-1,a-1,2026-11-22T10:15:00Z,2,\"Ann, the one\",x; y,\n";
        let flat = r#"{"file":"a.wav","call_id":"c-1","account_id":"a-1","recorded_at":"2026-11-22T10:15:00Z","part":2,"person_name":"Ann, the one","tags":"x;y"}"#;
        let nested = r#"{"file":"a.wav","call_id":"c-1","account_id":"a-1","recorded_at":"2026-11-22T10:15:00Z","part":2,"person":{"name":"Ann, the one"},"tags":["x","y"]}"#;
        let semicolons = csv.replace("x; y", "\"x; y\"").replace("\"Ann, the one\"", "Ann").replace(',', ";");
        let read = |rows: Vec<Row>| rows.into_iter().map(|row| (row.file, row.metadata.unwrap())).collect::<Vec<_>>();
        let from_csv = read(rows(".csv", csv));
        assert_eq!(from_csv[0].1.tags, ["x", "y"]);
        assert_eq!(from_csv, read(rows(".jsonl", &format!("{flat}\n\n"))));
        assert_eq!(from_csv, read(rows(".JSONL", nested)));
        assert_eq!(read(rows(".csv", &semicolons))[0].1.tags, ["x", "y"]);
    }

    #[test]
    fn a_bad_row_is_one_bad_row() {
        let csv = "file,call_id,account_id,recorded_at\na.wav,c\n,c,a,2026-11-22T10:15:00Z\nb.wav,,a,yesterday\n\
                   c.wav,c,a,2026-11-22T10:15:00Z\n";
        let read = rows(".csv", csv);
        assert!(matches!(read[0].metadata, Err(RowProblem::Malformed)));
        assert!(matches!(read[1].metadata, Err(RowProblem::NoFile)));
        assert!(matches!(&read[2].metadata, Err(RowProblem::Metadata(InvalidMetadata(p))) if p.len() == 2));
        assert_eq!((read[3].number, read[3].metadata.is_ok()), (4, true));
        let long = format!("{}\n{{\"file\":\"a\"}}\n", "x".repeat(3 << 20));
        let read = rows(".jsonl", &long);
        assert!(matches!(read[0].metadata, Err(RowProblem::Malformed)) && read[1].file == "a", "{read:?}");
    }

    #[test]
    fn a_header_that_cannot_be_meant_is_refused_before_anything_is_taken_in() {
        for (header, word) in [
            ("file,call_id,numbr", "`numbr`"),
            ("call_id", "`file`"),
            ("file,file", "twice"),
            ("file,person", "person"),
        ] {
            let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
            file.write_all(header.as_bytes()).unwrap();
            let said = Manifest::open(file.path()).err().unwrap().to_string();
            assert!(said.contains(word), "{said}");
        }
    }
}
