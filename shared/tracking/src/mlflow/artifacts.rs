//! Artifacts, through the server's proxy.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use ureq::http::Method;
use url::Url;

use super::exchange::Body;
use super::{Mlflow, PATIENCE, TrackedRun};
use crate::error::Error;

/// What a file's name may hold in a URL as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The least bytes a second that an upload is to make, before it is taken for dead.
const SLOWEST: u64 = 64 << 10;

/// Where the artifacts of a run are, below the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArtifactRoot(Vec<String>);

/// A file to be sent.
pub(crate) struct Upload {
    pub(crate) size: u64,
    pub(crate) bytes: Box<dyn Read + Send>,
}

impl ArtifactRoot {
    /// The root of a run whose artifacts the server takes itself.
    pub(crate) fn of(run: &TrackedRun) -> Result<Self, Error> {
        let root = Url::parse(&run.artifact_uri).ok().filter(|url| url.scheme() == "mlflow-artifacts");
        let root = root.ok_or_else(|| {
            let uri = &run.artifact_uri;
            Error::Untellable(format!(
                "MLflow takes no files itself, but wants them at {uri}: start it with --serve-artifacts and without \
                 --default-artifact-root, and let a new experiment begin"
            ))
        })?;
        Ok(Self(root.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()))
    }
}

impl Mlflow {
    /// The files in one folder of a run's artifacts, by path, with their sizes in bytes.
    pub(crate) async fn artifacts(&self, run: &TrackedRun, folder: &str) -> Result<BTreeMap<String, u64>, Error> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            files: Vec<File>,
            #[serde(default)]
            next_page_token: Option<String>,
        }
        #[derive(Deserialize)]
        struct File {
            path: String,
            #[serde(default)]
            file_size: Option<u64>,
        }
        let (mut all, mut token) = (BTreeMap::new(), None);
        loop {
            let mut query = vec![("run_id", run.id.as_str()), ("path", folder)];
            query.extend(token.as_deref().map(|token| ("page_token", token)));
            let Page { files, next_page_token } = self.get("artifacts/list", &query).await?;
            all.extend(files.into_iter().filter_map(|file| Some((file.path, file.file_size?))));
            token = next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// Sends a file; one that is there is replaced.
    pub(crate) async fn upload(&self, root: &ArtifactRoot, path: &str, upload: Upload) -> Result<(), Error> {
        let below = root.0.iter().map(String::as_str).chain(path.split('/'));
        let below: Vec<String> = below.map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect();
        let url = self.server.url(&format!("api/2.0/mlflow-artifacts/artifacts/{}", below.join("/")));
        let Upload { size, bytes } = upload;
        let patience = PATIENCE + Duration::from_secs(size / SLOWEST);
        let call = format!("PUT {path}");
        // The answer is empty.
        self.ask(Method::PUT, &call, url, Body::File { size, bytes }, patience).await.map(drop)
    }
}
