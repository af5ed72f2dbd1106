//! `octo-sts demo --serve`: everything stays up, to play with.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use octo_sts_sandbox::{ActionsCredentials, ActionsJob};
use octo_sts_types::{Owner, Repository};

use super::{
    folder::{Change, Folder},
    scene::Scene,
};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// The repository that the printed lines speak of.
const REPOSITORY: &str = "acme/app";
/// The policy that the printed lines exchange under.
const IDENTITY: &str = "example";

pub(crate) async fn run(root: &Path, port: u16) -> Result<()> {
    let scene = set(port).await?;
    let mut folder = Folder::new(root);
    let mut owners = HashSet::new();
    furnish(root, &scene)?;
    take_over(&scene, &mut folder, &mut owners)?;
    let job = scene.issuer.start_job(ActionsJob::new(REPOSITORY));
    print!("{}", lines(&scene, root, &job));
    let ended = tokio::signal::ctrl_c();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            signal = &mut ended => {
                signal?;
                break;
            }
            () = tokio::time::sleep(LOOK_EVERY) => take_over(&scene, &mut folder, &mut owners)?,
        }
    }
    println!("\nended");
    scene.end().await;
    Ok(())
}

/// On the ports asked for where they are free, else where the system wants.
async fn set(port: u16) -> Result<Scene> {
    let ports = if port == 0 { [0, 0, 0] } else { [port, port.saturating_add(1), port.saturating_add(2)] };
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    if ports.iter().all(free) {
        return Scene::set(ports).await;
    }
    println!("Port {port}, or one of the next two, is taken: others are used.");
    Scene::set([0, 0, 0]).await
}

/// Writes the example policy where there is none yet.
fn furnish(root: &Path, scene: &Scene) -> Result<()> {
    let path = root.join(REPOSITORY).join(format!(".github/chainguard/{IDENTITY}.sts.yaml"));
    if path.exists() {
        return Ok(());
    }
    let parent = path.parent().context("the path has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
    let policy = format!(
        "issuer: {}\nsubject: repo:{REPOSITORY}:ref:refs/heads/main\n\npermissions:\n  contents: read\n  issues: write\n",
        scene.issuer.url()
    );
    fs::write(&path, policy).with_context(|| format!("cannot write {}", path.display()))
}

/// Brings the fake GitHub's repositories up to date with the folder.
fn take_over(scene: &Scene, folder: &mut Folder, owners: &mut HashSet<Owner>) -> Result<()> {
    for change in folder.changes().context("the folder cannot be read")? {
        let place = match &change {
            Change::Written(place, _) | Change::Removed(place) => place,
        };
        let Ok(repository) = place.repository.parse::<Repository>() else {
            println!("`{}` is no name of a repository: its files are left out", place.repository);
            continue;
        };
        match &change {
            Change::Written(place, text) => {
                scene.sandbox.github().put_file(&place.repository, &place.path, text.as_str());
                println!("{}: {} is as in the folder", place.repository, place.path);
            }
            Change::Removed(place) => {
                scene.sandbox.github().remove_file(&place.repository, &place.path);
                println!("{}: {} is gone", place.repository, place.path);
            }
        }
        if owners.insert(repository.owner.clone()) {
            scene.install(repository.owner.as_str());
        }
    }
    Ok(())
}

/// What a person pastes into another terminal.
fn lines(scene: &Scene, root: &Path, job: &ActionsCredentials) -> String {
    format!(
        r#"
The service, a fake GitHub and a fake issuer are up until Ctrl-C. Repositories are folders below {root}/:
change {root}/{REPOSITORY}/.github/chainguard/{IDENTITY}.sts.yaml and it counts for the next exchange.

Paste into another terminal:

export STS_URL={service}
export GITHUB_API={github}
export GITHUB_REPOSITORY={REPOSITORY}
export ACTIONS_ID_TOKEN_REQUEST_URL='{url}'
export ACTIONS_ID_TOKEN_REQUEST_TOKEN={bearer}

# An OIDC token, as a workflow gets it:
OIDC_TOKEN=$(curl -s -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -r .value)

# Exchange it:
GITHUB_TOKEN=$(curl -s -H "Authorization: Bearer $OIDC_TOKEN" "$STS_URL/sts/exchange?scope=$GITHUB_REPOSITORY&identity={IDENTITY}" | jq -r .token)

# Use it:
curl -s -H "Authorization: Bearer $GITHUB_TOKEN" "$GITHUB_API/repos/$GITHUB_REPOSITORY" | jq .full_name

"#,
        root = root.display(),
        service = scene.service_url(),
        github = scene.sandbox.github().base_url(),
        url = job.request_url,
        bearer = job.request_token,
    )
}
