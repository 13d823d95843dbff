//! From a request to a package: which ways of learning are tried, and which is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::validation::{Validation, ValidationCurve};
use pappus_domain::{DataSetEntry, Split, Timestamp};
use pappus_host::Context;
use pappus_inference::Package;
use pappus_learning::Extractor;
use pappus_learning::dictionary::{self, DictionaryOptions};
use pappus_tracking::News;
use tokio::task::spawn_blocking;

use crate::backbone_file::Backbone;
use crate::candidates::{Candidate, Features, normalisations, scratch, variants};
use crate::error::Error;
use crate::extract::Extraction;
use crate::fit::{Fitted, TrainSide, Validated, fit};
use crate::freeze::{Frozen, freeze};
use crate::pixels::{pixels, read};
use crate::progress::{Progress, Step};
use crate::publish::package;

/// What `auto` may spend, unless told otherwise.
const BUDGET: Duration = Duration::from_secs(300);
/// The most images that a dictionary is learned from.
const DICTIONARY_IMAGES: usize = 2000;

/// A package, not yet written.
pub(crate) struct Learned {
    pub(crate) package: Package,
    /// What cross-validation said on the way.
    pub(crate) validation: Validation,
    pub(crate) aside: u64,
}

/// Freezes a data set and learns from it as the request says.
pub(crate) async fn learn(context: &Context, request: &TrainingRequest, progress: &Progress) -> Result<Learned, Error> {
    let reading = request.clone();
    let backbone = spawn_blocking(move || Backbone::read(&reading)).await??;
    if request.recipe == Recipe::Transfer && backbone.is_none() {
        return Err(Error::NoBackbone);
    }
    progress(Step::Freezing);
    let Frozen { data_set, aside } = freeze(context).await?;
    let contest = Contest {
        context,
        request,
        progress,
        side: Arc::new(TrainSide::of(&data_set)),
        entered: Mutex::default(),
        deadline: Instant::now() + request.budget_seconds.map_or(BUDGET, Duration::from_secs),
    };
    let best = contest.best(backbone.as_ref()).await?;
    let validation = contest.told(&best);
    let held_out: Vec<DataSetEntry> = data_set.side(Split::Test).cloned().collect();
    let fitted = contest.fit(best, held_out).await?;
    let package = package(context, request, &data_set, backbone.as_ref(), fitted).await?;
    Ok(Learned { package, validation, aside })
}

/// The candidates of one training, one after another.
struct Contest<'a> {
    context: &'a Context,
    request: &'a TrainingRequest,
    progress: &'a Progress,
    side: Arc<TrainSide>,
    /// The figures of every candidate so far.
    entered: Mutex<Vec<ValidationCurve>>,
    deadline: Instant,
}

/// A candidate that has been cross-validated.
struct Contender {
    candidate: Candidate,
    extractor: Extractor,
    validated: Validated,
    /// Its place among the curves of the contest.
    curve: usize,
}

