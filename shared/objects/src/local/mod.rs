//! Objects as files under a directory.
//!
//! The object `a/b` is the file `<root>/a/b`. A write goes to a temporary file under `<root>/.tmp`, which is on the same
//! file system, reaches the disk, and only then takes its name; so every file outside `.tmp` is a whole object.

mod durable;
mod list;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{StreamExt as _, try_unfold};

use self::durable::{Directories, Unfinished};
use crate::stream::Counted;
use crate::{Access, Allowed, Bucket, Error, Key, Meta, ObjectStore, PutMode, Reading, SignedUrl, Writing};

/// The directory of unfinished writes, beside the objects.
const UNFINISHED: &str = ".tmp";

/// Why a store cannot be where a file is.
const NO_FILE: &str = "it, or a folder that it should be in, is a file; name another place";

/// The most bytes of a file that are read at once.
const PIECE: u64 = 256 << 10;

/// No write takes so long: what is older was left by a process that died.
const LEFT_OVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Objects as files under a directory that any number of processes may share.
///
/// Where `a` is an object there can be none under `a/`, nor one whose key begins with `.tmp/`. Symbolic links are not
/// listed.
#[derive(Debug)]
pub struct LocalStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    directories: Directories,
}

impl LocalStore {
    /// Opens the store under `root`, makes the directory where it is missing, and clears away what writes left there
    /// that died more than a day ago.
    ///
    /// # Errors
    /// Whatever hinders the use of the directory.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        let at = place(&root);
        let open = move || {
            let root = std::path::absolute(&root).map_err(|e| Error::from_io(place(&root), e))?;
            let inner = Inner { directories: Directories::default(), root };
            let unfinished = inner.root.join(UNFINISHED);
            inner.directories.ensure(&unfinished).and_then(|()| clear(&unfinished)).map_err(|e| match e.kind() {
                ErrorKind::NotADirectory => Error::BadUrl { held: inner.root.display().to_string(), wanted: NO_FILE },
                _ => inner.failed(e),
            })?;
            Ok(Self { inner: Arc::new(inner) })
        };
        blocking(at, open).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        blocking(place(&self.inner.root), move || work(&inner)).await
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        let key = key.clone();
        self.run(move |inner| inner.put(&key, &bytes, mode)).await
    }

    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error> {
        let owned = key.clone();
        let mut file = self.run(move |inner| inner.begin(&owned, mode)).await?;
        let mut pieces = Counted::new(key, writing);
        while let Some(piece) = pieces.next().await? {
            let owned = key.clone();
            let write = move |_: &Inner| {
                file.write(&piece).map_err(|e| Error::from_io(object(&owned), e))?;
                Ok(file)
            };
            file = self.run(write).await?;
        }
        let owned = key.clone();
        self.run(move |inner| inner.finish(&owned, file)).await?;
        Ok(pieces.count())
    }

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        let key = key.clone();
        self.run(move |inner| inner.get(&key, limit)).await
    }

    async fn get_stream(&self, key: &Key) -> Result<Reading, Error> {
        let owned = key.clone();
        let (file, size) = self.run(move |inner| inner.open(&owned)).await?;
        let key = key.clone();
        let bytes = try_unfold((file, size), move |(file, left)| {
            let at = object(&key);
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let (file, piece) = blocking(at.clone(), move || read(file, left, at)).await?;
                let left = left - piece.len() as u64;
                Ok(Some((piece, (file, left))))
            }
        });
        Ok(Reading { size, bytes: bytes.boxed() })
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        let key = key.clone();
        self.run(move |inner| inner.head(key)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.run(move |inner| inner.delete(&key)).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.run(move |inner| list::list(&inner.root, &prefix, after.as_ref(), limit).map_err(|e| inner.failed(e)))
            .await
    }

    async fn sign(&self, _: &Key, _: Allowed, _: Duration) -> Result<Option<SignedUrl>, Error> {
        Ok(None)
    }

    fn bucket(&self) -> Option<Bucket<'_>> {
        None
    }

    async fn check(&self, access: Access) -> Result<(), Error> {
        self.run(move |inner| inner.check(access).map_err(|e| inner.failed(e))).await
    }
}

impl Inner {
    /// The file of an object; `None` for a key that would fall among the unfinished writes.
    fn path(&self, key: &Key) -> Option<PathBuf> {
        let first = key.as_str().split('/').next();
        (first != Some(UNFINISHED)).then(|| self.root.join(key.as_str()))
    }

