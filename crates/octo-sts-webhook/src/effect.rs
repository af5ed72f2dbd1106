//! What a change does: who gains what, and who loses what.

use std::collections::BTreeSet;

use octo_sts_policy::{PolicyKind, TrustPolicy};
use octo_sts_types::{Level, Permission};

/// One line of what a change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) gains: bool,
    /// Whose tokens.
    pub(crate) who: Who,
    /// `contents: write`
    pub(crate) what: String,
    /// The repositories.
    pub(crate) places: Places,
}

/// What a token must have, part by part: `issuer`, `https://…`.
pub(crate) type Who = Vec<(String, String)>;

/// Where a policy gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// The repository of the policy.
    Here,
    /// Everything that the App sees.
    Every,
    Named(BTreeSet<String>),
}

/// What becomes of those a policy admits when `before` is replaced by `after`. What is no valid policy gives nothing.
pub(crate) fn effects(before: Option<&TrustPolicy>, after: Option<&TrustPolicy>) -> Vec<Effect> {
    match (before, after) {
        (Some(before), Some(after)) if who(before) == who(after) => changes(before, after),
        _ => before.iter().flat_map(|policy| whole(policy, false)).chain(after.iter().flat_map(|policy| whole(policy, true))).collect(),
    }
}

/// The same people as before: what differs in permissions and repositories.
fn changes(before: &TrustPolicy, after: &TrustPolicy) -> Vec<Effect> {
    let (old, new) = (places(before), places(after));
    let (lost, gained, kept) = match (&old, &new) {
        (Places::Named(old), Places::Named(new)) => {
            let named = |names: BTreeSet<&String>| Some(Places::Named(names.into_iter().cloned().collect())).filter(|places| !places.is_nothing());
            (named(old.difference(new).collect()), named(new.difference(old).collect()), named(old.intersection(new).collect()))
        }
        _ if old == new => (None, None, Some(old)),
        _ => (Some(old), Some(new), None),
    };
    let mut effects = Vec::new();
    effects.extend(lost.into_iter().flat_map(|places| rows(before, false, &places)));
    effects.extend(gained.into_iter().flat_map(|places| rows(after, true, &places)));
    effects.extend(kept.into_iter().flat_map(|places| levels(before, after, &places)));
    effects
}

/// Permissions that were raised, lowered, given or taken away.
fn levels(before: &TrustPolicy, after: &TrustPolicy, places: &Places) -> Vec<Effect> {
    let (old, new) = (before.permissions(), after.permissions());
    let lowered = old.iter().filter(|(permission, level)| new.level(*permission).is_none_or(|left| left < *level)).map(|(p, l)| (false, p, l));
    let raised = new.iter().filter(|(permission, level)| old.level(*permission).is_none_or(|had| had < *level)).map(|(p, l)| (true, p, l));
    lowered.chain(raised).map(|(gains, permission, level)| row(after, gains, permission, level, places)).collect()
}

fn whole(policy: &TrustPolicy, gains: bool) -> Vec<Effect> {
    rows(policy, gains, &places(policy))
}

fn rows(policy: &TrustPolicy, gains: bool, places: &Places) -> Vec<Effect> {
    policy.permissions().iter().map(|(permission, level)| row(policy, gains, permission, level, places)).collect()
}

fn row(policy: &TrustPolicy, gains: bool, permission: Permission, level: Level, places: &Places) -> Effect {
    Effect { gains, who: who(policy), what: format!("{}: {level}", permission.name()), places: places.clone() }
}

fn places(policy: &TrustPolicy) -> Places {
    match (policy.repositories(), policy.kind()) {
        (Some(names), _) => Places::Named(names.iter().map(octo_sts_types::RepositoryName::key).collect()),
        (None, PolicyKind::Organization) => Places::Every,
        (None, PolicyKind::Repository) => Places::Here,
    }
}

