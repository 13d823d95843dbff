//! What train-trigger answers over HTTP: the last decisions and runs, and decisions that are asked for.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pappus_domain::trigger::{Cause, DecisionRecord};
use pappus_domain::{Run, RunId};
use pappus_host::{Failure, Operator, Reader};
use serde::{Deserialize, Serialize};

use crate::app::Decider;
use crate::error::Error;

/// The most rows of one answer.
const MOST: usize = 1000;

pub(crate) fn router(decider: Arc<Decider>) -> Router {
    Router::new()
        .route("/decisions", get(decisions).post(decide))
        .route("/runs", get(runs))
        .route("/runs/{run}", get(run))
        .with_state(decider)
}

/// How many rows are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default = "Page::usual")]
    limit: usize,
}

impl Page {
    const fn usual() -> usize {
        20
    }
}

/// A decision, and whether it is one to train.
#[derive(Serialize)]
struct Shown {
    train: bool,
    #[serde(flatten)]
    record: DecisionRecord,
}

impl From<DecisionRecord> for Shown {
    fn from(record: DecisionRecord) -> Self {
        Self { train: record.decision.train(), record }
    }
}

/// `GET /decisions`.
#[derive(Serialize)]
struct Decisions {
    decisions: Vec<Shown>,
}

/// `GET /runs`.
#[derive(Serialize)]
struct Runs {
    runs: Vec<Run>,
}

/// `POST /decisions`.
#[derive(Serialize)]
struct Decided {
    decision: Shown,
}

/// Why a decision is asked for: `{"cause": "schedule"}`, or `{"cause": "operator", "reason": "…"}`.
#[derive(Deserialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
enum Asked {
    Schedule,
    Operator { reason: String },
}

impl From<Asked> for Cause {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Schedule => Self::Schedule,
            Asked::Operator { reason } => Self::Operator { reason },
        }
    }
}

async fn decisions(
    _: Reader,
    State(decider): State<Arc<Decider>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Decisions>, Failure> {
    let (catalog, model) = (&decider.context.catalog, &decider.context.settings.model);
    let last = catalog.decisions(model, limit(page)?).await?;
    Ok(Json(Decisions { decisions: last.into_iter().map(Shown::from).collect() }))
}

async fn decide(
    _: Operator,
    State(decider): State<Arc<Decider>>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Decided>, Failure> {
    let Json(asked) = asked.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    let decision = decider.decide_for(asked.into()).await?.into();
    Ok(Json(Decided { decision }))
}

async fn runs(
    _: Reader,
    State(decider): State<Arc<Decider>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Runs>, Failure> {
    let (catalog, model) = (&decider.context.catalog, &decider.context.settings.model);
    Ok(Json(Runs { runs: catalog.runs(model, limit(page)?).await? }))
}

async fn run(
    _: Reader,
    State(decider): State<Arc<Decider>>,
    id: Result<Path<RunId>, PathRejection>,
) -> Result<Json<Run>, Failure> {
    let Path(id) = id.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    Ok(Json(decider.context.catalog.run(&id).await?.ok_or(Error::NoRun(id))?))
}

fn limit(page: Result<Query<Page>, QueryRejection>) -> Result<usize, Error> {
    let Query(Page { limit }) = page.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    if limit > MOST {
        return Err(Error::BadRequest(format!("`limit` is {limit}: {MOST} is the most")));
    }
    Ok(limit)
}
