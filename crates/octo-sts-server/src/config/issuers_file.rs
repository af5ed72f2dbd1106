//! `STS_ISSUERS_FILE`: issuers that are described one by one.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use octo_sts_oidc::{IssuerEntry, IssuerFilter};

use super::{
    issuer_entry,
    problem::{ConfigError, Findings},
    yaml::{self, YamlError, entries, members},
};

const NAME: &str = "STS_ISSUERS_FILE";
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// Most issuers of a file.
const MOST_ISSUERS: usize = 256;

/// The file, and what it said when it was last read.
#[derive(Clone, Debug)]
pub struct IssuersFile {
    path: PathBuf,
    allow_localhost: bool,
    entries: Vec<IssuerEntry>,
    /// The files with keys and certificates that it names.
    others: Vec<PathBuf>,
}

impl IssuersFile {
    /// Reads the file and the others that it names; what is wrong is found at its place.
    pub(crate) fn load(path: &Path, allow_localhost: bool, findings: &mut Findings) -> Option<Self> {
        let place = format!("{NAME} {}", path.display());
        let text = findings.take(NAME, read(path, LONGEST, "the path of a YAML or JSON file"))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (entries, others) = findings.take(&place, parse(&text, folder, allow_localhost))?;
        Some(Self { path: path.to_owned(), allow_localhost, entries, others })
    }

    /// The same file as it is now.
    pub(crate) fn again(&self) -> Result<Self, ConfigError> {
        let mut findings = Findings::default();
        let read = Self::load(&self.path, self.allow_localhost, &mut findings);
        findings.conclude()?;
        read.ok_or_else(|| ConfigError::single(NAME, "is not complete"))
    }

    /// What it describes.
    pub(crate) fn entries(&self) -> &[IssuerEntry] {
        &self.entries
    }

    /// Every file that it rests on.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.path.clone()];
        files.extend_from_slice(&self.others);
        files
    }

    /// Says which of its issuers the list of admitted ones leaves out: describing them does not admit them.
    pub(super) fn warn_of_the_unlisted(&self, allowed: Option<&IssuerFilter>, findings: &mut Findings) {
        let Some(allowed) = allowed else { return };
        for entry in self.entries.iter().filter(|entry| !allowed.admits(&entry.issuer)) {
            findings.warn(format!("{NAME} describes `{}`, which STS_ALLOWED_ISSUERS does not admit: its tokens are refused", entry.issuer));
        }
    }
}

/// The text of a regular file that is not longer than this.
pub(super) fn read(path: &Path, longest: u64, due: &str) -> Result<String, String> {
    let wrong = |why: String| format!("`{}` {why}: write {due} that this process may read", path.display());
    let about = fs::metadata(path).map_err(|error| wrong(format!("cannot be read ({error})")))?;
    if !about.is_file() {
        return Err(wrong("is not a file".to_owned()));
    }
    if about.len() > longest {
        return Err(wrong(format!("is longer than {} KiB", longest >> 10)));
    }
    fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read ({error})")))
}

