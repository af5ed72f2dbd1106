//! The secrets that deliveries are signed with.
//!
//! Only `X-Hub-Signature-256` counts: `sha256=` and the HMAC-SHA-256 of the raw body in 64 hexadecimal digits. During a
//! rotation there are several secrets, and each is tried, whichever fits.

use std::fmt;

use aws_lc_rs::hmac;
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

/// The header that counts. GitHub also sends `X-Hub-Signature`, which is SHA-1.
const HEADER: &str = "x-hub-signature-256";
/// Shortest secret, in bytes.
const SHORTEST: usize = 16;
/// Most secrets at a time.
const MOST: usize = 16;

/// The keys of every secret: one at the least.
#[derive(Clone)]
pub struct WebhookSecrets(Vec<hmac::Key>);

/// Why a text holds no usable secrets. It says nothing of what it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecrets {
    /// There is none: then everybody could send deliveries.
    #[error("the webhook secret is empty; without one everybody could send deliveries")]
    Empty,
    /// One can be guessed.
    #[error("webhook secret number {position} has {length} bytes; {SHORTEST} are the least (`openssl rand -hex 32` makes a good one)")]
    Short {
        /// Which in the list, from 1.
        position: usize,
        /// How long it is.
        length: usize,
    },
    /// Each is tried for every delivery.
    #[error("{0} webhook secrets are listed; {MOST} are the most")]
    TooMany(usize),
}

impl WebhookSecrets {
    /// Single secrets, each as it is but for white space around it, such as the line end of a file.
    pub fn new(secrets: &[SecretString]) -> Result<Self, InvalidSecrets> {
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.expose_secret().trim()).collect();
        Self::of(&secrets)
    }

    /// A list with commas or line ends between the secrets.
    ///
    /// A text with commas is also taken as one secret, since upstream does not split it.
    pub fn from_list(list: &SecretString) -> Result<Self, InvalidSecrets> {
        let text = list.expose_secret().trim();
        let mut secrets: Vec<_> = text.split([',', '\n']).map(str::trim).collect();
        let mut keys = Self::of(&secrets)?;
        secrets.truncate(1);
        if secrets[0] != text {
            keys.0.push(key(text));
        }
        Ok(keys)
    }

    fn of(secrets: &[&str]) -> Result<Self, InvalidSecrets> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.is_empty()) {
            return Err(InvalidSecrets::Empty);
        }
        if secrets.len() > MOST {
            return Err(InvalidSecrets::TooMany(secrets.len()));
        }
        match secrets.iter().position(|secret| secret.len() < SHORTEST) {
            Some(at) => Err(InvalidSecrets::Short { position: at + 1, length: secrets[at].len() }),
            None => Ok(Self(secrets.iter().map(|secret| key(secret)).collect())),
        }
    }

    /// Whether the body is signed with one of the secrets. Takes as long whichever of them fits.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(signature) = signature(headers) else { return false };
        self.0.iter().fold(false, |signed, key| hmac::verify(key, body, &signature).is_ok() | signed)
    }
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// The signature of the one header that counts.
fn signature(headers: &HeaderMap) -> Option<[u8; 32]> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let digits = value.as_bytes().strip_prefix(b"sha256=").filter(|digits| digits.len() == 64)?;
    let mut signature = [0; 32];
    for (byte, pair) in signature.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(signature)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// How many there are, and nothing of what they are.
impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(list: &str) -> WebhookSecrets {
        WebhookSecrets::from_list(&list.into()).unwrap()
    }

    fn signed(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (http::HeaderName::from_static(HEADER), value.parse().unwrap())).collect()
    }

    #[test]
    fn githubs_own_example_verifies() {
        assert!(secrets(SECRET).verify(&signed(&[SIGNATURE]), BODY));
        assert!(!secrets(SECRET).verify(&signed(&[SIGNATURE]), b"Hello, World?"));
        assert!(!secrets("another secret of length").verify(&signed(&[SIGNATURE]), BODY));
    }

    /// T-140, T-141
    #[test]
    fn only_one_whole_sha256_signature_counts() {
        let sha1 = "sha1=757107ea0eb2509fc211221cce984b8a37570b6d";
        for values in [
            &[] as &[&str],
            &[""],
            &["sha256="],
            &[sha1],
            &[&SIGNATURE[..70]],
            &[&SIGNATURE[7..]],
            &[&format!("{SIGNATURE}0")],
            &[&SIGNATURE.replace("sha256", "sha512")],
            &[&SIGNATURE.replace("sha256", "SHA256")],
            &[&SIGNATURE.replace('7', "g")],
            &[&format!("{SIGNATURE}, {SIGNATURE}")],
            &[SIGNATURE, SIGNATURE],
            &["sha256=+57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"],
        ] {
            assert!(!secrets(SECRET).verify(&signed(values), BODY), "Input: {values:?}");
        }
        let mut headers = signed(&[]);
        headers.insert("x-hub-signature", sha1.parse().unwrap());
        assert!(!secrets(SECRET).verify(&headers, BODY));
        assert!(secrets(SECRET).verify(&signed(&[&SIGNATURE.replace("ea0eb", "EA0EB")]), BODY));
    }

    /// T-142, T-143
    #[test]
    fn any_of_several_secrets_fits() {
        for list in [
            format!("{SECRET},0123456789abcdef0"),
            format!("0123456789abcdef0, {SECRET}"),
            format!("0123456789abcdef0\n{SECRET}\n"),
            format!("{SECRET}\r\n"),
        ] {
            assert!(secrets(&list).verify(&signed(&[SIGNATURE]), BODY), "Input: {list:?}");
        }
    }

    /// T-143: upstream takes the text as one secret.
    #[test]
    fn a_secret_with_a_comma_in_it_fits_as_a_whole() {
        let whole = "first half of a secret,second half of a secret";
        let tag = hmac::sign(&key(whole), BODY);
        let hex = tag.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert!(secrets(whole).verify(&signed(&[&format!("sha256={hex}")]), BODY));
    }

    /// T-140
    #[test]
    fn empty_and_short_secrets_are_refused() {
        for (list, why) in [
            ("", InvalidSecrets::Empty),
            (" \n", InvalidSecrets::Empty),
            (",", InvalidSecrets::Empty),
            ("0123456789abcdef,", InvalidSecrets::Empty),
            ("0123456789abcde", InvalidSecrets::Short { position: 1, length: 15 }),
            ("0123456789abcdef,short", InvalidSecrets::Short { position: 2, length: 5 }),
        ] {
            assert_eq!(WebhookSecrets::from_list(&list.into()).unwrap_err(), why, "Input: {list:?}");
        }
        assert_eq!(WebhookSecrets::new(&[]).unwrap_err(), InvalidSecrets::Empty);
        assert!(WebhookSecrets::new(&["a secret, with a comma\n".into()]).is_ok());
        let many = vec!["0123456789abcdef"; 17].join(",");
        assert_eq!(WebhookSecrets::from_list(&many.as_str().into()).unwrap_err(), InvalidSecrets::TooMany(17));
    }

    /// T-105
    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", secrets(SECRET)), "WebhookSecrets(1)");
    }
}
