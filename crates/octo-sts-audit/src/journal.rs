//! The spill folder: what the receiver of events has not taken yet, on disk.
//!
//! Every event for the receiver is appended to a segment before its caller is answered; the sender reads segments in
//! order and notes how far it came. After a crash it goes on from the note, so that an event arrives at least once, with
//! the same id each time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{record::Record, writer::Target};

/// A segment that reached this is followed by a new one.
const SEGMENT: u64 = 8 << 20;
/// Most that is kept for a receiver that takes nothing, in bytes.
const MOST: u64 = 2 << 30;
/// Most that is read in one go, in bytes. No event is longer.
const READ: u64 = 1 << 20;

/// What writer and reader share.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes in the folder.
    kept: AtomicU64,
    news: Notify,
}

/// Appends to the newest segment.
pub(crate) struct JournalWriter {
    folder: PathBuf,
    file: File,
    number: u64,
    length: u64,
    shared: Arc<Shared>,
    /// Held as long as this process writes here.
    _lock: File,
}

/// Reads from the oldest segment on.
#[derive(Debug)]
pub(crate) struct JournalReader {
    folder: PathBuf,
    at: Position,
    shared: Arc<Shared>,
}

/// Behind the last byte of what was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    segment: u64,
    offset: u64,
}

/// Opens the folder, or makes it with mode 0700.
pub(crate) fn open(folder: &Path) -> io::Result<(JournalWriter, JournalReader)> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"))?;
    lock.try_lock().map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another process uses this folder"))?;
    let sent = read_position(folder);
    let segments = segments(folder)?;
    let (old, waiting): (Vec<u64>, Vec<u64>) = segments.into_iter().partition(|number| *number < sent.segment);
    old.into_iter().try_for_each(|number| fs::remove_file(path_of(folder, number)))?;
    let kept = waiting.iter().map(|number| path_of(folder, *number).metadata().map_or(0, |facts| facts.len())).sum();
    let shared = Arc::new(Shared { kept: AtomicU64::new(kept), news: Notify::new() });
    let number = waiting.last().copied().max(Some(sent.segment)).map_or(1, |last| last + 1);
    let first = waiting.first().copied().unwrap_or(number);
    let at = if sent.segment == first { sent } else { Position { segment: first, offset: 0 } };
    let file = new_segment(folder, number)?;
    let writer = JournalWriter { folder: folder.to_owned(), file, number, length: 0, shared: Arc::clone(&shared), _lock: lock };
    Ok((writer, JournalReader { folder: folder.to_owned(), at, shared }))
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.events"))
}

fn new_segment(folder: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path_of(folder, number))
}

/// The numbers of the segments, oldest first.
fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".events")).and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read_position(folder: &Path) -> Position {
    let text = fs::read_to_string(folder.join("sent")).unwrap_or_default();
    let read =
        text.trim().split_once(' ').and_then(|(segment, offset)| Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? }));
    read.unwrap_or_default()
}

impl Target for JournalWriter {
    fn write(&mut self, records: &[Arc<Record>], _lost: u64) -> io::Result<()> {
        if self.length >= SEGMENT {
            self.file = new_segment(&self.folder, self.number + 1)?;
            (self.number, self.length) = (self.number + 1, 0);
        }
        let mut bytes = Vec::with_capacity(records.len() * 2048);
        for line in records.iter().filter_map(|record| record.to_kept()).filter(|line| (line.len() as u64) < READ) {
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        if self.shared.kept.load(Ordering::Relaxed) + bytes.len() as u64 > MOST {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the spill folder is at its limit of 2 GiB"));
        }
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.shared.kept.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.shared.news.notify_one();
        Ok(())
    }
}

impl JournalReader {
    /// The next records and the position behind them; empty when there are none.
    pub(crate) fn next(&mut self, most: usize) -> io::Result<(Vec<Record>, Position)> {
        loop {
            // A segment that has a successor is complete: asked before reading, so that nothing is passed over.
            let complete = path_of(&self.folder, self.at.segment + 1).exists();
            let (records, read) = self.read(most)?;
            if read > 0 || !complete {
                return Ok((records, Position { segment: self.at.segment, offset: self.at.offset + read }));
            }
            self.forget()?;
        }
    }

