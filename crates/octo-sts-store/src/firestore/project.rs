//! The Google Cloud project this process runs in.

use http::Request;
use octo_sts_http::{Client, HttpError};

/// Nobody says which project this is.
#[derive(Debug, thiserror::Error)]
#[error("the Google Cloud project is not known: set `OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT`")]
pub struct NoProject(#[source] Option<HttpError>);

/// The project: `GOOGLE_CLOUD_PROJECT`, else what the metadata server says, which every machine of Google Cloud has.
pub async fn running_project(http: &Client, variable: &(dyn Fn(&str) -> Option<String> + Sync)) -> Result<String, NoProject> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(project) = set("GOOGLE_CLOUD_PROJECT") {
        return Ok(project);
    }
    let host = set("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".into());
    let url = format!("http://{host}/computeMetadata/v1/project/project-id");
    let request = Request::get(url).header("metadata-flavor", "Google").body(bytes::Bytes::new()).map_err(|_| NoProject(None))?;
    let answer = http.send(request).await.map_err(|error| NoProject(Some(error)))?;
    let project = String::from_utf8_lossy(&answer.body).trim().to_owned();
    let good =
        answer.status.is_success() && !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte));
    if good { Ok(project) } else { Err(NoProject(None)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use octo_sts_http::{ClientSettings, Protocol, Roots};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn client() -> Client {
        let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        let second = Duration::from_secs(1);
        Client::new(ClientSettings {
            user_agent: "test".into(),
            roots: Roots::from_pem(&authority).unwrap(),
            protocol: Protocol::Http1,
            guard: None,
            connect_timeout: second,
            deadline: second,
            max_body: 1024,
        })
        .unwrap()
    }

    /// What is found on a machine whose metadata server gives `answer`.
    async fn found(answer: &'static str) -> Result<String, NoProject> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            assert!(request.starts_with("get /computemetadata/v1/project/project-id ") && request.contains("metadata-flavor: google"));
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        running_project(&client(), &|name| (name == "GCE_METADATA_HOST").then(|| host.clone())).await
    }

    #[tokio::test]
    async fn the_project_is_the_one_that_is_set_or_the_one_of_the_machine() {
        let set = |name: &str| (name == "GOOGLE_CLOUD_PROJECT").then(|| "set".to_owned());
        assert_eq!(running_project(&client(), &set).await.unwrap(), "set");
        assert_eq!(found("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nmachine-1").await.unwrap(), "machine-1");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_project_is_not_taken_for_one() {
        for answer in [
            "HTTP/1.1 404 X\r\ncontent-length: 1\r\n\r\nx",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na/b/",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ] {
            let unknown = found(answer).await.unwrap_err();
            assert_eq!(unknown.to_string(), "the Google Cloud project is not known: set `OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT`", "{answer}");
        }
    }
}
