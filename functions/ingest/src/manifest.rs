//! Manifests: CSV files that name an image's URL and its class in each line.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use pappus_domain::image::Label;
use serde::Serialize;
use url::Url;

use crate::error::Error;

/// A manifest, open: an iterator over its lines as (URL, label). Columns other than `url_source` and `label` are
/// passed over.
pub struct Manifest {
    path: PathBuf,
    records: csv::StringRecordsIntoIter<File>,
    url: usize,
    label: usize,
}

/// A line of a manifest that names no source. It is reported, and the rest goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineFault {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Manifest {
    /// Whether a path is taken for a manifest: a file whose name ends in `.csv`.
    pub fn is_one(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) && path.is_file()
    }

    /// Opens a manifest and finds its columns.
    ///
    /// # Errors
    /// [`Error::Csv`], [`Error::Column`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let csv = |source| Error::Csv { path: path.into(), source };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_path(path).map_err(csv)?;
        let headers = reader.headers().map_err(csv)?.clone();
        let column = |column: &'static str| {
            // Spreadsheets begin a file with a byte order mark.
            headers.iter().position(|name| name.trim_start_matches('\u{feff}') == column).ok_or_else(|| Error::Column {
                path: path.into(),
                column,
                found: headers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            })
        };
        let (url, label) = (column("url_source")?, column("label")?);
        Ok(Self { path: path.into(), records: reader.into_records(), url, label })
    }

    fn source(&self, record: &StringRecord) -> Result<(String, Label), String> {
        let field = |index: usize| record.get(index).unwrap_or_default();
        let label = field(self.label).parse::<Label>().map_err(|error| error.to_string())?;
        Ok((self.resolve(field(self.url))?, label))
    }

    /// A URL as it stands, a path as a `file` URL; a relative path begins at the manifest's folder.
    fn resolve(&self, text: &str) -> Result<String, String> {
        if text.is_empty() {
            return Err("url_source is empty".into());
        }
        if text.contains("://") {
            return match Url::parse(text) {
                Ok(url) if matches!(url.scheme(), "http" | "https" | "file") => Ok(text.to_owned()),
                Ok(url) if url.scheme() == "s3" => Err(format!("`{text}`: s3 is not in this build")),
                Ok(url) => Err(format!("`{text}`: a URL of scheme `{}` cannot be fetched", url.scheme())),
                Err(error) => Err(format!("`{text}` is no URL: {error}")),
            };
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let path = std::path::absolute(folder.join(text)).map_err(|error| format!("`{text}`: {error}"))?;
        Url::from_file_path(&path).map(String::from).map_err(|()| format!("`{text}` is no path of a file"))
    }
}

impl Iterator for Manifest {
    type Item = Result<Result<(String, Label), LineFault>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.records.next()? {
            Ok(record) => record,
            Err(source) => return Some(Err(Error::Csv { path: self.path.clone(), source })),
        };
        let line = record.position().map_or(0, csv::Position::line);
        Some(Ok(self.source(&record).map_err(|reason| LineFault { line, reason })))
    }
}
