//! Secrets in files, as Docker and Kubernetes mount them.

use std::{io::Read as _, path::Path};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{ServiceError, Trouble};

/// Longest secret in a file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Reads a secret at start or on reload; local files, so that blocking is no matter.
pub(crate) fn read(path: &Path) -> Result<SecretString, ServiceError> {
    let unreadable = |error: std::io::Error| {
        let trouble = if error.kind() == std::io::ErrorKind::NotFound { Trouble::NotFound } else { Trouble::Denied };
        ServiceError::new(trouble, "the file must be there and readable for the user this runs as").because(error)
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(ServiceError::new(Trouble::Unusable, "the file is longer than 64 KiB: is it the right one?"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| ServiceError::new(Trouble::Unusable, "the file is not text: is it the right one?"))?;
    Ok(text.into())
}
