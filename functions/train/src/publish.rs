//! A fitted head becomes a package.

use std::collections::BTreeMap;

use pappus_domain::image::Label;
use pappus_domain::model::{CrossValidation, Training};
use pappus_domain::run::TrainingRequest;
use pappus_domain::stats::Proportion;
use pappus_domain::{DataSet, DataSetEntry, Split, Timestamp};
use pappus_host::Context;
use pappus_inference::{Golden, GoldenImage, Network, PROBABILITIES, Package, Runtime};
use tokio::task::spawn_blocking;

use crate::backbone_file::Backbone;
use crate::error::Error;
use crate::fit::Fitted;
use crate::pixels::{pixels, read};

/// The most golden images of a package; each is run before a model serves.
const GOLDEN_IMAGES: usize = 2;
/// Test images among which the smallest are golden.
const GOLDEN_CANDIDATES: usize = 16;

/// Makes the package of a fitted model, with golden answers from the network as it will be served.
pub(crate) async fn package(
    context: &Context,
    request: &TrainingRequest,
    data_set: &DataSet,
    backbone: Option<&Backbone>,
    fitted: Fitted,
) -> Result<Package, Error> {
    let classes: Vec<Label> = data_set.counts().into_keys().collect();
    let golden = golden(context, data_set, &fitted).await?;
    let transferred = backbone.filter(|_| fitted.recipe == pappus_domain::run::Recipe::Transfer);
    let training = Training {
        run: request.run,
        data_set: data_set.digest(),
        counts: data_set.counts(),
        recipe: fitted.recipe,
        backbone: transferred.map(Backbone::facts),
        seed: request.seed,
        parameters: fitted.parameters,
        cross_validation: fitted.cross_validation,
        test: fitted.test,
        code: env!("CARGO_PKG_VERSION").into(),
    };
    let (size, model) = ((fitted.width, fitted.height), fitted.onnx);
    Ok(Package::new(request.model.clone(), classes, size, model, golden, training, Timestamp::now())?)
}

/// What a run's row says was measured.
pub(crate) fn metrics(cross_validation: &CrossValidation, test: &Proportion) -> BTreeMap<String, f64> {
    BTreeMap::from([
        ("cross_validated_accuracy".to_owned(), cross_validation.accuracy),
        ("test_accuracy".to_owned(), test.value),
        ("test_accuracy_low".to_owned(), test.low),
        ("test_accuracy_high".to_owned(), test.high),
    ])
}

async fn golden(context: &Context, data_set: &DataSet, fitted: &Fitted) -> Result<Golden, Error> {
    let mut images = Vec::new();
    for entry in data_set.side(Split::Test).take(GOLDEN_CANDIDATES) {
        images.push((entry.clone(), read(&*context.objects, entry).await?));
    }
    images.sort_by_key(|(entry, bytes)| (bytes.len(), entry.image));
    images.truncate(GOLDEN_IMAGES);
    let onnx = fitted.onnx.clone();
    let answers = spawn_blocking(move || {
        let mut network = Network::load(&Runtime::load()?, &onnx)?;
        let answer = |(entry, bytes): (DataSetEntry, bytes::Bytes)| {
            let input = pixels(entry.image, &bytes, network.width(), network.height())?;
            let probabilities = network.run(&input, 1, PROBABILITIES)?;
            Ok(GoldenImage { image: bytes.into(), probabilities })
        };
        images.into_iter().map(answer).collect::<Result<Vec<_>, Error>>()
    });
    Ok(Golden { tolerance: Golden::TOLERANCE, images: answers.await?? })
}
