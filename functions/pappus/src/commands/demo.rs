//! `pappus demo`: the whole loop, told as it goes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use pappus_domain::ModelVersion;
use pappus_host::{Context, Failure, Settings};
use pappus_ingest::{Ingest, Options};
use pappus_promote::{By, Promote};
use pappus_train_trigger::Wish;

use super::up::{Up, listen};
use super::{evaluate, ingest, plots, predict, release, train};
use crate::cli;
use crate::output::Output;
use crate::progress::bar;
use crate::sample::{SampleOptions, generate};
use crate::session::{context, linger};
use crate::shell::{form_file, program, quoted};
use crate::trouble::Trouble;

/// Where the reference system's photographs are: 200 dandelions and 200 grasses, numbered from 0.
const GITHUB: &str = "https://raw.githubusercontent.com/btphan95/greenr-airflow/master/data";
const GITHUB_IMAGES: usize = 200;

/// Where a demonstration lives, unless told: each data set apart, so that their classes do not mix.
pub(crate) fn home(told: Option<PathBuf>, data: Option<&str>) -> Option<PathBuf> {
    if told.is_some() || std::env::var_os("PAPPUS_HOME").is_some() {
        return told;
    }
    let name = match data {
        None => "sample".to_owned(),
        Some("github") => "github".to_owned(),
        Some(dir) => {
            let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.into());
            let last = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{last}-{}", pappus_domain::Digest::of(whole.as_os_str().as_encoded_bytes()).short(8))
        }
    };
    Some(Path::new(".pappus-demo").join(name))
}

pub(crate) async fn run(settings: Settings, options: cli::Demo, output: Output) -> Result<(), Trouble> {
    // Found out now, not after the training.
    let listener = if options.once { None } else { Some(listen(options.port).await?) };
    let context = context(settings.clone()).await?;
    let data = data(&settings.home, options.data.as_deref(), output)?;
    output.say(format!("1. ingest {}", data.display()))?;
    let taking = Ingest::new(context.clone(), Options::default());
    let report = ingest::take(&taking, &data, None, output).await?;
    output.say(ingest::describe(&report))?;

    output.say("2. train")?;
    let wish = Wish { backbone: options.backbone, reason: "demo".into(), ..Wish::default() };
    let trained = train::train(&context, wish, output).await?;
    output.say(train::describe(&trained))?;

    output.say("3. evaluate")?;
    let version = trained.manifest.version.clone();
    let evaluation = evaluate::evaluate(&context, &version, output).await?;
    output.say(evaluate::describe(&evaluation))?;
    output.say(plots::line(&context, &evaluation).await)?;

    output.say("4. promote")?;
    release(&context, &version, evaluation.verdict.passed, output).await?;

    output.say("5. predict")?;
    let image = an_image(&data, &context, &trained.manifest).await?;
    let asked = cli::Predict { images: vec![image.clone()], model_version: None };
    predict::run(&context, asked, output).await?;
    linger(&context).await;
    context.close().await;
    output.say(format!("\nlook around: {} --home {} status", program(), quoted(&settings.home.to_string_lossy())))?;
    let Some(listener) = listener else { return Ok(()) };
    let up = Up::start(settings).await?;
    up.serve(listener, |address| invite(address, &image, output)).await
}

async fn release(context: &Context, version: &ModelVersion, passed: bool, output: Output) -> Result<(), Trouble> {
    if !passed && context.catalog.release(&context.settings.model).await?.is_some() {
        return output.say("  not released: the champion stays");
    }
    let by = By { actor: "demo".into(), reason: "the demonstration".into() };
    let changed = Promote::new(context.clone()).promote(version, false, by).await?;
    output.say(format!("  {}", release::describe(&changed)))
}

/// The images to learn from: the user's, the reference system's, or a sample that is drawn.
fn data(home: &Path, wanted: Option<&str>, output: Output) -> Result<PathBuf, Trouble> {
    match wanted {
        Some("github") => github_manifest(home).map_err(|error| Trouble::Failed(Failure::from_error(error))),
        Some(dir) => Ok(dir.into()),
        None => {
            let (dir, options) = (home.join("sample"), SampleOptions::default());
            let drawing = bar(output, "drawing a sample data set", (options.classes * options.count) as u64);
            let drawn = generate(&dir, &options, &|done| drawing.set_position(done as u64));
            drawing.finish_and_clear();
            drawn.map_err(super::sample::trouble)?;
            Ok(dir)
        }
    }
}

fn github_manifest(home: &Path) -> std::io::Result<PathBuf> {
    use std::fmt::Write as _;
    let mut text = String::from("url_source,label\n");
    for label in ["dandelion", "grass"] {
        for number in 0..GITHUB_IMAGES {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{GITHUB}/{label}/{number:08}.jpg,{label}");
        }
    }
    std::fs::create_dir_all(home)?;
    let path = home.join("github.csv");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A picture to ask about: one that the model was tested with, as a file.
async fn an_image(data: &Path, context: &Context, manifest: &pappus_domain::Manifest) -> Result<PathBuf, Trouble> {
    let key = pappus_domain::DataSet::object_key(&manifest.training.data_set);
    let key = key.parse().map_err(Failure::from_error)?;
    let text = context.objects.get(&key, 1 << 30).await?;
    let read = pappus_domain::DataSet::from_text(&String::from_utf8_lossy(&text)).map_err(Failure::from_error)?;
    for entry in read.side(pappus_domain::Split::Test) {
        let origin = context.catalog.image(&entry.image).await?.map(|image| PathBuf::from(image.origin));
        if let Some(path) = origin.filter(|path| path.is_file()) {
            return Ok(path);
        }
    }
    // Images that came from the network are files nowhere but in the store.
    let entry = read.side(pappus_domain::Split::Test).next();
    let entry = entry.ok_or_else(|| Trouble::Found(format!("{} holds no test image", data.display())))?;
    let key = pappus_domain::Image::object_key(&entry.image).parse().map_err(Failure::from_error)?;
    let path = context.settings.home.join("example.jpg");
    std::fs::write(&path, context.objects.get(&key, 64 << 20).await?).map_err(Failure::from_error)?;
    Ok(path)
}

fn invite(address: SocketAddr, image: &Path, output: Output) {
    // What hinders printing does not hinder the server.
    let _ = output.say(format!(
        "\npappus answers on http://{address} until Ctrl-C; try\n  curl -F {} http://{address}/predict",
        form_file(image)
    ));
}
