//! A key in this process's memory, read from PEM text.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::{
    error::KeyRejected,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use pem::Pem;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{KeyError, PublicKey, SignError, Signer};

/// The object identifier `rsaEncryption` (RFC 8017 appendix C) in DER, as it stands near the start of a PKCS#8 key.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// Within how many bytes of a PKCS#8 key its algorithm is named.
const PKCS8_HEAD: usize = 32;

/// Signs with a key in memory: about a third of a millisecond for 2048 bits, so nothing is handed to another thread.
pub struct PemSigner {
    key: KeyPair,
    public_key: PublicKey,
    origin: String,
}

impl PemSigner {
    /// Reads an unencrypted RSA private key, PKCS#1 or PKCS#8, of 2048 to 8192 bits.
    ///
    /// Line breaks may be written as the two characters `\n`, as many a variable holds them. Certificates and public keys
    /// beside the private key are passed over. `origin` says where the text comes from.
    pub fn from_pem(pem: &SecretString, origin: impl Into<String>) -> Result<Self, KeyError> {
        let block = private_key_block(pem.expose_secret())?;
        let key = parse(&block)?;
        let public_key = PublicKey::from_der(key.public_key().as_ref()).map_err(|_| KeyError::Damaged)?;
        Ok(Self { key, public_key, origin: origin.into() })
    }

    /// The public half of the key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

#[async_trait]
impl Signer for PemSigner {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|source| SignError::Failed { origin: self.origin(), source: Arc::new(source) })?;
        Ok(signature)
    }

    async fn public_key(&self) -> Result<PublicKey, SignError> {
        Ok(self.public_key.clone())
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }
}

impl fmt::Debug for PemSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemSigner").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// One decoded PEM block; the bytes are wiped when it goes.
struct Block {
    pkcs8: bool,
    der: Zeroizing<Vec<u8>>,
}

/// The only private key among the PEM blocks of `text`.
fn private_key_block(text: &str) -> Result<Block, KeyError> {
    if text.trim().is_empty() {
        return Err(KeyError::Empty);
    }
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let nothing = || if text.contains("-----BEGIN ") { KeyError::Damaged } else { KeyError::NotPem };
    let blocks = pem::parse_many(text.as_bytes()).map_err(|_| nothing())?;
    let first = blocks.first().map(|block| block.tag().to_owned()).ok_or_else(nothing)?;
    let mut keys = blocks.into_iter().filter_map(rsa_candidate);
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(KeyError::Several),
        (None, _) => Err(refusal(&first)),
    }
}

fn rsa_candidate(block: Pem) -> Option<Block> {
    let pkcs8 = match block.tag() {
        "RSA PRIVATE KEY" => Some(false),
        "PRIVATE KEY" => Some(true),
        _ => None,
    };
    let der = Zeroizing::new(block.into_contents());
    pkcs8.map(|pkcs8| Block { pkcs8, der })
}

/// What is wrong with a text whose first PEM block has this label and which has no RSA private key.
fn refusal(tag: &str) -> KeyError {
    match tag {
        "OPENSSH PRIVATE KEY" => KeyError::OpenSsh,
        tag if tag.ends_with("PRIVATE KEY") || tag == "EC PARAMETERS" => KeyError::NotRsa,
        tag if tag.ends_with("PUBLIC KEY") => KeyError::Public,
        tag if tag.ends_with("CERTIFICATE") => KeyError::Certificate,
        _ => KeyError::Other,
    }
}

fn parse(block: &Block) -> Result<KeyPair, KeyError> {
    if !block.pkcs8 {
        return KeyPair::from_der(&block.der).map_err(|rejected| key_error(&rejected));
    }
    let head = &block.der[..block.der.len().min(PKCS8_HEAD)];
    if !head.windows(RSA_ENCRYPTION.len()).any(|bytes| bytes == RSA_ENCRYPTION) {
        return Err(if head.first() == Some(&0x30) { KeyError::NotRsa } else { KeyError::Damaged });
    }
    KeyPair::from_pkcs8(&block.der).map_err(|rejected| key_error(&rejected))
}

