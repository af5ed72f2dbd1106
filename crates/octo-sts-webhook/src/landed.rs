//! The record of policies that changed on a default branch.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use octo_sts_audit::{PolicyAction, PolicyEvent};

use crate::{
    finding::Finding,
    job::{Landed, Work},
    judge::{Judged, Side},
    policy_path::PolicyFile,
};

/// One event for each file that a push to the default branch made, changed or removed.
pub(crate) fn events(work: &Work, landed: &Landed, judged: &[Judged], time: Timestamp) -> Vec<PolicyEvent> {
    let changed = judged.iter().filter(|judged| judged.versions.touched);
    changed
        .filter_map(|judged| Some((judged, action(&judged.versions.base, &judged.versions.head)?)))
        .filter_map(|(judged, action)| event(work, landed, judged, action, time))
        .collect()
}

fn action(base: &Side, head: &Side) -> Option<PolicyAction> {
    match (base, head) {
        (base, head) if base == head => None,
        (Side::Absent, _) => Some(PolicyAction::Created),
        (_, Side::Absent) => Some(PolicyAction::Deleted),
        _ => Some(PolicyAction::Updated),
    }
}

fn event(work: &Work, landed: &Landed, judged: &Judged, action: PolicyAction, time: Timestamp) -> Option<PolicyEvent> {
    let identity = match &judged.versions.file {
        PolicyFile::Policy { identity, .. } => Some(identity.to_string()),
        PolicyFile::Allowlist | PolicyFile::Guardrails => None,
        PolicyFile::Tests { .. } | PolicyFile::Unreachable { .. } => return None,
    };
    let trust_policy = judged.after.as_ref().and_then(|policy| serde_json::value::to_raw_value(policy).ok()).map(Arc::from);
    Some(PolicyEvent {
        action,
        repository: work.repository.to_string(),
        path: judged.versions.path.clone(),
        identity,
        commit: work.head.to_string(),
        pusher: landed.pusher.clone(),
        installation_id: work.installation,
        trust_policy,
        error: error(judged),
        time,
        more: BTreeMap::new(),
    })
}

/// Why the file is no valid policy: what the engine found, and not what GitHub would say of it.
fn error(judged: &Judged) -> Option<String> {
    let own = |finding: &&Finding| finding.is_error() && finding.path == judged.versions.path;
    let errors: Vec<_> = judged.findings.iter().filter(own).map(|finding| format!("{}: {}", finding.lines.0, finding.message)).collect();
    (!errors.is_empty()).then(|| errors.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_what_differs() {
        let (one, two) = (Side::Text("1".into()), Side::Text("2".into()));
        for (base, head, expected) in [
            (&Side::Absent, &one, Some(PolicyAction::Created)),
            (&one, &two, Some(PolicyAction::Updated)),
            (&one, &Side::Odd("it is a directory".into()), Some(PolicyAction::Updated)),
            (&one, &Side::Absent, Some(PolicyAction::Deleted)),
            (&one, &one, None),
            (&Side::Absent, &Side::Absent, None),
        ] {
            assert_eq!(action(base, head), expected);
        }
    }
}
