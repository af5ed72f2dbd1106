//! Which files are policies, by their names.
//!
//! The exchange reads `.github/chainguard/NAME.sts.yaml` and nothing else. The webhook and the command line ask here what
//! a file is, so that both tell the same of a file that no exchange can ask for.

use octo_sts_types::Identity;

/// Where policies lie in a repository.
pub const DIRECTORY: &str = ".github/chainguard";
/// The names of the files that count for a whole organisation.
const ALLOWLIST: &str = "trusted-token-issuers.yaml";
const GUARDRAILS: &str = "guardrails.yaml";
/// What people write instead.
const WRONG_NAMES: [(&str, &str); 4] = [
    ("trusted-token-issuers.yml", ALLOWLIST),
    ("trusted-token-issuers.json", ALLOWLIST),
    ("guardrails.yml", GUARDRAILS),
    ("guardrails.json", GUARDRAILS),
];
/// How the names of policies and of their test cases end.
const POLICY_ENDING: &str = ".sts.yaml";
const TESTS_ENDING: &str = ".sts.test.yaml";
/// What people write instead.
const WRONG_ENDINGS: [&str; 4] = [".sts.yml", ".sts.json", ".sts.test.yml", ".sts.test.json"];

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The trust policy of an identity.
    Policy(Identity),
    /// Test cases for the policy of an identity.
    Tests(Identity),
    /// The organisation's issuer allowlist.
    Allowlist,
    /// The organisation's guardrails.
    Guardrails,
    /// It looks like one of them, and nobody will ask for it.
    Unreachable {
        /// A sentence.
        why: &'static str,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl FileKind {
    /// What a file of this name is, so many folders below [`DIRECTORY`]; `None` when it is no business of ours.
    pub fn of(name: &str, depth: usize) -> Option<Self> {
        if let Some((_, right)) = WRONG_NAMES.iter().find(|(wrong, _)| *wrong == name) {
            return Some(Self::Unreachable { why: "The name of the file ends in `.yaml`.", hint: Some(format!("name it `{right}`")) });
        }
        if WRONG_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return Some(Self::misnamed(name));
        }
        if depth > 0 && (is_central(name) || [POLICY_ENDING, TESTS_ENDING].iter().any(|ending| name.ends_with(ending))) {
            let why = "Policies lie directly in `.github/chainguard/`, not in a folder below it.";
            return Some(Self::Unreachable { why, hint: Some("move it up".to_owned()) });
        }
        match name {
            ALLOWLIST => Some(Self::Allowlist),
            GUARDRAILS => Some(Self::Guardrails),
            _ => {
                let tests = name.strip_suffix(TESTS_ENDING).map(|stem| stem.parse().map(Self::Tests));
                let kind = tests.or_else(|| name.strip_suffix(POLICY_ENDING).map(|stem| stem.parse().map(Self::Policy)))?;
                Some(kind.unwrap_or_else(|_| Self::no_identity(name)))
            }
        }
    }

    /// What a file is that somebody takes for a policy, whatever its name.
    pub fn taken_for_a_policy(name: &str, depth: usize) -> Self {
        Self::of(name, depth).unwrap_or_else(|| Self::misnamed(name))
    }

    fn misnamed(name: &str) -> Self {
        let why = "The name of a policy file ends in `.sts.yaml`, of its test cases in `.sts.test.yaml`.";
        Self::Unreachable { why, hint: call_it(name) }
    }

    fn no_identity(name: &str) -> Self {
        let why = "An identity begins with a letter, a digit or `_` and has up to 255 of `A-Z a-z 0-9 . _ -`.";
        Self::Unreachable { why, hint: call_it(name) }
    }

    /// The name of the test cases of a policy, or of the policy of test cases, which lies beside it.
    pub fn partner(&self) -> Option<String> {
        match self {
            Self::Policy(identity) => Some(tests_name(identity)),
            Self::Tests(identity) => Some(format!("{identity}{POLICY_ENDING}")),
            Self::Allowlist | Self::Guardrails | Self::Unreachable { .. } => None,
        }
    }
}

/// Whether a file of this name, or of what people write instead, would count for a whole organisation. It does so in the
/// policy repository only.
pub fn is_central(name: &str) -> bool {
    name == ALLOWLIST || name == GUARDRAILS || WRONG_NAMES.iter().any(|(wrong, _)| *wrong == name)
}

/// The name of the test cases of a policy.
pub fn tests_name(identity: &Identity) -> String {
    format!("{identity}{TESTS_ENDING}")
}

fn call_it(name: &str) -> Option<String> {
    renamed(name).map(|name| format!("name it `{name}`"))
}

