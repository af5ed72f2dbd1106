//! `policy check`: which files are found, in which form findings are told, and how the command ends.

use serde_json::Value;

use super::{Folder, GOOD};

const CI: &str = ".github/chainguard/ci.sts.yaml";

#[test]
fn a_good_repository_is_fine() {
    let folder = Folder::new(&[(CI, GOOD), ("README.md", "")]);
    let said = folder.policy(&["check"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "1 file, 0 errors, 0 warnings\n", ""));
    assert_eq!(folder.policy(&["check", "--strict", CI]).code, 0);
}

#[test]
fn findings_end_with_1_and_nothing_to_look_at_with_2() {
    let folder = Folder::new(&[(CI, &GOOD.replace("subject:", "subject_pattern:").replace("main", ".*$")), ("empty/README.md", "")]);
    assert_eq!(folder.policy(&["check"]).code, 0);
    assert_eq!(folder.policy(&["check", "--strict"]).code, 1);
    folder.write(CI, GOOD.replace("write", "writ").as_bytes());
    assert_eq!(folder.policy(&["check"]).code, 1);
    for arguments in [&["check", "empty"][..], &["check", "nowhere"], &["check", "--format", "xml"], &["check", "--owner", "a/b"]] {
        let said = folder.policy(arguments);
        assert!(said.code == 2 && said.out.is_empty() && !said.err.is_empty(), "Input: {arguments:?}: {}", said.err);
    }
}

/// As the published pages show it: the owner stands before the name, and here it is another's.
#[test]
fn the_owner_that_is_told_is_the_only_one() {
    let folder = Folder::new(&[(CI, &format!("{GOOD}repositories:\n  - other/infra\n"))]);
    let said = folder.policy(&["check", "--owner", "acme"]);
    assert!(said.code == 1 && said.out.contains("error[E133]: `other/infra` does not belong to `acme`."), "{}", said.out);
    assert_eq!(folder.policy(&["check", "--owner", "other"]).code, 0);
}

