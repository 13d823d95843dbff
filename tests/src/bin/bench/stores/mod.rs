//! What the stores that teams have cost, beside the embedded ones.

mod figures;
mod log;
mod logging;
mod lookups;
mod store;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use pappus_domain::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};
use tokio::runtime::Runtime;

use self::figures::{Figure, Table};
use self::log::Log;
use self::lookups::Lookups;
use self::store::{Place, Store};
use crate::program::Program;

/// The time that a log of any length is spread over.
const SPAN: Duration = Duration::from_hours(30 * 24);
/// How far apart the predictions are that come while it is measured.
const PACE: Duration = Duration::from_millis(1);
/// Processes that log at once.
const WRITERS: usize = 4;

/// How much is measured.
#[derive(clap::Args)]
pub(crate) struct Sizes {
    /// The lengths of the prediction log
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    rows: Vec<u64>,
    /// Pictures to take in
    #[arg(long, default_value_t = 3000)]
    images: u64,
    /// Predictions to log, by one writer and by several
    #[arg(long, default_value_t = 20_480)]
    logged: u64,
    /// Predictions to find by their ids
    #[arg(long, default_value_t = 400)]
    lookups: u64,
}

pub(crate) fn measure(program: &Program, servers: &str, sizes: &Sizes) -> Result<()> {
    let runtime = Runtime::new()?;
    println!("SQLite {}{servers}\n", runtime.block_on(sqlite())?);
    let stores = Store::all();
    ingest(program, &stores, sizes.images)?;
    println!();
    predictions(&runtime, &stores, sizes)
}

async fn sqlite() -> Result<String> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    Ok(sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?)
}

fn ingest(program: &Program, stores: &[Store], images: u64) -> Result<()> {
    let work = tempfile::tempdir()?;
    let pictures = work.path().join("pictures");
    let bar = spinner(format!("drawing {images} pictures"));
    draw(program, &work.path().join("home"), &pictures, images)?;
    bar.finish_and_clear();
    let mut table = Table::new(&["store", "images", "images/s"]);
    for store in stores {
        let bar = spinner(format!("{}: ingesting", store.name));
        let place = store.place()?;
        let arguments = ["ingest", &*pictures.to_string_lossy()];
        let ended = program.run_with(place.home(), &place.settings(), &arguments)?;
        bar.finish_and_clear();
        let report: Value = serde_json::from_str(&ended.output)?;
        ensure!(report["stored"] == images, "{} of {images} images were stored", report["stored"]);
        let rate = Figure::rate(images as f64 / ended.took.as_secs_f64());
        table.print(&[store.name.into(), images.to_string()], vec![rate]);
    }
    Ok(())
}

fn draw(program: &Program, home: &Path, pictures: &Path, images: u64) -> Result<()> {
    ensure!(images.is_multiple_of(2), "--images is to be even: half of them are of each class");
    let count = (images / 2).to_string();
    program.run(home, &["sample", &pictures.to_string_lossy(), "--classes", "2", "--count", &count])?;
    Ok(())
}

fn predictions(runtime: &Runtime, stores: &[Store], sizes: &Sizes) -> Result<()> {
    for &rows in &sizes.rows {
        let mut table = Table::new(&[
            "predictions",
            "store",
            "one writer, rows/s",
            "four writers, rows/s",
            "`why`, median",
            "`why`, 95th percentile",
            "newest three",
            "last day counted",
        ]);
        for store in stores {
            let place = store.place()?;
            let figures = runtime.block_on(predictions_at(store, &place, rows, sizes))?;
            table.print(&[rows.to_string(), store.name.into()], figures);
        }
        println!();
    }
    Ok(())
}

/// One line: of a log that holds so many predictions when it is asked, and when more come.
async fn predictions_at(store: &Store, place: &Place, rows: u64, sizes: &Sizes) -> Result<Vec<Figure>> {
    let log = Log::new(rows, SPAN, Timestamp::now())?;
    let name = store.name;
    let bar = bar(format!("{name}: filling"), rows);
    logging::fill(&place.open().await?, &log, &bar).await?;
    bar.finish_and_clear();
    let asking = spinner(format!("{name}: asking"));
    let Lookups { why, newest, last_day } = lookups::ask(&place.open().await?, &log, sizes.lookups).await?;
    asking.finish_and_clear();
    let mut rates = Vec::new();
    for writers in [1, WRITERS] {
        let bar = self::bar(format!("{name}: logging, {writers} at once"), sizes.logged);
        let span = PACE.saturating_mul(sizes.logged.try_into()?);
        let more = Log::new(sizes.logged, span, Timestamp::now())?;
        rates.push(Figure::rate(logging::rate(place, writers, &more, &bar).await?));
        bar.finish_and_clear();
    }
    let asked = [why.at(0.5), why.at(0.95), newest.at(0.5), last_day.at(0.5)].map(Figure::milliseconds);
    Ok(rates.into_iter().chain(asked).collect())
}

fn bar(what: String, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    let style = ProgressStyle::with_template("{msg:<48} {bar:32} {human_pos}/{human_len} {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn spinner(what: String) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
