//! No statement reads more of a table than it must: what the server plans to do with each.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pappus_catalog::contract::samples::{
    decision, evaluation, feedback, image, manifest, name, prediction, quarantined, run,
};
use pappus_catalog::{
    Decisions as _, Feedbacks as _, Images as _, Models as _, MySqlCatalog, OnConflict, Predictions as _, Runs as _,
    Sources as _,
};
use pappus_domain::Feedback;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::database::Database;

/// The statements that go through a whole table or its index, or sort, since that is what they are asked for.
const ALLOWED: [&str; 6] = [
    "check.sql",
    "images/counts.sql",
    "images/labelled.sql",
    "images/list_label.sql",
    "models/names.sql",
    "sources/counts.sql",
];

/// What stands for the parameters of each statement; those that insert or are about the layout have no plan.
fn parameters(statement: &str) -> Option<&'static [&'static str]> {
    const ID: &str = "x'5000000000000000000000000000000000000000000000000000000000000000'";
    const UUID: &str = "x'00000000040070008000000000000000'";
    const TIME: &str = "1700001000000";
    /// The digest of eight bytes, the first of them 1, as `samples::feedback` has it.
    const VERSION: &str = "LEFT(SHA2(x'0100000000000000', 256), 12)";
    Some(match statement {
        "check.sql" | "images/counts.sql" | "images/labelled.sql" | "models/names.sql" | "sources/counts.sql" => &[],
        "images/get.sql" | "images/known.sql" | "transfer/known_images.sql" | "sources/known.sql" => &[ID],
        "images/list.sql" | "transfer/images.sql" | "transfer/sources.sql" | "transfer/data_sets.sql" => &[ID, "10"],
        "images/list_status.sql" => &["'stored'", ID, "10"],
        "images/list_label.sql" => &["'cat'", ID, "10"],
        "images/list_label_status.sql" => &["'stored'", "'cat'", ID, "10"],
        "images/place.sql" => &[ID, "'aside'", ID],
        "sources/pending.sql" => &["'http://x/5'", "'http://x/5'", ID, "10"],
        "sources/settle.sql" => &["'pending'", "NULL", "NULL", ID],
        "runs/data_set.sql" => &[ID],
        "runs/get.sql" | "predictions/get.sql" | "transfer/known_predictions.sql" => &[UUID],
        "runs/update.sql" => &["NULL", "1", "'{}'", TIME, UUID],
        "runs/last.sql" | "models/last.sql" | "decisions/last.sql" => &["'pets'", "10"],
        "models/get.sql" | "models/evaluation.sql" => &["'pets'", "'5'"],
        "models/find.sql" => &["'pets'", "'5'", "'6'"],
        "releases/get.sql" | "releases/locked.sql" | "releases/last_entry.sql" | "releases/ledger.sql" => &["'pets'"],
        "releases/update.sql" => &["'5'", "NULL", "2", "'pets'"],
        "predictions/page.sql" => &["0", TIME, TIME, UUID, "10"],
        "predictions/count.sql" => &["0", TIME, "10"],
        "predictions/delete.sql" | "decisions/delete.sql" => &[TIME, "10"],
        "feedback/get.sql" => &[UUID],
        "feedback/since.sql" => &["'pets'", VERSION, TIME, "10"],
        "leases/get.sql" | "leases/locked.sql" => &["'train/pets'"],
        "leases/update.sql" => &["'a'", "2", TIME, "'train/pets'"],
        "leases/release.sql" => &["'train/pets'", "'a'"],
        "transfer/runs.sql" | "transfer/predictions.sql" | "transfer/decisions.sql" | "transfer/feedback.sql" => {
            &[UUID, "10"]
        }
        "transfer/models.sql" => &["'pets'", "'pets'", "'5'", "10"],
        "transfer/evaluations.sql" => &["'pets'", "'pets'", "'5'", "'5'", ID, "10"],
        "transfer/releases.sql" => &["'pets'", "10"],
        "transfer/ledger.sql" => &["'pets'", "'pets'", "5", "10"],
        _ => return None,
    })
}

