//! The keys of one end's servers.

use pappus_catalog::SharedCatalog;
use pappus_objects::Objects;

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// The keys that a file of settings names. Where there are none, they come from where all of AWS's clients look.
#[derive(Default)]
pub(super) struct Keys {
    #[cfg(feature = "servers")]
    named: Option<pappus_objects::Credentials>,
}

impl Keys {
    /// Those among the variables of a file, or what is wrong with them.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        match (get(ID), get(SECRET)) {
            #[cfg(feature = "servers")]
            (Some(id), Some(secret)) => {
                let token = get("AWS_SESSION_TOKEN");
                let named = pappus_objects::Credentials::new(id, secret, token, None, "a file of settings");
                Ok(Self { named: Some(named) })
            }
            #[cfg(not(feature = "servers"))]
            (Some(_), Some(_)) => Err(format!("it sets {ID}, which only a build with the feature `servers` can use")),
            (Some(_), None) => Err(format!("it sets {ID} and no {SECRET}")),
            (None, Some(_)) => Err(format!("it sets {SECRET} and no {ID}")),
            _ => Ok(Self::default()),
        }
    }

    /// Opens an object store with them, if it takes any.
    pub(super) async fn open_objects(&self, url: &str) -> Result<Objects, pappus_objects::Error> {
        #[cfg(feature = "servers")]
        if let Some(named) = self.named.clone().filter(|_| url.starts_with("s3:")) {
            return Ok(std::sync::Arc::new(pappus_objects::S3Store::open(url, Some(named)).await?));
        }
        pappus_objects::open(url).await
    }

    /// Opens a catalog with them, if it takes any.
    pub(super) async fn open_catalog(&self, url: &str) -> Result<SharedCatalog, pappus_catalog::Error> {
        #[cfg(feature = "servers")]
        if let Some(named) = self.named.clone().filter(|_| url.starts_with("dynamodb:")) {
            return Ok(std::sync::Arc::new(pappus_catalog::DynamoDbCatalog::open_with(url, Some(named)).await?));
        }
        pappus_catalog::open(url).await
    }
}
