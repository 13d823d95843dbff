//! The stores that are compared, and empty places in them.

use std::path::Path;

use anyhow::Result;
use pappus_catalog::SharedCatalog;
use pappus_tests::{Database, neighbour, place, unique};
use tempfile::TempDir;

/// Where objects and metadata are.
pub(super) struct Store {
    pub(super) name: &'static str,
    /// The URLs of objects and catalog; none where both are embedded.
    servers: Option<(String, String)>,
}

impl Store {
    /// The embedded one, and those whose servers are there. Of another it says why it is skipped.
    pub(super) fn all() -> Vec<Self> {
        let [s3, mysql, dynamodb] = ["PAPPUS_TEST_S3", "PAPPUS_TEST_MYSQL", "PAPPUS_TEST_DYNAMODB"].map(neighbour);
        let on = |name, catalog: Option<String>| s3.clone().zip(catalog).map(|servers| (name, Some(servers)));
        [Some(("embedded", None)), on("S3 and MySQL", mysql), on("S3 and DynamoDB", dynamodb)]
            .into_iter()
            .flatten()
            .map(|(name, servers)| Self { name, servers })
            .collect()
    }

    /// An empty place.
    pub(super) fn place(&self) -> Result<Place> {
        let home = tempfile::tempdir()?;
        let Some((s3, catalog)) = &self.servers else {
            let folder = home.path().display();
            let (objects, catalog) = (format!("file://{folder}/objects"), format!("sqlite://{folder}/catalog.db"));
            return Ok(Place { home, objects, catalog, _database: None });
        };
        let objects = place(s3, &unique())?;
        if catalog.starts_with("mysql:") {
            let database = Database::new(catalog)?;
            return Ok(Place { home, objects, catalog: database.url(), _database: Some(database) });
        }
        let table = place(catalog, &format!("pappus-{}", unique()))?;
        Ok(Place { home, objects, catalog: table, _database: None })
    }
}

/// A home of its own, whatever it stands on. What is in a folder or in a database is removed when it is dropped; what is
/// in a bucket or a table is left to the end of the servers.
pub(super) struct Place {
    home: TempDir,
    objects: String,
    catalog: String,
    _database: Option<Database>,
}

impl Place {
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn settings(&self) -> [(&'static str, &str); 2] {
        [("PAPPUS_OBJECTS", &self.objects), ("PAPPUS_CATALOG", &self.catalog)]
    }

    /// The catalog, with connections of its own.
    pub(super) async fn open(&self) -> Result<SharedCatalog> {
        Ok(pappus_catalog::open(&self.catalog).await?)
    }
}
