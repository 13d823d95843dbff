//! A catalog in one DynamoDB table, which any number of processes anywhere may share.
//!
//! A row is an item: its partition says of which kind it is, and where there are many of a kind, which part of them; its
//! place in the partition says which one it is (`key`). Two local indexes give a partition two more orders. There is no
//! global index: so every read sees every write that was answered before it, and none is paid for or waited for apart.
//!
//! Rows that others may change at once carry the mark of the write that made them, and are replaced only where that is
//! still the one that was read. Numbers of rows are kept in rows of their own, in the transactions that change them.
//! Nothing but the first start and a transfer goes through the whole table.

mod address;
mod client;
mod decisions;
mod fault;
mod feedback;
mod images;
mod item;
mod key;
mod layout;
mod leases;
mod models;
mod parts;
mod predictions;
mod query;
mod releases;
mod runs;
mod sources;
mod table;
mod transfer;

use async_trait::async_trait;
use aws_sdk_dynamodb::config::Credentials;

use crate::{Catalog, Error};
use address::Address;
use predictions::Listed;
use table::Table;

/// Requests that are under way at once.
const AT_ONCE: usize = 32;
/// How often a change is tried anew where others have changed the same rows meanwhile.
const TURNS: usize = 64;

/// A catalog in one DynamoDB table.
#[derive(Debug)]
pub struct DynamoDbCatalog {
    table: Table,
    listed: Listed,
}

impl DynamoDbCatalog {
    /// Opens the catalog that a URL names: `dynamodb://TABLE?region=REGION&endpoint=URL`. The credentials are those of
    /// the environment, and so is the region where none is given. A table that is missing is made, which may take a
    /// minute.
    ///
    /// A server that is not there is given up after 20 seconds at most, here and in every later request.
    ///
    /// # Errors
    /// [`Error::BadUrl`]; [`Error::NewerSchema`] or [`Error::ForeignTable`] where the table is not what this program can
    /// use; [`Error::Credentials`] where the server does not take the credentials; [`Error::Busy`] where it turns
    /// requests away time and again, [`Error::Unavailable`] where it does not answer.
    pub async fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, None).await
    }

    /// The same, with other credentials than those of the environment.
    ///
    /// # Errors
    /// As [`DynamoDbCatalog::open`].
    pub async fn open_with(url: &str, credentials: Option<Credentials>) -> Result<Self, Error> {
        let address = Address::read(url.strip_prefix("dynamodb://").unwrap_or_default())?;
        let client = client::connect(&address, credentials).await?;
        let table = Table { client, name: address.table };
        layout::prepare(&table).await?;
        Ok(Self { table, listed: Listed::default() })
    }
}

#[async_trait]
impl Catalog for DynamoDbCatalog {
    async fn check(&self) -> Result<(), Error> {
        layout::check(&self.table).await
    }

    async fn close(&self) {
        // Every write was done when it returned, and connections go with the client.
    }
}

/// That others were quicker, time and again.
fn overtaken(what: &str) -> Error {
    Error::Busy(format!("others changed {what} at the same time, {TURNS} times in a row").into())
}
