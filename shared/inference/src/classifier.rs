//! A model version at work: worker threads that each own a session, fed by one bounded queue.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use pappus_domain::{Manifest, ModelVersion};
use tokio::sync::oneshot;

use crate::decode::{Limits, decode};
use crate::error::{Error, ImageError};
use crate::golden::Golden;
use crate::network::{Network, PROBABILITIES};
use crate::package::Package;
use crate::resize::resize;
use crate::runtime::Runtime;

/// The answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The index of the most probable class.
    pub class: usize,
    /// The probability of each class, in the order of the manifest's classes.
    pub probabilities: Vec<f32>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// The image is refused.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Too many requests wait already.
    #[error("too many requests are waiting: try again in a moment")]
    Overloaded,
    /// The network failed.
    #[error("the model failed on this image")]
    Model(#[source] Error),
    /// The workers are gone.
    #[error("the model is shutting down")]
    Stopped,
}

/// Where the time went when a model was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartTimes {
    /// To load ONNX Runtime's library, once a process.
    pub library: Duration,
    /// To build the first session from the network's bytes.
    pub session: Duration,
    /// To answer the golden images, the first runs of the session.
    pub first_runs: Duration,
}

struct Job {
    image: Bytes,
    limits: Limits,
    answer: oneshot::Sender<Result<Answer, ClassifyError>>,
}

/// A model version at work. Dropping it lets its workers finish what they were given, and ends them.
#[derive(Debug)]
pub struct Classifier {
    manifest: Arc<Manifest>,
    jobs: Sender<Job>,
    start_times: StartTimes,
}

/// Jobs that may wait for each worker before a request is turned away.
const QUEUE_PER_WORKER: usize = 32;

impl Classifier {
    /// Starts `workers` threads (at least one), each with a session. Returns once the first has reproduced the package's
    /// golden answers; the others follow on their own. Blocks: call it where that is allowed.
    ///
    /// # Errors
    /// [`Error::GoldenMismatch`], or whatever kept the first session from being loaded.
    pub fn start(package: Package, workers: usize) -> Result<Self, Error> {
        let runtime = Runtime::load()?;
        let workers = workers.max(1);
        let (jobs, queue) = bounded(QUEUE_PER_WORKER * workers);
        let package = Arc::new(package);
        let spawn = |number: usize, ready: Option<Ready>| {
            let (runtime, package, queue) = (runtime.clone(), package.clone(), queue.clone());
            let name = format!("classify-{}-{number}", package.manifest.version);
            let worker = thread::Builder::new().name(name);
            worker.spawn(move || work(&runtime, package, &queue, ready)).map_err(Error::Thread)
        };
        let (ready, first) = mpsc::channel();
        spawn(0, Some(ready))?;
        let gone = || Error::WrongNetwork("the worker that should have loaded it is gone".into());
        let start_times = first.recv().map_err(|_| gone())??;
        // Only now, so that the first answer does not wait for sessions that it does not need.
        for number in 1..workers {
            spawn(number, None)?;
        }
        Ok(Self { manifest: Arc::new(package.manifest.clone()), jobs, start_times })
    }

    /// Where the time went when it was started.
    pub const fn start_times(&self) -> StartTimes {
        self.start_times
    }

    /// What the model is.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Classifies the image whose bytes these are.
    ///
    /// # Errors
    /// [`ClassifyError`].
    pub async fn classify(&self, image: Bytes, limits: Limits) -> Result<Answer, ClassifyError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { image, limits, answer }).map_err(|error| match error {
            TrySendError::Full(_) => ClassifyError::Overloaded,
            TrySendError::Disconnected(_) => ClassifyError::Stopped,
        })?;
        answered.await.unwrap_or(Err(ClassifyError::Stopped))
    }
}

/// Who waits for the first worker.
type Ready = mpsc::Sender<Result<StartTimes, Error>>;

fn work(runtime: &Runtime, package: Arc<Package>, queue: &Receiver<Job>, ready: Option<Ready>) {
    let begun = Instant::now();
    let mut session = Duration::ZERO;
    let loaded = Network::load(runtime, &package.model).and_then(|mut network| {
        session = begun.elapsed();
        // One proof is enough: every session is made of the same bytes.
        if ready.is_some() {
            prove(&mut network, &package.manifest, &package.golden)?;
        }
        Ok(network)
    });
    let first_runs = begun.elapsed().saturating_sub(session);
    let classes = package.manifest.classes.len();
    // The bytes of the network are in the session now.
    drop(package);
    let mut network = match (loaded, ready) {
        (Ok(network), Some(ready)) => {
            // Nobody listens only if the caller is gone, and then the queue ends at once.
            let _ = ready.send(Ok(StartTimes { library: runtime.loading(), session, first_runs }));
            network
        }
        (Ok(network), None) => network,
        (Err(error), Some(ready)) => {
            let _ = ready.send(Err(error));
            return;
        }
        (Err(error), None) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a further worker could not load the model");
            return;
        }
    };
    while let Ok(job) = queue.recv() {
        if job.answer.is_closed() {
            continue;
        }
        let answer = answer(&mut network, classes, &job.image, &job.limits);
        // The client may have hung up meanwhile.
        let _ = job.answer.send(answer);
    }
}

fn answer(network: &mut Network, classes: usize, image: &[u8], limits: &Limits) -> Result<Answer, ClassifyError> {
    let pixels = decode(image, limits)?;
    let input = resize(&pixels, network.width(), network.height()).map_err(ClassifyError::Model)?;
    let probabilities = network.run(&input, 1, PROBABILITIES).map_err(ClassifyError::Model)?;
    if probabilities.len() != classes || probabilities.iter().any(|p| !p.is_finite()) {
        let what = format!("it answered {} numbers for {classes} classes, or not numbers", probabilities.len());
        return Err(ClassifyError::Model(Error::WrongNetwork(what)));
    }
    let class = (0..classes).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0);
    Ok(Answer { class, probabilities })
}

fn prove(network: &mut Network, manifest: &Manifest, golden: &Golden) -> Result<(), Error> {
    let version = || -> ModelVersion { manifest.version.clone() };
    for expected in &golden.images {
        let limits = Limits { bytes: u64::MAX, ..Limits::default() };
        let found = answer(network, manifest.classes.len(), &expected.image, &limits).map_err(|error| match error {
            ClassifyError::Image(error) => Error::GoldenImage(error),
            ClassifyError::Model(error) => error,
            ClassifyError::Overloaded | ClassifyError::Stopped => Error::WrongNetwork("it did not answer".into()),
        })?;
        let differences = found.probabilities.iter().zip(&expected.probabilities).map(|(a, b)| (a - b).abs());
        // What is not a number differs from everything.
        let off = differences.fold(0.0, |most: f32, off| if off <= most { most } else { off });
        if off.is_nan() || off > golden.tolerance || found.probabilities.len() != expected.probabilities.len() {
            return Err(Error::GoldenMismatch { version: version(), off, allowed: golden.tolerance });
        }
    }
    Ok(())
}