    fn put(&self, key: &Key, bytes: &[u8], mode: PutMode) -> Result<(), Error> {
        let mut file = self.begin(key, mode)?;
        file.write(bytes).map_err(|e| Error::from_io(object(key), e))?;
        self.finish(key, file)
    }

    fn begin(&self, key: &Key, mode: PutMode) -> Result<Unfinished, Error> {
        let path = self.path(key).ok_or_else(|| Error::KeyRefused {
            key: key.clone(),
            why: "`.tmp` is kept for unfinished writes",
            source: None,
        })?;
        let begun = Unfinished::begin(&self.directories, &self.root.join(UNFINISHED), path, mode);
        begun.map_err(|source| self.not_put(key, source))
    }

    fn finish(&self, key: &Key, file: Unfinished) -> Result<(), Error> {
        file.finish(&self.directories).map_err(|source| self.not_put(key, source))
    }

    /// Why an object could not be written.
    fn not_put(&self, key: &Key, source: io::Error) -> Error {
        let refused = |why, source: io::Error| Error::KeyRefused { key: key.clone(), why, source: Some(source.into()) };
        match source.kind() {
            ErrorKind::AlreadyExists if self.path(key).is_some_and(|path| path.is_file()) => {
                Error::AlreadyExists { key: key.clone() }
            }
            ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
                refused("a directory of objects has this name", source)
            }
            ErrorKind::NotADirectory => refused("a part of it before a slash is an object itself", source),
            ErrorKind::InvalidFilename => refused("a part of it is too long for a file name", source),
            _ => Error::from_io(object(key), source),
        }
    }

    fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        let (mut file, size) = self.open(key)?;
        if size > limit {
            return Err(Error::TooLarge { key: key.clone(), size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.read_to_end(&mut bytes).map_err(|e| Error::from_io(object(key), e))?;
        Ok(bytes.into())
    }

    fn head(&self, key: Key) -> Result<Meta, Error> {
        let (_, size) = self.open(&key)?;
        Ok(Meta { key, size })
    }

    /// Opens an object's file; a directory is no object.
    fn open(&self, key: &Key) -> Result<(File, u64), Error> {
        let missing = || Error::NotFound { key: key.clone() };
        let path = self.path(key).ok_or_else(missing)?;
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) if metadata.is_file() => Ok((file, metadata.len())),
            Ok(_) => Err(missing()),
            Err(error) if is_absence(&error) => Err(missing()),
            Err(error) => Err(Error::from_io(object(key), error)),
        }
    }

    fn delete(&self, key: &Key) -> Result<(), Error> {
        let Some(path) = self.path(key) else { return Ok(()) };
        if path.is_dir() {
            return Ok(());
        }
        match durable::remove(&path) {
            Err(error) if !is_absence(&error) => Err(Error::from_io(object(key), error)),
            _ => Ok(()),
        }
    }

    fn check(&self, access: Access) -> io::Result<()> {
        match access {
            Access::Read => fs::read_dir(&self.root).map(drop),
            Access::Write => tempfile::tempfile_in(self.root.join(UNFINISHED)).map(drop),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::from_io(place(&self.root), source)
    }
}

/// Reads the next piece of a file that has so many bytes left.
fn read(mut file: File, left: u64, at: String) -> Result<(File, Bytes), Error> {
    let wanted = left.min(PIECE);
    let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
    let count = (&mut file).take(wanted).read_to_end(&mut bytes);
    // Nobody who writes by way of a store makes a file shorter.
    match count.and_then(|count| if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }) {
        Ok(()) => Ok((file, bytes.into())),
        Err(source) => Err(Error::from_io(at, source)),
    }
}

/// Whether an error says that no such file can be there.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
}

fn object(key: &Key) -> String {
    format!("object `{key}`")
}

fn place(root: &Path) -> String {
    format!("the object store under `{}`", root.display())
}

/// Removes the unfinished writes of processes that died.
fn clear(unfinished: &Path) -> io::Result<()> {
    for entry in fs::read_dir(unfinished)? {
        let entry = entry?;
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        if !matches!(age, Ok(Ok(age)) if age > LEFT_OVER) {
            continue;
        }
        let path = entry.path();
        // Another process may have cleared it at the same moment; what cannot be removed does no harm.
        match fs::remove_file(&path) {
            Ok(()) => tracing::info!(path = %path.display(), "removed what an unfinished write left"),
            Err(error) => tracing::debug!(path = %path.display(), %error, "left an unfinished write where it is"),
        }
    }
    Ok(())
}

/// Does blocking work where it holds nobody up.
async fn blocking<T: Send + 'static>(
    at: String,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|source| Err(Error::Unavailable { at, source: source.into() }))
}
