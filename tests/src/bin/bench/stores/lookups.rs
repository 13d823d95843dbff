//! What `pappus why` and `pappus status` ask of the prediction log. Every answer is looked at.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pappus_catalog::{SharedCatalog, TimeRange};

use super::log::Log;

/// Predictions that `pappus status` shows.
const SHOWN: u64 = 3;
/// How far it counts those of the last day.
const COUNTED: u64 = 100_000;
const DAY: Duration = Duration::from_hours(24);
/// How often what it asks is asked.
const REPEATS: usize = 20;

pub(super) struct Lookups {
    pub(super) why: Times,
    pub(super) newest: Times,
    pub(super) last_day: Times,
}

/// Milliseconds, in order.
pub(super) struct Times(Vec<f64>);

impl Times {
    fn new(times: Vec<Duration>) -> Self {
        let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    pub(super) fn at(&self, share: f64) -> f64 {
        self.0.get((self.0.len().saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

pub(super) async fn ask(catalog: &SharedCatalog, log: &Log, lookups: u64) -> Result<Lookups> {
    // Connections are there when somebody asks.
    catalog.check().await?;
    let answers = Lookups {
        why: why(catalog, log, lookups).await?,
        newest: newest(catalog, log).await?,
        last_day: last_day(catalog, log).await?,
    };
    catalog.close().await;
    Ok(answers)
}

async fn why(catalog: &SharedCatalog, log: &Log, lookups: u64) -> Result<Times> {
    let mut times = Vec::new();
    for number in log.numbers(lookups) {
        let expected = log.prediction(number)?;
        let begun = Instant::now();
        let found = catalog.prediction(&expected.id).await?;
        times.push(begun.elapsed());
        ensure!(found.as_ref() == Some(&expected), "asked for {expected:?}, the answer was {found:?}");
    }
    Ok(Times::new(times))
}

async fn newest(catalog: &SharedCatalog, log: &Log) -> Result<Times> {
    let numbers = (0..log.rows).rev().take(SHOWN as usize);
    let expected = numbers.map(|number| log.prediction(number)).collect::<Result<Vec<_>>>()?;
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let found = catalog.predictions(&TimeRange::default(), None, SHOWN as usize).await?;
        times.push(begun.elapsed());
        ensure!(found == expected, "the newest are {expected:?}, the answer was {found:?}");
    }
    Ok(Times::new(times))
}

async fn last_day(catalog: &SharedCatalog, log: &Log) -> Result<Times> {
    let from = log.end()?.checked_sub(DAY)?;
    let expected = log.since(from).min(COUNTED);
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let counted = catalog.count_predictions(&TimeRange { from: Some(from), until: None }, COUNTED).await?;
        times.push(begun.elapsed());
        ensure!(counted == expected, "there are {expected} predictions of the last day, and {counted} were counted");
    }
    Ok(Times::new(times))
}
