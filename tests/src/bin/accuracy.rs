//! How accurate the recipes are on a folder of labelled images (one folder in it for each class): 5-fold
//! cross-validation under four seeds, in which everything that training learns or chooses (dictionary, strength of the
//! penalty, way of using the backbone) is learned and chosen on the training folds alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use pappus_domain::PerceptualHash;
use pappus_inference::{FEATURES, Limits, Network, Pixels, Runtime, decode, perceptual_hash, resize};
use pappus_learning::backbone::variants;
use pappus_learning::dictionary::{self, DictionaryOptions};
use pappus_learning::validate::{assign_folds, cross_validate};
use pappus_learning::{BackboneOptions, Extractor, Matrix, Plan, Samples, Scaling, Score, Views};
use rayon::prelude::*;
use serde::Serialize;

const FOLDS: usize = 5;
const SEEDS: u64 = 4;

/// Measures the accuracy of the recipes on a folder of labelled images
#[derive(Parser)]
struct Arguments {
    /// Folder with one folder of images for each class
    #[arg(long)]
    data: PathBuf,
    /// Pretrained network, an ONNX file; without it only `scratch` is measured
    #[arg(long)]
    backbone: Option<PathBuf>,
    /// How the network wants its pixels, several to compare them; without it FILE.toml beside the network says
    #[arg(long = "normalisation", value_name = "NAME", requires = "backbone")]
    normalisations: Vec<String>,
    /// Leave `scratch` out
    #[arg(long, requires = "backbone")]
    only_transfer: bool,
    /// Repeats of the inner cross-validation, as in training
    #[arg(long, default_value_t = 4)]
    inner_repeats: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let images = Images::read(&arguments.data)?;
    let mut rows = Vec::new();
    if let Some(backbone) = &arguments.backbone {
        rows.extend(transfer(&images, backbone, &arguments)?);
    }
    if !arguments.only_transfer {
        rows.push(scratch(&images, &arguments)?);
    }
    show(&images, &rows, arguments.json)
}

/// Labelled images.
struct Images {
    pixels: Vec<Pixels>,
    labels: Vec<usize>,
    /// Near-duplicates share one.
    groups: Vec<u64>,
    classes: usize,
}

impl Images {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for class in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            files.insert(class.clone(), entries(&class)?.into_iter().filter(|path| path.is_file()).collect());
        }
        ensure!(files.len() >= 2, "{} holds {} folders, one for each class is wanted", folder.display(), files.len());
        let read = |path: &PathBuf| {
            let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            decode(&bytes, &Limits::default()).with_context(|| format!("{} is no usable image", path.display()))
        };
        let pixels: Vec<Pixels> =
            files.values().flatten().collect::<Vec<_>>().into_par_iter().map(read).collect::<anyhow::Result<_>>()?;
        let labels = files.values().enumerate().flat_map(|(class, files)| vec![class; files.len()]).collect();
        Ok(Self { groups: groups(&pixels)?, pixels, labels, classes: files.len() })
    }

    /// The features of all images, of each its views: the image itself and, where `mirrored`, its mirror image. Also the
    /// median time that one takes on one core, in milliseconds.
    fn features(&self, extractor: &Extractor, mirrored: bool) -> anyhow::Result<(Matrix, f64)> {
        let runtime = Runtime::load()?;
        let workers = rayon::current_num_threads();
        let work = self.pixels.par_chunks(self.pixels.len().div_ceil(workers));
        let parts: Vec<(Vec<f32>, Vec<f64>)> = work
            .map(|images| {
                let mut network = Network::load(&runtime, &extractor.onnx)?;
                let (mut rows, mut times) = (Vec::new(), Vec::new());
                for image in images {
                    let upright = resize(image, extractor.width, extractor.height)?;
                    let start = Instant::now();
                    rows.extend(network.run(&upright, 1, FEATURES)?);
                    times.push(start.elapsed().as_secs_f64() * 1000.0);
                    if mirrored {
                        rows.extend(network.run(&mirror(&upright, extractor.width), 1, FEATURES)?);
                    }
                }
                anyhow::Ok((rows, times))
            })
            .collect::<Result<_, _>>()?;
        let (rows, times): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let (data, mut times) = (rows.concat(), times.concat());
        times.sort_by(f64::total_cmp);
        let views = self.pixels.len() * if mirrored { 2 } else { 1 };
        Ok((Matrix::new(views, data.len() / views, data)?, times[times.len() / 2]))
    }

    /// Every fold under every seed.
    fn splits(&self) -> anyhow::Result<Vec<Split>> {
        let mut splits = Vec::new();
        for seed in 0..SEEDS {
            let folds = assign_folds(&self.labels, &self.groups, FOLDS, seed)?;
            for fold in 0..FOLDS {
                let (held, train) = (0..self.labels.len()).partition(|&image| folds[image] == fold);
                splits.push(Split { seed, train, held });
            }
        }
        Ok(splits)
    }
}

