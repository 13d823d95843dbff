//! Labelled pictures drawn from nothing, so that the whole loop (collect, train, judge, release, serve) can be run
//! before any photograph has been gathered.
//!
//! Every class is a plant. Most colours come from one distribution for all classes, so a colour histogram tells them
//! apart poorly; shape and texture do it well.

mod background;
mod camera;
mod canvas;
mod clutter;
mod noise;
mod palette;
mod plants;
mod scene;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Class names, in the order in which they are used: two classes are the first two.
pub const CLASSES: [&str; 8] = ["dandelion", "grass", "clover", "fern", "daisy", "thistle", "moss", "maple"];

/// Images a class, unless the user says otherwise.
pub const DEFAULT_COUNT: usize = 200;

/// Most images a class.
pub const MAX_COUNT: usize = 100_000;

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Number of classes, 2 to 8.
    pub classes: usize,
    /// Images a class, 1 to [`MAX_COUNT`].
    pub count: usize,
    /// Same seed, same pictures; a larger count only adds to them.
    pub seed: u64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { classes: 2, count: DEFAULT_COUNT, seed: 0 }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSummary {
    /// Number of class folders.
    pub classes: usize,
    /// Number of files, over all classes.
    pub images: usize,
    /// Sum of their sizes in bytes.
    pub bytes: u64,
}

/// Why no sample was drawn.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The number of classes is out of range: choose another.
    #[error("{given} classes asked for; choose 2 to {}", CLASSES.len())]
    Classes {
        /// The number asked for.
        given: usize,
    },
    /// The number of images a class is out of range: choose another.
    #[error("{given} images a class asked for; choose 1 to {MAX_COUNT}")]
    Count {
        /// The number asked for.
        given: usize,
    },
    /// There is no class of this number.
    #[error("no class has number {given}; classes are numbered from 0 to {}", CLASSES.len() - 1)]
    UnknownClass {
        /// The number asked for.
        given: usize,
    },
    /// A folder or file could not be written: check the path, its permissions and the free space.
    #[error("cannot write {}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// No surface of this size could be allocated.
    #[error("cannot allocate a canvas of {width} by {height} pixels")]
    Canvas {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The picture could not be encoded.
    #[error("cannot encode a picture as JPEG")]
    Encode {
        /// The encoder's reason.
        #[source]
        source: image::ImageError,
    },
}

/// Draws one picture of `CLASSES[class]` and returns it as JPEG bytes.
///
/// A pure function of its arguments. Another machine gives the same bytes as far as its `sin` and `exp` round alike.
///
/// # Errors
/// [`SampleError::UnknownClass`] when `class` is not below 8.
pub fn draw(class: usize, index: u64, seed: u64) -> Result<Vec<u8>, SampleError> {
    let species = plants::SPECIES.get(class).ok_or(SampleError::UnknownClass { given: class })?;
    scene::picture(species, &mut stream(class, index, seed))
}

/// Writes `dir/<class>/<index>.jpg` for every class and index, over all cores, replacing files of the same name.
///
/// A file appears under its name only when it is complete. `progress` receives the number of files written so far,
/// out of `classes × count`; it is called from several threads.
///
/// # Errors
/// Options out of range, or a folder or file that cannot be written.
pub fn generate(
    dir: &Path,
    options: &SampleOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<SampleSummary, SampleError> {
    let names = class_names(options)?;
    for name in names {
        let folder = dir.join(name);
        fs::create_dir_all(&folder).map_err(|source| SampleError::Write { path: folder, source })?;
    }
    let images = names.len() * options.count;
    let done = AtomicUsize::new(0);
    let bytes = (0..images)
        .into_par_iter()
        .map(|job| {
            // Classes take turns, so that an interrupted run leaves balanced folders.
            let (class, index) = (job % names.len(), job / names.len());
            let jpeg = draw(class, index as u64, options.seed)?;
            let folder = dir.join(names[class]);
            write_whole(&folder, &format!("{index:05}.jpg"), &jpeg)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(jpeg.len() as u64)
        })
        .sum::<Result<u64, SampleError>>()?;
    Ok(SampleSummary { classes: names.len(), images, bytes })
}

fn class_names(options: &SampleOptions) -> Result<&'static [&'static str], SampleError> {
    if !(1..=MAX_COUNT).contains(&options.count) {
        return Err(SampleError::Count { given: options.count });
    }
    match CLASSES.get(..options.classes) {
        Some(names) if names.len() >= 2 => Ok(names),
        _ => Err(SampleError::Classes { given: options.classes }),
    }
}

/// The random stream of one picture: the three numbers are the key, so no two pictures share a stream and none
/// depends on how many others are drawn.
fn stream(class: usize, index: u64, seed: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(class as u64).to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Writes beside the target, then renames, so that a reader never sees half a file.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SampleError> {
    let path = folder.join(name);
    let partial = folder.join(format!(".{name}.{}.part", std::process::id()));
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &path));
    written.map_err(|source| {
        // The first error is the one to report; a leftover part file is harmless.
        let _ = fs::remove_file(&partial);
        SampleError::Write { path, source }
    })
}
