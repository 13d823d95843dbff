//! Leases.

use async_trait::async_trait;
use pappus_domain::{Lease, Timestamp};
use sqlx::Row as _;

use super::SqliteCatalog;
use crate::write::expiry;
use crate::{Acquired, Error, Leases, read};

#[async_trait]
impl Leases for SqliteCatalog {
    async fn acquire_lease(&self, name: &str, holder: &str, now: Timestamp) -> Result<Acquired, Error> {
        // In one transaction, so that the lease which was in the way is still there to be told of.
        let mut transaction = self.begin().await?;
        let acquire = sqlx::query(include_str!("leases/acquire.sql"))
            .bind(name)
            .bind(holder)
            .bind(expiry(now))
            .bind(now.as_millisecond());
        let Some(row) = acquire.fetch_optional(&mut *transaction).await? else {
            let get = sqlx::query(include_str!("leases/get.sql")).bind(name);
            return Ok(Acquired::Held(read::lease(&get.fetch_one(&mut *transaction).await?)?));
        };
        let granted = Acquired::Granted { lease: read::lease(&row)?, after: row.try_get("after")? };
        transaction.commit().await?;
        Ok(granted)
    }

    async fn renew_lease(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error> {
        let renew = sqlx::query(include_str!("leases/renew.sql")).bind(&lease.name).bind(&lease.holder);
        // All rows, though there is one at most: only when SQLite has said that it is done is the write committed.
        let renewed = renew.bind(expiry(now)).fetch_all(&self.writer).await?;
        renewed.first().map(read::lease).transpose()
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let release = sqlx::query(include_str!("leases/release.sql")).bind(&lease.name).bind(&lease.holder);
        release.execute(&self.writer).await?;
        Ok(())
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        let get = sqlx::query(include_str!("leases/get.sql")).bind(name);
        get.fetch_optional(&self.readers).await?.as_ref().map(read::lease).transpose()
    }
}
