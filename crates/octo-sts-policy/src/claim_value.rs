//! Where a claim is in a token, and what text it is.

use std::borrow::Cow;

use octo_sts_types::ClaimSet;
use serde_json::{Map, Number, Value};

/// From here on a double stands for several integers.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// The claim called `name`: the member of exactly this name; else, behind a leading slash, a JSON pointer (RFC 6901);
/// else a path whose parts are joined by dots or slashes, the longest name first.
pub fn find<'c>(claims: &'c ClaimSet, name: &str) -> Option<&'c Value> {
    let members = claims.members();
    if let Some(value) = members.get(name) {
        return Some(value);
    }
    match name.strip_prefix('/') {
        Some(pointer) => pointed_at(members, pointer),
        None => along(members, name),
    }
}

fn pointed_at<'c>(members: &'c Map<String, Value>, pointer: &str) -> Option<&'c Value> {
    let (first, rest) = pointer.find('/').map_or((pointer, ""), |at| pointer.split_at(at));
    members.get(first.replace("~1", "/").replace("~0", "~").as_str())?.pointer(rest)
}

/// Each member is reached by one path only, so this takes at most (members × separators) steps.
fn along<'c>(members: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    path.rmatch_indices(['.', '/']).find_map(|(at, _)| {
        let inner = members.get(&path[..at])?.as_object()?;
        let rest = &path[at + 1..];
        inner.get(rest).or_else(|| along(inner, rest))
    })
}

/// Whether the value's text, or that of one entry of an array, passes the test. Null, objects and arrays in arrays never do.
pub(crate) fn any(value: &Value, test: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(entries) => entries.iter().filter_map(text).any(|text| test(&text)),
        value => text(value).is_some_and(|text| test(&text)),
    }
}

/// The text of a scalar: booleans as `true` and `false`, numbers as decimals without exponent or needless zeros.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => decimal(number).map(Cow::Owned),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number too large for a double to tell from its neighbour has no text: two ids must not be one.
fn decimal(number: &Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let value = number.as_f64().filter(|value| value.abs() < FIRST_INEXACT)?;
    Some(if value == 0.0 { "0".to_owned() } else { value.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(extra: &Value) -> ClaimSet {
        let mut members = json!({"iss": "https://issuer.example", "sub": "me"});
        for (name, value) in extra.as_object().unwrap() {
            members[name] = value.clone();
        }
        ClaimSet::from_members(members.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_exact_name_goes_before_every_path() {
        let claims = claims(&json!({"a.b": 1, "a": {"b/c": 3, "b": {"c": 4}}, "/a/b": 5, "a~/b": {"": 6}}));
        assert_eq!(find(&claims, "a.b"), Some(&json!(1)));
        assert_eq!(find(&claims, "/a/b"), Some(&json!(5)));
        assert_eq!(find(&claims, "a/b/c"), Some(&json!(3)));
        assert_eq!(find(&claims, "a/b.c"), Some(&json!(4)));
        assert_eq!(find(&claims, "/a/b/c"), Some(&json!(4)));
        assert_eq!(find(&claims, "/a~0~1b/"), Some(&json!(6)));
    }

    #[test]
    fn paths_reach_into_names_with_dots_and_slashes() {
        let claims = claims(&json!({
            "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "bot"}},
            "https://sts.amazonaws.com/": {"aws_account": "1", "ou_path": ["a", "b"]},
        }));
        assert_eq!(find(&claims, "kubernetes.io/namespace"), Some(&json!("ci")));
        assert_eq!(find(&claims, "kubernetes.io/serviceaccount/name"), Some(&json!("bot")));
        assert_eq!(find(&claims, "kubernetes.io.serviceaccount.name"), Some(&json!("bot")));
        assert_eq!(find(&claims, "/kubernetes.io/serviceaccount/name"), Some(&json!("bot")));
        assert_eq!(find(&claims, "https://sts.amazonaws.com//aws_account"), Some(&json!("1")));
        assert_eq!(find(&claims, "/https:~1~1sts.amazonaws.com~1/aws_account"), Some(&json!("1")));
        assert_eq!(find(&claims, "/https:~1~1sts.amazonaws.com~1/ou_path/1"), Some(&json!("b")));
        for missing in ["kubernetes.io/pod", "kubernetes", "kubernetes.io/namespace/x", "", "/", ".", "kubernetes.io/", "/kubernetes.io/pod/uid"] {
            assert_eq!(find(&claims, missing), None, "Input: {missing}");
        }
    }

    #[test]
    fn scalars_have_one_text_each() {
        let texts = [
            (json!("x"), Some("x")),
            (json!(true), Some("true")),
            (json!(12_345), Some("12345")),
            (json!(-7), Some("-7")),
            (json!(u64::MAX), Some("18446744073709551615")),
            (json!(1e3), Some("1000")),
            (json!(1.50), Some("1.5")),
            (json!(-0.0), Some("0")),
            (json!(1e300), None),
            (json!(9_007_199_254_740_993.0), None),
            (json!(null), None),
            (json!({"a": 1}), None),
            (json!(["a"]), None),
        ];
        for (value, expected) in texts {
            assert_eq!(text(&value).as_deref(), expected, "Input: {value}");
        }
    }

    #[test]
    fn an_array_passes_when_one_scalar_in_it_does() {
        let is_b = |text: &str| text == "b";
        assert!(any(&json!(["a", null, "b"]), is_b));
        assert!(any(&json!("b"), is_b));
        for value in [json!([]), json!(["a"]), json!([["b"]]), json!([{"x": "b"}]), json!({"b": "b"}), json!(null)] {
            assert!(!any(&value, is_b), "Input: {value}");
        }
        assert!(!any(&json!([null]), |_| true) && !any(&json!({}), |_| true));
    }
}
