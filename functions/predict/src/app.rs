//! The predict function, as its host sees it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream::{self, StreamExt as _};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Digest, Prediction, Timestamp};
use pappus_host::{App, Asker, Context, Failure, Operator};
use pappus_inference::{Limits, StartTimes};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::api::{Batch, BatchItem, ModelInfo, Predicted, Reloaded, Welcome};
use crate::error::Error;
use crate::feedback::feedback;
use crate::health::Probe;
use crate::kept::Keeper;
use crate::log::PredictionLog;
use crate::metrics::{Failed, Loaded, PredictMetrics, Predicted as PredictedLabels, Step};
use crate::retention::keep_for;
use crate::serving::{Live, Serving};
use crate::upload::{self, MAX_BATCH_BYTES, MAX_BODY_BYTES, MAX_IMAGE_BYTES, Upload};

/// How often the release row is looked at: the longest that a rollback by another process waits.
pub(crate) const FOLLOW: Duration = Duration::from_millis(500);
/// Images of one batch that are at work at once: the queue is there for other requests too.
const BATCH_AT_ONCE: usize = 8;

/// What an image sent to be classified may be.
const LIMITS: Limits = Limits { bytes: MAX_IMAGE_BYTES, side: 32, pixels: 50_000_000 };

/// The predict function's state.
pub struct Predict {
    /// For what goes on beside an answer.
    pub(crate) this: Weak<Self>,
    pub(crate) context: Context,
    pub(crate) serving: Serving,
    pub(crate) log: PredictionLog,
    /// Nothing where no image is kept.
    pub(crate) keeper: Option<Keeper>,
    metrics: PredictMetrics,
    probe: Probe,
}

/// The predict function, its model loaded if there is one. A model that cannot be loaded does not keep it from starting:
/// it says so, and follows the release.
pub async fn app(context: Context) -> App {
    let metrics = PredictMetrics::register(&context);
    let waiting = context.settings.home.join("predictions");
    let predict = Arc::new_cyclic(|this| Predict {
        this: this.clone(),
        serving: Serving::new(context.clone()),
        keeper: context.settings.keep_images.then(|| Keeper::new(context.objects.clone(), metrics.unkept.clone())),
        log: PredictionLog::start(context.catalog.clone(), Some(waiting), metrics.unlogged.clone()),
        metrics,
        probe: Probe::new(),
        context,
    });
    predict.follow(false).await;
    if let Some(days) = predict.context.settings.predictions_days {
        tokio::spawn(keep_for(days.get(), Arc::downgrade(&predict)));
    }
    let following = Arc::downgrade(&predict);
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(FOLLOW);
        // A process that was frozen has nothing to catch up on but the present.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let Some(predict) = following.upgrade() else { return };
            predict.follow(false).await;
        }
    });
    let large =
        Router::new().route("/predict/batch", post(predict_batch)).layer(DefaultBodyLimit::max(MAX_BATCH_BYTES));
    let router = Router::new()
        .route("/", get(welcome))
        .route("/predict", post(predict_one))
        .route("/predictions/{id}/feedback", post(feedback))
        .route("/health", get(health))
        .route("/model/info", get(model_info))
        .route("/model/reload", post(reload))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .merge(large)
        .with_state(predict.clone());
    App { name: "predict", router, on_event: predict }
}

