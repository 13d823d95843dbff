//! The servers that `scripts/services` brings up, as the environment of the tests names them.

use std::env;

use anyhow::{Context as _, Result};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

/// The URL of a server, if it is there.
pub fn neighbour(variable: &str) -> Option<String> {
    let url = env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped: it needs {variable}: scripts/services starts what it names");
    }
    url
}

/// A name that nothing else has.
pub fn unique() -> String {
    format!("{:x}", uuid::Uuid::now_v7().as_u128())
}

/// A URL with another place in the same server: of `s3://bucket?…` the folder `place`, of `dynamodb://table?…` the table.
///
/// # Errors
/// Where it is no such URL.
pub fn place(url: &str, place: &str) -> Result<String> {
    let (address, query) = url.split_once('?').context("a URL with an endpoint")?;
    if address.starts_with("dynamodb:") {
        return Ok(format!("dynamodb://{place}?{query}"));
    }
    Ok(format!("{address}/{place}?{query}"))
}

/// A MySQL database of its own, removed when dropped.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one.
    ///
    /// # Errors
    /// Where the server does not.
    pub fn new(server: &str) -> Result<Self> {
        let database = Self { server: server.into(), name: format!("pappus_{}", unique()) };
        database.at_the_server("CREATE DATABASE")?;
        Ok(database)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap_or((&self.server, ""));
        format!("{server}/{}", self.name)
    }

    /// Does something in it.
    ///
    /// # Errors
    /// Where the server does not.
    pub fn execute(&self, statement: &str) -> Result<()> {
        execute(&self.url(), statement)
    }

    fn at_the_server(&self, what: &str) -> Result<()> {
        execute(&self.server, &format!("{what} {}", self.name))
    }
}

fn execute(url: &str, statement: &str) -> Result<()> {
    Runtime::new()?.block_on(async {
        let mut connection = MySqlConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    })
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.at_the_server("DROP DATABASE") {
            eprintln!("{} stays: {error}", self.name);
        }
    }
}