/// Images to learn from, and images held out.
struct Split {
    seed: u64,
    train: Vec<usize>,
    held: Vec<usize>,
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// For each image the first that looks like it.
fn groups(pixels: &[Pixels]) -> anyhow::Result<Vec<u64>> {
    let hashes: Vec<PerceptualHash> = pixels.iter().map(perceptual_hash).collect::<Result<_, _>>()?;
    let first = |hash: &PerceptualHash| hashes.iter().position(|other| other.is_near(*hash)).unwrap_or_default();
    Ok(hashes.iter().map(|hash| first(hash) as u64).collect())
}

/// The picture in a mirror, left for right.
fn mirror(pixels: &[u8], width: u32) -> Vec<u8> {
    let rows = pixels.chunks_exact(width as usize * 3);
    rows.flat_map(|row| row.as_chunks::<3>().0.iter().rev().flatten().copied()).collect()
}

/// One line of the result.
#[derive(Serialize)]
struct Row {
    name: String,
    /// Nothing where the way differs from fold to fold; so too the time.
    features: Option<usize>,
    /// For one image on one core, without decoding and resizing.
    milliseconds: Option<f64>,
    /// Under each seed.
    accuracies: Vec<f64>,
}

/// Features of all images, ready to learn from.
struct Contender {
    name: String,
    features: Matrix,
    views: usize,
    scaling: Scaling,
    milliseconds: f64,
}

/// What a head did that was fitted to the training folds: how it was scored there, and how many images held out it got
/// right.
struct Trial {
    score: Score,
    right: usize,
}

impl Contender {
    fn of(
        images: &Images,
        name: String,
        extractor: &Extractor,
        scaling: impl Fn(usize) -> Scaling,
        mirrored: bool,
    ) -> anyhow::Result<Self> {
        let (features, milliseconds) = images.features(extractor, mirrored)?;
        let scaling = scaling(features.cols());
        Ok(Self { name, features, views: if mirrored { 2 } else { 1 }, scaling, milliseconds })
    }

    fn trial(&self, images: &Images, Split { seed, train, held }: &Split, repeats: usize) -> anyhow::Result<Trial> {
        let rows: Vec<usize> =
            train.iter().flat_map(|&image| (0..self.views).map(move |view| image * self.views + view)).collect();
        let views = Views::new(self.features.select(&rows), self.views)?;
        let labels: Vec<usize> = train.iter().map(|&image| images.labels[image]).collect();
        let groups: Vec<u64> = train.iter().map(|&image| images.groups[image]).collect();
        let samples = Samples { views: &views, labels: &labels, groups: &groups, classes: images.classes };
        let strengths = self.scaling.penalties().iter().map(|penalty| 1.0 / (penalty * train.len() as f64)).collect();
        // Any seed but that of the outer folds.
        let seed = seed + SEEDS;
        let plan = Plan { strengths, folds: FOLDS, repeats, seed, balanced: false, scaling: self.scaling.clone() };
        let best = cross_validate(&samples, &plan)?.best;
        let head = samples.fit(best.strength, plan.balanced, &plan.scaling)?;
        let upright: Vec<usize> = held.iter().map(|image| image * self.views).collect();
        let answers = head.probabilities(&self.features.select(&upright))?;
        let is_right = |&(row, &image): &(usize, &usize)| {
            let answer = answers.row(row);
            (0..answer.len()).max_by(|&a, &b| answer[a].total_cmp(&answer[b])) == Some(images.labels[image])
        };
        Ok(Trial { score: best, right: held.iter().enumerate().filter(is_right).count() })
    }

