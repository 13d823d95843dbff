//! Talking to the server: connections, what they wait for, and work that others stood in the way of.

use std::fmt;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, MySql};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::address::Address;
use super::fault::{is_collision, is_told};
use crate::Error;

/// Connections of one process: few, since there may be many processes, and a server takes some hundred.
const CONNECTIONS: u32 = 5;
/// How long a connection may take to be made: its three answers, from a server that takes seconds for each.
const CONNECT: Duration = Duration::from_secs(10);
/// How long work waits for a connection before it asks whether there is a server at all.
const SOON: Duration = Duration::from_secs(1);
/// How long work waits for one that others have: longer than for a server that does not answer.
const WAIT: Duration = Duration::from_secs(12);
/// How long a statement may take to answer, and then each row of the answer.
const ANSWER: Duration = Duration::from_secs(30);
/// A connection that has been idle for longer is given back to the server.
const IDLE: Duration = Duration::from_secs(60);
/// For how long work is begun again that others stood in the way of. By the clock and not so many times: of several that
/// collide one gets through each time, and how often the same one is unlucky depends on how many there are.
const PATIENCE: Duration = Duration::from_secs(15);
/// About how long to wait before work is begun again, since those others wait too; then twice as long each time, at most
/// [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(640);

pub(super) type Statement<'q> = Query<'q, MySql, MySqlArguments>;

/// One database of a server.
pub(super) struct Server {
    address: Address,
    options: MySqlConnectOptions,
    pool: MySqlPool,
    /// What the last answer was, held while it is asked: one asks for all who wait.
    asked: Mutex<Option<(Instant, Presence)>>,
}

/// Whether there is a server.
#[derive(Clone)]
enum Presence {
    There,
    Away(String),
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

impl Server {
    /// Connects lazily.
    pub(super) async fn at(address: Address) -> Result<Self, Error> {
        let options = address.options().await?;
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(WAIT)
            .idle_timeout(IDLE)
            // A server that was started anew meanwhile is nobody's failure.
            .test_before_acquire(true)
            .after_connect(|connection, _| Box::pin(begin_session(connection)))
            .connect_lazy_with(options.clone());
        Ok(Self { address, options, pool, asked: Mutex::default() })
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// A connection beside the pool, which says at once why there is none.
    pub(super) async fn connect(&self) -> Result<MySqlConnection, Error> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            begin_session(&mut connection).await?;
            Ok(connection)
        };
        let outcome: Result<_, sqlx::Error> = timeout(CONNECT, connecting).await.map_err(|_| no_answer(CONNECT))?;
        outcome.map_err(|error| match error {
            // What TLS finds wrong does not change by trying again.
            sqlx::Error::Tls(_) => Error::Credentials { hint: TLS, source: error.into() },
            sqlx::Error::Io(fault) if fault.kind() == std::io::ErrorKind::InvalidData => {
                Error::Credentials { hint: TLS, source: fault.into() }
            }
            error => error.into(),
        })
    }

    /// A connection of the pool, which tries for as long as it may to reach a server that is away.
    pub(super) async fn session(&self) -> Result<Session, Error> {
        tokio::select! {
            connection = self.pool.acquire() => Ok(Session::on(connection?)),
            away = self.away() => Err(away),
        }
    }

    /// Why there is no server, once it is clear that there is none.
    async fn away(&self) -> Error {
        sleep(SOON).await;
        let mut asked = self.asked.lock().await;
        let lately = asked.as_ref().filter(|(at, _)| at.elapsed() < SOON).map(|(_, presence)| presence.clone());
        let presence = match lately {
            Some(presence) => presence,
            None => match self.ask().await {
                Ok(presence) => asked.insert((Instant::now(), presence)).1.clone(),
                // What is wrong with the settings is wrong for everybody, and each asks anew.
                Err(wrong) => return wrong,
            },
        };
        drop(asked);
        match presence {
            // Others have what is waited for.
            Presence::There => std::future::pending().await,
            Presence::Away(why) => Error::Unavailable(why.into()),
        }
    }

    async fn ask(&self) -> Result<Presence, Error> {
        match self.connect().await {
            Ok(connection) => {
                // Whether it is closed well is no matter.
                _ = connection.close().await;
                Ok(Presence::There)
            }
            Err(Error::Busy(_)) => Ok(Presence::There),
            Err(Error::Unavailable(why)) => Ok(Presence::Away(why.to_string())),
            Err(wrong) => Err(wrong),
        }
    }

