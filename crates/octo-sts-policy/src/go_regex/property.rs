//! `\p{…}`: general categories and scripts, by the names Go knows.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

use super::fold::range;

/// The Unicode version of Go's tables; what later versions added is unassigned here, too.
const UNICODE_VERSION: &str = "15.0";

/// The code points that Go's Unicode version assigns.
static ASSIGNED: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut assigned = lookup(&format!("age={UNICODE_VERSION}")).unwrap_or_else(ClassUnicode::empty);
    assigned.difference(&noncharacters());
    assigned
});

/// The assigned code points that have case variants, and a few more.
static CASED: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut cased = ClassUnicode::empty();
    for property in ["changes_when_casemapped", "changes_when_casefolded"] {
        if let Some(part) = lookup(property) {
            cased.union(&part);
        }
    }
    cased.intersect(assigned());
    cased
});

pub(super) fn cased() -> &'static ClassUnicode {
    &CASED
}

/// U+FDD0 to U+FDEF and the last two code points of each plane: they have an age and are never assigned.
fn noncharacters() -> ClassUnicode {
    let last_two = (0..=16_u32).filter_map(|plane| Some(range(char::from_u32(plane << 16 | 0xFFFE)?, char::from_u32(plane << 16 | 0xFFFF)?)));
    ClassUnicode::new(std::iter::once(range('\u{fdd0}', '\u{fdef}')).chain(last_two))
}

pub(super) fn assigned() -> &'static ClassUnicode {
    &ASSIGNED
}

/// The class called `name`: letter case, spaces, hyphens and underscores in it do not matter (Unicode TR18).
pub(super) fn class(name: &str) -> Option<ClassUnicode> {
    let name = canonical(name);
    match name.as_str() {
        "any" => return Some(ClassUnicode::new([range('\0', char::MAX)])),
        "ascii" => return Some(ClassUnicode::new([range('\0', '\x7F')])),
        "assigned" => return Some(assigned().clone()),
        "cn" | "unassigned" => return Some(unassigned()),
        "cs" | "surrogate" => return Some(ClassUnicode::empty()),
        "c" | "other" => return Some(other()),
        _ => {}
    }
    let query = if is_script(&name) { format!("script={name}") } else { format!("general_category={}", category(&name)?) };
    let mut class = lookup(&query)?;
    class.intersect(assigned());
    Some(class)
}

fn canonical(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether `(?i)` adds case variants to the class: Go adds none to the cased letters.
pub(super) fn folds(name: &str) -> bool {
    !matches!(canonical(name).as_str(), "lc" | "casedletter")
}

fn unassigned() -> ClassUnicode {
    let mut class = assigned().clone();
    class.negate();
    class
}

/// `C`: control, format, private use and unassigned.
fn other() -> ClassUnicode {
    let mut class = unassigned();
    for category in ["Cc", "Cf", "Co"] {
        if let Some(part) = lookup(&format!("general_category={category}")) {
            class.union(&part);
        }
    }
    class
}

fn lookup(query: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(&format!(r"\p{{{query}}}")).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

fn is_script(name: &str) -> bool {
    SCRIPTS.binary_search_by(|script| script.to_ascii_lowercase().as_str().cmp(name)).is_ok()
}

/// The two-letter code, or one-letter group, of a category by code or long name.
fn category(name: &str) -> Option<&'static str> {
    CATEGORIES.iter().find(|(code, long)| code.eq_ignore_ascii_case(name) || long.contains(&name)).map(|(code, _)| *code)
}

const CATEGORIES: &[(&str, &[&str])] = &[
    ("Cc", &["control", "cntrl"]),
    ("Cf", &["format"]),
    ("Co", &["privateuse"]),
    ("L", &["letter"]),
    ("LC", &["casedletter"]),
    ("Ll", &["lowercaseletter"]),
    ("Lm", &["modifierletter"]),
    ("Lo", &["otherletter"]),
    ("Lt", &["titlecaseletter"]),
    ("Lu", &["uppercaseletter"]),
    ("M", &["mark", "combiningmark"]),
    ("Mc", &["spacingmark"]),
    ("Me", &["enclosingmark"]),
    ("Mn", &["nonspacingmark"]),
    ("N", &["number"]),
    ("Nd", &["decimalnumber", "digit"]),
    ("Nl", &["letternumber"]),
    ("No", &["othernumber"]),
    ("P", &["punctuation", "punct"]),
    ("Pc", &["connectorpunctuation"]),
    ("Pd", &["dashpunctuation"]),
    ("Pe", &["closepunctuation"]),
    ("Pf", &["finalpunctuation"]),
    ("Pi", &["initialpunctuation"]),
    ("Po", &["otherpunctuation"]),
    ("Ps", &["openpunctuation"]),
    ("S", &["symbol"]),
    ("Sc", &["currencysymbol"]),
    ("Sk", &["modifiersymbol"]),
    ("Sm", &["mathsymbol"]),
    ("So", &["othersymbol"]),
    ("Z", &["separator"]),
    ("Zl", &["lineseparator"]),
    ("Zp", &["paragraphseparator"]),
    ("Zs", &["spaceseparator"]),
];

/// Scripts whose name is one word, sorted: the look-up in Go drops underscores, so it finds no other.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];
