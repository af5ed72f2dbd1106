//! What holds of every policy and every token: 256 of each by default, `PROPTEST_CASES` of them where that is set.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests make claims without a signature")]

use octo_sts_policy::{Consent, MatchContext, ParseOptions, Pattern, PolicyKind, TrustPolicy};
use octo_sts_types::{ClaimSet, Claims, GrantedRepositories, Permissions, RepositoryName, Scope};
use proptest::{collection, option, prelude::*, sample};
use serde_json::{Value, json};

const WORDS: [&str; 8] = ["a", "b", "ab", "a/b", "a.b", "1", "true", ""];
const PATTERNS: [&str; 8] = ["a", "a|b", ".*", "a.*", "[ab]+", "\\d+", "(?i)A", "a/b|true"];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        sample::select(WORDS.to_vec()).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        Just(Value::Null),
        collection::vec(sample::select(WORDS.to_vec()), 0..3).prop_map(Value::from),
        sample::select(WORDS.to_vec()).prop_map(|word| json!({"x": word})),
    ]
}

fn token() -> impl Strategy<Value = ClaimSet> {
    let subject = sample::select(vec!["a", "b", "ab", "a/b"]);
    let audience = sample::select(vec![json!("a"), json!(["b", "ab"]), json!("octo-sts.dev")]);
    (subject, audience, collection::btree_map("c[0-3]", value(), 0..4)).prop_map(|(subject, audience, claims)| {
        let mut members = json!({"iss": "https://a.example", "sub": subject, "aud": audience});
        for (name, value) in claims {
            members[name] = value;
        }
        ClaimSet::from_members(members.as_object().unwrap().clone()).unwrap()
    })
}

/// Fields of a policy: any that a map may hold once.
fn policy() -> impl Strategy<Value = Value> {
    let exact_or_pattern = |exact: &'static str, pattern: &'static str| {
        prop_oneof![
            sample::select(vec!["a", "b", "ab", "a/b", "octo-sts.dev"]).prop_map(move |text| (exact, text)),
            sample::select(PATTERNS.to_vec()).prop_map(move |text| (pattern, text))
        ]
    };
    (
        exact_or_pattern("subject", "subject_pattern"),
        option::of(exact_or_pattern("audience", "audience_pattern")),
        collection::btree_map("c[0-3]|c0/x", sample::select(PATTERNS.to_vec()), 0..3),
    )
        .prop_map(|(subject, audience, claims)| {
            let mut policy = json!({"issuer": "https://a.example", "claim_pattern": claims, "permissions": {"contents": "read"}});
            policy[subject.0] = subject.1.into();
            if let Some((name, text)) = audience {
                policy[name] = text.into();
            }
            policy
        })
}

fn parse(policy: &Value) -> TrustPolicy {
    TrustPolicy::parse(&policy.to_string(), PolicyKind::Repository, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}")).value
}

fn admits(policy: &Value, token: &ClaimSet) -> bool {
    let scope: Scope = "acme/app".parse().unwrap();
    let audiences = ["octo-sts.dev".to_owned()];
    parse(policy).admits(token, &MatchContext { scope: &scope, default_audiences: &audiences }).is_ok()
}

/// Who has a say about a grant.
const REPOSITORIES: [&str; 3] = ["app", "web", "infra"];

/// How a listed repository answers.
#[derive(Clone, Debug)]
enum Answer {
    Policy(Box<TrustPolicy>),
    Delegated(Option<Permissions>),
    Nothing,
}

impl Answer {
    fn consent(&self) -> Consent<'_> {
        match self {
            Self::Policy(policy) => Consent::Policy(policy),
            Self::Delegated(at_most) => Consent::Delegated { at_most: at_most.as_ref() },
            Self::Nothing => Consent::None,
        }
    }
}

fn permissions() -> impl Strategy<Value = Value> {
    let names = ["actions", "checks", "contents", "issues", "pull_requests", "statuses"];
    collection::btree_map(sample::select(names.to_vec()), sample::select(vec!["read", "write"]), 1..4).prop_map(|map| json!(map))
}

fn giving(permissions: &Value, repositories: Option<&[&str]>, kind: PolicyKind) -> TrustPolicy {
    let mut policy = json!({"issuer": "https://a.example", "subject": "a", "permissions": permissions});
    if let Some(names) = repositories {
        policy["repositories"] = json!(names);
    }
    TrustPolicy::parse(&policy.to_string(), kind, &ParseOptions::default()).unwrap().value
}

fn answer() -> impl Strategy<Value = Answer> {
    let policy = |permissions: &Value| giving(permissions, None, PolicyKind::Repository);
    prop_oneof![
        permissions().prop_map(move |permissions| Answer::Policy(Box::new(policy(&permissions)))),
        option::of(permissions()).prop_map(move |at_most| Answer::Delegated(at_most.map(|permissions| policy(&permissions).permissions().clone()))),
        Just(Answer::Nothing),
    ]
}

