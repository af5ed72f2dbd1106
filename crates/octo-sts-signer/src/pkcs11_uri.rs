//! `pkcs11:` URIs (RFC 7512): which library, which token, which key.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// A private key behind a PKCS#11 library.
#[derive(Debug, Default)]
pub(crate) struct Pkcs11Uri {
    /// The library, `module-path`.
    pub(crate) module: PathBuf,
    pub(crate) token: Option<String>,
    pub(crate) serial: Option<String>,
    /// The key's label.
    pub(crate) object: Option<String>,
    /// The key's id, any bytes.
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) pin: Option<Pin>,
}

/// Where the token's PIN is.
#[derive(Debug)]
pub(crate) enum Pin {
    /// In the URI, `pin-value`.
    Value(SecretString),
    /// In a file, `pin-source`.
    File(PathBuf),
}

impl Pkcs11Uri {
    /// Reads a URI that names a library and a key in it. An attribute that is unknown or stands there twice makes it none, so
    /// that a typing error does not select another key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkcs11:")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        for part in path.split(';').chain(query.split('&')).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
            uri.set(name, percent_decode_str(value).collect())?;
        }
        let complete = !uri.module.as_os_str().is_empty() && (uri.object.is_some() || uri.id.is_some());
        complete.then_some(uri)
    }

    fn set(&mut self, name: &str, value: Vec<u8>) -> Option<()> {
        if name == "id" {
            self.id = Some(value);
            return Some(());
        }
        let text = String::from_utf8(value).ok().filter(|text| !text.is_empty())?;
        match name {
            "token" => self.token = Some(text),
            "serial" => self.serial = Some(text),
            "object" => self.object = Some(text),
            "module-path" => self.module = text.into(),
            "pin-source" if self.pin.is_none() => self.pin = Some(Pin::File(file(&text).into())),
            "pin-value" if self.pin.is_none() => self.pin = Some(Pin::Value(text.into())),
            "type" => return (text == "private").then_some(()),
            _ => return None,
        }
        Some(())
    }

    /// The key as people read it, without the PIN.
    pub(crate) fn origin(&self) -> String {
        let key = self.object.clone().or_else(|| self.id.as_ref().map(|id| format!("id {}", id.escape_ascii())));
        let token = self.token.as_ref().or(self.serial.as_ref()).map(|token| format!(" on token `{token}`")).unwrap_or_default();
        format!("PKCS#11 key `{}`{token}", key.unwrap_or_default())
    }
}

/// The path in a `file:` URI, or the path itself.
fn file(text: &str) -> &str {
    let path = text.strip_prefix("file:").unwrap_or(text);
    path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_library_token_key_and_pin() {
        let uri = Pkcs11Uri::parse("pkcs11:token=My%20HSM;object=app;id=%01%ff?module-path=/usr/lib/p11.so&pin-source=file:///run/pin").unwrap();
        assert_eq!(uri.module, PathBuf::from("/usr/lib/p11.so"));
        assert_eq!((uri.token.as_deref(), uri.object.as_deref(), uri.id.as_deref()), (Some("My HSM"), Some("app"), Some(&[1, 255][..])));
        assert!(matches!(&uri.pin, Some(Pin::File(path)) if path.as_os_str() == "/run/pin"));
        assert_eq!(uri.origin(), "PKCS#11 key `app` on token `My HSM`");
        for (text, path) in [("/run/pin", "/run/pin"), ("file:/run/pin", "/run/pin"), ("file:///run/pin", "/run/pin")] {
            assert_eq!(file(text), path);
        }
    }

    #[test]
    fn what_might_select_another_key_is_refused() {
        for text in [
            "",
            "pkcs11:",
            "pkcs11:object=app",
            "pkcs11:?module-path=/p11.so",
            "pkcs11:token=t?module-path=/p11.so",
            "pkcs11:object=?module-path=/p11.so",
            "pkcs11:object=app;object=other?module-path=/p11.so",
            "pkcs11:objekt=app;id=%01?module-path=/p11.so",
            "pkcs11:object=app;type=public?module-path=/p11.so",
            "pkcs11:object=app?module-path=/p11.so&pin-value=1&pin-source=/pin",
            "pkcs11:object=%ff?module-path=/p11.so",
            "PKCS11:object=app?module-path=/p11.so",
        ] {
            assert!(Pkcs11Uri::parse(text).is_none(), "Input: {text}");
        }
    }

    /// T-105
    #[test]
    fn the_pin_is_not_shown() {
        let uri = Pkcs11Uri::parse("pkcs11:object=app?module-path=/p11.so&pin-value=987654").unwrap();
        assert!(!format!("{uri:?} {}", uri.origin()).contains("987654"));
    }
}
