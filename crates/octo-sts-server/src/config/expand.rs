//! `${VAR}` in texts of the operator's file.

/// Replaces each `${VAR}` by the variable's value. A variable that is not set is an error, never an empty text; a `$`
/// before anything else stays.
pub(crate) fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, tail) = after.split_once('}').ok_or("`${` has no `}`: write `${NAME}`")?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            return Err("`${…}` does not name a variable: write `${NAME}` with letters, digits and `_`".to_owned());
        }
        let value = env(name).ok_or_else(|| format!("the variable {name} is not set: set it, or write the value here"))?;
        out.push_str(&value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-133
    #[test]
    fn variables_are_replaced_and_unset_ones_refused() {
        let env = |name: &str| (name == "A").then(|| "${B}x".to_owned());
        assert_eq!(expand("1${A}2${A}", &env).unwrap(), "1${B}x2${B}x");
        assert_eq!(expand("no $A, no $(A), $", &env).unwrap(), "no $A, no $(A), $");
        for text in ["${B}", "${A", "${}", "${A B}"] {
            assert!(expand(text, &env).is_err(), "Input: {text}");
        }
    }
}
