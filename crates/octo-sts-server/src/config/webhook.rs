//! Whether deliveries of GitHub are taken, and whose.

use octo_sts_types::{Owner, Printable};
use octo_sts_webhook::WebhookSecrets;
use secrecy::ExposeSecret as _;

use super::{Role, SecretSource, ServeArgs, apps::key_provider, problem::Findings, set, value};

const SECRET: [&str; 2] = ["GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_FILE"];
const FILTER: &str = "GITHUB_WEBHOOK_ORGANIZATION_FILTER";

/// What the operator decides about deliveries.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where the secrets are that deliveries are signed with.
    pub secret: SecretSource,
    /// The accounts whose deliveries count; empty: all.
    pub organisations: Vec<Owner>,
}

/// `None` is a problem, `Some(None)` means that no deliveries are taken.
#[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the variable")]
pub(super) fn read(args: &ServeArgs, role: Role, findings: &mut Findings) -> Option<Option<WebhookConfig>> {
    // Set and empty is a mistake, not a choice: whoever wrote it believes that deliveries are checked.
    if args.github_webhook_secret.as_ref().is_some_and(|secret| secret.trim().is_empty()) {
        findings.problem(SECRET[0], "is empty: write the secret of the App's webhook (`openssl rand -hex 32` makes a good one), or unset it");
        return None;
    }
    let texts = [set(args.github_webhook_secret.as_ref()), set(args.github_webhook_secret_file.as_ref())];
    let organisations = organisations(set(args.github_webhook_organization_filter.as_ref()).unwrap_or_default(), findings);
    let Some(secret) = SecretSource::read(SECRET, texts, findings)? else {
        if role == Role::Receiver {
            let what = "is not set: write the secret of the App's webhook, without which everybody could send deliveries";
            findings.problem(SECRET[0], what);
            return None;
        }
        return Some(None);
    };
    let secret = match set(args.kms_keys.as_ref()) {
        None => secret,
        Some(_) => secret.beside(key_provider(args.kms_provider.as_deref().unwrap_or_default()).ok()?, findings)?,
    };
    check(&secret, findings)?;
    Some(Some(WebhookConfig { secret, organisations: organisations? }))
}

/// Finds a bad secret before anything starts, where it is at hand.
fn check(secret: &SecretSource, findings: &mut Findings) -> Option<()> {
    match secret {
        SecretSource::Value { variable, text } if !secret.is_reference() => {
            findings.take(variable, WebhookSecrets::from_list(&text.expose_secret().into())).map(drop)
        }
        _ => Some(()),
    }
}

fn organisations(text: &str, findings: &mut Findings) -> Option<Vec<Owner>> {
    let read =
        |entry: &str| entry.parse().map_err(|error| format!("`{}` is not an organisation ({error}): write one such as `acme`", Printable(entry)));
    findings.take(FILTER, value::list(text).map(read).collect::<Result<Vec<_>, _>>())
}
