//! Leases.

use async_trait::async_trait;
use pappus_domain::{Lease, Timestamp};

use super::MySqlCatalog;
use super::server::{Session, Statement, persistently};
use crate::write::expiry;
use crate::{Acquired, Error, Leases, read};

#[async_trait]
impl Leases for MySqlCatalog {
    async fn acquire_lease(&self, name: &str, holder: &str, now: Timestamp) -> Result<Acquired, Error> {
        persistently(|| self.acquire(name, holder, now)).await
    }

    async fn renew_lease(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error> {
        persistently(|| self.renew(lease, now)).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let release = || {
            let release = sqlx::query(include_str!("leases/release.sql"));
            release.bind(lease.name.as_bytes()).bind(lease.holder.as_bytes())
        };
        self.server.execute(release).await?;
        Ok(())
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        let get = sqlx::query(include_str!("leases/get.sql")).bind(name.as_bytes());
        self.server.row(get).await?.as_ref().map(read::lease).transpose()
    }
}

impl MySqlCatalog {
    async fn acquire(&self, name: &str, holder: &str, now: Timestamp) -> Result<Acquired, Error> {
        let mut transaction = self.server.begin().await?;
        let Some(found) = locked(&mut transaction, name).await? else {
            let lease = Lease { name: name.into(), holder: holder.into(), beat: 1, expires_at: expires(now) };
            let insert = sqlx::query(include_str!("leases/insert.sql")).bind(name.as_bytes()).bind(holder.as_bytes());
            transaction.execute(insert.bind(1).bind(lease.expires_at.as_millisecond())).await?;
            transaction.commit().await?;
            return Ok(Acquired::Granted { lease, after: None });
        };
        if found.holder != holder && !found.is_expired(now) {
            transaction.roll_back().await?;
            return Ok(Acquired::Held(found));
        }
        let lease = Lease { holder: holder.into(), beat: found.beat + 1, expires_at: expires(now), ..found.clone() };
        transaction.execute(update(&lease)).await?;
        transaction.commit().await?;
        Ok(Acquired::Granted { after: (found.holder != holder).then_some(found.holder), lease })
    }

    async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error> {
        let mut transaction = self.server.begin().await?;
        let found = locked(&mut transaction, &lease.name).await?;
        let Some(found) = found.filter(|found| found.holder == lease.holder) else {
            transaction.roll_back().await?;
            return Ok(None);
        };
        let renewed = Lease { beat: found.beat + 1, expires_at: expires(now), ..found };
        transaction.execute(update(&renewed)).await?;
        transaction.commit().await?;
        Ok(Some(renewed))
    }
}

async fn locked(transaction: &mut Session, name: &str) -> Result<Option<Lease>, Error> {
    let get = sqlx::query(include_str!("leases/locked.sql")).bind(name.as_bytes());
    transaction.row(get).await?.as_ref().map(read::lease).transpose()
}

fn update(lease: &Lease) -> Statement<'_> {
    sqlx::query(include_str!("leases/update.sql"))
        .bind(lease.holder.as_bytes())
        .bind(lease.beat.cast_signed())
        .bind(lease.expires_at.as_millisecond())
        .bind(lease.name.as_bytes())
}

/// When a lease runs out that is taken now, as it will be read.
fn expires(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(expiry(now)).unwrap_or(Timestamp::MAX)
}
