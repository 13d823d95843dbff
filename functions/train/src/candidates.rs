//! The ways of learning that a request allows, cheapest first.

use std::collections::BTreeMap;

use pappus_domain::run::Recipe;
use pappus_learning::backbone::{self, Normalisation, Pooling, Variant};
use pappus_learning::{BackboneOptions, Scaling};

use crate::backbone_file::Backbone;
use crate::error::Error;

/// One way of learning.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// For people, such as `transfer 224×224 mean and maximum, again at 128×128`.
    pub(crate) name: String,
    pub(crate) features: Features,
}

/// Where the features come from.
#[derive(Clone, Debug)]
pub(crate) enum Features {
    /// From a pretrained network, used in a certain way.
    Pretrained(Variant),
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

    /// Whether the features are learned from the images: then each image is also learned from in a mirror, and no later
    /// training can use the features, for it will have a dictionary of its own.
    pub(crate) const fn is_learned(&self) -> bool {
        matches!(self.features, Features::Learned)
    }

    /// The scaling that suits features of `columns` columns.
    pub(crate) fn scaling(&self, columns: usize) -> Scaling {
        match &self.features {
            Features::Pretrained(variant) => variant.scaling(columns),
            Features::Learned => Scaling::Columns,
        }
    }

    /// How the features are made, for the manifest.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let Features::Pretrained(Variant { options, extractor }) = &self.features else { return BTreeMap::new() };
        let size = |(width, height)| format!("{width}×{height}");
        let mut parameters = BTreeMap::from([
            ("normalisation", options.normalisation.to_string()),
            ("cut", format!("{:?}", options.cut).to_lowercase()),
            ("pooling", if options.pooling == Pooling::Mean { "mean" } else { "mean and maximum" }.to_owned()),
            ("size", size((extractor.width, extractor.height))),
        ]);
        if let Some(second) = options.second_size {
            parameters.insert("second size", size(second));
        }
        parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The way that learns its features from the images.
pub(crate) fn scratch() -> Candidate {
    Candidate { name: "scratch".into(), features: Features::Learned }
}

/// The ways of feeding a network whose normalisation nobody knows.
pub(crate) fn normalisations(backbone: &Backbone) -> Result<Vec<(BackboneOptions, Candidate)>, Error> {
    let known = [Normalisation::Imagenet, Normalisation::MinusOneToOne, Normalisation::Caffe];
    let make = |normalisation: Normalisation| {
        let options = BackboneOptions::new(normalisation);
        let variant = Variant::new(&backbone.onnx, options.clone()).map_err(|source| unusable(backbone, source))?;
        let name = format!("transfer {}, {normalisation}", variant.name());
        Ok((options, Candidate { name, features: Features::Pretrained(variant) }))
    };
    known.into_iter().map(make).collect()
}

/// The ways of using a network whose normalisation is known.
pub(crate) fn variants(backbone: &Backbone, options: &BackboneOptions) -> Result<Vec<Candidate>, Error> {
    let found = backbone::variants(&backbone.onnx, options).map_err(|source| unusable(backbone, source))?;
    let candidate = |variant: Variant| Candidate {
        name: format!("transfer {}", variant.name()),
        features: Features::Pretrained(variant),
    };
    Ok(found.into_iter().map(candidate).collect())
}

fn unusable(backbone: &Backbone, source: pappus_learning::Error) -> Error {
    Error::Backbone { path: backbone.path.clone(), source }
}
