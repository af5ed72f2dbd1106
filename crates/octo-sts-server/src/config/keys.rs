//! From where a key is to something that signs.

use std::{fs, io::Read as _, path::Path, sync::Arc};

use octo_sts_signer::{KeyError, KeyProvider, OpenKeyError, PemSigner, Signer, secret::SecretReference};
use secrecy::{ExposeSecret as _, SecretString};

use super::apps::KeySource;

/// The longest key file that is read, in bytes.
const LONGEST: u64 = 64 << 10;
/// How a PEM block begins.
const BEGIN: &str = "-----BEGIN ";

/// Checks a key as far as that is possible without a call: a PEM text is loaded, of a key service the program must have the
/// client.
pub(crate) fn check(source: &KeySource) -> Result<(), String> {
    match source {
        KeySource::PemFile(path) => from_file(path).map(drop),
        KeySource::PemText { text, origin } => match SecretReference::parse(text.expose_secret()) {
            Ok(None) => from_text(text, origin).map(drop),
            Ok(Some(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
        KeySource::Kms { provider, .. } if is_built_in(*provider) => Ok(()),
        KeySource::Kms { provider, .. } => Err(OpenKeyError::NotBuiltIn { provider: *provider }.to_string()),
    }
}

/// Whether this program can talk to a key service.
fn is_built_in(provider: KeyProvider) -> bool {
    match provider {
        KeyProvider::Aws => cfg!(feature = "aws"),
        KeyProvider::Google => cfg!(feature = "gcp"),
        KeyProvider::Azure => cfg!(feature = "azure"),
        KeyProvider::Pkcs11 => cfg!(feature = "pkcs11"),
    }
}

/// The keys in a PEM file.
pub(crate) fn from_file(path: &Path) -> Result<Vec<Arc<dyn Signer>>, String> {
    from_text(&read(path)?, &path.display().to_string()).map_err(|why| format!("`{}`: {why}", path.display()))
}

/// Reads a file of secrets.
pub(crate) fn read(path: &Path) -> Result<SecretString, String> {
    let unreadable =
        |error: std::io::Error| format!("`{}` cannot be read ({error}): write the path of a file that this process may read", path.display());
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("`{}` is longer than {} KiB: write the path of a PEM file", path.display(), LONGEST >> 10));
    }
    Ok(SecretString::from(text))
}

/// The keys in a PEM text. It may hold several of one App: each signs until GitHub refuses it, so that a new key is taken up
/// before the old one is deleted.
pub(crate) fn from_text(text: &SecretString, origin: &str) -> Result<Vec<Arc<dyn Signer>>, String> {
    let blocks = private_keys(text.expose_secret());
    let blocks = if blocks.len() < 2 { vec![text.expose_secret()] } else { blocks };
    let several = blocks.len() > 1;
    let mut signers: Vec<Arc<dyn Signer>> = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        let which = if several { format!("key {}", at + 1) } else { String::new() };
        let origin = if several { format!("{origin}, {which}") } else { origin.to_owned() };
        let say = |error: KeyError| if several { format!("{which}: {error}") } else { error.to_string() };
        let signer = PemSigner::from_pem(&SecretString::from(block), origin).map_err(say)?;
        signers.push(Arc::new(signer));
    }
    Ok(signers)
}

/// The private keys of a PEM text, each from its first line to where the next block begins.
fn private_keys(text: &str) -> Vec<&str> {
    let mut starts: Vec<_> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    starts.push(text.len());
    let blocks = starts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
    blocks.filter(|block| block.split_once('\n').is_some_and(|(first, _)| first.contains("PRIVATE KEY"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-127
    #[test]
    fn a_text_with_several_keys_is_split_at_each() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\na\n-----END RSA PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nb\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nc\n-----END PRIVATE KEY-----\n";
        let keys = private_keys(text);
        assert_eq!(keys.len(), 2);
        assert!(keys[0].contains("\na\n") && keys[1].contains("\nc\n"));
    }
}