    /// A connection in a transaction, which ends with the session unless it is committed.
    pub(super) async fn begin(&self) -> Result<Session, Error> {
        let mut session = self.session().await?;
        session.in_transaction = true;
        session.command("START TRANSACTION").await?;
        Ok(session)
    }

    /// The rows of a statement that needs no transaction.
    pub(super) async fn rows(&self, statement: Statement<'_>) -> Result<Vec<MySqlRow>, Error> {
        self.session().await?.rows(statement).await
    }

    /// The first row of a statement that needs no transaction.
    pub(super) async fn row(&self, statement: Statement<'_>) -> Result<Option<MySqlRow>, Error> {
        self.session().await?.row(statement).await
    }

    /// Executes a statement that is a transaction by itself; says how many rows it matched.
    pub(super) async fn execute<'q>(&self, statement: impl Fn() -> Statement<'q>) -> Result<u64, Error> {
        persistently(|| async { self.session().await?.execute(statement()).await }).await
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

const TLS: &str = "what `tls` and `ca` of its URL ask for is not what it offers";

async fn begin_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("session.sql")).execute(connection).await?;
    Ok(())
}

/// Does some work, which is a transaction, again and again where others stand in its way; after some time the error says
/// so.
pub(super) async fn persistently<T, F>(work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let (begun, mut pause) = (Instant::now(), PAUSE);
    loop {
        match work().await {
            Err(error) if is_collision(&error) && begun.elapsed() < PATIENCE => {
                tracing::debug!(error = &error as &dyn std::error::Error, "others were in the way: again");
                sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                pause = (pause * 2).min(LONGEST);
            }
            outcome => return outcome,
        }
    }
}

/// A connection on loan from the pool. One whose work was given up half-way does not go back there, but is closed, which
/// also ends its transaction.
pub(super) struct Session {
    connection: PoolConnection<MySql>,
    is_waiting: bool,
    in_transaction: bool,
}

impl Session {
    fn on(connection: PoolConnection<MySql>) -> Self {
        Self { connection, is_waiting: false, in_transaction: false }
    }

    /// Ends the transaction; what it wrote is durable when this returns.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.command("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends the transaction as if it had never been.
    pub(super) async fn roll_back(mut self) -> Result<(), Error> {
        self.command("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn command(&mut self, sql: &'static str) -> Result<(), Error> {
        self.is_waiting = true;
        let outcome = answer(sqlx::raw_sql(sql).execute(&mut *self.connection)).await;
        self.answered(outcome)?;
        Ok(())
    }

    /// Executes a statement; says how many rows it matched.
    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        self.is_waiting = true;
        let outcome = answer(statement.execute(&mut *self.connection)).await;
        Ok(self.answered(outcome)?.rows_affected())
    }

    /// The rows of a statement.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<MySqlRow>, Error> {
        self.is_waiting = true;
        let outcome = answer(statement.fetch_all(&mut *self.connection)).await;
        self.answered(outcome)
    }

    /// The first row of a statement.
    pub(super) async fn row(&mut self, statement: Statement<'_>) -> Result<Option<MySqlRow>, Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Something of each row of a statement that has many.
    pub(super) async fn each<T>(
        &mut self,
        statement: Statement<'_>,
        read: impl Fn(&MySqlRow) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.is_waiting = true;
        let mut rows = statement.fetch(&mut *self.connection);
        let mut all = Vec::new();
        while let Some(row) = answer(rows.try_next()).await? {
            all.push(read(&row)?);
        }
        drop(rows);
        self.is_waiting = false;
        Ok(all)
    }

    /// A server that says what is wrong has answered too.
    fn answered<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.is_waiting = outcome.as_ref().is_err_and(|error| !is_told(error));
        outcome
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_waiting || self.in_transaction {
            self.connection.close_on_drop();
        }
    }
}

/// The outcome of one statement, or of one row, in time.
async fn answer<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    Ok(timeout(ANSWER, work).await.map_err(|_| no_answer(ANSWER))??)
}

fn no_answer(patience: Duration) -> Error {
    Error::Unavailable(format!("no answer came within {} seconds", patience.as_secs()).into())
}
