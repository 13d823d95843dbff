//! Folders named by class.

use std::path::{Path, PathBuf};

use pappus_domain::image::Label;
use walkdir::{DirEntry, WalkDir};

use crate::candidate::Candidate;
use crate::error::Error;

/// The candidates under a path, in order of their names, found as they are asked for: a folder of any size costs the
/// same memory.
///
/// The label is `label` where given, else the first folder below `path`; a file directly in `path` has none. Hidden
/// files and folders are passed over, and what is no file: a pipe, a socket. A path that is a file is itself the only candidate.
///
/// # Errors
/// [`Error::Path`] for what cannot be read, [`Error::Label`] for a folder whose name cannot be a label.
pub fn paths(path: &Path, label: Option<Label>) -> impl Iterator<Item = Result<Candidate, Error>> + use<> {
    let root = path.to_path_buf();
    files(path).map(move |entry| {
        let file = match entry {
            Ok(entry) => entry.into_path(),
            // One link that leads nowhere is one bad file: reading it says why, and the rest goes on.
            Err(error) if error.depth() > 0 && error.path().is_some() => error.path().unwrap_or(&root).to_path_buf(),
            Err(error) => return Err(unreadable(&root, error)),
        };
        let label = match &label {
            Some(label) => Some(label.clone()),
            None => folder_label(&root, &file)?,
        };
        Ok(Candidate::file(file, label))
    })
}

/// The number of files that [`paths`] will find.
///
/// # Errors
/// [`Error::Path`] for what cannot be read, [`Error::Empty`] where there are none.
pub fn count_files(path: &Path) -> Result<u64, Error> {
    let count = files(path).try_fold(0, |count, entry| match entry {
        Err(error) if error.depth() == 0 => Err(unreadable(path, error)),
        _ => Ok(count + 1),
    })?;
    if count == 0 { Err(Error::Empty(path.into())) } else { Ok(count) }
}

fn files(path: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> + use<> {
    let hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    walk.filter_entry(move |entry| !hidden(entry))
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file()))
}

fn folder_label(root: &Path, file: &Path) -> Result<Option<Label>, Error> {
    let below = file.strip_prefix(root).unwrap_or(file);
    let mut parts = below.components();
    let (Some(first), Some(_)) = (parts.next(), parts.next()) else { return Ok(None) };
    let name = first.as_os_str().to_string_lossy();
    name.parse().map(Some).map_err(|source| Error::Label { path: root.join(first), source })
}

fn unreadable(root: &Path, error: walkdir::Error) -> Error {
    let path = error.path().map_or_else(|| root.to_path_buf(), PathBuf::from);
    let what = error.to_string();
    Error::Path { path, source: error.into_io_error().unwrap_or_else(|| std::io::Error::other(what)) }
}
