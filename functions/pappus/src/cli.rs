//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use pappus_domain::RunId;
use pappus_domain::image::Label;
use pappus_domain::run::Recipe;
use pappus_host::Role;
use pappus_learning::backbone::Normalisation;

/// An image classifier's whole life: collect, train, judge, release, serve.
#[derive(Debug, Parser)]
#[command(name = "pappus", version, after_help = EXAMPLE)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLE: &str = "\
The whole loop, from folders named by class to an answer:
  pappus ingest photos/            photos/dandelion/*.jpg, photos/grass/*.jpg, …
  pappus train                     says which version it made
  pappus evaluate VERSION          judges it, gate by gate
  pappus promote VERSION           makes it the one that answers
  pappus predict leaf.jpg
  pappus up                        answers on http://127.0.0.1:8080

Exit code: 0 done, 1 failed, 2 wrong usage or settings.";

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The folder of everything embedded: objects and catalog [default: .pappus, or PAPPUS_HOME]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON value, for machines
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole loop on a sample data set, or on your own images, and stay up
    Demo(Demo),
    /// Run all functions in this process, answering on http://127.0.0.1
    Up(Up),
    /// Draw a sample data set: folders of JPEG pictures named by class
    Sample(Sample),
    /// Take images in: folders named by class, files, or a CSV manifest with `url_source` and `label`
    Ingest(Ingest),
    /// Train a model on all labelled images
    Train(Train),
    /// Judge a version against the champion, gate by gate
    Evaluate(Version),
    /// Make a version the one that answers
    Promote(Promote),
    /// Make the champion before the present one champion again
    Rollback(Rollback),
    /// Say which class images are of
    Predict(Predict),
    /// List images
    Images(Images),
    /// List trainings, or follow one to its end
    Runs(Runs),
    /// End a run: its training stops wherever it is, and its job is removed
    Cancel {
        /// The run, as `pappus runs` lists it
        run: RunId,
    },
    /// Print the last lines that the job of a run has written
    Logs(Logs),
    /// List model versions
    Models(Limit),
    /// Write the plots of a version into a folder: of its training, and of its last evaluation
    Plots(Plots),
    /// Tell what an image that was classified truly shows
    Feedback(Feedback),
    /// List what was decided about training, and the figures behind it
    Decisions(Limit),
    /// Say how everything stands
    Status,
    /// Tell MLflow what waits to be told
    Track(Track),
    /// See whether people can be told: by webhook and email
    Notify(Notify),
    /// Make a key for a caller over HTTP
    Key(Key),
    /// Tell what a prediction goes back to: its model, its data set, its training images
    Why(Why),
    /// Copy a whole home, objects and catalog, to another, and prove that both are the same
    Migrate(Migrate),
    /// Do the training of a run that is in the catalog (what train-trigger launches)
    #[command(hide = true)]
    TrainingJob {
        /// The run.
        run: RunId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Your own folders of images named by class, or `github` for the 400 photographs of dandelions and grass that the
    /// reference system trains on [default: a sample that is drawn]
    #[arg(long, value_name = "DIR|github")]
    pub(crate) data: Option<String>,
    /// End after the first prediction
    #[arg(long)]
    pub(crate) once: bool,
    /// The port to answer on; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// A pretrained network (ONNX) to learn on top of
    #[arg(long, value_name = "FILE")]
    pub(crate) backbone: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The port to answer on; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
#[command(after_help = KEY)]
pub(crate) struct Key {
    /// What its holder may do: `predict`, `label` (also bring images and look), or `operate` (everything)
    pub(crate) role: Role,
    /// Whose it is: the ledger of releases says so
    pub(crate) name: String,
}

const KEY: &str = "\
The key is kept nowhere: give it to its holder. The line goes into the file that PAPPUS_API_KEYS names, for all functions:
  pappus key operate ada
  PAPPUS_API_KEYS=keys.txt pappus up
  curl --header 'authorization: Bearer KEY' http://127.0.0.1:8080/release";

#[derive(Debug, Args)]
pub(crate) struct Sample {
    /// The folder to draw into
    pub(crate) dir: PathBuf,
    /// The number of classes, 2 to 8
    #[arg(long, default_value_t = 2)]
    pub(crate) classes: usize,
    /// Pictures of each class
    #[arg(long, default_value_t = crate::sample::DEFAULT_COUNT)]
    pub(crate) count: usize,
    /// Other seeds draw other pictures
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Folders that hold a folder for each class, image files, or a manifest (FILE.csv)
    #[arg(required = true, value_name = "PATH|MANIFEST.csv")]
    pub(crate) paths: Vec<PathBuf>,
    /// The class of every image, whatever its folder; not with a manifest, which names the classes itself
    #[arg(long)]
    pub(crate) label: Option<Label>,
    /// Let the new label win for images that are known under another
    #[arg(long)]
    pub(crate) relabel: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// auto: what is possible, and of that the best; transfer: a head on a pretrained network; scratch: features learned
    /// from the images, nothing to download
    #[arg(long, default_value = "auto", value_name = "auto|transfer|scratch")]
    pub(crate) recipe: Recipe,
    /// The pretrained network: any ImageNet-style ONNX file
    #[arg(long, value_name = "FILE")]
    pub(crate) backbone: Option<PathBuf>,
    /// How the network wants its pixels; else FILE.toml beside it says, else each is tried
    #[arg(long, value_name = "imagenet|minus-one-to-one|caffe", requires = "backbone")]
    pub(crate) normalisation: Option<Normalisation>,
    /// The same images, recipe and seed make the same model
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Seconds after which nothing more is tried
    #[arg(long, value_name = "SECONDS")]
    pub(crate) budget: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Version {
    /// The version, or its first digits
    pub(crate) version: String,
}

#[derive(Debug, Args)]
pub(crate) struct Plots {
    /// The version, or its first digits
    pub(crate) version: String,
    /// The folder to write into [default: plots-VERSION]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Promote {
    /// The version, or its first digits
    pub(crate) version: String,
    /// Whatever its evaluation says
    #[arg(long)]
    pub(crate) force: bool,
    /// Why, for the ledger
    #[arg(long, default_value = "by hand")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// Why, for the ledger
    #[arg(long, default_value = "by hand")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Image files
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// The version to ask, or its first digits [default: the champion]
    #[arg(long = "version", value_name = "VERSION")]
    pub(crate) model_version: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = HOMES)]
pub(crate) struct Migrate {
    /// The home to copy
    pub(crate) from: String,
    /// The home to copy into: empty, or where an earlier move of the same home has begun
    pub(crate) to: String,
}

const HOMES: &str = "\
A home is a folder (an embedded one), a file of settings with PAPPUS_OBJECTS and PAPPUS_CATALOG (VARIABLE=value lines),
or `env:`, the home of this environment:
  pappus migrate .pappus production.env     a laptop's work to servers
  pappus migrate production.env backup      and back
Nothing is removed or replaced that does not belong to the same home. What was cut off goes on where it was when the
same command is run again. Let nothing change the home meanwhile. What waits to be told to MLflow stays where it is. A file
of settings may have AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of its own.";

#[derive(Debug, Args)]
pub(crate) struct Images {
    /// Of this class only
    #[arg(long)]
    pub(crate) label: Option<Label>,
    /// Those that were refused, and why
    #[arg(long)]
    pub(crate) quarantined: bool,
    /// The most to list
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// The most to list
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// The most to list
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Follow a run to its end, wherever it is trained [default: the last one]
    #[arg(long, value_name = "RUN", num_args = 0..=1, conflicts_with = "limit")]
    #[expect(clippy::option_option, reason = "whether to follow, and which")]
    pub(crate) follow: Option<Option<RunId>>,
}

#[derive(Debug, Args)]
pub(crate) struct Feedback {
    /// The id of a prediction: the `request_id` of its answer
    pub(crate) prediction: pappus_domain::prediction::PredictionId,
    /// What the image truly shows: a class of the model that answered
    pub(crate) label: Label,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The run, as `pappus runs` lists it
    pub(crate) run: RunId,
    /// The most lines to print
    #[arg(long, default_value_t = 100)]
    pub(crate) lines: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Track {
    /// Also what MLflow refused before
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// Send a test message by every channel, and say what became of it
    #[arg(long, required = true)]
    pub(crate) test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The id of a prediction: the `request_id` of its answer
    pub(crate) prediction: pappus_domain::prediction::PredictionId,
}
