//! The ways of learning that a request allows, cheapest first.

use pappus_domain::run::Recipe;
use pappus_learning::backbone::{Cut, Normalisation};
use pappus_learning::{BackboneOptions, Extractor};

use crate::backbone_file::Backbone;
use crate::error::Error;

/// One way of learning.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// For people, such as `transfer 224×224 mean and maximum`.
    pub(crate) name: String,
    pub(crate) features: Features,
}

/// Where the features come from.
#[derive(Clone, Debug)]
pub(crate) enum Features {
    /// From a pretrained network, made into an extractor.
    Pretrained(Extractor),
    /// From a dictionary, to be learned from the images.
    Learned,
}

impl Candidate {
    pub(crate) const fn recipe(&self) -> Recipe {
        match self.features {
            Features::Pretrained(_) => Recipe::Transfer,
            Features::Learned => Recipe::Scratch,
        }
    }
}

/// The way that learns its features from the images.
pub(crate) fn scratch() -> Candidate {
    Candidate { name: "scratch".into(), features: Features::Learned }
}

/// The ways of feeding a network whose normalisation nobody knows.
pub(crate) fn normalisations(backbone: &Backbone) -> Result<Vec<(BackboneOptions, Candidate)>, Error> {
    let known = [
        ("imagenet", Normalisation::Imagenet),
        ("minus-one-to-one", Normalisation::MinusOneToOne),
        ("caffe", Normalisation::Caffe),
    ];
    let make = |(name, normalisation)| {
        let options = BackboneOptions::new(normalisation);
        let extractor = extractor(backbone, &options)?;
        let name = format!("transfer {}×{} {name}", extractor.width, extractor.height);
        Ok((options, Candidate { name, features: Features::Pretrained(extractor) }))
    };
    known.into_iter().map(make).collect()
}

/// The ways of using a network whose normalisation is known. The first must be possible; of the others those are left
/// out that the network does not allow.
pub(crate) fn variants(backbone: &Backbone, options: &BackboneOptions) -> Result<Vec<Candidate>, Error> {
    let first = extractor(backbone, options)?;
    let (width, height) = (first.width, first.height);
    let base = Candidate { name: format!("transfer {width}×{height}"), features: Features::Pretrained(first) };
    let others = [("scores too", BackboneOptions { cut: Cut::Both, ..options.clone() })];
    let possible = others.into_iter().filter_map(|(what, options)| {
        let extractor = Extractor::from_network(&backbone.onnx, &options).ok()?;
        let name = format!("transfer {}×{} {what}", extractor.width, extractor.height);
        Some(Candidate { name, features: Features::Pretrained(extractor) })
    });
    Ok(std::iter::once(base).chain(possible).collect())
}

fn extractor(backbone: &Backbone, options: &BackboneOptions) -> Result<Extractor, Error> {
    let made = Extractor::from_network(&backbone.onnx, options);
    made.map_err(|source| Error::Backbone { path: backbone.path.clone(), source })
}
