//! What can go wrong with a catalog, by what a caller can do about it.

use std::path::PathBuf;

use pappus_domain::Release;

/// What another library said.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a catalog did not do as it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Others keep it busy: try again.
    #[error("the catalog is busy: try again")]
    Busy(#[source] Source),
    /// It did not answer, or not as it should: trying again may help.
    #[error("the catalog cannot be reached")]
    Unavailable(#[source] Source),
    /// No space is left.
    #[error("there is no space left for the catalog: free some and try again")]
    Full(#[source] Source),
    /// This process may not.
    #[error("the catalog may not be used: allow this user to read and write it and its directory")]
    PermissionDenied(#[source] Source),
    /// The place where it should be cannot be used.
    #[error("the catalog `{}` cannot be opened", .path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Source,
    },
    /// The file is damaged, or is not a catalog at all.
    #[error("the catalog's file is damaged or is no catalog: restore it from a backup, or name another file")]
    Damaged(#[source] Source),
    /// The file is a sound database, but of another program.
    #[error("`{}` is the database of another program: name another file for the catalog", .0.display())]
    Foreign(PathBuf),
    /// The table is another program's.
    #[error("the table `{table}` belongs to another program, since {why}: name another table for the catalog")]
    ForeignTable {
        /// The table.
        table: String,
        /// How that shows.
        why: &'static str,
    },
    /// Its tables would have the names of tables that are another program's.
    #[error(
        "table `{table}` of database `{database}` belongs to another program: give the catalog a database of its own"
    )]
    Occupied {
        /// The database.
        database: String,
        /// The first such table.
        table: String,
    },
    /// The server does not take the credentials, or they do not allow what was asked.
    #[error("the catalog's server cannot be used: {hint}")]
    Credentials {
        /// Which variables to set to what.
        hint: &'static str,
        /// What the server said.
        #[source]
        source: Source,
    },
    /// The server has no such database.
    #[error("the catalog's server has no such database: create it (CREATE DATABASE …), or name another")]
    NoDatabase(#[source] Source),
    /// The server takes no writes.
    #[error("the catalog's server only reads now: if it is a replica, name the server that is written to")]
    ReadOnly(#[source] Source),
    /// A row that cannot be read: everything else still can.
    #[error("row `{row}` of table `{table}` of the catalog cannot be read: correct it or restore it from a backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong with it.
        #[source]
        source: Source,
    },
    /// A later version of this program wrote the catalog.
    #[error(
        "the catalog has layout {found} and this program knows up to {known}: use the version of pappus that wrote it, \
         or a later one"
    )]
    NewerSchema {
        /// The layout of the catalog.
        found: i64,
        /// The latest that this program knows.
        known: usize,
    },
    /// The URL names no catalog that this build can open.
    #[error("`{held}` is no catalog: {wanted}")]
    BadUrl {
        /// What was given.
        held: String,
        /// What may be given.
        wanted: &'static str,
    },
    /// Somebody else has changed the release: look at it again and decide anew.
    #[error("the release has changed meanwhile: expected {}, found {}", describe(.expected), describe(.found))]
    ReleaseMoved {
        /// What the caller took it to be.
        expected: Option<Box<Release>>,
        /// What it is.
        found: Option<Box<Release>>,
    },
    /// Something is there already that is not the same.
    #[error("the catalog has another {what} already: move into an empty one, or into the one where the move began")]
    Differs {
        /// What it is.
        what: String,
    },
    /// A token to go on with that this catalog did not give.
    #[error("`{0}` is nowhere that reading this catalog could go on from: begin again")]
    BadToken(String),
    /// There is no such thing to change.
    #[error("the catalog has no {0}")]
    NotFound(String),
    /// Something was to be written that could not be read again, such as a figure that is not a number.
    #[error("{what} cannot be written to the catalog, since it could not be read again")]
    Unwritable {
        /// What was to be written.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
}

fn describe(release: &Option<Box<Release>>) -> String {
    release
        .as_ref()
        .map_or_else(|| "none".into(), |release| format!("`{}` at generation {}", release.champion, release.generation))
}