proptest! {
    /// T-065, T-083: only a grant is minted, and it is no wider than the policy and than whatever listed repositories give.
    #[test]
    fn a_grant_is_within_the_policy_and_within_every_consent(
        permissions in permissions(),
        listed in option::of(sample::subsequence(REPOSITORIES.to_vec(), 1..=3)),
        kind in sample::select(vec![PolicyKind::Repository, PolicyKind::Organization]),
        scope in sample::select(vec!["acme", "acme/app", "acme/.github"]),
        answers in collection::vec(answer(), 3),
    ) {
        let policy = giving(&permissions, listed.as_deref(), kind);
        let scope: Scope = scope.parse().unwrap();
        let audiences = ["octo-sts.dev".to_owned()];
        let context = MatchContext { scope: &scope, default_audiences: &audiences };
        let members = json!({"iss": "https://a.example", "sub": "a", "aud": "octo-sts.dev"});
        let claims = Claims::from_verified(ClaimSet::from_members(members.as_object().unwrap().clone()).unwrap());
        let answer = |name: &RepositoryName| &answers[REPOSITORIES.iter().position(|known| name.is(known)).unwrap()];
        let outcome = policy.grant_with_consent(&claims, &context, |name| answer(name).consent());
        if let Ok(grant) = &outcome {
            prop_assert!(grant.permissions().within(policy.permissions()) && grant.permissions().len() > 0);
            match grant.repositories() {
                GrantedRepositories::Every => prop_assert!(kind == PolicyKind::Organization && listed.is_none() && matches!(scope, Scope::Owner(_))),
                GrantedRepositories::Target => prop_assert!(listed.is_none() && matches!(scope, Scope::Repository(_))),
                GrantedRepositories::Named(names) => {
                    let listed = listed.unwrap_or_default();
                    prop_assert!(!names.is_empty() && names.iter().all(|name| listed.iter().any(|listed| name.is(listed))));
                }
            }
            for name in policy.repositories_to_ask(&scope) {
                match answer(name) {
                    Answer::Policy(policy) => prop_assert!(grant.permissions().within(policy.permissions())),
                    Answer::Delegated(at_most) => prop_assert!(at_most.as_ref().is_none_or(|most| grant.permissions().within(most))),
                    Answer::Nothing => prop_assert!(false, "`{}` did not consent", name),
                }
            }
        }
        // Nobody being asked, the same comes out, or nothing.
        if let Ok(alone) = policy.grant(&claims, &context) {
            prop_assert_eq!(Some(alone), outcome.ok());
        }
    }

    #[test]
    fn another_constraint_never_admits_more(policy in policy(), token in token(), name in "c[0-3]|c0/x", pattern in sample::select(PATTERNS.to_vec())) {
        let mut stricter = policy.clone();
        if policy["claim_pattern"].get(&name).is_none() {
            stricter["claim_pattern"][name] = pattern.into();
        }
        prop_assert!(admits(&policy, &token) || !admits(&stricter, &token));
    }

    #[test]
    fn an_unrelated_claim_changes_nothing(policy in policy(), token in token(), name in "z[a-z./]{0,6}", value in value()) {
        let mut members = token.members().clone();
        members.insert(name, value);
        let more = ClaimSet::from_members(members).unwrap();
        prop_assert_eq!(admits(&policy, &token), admits(&policy, &more));
    }

    #[test]
    fn explaining_and_matching_agree(policy in policy(), token in token()) {
        let scope: Scope = "acme/app".parse().unwrap();
        let audiences = ["octo-sts.dev".to_owned()];
        let context = MatchContext { scope: &scope, default_audiences: &audiences };
        prop_assert_eq!(parse(&policy).explain(&token, &context).admitted, admits(&policy, &token));
    }

    /// T-070
    #[test]
    fn a_pattern_matches_the_whole_value_or_not_at_all(pattern in "[ab|()^$.*?]{0,8}|(\\(\\?[ims]\\))?[ab|.]{0,6}", value in "[ab\n]{0,6}") {
        if let Ok(compiled) = Pattern::parse(&pattern) {
            let wrapped = Pattern::parse(&format!(r"\A(?:{pattern})\z"));
            prop_assert_eq!(compiled.matches(&value), wrapped.unwrap().matches(&value));
        }
    }

    #[test]
    fn printing_and_parsing_end_where_they_began(policy in policy()) {
        let printed = serde_json::to_string(&parse(&policy)).unwrap();
        let again = TrustPolicy::parse(&printed, PolicyKind::Repository, &ParseOptions::default()).unwrap().value;
        prop_assert_eq!(&serde_json::to_string(&again).unwrap(), &printed);
        prop_assert_eq!(again, parse(&policy));
    }

    /// P13: what a caller hears is one of five words.
    #[test]
    fn a_caller_hears_nothing_of_the_policy(policy in policy(), token in token()) {
        let scope: Scope = "acme/app".parse().unwrap();
        if let Err(mismatch) = parse(&policy).admits(&token, &MatchContext { scope: &scope, default_audiences: &[] }) {
            prop_assert!(["issuer", "subject", "audience", "claim", "repositories"].contains(&mismatch.field().as_str()));
        }
    }

    /// T-07A
    #[test]
    fn no_text_makes_the_reader_panic(text in "(issuer|subject|permissions|claim_pattern|[ \\[\\]{}:,&*!|>'\"#%@`?-]|\n|  |a|0x1|\\PC){0,40}") {
        let _ = TrustPolicy::parse(&text, PolicyKind::Organization, &ParseOptions::default());
    }
}
