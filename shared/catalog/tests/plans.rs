//! No statement reads more of a table than it must: what SQLite plans to do with each.
#![allow(clippy::expect_used, reason = "a test may fail so")]

use std::fs;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

/// The statements that go through a whole table or its index, or sort, since that is what they are asked for. The last
/// predictions are read from the end of their index, as far as the page goes.
const ALLOWED: [&str; 6] = [
    "images/counts.sql",
    "images/labelled.sql",
    "images/list_label.sql",
    "models/names.sql",
    "predictions/count.sql",
    "sources/counts.sql",
];

#[tokio::test]
async fn statements_use_an_index_and_do_not_sort() {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.expect("it connects");
    let mut steps: Vec<_> = fs::read_dir(crate_directory.join("migrations/sqlite")).expect("the layout").collect();
    steps.sort_by_key(|step| step.as_ref().expect("a step").file_name());
    for step in steps {
        let step = fs::read_to_string(step.expect("a step").path()).expect("a step");
        sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut connection).await.expect("the tables are made");
    }
    let mut seen = 0;
    for entry in fs::read_dir(crate_directory.join("src/sqlite")).expect("the statements").flatten() {
        for statement in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            let (folder, file) = (entry.file_name(), statement.file_name());
            let name = format!("{}/{}", folder.display(), file.display());
            let plan = plan(&mut connection, &statement.path()).await;
            let wasteful = plan.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE"));
            assert_eq!(wasteful, ALLOWED.contains(&name.as_str()), "{name}: {plan:?}");
            seen += 1;
        }
    }
    assert!(seen > 30, "the statements were found");
}

async fn plan(connection: &mut SqliteConnection, statement: &Path) -> Vec<String> {
    let sql = fs::read_to_string(statement).expect("a statement");
    let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    let steps = explain.fetch_all(connection).await.expect("a plan");
    steps.iter().map(|step| step.get("detail")).collect()
}
