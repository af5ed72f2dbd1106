//! Lines on standard output, for those whose platform collects them.

use std::{
    io::{self, Write},
    sync::Arc,
};

use crate::{record::Record, writer::Target};

/// Writes each event as one JSON line, without a chain: what collects the lines may split and mix them.
pub(crate) struct Lines<W>(pub(crate) W);

impl<W: Write + Send + 'static> Target for Lines<W> {
    fn write(&mut self, records: &[Arc<Record>], _lost: u64) -> io::Result<()> {
        let lines = records.iter().flat_map(|record| [b"{".as_slice(), &record.members(), b"}\n"].concat());
        self.0.write_all(&lines.collect::<Vec<u8>>())?;
        self.0.flush()
    }
}
