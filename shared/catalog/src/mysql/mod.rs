//! A catalog in a database of MySQL 8 or MariaDB, which any number of processes may share.
//!
//! Each transaction locks the rows that it decides by and reads what is committed, so that it never acts on what is no
//! longer true. Two that lock each other's rows, or insert the same row, are told apart by the server: one of them is
//! begun again here, and nobody else hears of it. Batches go to the server in few statements, in order of their keys.

mod address;
mod decisions;
pub(crate) mod fault;
mod feedback;
mod images;
mod leases;
mod many;
mod models;
mod predictions;
mod releases;
mod row;
mod runs;
mod schema;
mod server;
mod sources;
mod transfer;

use async_trait::async_trait;

use self::address::Address;
use self::server::Server;
use crate::{Catalog, Error};

/// A catalog in a database of MySQL 8 or MariaDB.
#[derive(Debug)]
pub struct MySqlCatalog {
    server: Server,
}

impl MySqlCatalog {
    /// Opens the catalog in the database that a URL names: `mysql://user:password@host:port/database`. Tables that are
    /// missing are made; those of an older layout are brought up to date.
    ///
    /// # Errors
    /// [`Error::BadUrl`] where the URL names no database; [`Error::NewerSchema`] or [`Error::Occupied`] where its tables
    /// are not what this program can use; [`Error::NoDatabase`] and [`Error::Credentials`] as the server says;
    /// [`Error::Unavailable`] where it does not answer.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let server = Server::at(Address::read(url)?).await?;
        schema::prepare(&server).await?;
        Ok(Self { server })
    }
}

#[async_trait]
impl Catalog for MySqlCatalog {
    async fn check(&self) -> Result<(), Error> {
        self.server.row(sqlx::query(include_str!("check.sql"))).await?;
        Ok(())
    }

    async fn close(&self) {
        self.server.close().await;
    }
}
