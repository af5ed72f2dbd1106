//! GitHub App permissions: names, levels, and sets of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::catalogue::{CATALOGUE, Facts};

/// The name of a permission in GitHub's API, for instance `pull_requests`.
///
/// The known names are the union of GitHub's `app-permissions` schema and of go-github v88, so that every policy upstream
/// parses can be parsed.
#[derive(Clone, Copy)]
pub struct Permission(&'static Facts);

/// What a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Single repositories.
    Repository,
    /// The organisation as a whole.
    Organization,
    /// A user's own account.
    Account,
    /// An enterprise.
    Enterprise,
}

/// How much a permission allows; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Look.
    Read,
    /// Change.
    Write,
    /// Change, and manage who else may.
    Admin,
}

/// Why a permission was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPermission {
    /// No permission has this name.
    #[error("unknown permission")]
    UnknownName,
    /// No level is written so.
    #[error("unknown level")]
    UnknownLevel,
    /// The permission exists, but not at this level.
    #[error("`{name}` has no level `{level}`")]
    NoSuchLevel {
        /// The permission.
        name: &'static str,
        /// The level asked for.
        level: Level,
    },
    /// A set needs at least one permission: GitHub reads an empty one as everything the App has.
    #[error("at least one permission must be given")]
    Empty,
}

impl Permission {
    /// Every known permission, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        CATALOGUE.iter().map(Self)
    }

    /// The name in GitHub's API.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it reaches.
    pub fn category(self) -> Category {
        self.0.category
    }

    /// The levels GitHub knows for it, lowest first.
    pub fn levels(self) -> &'static [Level] {
        self.0.levels
    }

    /// Whether GitHub's published schema has it; the others are known to go-github alone, and GitHub may refuse them.
    pub fn is_documented(self) -> bool {
        self.0.documented
    }
}

impl FromStr for Permission {
    type Err = InvalidPermission;

    fn from_str(name: &str) -> Result<Self, InvalidPermission> {
        CATALOGUE.binary_search_by(|facts| facts.name.cmp(name)).map(|at| Self(&CATALOGUE[at])).map_err(|_| InvalidPermission::UnknownName)
    }
}

impl PartialEq for Permission {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Permission {}

impl PartialOrd for Permission {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Permission {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl std::hash::Hash for Permission {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Level {
    /// As GitHub's API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Level {
    type Err = InvalidPermission;

    fn from_str(text: &str) -> Result<Self, InvalidPermission> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            _ => Err(InvalidPermission::UnknownLevel),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Permissions and their levels: never empty, each at a level GitHub knows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(BTreeMap<Permission, Level>);

impl Permissions {
    /// Checks every level, and that there is something in it.
    pub fn new(permissions: impl IntoIterator<Item = (Permission, Level)>) -> Result<Self, InvalidPermission> {
        let permissions: BTreeMap<_, _> = permissions.into_iter().collect();
        if permissions.is_empty() {
            return Err(InvalidPermission::Empty);
        }
        for (permission, level) in &permissions {
            if !permission.levels().contains(level) {
                return Err(InvalidPermission::NoSuchLevel { name: permission.name(), level: *level });
            }
        }
        Ok(Self(permissions))
    }

    /// `contents: read`: what reading a policy takes.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "`contents` is in the catalogue: a test reads it back")]
    pub fn contents_read() -> Self {
        let contents = "contents".parse().expect("in the catalogue");
        Self(BTreeMap::from([(contents, Level::Read)]))
    }

    /// Each permission and its level, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Permission, Level)> + '_ {
        self.0.iter().map(|(permission, level)| (*permission, *level))
    }

    /// The level given for `permission`, if any.
    pub fn level(&self, permission: Permission) -> Option<Level> {
        self.0.get(&permission).copied()
    }

    /// The level given for the permission called `name`, if any.
    pub fn level_of(&self, name: &str) -> Option<Level> {
        self.level(name.parse().ok()?)
    }

    /// How many there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing here is missing from `other`, or higher than there.
    pub fn within(&self, other: &Self) -> bool {
        self.iter().all(|(permission, level)| other.level(permission).is_some_and(|most| level <= most))
    }

    /// What both give, at the lower level; `None` when that is nothing.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let both: BTreeMap<_, _> = self
            .iter()
            .filter_map(|(permission, level)| Some((permission, level.min(other.level(permission)?))))
            .filter(|(p, l)| p.levels().contains(l))
            .collect();
        (!both.is_empty()).then_some(Self(both))
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (permission, level)) in self.iter().enumerate() {
            write!(f, "{}{permission}: {level}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(permission, level)| (permission.name(), level.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(entries: &[(&str, Level)]) -> Permissions {
        Permissions::new(entries.iter().map(|(name, level)| (name.parse().unwrap(), *level))).unwrap()
    }

    #[test]
    fn every_name_in_the_catalogue_is_found_and_in_order() {
        let names: Vec<_> = Permission::all().map(Permission::name).collect();
        assert!(names.is_sorted());
        assert_eq!(names.len(), 82);
        for name in names {
            assert_eq!(name.parse::<Permission>().unwrap().name(), name);
        }
    }

    /// T-082
    #[test]
    fn unknown_names_and_levels_are_refused() {
        for name in ["", "Contents", "pull-requests", "pull_request", "content", "admin"] {
            assert_eq!(name.parse::<Permission>(), Err(InvalidPermission::UnknownName), "Input: {name}");
        }
        for level in ["", "writ", "Read", "none", "true"] {
            assert_eq!(level.parse::<Level>(), Err(InvalidPermission::UnknownLevel), "Input: {level}");
        }
        let workflows: Permission = "workflows".parse().unwrap();
        assert_eq!(Permissions::new([(workflows, Level::Read)]), Err(InvalidPermission::NoSuchLevel { name: "workflows", level: Level::Read }));
    }

    /// T-081
    #[test]
    fn a_set_is_never_empty() {
        assert_eq!(Permissions::new([]), Err(InvalidPermission::Empty));
        assert_eq!(set(&[("issues", Level::Read)]).intersection(&set(&[("contents", Level::Read)])), None);
        assert_eq!(Permissions::contents_read(), set(&[("contents", Level::Read)]));
    }

    #[test]
    fn an_intersection_takes_the_lower_level() {
        let both =
            set(&[("contents", Level::Write), ("issues", Level::Write)]).intersection(&set(&[("contents", Level::Read), ("pages", Level::Read)]));
        assert_eq!(both, Some(set(&[("contents", Level::Read)])));
    }

    #[test]
    fn a_write_is_not_within_a_read() {
        let (read, write) = (set(&[("contents", Level::Read)]), set(&[("contents", Level::Write)]));
        assert!(read.within(&write) && !write.within(&read) && read.within(&read));
    }
}
