//! MariaDB.

use anyhow::{Context as _, Result};
use pappus_tests::{Database, Home, Trained, eventually, neighbour, pictures};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

use crate::standing::{images, releases, standing_on};
use crate::{catalog, crash, slow};

#[test]
fn an_ingest_and_a_training_outlive_a_crash_of_mariadb() -> Result<()> {
    let Some((mut mariadb, home)) = standing_on("mariadb")? else { return Ok(()) };
    let database = Database::new(mariadb.setting("PAPPUS_CATALOG")?)?;
    let another = Home::new()?.with("PAPPUS_CATALOG", database.url());
    crash::ingest_and_training(&home, &another, &mut mariadb, &catalog::SAYS)
}

#[test]
fn a_release_has_happened_once_or_not_at_all_when_mariadb_crashes() -> Result<()> {
    let Some((mut mariadb, home)) = standing_on("mariadb")? else { return Ok(()) };
    catalog::releasing(&home, &mut mariadb)
}

#[test]
fn work_ends_well_on_a_slow_mariadb() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_MYSQL") else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let database = Database::new(&server)?;
    let home = Home::new()?.with("PAPPUS_CATALOG", database.url());
    slow::work(&home, &trained, "PAPPUS_CATALOG", &database.url())
}

#[test]
fn ingests_of_the_same_pictures_at_once_and_in_opposite_order_take_each_in_once() -> Result<()> {
    const IMAGES: u32 = 600;
    let Some(server) = neighbour("PAPPUS_TEST_MYSQL") else { return Ok(()) };
    let database = Database::new(&server)?;
    let home = Home::new()?.with("PAPPUS_CATALOG", database.url());
    let there = pictures::noise(&home, "there", "moss", IMAGES)?.join("moss");
    let back = home.work().join("back/moss");
    std::fs::create_dir_all(&back)?;
    for (number, path) in pictures::files(&there)?.iter().rev().enumerate() {
        std::fs::copy(path, back.join(format!("{number:04}.png")))?;
    }
    let ingests = ["there", "back", "there", "back"].map(|folder| home.start(&["ingest", folder, "--json"]));
    let mut stored = 0;
    for ingest in ingests {
        let taken = ingest?.wait()?.expect(0)?.json()?;
        assert_eq!(taken["seen"], IMAGES, "{taken}");
        stored += taken["stored"].as_u64().context("a number")?;
    }
    assert_eq!((stored, images(&home)?), (IMAGES.into(), IMAGES.into()), "each was new to one of them");
    Ok(())
}

/// A connection of somebody else's.
struct Sql {
    connection: MySqlConnection,
    runtime: Runtime,
}

impl Sql {
    fn connect(database: &Database) -> Result<Self> {
        let runtime = Runtime::new()?;
        let connection = runtime.block_on(MySqlConnection::connect(&database.url()))?;
        Ok(Self { connection, runtime })
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        let run = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.runtime.block_on(run)?;
        Ok(())
    }
}

#[test]
fn a_release_that_is_the_victim_of_a_deadlock_is_begun_again() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_MYSQL") else { return Ok(()) };
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let database = Database::new(&server)?;
    let home = Home::new()?.with("PAPPUS_CATALOG", database.url()).with("PAPPUS_LOG", "warn,pappus_catalog=debug");
    home.take_over(&trained)?;
    let before = releases(&home)?;
    let (mut other, mut third) = (Sql::connect(&database)?, Sql::connect(&database)?);
    // Of two that wait for each other the server gives up the one that has written less.
    other.run("CREATE TABLE ballast (n INT) ENGINE = InnoDB")?;
    other.run("START TRANSACTION")?;
    other.run(&format!("INSERT INTO ballast VALUES (0){}", ", (0)".repeat(2000)))?;
    other.run(
        "INSERT INTO ledger SELECT model, generation + 1, action, `from`, `to`, actor, reason, at, `before`, digest \
         FROM ledger ORDER BY generation DESC LIMIT 1",
    )?;
    let promoting = home.start(&["promote", "--force", &trained.first])?;
    eventually("the release is locked", || {
        Ok(third.run("SELECT model FROM releases FOR UPDATE NOWAIT").is_err().then_some(()))
    })?;
    other.run("SELECT model FROM releases FOR UPDATE")?;
    eventually("the deadlock is told of", || Ok(promoting.log().contains("Deadlock").then_some(())))
        .with_context(|| promoting.log())?;
    other.run("ROLLBACK")?;
    let log = promoting.wait()?.expect(0)?.stderr;
    assert!(log.contains("others were in the way: again"), "{log}");
    assert_eq!(releases(&home)?, before + 1, "once");
    Ok(())
}
