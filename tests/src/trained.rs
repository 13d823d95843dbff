//! A home with two released versions.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};

use crate::home::Home;
use crate::pictures;
use crate::program::{profile_folder, runtime};

/// A home with pictures of two classes taken in, two versions trained on them, and the second one released after the
/// first.
#[derive(Debug)]
pub struct Trained {
    home: Home,
    /// The version that was released first.
    pub first: String,
    /// The champion.
    pub second: String,
}

struct Template {
    folder: PathBuf,
    first: String,
    second: String,
}

impl Trained {
    /// A fresh copy; none where ONNX Runtime is absent, which is said.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn copy() -> Result<Option<Self>> {
        static TEMPLATE: OnceLock<Result<Template, String>> = OnceLock::new();
        if runtime()?.is_none() {
            return Ok(None);
        }
        let template = TEMPLATE.get_or_init(|| Template::make().map_err(|error| format!("{error:#}")));
        let Template { folder, first, second } = template.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        let home = Home::copy_of(folder)?;
        Ok(Some(Self { home, first: first.clone(), second: second.clone() }))
    }

    /// Pictures that it was trained and tested with.
    ///
    /// # Errors
    /// Where they are not there.
    pub fn pictures(&self) -> Result<Vec<PathBuf>> {
        pictures::files(&self.work().join("pictures"))
    }
}

impl Deref for Trained {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Template {
    fn make() -> Result<Self> {
        let home = Home::new()?;
        pictures::sample(&home, "pictures", 2, 30)?;
        home.json(&["ingest", "pictures"])?;
        let train = |seed| -> Result<String> {
            let manifest = home.json(&["train", "--recipe", "scratch", "--seed", seed])?;
            let version = manifest["version"].as_str().context("a version")?.to_owned();
            // So few images do not pass: with --force they need not.
            home.run(&["evaluate", &version])?;
            home.json(&["promote", "--force", &version])?;
            Ok(version)
        };
        let (first, second) = (train("0")?, train("1")?);
        let folder = folder()?;
        copy(home.work(), &folder)?;
        Ok(Self { folder, first, second })
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    anyhow::ensure!(copied.success(), "{} could not be copied", from.display());
    Ok(())
}

/// A folder of this process. What is static is never dropped, so those of processes that have ended are removed here.
fn folder() -> Result<PathBuf> {
    let all = profile_folder()?.join("../tmp/trained");
    std::fs::create_dir_all(&all)?;
    for entry in std::fs::read_dir(&all)? {
        let path = entry?.path();
        let process = Path::new("/proc").join(path.file_name().unwrap_or_default());
        if !process.exists() {
            // Another process may be removing it too.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    Ok(all.join(std::process::id().to_string()))
}
