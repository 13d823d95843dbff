//! The API server, asked with patience that ends.

use std::time::Duration;

use kube::{Client, Config};
use tokio::time::timeout;

use super::fault::{Fault, Right};

/// How long a connection may take, and a request as a whole.
const CONNECT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// A client of the cluster that the environment names.
pub(super) async fn open() -> Result<Client, Fault> {
    // With the AWS SDKs two providers of cryptography are built in, of which rustls chooses neither.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut config = Config::infer().await.map_err(|error| Fault::NoCluster(error.into()))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(PATIENCE);
    config.write_timeout = Some(PATIENCE);
    Client::try_from(config).map_err(|error| Fault::NoCluster(error.into()))
}

/// Asks the API server for what needs a right.
pub(super) async fn ask<T>(
    namespace: &str,
    right: Right,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Fault> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer.map_err(|error| Fault::of(namespace, right, error)),
        Err(_) => Err(Fault::NoAnswer { right, seconds: PATIENCE.as_secs() }),
    }
}
