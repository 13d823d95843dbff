//! The evaluation of one version.

use pappus_domain::image::Label;
use pappus_domain::stats::{McNemar, Report};
use pappus_domain::verdict::{Comparison, Evaluation, GatePolicy};
use pappus_domain::{DataSet, DataSetEntry, Digest, ModelVersion, Split, Timestamp, Verdict};
use pappus_host::Context;
use pappus_inference::Package;
use pappus_objects::{Key, PutMode};
use pappus_tracking::News;

use crate::error::Error;
use crate::plots::plot;
use crate::score::{Scores, score};

/// The most bytes of a data set's list.
const MAX_DATA_SET_BYTES: u64 = 1 << 30;

/// The evaluate stage.
#[derive(Clone)]
pub struct Evaluate {
    context: Context,
    policy: GatePolicy,
}

impl Evaluate {
    /// An evaluation with the gates' default bounds.
    pub fn new(context: Context) -> Self {
        Self { context, policy: GatePolicy::default() }
    }

    /// Judges a version on the test side of the data set it was trained on, against the champion on the same images.
    /// `progress` is told how many of the images have been answered, and of how many.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn version(&self, version: &ModelVersion, progress: impl Fn(u64, u64)) -> Result<Evaluation, Error> {
        let Context { catalog, objects, settings, tracking, .. } = &self.context;
        let manifest = catalog.model(&settings.model, version).await?;
        let manifest = manifest.ok_or_else(|| Error::NoVersion(version.clone()))?;
        let images = self.test_images(&manifest.training.data_set).await?;
        let release = catalog.release(&settings.model).await?;
        let champion = release.map(|release| release.champion).filter(|champion| champion != version);
        let passes = if champion.is_some() { 2 } else { 1 };
        let total = passes * images.len() as u64;
        let classes = &manifest.classes;
        let package = self.package(version).await?;
        let scores = score(objects, package, classes, &images, |done| progress(done, total)).await?;
        let report = report(classes, &scores)?;
        let (verdict, champion_report) = match &champion {
            None => (Verdict::judge(&self.policy, &report, None), None),
            Some(champion) => {
                let package = self.package(champion).await?;
                let before = images.len() as u64;
                let theirs = score(objects, package, classes, &images, |done| progress(before + done, total)).await?;
                let champion_report = self::report(classes, &theirs)?;
                let mcnemar = McNemar::compare(&scores.answers, &theirs.answers)?;
                let comparison = Comparison { champion: &champion_report, mcnemar };
                (Verdict::judge(&self.policy, &report, Some(comparison)), Some(champion_report))
            }
        };
        let evaluation = Evaluation {
            model: settings.model.clone(),
            version: version.clone(),
            data_set: manifest.training.data_set,
            champion,
            report,
            champion_report,
            verdict,
            at: Timestamp::now(),
        };
        // Whoever learns of an evaluation finds its plots.
        plot(objects, evaluation.clone(), scores.answers, &images).await;
        let key: Key = evaluation.object_key("report.json").parse()?;
        let json = serde_json::to_vec_pretty(&evaluation)?;
        objects.put(&key, json.into(), PutMode::Overwrite).await?;
        catalog.record_evaluation(&evaluation).await?;
        tracking.tell(News::Version { model: settings.model.clone(), version: version.clone() }).await;
        Ok(evaluation)
    }

    async fn test_images(&self, data_set: &Digest) -> Result<Vec<DataSetEntry>, Error> {
        let key: Key = DataSet::object_key(data_set).parse()?;
        let text = self.context.objects.get(&key, MAX_DATA_SET_BYTES).await?;
        let read = DataSet::from_text(&String::from_utf8_lossy(&text));
        let read = read.map_err(|source| Error::DataSet { data_set: *data_set, source })?;
        if read.digest() != *data_set {
            return Err(Error::Damaged(*data_set));
        }
        let images: Vec<DataSetEntry> = read.side(Split::Test).cloned().collect();
        if images.is_empty() { Err(Error::NoTestImages(*data_set)) } else { Ok(images) }
    }

    async fn package(&self, version: &ModelVersion) -> Result<Package, Error> {
        let package = Package::read(&*self.context.objects, &self.context.settings.model, version).await;
        package.map_err(|source| Error::Model { version: version.clone(), source })
    }
}

fn report(classes: &[Label], scores: &Scores) -> Result<Report, Error> {
    Ok(Report::new(classes, &scores.answers)?.with_latency(&scores.latencies))
}
