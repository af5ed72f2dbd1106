//! A token, as the caller wants to read it.

use std::io::{self, Write as _};

use octo_sts_client::{Reply, sha256_hex};
use octo_sts_types::Printable;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::exchange::Format;

/// Prints a reply on standard output.
pub(crate) fn print(reply: &Reply, format: Format) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text(reply, format).as_bytes())?;
    stdout.flush()
}

fn text(reply: &Reply, format: Format) -> String {
    let token = reply.token.expose_secret();
    match format {
        Format::Token => format!("{token}\n"),
        Format::Env => format!("GH_TOKEN={token}\nGITHUB_TOKEN={token}\n"),
        Format::Header => format!("Authorization: Bearer {token}\n"),
        Format::Json => format!("{:#}\n", Value::Object(members(reply))),
        Format::Terraform => format!("{}\n", Value::Object(members(reply).into_iter().map(|(name, value)| (name, as_text(value))).collect())),
    }
}

/// What is known, by name; what the service did not say is left out.
fn members(reply: &Reply) -> Map<String, Value> {
    let known = [
        ("token", Some(json!(reply.token.expose_secret()))),
        ("token_sha256", Some(json!(sha256_hex(reply.token.expose_secret())))),
        ("expires_at", reply.expires_at.as_ref().map(|time| json!(time))),
        ("expires_in", reply.expires_in.map(|seconds| json!(seconds))),
        ("permissions", reply.permissions.as_ref().map(|permissions| json!(permissions))),
        ("repositories", reply.repositories.as_ref().map(|repositories| json!(repositories))),
        ("repository_selection", reply.repository_selection.as_ref().map(|selection| json!(selection))),
        ("request_id", reply.request_id.as_ref().map(|id| json!(id))),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Terraform reads text alone; lists and maps become the JSON that its `jsondecode` reads.
fn as_text(value: Value) -> Value {
    if value.is_string() { value } else { json!(value.to_string()) }
}

/// What a person wants to know of a token; never the token.
pub(crate) fn summary(reply: &Reply) -> String {
    let permissions = reply.permissions.iter().flatten().map(|(name, level)| format!("{name}: {level}")).collect::<Vec<_>>().join(", ");
    let place = reply.repositories.as_ref().map_or_else(String::new, |repositories| format!(" on {}", repositories.join(", ")));
    let end = reply.expires_at.as_ref().map_or_else(String::new, |time| format!(", until {time}"));
    let hash = &sha256_hex(reply.token.expose_secret())[..12];
    let may = if permissions.is_empty() { String::new() } else { format!(": {permissions}") };
    Printable(&format!("got a token (SHA-256 {hash}…){may}{place}{end}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Reply {
        let text = r#"{"token":"ghs_sekret","expiry":"2026-01-02T03:04:05Z","expires_in":3600,"permissions":{"contents":"read"},"repositories":["a/b"],"repository_selection":"selected"}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_format_is_what_its_reader_expects() {
        assert_eq!(text(&reply(), Format::Token), "ghs_sekret\n");
        assert_eq!(text(&reply(), Format::Env), "GH_TOKEN=ghs_sekret\nGITHUB_TOKEN=ghs_sekret\n");
        assert_eq!(text(&reply(), Format::Header), "Authorization: Bearer ghs_sekret\n");
        let value: Value = serde_json::from_str(&text(&reply(), Format::Json)).unwrap();
        assert_eq!((&value["expires_in"], &value["permissions"]["contents"]), (&json!(3600), &json!("read")));
    }

    #[test]
    fn terraform_gets_text_alone() {
        let value: Map<String, Value> = serde_json::from_str(&text(&reply(), Format::Terraform)).unwrap();
        assert!(value.values().all(Value::is_string), "{value:?}");
        assert_eq!((&value["expires_in"], &value["repositories"]), (&json!("3600"), &json!(r#"["a/b"]"#)));
    }

    /// T-105
    #[test]
    fn a_summary_never_holds_the_token() {
        let summary = summary(&reply());
        assert!(!summary.contains("sekret"));
        assert!(summary.ends_with("contents: read on a/b, until 2026-01-02T03:04:05Z"), "{summary}");
    }
}
