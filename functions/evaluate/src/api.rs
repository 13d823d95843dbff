//! What evaluate answers over HTTP: a judgement that is asked for.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::post;
use axum::{Json, Router};
use pappus_domain::event::ModelEvaluated;
use pappus_domain::verdict::Evaluation;
use pappus_domain::{Event, ModelVersion, Timestamp};
use pappus_host::{Context, Failure, Operator};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::judge::Evaluate;

struct Judge {
    evaluate: Evaluate,
    context: Context,
}

pub(crate) fn router(evaluate: Evaluate, context: Context) -> Router {
    Router::new().route("/evaluate", post(judge)).with_state(Arc::new(Judge { evaluate, context }))
}

/// `POST /evaluate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    version: String,
}

/// Its answer.
#[derive(Serialize)]
struct Judged {
    passed: bool,
    #[serde(flatten)]
    evaluation: Evaluation,
}

impl From<Evaluation> for Judged {
    fn from(evaluation: Evaluation) -> Self {
        Self { passed: evaluation.verdict.passed, evaluation }
    }
}

/// Judges a version, unless it has been judged beside the champion of now.
async fn judge(
    _: Operator,
    State(judge): State<Arc<Judge>>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Judged>, Failure> {
    let Json(Asked { version }) = asked.map_err(|rejection| Error::BadRequest(rejection.body_text()))?;
    let version: ModelVersion = version.parse().map_err(|error| Error::BadRequest(format!("{error}")))?;
    let evaluation = match judge.known(&version).await? {
        Some(known) => known,
        None => judge.evaluate.version(&version, |_, _| {}).await?,
    };
    // Also of what was judged before: whoever judged it may have been cut off before it was told.
    let Evaluation { data_set, .. } = evaluation;
    let model = judge.context.settings.model.clone();
    let evaluated = ModelEvaluated { model, version, data_set, passed: evaluation.verdict.passed };
    let event = Event::new("evaluate", &evaluated, Timestamp::now()).map_err(Error::from)?;
    judge.context.events.publish(event).await?;
    Ok(Json(evaluation.into()))
}

impl Judge {
    /// The judgement that holds: beside the champion of now, or, of the champion itself, the last.
    async fn known(&self, version: &ModelVersion) -> Result<Option<Evaluation>, Error> {
        let Context { catalog, settings, .. } = &self.context;
        let champion = catalog.release(&settings.model).await?.map(|release| release.champion);
        let known = catalog.evaluation(&settings.model, version).await?;
        Ok(known.filter(|known| champion.as_ref() == Some(version) || known.champion == champion))
    }
}
