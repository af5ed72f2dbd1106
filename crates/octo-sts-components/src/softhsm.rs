//! A token of `SoftHSM`, which is a hardware security module made of files.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::program;

const INSTALL: &str = "apt-get install softhsm2";
const PIN: &str = "1234";
const LABEL: &str = "octo sts";

/// A token of its own, called `octo sts`, with the PIN 1234. `SoftHSM` reads `SOFTHSM2_CONF` when its library is loaded, so that
/// each process sees one folder of tokens.
#[derive(Debug)]
pub struct SoftHsm {
    folder: tempfile::TempDir,
    configuration: PathBuf,
}

impl SoftHsm {
    /// A token with this key, PKCS#8, as `app` with the id 01.
    pub fn with_key(pem: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (configuration, tokens) = (folder.path().join("softhsm2.conf"), folder.path().join("tokens"));
        std::fs::create_dir(&tokens).unwrap();
        std::fs::write(&configuration, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
        std::fs::write(folder.path().join("pin"), format!("{PIN}\n")).unwrap();
        let token = Self { folder, configuration };
        token.util(&["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "5678"]);
        token.import(pem, "app", "01");
        token
    }

    /// Puts a key into the token.
    pub fn import(&self, pem: &str, label: &str, id: &str) {
        let key = self.folder.path().join("key.pem");
        std::fs::write(&key, pem).unwrap();
        self.util(&["--import", key.to_str().unwrap(), "--token", LABEL, "--label", label, "--id", id, "--pin", PIN]);
    }

    fn util(&self, arguments: &[&str]) {
        let util = program("softhsm2-util", "SOFTHSM2_UTIL", INSTALL);
        let output = Command::new(util).args(arguments).env("SOFTHSM2_CONF", &self.configuration).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The value of `SOFTHSM2_CONF`.
    pub fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// The folder with the file `pin`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The library that speaks PKCS#11.
pub fn library() -> String {
    let named = std::env::var("SOFTHSM2_LIBRARY").ok();
    let usual = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"];
    let found = named.or_else(|| usual.iter().find(|path| Path::new(path).is_file()).map(|path| (*path).to_owned()));
    found.unwrap_or_else(|| panic!("SoftHSM's library is missing: install it with `{INSTALL}`, or say where it is in `SOFTHSM2_LIBRARY`"))
}
