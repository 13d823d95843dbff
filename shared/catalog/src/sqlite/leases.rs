//! Leases.

use async_trait::async_trait;
use pappus_domain::{Lease, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::SqliteCatalog;
use super::row::Row;
use crate::{Acquired, Error, Leases};

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
            return Ok(Acquired::Held(read(&get.fetch_one(&mut *transaction).await?)?));
        };
        let granted = Acquired::Granted { lease: read(&row)?, after: Row::of("leases", &row).get("after")? };
        transaction.commit().await?;
        Ok(granted)
    }

    async fn renew_lease(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error> {
        let renew = sqlx::query(include_str!("leases/renew.sql")).bind(&lease.name).bind(&lease.holder);
        // All rows, though there is one at most: only when SQLite has said that it is done is the write committed.
        let renewed = renew.bind(expiry(now)).fetch_all(&self.writer).await?;
        renewed.first().map(read).transpose()
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let release = sqlx::query(include_str!("leases/release.sql")).bind(&lease.name).bind(&lease.holder);
        release.execute(&self.writer).await?;
        Ok(())
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        let get = sqlx::query(include_str!("leases/get.sql")).bind(name);
        get.fetch_optional(&self.readers).await?.as_ref().map(read).transpose()
    }
}

fn expiry(now: Timestamp) -> i64 {
    now.checked_add(Lease::LIFE).unwrap_or(Timestamp::MAX).as_millisecond()
}

fn read(row: &SqliteRow) -> Result<Lease, Error> {
    let row = Row::of("leases", row);
    Ok(Lease {
        name: row.get("name")?,
        holder: row.get("holder")?,
        beat: row.bits("beat")?,
        expires_at: row.time("expires_at")?,
    })
}
