//! The two ends of a move.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use pappus_catalog::{Kind, SharedCatalog};
use pappus_host::Settings;
use pappus_objects::{Access, Objects};

use super::keys::Keys;
use crate::trouble::{Trouble, of_host};

/// Where a home's parts are. They may hold a password.
pub(super) struct Urls {
    pub(super) objects: String,
    pub(super) catalog: String,
}

/// A home that is not open yet.
pub(super) struct Home {
    /// As the user wrote it.
    name: String,
    pub(super) urls: Urls,
    keys: Keys,
}

/// A home's parts, open.
pub(super) struct Open {
    pub(super) urls: Urls,
    pub(super) objects: Objects,
    pub(super) catalog: SharedCatalog,
}

impl Home {
    /// The home that `name` names: `env:` the one of this process's environment, a file of settings the one that it says,
    /// and a folder itself.
    pub(super) fn named(name: &str) -> Result<Self, Trouble> {
        let (urls, keys) = match name {
            "env:" => (urls(|variable| env::var(variable).ok(), None)?, Keys::default()),
            file if Path::new(file).is_file() => of_file(Path::new(file))?,
            folder => (urls(|_| None, Some(Path::new(folder)))?, Keys::default()),
        };
        Ok(Self { name: name.into(), urls, keys })
    }

    /// Opens it; what is missing of an embedded one is made.
    pub(super) async fn open(self) -> Result<Open, Trouble> {
        self.open_to(Access::Write).await
    }

    async fn open_to(self, access: Access) -> Result<Open, Trouble> {
        let Self { urls, keys, .. } = self;
        let objects = keys.open_objects(&urls.objects).await.map_err(|error| of_host(error.into()))?;
        objects.check(access).await.map_err(|error| of_host(error.into()))?;
        let catalog = keys.open_catalog(&urls.catalog).await.map_err(|error| of_host(error.into()))?;
        Ok(Open { urls, objects, catalog })
    }

    /// Opens one that is to be there and to hold something, and is only read.
    pub(super) async fn open_existing(self) -> Result<Open, Trouble> {
        let name = self.name.clone();
        if path_of("sqlite://", &self.urls.catalog).is_some_and(|file| !file.is_file()) {
            return Err(Trouble::Usage(format!("{name} is no home: there is no catalog in it")));
        }
        let open = self.open_to(Access::Read).await?;
        // A server makes what is missing: one that was misnamed is empty.
        if open.is_empty().await? {
            open.catalog.close().await;
            return Err(Trouble::Usage(format!("{name} is empty: there is nothing to move")));
        }
        Ok(open)
    }
}

impl Open {
    async fn is_empty(&self) -> Result<bool, Trouble> {
        for kind in Kind::ALL {
            if !self.catalog.export(kind, None, 1).await?.records.is_empty() {
                return Ok(false);
            }
        }
        Ok(self.objects.list("", None, 1).await?.is_empty())
    }
}

impl Urls {
    /// The same URLs, from whatever folder they are looked at: of a relative path its absolute one.
    pub(super) fn absolute(&self) -> [String; 2] {
        let absolute = |scheme: &str, url: &str| {
            let path = path_of(scheme, url).and_then(|path| std::path::absolute(path).ok());
            path.map_or_else(|| url.to_owned(), |path| format!("{scheme}{}", path.display()))
        };
        [absolute("file://", &self.objects), absolute("sqlite://", &self.catalog)]
    }
}

/// The path that a URL names, if it is of this scheme.
fn path_of(scheme: &str, url: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(url.strip_prefix(scheme)?).decode_utf8().ok()?;
    Some(PathBuf::from(path.into_owned()))
}

fn urls(variable: impl Fn(&str) -> Option<String>, home: Option<&Path>) -> Result<Urls, Trouble> {
    let settings = Settings::read(variable, home.map(Path::to_owned)).map_err(of_host)?;
    Ok(Urls { objects: settings.objects, catalog: settings.catalog })
}

/// A file of lines `PAPPUS_OBJECTS=…`, as `scripts/services` prints them and as Docker and systemd read them.
fn of_file(path: &Path) -> Result<(Urls, Keys), Trouble> {
    let wrong = |what: String| Trouble::Usage(format!("{}: {what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let mut settings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let setting = line.strip_prefix("export ").unwrap_or(line).split_once('=');
        let (variable, value) = setting.ok_or_else(|| wrong(format!("line {number} is no `VARIABLE=value`")))?;
        let quoted = ['\'', '"'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        settings.push((variable.trim().to_owned(), quoted.unwrap_or(value).to_owned()));
    }
    let find = |wanted: &str| {
        let found = settings.iter().rev().find(|(variable, _)| variable == wanted);
        found.map(|(_, value)| value.clone())
    };
    for wanted in ["PAPPUS_OBJECTS", "PAPPUS_CATALOG"] {
        if find(wanted).is_none() && find("PAPPUS_HOME").is_none() {
            return Err(wrong(format!("it sets neither {wanted} nor PAPPUS_HOME")));
        }
    }
    Ok((urls(find, None)?, Keys::read(find).map_err(wrong)?))
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Urls").finish_non_exhaustive()
    }
}