fn key_error(rejected: &KeyRejected) -> KeyError {
    match rejected.to_string().as_str() {
        "TooSmall" => KeyError::Size { short: true },
        "TooLarge" => KeyError::Size { short: false },
        _ => KeyError::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature_matches;

    const PKCS1: &str = include_str!("../tests/keys/pkcs1.pem");
    const PKCS8: &str = include_str!("../tests/keys/pkcs8.pem");
    const CERTIFICATE: &str = include_str!("../tests/keys/certificate.pem");

    fn refused(text: &str) -> KeyError {
        PemSigner::from_pem(&text.into(), "a test").unwrap_err()
    }

    #[tokio::test]
    async fn both_forms_of_rsa_key_sign() {
        let one_line = PKCS1.replace('\n', "\\n");
        let windows = PKCS8.replace('\n', "\r\n");
        let bundle = format!("{CERTIFICATE}{PKCS1}");
        for text in [PKCS1, PKCS8, &one_line, &windows, &bundle] {
            let signer = PemSigner::from_pem(&text.into(), "a test").unwrap();
            let signature = signer.sign(b"text").await.unwrap();
            assert_eq!(signature.len(), 256);
            assert!(signature_matches(signer.public_key(), b"text", &signature), "Input: {text}");
            assert!(!signature_matches(signer.public_key(), b"another", &signature), "Input: {text}");
        }
    }

    /// T-133
    #[test]
    fn everything_that_is_no_usable_key_is_told_apart() {
        let cut = PKCS1.lines().filter(|line| !line.contains("END")).collect::<Vec<_>>().join("\n");
        let shortened = PKCS1.lines().enumerate().filter(|(at, _)| !(4..8).contains(at)).map(|(_, line)| line).collect::<Vec<_>>().join(
            "
",
        );
        for (text, expected) in [
            ("", KeyError::Empty),
            (" \n\t", KeyError::Empty),
            ("/etc/octo-sts/key.pem", KeyError::NotPem),
            ("4bdRs6xq5H7kScxA0Kzzqe6WI6gf6", KeyError::NotPem),
            (include_str!("../tests/keys/encrypted-pkcs8.pem"), KeyError::Encrypted),
            (include_str!("../tests/keys/encrypted-pkcs1.pem"), KeyError::Encrypted),
            (include_str!("../tests/keys/openssh.pem"), KeyError::OpenSsh),
            (include_str!("../tests/keys/ec.pem"), KeyError::NotRsa),
            (include_str!("../tests/keys/ec-pkcs8.pem"), KeyError::NotRsa),
            (include_str!("../tests/keys/ed25519.pem"), KeyError::NotRsa),
            (include_str!("../tests/keys/public.pem"), KeyError::Public),
            (CERTIFICATE, KeyError::Certificate),
            ("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", KeyError::Other),
            (include_str!("../tests/keys/short.pem"), KeyError::Size { short: true }),
            (&format!("{PKCS1}{PKCS8}"), KeyError::Several),
            (&cut, KeyError::Damaged),
            (&shortened, KeyError::Damaged),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyError::Damaged),
            ("-----BEGIN RSA PRIVATE KEY-----\n!!!!\n-----END RSA PRIVATE KEY-----\n", KeyError::Damaged),
        ] {
            assert_eq!(refused(text), expected, "Input: {text}");
        }
    }

    /// T-105
    #[test]
    fn neither_a_signer_nor_a_refusal_shows_the_key() {
        let signer = PemSigner::from_pem(&PKCS1.into(), "APP_SECRET_CERTIFICATE_FILE").unwrap();
        assert_eq!(format!("{signer:?}"), "PemSigner { origin: \"APP_SECRET_CERTIFICATE_FILE\", .. }");
        let secret = "b7AFk4fyFDQ0hOPDO35NKhQEjBQxPh";
        let refusal = refused(secret);
        assert!(!format!("{refusal} {refusal:?}").contains(secret));
    }
}