/// Reads the text of the file: its issuers, and the files beside it.
fn parse(text: &str, folder: &Path, allow_localhost: bool) -> Result<(Vec<IssuerEntry>, Vec<PathBuf>), YamlError> {
    let root = yaml::parse(text)?;
    let at = root.at;
    let [issuers] = members(root, ["issuers"])?;
    let listed = entries(issuers.ok_or_else(|| YamlError::at(at, "`issuers` is missing: list the issuers, each with `issuer`"))?, "issuers")?;
    if listed.len() > MOST_ISSUERS {
        return Err(YamlError::at(listed[MOST_ISSUERS].at, format!("{} issuers are listed, and {MOST_ISSUERS} is the most", listed.len())));
    }
    let (mut described, mut files, mut seen) = (Vec::with_capacity(listed.len()), Vec::new(), HashSet::new());
    for node in listed {
        let at = node.at;
        let entry = issuer_entry::read(node, &issuer_entry::Surroundings { folder, allow_localhost }, &mut files)?;
        if !seen.insert(entry.issuer.clone()) {
            return Err(YamlError::at(at, format!("the issuer `{}` is listed twice: write one entry with everything", entry.issuer)));
        }
        described.push(entry);
    }
    Ok((described, files))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const KEY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn refused(text: &str) -> String {
        parse(text, Path::new("/nowhere"), false).map(|_| ()).err().map_or_else(|| panic!("accepted: {text}"), |error| error.to_string())
    }

    fn entry(lines: &str) -> String {
        format!("issuers:\n  - issuer: https://a.example\n    {}\n", lines.replace('\n', "\n    "))
    }

    #[test]
    fn every_field_is_read_from_yaml_and_from_json() {
        let yaml = format!(
            "issuers:\n  - issuer: https://kubernetes.default.svc\n    jwks: '{KEY}'\n    required_claims:\n      kubernetes.io/namespace: prod\n      \
             sub: {{pattern: 'system:.+'}}\n    max_token_lifetime: 1h\n  - issuer: https://gitlab.internal:8443\n    jwks_uri: https://10.0.0.1/keys\n    \
             allowed_addresses: [10.0.0.0/8, 'fd00::1']\n  - {{issuer: https://b.example, private: true}}\n"
        );
        let (entries, files) = parse(&yaml, Path::new(""), false).unwrap();
        assert!(files.is_empty());
        insta::assert_debug_snapshot!(entries);
        let json = format!(r#"{{"issuers": [{{"issuer": "https://kubernetes.default.svc", "jwks": {KEY}, "private": false}}]}}"#);
        assert_eq!(parse(&json, Path::new(""), false).unwrap().0[0].keys, entries[0].keys);
    }

    #[test]
    fn each_mistake_is_named_with_its_place_and_what_to_write() {
        let secret = KEY.replace(r#""x":"#, r#""d":"c2VjcmV0","x":"#);
        let symmetric = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
        let rows = [
            String::new(),
            "issuers: []\n".to_owned(),
            "issuer: https://a.example\n".to_owned(),
            "issuers:\n  - jwks_uri: https://a.example/\n".to_owned(),
            "issuers:\n  - issuer: https://a.example\n  - issuer: https://a.example\n".to_owned(),
            "issuers:\n  - issuer: https://a.example\n    issuer: https://a.example\n".to_owned(),
            "issuers:\n  - issuer: http://a.example\n".to_owned(),
            "issuers:\n  - issuer: http://localhost:8080\n    private: true\n".to_owned(),
            "issuers:\n  - &x {issuer: https://a.example}\n".to_owned(),
            entry("jwksuri: https://b.example/"),
            entry("jwks_uri: http://b.example/"),
            entry("jwks_uri: https://user:secret@b.example/"),
            entry("jwks_uri: https://b.example/\njwks_file: keys.json"),
            entry("jwks_file: keys.json"),
            entry("ca_file: ca.pem"),
            entry("jwks: '{'"),
            entry("jwks: [a]"),
            entry(&format!("jwks: '{secret}'")),
            entry(&format!("jwks: {secret}")),
            entry(&format!("jwks: '{symmetric}'")),
            entry(&format!("jwks: '{KEY}'\nprivate: true")),
            entry("private: maybe"),
            entry("private: true\nallowed_addresses: [10.0.0.0/8]"),
            entry("allowed_addresses: []"),
            entry("allowed_addresses: [10.1.2.3/8]"),
            entry("allowed_addresses: [vault.internal]"),
            entry("required_claims: {}"),
            entry("required_claims: {namespace: ''}"),
            entry("required_claims: {namespace: {pattern: 'a('}}"),
            entry("required_claims: {namespace: {patern: a}}"),
            entry("required_claims: {namespace: [a]}"),
            entry("max_token_lifetime: 5min"),
            entry("max_token_lifetime: 0s"),
        ];
        let mut page = String::new();
        for row in &rows {
            let message = refused(row);
            assert!(!message.contains("c2VjcmV0") && !message.contains("user:secret"), "{message}");
            _ = writeln!(page, "{:?}\n    {message}", row.replace("c2VjcmV0", "…"));
        }
        insta::assert_snapshot!(page);
    }

    #[test]
    fn a_file_out_of_bounds_is_refused() {
        let many: String = (0..10_000).fold("issuers:\n".to_owned(), |text, number| text + &format!("  - issuer: https://a{number}.example\n"));
        assert!(refused(&many).contains("10000 issuers are listed, and 256 is the most"));
        let wide: String = (0..5_000).fold(String::new(), |text, number| text + &format!("k{number}: 1\n"));
        assert!(refused(&wide).contains("the key `k0` is not known here"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuers.yaml");
        fs::write(&path, vec![b'a'; 10 << 20]).unwrap();
        assert!(read(&path, LONGEST, "a file").unwrap_err().contains("is longer than 1024 KiB"));
    }
}
