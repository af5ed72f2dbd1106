//! The file of JSON lines: appended to by one process, readable by its owner alone.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use octo_sts_types::Clock;
use serde_json::json;

use crate::{
    chain::{GENESIS, head_of, seal},
    record::{DROPPED, Record},
    writer::Target,
};

/// How much of a file's end is searched for its last line.
const TAIL: u64 = 1 << 20;

/// A file whose lines are chained.
pub(crate) struct ChainedFile {
    path: PathBuf,
    file: File,
    /// Bytes that are whole lines.
    length: u64,
    /// Hash of the last line.
    head: String,
    clock: Arc<dyn Clock>,
}

impl ChainedFile {
    /// Opens the file, or makes it with mode 0600, and takes up its chain.
    pub(crate) fn open(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut file = open_alone(path)?;
        let head = take_up(&mut file)?.unwrap_or_else(|| GENESIS.to_owned());
        let length = file.metadata()?.len();
        tracing::info!(file = %path.display(), head, "audit file opened");
        Ok(Self { path: path.to_owned(), file, length, head, clock })
    }

    /// The bytes of these lines, and the chain's head behind them.
    fn lines(&self, records: &[Arc<Record>], lost: u64) -> (Vec<u8>, String) {
        let told =
            (lost > 0).then(|| Record::new(DROPPED, String::new(), self.clock.now(), &json!({"events": lost, "time": self.clock.now().to_string()})));
        let told = told.and_then(Result::ok).map(Arc::new);
        let (mut bytes, mut head) = (Vec::with_capacity(records.len() * 2048), self.head.clone());
        for record in told.iter().chain(records) {
            let (line, hash) = seal(&head, &record.members());
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            head = hash;
        }
        (bytes, head)
    }
}

impl Target for ChainedFile {
    fn write(&mut self, records: &[Arc<Record>], lost: u64) -> io::Result<()> {
        let (bytes, head) = self.lines(records, lost);
        if let Err(error) = self.file.write_all(&bytes) {
            // What was written of these lines goes, so that the next ones do not stand behind half a line.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.head = head;
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        let mut file = open_alone(&self.path)?;
        let found = take_up(&mut file)?;
        self.close();
        self.length = file.metadata()?.len();
        self.file = file;
        if let Some(head) = found {
            self.head = head;
        }
        Ok(())
    }

    fn close(&mut self) {
        let synced = self.file.sync_data();
        tracing::info!(file = %self.path.display(), head = self.head, synced = synced.is_ok(), "audit file closed");
    }
}

/// Opens for appending, and refuses a file that another process writes: two writers would break the chain.
fn open_alone(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) if same_file(path, &file) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes this file")),
        Err(error) => Err(error.into()),
    }
}

/// Whether what stands at the path is still the file that was opened.
fn same_file(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().is_ok_and(|there| file.metadata().is_ok_and(|here| (there.dev(), there.ino()) == (here.dev(), here.ino())))
}

/// The hash of the last whole line; ends a line that a crash cut. `None` for an empty file.
fn take_up(file: &mut File) -> io::Result<Option<String>> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    if !tail.ends_with(b"\n") {
        file.write_all(b"\n")?;
    }
    let mut lines = tail.rsplit(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
    let head = lines.find_map(head_of).map(ToOwned::to_owned);
    head.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file holds something else than audit lines"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use octo_sts_types::SystemClock;

    use super::*;
    use crate::chain::{Fault, verify_chain};

    fn open(path: &Path) -> io::Result<ChainedFile> {
        ChainedFile::open(path, Arc::new(SystemClock))
    }

    fn write(file: &mut ChainedFile, count: usize, lost: u64) {
        let records: Vec<_> = (0..count).map(|n| Arc::new(Record::new("k", String::new(), file.clock.now(), &json!({"n": n})).unwrap())).collect();
        file.write(&records, lost).unwrap();
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        (folder, path)
    }

    #[test]
    fn a_restart_takes_up_the_chain() {
        let (_folder, path) = folder();
        write(&mut open(&path).unwrap(), 2, 0);
        write(&mut open(&path).unwrap(), 3, 0);
        let report = verify_chain(fs::read_to_string(&path).unwrap().lines());
        assert_eq!((report.intact, report.faults, report.start.as_deref()), (5, vec![], Some(GENESIS)));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_rotated_file_goes_on_with_the_last_hash() {
        let (folder, path) = folder();
        let mut file = open(&path).unwrap();
        write(&mut file, 2, 0);
        let old = folder.path().join("audit.jsonl.1");
        fs::rename(&path, &old).unwrap();
        file.reopen().unwrap();
        write(&mut file, 2, 0);
        let both = fs::read_to_string(old).unwrap() + &fs::read_to_string(&path).unwrap();
        let report = verify_chain(both.lines());
        assert_eq!((report.intact, report.faults), (4, vec![]));
    }

    #[test]
    fn a_line_cut_by_a_crash_does_not_spoil_the_next() {
        let (_folder, path) = folder();
        write(&mut open(&path).unwrap(), 2, 0);
        let length = path.metadata().unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 30).unwrap();
        write(&mut open(&path).unwrap(), 1, 0);
        let report = verify_chain(fs::read_to_string(&path).unwrap().lines());
        assert_eq!(report.intact, 2);
        assert_eq!(report.faults.iter().map(|found| (found.line, found.fault)).collect::<Vec<_>>(), [(2, Fault::Foreign)]);
    }

    #[test]
    fn what_was_lost_is_told_in_the_chain() {
        let (_folder, path) = folder();
        write(&mut open(&path).unwrap(), 1, 7);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().next().unwrap().contains(r#""events":7"#));
        assert_eq!(verify_chain(text.lines()).intact, 2);
    }

    #[test]
    fn a_second_writer_and_a_foreign_file_are_refused() {
        let (_folder, path) = folder();
        let first = open(&path).unwrap();
        assert_eq!(open(&path).err().unwrap().kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        fs::write(&path, "something else\n").unwrap();
        assert_eq!(open(&path).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}
