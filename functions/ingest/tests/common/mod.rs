//! An ingest over stores in a folder of its own, and pictures to take in.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

pub mod bucket;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{ImageFormat, Rgb, RgbImage};
use pappus_catalog::ImageFilter;
use pappus_domain::{Digest, Image};
use pappus_host::{Bus, Context, Settings};
use pappus_ingest::{Error, Ingest, Listed, Options, Summary};
use tempfile::TempDir;

/// Stores and a folder of files, gone with it.
pub struct Place {
    pub context: Context,
    pub ingest: Ingest,
    home: TempDir,
}

pub async fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let settings = Settings::read(|_| None, Some(home.path().join("home"))).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    let ingest = Ingest::new(context.clone(), Options::default());
    Place { context, ingest, home }
}

impl Place {
    /// The path of a file or folder of the user's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("files").join(name)
    }

    /// Writes a file of the user's.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Takes in a folder of the user's.
    pub async fn take(&self, name: &str) -> Result<Summary, Error> {
        self.ingest.path(&self.path(name), None, |_| {}).await
    }

    /// Reads a manifest of the user's and fetches what it names.
    pub async fn take_manifest(&self, path: &Path) -> Summary {
        Self::take_manifest_with(&self.ingest, path).await
    }

    /// The same with an ingest of your own.
    pub async fn take_manifest_with(ingest: &Ingest, path: &Path) -> Summary {
        let Listed { known: mut summary, faults, .. } = ingest.read_manifest(path).await.unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        summary.add(ingest.fetch_pending(|_| {}).await.unwrap());
        summary
    }

    pub async fn image(&self, bytes: &[u8]) -> Option<Image> {
        self.context.catalog.image(&Digest::of(bytes)).await.unwrap()
    }

    /// The label of an image; `-` for none.
    pub async fn label(&self, bytes: &[u8]) -> String {
        self.image(bytes).await.unwrap().label.map_or("-".into(), String::from)
    }

    /// Every image of the catalog.
    pub async fn images(&self) -> Vec<Image> {
        self.context.catalog.images(&ImageFilter::default(), 10_000).await.unwrap()
    }

    /// The number of objects under `images/`.
    pub async fn objects(&self) -> usize {
        self.context.objects.list("images/", None, 10_000).await.unwrap().len()
    }

    pub async fn labels(&self) -> BTreeMap<String, u64> {
        let labels = self.context.catalog.image_counts().await.unwrap().labels;
        labels.into_iter().map(|(label, count)| (label.into(), count)).collect()
    }

    /// How many sources there are of each status.
    pub async fn sources(&self) -> BTreeMap<String, u64> {
        let mut counts = self.context.catalog.source_counts().await.unwrap();
        counts.retain(|_, count| *count > 0);
        counts
    }
}

/// A small image file, another for each number.
pub fn picture(number: u32) -> Vec<u8> {
    let [_, a, b, c] = number.wrapping_mul(2_654_435_761).to_be_bytes();
    let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([a ^ (x as u8 * 3), b ^ (y as u8 * 5), c]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Bmp).unwrap();
    let mut bytes = bytes.into_inner();
    bytes.extend(number.to_le_bytes());
    bytes
}
