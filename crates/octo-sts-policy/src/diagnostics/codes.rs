//! Every code a finding can have: the one place that names and explains them. `docs/errors.md` is generated from it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Class, Severity};

macro_rules! codes {
    ($($id:literal $name:ident $class:ident $title:literal $meaning:literal $remedy:literal)*) => {
        /// The kind of a finding. Codes are stable: a code is never used for anything else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $id, "`: ", $title)] $name,)*
        }

        impl Code {
            /// Every code, errors first.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn entry(self) -> Entry {
                match self {
                    $(Self::$name => Entry { id: $id, class: Class::$class, title: $title, meaning: $meaning, remedy: $remedy },)*
                }
            }
        }
    };
}

struct Entry {
    id: &'static str,
    class: Class,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

codes! {
    // The text as YAML.
    "E001" TooLarge Unparsable "file too large"
        "A policy, allowlist or guardrails file has at most 64 KiB." "Split the policy, or shorten its lists with patterns."
    "E002" InvalidYaml Unparsable "not YAML"
        "The text breaks the rules of YAML at the place shown." "Check indentation (spaces, never tabs), colons followed by a space, and closed quotes and brackets."
    "E003" SeveralDocuments Unparsable "more than one document"
        "Readers of YAML differ in which of several documents they use, so a file holds one." "Delete the `---` or `...` and what does not belong to the file."
    "E004" AnchorOrAlias Unparsable "anchor, alias or merge key"
        "`&name`, `*name` and `<<` make a value stand elsewhere than where it is read." "Write the value out at each place."
    "E005" Tag Unparsable "tag"
        "Tags such as `!!str` or `!!binary` change a value in ways readers disagree about." "Delete the tag; put text in quotes to keep it text."
    "E006" DuplicateKey Unparsable "key given twice"
        "Some readers take the first of two equal keys, some the last." "Delete one of the two."
    "E007" AmbiguousScalar Unparsable "text that would be read as something else"
        "Without quotes, YAML 1.1 reads `0123`, `1.10`, `1_000`, `0x1F`, `yes` or `on` as numbers and booleans, and their text changes." "Put the value in quotes."
    "E008" TooDeep Unparsable "too deep or too many values"
        "A file nests at most 8 levels and has at most 2,000 values." "Flatten or split the file."
    "E009" ForbiddenCharacter Unparsable "character that readers disagree about"
        "Control characters and the line ends NEL, LS and PS are read differently by different readers." "Delete the character, or write it as an escape in double quotes."
    "E010" WrongType Unparsable "wrong kind of value"
        "Text, a list or a mapping stands where something else is due." "Write the kind of value that the message names."
    "E011" UnknownField Unparsable "unknown field"
        "The file has a field that does not exist; field names are in lower case." "Correct the spelling, or delete the field."

    // Who.
    "E101" MissingIssuer Uncompilable "no issuer"
        "A policy must say which issuer signs the tokens it trusts." "Add `issuer: https://…`, or `issuer_pattern`."
    "E102" TwoIssuers Uncompilable "issuer and issuer_pattern together"
        "Only one of the two can hold." "Delete one of the two."
    "E103" MissingSubject Uncompilable "no subject"
        "A policy must say which subject (`sub`) it trusts; claims are required beside it, not instead of it." "Add `subject: …`, or `subject_pattern`."
    "E104" TwoSubjects Uncompilable "subject and subject_pattern together"
        "Only one of the two can hold." "Delete one of the two."
    "E105" TwoAudiences Uncompilable "audience and audience_pattern together"
        "Only one of the two can hold." "Delete one of the two."
    "E106" TwoApps Uncompilable "app and app_pattern together"
        "Only one of the two can hold." "Delete one of the two."
    "E107" InvalidPattern Uncompilable "pattern does not compile"
        "Patterns are Go (RE2) regular expressions; the message is Go's own." "Correct the pattern; write a literal special character with a backslash before it."
    "E108" PatternTooLarge Uncompilable "pattern too long or too large"
        "A pattern has at most 1,024 bytes, and at most a mebibyte when it is compiled; all patterns of a file together take at most a few milliseconds to compile." "Shorten it, and lower its repetition counts."
    "E109" TooManyClaims Uncompilable "too many claim patterns"
        "A policy requires at most 64 claims." "Remove claims that add nothing."
    "E110" NullClaimPattern Uncompilable "claim pattern without a value"
        "A claim without a pattern would require an empty claim, which nobody means." "Write the pattern; `'.+'` requires any text."
    "E111" KeysWithoutIssuer Uncompilable "keys without their issuer"
        "`jwks` holds the keys of one issuer. With a pattern, whoever writes the policy would sign for every issuer that matches." "Write `issuer: https://…`, byte for byte as in the tokens, or delete `jwks`."
    "E112" TooManyKeys Uncompilable "too many keys"
        "`jwks` has at most 16 keys, and at most 8 KiB as JSON." "Keep the keys that tokens are signed with, and leave out certificates (`x5c`)."
    "E113" SecretKey Uncompilable "private key in a policy"
        "`jwks` holds public keys. A private or symmetric key in a file is known to everybody who reads the file, now or later." "Replace that key wherever it is used, and write the public part of its successor."
    "E114" InvalidKeys Uncompilable "not a key set"
        "`jwks` is a JSON Web Key Set, as text or as YAML, with RSA keys of 2,048 to 8,192 bits, EC keys on P-256, P-384 or P-521, or Ed25519 keys." "Copy the set from the issuer: `curl` its `jwks_uri`, or `kubectl get --raw /openid/v1/jwks`."

    // What.
    "E121" MissingPermissions Uncompilable "no permissions"
        "GitHub reads an empty set of permissions as everything the App has, so a policy names at least one." "Add `permissions:` with what is needed, for instance `contents: read`."
    "E122" UnknownPermission Unparsable "unknown permission"
        "No GitHub App permission has this name." "Use a name from GitHub's list of App permissions, in the API's spelling: `pull_requests`."
    "E123" UnknownLevel Uncompilable "unknown level"
        "A level is `read`, `write` or `admin`, and each permission knows only some of them." "Write one of the levels that the message names."
    "E124" PermissionOutOfReach Uncompilable "permission beyond repositories"
        "A policy in a repository gives access to repositories. What concerns the organisation is given by a policy in the organisation's policy repository." "Move the policy to the policy repository (`.github`), or lower the level to `read` where that is allowed."
    "E131" EmptyRepositories Uncompilable "empty list of repositories"
        "An empty list would give every repository, which is the opposite of what it says." "Name the repositories, or delete the field."
    "E132" InvalidRepository Uncompilable "not a repository name"
        "An entry is the name of a repository, alone or behind its owner and a slash." "Write `name` or `OWNER/name`."
    "E133" ForeignRepository Uncompilable "repository of another owner"
        "A token holds for repositories of one owner only." "Name repositories of the owner that the policy is for."
    "E134" TooManyRepositories Uncompilable "too many repositories"
        "GitHub issues a token for at most 500 named repositories." "Use several policies, or an organisation policy without `repositories`."

    // The issuer allowlist.
    "E201" UnknownMode Uncompilable "unknown mode"
        "The mode is `enforce` or `audit`." "Write `mode: enforce` or `mode: audit`."
    "E202" EmptyAllowlist Uncompilable "allowlist without issuers"
        "An enforced allowlist without any issuer would refuse everybody; delete the file to allow everybody." "List at least one issuer under `issuers` or `issuer_patterns`."
    "E203" PatternSpansSegments Uncompilable "pattern that could match a slash"
        "Where a pattern can match `/`, an issuer on another host or path could match it." "Use classes without the slash: `[^/]+` for `.+`, `[a-z0-9-]+` for a name."
    "E204" InvalidIssuer Uncompilable "not an issuer"
        "An issuer is an `https` URL in its one canonical spelling." "Copy the `iss` of a token of this issuer, byte for byte."
    "E205" TooManyIssuers Uncompilable "too many entries"
        "An allowlist has at most 256 issuers and 64 patterns." "Remove entries, or join them in a pattern."

    // Guardrails.
    "E301" InvalidGuardrail Uncompilable "guardrail that says nothing"
        "A rule has no effect, or contradicts itself, as it is written." "Write what the message asks for."
    "E302" InvalidDuration Uncompilable "not a duration"
        "A duration is a whole number and a unit: `90s`, `15m`, `1h30m`." "Write for instance `15m`."

    // Test cases.
    "E401" InvalidCase Unparsable "test case that cannot be run"
        "A case has claims with `iss` and `sub`, and says whether they are to be allowed or refused." "Write `expect: allow` or `expect: refuse`, and the claims of a token."

    // The file itself.
    "E501" UnreachableFile Unparsable "file that no exchange can ask for"
        "Policies are files `.github/chainguard/NAME.sts.yaml`, directly in that folder; NAME begins with a letter, a digit or `_` and has up to 255 of `A-Z a-z 0-9 . _ -`." "Rename or move the file."
    "E502" UnreadableFile Unparsable "not a readable file"
        "A policy is a file of UTF-8 text that can be read." "Put a text file there."
    "E503" GuardrailsNotInForce Uncompilable "guardrails that do not count"
        "The guardrails of an organisation count where the organisation has an issuer allowlist beside them: `.github/chainguard/trusted-token-issuers.yaml`." "Add the allowlist; `mode: audit` and one issuer suffice."

    // Legal, and usually wrong.
    "W001" PatternInExactField Uncompilable "pattern characters in an exact value"
        "The field is compared byte for byte, and its value looks like a pattern." "Rename the field to its `_pattern` form, or write the exact value."
    "W002" GlobInPattern Uncompilable "glob in a pattern"
        "In a regular expression `*` repeats what stands before it: `refs/*` means `refs` and any number of slashes." "Write `.*` where anything may stand."
    "W003" DoubleEscape Uncompilable "double-escaped backslash"
        "`\\\\.` in a pattern means a backslash and then any character. Backslashes are doubled only inside double quotes." "Write `\\.`, in single quotes or without quotes."
    "W004" UnescapedDot Uncompilable "unescaped dot in a host or address"
        "A dot in a pattern matches any character, so `api.example.com` also matches `apixexample.com`." "Write `\\.` for a dot."
    "W005" MatchesEverything Uncompilable "pattern that matches everything"
        "Whoever gets a token from the issuer is admitted as far as this field goes." "Write what the value must be."
    "W006" SharedIssuer Uncompilable "shared issuer without a tenant"
        "This issuer signs tokens for all of its customers, and nothing in the policy says which customer is meant." "Pin the tenant in `subject_pattern`, or by a claim such as the one the message names."
    "W007" RedundantAnchors Uncompilable "anchors in a pattern"
        "Patterns always match the whole value, so `^` in front and `$` at the end change nothing." "Delete them."
    "W008" NameOnlySubject Uncompilable "GitHub subject by name only"
        "Repositories created, renamed or transferred since July 2026 have subjects with ids: `repo:org@1/name@2:…`. And whoever gets hold of a freed name matches a policy that knows names only." "Write the form that the repository's tokens have now, or pin `repository_id` or `repository_owner_id` as well."
    "W009" CanRewritePolicy Uncompilable "the token can change its own policy"
        "With `contents: write`, `workflows: write` or `administration: write` over the repository that holds the policy, its holder can give itself more." "Protect the default branch with a ruleset, or keep the policy in the policy repository."
    "W010" EveryRepository Uncompilable "organisation policy without repositories"
        "For the scope of the whole organisation the token holds for every repository that the App can see." "Add `repositories:` with the names that are needed."
    "W011" AnyAudience Uncompilable "audience pattern that matches everything"
        "Tokens that were issued for any other service are accepted, so any service that receives them can use them here." "Write `audience:` with the value your workload asks for."
    "W012" MultilineFlag Uncompilable "(?m) in a pattern"
        "The whole value must match all the same; `(?m)` only lets `^` and `$` match at line ends inside it." "Delete the flag."
    "W013" EmptyPattern Uncompilable "empty claim pattern"
        "An empty pattern matches only an empty claim." "Write what the claim must be."
    "W014" DuplicateRepository Uncompilable "repository listed twice"
        "Names are compared without case; the second entry changes nothing." "Delete it."
    "W015" UndocumentedPermission Uncompilable "permission that GitHub does not document"
        "GitHub's published list of App permissions lacks this one; a token with it may be refused." "Check that the App has this permission."
    "W016" NeverMatches Uncompilable "value that no token can have"
        "Tokens with such a value are refused before any policy is read." "Copy the value from a token, byte for byte."
    "W017" InvisibleCharacter Uncompilable "invisible character"
        "Zero-width and bidirectional characters make a line read differently than it is matched." "Delete the character, or write it as an escape in double quotes."
    "W018" UntrustedEvent Uncompilable "event that strangers can cause"
        "Workflows for `pull_request_target` and the like run with the repository's identity on behalf of anybody who opens a pull request." "Require another event, or a `job_workflow_ref` that never runs foreign code."
    "W019" AuditOnly Uncompilable "audit mode"
        "In audit mode nothing is refused; it is only recorded." "Write `mode: enforce` once the record is as expected."
    "W020" CasesWithoutPolicy Uncompilable "test cases without a policy"
        "`NAME.sts.test.yaml` holds cases for `NAME.sts.yaml` beside it, and there is none." "Rename or delete the file, or add the policy."
    "W021" KeysDoNotRotate Uncompilable "keys that do not rotate"
        "With `jwks` the issuer is never asked: a key that it gives up goes on verifying tokens, and its new keys verify none, until the policy is changed. The operator of the service has to allow such keys for the issuer (`STS_POLICY_JWKS_ISSUERS`)." "Change the policy whenever the issuer changes its keys. Delete `jwks` where the service can reach the issuer."
}

impl Code {
    /// `E…` or `W…` and three digits.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// A few words for headings.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// How to put it right.
    pub fn remedy(self) -> &'static str {
        self.entry().remedy
    }

    /// Whether a file with such a finding is invalid.
    pub fn severity(self) -> Severity {
        if self.id().starts_with('E') { Severity::Error } else { Severity::Warning }
    }

    pub(crate) fn class(self) -> Class {
        self.entry().class
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A page that explains every code, in Markdown.
pub fn codes_as_markdown() -> String {
    let mut page = String::from("# Errors and warnings\n\nA file with an error is not used. A file with warnings is.\n");
    for severity in [Severity::Error, Severity::Warning] {
        page += if severity == Severity::Error { "\n## Errors\n" } else { "\n## Warnings\n" };
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            page.extend(["\n### ", code.id(), ": ", code.title(), "\n\n", code.meaning(), "\n\n**What to do.** ", code.remedy(), "\n"]);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_in_order() {
        let ids: Vec<_> = Code::ALL.iter().map(|code| code.id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 4 && (id.starts_with('E') || id.starts_with('W'))));
    }

    #[test]
    fn every_code_is_on_the_page() {
        let page = codes_as_markdown();
        for code in Code::ALL {
            assert!(page.contains(&format!("### {code}: ")) && page.contains(code.remedy()), "{code}");
        }
    }
}
