//! `APP_CONFIG_FILE`: the Apps of each organisation.

use std::{fs, io::Read as _, path::Path};

use octo_sts_types::Printable;
use secrecy::SecretString;

use super::{
    apps::{AppConfig, KeySource, OwnerApps, app_id, check_key_name, key_provider},
    expand::expand,
    keys,
    problem::Findings,
    value,
    yaml::{self, Node, Value, YamlError, entries, members},
};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 256 << 10;
/// The key sources an App may name: one of them.
const KEYS: [&str; 3] = ["kms_key", "private_key_file", "private_key"];

/// A text, and where it stands.
type PlacedText = (String, (usize, usize));

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the file, and every key at hand that it names; what is wrong is found at its place in the file.
pub(crate) fn load(path: &Path, env: Lookup<'_>, findings: &mut Findings) -> Option<Vec<OwnerApps>> {
    let text = findings.take("APP_CONFIG_FILE", read(path))?;
    let place = format!("APP_CONFIG_FILE {}", path.display());
    let owners = findings.take(&place, parse(&text, env))?;
    for app in owners.iter().flat_map(|owner| &owner.apps) {
        findings.take(&format!("{place}, App {}", app.id), keys::check(&app.key))?;
    }
    Some(owners)
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable =
        |error: std::io::Error| format!("`{}` cannot be read ({error}): write the path of a YAML file that this process may read", path.display());
    let mut text = String::new();
    fs::File::open(path).map_err(unreadable)?.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Reads the text of the file.
pub(crate) fn parse(text: &str, env: Lookup<'_>) -> Result<Vec<OwnerApps>, YamlError> {
    let root = yaml::parse(text)?;
    let mut owners: Vec<OwnerApps> = Vec::new();
    let at = root.at;
    let [orgs] = members(root, ["orgs"])?;
    let orgs = orgs.ok_or_else(|| YamlError::at(at, "`orgs` is missing: list the organisations, each with `name` and `apps`"))?;
    for org in entries(orgs, "orgs")? {
        let at = org.at;
        let read = read_owner(org, env)?;
        if owners.iter().any(|other| other.owner == read.owner) {
            let name = read.owner.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
            return Err(YamlError::at(at, format!("the organisation `{name}` is listed twice: list all its Apps in one entry")));
        }
        check_same_apps(&owners, &read, at)?;
        owners.push(read);
    }
    Ok(owners)
}

/// An App that serves several owners is the same App for all of them.
fn check_same_apps(owners: &[OwnerApps], new: &OwnerApps, at: (usize, usize)) -> Result<(), YamlError> {
    for app in &new.apps {
        let other = owners.iter().flat_map(|owner| &owner.apps).find(|other| other.id == app.id);
        let differs = other.is_some_and(|other| other.name != app.name || !other.key.same_place(&app.key));
        if differs {
            return Err(YamlError::at(at, format!("the App {} has another key or name in another organisation: an App has one of each", app.id)));
        }
    }
    Ok(())
}

fn read_owner(node: Node, env: Lookup<'_>) -> Result<OwnerApps, YamlError> {
    let at = node.at;
    let [name, apps] = members(node, ["name", "apps"])?;
    let (name, _) = text(name, "name", env)?.ok_or_else(|| YamlError::at(at, "`name` is missing: write the organisation, or `*` for all others"))?;
    let owner = match name.as_str() {
        "*" => None,
        name => Some(name.parse().map_err(|error| YamlError::at(at, format!("`{}` is not an organisation: {error}", Printable(name))))?),
    };
    let listed = entries(apps.ok_or_else(|| YamlError::at(at, "`apps` is missing: list at least one App"))?, "apps")?;
    let mut apps: Vec<AppConfig> = Vec::new();
    for node in listed {
        let at = node.at;
        let app = read_app(node, env)?;
        if apps.iter().any(|other| other.id == app.id) {
            return Err(YamlError::at(at, format!("the App {} is listed twice for this organisation", app.id)));
        }
        apps.push(app);
    }
    Ok(OwnerApps { owner, apps })
}

fn read_app(node: Node, env: Lookup<'_>) -> Result<AppConfig, YamlError> {
    let at = node.at;
    let [id, name, kms_key, key_file, key] = members(node, ["app_id", "app_name", KEYS[0], KEYS[1], KEYS[2]])?;
    let (id, place) =
        text(id, "app_id", env)?.ok_or_else(|| YamlError::at(at, "`app_id` is missing: write the number on the App's settings page"))?;
    let id = app_id(&id).map_err(|error| YamlError::at(place, error))?;
    let name = text(name, "app_name", env)?.map(|(name, _)| name);
    let sources = [text(kms_key, KEYS[0], env)?, text(key_file, KEYS[1], env)?, text(key, KEYS[2], env)?];
    let mut given = KEYS.into_iter().zip(sources).filter_map(|(key, text)| Some((key, text?)));
    let Some((which, (text, place))) = given.next() else {
        return Err(YamlError::at(at, format!("the App {id} has no key: write one of `{}`", KEYS.join("`, `"))));
    };
    if let Some((other, _)) = given.next() {
        return Err(YamlError::at(at, format!("the App {id} has both `{which}` and `{other}`: write one of them")));
    }
    let key = match which {
        "kms_key" => kms(&text, place, env)?,
        "private_key_file" => KeySource::PemFile(text.into()),
        _ => KeySource::PemText { text: SecretString::from(text), origin: format!("`private_key` of the App {id}") },
    };
    Ok(AppConfig { id, name, key })
}

/// One key, or several of the same App with commas between them.
fn kms(text: &str, at: (usize, usize), env: Lookup<'_>) -> Result<KeySource, YamlError> {
    let wrong = |error: String| YamlError::at(at, error);
    let provider = key_provider(&env("KMS_PROVIDER").unwrap_or_default()).map_err(wrong)?;
    let keys: Vec<String> = value::list(text).map(str::to_owned).collect();
    keys.iter().try_for_each(|key| check_key_name(provider, key)).map_err(wrong)?;
    if keys.is_empty() { Err(wrong("`kms_key` names no key".to_owned())) } else { Ok(KeySource::Kms { provider, keys }) }
}

/// A text with its variables replaced, and its place; an empty one counts as absent.
fn text(node: Option<Node>, key: &str, env: Lookup<'_>) -> Result<Option<PlacedText>, YamlError> {
    let Some(node) = node else { return Ok(None) };
    let Value::Text(text) = node.value else { return Err(YamlError::at(node.at, format!("`{key}` must be a text"))) };
    let text = expand(&text, env).map_err(|error| YamlError::at(node.at, format!("`{key}`: {error}")))?;
    Ok((!text.is_empty()).then_some((text, node.at)))
}

#[cfg(test)]
mod tests {
    use octo_sts_types::Owner;

    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "ID").then(|| "77".to_owned())
    }

    #[test]
    fn organisations_apps_and_the_fallback_are_read() {
        let text = "orgs:\n  - name: Acme\n    apps:\n      - {app_id: '${ID}', private_key_file: /k.pem, app_name: main}\n  - name: '*'\n    apps:\n      - app_id: 8\n        private_key: PEM\n";
        let owners = parse(text, &env).unwrap();
        assert_eq!(owners[0].owner, Some("acme".parse::<Owner>().unwrap()));
        assert_eq!((owners[0].apps[0].id.0, owners[0].apps[0].name.as_deref()), (77, Some("main")));
        assert!(matches!(&owners[0].apps[0].key, KeySource::PemFile(path) if path == Path::new("/k.pem")));
        assert!(owners[1].owner.is_none());
        assert_eq!(format!("{:?}", owners[1].apps[0].key), "`private_key` of the App 8");
    }
}
