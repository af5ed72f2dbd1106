//! Hostile files and patterns take no time.
//!
//! The bounds that hold in a release build are in `benches/policy.rs`; without optimisation everything takes ten to twenty
//! times as long, and these tests allow for that, and for a busy machine by trying again.

use std::time::{Duration, Instant};

use octo_sts_policy::{IssuerAllowlist, ParseOptions, Pattern, PolicyKind, TrustPolicy};

const PATIENCE: Duration = Duration::from_millis(1_500);

#[expect(clippy::disallowed_methods, reason = "the test measures")]
fn within_patience(what: &str, work: impl Fn()) {
    let mut taken = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        work();
        taken.push(start.elapsed());
        if taken.last().is_some_and(|taken| *taken < PATIENCE) {
            return;
        }
    }
    panic!("{what} took {taken:?}");
}

fn filled(unit: &str) -> String {
    unit.repeat((64 << 10) / unit.len())
}

/// T-076
#[test]
fn hostile_files_are_refused_in_no_time() {
    let lines = |field: &str, line: &dyn Fn(usize) -> String| {
        let lines: Vec<_> = (0..900).map(|at| format!("  {}\n", line(at))).collect();
        format!("issuer: a\nsubject: b\n{field}:\n{}", lines.concat())
    };
    let units =
        ["[", "{a: ", "- ", "a,", "a", "#\n", "\"\" ", ":", "? ", "\u{2028}", "&a ", "*a ", "<<: ", "\t", "'", "|\n", "!!str ", "%", "\u{feff}"];
    let mut files: Vec<_> = units.iter().map(|unit| filled(unit)).collect();
    files.push(format!("a: [{}]", "a,".repeat(32_000)));
    files.push(format!("issuers: [{}]", "a,".repeat(32_000)));
    files.push(lines("claim_pattern", &|at| format!("claim_{at}: 0x{at}")));
    files.push(lines("permissions", &|at| format!("pull-requesd-{at}: wrid")));
    files.push(lines("repositories", &|at| format!("- ../{at}")));
    for file in files {
        let start: String = file.chars().take(20).collect();
        within_patience(&start, || {
            assert!(TrustPolicy::parse(&file, PolicyKind::Organization, &ParseOptions::default()).is_err());
            assert!(IssuerAllowlist::parse(&file).is_err());
        });
    }
}

/// T-075
#[test]
fn large_patterns_are_compiled_or_refused_in_no_time() {
    for pattern in [
        r"\pL{1000}".to_owned(),
        r"(?i)\pL{1000}".to_owned(),
        r"[\pL\pN]{20}".to_owned(),
        "(?:a{1,30}){1,30}".to_owned(),
        "(?:(?:(?:a?){10}){10}){10}".to_owned(),
        r"(\w{1,10}[^a]{1,10}){10}".to_owned(),
        ".{1000}".to_owned(),
        r"\pL".repeat(341),
        format!("[{}]", r"\pL".repeat(340)),
        format!("(?i)[{}]", r"\PL".repeat(335)),
        format!("(?i){}", "[ -\u{10fffd}]".repeat(127)),
        format!("(?i)[{}]", "!-\u{10fffd}".repeat(160)),
        "(".repeat(512) + &")".repeat(512),
        "(?:a|".repeat(170) + &")".repeat(170),
        "a{1000}".repeat(146),
    ] {
        let start: String = pattern.chars().take(20).collect();
        within_patience(&start, || drop(Pattern::parse(&pattern)));
    }
}

/// T-075: each pattern is small enough, all together are not.
#[test]
fn many_large_patterns_are_refused_together() {
    let claims: Vec<_> = (0..60).map(|at| format!("  c{at}: '{}'\n", "(a|b)*[^c]{9}".repeat(70))).collect();
    let file = format!("issuer: https://a.example\nsubject: b\npermissions: {{contents: read}}\nclaim_pattern:\n{}", claims.concat());
    within_patience("many patterns", || assert!(TrustPolicy::parse(&file, PolicyKind::Repository, &ParseOptions::default()).is_err()));
}

/// T-075: reading alone is work, too, where classes are large or letter case does not matter.
#[test]
fn many_patterns_that_are_slow_to_read_are_refused_together() {
    let nested = "(".repeat(400) + &")".repeat(400);
    let ranges = format!("(?i)[{}]", "!-\u{10fffd}".repeat(150));
    let slips = format!("**{}", r"\pL".repeat(330));
    let greek = format!("(?i){}", "\u{3b1}".repeat(500));
    let repeated = "a*".repeat(500);
    let dots = format!("://{}a", "a.".repeat(500));
    for unit in [
        &r"\pL".repeat(300),
        &format!("[{}]", r"\pL".repeat(300)),
        &format!("(?i)[{}]", r"\PL".repeat(300)),
        &nested,
        &ranges,
        &slips,
        &greek,
        &repeated,
        &dots,
    ] {
        let claims: Vec<_> = (0..64).map(|at| format!("  c{at}: '{unit}'\n")).collect();
        let file = format!("issuer: https://a.example\nsubject: b\npermissions: {{contents: read}}\nclaim_pattern:\n{}", claims.concat());
        let start: String = unit.chars().take(20).collect();
        within_patience(&start, || drop(TrustPolicy::parse(&file, PolicyKind::Repository, &ParseOptions::default())));
    }
}

/// T-075
#[test]
fn one_pattern_too_large_leaves_the_others_alone() {
    let file = |first: &str| {
        format!("issuer: https://a.example\nsubject: b\npermissions: {{contents: read}}\nclaim_pattern:\n  a: '{first}'\n  b: '(a|b){{1,9}}'\n")
    };
    for first in [r"\pL{1000}", "(x{0,1000}){0,1000}"] {
        let found = TrustPolicy::parse(&file(first), PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
        let lines: Vec<_> = found.errors().iter().map(|error| error.span.line).collect();
        assert_eq!(lines, [5], "Input: {first}: {found}");
    }
}

#[test]
fn thirty_two_usual_patterns_are_accepted() {
    let usual = r"repo:acme@9919/(app|web|infra)-[a-z0-9-]+@\d+:ref:refs/(heads/(main|release/.+)|tags/v\d+\.\d+\.\d+(-rc\d+)?)";
    let claims: Vec<_> = (0..32).map(|at| format!("  c{at}: '{usual}'\n")).collect();
    let file = format!("issuer: https://a.example\nsubject: b\npermissions: {{contents: read}}\nclaim_pattern:\n{}", claims.concat());
    let parsed = TrustPolicy::parse(&file, PolicyKind::Repository, &ParseOptions::default());
    assert_eq!(parsed.map(|parsed| parsed.value.claims().count()).ok(), Some(32));
}

/// T-075
#[test]
fn matching_is_linear() {
    let values = ["a".repeat(500), "a".repeat(8 << 10)];
    for pattern in ["(a*)*b", "(a|a)*b", "(a?){200}a{200}b", "(?:a{1,30}){1,30}b", "([^b]+)+b", "(.*)(.*)(.*)(.*)b"] {
        let compiled = Pattern::parse(pattern);
        let refuses = |value: &String| compiled.as_ref().is_ok_and(|compiled| !compiled.matches(value));
        within_patience(pattern, || assert!(values.iter().all(refuses)));
    }
}
