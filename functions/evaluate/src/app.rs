//! The evaluate function, as its host sees it.

use std::sync::Arc;

use async_trait::async_trait;
use pappus_domain::event::{ModelEvaluated, ModelTrained};
use pappus_domain::{Event, EventKind as _, Timestamp};
use pappus_host::{App, Context, Failure, OnEvent, Outcome};

use crate::api;
use crate::error::Error;
use crate::judge::Evaluate;

struct OnTrained {
    evaluate: Evaluate,
    context: Context,
}

/// The evaluate function: judges each model that has been trained.
pub fn app(context: Context) -> App {
    context.tracking.attend();
    let evaluate = Evaluate::new(context.clone());
    let router = api::router(evaluate.clone(), context.clone());
    App { name: "evaluate", router, on_event: Arc::new(OnTrained { evaluate, context }) }
}

#[async_trait]
impl OnEvent for OnTrained {
    fn kinds(&self) -> Vec<&'static str> {
        vec![ModelTrained::KIND]
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        let trained = event.read::<ModelTrained>()?;
        let Some(ModelTrained { model, version, .. }) = trained else { return Ok(Outcome::NOTHING) };
        if model != self.context.settings.model {
            return Ok(Outcome::NOTHING);
        }
        let evaluation = self.evaluate.version(&version, |_, _| {}).await?;
        let passed = evaluation.verdict.passed;
        tracing::info!(%version, passed, accuracy = evaluation.report.accuracy.value, "evaluated");
        let evaluated = ModelEvaluated { model, version, data_set: evaluation.data_set, passed };
        Ok(Outcome::event(Event::new("evaluate", &evaluated, Timestamp::now()).map_err(Error::from)?))
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }
}
