//! A database for one test.

use std::io::Write as _;
use std::str::FromStr as _;

use pappus_catalog::MySqlCatalog;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use url::Url;
use uuid::Uuid;

/// An empty database, which goes with it.
pub struct Database {
    /// Its URL.
    pub url: String,
    /// Its name.
    pub name: String,
}

impl Database {
    /// Makes one; says on the terminal that there is no server for it, if that is so.
    pub async fn make() -> Option<Self> {
        let Ok(server) = std::env::var("PAPPUS_TEST_MYSQL") else {
            // The test runner would keep a print to itself.
            let _ = writeln!(std::io::stderr(), "skipped: PAPPUS_TEST_MYSQL names no server to make a database on");
            return None;
        };
        let mut url = Url::parse(&server).expect("PAPPUS_TEST_MYSQL is a URL");
        let name = format!("pappus_{}", Uuid::now_v7().simple());
        url.set_path(&name);
        let database = Self { url: url.into(), name };
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }

    /// Opens the catalog in it.
    pub async fn open(&self) -> MySqlCatalog {
        MySqlCatalog::open(&self.url).await.expect("it opens")
    }

    /// Its URL with another part of it.
    pub fn url_with(&self, change: impl FnOnce(&mut Url)) -> String {
        let mut url = Url::parse(&self.url).expect("a URL");
        change(&mut url);
        url.into()
    }

    /// A connection beside the catalog's.
    pub async fn connect(&self) -> MySqlConnection {
        let options = MySqlConnectOptions::from_str(&self.url).expect("a URL");
        options.connect().await.expect("it connects")
    }

    /// Executes statements beside the catalog.
    pub async fn execute(&self, sql: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.connect().await).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The tables in it.
    pub async fn tables(&self) -> Vec<String> {
        let found = sqlx::query("SHOW TABLES").fetch_all(&mut self.connect().await).await.expect("tables");
        found.iter().map(|row| row.get(0)).collect()
    }

    async fn on_server(&self, sql: &str) {
        let server = std::env::var("PAPPUS_TEST_MYSQL").expect("it was there before");
        let options = MySqlConnectOptions::from_str(&server).expect("a URL");
        let mut connection = options.connect().await.expect("it connects");
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let dropping = async { self.on_server(&format!("DROP DATABASE {}", self.name)).await };
        // The test's own runtime may be what drops this.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(dropping);
            });
        });
    }
}
