//! What promote answers over HTTP: who is released, and changes that are asked for.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::{get, post};
use axum::{Json, Router};
use pappus_domain::{Event, ModelVersion, Release, Timestamp};
use pappus_host::{Context, Failure, Operator, Reader};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::release::{By, Changed, Promote};

struct Releases {
    promote: Promote,
    context: Context,
}

pub(crate) fn router(promote: Promote, context: Context) -> Router {
    Router::new()
        .route("/release", get(release))
        .route("/promote", post(promoted))
        .route("/rollback", post(rolled_back))
        .with_state(Arc::new(Releases { promote, context }))
}

/// `POST /promote`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    version: String,
    reason: String,
}

/// `POST /rollback`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    reason: String,
}

/// `GET /release`.
#[derive(Serialize)]
struct Current {
    release: Option<Release>,
}

/// The answer to a change.
#[derive(Serialize)]
struct Moved {
    /// Not where the release was as wanted already.
    moved: bool,
    release: Release,
}

async fn release(_: Reader, State(releases): State<Arc<Releases>>) -> Result<Json<Current>, Failure> {
    let Context { catalog, settings, .. } = &releases.context;
    Ok(Json(Current { release: catalog.release(&settings.model).await? }))
}

async fn promoted(
    operator: Operator,
    State(releases): State<Arc<Releases>>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Moved>, Failure> {
    let Json(Wanted { version, reason }) = wanted.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    let version: ModelVersion = version.parse().map_err(|error| Error::BadRequest(format!("{error}")))?;
    let changed = releases.promote.promote(&version, false, By { actor: operator.name().into(), reason }).await?;
    releases.told(changed).await
}

async fn rolled_back(
    operator: Operator,
    State(releases): State<Arc<Releases>>,
    back: Result<Json<Back>, JsonRejection>,
) -> Result<Json<Moved>, Failure> {
    let Json(Back { reason }) = back.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    let changed = releases.promote.roll_back(By { actor: operator.name().into(), reason }).await?;
    releases.told(changed).await
}

impl Releases {
    /// Tells the others, also of a change that was made before: whoever made it may have been cut off.
    async fn told(&self, changed: Changed) -> Result<Json<Moved>, Failure> {
        let event = Event::new("promote", &changed.event(), Timestamp::now()).map_err(Error::from)?;
        self.context.events.publish(event).await?;
        Ok(Json(Moved { moved: changed.entry.is_some(), release: changed.release }))
    }
}
