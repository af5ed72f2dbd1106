//! What every cell comes to.

/// A fault, and for each call of [`crate::kinds::CALLS`] the word of what the caller hears and how often the call was sent; `≤` where
/// that depends on what is left of the ten seconds.
#[rustfmt::skip]
pub(crate) const TABLE: [(&str, [&str; 7]); 35] = [
    //                           discovery       keys            installation    reader's mint   allowlist       policy          mint
    ("reset",                    ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 1"]),
    ("reset after it was done",  ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 1"]),
    ("cut off",                  ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 1"]),
    ("never answered",           ["issuer 2",      "keys 2",        "away ≤2",       "away 1",        "away ≤2",       "away ≤2",       "away 1"]),
    ("body stalls",              ["issuer 2",      "keys 2",        "away ≤2",       "away 1",        "away ≤2",       "away ≤2",       "away 1"]),
    ("a byte a second",          ["issuer 2",      "keys 2",        "away ≤2",       "away 1",        "away ≤2",       "away ≤2",       "away 1"]),
    ("200 empty",                ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("200 garbage",              ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("200 gzip",                 ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("200 too long",             ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("204",                      ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("301 same host",            ["issuer 1",      "keys 1",        "renamed 1",     "renamed 1",     "renamed 1",     "renamed 1",     "renamed 1"]),
    ("302 other host",           ["issuer 1",      "keys 1",        "renamed 1",     "renamed 1",     "renamed 1",     "renamed 1",     "renamed 1"]),
    ("304 unexpected",           ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("400",                      ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("401",                      ["issuer 1",      "keys 1",        "key 1",         "key 1",         "odd 2",         "odd 2",         "key 1"]),
    ("403 permission",           ["issuer 1",      "keys 1",        "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1"]),
    ("403 hourly limit",         ["issuer 1",      "keys 1",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("403 secondary limit",      ["issuer 1",      "keys 1",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("403 secondary limit, 9 s", ["issuer 1",      "keys 1",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("403 SAML",                 ["issuer 1",      "keys 1",        "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1"]),
    ("403 IP allow list",        ["issuer 1",      "keys 1",        "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1",   "forbidden 1"]),
    ("403 suspended",            ["issuer 1",      "keys 1",        "suspended 1",   "suspended 1",   "suspended 1",   "suspended 1",   "suspended 1"]),
    ("404",                      ["issuer 1",      "keys 1",        "granted 1",     "odd 1",         "granted 1",     "absent 1",      "nowhere 1"]),
    ("409",                      ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("410",                      ["issuer 1",      "keys 1",        "odd 1",         "odd 1",         "odd 1",         "odd 1",         "odd 1"]),
    ("422",                      ["issuer 1",      "keys 1",        "odd 1",         "absent 3",      "odd 1",         "odd 1",         "refused 1"]),
    ("422, 9 s",                 ["issuer 1",      "keys 1",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("429",                      ["issuer 2",      "keys 2",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("429, 9 s",                 ["issuer 2",      "keys 2",        "limit 1",       "limit 1",       "limit 1",       "limit 1",       "limit 1"]),
    ("500",                      ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 2"]),
    ("502",                      ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 2"]),
    ("503",                      ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 2"]),
    ("503, 9 s",                 ["issuer 2",      "keys 2",        "away 1",        "away 1",        "away 1",        "away 1",        "away 1"]),
    ("504",                      ["issuer 2",      "keys 2",        "away 2",        "away 1",        "away 2",        "away 2",        "away 2"]),
];
