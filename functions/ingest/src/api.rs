//! What ingest answers over HTTP: images at URLs, to be fetched.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::post;
use axum::{Json, Router};
use pappus_domain::event::ImagesIngested;
use pappus_domain::image::Label;
use pappus_domain::{Digest, Event, Timestamp};
use pappus_host::{Context, Failure, Labeller};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::pipeline::Ingest;
use crate::summary::Summary;

/// The most sources of one request: fetched while the caller waits.
const MOST: usize = 500;

struct Fetching {
    ingest: Ingest,
    context: Context,
}

pub(crate) fn router(ingest: Ingest, context: Context) -> Router {
    Router::new().route("/sources", post(sources)).with_state(Arc::new(Fetching { ingest, context }))
}

/// `POST /sources`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    sources: Vec<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    url: String,
    label: Label,
}

/// Its answer.
#[derive(Serialize)]
struct Taken {
    #[serde(flatten)]
    summary: Summary,
}

async fn sources(
    _: Labeller,
    State(fetching): State<Arc<Fetching>>,
    given: Result<Json<Given>, JsonRejection>,
) -> Result<Json<Taken>, Failure> {
    let Json(Given { sources }) = given.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    if sources.len() > MOST {
        return Err(Error::BadRequest(format!("{} sources: {MOST} are the most of one request", sources.len())).into());
    }
    // A file of this machine is nothing that a request may read.
    let is_remote = |source: &&Source| source.url.starts_with("http://") || source.url.starts_with("https://");
    if let Some(other) = sources.iter().find(|source| !is_remote(source)) {
        return Err(Error::BadRequest(format!("`{}` is no http or https URL", other.url)).into());
    }
    let sources: Vec<_> = sources.into_iter().map(|Source { url, label }| (url, label)).collect();
    // Equal batches are one event.
    let batch = Digest::of_parts(sources.iter().map(|(url, _)| url.as_bytes())).short(16);
    let summary = fetching.ingest.sources(sources).await?;
    if summary.stored + summary.relabelled > 0 {
        let ingested = ImagesIngested { batch, stored: summary.stored + summary.relabelled };
        let event = Event::new("ingest", &ingested, Timestamp::now()).map_err(Error::from)?;
        fetching.context.events.publish(event).await?;
    }
    Ok(Json(Taken { summary }))
}
