//! The layout of the database, brought up to date when it is opened.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Connection as _, Row as _};
use tokio::time::timeout;

use super::address::Address;
use super::fault::is_other_column;
use super::server::Server;
use crate::Error;

/// The steps from an empty database to the layout of today; `pappus_layout` says how many it has taken.
const STEPS: [&str; 2] = [
    include_str!("../../migrations/mysql/0001_catalog.sql"),
    include_str!("../../migrations/mysql/0002_retraining.sql"),
];

/// The tables that there are after all steps.
const TABLES: [&str; 12] = [
    "data_sets",
    "decisions",
    "evaluations",
    "feedback",
    "images",
    "leases",
    "ledger",
    "models",
    "predictions",
    "releases",
    "runs",
    "sources",
];

/// The table that says that the others are the catalog's.
const MARK: &str = "pappus_layout";

/// How long one process waits for another that brings the layout up to date.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the database a catalog of today's layout. Several processes may do so at once; where nothing is to do, none of
/// them waits for another.
pub(super) async fn prepare(server: &Server) -> Result<(), Error> {
    let mut connection = server.connect().await?;
    let preparing = async {
        if steps_taken(server.address(), &mut connection).await? < STEPS.len() {
            alone(server.address(), &mut connection).await?;
        }
        Ok(connection.close().await?)
    };
    let late = |_| Error::Busy("another process did not bring its layout up to date in time".into());
    timeout(2 * PATIENCE, preparing).await.map_err(late)?
}

/// How many of the steps the database has taken already.
async fn steps_taken(address: &Address, connection: &mut MySqlConnection) -> Result<usize, Error> {
    let tables = tables(connection).await?;
    if !tables.iter().any(|table| table == MARK) {
        let other = tables.into_iter().find(|table| TABLES.contains(&table.as_str()));
        return other.map_or(Ok(0), |table| Err(occupied(address, table)));
    }
    let taken = sqlx::query_scalar(include_str!("schema/get.sql")).fetch_optional(connection).await;
    let taken: i64 = match taken {
        Ok(taken) => taken.unwrap_or(0),
        Err(error) if is_other_column(&error) => return Err(occupied(address, MARK.into())),
        Err(error) => return Err(error.into()),
    };
    let known = STEPS.len();
    usize::try_from(taken).ok().filter(|taken| *taken <= known).ok_or(Error::NewerSchema { found: taken, known })
}

async fn tables(connection: &mut MySqlConnection) -> Result<Vec<String>, Error> {
    let found = sqlx::query(include_str!("schema/tables.sql")).fetch_all(connection).await?;
    let name = |row: &MySqlRow| Ok(row.try_get::<String, _>("name")?);
    found.iter().map(name).collect()
}

fn occupied(address: &Address, table: String) -> Error {
    Error::Occupied { database: address.database.clone(), table }
}

/// Takes the steps that are left, while no other process does.
async fn alone(address: &Address, connection: &mut MySqlConnection) -> Result<(), Error> {
    let lock = sqlx::query_scalar(include_str!("schema/lock.sql")).bind(PATIENCE.as_secs());
    let locked: Option<i64> = lock.fetch_one(&mut *connection).await?;
    if locked != Some(1) {
        return Err(Error::Busy("another process keeps bringing its layout up to date".into()));
    }
    // What is read under the lock stays true until the steps are taken.
    let taken = steps_taken(address, connection).await?;
    sqlx::raw_sql(include_str!("schema/create.sql")).execute(&mut *connection).await?;
    for (number, step) in (1_i64..).zip(STEPS).skip(taken) {
        sqlx::raw_sql(step).execute(&mut *connection).await?;
        sqlx::query(include_str!("schema/set.sql")).bind(number).execute(&mut *connection).await?;
        tracing::info!(%address, layout = number, "brought the catalog's layout up to date");
    }
    // The lock ends with the connection in any case.
    sqlx::query(include_str!("schema/unlock.sql")).fetch_one(connection).await?;
    Ok(())
}
