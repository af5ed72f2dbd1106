//! `policy test`: cases beside policies.

use super::{Folder, GOOD};

const CI: &str = ".github/chainguard/ci.sts.yaml";
const TESTS: &str = ".github/chainguard/ci.sts.test.yaml";
const CASES: &str = "cases:
  - name: main may write issues
    claims: {iss: https://gitlab.com, sub: 'project_path:acme/app:ref_type:branch:ref:main', aud: octo-sts.dev}
    expect: allow
  - claims: {iss: https://gitlab.com, sub: 'project_path:acme/app:ref_type:branch:ref:next', aud: octo-sts.dev}
    expect: refuse
    why: subject
";

#[test]
fn cases_that_hold_pass() {
    let folder = Folder::new(&[(CI, GOOD), (TESTS, CASES)]);
    let said = folder.policy(&["test"]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out, @r"
    .github/chainguard/ci.sts.test.yaml
      ok   main may write issues
      ok   case 2
    2 passed, 0 failed
    ");
    assert_eq!(folder.policy(&["test", CI]).out, said.out);
    assert_eq!(folder.policy(&["test", TESTS, CI]).out, said.out);
}

#[test]
fn cases_that_do_not_hold_fail_and_say_why() {
    let folder = Folder::new(&[(CI, &GOOD.replace("ref:main", "ref:next")), (TESTS, CASES)]);
    let said = folder.policy(&["test"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.out, @r"
    .github/chainguard/ci.sts.test.yaml
      FAIL main may write issues (line 2): the token is refused: subject `project_path:acme/app:ref_type:branch:ref:main` is not `project_path:acme/app:ref_type:branch:ref:next`
      FAIL case 2 (line 5): the token is admitted
    0 passed, 2 failed
    ");
    let other = Folder::new(&[(CI, GOOD), (TESTS, CASES)]).policy(&["test", "--domain", "sts.example.com"]);
    assert!(other.code == 1 && other.out.ends_with("1 passed, 1 failed\n"), "{}", other.out);
}

#[test]
fn files_that_cannot_be_used_fail() {
    let broken = Folder::new(&[(CI, &GOOD.replace("write", "writ")), (TESTS, CASES)]).policy(&["test"]);
    assert!(broken.code == 1 && broken.out.contains("E123") && broken.out.ends_with("0 passed, 1 failed\n"), "{}", broken.out);
    let odd = Folder::new(&[(CI, GOOD), (TESTS, "cases: []\n")]).policy(&["test"]);
    assert!(odd.code == 1 && odd.out.contains("E401"), "{}", odd.out);
    let alone = Folder::new(&[(TESTS, CASES)]).policy(&["test"]);
    assert!(alone.code == 1 && alone.out.contains("ci.sts.yaml: The file cannot be read"), "{}", alone.out);
    let none = Folder::new(&[(CI, GOOD)]).policy(&["test"]);
    assert!(none.code == 2 && none.out.is_empty(), "{}", none.err);
}
