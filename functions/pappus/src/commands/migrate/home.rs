//! The two ends of a move.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;

use pappus_catalog::SharedCatalog;
use pappus_host::Settings;
use pappus_objects::{Access, Objects};

use crate::trouble::{Trouble, of_host};

/// Where a home's parts are. They may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Urls {
    pub(super) objects: String,
    pub(super) catalog: String,
}

/// A home that is not open yet.
pub(super) struct Home {
    /// As the user wrote it.
    name: String,
    pub(super) urls: Urls,
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
        let urls = match name {
            "env:" => urls(|variable| env::var(variable).ok(), None)?,
            file if Path::new(file).is_file() => of_file(Path::new(file))?,
            folder => urls(|_| None, Some(Path::new(folder)))?,
        };
        Ok(Self { name: name.into(), urls })
    }

    /// Opens it; what is missing of an embedded one is made.
    pub(super) async fn open(self) -> Result<Open, Trouble> {
        self.open_to(Access::Write).await
    }

    async fn open_to(self, access: Access) -> Result<Open, Trouble> {
        let Self { urls, .. } = self;
        let objects = pappus_objects::open(&urls.objects).await.map_err(|error| of_host(error.into()))?;
        objects.check(access).await.map_err(|error| of_host(error.into()))?;
        let catalog = pappus_catalog::open(&urls.catalog).await.map_err(|error| of_host(error.into()))?;
        Ok(Open { urls, objects, catalog })
    }

    /// Opens one that is to be there, and is only read.
    pub(super) async fn open_existing(self) -> Result<Open, Trouble> {
        let file = self.urls.catalog.strip_prefix("sqlite://");
        let decoded = file.and_then(|file| percent_encoding::percent_decode_str(file).decode_utf8().ok());
        if decoded.is_some_and(|file| !Path::new(file.as_ref()).is_file()) {
            return Err(Trouble::Usage(format!("{} is no home: there is no catalog in it", self.name)));
        }
        self.open_to(Access::Read).await
    }
}

fn urls(variable: impl Fn(&str) -> Option<String>, home: Option<&Path>) -> Result<Urls, Trouble> {
    let settings = Settings::read(variable, home.map(Path::to_owned)).map_err(of_host)?;
    Ok(Urls { objects: settings.objects, catalog: settings.catalog })
}

/// A file of lines `PAPPUS_OBJECTS=…`, as `scripts/services` prints them and as Docker and systemd read them.
fn of_file(path: &Path) -> Result<Urls, Trouble> {
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
    urls(find, None)
}

impl fmt::Debug for Urls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Urls").finish_non_exhaustive()
    }
}
