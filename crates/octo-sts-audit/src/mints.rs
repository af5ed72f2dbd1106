//! Mints under way: noted on disk before GitHub is asked, struck out once the exchange is on record.
//!
//! GitHub may have minted a token when the process is killed, and nobody learns its hash then. The note says for whom it was
//! minted and what it can do, and the next process puts that on record.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    record::Record,
    writer::{Target, Writer},
};

/// Name of the sink in metrics and threads.
pub(crate) const SINK: &str = "mints";
/// Kind of a record that strikes out the note with its id.
const STRUCK: &str = "struck";
/// A file longer than this is written anew with the open notes alone.
const LONG: u64 = 1 << 20;

/// Where the notes of these sinks are: beside the file, or in the spill folder; without either nothing outlives the process.
pub(crate) fn place(file: Option<&Path>, spill: Option<&Path>) -> Option<PathBuf> {
    let beside = file.filter(|path| path.is_file()).map(|path| path.with_added_extension(SINK));
    beside.or_else(|| spill.map(|folder| folder.join(SINK)))
}

/// A mint that is under way. What is not struck out is put on record by the next process.
#[must_use]
#[derive(Debug, Default)]
pub struct MintNote(Option<(Writer, String)>);

impl MintNote {
    pub(crate) fn new(writer: &Writer, record: &Record) -> Self {
        Self(Some((writer.clone(), record.id.clone())))
    }

    /// Strikes the note out: the mint failed, or its token is on record, or revoked.
    pub fn strike_out(self) {
        if let Some((writer, id)) = self.0 {
            writer.push(Arc::new(struck(id)));
        }
    }
}

fn struck(id: String) -> Record {
    Record { id, kind: STRUCK.to_owned(), subject: String::new(), time: Timestamp::UNIX_EPOCH, data: Bytes::new() }
}

/// The file of notes, as one process keeps it.
pub(crate) struct Notes {
    path: PathBuf,
    file: File,
    length: u64,
    open: HashMap<String, Vec<u8>>,
}

/// Opens the file, or makes it with mode 0600; with it, what a killed process left.
pub(crate) fn open(path: &Path) -> io::Result<(Notes, Vec<Record>)> {
    let mut file = open_alone(path, false)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut open = HashMap::new();
    let mut left = Vec::new();
    // A last line without its end was cut by a crash: its mint had not begun.
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")) {
        if let Some(id) = line.strip_prefix(b"-") {
            open.remove(&*String::from_utf8_lossy(id));
        } else if let Some(record) = Record::from_kept(line) {
            open.insert(record.id.clone(), line.to_vec());
            left.push(record);
        }
    }
    left.retain(|record| open.contains_key(&record.id));
    let mut notes = Notes { path: path.to_owned(), file, length: bytes.len() as u64, open };
    notes.write_anew()?;
    Ok((notes, left))
}

fn open_alone(path: &Path, truncate: bool) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(truncate).mode(0o600).open(path)?;
    file.try_lock().map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another process uses this file"))?;
    Ok(file)
}

impl Notes {
    fn line(&mut self, record: &Record) -> Vec<u8> {
        if record.kind == STRUCK {
            self.open.remove(&record.id);
            return format!("-{}\n", record.id).into_bytes();
        }
        let mut line = record.to_kept().unwrap_or_default();
        self.open.insert(record.id.clone(), line.clone());
        line.push(b'\n');
        line
    }

    /// Leaves nothing but the open notes. The lock goes with the new file.
    fn write_anew(&mut self) -> io::Result<()> {
        let lines: Vec<u8> = self.open.values().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        if lines.len() as u64 == self.length {
            return Ok(());
        }
        let new = self.path.with_added_extension("new");
        let mut file = open_alone(&new, true)?;
        file.write_all(&lines)?;
        fs::rename(new, &self.path)?;
        (self.file, self.length) = (file, lines.len() as u64);
        Ok(())
    }
}

impl Target for Notes {
    fn write(&mut self, records: &[Arc<Record>], _lost: u64) -> io::Result<()> {
        let lines: Vec<u8> = records.iter().flat_map(|record| self.line(record)).collect();
        if let Err(error) = self.file.write_all(&lines) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += lines.len() as u64;
        if self.length > LONG { self.write_anew() } else { Ok(()) }
    }

    fn close(&mut self) {
        if let Err(error) = self.write_anew() {
            tracing::warn!(%error, "the file of mints under way could not be emptied");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::EXCHANGE;

    fn record(n: usize) -> Arc<Record> {
        Arc::new(Record::new(EXCHANGE, format!("acme/app/{n}"), Timestamp::UNIX_EPOCH, &json!({"n": n})).unwrap())
    }

    fn strike(record: &Record) -> Arc<Record> {
        Arc::new(struck(record.id.clone()))
    }

    /// T-130
    #[test]
    fn what_was_not_struck_out_is_left_for_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let (mut notes, left) = open(&path).unwrap();
        assert_eq!(left, []);
        assert!(open(&path).is_err(), "another process");
        let records: Vec<_> = (0..4).map(record).collect();
        notes.write(&records, 0).unwrap();
        notes.write(&[strike(&records[1]), strike(&records[3])], 0).unwrap();
        drop(notes);
        fs::write(&path, [fs::read(&path).unwrap(), b"{\"id\":\"cut".to_vec()].concat()).unwrap();
        let (mut notes, left) = open(&path).unwrap();
        assert_eq!(left, [(*records[0]).clone(), (*records[2]).clone()]);
        assert!(open(&path).is_err(), "the lock goes with the new file");
        notes.write(&[strike(&records[0]), strike(&records[2])], 0).unwrap();
        notes.close();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn the_file_stays_small_however_many_mints_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let (mut notes, _) = open(&path).unwrap();
        let open_one = record(0);
        notes.write(&[Arc::clone(&open_one)], 0).unwrap();
        for n in 1..10_000 {
            let record = record(n);
            notes.write(&[Arc::clone(&record), strike(&record)], 0).unwrap();
            assert!(notes.length <= LONG);
        }
        drop(notes);
        assert_eq!(open(&path).unwrap().1, [(*open_one).clone()]);
    }
}