    /// Up to `most` whole lines at the position, and their length in bytes.
    fn read(&self, most: usize) -> io::Result<(Vec<Record>, u64)> {
        let mut file = match File::open(path_of(&self.folder, self.at.segment)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.at.offset))?;
        let mut bytes = Vec::new();
        file.take(READ).read_to_end(&mut bytes)?;
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').take(most).filter(|line| line.ends_with(b"\n")).collect();
        let records = lines.iter().filter_map(|line| Record::from_kept(line)).collect();
        Ok((records, lines.iter().map(|line| line.len() as u64).sum()))
    }

    /// Behind the last byte of what was noted as sent.
    pub(crate) fn position(&self) -> Position {
        self.at
    }

    /// Notes that everything before the position was sent.
    pub(crate) fn sent(&mut self, position: Position) -> io::Result<()> {
        self.at = position;
        self.note()
    }

    fn note(&self) -> io::Result<()> {
        let new = self.folder.join("sent.new");
        fs::write(&new, format!("{} {}\n", self.at.segment, self.at.offset))?;
        fs::rename(new, self.folder.join("sent"))
    }

    /// Goes on to the next segment and removes this one.
    fn forget(&mut self) -> io::Result<()> {
        let old = path_of(&self.folder, self.at.segment);
        self.at = Position { segment: self.at.segment + 1, offset: 0 };
        self.note()?;
        let length = old.metadata().map_or(0, |facts| facts.len());
        self.shared.kept.fetch_sub(length, Ordering::Relaxed);
        match fs::remove_file(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Resolves when something was written since the last call.
    pub(crate) fn news(&self) -> impl Future<Output = ()> + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.news.notified().await }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn record(n: u64) -> Arc<Record> {
        Arc::new(Record::new("k", n.to_string(), Timestamp::UNIX_EPOCH, &serde_json::json!({"n": n, "pad": "x".repeat(1000)})).unwrap())
    }

    fn write(writer: &mut JournalWriter, range: std::ops::Range<u64>) {
        writer.write(&range.map(record).collect::<Vec<_>>(), 0).unwrap();
    }

    fn subjects(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.subject.parse().unwrap()).collect()
    }

    #[test]
    fn a_crash_sends_again_what_was_not_noted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = open(folder.path()).unwrap();
        write(&mut writer, 0..10);
        let (records, behind) = reader.next(4).unwrap();
        assert_eq!(subjects(&records), [0, 1, 2, 3]);
        reader.sent(behind).unwrap();
        reader.next(4).unwrap();
        drop((writer, reader));

        let (mut writer, mut reader) = open(folder.path()).unwrap();
        write(&mut writer, 10..12);
        let (records, behind) = reader.next(100).unwrap();
        assert_eq!(subjects(&records), [4, 5, 6, 7, 8, 9]);
        reader.sent(behind).unwrap();
        let (records, behind) = reader.next(100).unwrap();
        assert_eq!(subjects(&records), [10, 11]);
        reader.sent(behind).unwrap();
        assert!(reader.next(100).unwrap().0.is_empty());
        assert_eq!(segments(folder.path()).unwrap(), [2]);
    }

    #[test]
    fn a_line_cut_by_a_crash_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _) = open(folder.path()).unwrap();
        write(&mut writer, 0..2);
        writer.file.set_len(writer.length - 5).unwrap();
        drop(writer);
        let (mut writer, mut reader) = open(folder.path()).unwrap();
        write(&mut writer, 2..3);
        let mut seen = Vec::new();
        loop {
            let (records, behind) = reader.next(100).unwrap();
            if records.is_empty() {
                break;
            }
            seen.extend(subjects(&records));
            reader.sent(behind).unwrap();
        }
        assert_eq!(seen, [0, 2]);
    }

    #[test]
    fn segments_end_and_sent_ones_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = open(folder.path()).unwrap();
        (0..30).for_each(|n| write(&mut writer, n * 1000..(n + 1) * 1000));
        assert!(segments(folder.path()).unwrap().len() >= 4);
        let mut next = 0;
        loop {
            let (records, behind) = reader.next(700).unwrap();
            if records.is_empty() {
                break;
            }
            for n in subjects(&records) {
                assert_eq!(n, next);
                next += 1;
            }
            reader.sent(behind).unwrap();
        }
        assert_eq!((next, segments(folder.path()).unwrap().len()), (30_000, 1));
        assert_eq!(reader.shared.kept.load(Ordering::Relaxed), writer.length);
    }

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let _held = open(folder.path()).unwrap();
        assert_eq!(open(folder.path()).err().unwrap().kind(), io::ErrorKind::ResourceBusy);
    }
}
