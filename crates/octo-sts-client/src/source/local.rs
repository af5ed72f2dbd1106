//! Sources that are read: variables, files, standard input.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{KUBERNETES_FILE, LONGEST, SourceError, Surroundings};

/// The variables that a GitLab job's `id_tokens` may fill, in the order in which they count.
const GITLAB_VARIABLES: [&str; 4] = ["OCTO_STS_ID_TOKEN", "OCTO_STS_TOKEN", "ID_TOKEN", "GITLAB_OIDC_TOKEN"];

pub(super) fn variable(name: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let value = (surroundings.variable)(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| SourceError::Missing(format!("the variable {name} is not set")))
}

pub(super) fn gitlab(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let found = GITLAB_VARIABLES.iter().find_map(|name| (surroundings.variable)(name).filter(|value| !value.is_empty()));
    found.ok_or_else(|| {
        let lines = format!("    id_tokens:\n      {}:\n        aud: {audience}", GITLAB_VARIABLES[0]);
        SourceError::Missing(format!("this GitLab job has no ID token; add to the job in .gitlab-ci.yml:\n{lines}"))
    })
}

pub(super) fn kubernetes(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let path = (surroundings.variable)("OCTO_STS_TOKEN_FILE").map_or_else(|| PathBuf::from(KUBERNETES_FILE), PathBuf::from);
    if !(surroundings.exists)(&path) {
        let what = format!("there is no token at {}; project a service account token with audience `{audience}` there", path.display());
        return Err(SourceError::Missing(what));
    }
    file(&path)
}

pub(super) fn file(path: &Path) -> Result<String, SourceError> {
    let name = path.display().to_string();
    File::open(path).and_then(read).map_err(|error| SourceError::Unreadable(name, error))
}

pub(super) fn stdin() -> Result<String, SourceError> {
    read(io::stdin().lock()).map_err(|error| SourceError::Unreadable("standard input".to_owned(), error))
}

/// Reads as much as a token can be, and a little more, so that too long shows.
fn read(reader: impl Read) -> io::Result<String> {
    let mut text = String::new();
    reader.take(LONGEST as u64 + 64).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{
        super::tests::{http, variables},
        *,
    };

    #[test]
    fn a_gitlab_job_without_token_is_told_what_to_write() {
        let (http, variable) = (http(), variables(&[]));
        let error = gitlab("sts.example", &Surroundings { variable: &variable, exists: &|_| false, http: &http }).unwrap_err();
        assert!(error.to_string().ends_with("    id_tokens:\n      OCTO_STS_ID_TOKEN:\n        aud: sts.example"));
    }

    #[test]
    fn a_projected_token_is_read_where_the_variable_says() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"a.b.c\n").unwrap();
        let (http, variable) = (http(), variables(&[("OCTO_STS_TOKEN_FILE", file.path().to_str().unwrap())]));
        let token = kubernetes("a", &Surroundings { variable: &variable, exists: &Path::exists, http: &http });
        assert_eq!(token.unwrap(), "a.b.c\n");
    }

    #[test]
    fn a_huge_file_is_not_read_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'a'; 1 << 20]).unwrap();
        assert!(super::file(file.path()).unwrap().len() < LONGEST + 100);
    }
}