    fn row(&self, accuracies: Vec<f64>) -> Row {
        let (features, milliseconds) = (Some(self.features.cols()), Some(self.milliseconds));
        Row { name: self.name.clone(), features, milliseconds, accuracies }
    }
}

/// A row for each way of using the backbone, and one for choosing among them as training does.
fn transfer(images: &Images, backbone: &Path, arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let network = std::fs::read(backbone).with_context(|| format!("{} cannot be read", backbone.display()))?;
    let mut contenders = Vec::new();
    for (name, options) in descriptions(backbone, &arguments.normalisations)? {
        for variant in variants(&network, &options)? {
            let name = format!("transfer {}{name}", variant.name());
            let scaling = |columns| variant.scaling(columns);
            contenders.push(Contender::of(images, name, &variant.extractor, scaling, false)?);
        }
    }
    let (mut each, mut chosen) = (vec![vec![0; SEEDS as usize]; contenders.len()], vec![0; SEEDS as usize]);
    let splits = images.splits()?;
    let trials: Vec<Vec<Trial>> = splits
        .par_iter()
        .map(|split| contenders.iter().map(|it| it.trial(images, split, arguments.inner_repeats)).collect())
        .collect::<anyhow::Result<_>>()?;
    for (Split { seed, train, .. }, trials) in splits.iter().zip(trials) {
        let seed = *seed as usize;
        each.iter_mut().zip(&trials).for_each(|(right, trial)| right[seed] += trial.right);
        let best = trials.iter().reduce(|a, b| if b.score.is_clearly_below(&a.score, train.len()) { a } else { b });
        chosen[seed] += best.map_or(0, |trial| trial.right);
    }
    let share = |right: Vec<usize>| right.into_iter().map(|right| right as f64 / images.labels.len() as f64).collect();
    let mut rows: Vec<Row> = contenders.iter().zip(each).map(|(it, right)| it.row(share(right))).collect();
    let (features, milliseconds) = (None, None);
    rows.push(Row {
        name: "transfer, chosen among these".to_owned(),
        features,
        milliseconds,
        accuracies: share(chosen),
    });
    Ok(rows)
}

/// How to use the backbone, with what tells several apart.
fn descriptions(backbone: &Path, names: &[String]) -> anyhow::Result<Vec<(String, BackboneOptions)>> {
    if names.is_empty() {
        let mut file = backbone.as_os_str().to_owned();
        file.push(".toml");
        let file = PathBuf::from(file);
        let Ok(text) = std::fs::read_to_string(&file) else {
            bail!("{} is not there: name one or several --normalisation", file.display());
        };
        return Ok(vec![(String::new(), BackboneOptions::from_toml(&text)?)]);
    }
    let named = |name: &String| Ok((format!(", {name}"), BackboneOptions::new(name.parse()?)));
    names.iter().map(named).collect()
}

/// A dictionary is learned anew from each training side, and all images are seen through it.
fn scratch(images: &Images, arguments: &Arguments) -> anyhow::Result<Row> {
    let side = dictionary::SIDE as u32;
    let small: Vec<Vec<u8>> = images.pixels.iter().map(|image| resize(image, side, side)).collect::<Result<_, _>>()?;
    let mut right = vec![0; SEEDS as usize];
    let mut last = None;
    for split in images.splits()? {
        let Split { seed, train, .. } = &split;
        let learned_from: Vec<&[u8]> = train.iter().map(|&image| small[image].as_slice()).collect();
        let extractor = dictionary::learn(&learned_from, &DictionaryOptions::default(), *seed)?;
        let contender = Contender::of(images, "scratch".to_owned(), &extractor, |_| Scaling::Columns, true)?;
        right[*seed as usize] += contender.trial(images, &split, arguments.inner_repeats)?.right;
        last = Some(contender);
    }
    let accuracies = right.into_iter().map(|right| right as f64 / images.labels.len() as f64).collect();
    last.map(|contender| contender.row(accuracies)).context("there is no fold")
}

fn show(images: &Images, rows: &[Row], json: bool) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if json {
        let text = serde_json::json!({ "images": images.labels.len(), "classes": images.classes, "folds": FOLDS, "rows": rows });
        return Ok(writeln!(out, "{text:#}")?);
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    writeln!(out, "{:width$}  features  ms/image  accuracy %  ± over {SEEDS} seeds", "")?;
    for Row { name, features, milliseconds, accuracies } in rows {
        let (mean, deviation) = mean_and_deviation(accuracies);
        let (mean, deviation) = (100.0 * mean, 100.0 * deviation);
        let features = features.map(|features| features.to_string()).unwrap_or_default();
        let milliseconds = milliseconds.map(|milliseconds| format!("{milliseconds:.1}")).unwrap_or_default();
        writeln!(out, "{name:width$}  {features:>8}  {milliseconds:>8}  {mean:10.2}  {deviation:.2}")?;
    }
    Ok(())
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}