/// T-151
#[test]
fn a_file_no_exchange_can_ask_for_is_an_error() {
    let folder = Folder::new(&[
        (".github/chainguard/a b.sts.yaml", GOOD),
        (".github/chainguard/old/ci.sts.yaml", GOOD),
        (".github/chainguard/x.sts.yml", GOOD),
    ]);
    let said = folder.policy(&["check"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.out, @r"
    error[E501]: No exchange can ask for this file. An identity begins with a letter, a digit or `_` and has up to 255 of `A-Z a-z 0-9 . _ -`.
     --> .github/chainguard/a b.sts.yaml:1:1
      |
    1 | issuer: https://gitlab.com
      | ^
      |
      = help: name it `a-b.sts.yaml`

    error[E501]: No exchange can ask for this file. Policies lie directly in `.github/chainguard/`, not in a folder below it.
     --> .github/chainguard/old/ci.sts.yaml:1:1
      |
    1 | issuer: https://gitlab.com
      | ^
      |
      = help: move it up

    error[E501]: No exchange can ask for this file. The name of a policy file ends in `.sts.yaml`, of its test cases in `.sts.test.yaml`.
     --> .github/chainguard/x.sts.yml:1:1
      |
    1 | issuer: https://gitlab.com
      | ^
      |
      = help: name it `x.sts.yaml`

    3 files, 3 errors, 0 warnings
    ");
    let named = folder.policy(&["check", ".github/chainguard/a b.sts.yaml"]);
    assert!(named.code == 1 && named.out.contains("E501"), "{}", named.out);
}

#[test]
fn guardrails_without_an_allowlist_are_an_error() {
    let files =
        [(".github/.github/chainguard/guardrails.yaml", "denied_permissions: [administration]\n"), (".github/.github/chainguard/ci.sts.yaml", GOOD)];
    let folder = Folder::new(&files);
    let said = folder.policy(&["check", ".github/.github/chainguard/guardrails.yaml"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.out, @r"
    error[E503]: Without `trusted-token-issuers.yaml` beside them, these guardrails do not count.
     --> .github/.github/chainguard/guardrails.yaml:1:1
      |
    1 | denied_permissions: [administration]
      | ^
      |
      = help: add `.github/chainguard/trusted-token-issuers.yaml`; with `mode: audit` it refuses nobody

    1 file, 1 error, 0 warnings
    ");
    folder.write(".github/.github/chainguard/trusted-token-issuers.yaml", b"mode: audit\nissuers: [https://gitlab.com]\n");
    let said = folder.policy(&["check", ".github/.github/chainguard/guardrails.yaml"]);
    assert_eq!((said.code, said.out.as_str()), (0, "1 file, 0 errors, 0 warnings\n"));
}

#[test]
fn policies_of_the_organisation_are_known_by_folder_or_flag() {
    let members = GOOD.replace("issues: write", "members: write\nrepositories: [app]");
    let folder = Folder::new(&[(".github/.github/chainguard/ci.sts.yaml", &members), ("policies/.github/chainguard/ci.sts.yaml", &members)]);
    assert_eq!(folder.policy(&["check", ".github"]).code, 0);
    let refused = folder.policy(&["check", "policies"]);
    assert!(refused.code == 1 && refused.out.contains("E124"), "{}", refused.out);
    assert_eq!(folder.policy(&["check", "policies", "--org"]).code, 0);
    assert_eq!(folder.policy(&["check", "policies", "--org-permissions", "allow"]).code, 0);
}

#[test]
fn every_kind_of_file_is_judged_as_what_it_is() {
    let folder = Folder::new(&[
        (".github/chainguard/trusted-token-issuers.yaml", "issuer_patterns: ['https://.*']\n"),
        (".github/chainguard/guardrails.yaml", "max_token_life: soon\n"),
        (".github/chainguard/ci.sts.test.yaml", "cases: []\n"),
        (".github/chainguard/binary.sts.yaml", ""),
    ]);
    folder.write(".github/chainguard/binary.sts.yaml", b"issuer: \xff\n");
    let said = folder.policy(&["check", "--format", "json"]);
    let findings: Vec<Value> = serde_json::from_str(&said.out).unwrap();
    let codes: Vec<_> =
        findings.iter().map(|finding| (finding["path"].as_str().unwrap().rsplit_once('/').unwrap().1, finding["code"].as_str().unwrap())).collect();
    let expected = [
        ("binary.sts.yaml", "E502"),
        ("ci.sts.test.yaml", "E401"),
        ("ci.sts.test.yaml", "W020"),
        ("guardrails.yaml", "E302"),
        ("trusted-token-issuers.yaml", "E203"),
    ];
    assert_eq!((said.code, codes), (1, expected.to_vec()));
}

#[test]
fn an_editor_sends_what_is_not_saved_yet() {
    let folder = Folder::new(&[]);
    let wrong = GOOD.replace("write", "writ");
    let said = folder.policy_with(&["check", "-"], &wrong);
    assert!(said.code == 1 && said.out.contains("stdin.sts.yaml:4:11"), "{}", said.out);
    assert_eq!(folder.policy_with(&["check", "-"], GOOD).code, 0);
    let guardrails = folder.policy_with(&["check", "-", "--stdin-filename", "guardrails.yaml"], "mode: off\n");
    assert!(guardrails.out.contains("E201"), "{}", guardrails.out);
}

#[test]
fn programs_read_json_sarif_and_annotations() {
    let folder = Folder::new(&[(CI, &GOOD.replace("write", "writ"))]);
    let sarif: Value = serde_json::from_str(&folder.policy(&["check", "--format", "sarif"]).out).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((result["ruleId"].as_str(), result["level"].as_str()), (Some("E123"), Some("error")));
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], CI);
    let json: Value = serde_json::from_str(&folder.policy(&["check", "--format", "json"]).out).unwrap();
    assert_eq!((json[0]["line"].as_u64(), json[0]["hint"].as_str()), (Some(4), Some("write `write`")));
    insta::assert_snapshot!(
        folder.policy(&["check", "--format", "github"]).out,
        @"::error file=.github/chainguard/ci.sts.yaml,line=4,endLine=4,col=11,endColumn=14,title=E123%3A unknown level::There is no level `writ`.%0AHint: write `write`"
    );
}

/// T-104
#[test]
fn a_hostile_file_cannot_drive_a_terminal() {
    let folder = Folder::new(&[(".github/chainguard/\u{1b}[2J.sts.yaml", GOOD), (CI, "issuer: \"\u{1b}[2J\u{202e}\"\nsub\u{1b}[31mject: x\n")]);
    let said = folder.policy(&["check"]);
    assert_eq!(said.code, 1);
    assert!(!said.out.contains(['\u{1b}', '\u{202e}']), "{}", said.out.escape_debug());
}
