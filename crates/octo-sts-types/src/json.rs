//! JSON that means one thing.
//!
//! `serde_json` keeps the last of two equal keys. In a token that would let whoever writes one claim replace another, so
//! tokens, key sets and discovery documents are read with a reader that refuses the second key, and bounds the depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

/// Deepest nesting that is read.
pub const DEEPEST: usize = 32;

/// Reads one JSON value, refusing equal keys at every depth, more than [`DEEPEST`] levels, and anything after the value.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    // One look at the whole costs less than one at each text in it.
    let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: DEEPEST }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a JSON object under the rules of [`parse_strict`].
pub fn parse_strict_object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match parse_strict(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = entries.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Entry::Vacant(place) = members.entry(key) else {
                return Err(A::Error::custom("the same key stands twice in one object"));
            };
            place.insert(entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_json_reads_as_serde_json_reads_it() {
        let text = br#"{"a":1,"b":[true,null,-2,1.5,"x"],"c":{"d":"e"}}"#;
        assert_eq!(parse_strict(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }

    /// T-021
    #[test]
    fn equal_keys_are_refused_at_every_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"a":2}}"#, r#"[{"x":[{"a":1,"a":1}]}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse_strict(text.as_bytes()).is_err(), "Input: {text}");
        }
        assert!(parse_strict(br#"{"a":1,"A":2}"#).is_ok());
    }

    /// T-02C
    #[test]
    fn deep_nesting_and_trailing_text_are_refused() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_strict(nested(DEEPEST).as_bytes()).is_ok());
        assert!(parse_strict(nested(DEEPEST + 1).as_bytes()).is_err());
        assert!(parse_strict(b"{} {}").is_err());
        assert!(parse_strict_object(b"[]").is_err());
    }

    /// T-029
    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert!(parse_strict(b"\"\xff\"").is_err());
        assert!(parse_strict(br#""\ud800""#).is_err());
    }
}
