//! Leases.

use async_trait::async_trait;
use pappus_domain::{Lease, Timestamp};

use super::item::{Item, Row};
use super::key::Key;
use super::table::If;
use super::{DynamoDbCatalog, TURNS, overtaken};
use crate::{Acquired, Error, Leases};

#[async_trait]
impl Leases for DynamoDbCatalog {
    async fn acquire_lease(&self, name: &str, holder: &str, now: Timestamp) -> Result<Acquired, Error> {
        for _ in 0..TURNS {
            let known = self.lease_row(name).await?;
            let there = known.as_ref().map(read).transpose()?;
            if let Some(lease) = &there
                && lease.holder != holder
                && !lease.is_expired(now)
            {
                return Ok(Acquired::Held(lease.clone()));
            }
            let lease = Lease {
                name: name.into(),
                holder: holder.into(),
                beat: there.as_ref().map_or(0, |lease| lease.beat) + 1,
                expires_at: expiry(now),
            };
            if self.replace_lease(known.as_ref(), &lease).await? {
                let after = there.map(|lease| lease.holder).filter(|before| before != holder);
                return Ok(Acquired::Granted { lease, after });
            }
        }
        Err(overtaken("the lease"))
    }

    async fn renew_lease(&self, lease: &Lease, now: Timestamp) -> Result<Option<Lease>, Error> {
        for _ in 0..TURNS {
            let Some((known, there)) = self.held(lease).await? else { return Ok(None) };
            let renewed = Lease { beat: there.beat + 1, expires_at: expiry(now), ..there };
            if self.replace_lease(Some(&known), &renewed).await? {
                return Ok(Some(renewed));
            }
        }
        Err(overtaken("the lease"))
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        for _ in 0..TURNS {
            let Some((known, _)) = self.held(lease).await? else { return Ok(()) };
            if self.table.delete(Key::lease(&lease.name), known.write()?).await? {
                return Ok(());
            }
        }
        Err(overtaken("the lease"))
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        self.lease_row(name).await?.as_ref().map(read).transpose()
    }
}

impl DynamoDbCatalog {
    async fn lease_row(&self, name: &str) -> Result<Option<Row>, Error> {
        Ok(self.table.get(Key::lease(name)).await?.map(|row| Row::of("leases", row)))
    }

    /// A lease as it is, where its holder still holds it.
    async fn held(&self, lease: &Lease) -> Result<Option<(Row, Lease)>, Error> {
        let Some(row) = self.lease_row(&lease.name).await? else { return Ok(None) };
        let there = read(&row)?;
        Ok((there.holder == lease.holder).then_some((row, there)))
    }

    async fn replace_lease(&self, known: Option<&Row>, lease: &Lease) -> Result<bool, Error> {
        let item = Item::at(Key::lease(&lease.name))
            .text("name", &lease.name)
            .text("holder", &lease.holder)
            .number("beat", lease.beat)
            .time("expires_at", lease.expires_at);
        self.table.put(item, If::still(known)?).await
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(Lease::LIFE).unwrap_or(Timestamp::MAX)
}

fn read(row: &Row) -> Result<Lease, Error> {
    Ok(Lease {
        name: row.text("name")?.into(),
        holder: row.text("holder")?.into(),
        beat: row.number("beat")?,
        expires_at: row.time("expires_at")?,
    })
}