impl Contest<'_> {
    async fn best(&self, backbone: Option<&Backbone>) -> Result<Contender, Error> {
        let best = match backbone.filter(|_| self.request.recipe != Recipe::Scratch) {
            None => None,
            Some(backbone) => Some(self.best_transfer(backbone).await?),
        };
        match best {
            Some(best) if self.request.recipe == Recipe::Transfer || self.is_late() => Ok(best),
            best => {
                let scratch = self.enter(scratch()).await?;
                Ok(best.into_iter().fold(scratch, |a, b| if b.log_loss() <= a.log_loss() { b } else { a }))
            }
        }
    }

    async fn best_transfer(&self, backbone: &Backbone) -> Result<Contender, Error> {
        let runnable = |error| match error {
            Error::Inference(source) => Error::BackboneRun { path: backbone.path.clone(), source },
            other => other,
        };
        let options = match &backbone.options {
            Some(options) => options.clone(),
            None => {
                let mut tried = Vec::new();
                for (options, candidate) in normalisations(backbone)? {
                    if !tried.is_empty() && self.is_late() {
                        break;
                    }
                    tried.push((options, self.enter(candidate).await.map_err(runnable)?.log_loss()));
                }
                let best = tried.into_iter().reduce(|a, b| if b.1 < a.1 { b } else { a });
                best.ok_or(Error::NoBackbone)?.0
            }
        };
        let mut best: Option<Contender> = None;
        for candidate in variants(backbone, &options)? {
            if best.is_some() && self.is_late() {
                break;
            }
            let contender = self.enter(candidate).await.map_err(runnable)?;
            // Later ones do better on the whole, so chance must not speak against them.
            if best.as_ref().is_none_or(|best| !contender.validated.is_clearly_below(&best.validated)) {
                best = Some(contender);
            }
        }
        best.ok_or(Error::NoBackbone)
    }

    /// What cross-validation said of every candidate.
    fn told(&self, best: &Contender) -> Validation {
        let (folds, repeats) = best.validated.dealt();
        let curves = self.curves().clone();
        Validation { folds, repeats, images: self.side.entries.len(), curves, kept: best.curve }
    }

    fn curves(&self) -> MutexGuard<'_, Vec<ValidationCurve>> {
        // A list that can only have grown.
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    async fn enter(&self, candidate: Candidate) -> Result<Contender, Error> {
        let extractor = match &candidate.features {
            Features::Pretrained(variant) => variant.extractor.clone(),
            Features::Learned => self.learn_dictionary().await?,
        };
        let is_learned = candidate.is_learned();
        let extraction = Extraction::new(self.context.objects.clone(), &extractor).await?;
        let extraction = extraction.mirrored(is_learned).cached(!is_learned);
        let entries = &self.side.entries;
        let features = extraction.features(entries, self.extracting(&candidate, entries.len())).await?;
        let (side, views, seed) = (self.side.clone(), extraction.views(), self.request.seed);
        let (entered, progress) = (candidate.clone(), self.progress.clone());
        let validating = spawn_blocking(move || {
            let told = |done, total| progress(Step::Validating { candidate: entered.name.clone(), done, total });
            side.validate(&entered, features, views, seed, told)
        });
        let validated = validating.await??;
        let curve = {
            let mut curves = self.curves();
            curves.push(validated.curve(&candidate));
            curves.len() - 1
        };
        let (accuracy, loss) = (validated.accuracy(), validated.log_loss());
        (self.progress)(Step::Validated { candidate: candidate.name.clone(), accuracy, loss });
        let measures = validated.measures(&candidate.name, curve as u64 + 1, Timestamp::now());
        self.context.tracking.tell(News::Run { run: self.request.run, measures }).await;
        Ok(Contender { candidate, extractor, validated, curve })
    }

    async fn learn_dictionary(&self) -> Result<Extractor, Error> {
        (self.progress)(Step::Learning);
        let (options, side) = (DictionaryOptions::default(), dictionary::SIDE as u32);
        // Spread over the whole set: ids are digests, so every so many of them is a fair sample.
        let every = self.side.entries.len().div_ceil(DICTIONARY_IMAGES).max(1);
        let chosen: Vec<DataSetEntry> = self.side.entries.iter().step_by(every).cloned().collect();
        let objects = self.context.objects.clone();
        let images: Vec<Vec<u8>> = stream::iter(chosen)
            .map(|entry| {
                let objects = objects.clone();
                async move {
                    let bytes = read(&*objects, &entry).await?;
                    spawn_blocking(move || pixels(entry.image, &bytes, side, side)).await?
                }
            })
            .buffered(8)
            .try_collect()
            .await?;
        let seed = self.request.seed;
        Ok(spawn_blocking(move || dictionary::learn(&images, &options, seed)).await??)
    }

    async fn fit(&self, best: Contender, held_out: Vec<DataSetEntry>) -> Result<Fitted, Error> {
        let extraction = Extraction::new(self.context.objects.clone(), &best.extractor).await?;
        let extraction = extraction.cached(!best.candidate.is_learned());
        let test = extraction.features(&held_out, self.extracting(&best.candidate, held_out.len())).await?;
        let side = self.side.clone();
        let fitting =
            spawn_blocking(move || fit(&side, &best.validated, &best.candidate, &best.extractor, (&held_out, &test)));
        fitting.await?
    }

    fn extracting(&self, candidate: &Candidate, images: usize) -> impl Fn(u64) + use<'_> {
        let (name, total) = (candidate.name.clone(), images as u64);
        move |done| (self.progress)(Step::Extracting { candidate: name.clone(), done, total })
    }
}

impl Contender {
    const fn log_loss(&self) -> f64 {
        self.validated.log_loss()
    }
}
