//! `octo-sts demo --serve`: everything stays up, to play with.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use octo_sts_sandbox::{ActionsCredentials, ActionsJob};
use octo_sts_types::{Owner, Repository};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    aloud,
    folder::{Change, Folder},
    furniture,
    scene::Scene,
};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// The repository that the printed lines speak of.
pub(super) const REPOSITORY: &str = "acme/app";
/// The policy that the printed lines exchange under.
pub(super) const IDENTITY: &str = "example";
/// A branch that the example policy does not admit.
const OTHER_BRANCH: &str = "feature";

pub(crate) async fn run(root: &Path, port: u16) -> Result<()> {
    let scene = set(port).await?;
    let mut folder = Folder::new(root);
    let mut owners = HashSet::new();
    furniture::furnish(root, &scene.issuer.url())?;
    take_over(&scene, &mut folder, &mut owners)?;
    let job = scene.issuer.start_job(ActionsJob::new(REPOSITORY));
    let other = scene.issuer.start_job(ActionsJob::new(REPOSITORY).git_ref(format!("refs/heads/{OTHER_BRANCH}")));
    aloud(lines(&scene, root, &job, &other).trim_end_matches('\n'));
    aloud("");
    let mut stop = signal(SignalKind::terminate())?;
    let ended = tokio::signal::ctrl_c();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            signal = &mut ended => {
                signal?;
                break;
            }
            _ = stop.recv() => break,
            () = tokio::time::sleep(LOOK_EVERY) => take_over(&scene, &mut folder, &mut owners)?,
        }
    }
    aloud("\nended");
    scene.end().await;
    Ok(())
}

/// On the ports asked for where they are free, else on others.
async fn set(port: u16) -> Result<Scene> {
    let ports = [port, port.saturating_add(1), port.saturating_add(2)];
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    if port != 0 && ports.iter().all(free) {
        return Scene::set(ports).await;
    }
    if port != 0 {
        aloud(&format!("Port {port}, or one of the next two, is taken: others are used."));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    let chosen = listener.local_addr()?.port();
    drop(listener);
    Scene::set([chosen, 0, 0]).await
}

/// Brings the fake GitHub's repositories up to date with the folder.
fn take_over(scene: &Scene, folder: &mut Folder, owners: &mut HashSet<Owner>) -> Result<()> {
    for change in folder.changes().context("the folder cannot be read")? {
        let place = match &change {
            Change::Written(place, _) | Change::Removed(place) => place,
        };
        let Ok(repository) = place.repository.parse::<Repository>() else {
            aloud(&format!("`{}` is no name of a repository: its files are left out", place.repository));
            continue;
        };
        match &change {
            Change::Written(place, text) => {
                scene.sandbox.github().put_file(&place.repository, &place.path, text.as_str());
                aloud(&format!("{}: {} is as in the folder", place.repository, place.path));
            }
            Change::Removed(place) => {
                scene.sandbox.github().remove_file(&place.repository, &place.path);
                aloud(&format!("{}: {} is gone", place.repository, place.path));
            }
        }
        if owners.insert(repository.owner.clone()) {
            scene.install(repository.owner.as_str());
        }
    }
    Ok(())
}

/// What a person pastes into another terminal.
fn lines(scene: &Scene, root: &Path, job: &ActionsCredentials, other: &ActionsCredentials) -> String {
    format!(
        r#"
The service, a fake GitHub and a fake issuer are up until Ctrl-C. Repositories are folders below {root}/:
change {root}/{REPOSITORY}/.github/chainguard/{IDENTITY}.sts.yaml and it counts for the next exchange.

To try a policy of the guides, put {REPOSITORY} for YOUR-ORG/YOUR-REPO, and for its issuer the one that signs here:
issuer: {issuer}

Paste into another terminal, which needs curl and jq:

export STS_URL={service}
export GITHUB_API={github}
export GITHUB_REPOSITORY={REPOSITORY}
export ACTIONS_ID_TOKEN_REQUEST_URL='{url}'
export ACTIONS_ID_TOKEN_REQUEST_TOKEN={bearer}

# An OIDC token, as a workflow gets it:
OIDC_TOKEN=$(curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -r .value)

# Exchange it:
GITHUB_TOKEN=$(curl -sSf -H "Authorization: Bearer $OIDC_TOKEN" "$STS_URL/sts/exchange?scope=$GITHUB_REPOSITORY&identity={IDENTITY}" | jq -r .token)

# Use it:
curl -sSf -H "Authorization: Bearer $GITHUB_TOKEN" "$GITHUB_API/repos/$GITHUB_REPOSITORY" | jq .full_name

# To be refused, get an OIDC token as a job on the branch `{OTHER_BRANCH}`:
# export ACTIONS_ID_TOKEN_REQUEST_TOKEN={other}

"#,
        root = root.display(),
        issuer = scene.issuer.url(),
        service = scene.service_url(),
        github = scene.sandbox.github().base_url(),
        url = job.request_url,
        bearer = job.request_token,
        other = other.request_token,
    )
}