/// Enough rows for the server to take an index for worth its while.
async fn fill(catalog: &MySqlCatalog) {
    let label = |number: u64| Some(if number.is_multiple_of(2) { "cat" } else { "dog" });
    let mut images: Vec<_> = (0..4000).map(|number| image(number, label(number))).collect();
    images.extend((4000..6000).map(|number| quarantined(number, None)));
    catalog.record_images(&images, OnConflict::Keep).await.expect("it records");
    let sources: Vec<_> = (0..4000).map(|number| (format!("http://x/{number}"), name("cat"))).collect();
    catalog.add_sources(&sources, OnConflict::Keep).await.expect("it adds");
    let predictions: Vec<_> = (0..6000).map(|number| prediction(number, number.cast_signed())).collect();
    catalog.log_predictions(&predictions).await.expect("it logs");
    for number in 0..60_u64 {
        let model = if number.is_multiple_of(2) { "pets" } else { "birds" };
        catalog.create_run(&run(number, model)).await.expect("it records");
        catalog.record_model(&manifest(number, model)).await.expect("it records");
        catalog.record_evaluation(&evaluation(number % 6, model, number, 0)).await.expect("it records");
    }
    for number in 0..400_u64 {
        let model = if number.is_multiple_of(2) { "pets" } else { "birds" };
        let decided = decision(number, model, number.cast_signed());
        catalog.record_decision(&decided).await.expect("it records");
        let told = Feedback { model: name(model), ..feedback(number, "cat", number.cast_signed()) };
        catalog.record_feedback(&told).await.expect("it records");
    }
}

#[tokio::test]
async fn statements_use_an_index_and_do_not_sort() {
    let Some(database) = Database::make().await else { return };
    fill(&database.open().await).await;
    let mut connection = database.connect().await;
    let analyze = "SET NAMES utf8mb4 COLLATE utf8mb4_bin; ANALYZE TABLE images, sources, predictions, runs, models, evaluations, \
         decisions, feedback";
    sqlx::raw_sql(analyze).fetch_all(&mut connection).await.expect("it counts");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mysql");
    let (mut seen, mut wasteful) = (0, BTreeSet::new());
    for (statement, sql) in statements(&folder) {
        let Some(parameters) = parameters(&statement) else {
            assert!(
                sql.contains("INSERT INTO") || statement.starts_with("schema/") || statement == "session.sql",
                "{statement}"
            );
            continue;
        };
        seen += 1;
        let plan = plan(&mut connection, &statement, &sql, parameters).await;
        if let Some(step) = plan.into_iter().find(Step::is_wasteful) {
            assert!(ALLOWED.contains(&statement.as_str()), "{statement}: {step:?}");
            wasteful.insert(statement);
        }
    }
    assert!(seen > 40, "the statements were found");
    assert!(wasteful.contains("images/counts.sql"), "what goes through a whole index is recognised");
}

/// The statements by their names.
fn statements(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the statements").flatten() {
        let name = entry.file_name().display().to_string();
        if entry.path().is_dir() {
            found.extend(statements(&entry.path()).into_iter().map(|(file, sql)| (format!("{name}/{file}"), sql)));
        } else if name.ends_with(".sql") {
            found.push((name, fs::read_to_string(entry.path()).expect("a statement")));
        }
    }
    found
}

/// A step of a plan.
#[derive(Debug)]
struct Step {
    table: String,
    access: String,
    extra: String,
}

impl Step {
    /// Whether it goes through a whole table or index, or sorts; what a subquery has found is no table.
    fn is_wasteful(&self) -> bool {
        let Self { table, access, extra } = self;
        let scans = matches!(access.as_str(), "ALL" | "index") && !table.starts_with('<');
        scans || extra.contains("filesort") || extra.contains("temporary")
    }
}

async fn plan(connection: &mut MySqlConnection, statement: &str, sql: &str, parameters: &[&str]) -> Vec<Step> {
    let code: String = sql.lines().filter(|line| !line.starts_with("--")).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(code.matches('?').count(), parameters.len(), "{statement}: a parameter for each place");
    let told = parameters.iter().fold(code, |code, parameter| code.replacen('?', parameter, 1));
    let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {told}"))).fetch_all(connection).await;
    let steps = explain.unwrap_or_else(|error| panic!("{statement}: {error}"));
    let text = |row: &sqlx::mysql::MySqlRow, column| {
        row.try_get::<Option<String>, _>(column).expect("a text").unwrap_or_default()
    };
    let step = |row| Step { table: text(row, "table"), access: text(row, "type"), extra: text(row, "Extra") };
    steps.iter().map(step).collect()
}