/// The nearest name that an exchange can ask for.
fn renamed(name: &str) -> Option<String> {
    let ending = if name.contains(".sts.test.") { TESTS_ENDING } else { POLICY_ENDING };
    let stem = [".sts.test", ".sts"].into_iter().find_map(|middle| name.rsplit_once(middle).map(|(stem, _)| stem));
    let stem = stem.or_else(|| name.rsplit_once('.').map(|(stem, _)| stem)).unwrap_or(name);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let stem: String = stem.chars().map(plain).collect();
    let stem = stem.trim_start_matches(['-', '.']);
    stem.parse::<Identity>().is_ok().then(|| format!("{stem}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Guardrails, IssuerAllowlist};

    fn rather(name: &str, depth: usize) -> Option<String> {
        match FileKind::of(name, depth) {
            Some(FileKind::Unreachable { hint, .. }) => Some(hint.unwrap_or_default().trim_start_matches("name it ").replace('`', "")),
            _ => None,
        }
    }

    #[test]
    fn a_name_says_what_a_file_is() {
        let identity = |name: &str| name.parse::<Identity>().unwrap();
        for (name, expected) in [
            ("ci.sts.yaml", FileKind::Policy(identity("ci"))),
            ("a.b_c-D.sts.yaml", FileKind::Policy(identity("a.b_c-D"))),
            ("ci.sts.sts.yaml", FileKind::Policy(identity("ci.sts"))),
            ("ci.sts.test.yaml", FileKind::Tests(identity("ci"))),
            ("trusted-token-issuers.yaml", FileKind::Allowlist),
            ("guardrails.yaml", FileKind::Guardrails),
        ] {
            assert_eq!(FileKind::of(name, 0), Some(expected), "Input: {name}");
            assert_eq!(rather(name, 1).as_deref(), Some("move it up"), "Input: {name}");
        }
        for name in ["README.md", "ci.yaml", "sts.yaml", "ci.sts.yaml.bak", "CI.STS.YAML", "Guardrails.yaml", ""] {
            assert_eq!((FileKind::of(name, 0), FileKind::of(name, 1)), (None, None), "Input: {name}");
        }
    }

    /// T-151
    #[test]
    fn a_name_no_exchange_can_ask_for_gets_another() {
        for (name, expected) in [
            ("a b.sts.yaml", "a-b.sts.yaml"),
            ("-x.sts.yaml", "x.sts.yaml"),
            (".hidden.sts.yaml", "hidden.sts.yaml"),
            ("é.sts.yaml", ""),
            ("-x.sts.test.yaml", "x.sts.test.yaml"),
            ("ci.sts.yml", "ci.sts.yaml"),
            ("ci.sts.json", "ci.sts.yaml"),
            ("ci.sts.test.yml", "ci.sts.test.yaml"),
            ("ci.sts.test.json", "ci.sts.test.yaml"),
            ("guardrails.yml", "guardrails.yaml"),
            ("trusted-token-issuers.yml", "trusted-token-issuers.yaml"),
            ("trusted-token-issuers.json", "trusted-token-issuers.yaml"),
            (".sts.yaml", ""),
            (".sts.test.yaml", ""),
            (&format!("{}.sts.yaml", "a".repeat(256)), ""),
        ] {
            assert_eq!(rather(name, 0).as_deref(), Some(expected), "Input: {name}");
        }
        assert_eq!(renamed("policy.yaml").as_deref(), Some("policy.sts.yaml"));
        assert!(matches!(FileKind::taken_for_a_policy("policy.yaml", 0), FileKind::Unreachable { hint: Some(_), .. }));
        assert!(matches!(FileKind::taken_for_a_policy("ci.sts.yaml", 0), FileKind::Policy(_)));
    }

    #[test]
    fn cases_and_policy_lie_side_by_side() {
        let partner = |name| FileKind::of(name, 0).and_then(|kind| kind.partner());
        assert_eq!(partner("ci.sts.yaml").as_deref(), Some("ci.sts.test.yaml"));
        assert_eq!(partner("ci.sts.test.yaml").as_deref(), Some("ci.sts.yaml"));
        assert_eq!(partner("guardrails.yaml"), None);
    }

    #[test]
    fn the_names_are_those_that_are_read() {
        assert_eq!(IssuerAllowlist::PATH, format!("{DIRECTORY}/{ALLOWLIST}"));
        assert_eq!(Guardrails::PATH, format!("{DIRECTORY}/{GUARDRAILS}"));
        let identity: Identity = "ci".parse().unwrap();
        assert_eq!(identity.policy_path(), format!("{DIRECTORY}/ci{POLICY_ENDING}"));
        assert!(is_central(ALLOWLIST) && is_central("guardrails.yml") && !is_central("ci.sts.yaml"));
    }
}