impl Predict {
    /// Follows the release row. A release that cannot be followed is no failure of the caller's.
    pub(crate) async fn follow(&self, again: bool) {
        match self.serving.follow(again).await {
            Ok(true) => self.tell_model(),
            // It has been told when it happened.
            Ok(false) | Err(Error::Unloadable { .. }) => {}
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "the release cannot be read"),
        }
    }

    fn tell_model(&self) {
        let Ok(live) = self.serving.current() else { return };
        self.metrics.model.clear();
        let manifest = live.classifier.manifest();
        let loaded = Loaded { model_version: manifest.version.to_string(), model_name: manifest.name.to_string() };
        self.metrics.model.get_or_create(&loaded).set(1);
        let StartTimes { library, session, first_runs } = live.classifier.start_times();
        let steps = [("library", library), ("read", live.reading), ("session", session), ("first_runs", first_runs)];
        for (step, took) in steps {
            self.metrics.model_start.get_or_create(&Step { step }).set(took.as_secs_f64());
        }
    }

    pub(crate) async fn answer(
        &self,
        live: &Live,
        image: Bytes,
        source: &str,
        id: PredictionId,
    ) -> Result<Prediction, Error> {
        let begun = Instant::now();
        let digest = Digest::of(&image);
        let kept = self.keeper.as_ref().map(|_| image.clone());
        let answer = live.classifier.classify(image, LIMITS).await?;
        let took = begun.elapsed();
        let manifest = live.classifier.manifest();
        let probabilities: BTreeMap<_, _> = manifest.classes.iter().cloned().zip(answer.probabilities).collect();
        let class = manifest.classes.get(answer.class).cloned().ok_or_else(|| Error::BadRequest("no class".into()))?;
        let prediction = Prediction {
            id,
            model: manifest.name.clone(),
            version: manifest.version.clone(),
            image: digest,
            class,
            probabilities,
            latency_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            source: source.into(),
            at: to_the_millisecond(Timestamp::now()),
        };
        self.metrics.duration.observe(took.as_secs_f64());
        let labels = PredictedLabels {
            model_version: prediction.version.to_string(),
            predicted_class: prediction.class.to_string(),
        };
        self.metrics.predictions.get_or_create(&labels).inc();
        self.log.log(prediction.clone());
        if let (Some(keeper), Some(image)) = (&self.keeper, kept) {
            keeper.keep(&prediction, image);
        }
        Ok(prediction)
    }

    async fn batch_item(&self, live: &Live, Upload { filename, bytes }: Upload) -> BatchItem {
        match self.answer(live, bytes, "batch", new_id()).await {
            Ok(prediction) => BatchItem::Answered {
                filename,
                request_id: prediction.id,
                confidence: confidence(&prediction),
                predicted_class: prediction.class,
                all_probabilities: prediction.probabilities,
            },
            Err(error) => BatchItem::Refused { filename, error: Failure::from(self.count(error)).to_string() },
        }
    }

    pub(crate) fn count(&self, error: Error) -> Error {
        self.metrics.errors.get_or_create(&Failed { error_type: error.kind() }).inc();
        error
    }
}

async fn predict_one(
    _: Asker,
    State(predict): State<Arc<Predict>>,
    request: Request,
) -> Result<Json<Predicted>, Failure> {
    let answered = async {
        let image = upload::one(request).await?;
        let live = predict.serving.current()?;
        predict.answer(&live, image, "http", new_id()).await
    };
    let prediction = answered.await.map_err(|error| predict.count(error))?;
    Ok(Json(Predicted {
        request_id: prediction.id,
        confidence: confidence(&prediction),
        predicted_class: prediction.class,
        all_probabilities: prediction.probabilities,
        model_version: prediction.version,
        prediction_time_ms: prediction.latency_us as f64 / 1000.0,
        timestamp: prediction.at,
    }))
}

async fn predict_batch(
    _: Asker,
    State(predict): State<Arc<Predict>>,
    request: Request,
) -> Result<Json<Batch>, Failure> {
    let uploads = upload::many(request).await.map_err(|error| predict.count(error))?;
    let live = predict.serving.current().map_err(|error| predict.count(error))?;
    let answering = stream::iter(uploads).map(|upload| predict.batch_item(&live, upload)).buffered(BATCH_AT_ONCE);
    let results = answering.collect().await;
    let (batch_id, timestamp) = (Uuid::now_v7().to_string(), Timestamp::now());
    Ok(Json(Batch { batch_id, model_version: live.version().clone(), timestamp, results }))
}

/// As the catalog keeps it, so that what is read back is what was answered.
pub(crate) fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

fn new_id() -> PredictionId {
    PredictionId(Uuid::now_v7())
}

fn confidence(prediction: &Prediction) -> f32 {
    prediction.probabilities.get(&prediction.class).copied().unwrap_or_default()
}

async fn welcome(State(predict): State<Arc<Predict>>) -> Json<Welcome> {
    let live = predict.serving.current().ok();
    Json(Welcome {
        message: "Pappus answers which class an image is of: POST it to /predict",
        version: env!("CARGO_PKG_VERSION"),
        model_version: live.as_ref().map(|live| live.version().clone()),
        model_loaded_at: live.as_ref().map(|live| live.loaded_at),
        available_classes: live.map(|live| live.classifier.manifest().classes.clone()).unwrap_or_default(),
        docs: "/model/info",
        health: "/health",
    })
}

async fn health(State(predict): State<Arc<Predict>>) -> Response {
    let health = predict.probe.health(&predict.context, &predict.serving).await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn model_info(State(predict): State<Arc<Predict>>) -> Result<Json<ModelInfo>, Failure> {
    Ok(Json(ModelInfo::of(&*predict.serving.current()?)))
}

async fn reload(_: Operator, State(predict): State<Arc<Predict>>) -> Result<Json<Reloaded>, Failure> {
    let changed = predict.serving.follow(true).await?;
    predict.tell_model();
    let live = predict.serving.current()?;
    let message = if changed { "another version answers now" } else { "the released version answers already" };
    Ok(Json(Reloaded { message: message.into(), model_version: live.version().clone(), timestamp: Timestamp::now() }))
}
