//! What YAML 1.1 makes of a scalar without quotes.

/// How upstream reads a plain scalar where text is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// As nothing.
    Null,
    /// As the text it is.
    Text,
    /// As a boolean whose text is as it was written: `true` or `false`.
    Boolean,
    /// As a number whose text is as it was written: `12345`, `1.5`.
    Number,
    /// As a boolean with another text: `yes` becomes `true`.
    OtherBoolean,
    /// As a number with another text: `0123` becomes `83`.
    OtherNumber,
}

/// Sorts a plain scalar by the rules of YAML 1.1, as go-yaml has them.
pub(crate) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "false" => Plain::Boolean,
        "True" | "TRUE" | "False" | "FALSE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off"
        | "Off" | "OFF" => Plain::OtherBoolean,
        _ if is_number(text) => {
            if is_canonical(text) {
                Plain::Number
            } else {
                Plain::OtherNumber
            }
        }
        _ => Plain::Text,
    }
}

/// Any notation of a number that some YAML 1.1 reader knows; underscores may stand anywhere but in front.
fn is_number(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) || text.len() > 1_024 {
        return false;
    }
    let digits = text.replace('_', "");
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") || is_prefixed(unsigned) || is_decimal(unsigned)
}

/// `0x1F`, `0b1`, `0o17`.
fn is_prefixed(text: &str) -> bool {
    let all = |digits: &str, radix: u32| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)]
        .iter()
        .any(|(prefix, radix)| text.strip_prefix(prefix).is_some_and(|digits| all(digits.strip_prefix(['+', '-']).unwrap_or(digits), *radix)))
}

/// `1`, `1.`, `.5`, `1.5e+3`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    exponent && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// Whether a number is written the way upstream prints it, so that becoming a number and text again changes nothing.
fn is_canonical(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let plain = unsigned == "0" || !unsigned.starts_with('0') || unsigned.starts_with("0.");
    if !plain || text == "-0" || text.starts_with('+') {
        return false;
    }
    if !text.contains(['.', 'e', 'E', '_']) {
        return text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    }
    text.contains('.') && text.parse::<f64>().is_ok_and(|value| printed(value).is_some_and(|printed| printed == text))
}

/// A number as upstream prints it: to the precision of 32 bits, so that `123456.789` becomes `123456.79`. `None` for
/// magnitudes that it prints with an exponent.
fn printed(value: f64) -> Option<String> {
    #[expect(clippy::cast_possible_truncation, reason = "upstream rounds so")]
    let rounded = value as f32;
    (1e-4..1e6).contains(&rounded.abs()).then(|| rounded.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_stays_the_same_is_accepted() {
        for text in
            ["2001-12-14", "190:20:30", "a", "_1", "1_a", "0x", "0xg", "1.2.3", "-", "+", ".", "...", "e3", "1e", "yess", "0b2", "--1", "true!"]
        {
            assert_eq!(plain(text), Plain::Text, "Input: {text}");
        }
        for text in ["0", "12345", "-7", "1.5", "0.0001", "123456.5", "18446744073709551615", "-9223372036854775808", "0.1", "-3.25"] {
            assert_eq!(plain(text), Plain::Number, "Input: {text}");
        }
    }

    /// T-079
    #[test]
    fn text_that_would_change_is_told() {
        let numbers = "0123 08 00 -0 +1 0x1F 0X1f 0b101 0o17 1_000 1__0 0x_1 3._ 1.10 1.0 1. .5 -.5 1e3 1E3 1.5e+3 .inf -.INF .NaN 1234567.5 \
                       0.00001 18446744073709551616 -9223372036854775809 1_0.5 0b-1 123456.789 \
                       999999.99999 0.30000000000000004 16777217.5 -1.23456789 0.1e1";
        for text in numbers.split_whitespace() {
            assert_eq!(plain(text), Plain::OtherNumber, "Input: {text}");
        }
        for text in "yes No ON off y N True FALSE".split_whitespace() {
            assert_eq!(plain(text), Plain::OtherBoolean, "Input: {text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(plain(text), Plain::Null, "Input: {text}");
        }
    }
}
