//! The little DER that key files need: walking over elements.

/// Tag of an INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// Tag of an OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// Tag of a SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;

/// The content of the element at the front, which must have this tag, and what follows it.
pub(crate) fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

/// The `RSAPrivateKey` (PKCS#1) inside a PKCS#8 document, as GitHub writes the keys it hands out.
pub(crate) fn pkcs1_of_pkcs8(document: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(document, SEQUENCE)?;
    let (_, rest) = element(body, INTEGER)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    element(rest, OCTET_STRING).map(|(key, _)| key)
}

/// Modulus and exponent of an `RSAPublicKey`, without leading zeros.
pub(crate) fn rsa_components(public_key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = element(public_key, SEQUENCE)?;
    let (modulus, rest) = element(body, INTEGER)?;
    let (exponent, _) = element(rest, INTEGER)?;
    Some((without_leading_zeros(modulus), without_leading_zeros(exponent)))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_at_their_length() {
        assert_eq!(element(&[2, 1, 7, 9], INTEGER), Some((&[7][..], &[9][..])));
        assert_eq!(element(&[4, 0x81, 2, 1, 2], OCTET_STRING), Some((&[1, 2][..], &[][..])));
    }

    #[test]
    fn an_element_of_another_tag_or_cut_short_is_none() {
        for input in [&[][..], &[2], &[2, 2, 1], &[4, 1, 1], &[2, 0x80, 1], &[2, 0x85, 0, 0, 0, 0, 1, 1], &[2, 0x82, 1]] {
            assert_eq!(element(input, INTEGER), None, "Input: {input:?}");
        }
    }

    #[test]
    fn leading_zeros_are_no_part_of_a_number() {
        assert_eq!(rsa_components(&[0x30, 7, 2, 2, 0, 0x81, 2, 1, 3]), Some((&[0x81][..], &[3][..])));
    }
}
