//! Writes that are whole and on the disk when they return.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, PersistError};

use crate::PutMode;

/// The directories that are known to be on the disk, so that each is seen to once and not with every write.
#[derive(Debug, Default)]
pub(super) struct Directories(Mutex<HashSet<PathBuf>>);

impl Directories {
    /// Makes a directory (an absolute path) and those above it where they are missing, and sees to it that their names are on the disk,
    /// whoever made them.
    pub(super) fn ensure(&self, directory: &Path) -> io::Result<()> {
        if self.known().contains(directory) {
            return Ok(());
        }
        let Some(parent) = directory.parent() else { return Ok(()) };
        self.ensure(parent)?;
        match fs::create_dir(directory) {
            Err(_) if directory.is_dir() => (),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(ErrorKind::NotADirectory.into()),
            made => made?,
        }
        match sync_directory(parent) {
            // A directory above the store's that is closed to us was there before us, and so was what is in it.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => (),
            synced => synced?,
        }
        self.known().insert(directory.to_owned());
        Ok(())
    }

    fn forget(&self, directory: &Path) {
        self.known().retain(|known| !directory.starts_with(known));
    }

    fn known(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file on its way to a name: a temporary one until then, on the same file system, and gone if it is dropped.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
    mode: PutMode,
}

impl Unfinished {
    /// Begins a file that is to become `path`, by way of the directory `unfinished`.
    pub(super) fn begin(
        directories: &Directories,
        unfinished: &Path,
        path: PathBuf,
        mode: PutMode,
    ) -> io::Result<Self> {
        let parent = path.parent().unwrap_or(unfinished);
        directories.ensure(parent)?;
        // What is there is whole. Its name may not be on the disk yet, if another process has only just written it.
        if mode == PutMode::IfAbsent && path.exists() {
            sync_directory(parent)?;
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = match temporary(unfinished) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                directories.forget(unfinished);
                directories.ensure(unfinished)?;
                temporary(unfinished)?
            }
            file => file?,
        };
        Ok(Self { file, path, mode })
    }

    /// Adds to it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_file().write_all(bytes)
    }

    /// Gives it its name, once all of it is on the disk.
    pub(super) fn finish(self, directories: &Directories) -> io::Result<()> {
        let Self { file, path, mode } = self;
        file.as_file().sync_data()?;
        let parent = path.parent().unwrap_or(&path);
        let named = match name(file, &path, mode) {
            Err(error) if error.error.kind() == ErrorKind::NotFound => {
                directories.forget(parent);
                directories.ensure(parent)?;
                name(error.file, &path, mode)
            }
            named => named,
        };
        let named = named.map(drop).map_err(|error| error.error);
        if named.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::AlreadyExists) {
            sync_directory(parent)?;
        }
        named
    }
}

/// Removes a file, for good when it returns.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

fn temporary(unfinished: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("put-").rand_bytes(16);
    // Objects are shared as any other file is; a temporary file would be for its owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(unfinished)
}

fn name(file: NamedTempFile, path: &Path, mode: PutMode) -> Result<File, PersistError> {
    match mode {
        PutMode::Overwrite => file.persist(path),
        PutMode::IfAbsent => file.persist_noclobber(path),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_data() {
        // So say file systems that cannot sync a directory and keep its names safe by themselves.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
