//! A pretrained network, as a user brings it.

use std::path::{Path, PathBuf};

use pappus_domain::Digest;
use pappus_domain::model::BackboneFacts;
use pappus_domain::run::TrainingRequest;
use pappus_learning::BackboneOptions;

use crate::error::Error;

/// A pretrained network, read.
#[derive(Clone, Debug)]
pub struct Backbone {
    /// The file.
    pub path: PathBuf,
    /// The network, an ONNX file.
    pub onnx: Vec<u8>,
    /// What is known of how it wants its pixels: from the request, else from `FILE.toml` beside it. Nothing where
    /// neither says.
    pub options: Option<BackboneOptions>,
}

impl Backbone {
    /// Reads the network that a request names, and its description.
    ///
    /// # Errors
    /// [`Error::File`] for what cannot be read, [`Error::Backbone`] for a description that is wrong.
    pub fn read(request: &TrainingRequest) -> Result<Option<Self>, Error> {
        let Some(path) = request.backbone.clone() else { return Ok(None) };
        let unreadable = |path: &Path, source| Error::File { path: path.into(), source };
        let onnx = std::fs::read(&path).map_err(|source| unreadable(&path, source))?;
        let wrong = |source| Error::Backbone { path: path.clone(), source };
        let mut beside = path.clone().into_os_string();
        beside.push(".toml");
        let beside = PathBuf::from(beside);
        let options = match (&request.normalisation, std::fs::read_to_string(&beside)) {
            (Some(name), _) => Some(BackboneOptions::new(name.parse().map_err(wrong)?)),
            (None, Ok(text)) => Some(BackboneOptions::from_toml(&text).map_err(wrong)?),
            (None, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
            (None, Err(source)) => return Err(unreadable(&beside, source)),
        };
        Ok(Some(Self { path, onnx, options }))
    }

    /// What a package says of it.
    pub(crate) fn facts(&self) -> BackboneFacts {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        BackboneFacts { file, digest: Digest::of(&self.onnx) }
    }
}
