//! The strict profile of YAML, seen through trust policies.

use std::fmt::Write as _;

use octo_sts_policy::{Class, Code, ParseOptions, PolicyKind, TrustPolicy};

const BASE: &str = "issuer: https://issuer.example\nsubject: me\npermissions:\n  contents: read\n";

fn parse(text: &str) -> Result<TrustPolicy, Vec<Code>> {
    match TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()) {
        Ok(parsed) => Ok(parsed.value),
        Err(found) => {
            assert_eq!(found.class(), Class::Unparsable, "{found}");
            Err(found.errors().iter().map(|error| error.code).collect())
        }
    }
}

fn subject(written: &str) -> Result<String, Vec<Code>> {
    parse(&BASE.replace("subject: me", &format!("subject: {written}"))).map(|policy| policy.subject().as_str().to_owned())
}

#[test]
fn text_without_quotes_is_itself_where_every_reader_agrees() {
    for text in ["12345", "true", "2001-12-14", "190:20:30", "1.5", "-7", "a b", "repo:o/r:ref:refs/heads/main", "2001-12-14t21:59:43.10-05:00"] {
        assert_eq!(subject(text), Ok(text.to_owned()), "Input: {text}");
    }
}

/// T-079
#[test]
fn text_that_changes_without_quotes_is_refused() {
    for text in ["0123", "0x1F", "1_000", "1.10", "+1", "1e3", "yes", "on", "n", ".5", "True", ".inf", "0b1", "1__0", "0x_1", "3._"] {
        assert_eq!(subject(text), Err(vec![Code::AmbiguousScalar]), "Input: {text}");
        for quoted in [format!("'{text}'"), format!("\"{text}\""), format!(">-\n  {text}"), format!("|-\n  {text}")] {
            assert_eq!(subject(&quoted), Ok(text.to_owned()), "Input: {quoted}");
        }
    }
    let found = TrustPolicy::parse(&BASE.replace("me", "0123"), PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
    assert_eq!(found.errors()[0].hint.as_deref(), Some("write '0123'"));
}

/// T-079: upstream rounds numbers to 32 bits before it makes text of them.
#[test]
fn a_number_of_many_digits_stands_in_quotes() {
    for text in ["123456.789", "999999.99999", "0.30000000000000004", "-1.23456789"] {
        assert_eq!(subject(text), Err(vec![Code::AmbiguousScalar]), "Input: {text}");
        assert_eq!(parse(&format!("{BASE}claim_pattern: {{{text}: x}}\n")), Err(vec![Code::AmbiguousScalar]), "Input: {text}");
        assert_eq!(subject(&format!("'{text}'")), Ok(text.to_owned()));
    }
    assert_eq!(subject("123456.79"), Ok("123456.79".to_owned()));
}

/// T-07A: for upstream `{?a: x}` has the key `a`, and for readers of YAML 1.2 the key `?a`.
#[test]
fn a_question_mark_between_braces_stands_in_quotes() {
    for written in ["{?a: x}", "{? a?: x}", "{a: x?}", "{a: x ?y}", "{a: :x}", "{:a: x}"] {
        assert_eq!(parse(&format!("{BASE}claim_pattern: {written}\n")), Err(vec![Code::AmbiguousScalar]), "Input: {written}");
    }
    for written in ["{'?a': 'x?'}", "{? a : x}", "{a: x:y}", "{a: x-}", "\n  ?a: x?", "\n  a: https?://x"] {
        assert!(parse(&format!("{BASE}claim_pattern: {written}\n")).is_ok(), "Input: {written}");
    }
    assert_eq!(subject("a?b"), Ok("a?b".to_owned()));
}

/// T-077
#[test]
fn a_key_stands_once() {
    for text in [
        format!("{BASE}subject: other\n"),
        format!("{BASE}claim_pattern:\n  a: x\n  a: z\n"),
        format!("{BASE}claim_pattern:\n  a: x\n  'a': z\n"),
        format!("{BASE}claim_pattern:\n  1: x\n  '1': z\n"),
        format!("{BASE}claim_pattern: {{\"\\u0061\": x, a: z}}\n"),
    ] {
        assert_eq!(parse(&text), Err(vec![Code::DuplicateKey]), "Input: {text}");
    }
    assert_eq!(parse(&format!("{BASE}claim_pattern:\n  1: x\n  0x1: z\n")), Err(vec![Code::AmbiguousScalar]));
    assert_eq!(parse(&format!("{BASE}claim_pattern:\n  n: x\n")), Err(vec![Code::AmbiguousScalar]));
}

/// T-07A, T-076
#[test]
fn what_readers_disagree_about_is_refused() {
    for (text, code) in [
        (format!("{BASE}---\nissuer: x\n"), Code::SeveralDocuments),
        (format!("{BASE}---\n"), Code::SeveralDocuments),
        (format!("{BASE}...\nissuer: x\n"), Code::SeveralDocuments),
        (BASE.replace("subject: me", "subject: &a me"), Code::AnchorOrAlias),
        (BASE.replace("subject: me", "subject: *a"), Code::AnchorOrAlias),
        (format!("{BASE}<<: {{app: x}}\n"), Code::AnchorOrAlias),
        (BASE.replace("subject: me", "subject: !!str me"), Code::Tag),
        (BASE.replace("subject: me", "subject: !!binary bWU="), Code::Tag),
        (BASE.replace("subject: me", "subject: !x me"), Code::Tag),
        (format!("%YAML 1.1\n---\n{BASE}"), Code::InvalidYaml),
        (BASE.replace("me", "a\u{85}b"), Code::ForbiddenCharacter),
        (BASE.replace("me", "'a\u{2028}b'"), Code::ForbiddenCharacter),
        (BASE.replace("me", "a\0b"), Code::ForbiddenCharacter),
        (format!("{BASE}\tapp: x\n"), Code::InvalidYaml),
        (BASE.replace("  contents", " \tcontents"), Code::InvalidYaml),
        (BASE.replace("  contents", "\tcontents"), Code::InvalidYaml),
        (format!("{BASE}repositories:\n-\tapp\n"), Code::InvalidYaml),
        ("- a\n".to_owned(), Code::WrongType),
        ("? [a]\n: b\n".to_owned(), Code::WrongType),
        (format!("{BASE}app: [a]\n"), Code::WrongType),
        (format!("{BASE}claim_pattern: x\n"), Code::WrongType),
        (format!("{BASE}claim_pattern: {{~: x}}\n"), Code::WrongType),
    ] {
        let found = parse(&text);
        assert!(found.as_ref().is_err_and(|codes| codes.contains(&code)), "Input: {text:?}: {found:?}");
    }
}

/// T-07A
#[test]
fn marks_that_change_nothing_are_fine() {
    for text in [
        format!("\u{feff}{BASE}"),
        BASE.replace('\n', "\r\n"),
        format!("---\n{BASE}"),
        format!("{BASE}...\n"),
        format!("{BASE}...\n# the end\n\n"),
        format!("# first\n{BASE}# last"),
        BASE.trim_end().to_owned(),
        BASE.replace("subject: me", "subject:\tme\t"),
        BASE.replace("permissions", "\t\n\t# c\npermissions"),
    ] {
        assert_eq!(parse(&text).map(|policy| policy.subject().as_str().to_owned()), Ok("me".to_owned()), "Input: {text:?}");
    }
}

/// T-076
#[test]
fn bombs_are_refused_at_once() {
    let mut laughs = String::from("a: &a [x]\n");
    for at in 0..20 {
        let _ = writeln!(laughs, "b{at}: &b{at} [*a, *a]");
    }
    let many_nodes = format!("issuer: [{}]", "a,".repeat(30_000));
    let open = format!("{{{}", "a,".repeat(30_000));
    for text in ["[".repeat(20_000), "{a: ".repeat(10_000), "- ".repeat(20_000), many_nodes, open, laughs, "a".repeat((64 << 10) + 1)] {
        assert!(parse(&text).is_err(), "Input: {}…", &text[..20]);
    }
    assert_eq!(parse(&format!("{BASE}#{}", "x".repeat(64 << 10))), Err(vec![Code::TooLarge]));
}

#[test]
fn places_count_lines_and_characters() {
    let text = "\u{feff}# é\nissuer: https://issuer.example\nsubject: me\npermissions:\n  contents: read\n  été: read\n  'issues': writ\n";
    let found = TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
    let places: Vec<_> = found.errors().iter().map(|error| (error.span.line, error.span.column, &text[error.span.bytes.clone()])).collect();
    assert_eq!(places, [(6, 3, "été"), (7, 13, "writ")]);
}
