//! Listing a tree of files in the order of their keys, page by page.
//!
//! Keys are ordered by their bytes, and a directory's objects begin with its name and a slash; so within a directory
//! files and directories are visited in the order of their names, a directory's with its slash (`a.b`, `a/c`, `ab`).
//! Of each directory no more names are kept than the page has room for, however many files are in it.

use std::collections::BinaryHeap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::UNFINISHED;
use crate::key::is_segment;
use crate::{Key, Meta};

pub(super) fn list(root: &Path, prefix: &str, after: Option<&Key>, limit: usize) -> io::Result<Vec<Meta>> {
    // Whole segments of the prefix lead to the directory to begin with.
    let start = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
    let whole = start.strip_suffix('/');
    if whole.is_some_and(|whole| !whole.split('/').all(is_segment)) || start.split('/').next() == Some(UNFINISHED) {
        return Ok(Vec::new());
    }
    let after = after.map_or_else(String::new, Key::to_string);
    let mut page = Page { root, prefix, after, limit, found: Vec::new(), vanished: false };
    page.visit(start)?;
    // A page that came out short would pass for the last.
    while page.vanished && page.found.len() < limit {
        page.vanished = false;
        page.after = page.found.last().map_or(page.after, |last| last.key.to_string());
        page.visit(start)?;
    }
    Ok(page.found)
}

struct Page<'a> {
    root: &'a Path,
    prefix: &'a str,
    after: String,
    limit: usize,
    found: Vec<Meta>,
    /// Whether a file was removed between the reading of its directory and its turn.
    vanished: bool,
}

impl Page<'_> {
    /// Adds the objects of the directory whose keys begin with `directory`, which is empty or ends with a slash.
    fn visit(&mut self, directory: &str) -> io::Result<()> {
        for name in self.names(directory)? {
            if self.found.len() >= self.limit {
                break;
            }
            if name.ends_with('/') {
                self.visit(&name)?;
            } else if let Ok(key) = name.parse() {
                self.add(key)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, key: Key) -> io::Result<()> {
        match fs::symlink_metadata(self.path(key.as_str())) {
            Ok(metadata) => self.found.push(Meta { key, size: metadata.len() }),
            Err(error) if error.kind() == ErrorKind::NotFound => self.vanished = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The next names in a directory, in order: as many files as there is room for, and every directory before the
    /// last of them.
    fn names(&self, directory: &str) -> io::Result<Vec<String>> {
        let room = self.limit - self.found.len();
        let mut files = BinaryHeap::new();
        let mut names = Vec::new();
        let entries = match fs::read_dir(self.path(directory)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(names),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = match entry.file_type() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                kind => kind?,
            };
            // A file that others put there may have a name that is no key.
            let name = entry.file_name().into_string().ok().filter(|name| is_segment(name));
            let Some(name) = name.map(|name| format!("{directory}{name}")) else { continue };
            if name.len() > Key::MAX_BYTES {
                continue;
            }
            if kind.is_dir() && name != UNFINISHED {
                let name = name + "/";
                if self.may_hold(&name) {
                    names.push(name);
                }
            } else if kind.is_file() && name.starts_with(self.prefix) && name > self.after {
                files.push(name);
                if files.len() > room {
                    files.pop();
                }
            }
        }
        let last = (files.len() == room).then(|| files.peek().cloned()).flatten();
        names.retain(|name| last.as_ref().is_none_or(|last| name < last));
        names.extend(files);
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a key that begins with `directory` may be asked for.
    fn may_hold(&self, directory: &str) -> bool {
        let in_prefix = directory.starts_with(self.prefix) || self.prefix.starts_with(directory);
        in_prefix && (directory > self.after.as_str() || self.after.starts_with(directory))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}