fn who(policy: &TrustPolicy) -> Who {
    let part = |name: &str, requirement: &octo_sts_policy::Requirement| {
        let pattern = matches!(requirement, octo_sts_policy::Requirement::Pattern(_));
        (format!("{name}{}", if pattern { " matching" } else { "" }), requirement.as_str().to_owned())
    };
    let mut who = vec![part("issuer", policy.issuer()), part("subject", policy.subject())];
    who.extend(policy.audience().map(|audience| part("audience", audience)));
    who.extend(policy.claims().map(|(name, pattern)| (format!("claim {name} matching"), pattern.as_str().to_owned())));
    who.extend(policy.app().map(|app| part("through the App", app.requirement())));
    who
}

impl Effect {
    /// Whether the other is about the same people and places.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.gains == other.gains && self.who == other.who && self.places == other.places
    }
}

impl Places {
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Named(names) if names.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use octo_sts_policy::ParseOptions;

    use super::*;

    fn policy(subject: &str, permissions: &str, more: &str) -> TrustPolicy {
        let text = format!("issuer: https://i.example\nsubject: {subject}\npermissions: {{{permissions}}}\n{more}");
        TrustPolicy::parse(&text, PolicyKind::Organization, &ParseOptions::default()).unwrap().value
    }

    fn lines(before: Option<&TrustPolicy>, after: Option<&TrustPolicy>) -> Vec<String> {
        let line = |effect: &Effect| {
            let places = match &effect.places {
                Places::Here => "here".to_owned(),
                Places::Every => "every".to_owned(),
                Places::Named(names) => names.iter().cloned().collect::<Vec<_>>().join("+"),
            };
            format!("{}{} {} {places}", if effect.gains { '+' } else { '-' }, effect.who[1].1, effect.what)
        };
        effects(before, after).iter().map(line).collect()
    }

    #[test]
    fn a_new_policy_gives_and_a_removed_one_takes() {
        let ci = policy("ci", "contents: read, issues: write", "");
        assert_eq!(lines(None, Some(&ci)), ["+ci contents: read every", "+ci issues: write every"]);
        assert_eq!(lines(Some(&ci), None), ["-ci contents: read every", "-ci issues: write every"]);
        assert_eq!(lines(Some(&ci), Some(&ci)), [""; 0]);
        assert_eq!(lines(None, None), [""; 0]);
    }

    #[test]
    fn the_same_people_gain_and_lose_the_difference() {
        let before = policy("ci", "contents: write, issues: read, pages: read", "");
        let after = policy("ci", "contents: read, issues: write, pages: read", "");
        assert_eq!(lines(Some(&before), Some(&after)), ["-ci contents: write every", "+ci issues: write every"]);
    }

    #[test]
    fn other_people_gain_all_and_the_former_lose_all() {
        let (before, after) = (policy("old", "contents: read", ""), policy("new", "contents: read", ""));
        assert_eq!(lines(Some(&before), Some(&after)), ["-old contents: read every", "+new contents: read every"]);
    }

    #[test]
    fn repositories_that_come_and_go_are_named() {
        let before = policy("ci", "contents: read", "repositories: [a, b]\n");
        let after = policy("ci", "contents: write", "repositories: [B, c]\n");
        assert_eq!(lines(Some(&before), Some(&after)), ["-ci contents: read a", "+ci contents: write c", "+ci contents: write b"]);
        let every = policy("ci", "contents: read", "");
        assert_eq!(lines(Some(&before), Some(&every)), ["-ci contents: read a+b", "+ci contents: read every"]);
    }

    #[test]
    fn an_audience_or_a_claim_makes_other_people() {
        let (before, after) = (policy("ci", "contents: read", ""), policy("ci", "contents: read", "claim_pattern: {ref: main}\n"));
        assert_eq!(lines(Some(&before), Some(&after)).len(), 2);
        assert_eq!(who(&after).last().unwrap(), &("claim ref matching".to_owned(), "main".to_owned()));
    }
}
