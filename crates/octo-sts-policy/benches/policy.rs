//! How long it takes to compile a policy, to match a token, and to refuse hostile files.
//!
//! The bounds: a usual policy ≤ 100 µs, a match ≤ 3 µs, 64 KiB of hostile YAML ≤ 5 ms, a compile bomb ≤ 20 ms.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use octo_sts_policy::{MatchContext, ParseOptions, Pattern, PolicyKind, TrustPolicy};
use octo_sts_types::{ClaimSet, Scope};
use serde_json::json;

const USUAL: &str = "issuer: https://token.actions.githubusercontent.com
subject_pattern: repo:acme@9919/app@1296269:ref:refs/(heads/main|tags/v\\d+\\.\\d+)
claim_pattern:
  job_workflow_ref: acme/ci/\\.github/workflows/deploy\\.yml@refs/heads/main
  repository_id: '1296269'
permissions:
  contents: write
  pull_requests: write
";

fn compile(c: &mut Criterion) {
    let parse = |text: &str| TrustPolicy::parse(black_box(text), PolicyKind::Repository, &ParseOptions::default());
    c.bench_function("parse a usual policy", |b| b.iter(|| parse(USUAL)));
    let exact = "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme/app:ref:refs/heads/main\npermissions: {contents: read}\n";
    c.bench_function("parse an exact policy", |b| b.iter(|| parse(exact)));
    for (name, text) in hostile() {
        c.bench_function(&format!("refuse {name}"), |b| b.iter(|| parse(&text)));
    }
    for pattern in [
        r"\pL{1000}",
        r"(?i)\pL{1000}",
        "(?:a{1,30}){1,30}",
        r"(\w{1,10}[^a]{1,10}){10}",
        r"[\pL\pN]{20}",
        "(?:(?:a?){30}){30}",
        r"^repo:octo-sts/.*:ref:refs/(heads|tags)/v\d+\.\d+$",
    ] {
        c.bench_function(&format!("compile {pattern}"), |b| b.iter(|| Pattern::parse(black_box(pattern))));
    }
    let classes = r"\pL".repeat(341);
    c.bench_function("compile many classes", |b| b.iter(|| Pattern::parse(black_box(&classes))));
    let bracketed = format!("[{}]", r"\pL".repeat(340));
    c.bench_function("compile many classes in brackets", |b| b.iter(|| Pattern::parse(black_box(&bracketed))));
}

fn hostile() -> Vec<(&'static str, String)> {
    let filled = |unit: &str| unit.repeat((64 << 10) / unit.len());
    let lines = |field: &str, count: usize, line: &dyn Fn(usize) -> String| {
        let lines: Vec<_> = (0..count).map(|at| format!("  {}\n", line(at))).collect();
        format!("issuer: a\nsubject: b\npermissions: {{contents: read}}\n{field}:\n{}", lines.concat())
    };
    let claims = lines("claim_pattern", 900, &|at| format!("claim_{at}: 0x{at}"));
    let permissions = lines("denied", 900, &|at| format!("pull-requesd-{at}: wrid")).replace("{contents: read}\ndenied:", "");
    let patterns = lines("claim_pattern", 60, &|at| format!("c{at}: '{}'", "(a|b)*[^c]{9}".repeat(70)));
    vec![
        ("open brackets", filled("[")),
        ("open braces", filled("{a: ")),
        ("nested lists", filled("- ")),
        ("many scalars", format!("a: [{}]", filled("a,"))),
        ("a long scalar", filled("a")),
        ("many comments", filled("#\n")),
        ("quotes", filled("\"\" ")),
        ("many wrong numbers", claims),
        ("many wrong permissions", permissions),
        ("colons", filled(":")),
        ("question marks", filled("? ")),
        ("line ends", filled("\u{2028}")),
        ("many large patterns", patterns),
    ]
}

fn matching(c: &mut Criterion) {
    let Ok(parsed) = TrustPolicy::parse(USUAL, PolicyKind::Repository, &ParseOptions::default()) else { return };
    let Ok(scope) = "acme/app".parse::<Scope>() else { return };
    let audiences = ["octo-sts.dev".to_owned(), "https://octo-sts.dev".to_owned(), "https://github.com/{scope}".to_owned()];
    let members = json!({
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme@9919/app@1296269:ref:refs/tags/v12.7", "aud": "https://github.com/acme/app",
        "job_workflow_ref": "acme/ci/.github/workflows/deploy.yml@refs/heads/main", "repository_id": "1296269", "event_name": "push", "run_id": "1",
    });
    let Some(Ok(claims)) = members.as_object().cloned().map(ClaimSet::from_members) else { return };
    let context = MatchContext { scope: &scope, default_audiences: &audiences };
    c.bench_function("match a token", |b| b.iter(|| parsed.value.admits(black_box(&claims), &context)));
}

criterion_group!(benches, compile, matching);
criterion_main!(benches);
