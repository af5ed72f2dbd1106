//! Faults as GitHub words them.

use std::time::Duration;

use http::header;
use serde_json::Value;

use super::Fault;

impl Fault {
    /// The hourly limit of an installation is used up; `reset` is in seconds since 1970.
    pub fn primary_limit(self, status: u16, reset: i64) -> Self {
        let body =
            message("API rate limit exceeded for installation.", "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api");
        self.respond(status, &body)
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-used", "5000")
            .header("x-ratelimit-resource", "core")
            .header("x-ratelimit-reset", &reset.to_string())
    }

    /// The secondary limit, with or without `Retry-After`; calls of the hour are left.
    pub fn secondary_limit(self, status: u16, retry_after: Option<Duration>) -> Self {
        let text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let body = message(text, "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits");
        let fault = self.respond(status, &body).header("x-ratelimit-limit", "5000").header("x-ratelimit-remaining", "4321");
        match retry_after {
            Some(wait) => fault.header(header::RETRY_AFTER.as_str(), &wait.as_secs().to_string()),
            None => fault,
        }
    }

    /// The organisation enforces SAML single sign-on.
    pub fn saml(self) -> Self {
        let text = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
        let url = "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";
        self.respond(403, &message(text, url)).header("x-github-sso", "required; url=https://github.com/orgs/acme/sso?authorization_request=A")
    }

    /// The organisation's IP allow list refuses the caller's address.
    pub fn ip_allow_list(self) -> Self {
        let text = "Although you appear to have the correct authorization credentials, the organization has an IP allow list enabled, and your IP address is not permitted to access this resource.";
        self.respond(403, &message(text, "https://docs.github.com/rest"))
    }
}

/// The body of GitHub's plain errors.
fn message(text: &str, documentation_url: &str) -> Value {
    serde_json::json!({"message": text, "documentation_url": documentation_url})
}
