//! Model versions and evaluations.

use pappus_domain::{Manifest, ModelVersion};

use super::samples::{evaluation, manifest, name, version};
use crate::Catalog;

pub(super) async fn suite(catalog: &dyn Catalog) {
    versions_stay_as_they_are(catalog).await;
    lists_the_last(catalog).await;
    finds_by_prefix(catalog).await;
    keeps_evaluations(catalog).await;
}

async fn versions_stay_as_they_are(catalog: &dyn Catalog) {
    let first = manifest(1, "pets");
    let get = || async { catalog.model(&first.name, &first.version).await.expect("a model can be asked for") };
    assert_eq!(get().await, None);
    for manifest in [first.clone(), Manifest { schema: 99, ..first.clone() }] {
        catalog.record_model(&manifest).await.expect("a model can be recorded");
    }
    assert_eq!(get().await, Some(first.clone()), "a version never changes");
    assert_eq!(
        catalog.model(&name("birds"), &first.version).await.expect("no error"),
        None,
        "nor is it another model's"
    );
}

async fn lists_the_last(catalog: &dyn Catalog) {
    for (number, model) in [(3, "pets"), (2, "pets"), (1, "birds")] {
        catalog.record_model(&manifest(number, model)).await.expect("a model can be recorded");
    }
    let last = catalog.models(&name("pets"), 2).await.expect("models can be listed");
    assert_eq!(last, [manifest(3, "pets"), manifest(2, "pets")], "the last versions of one model, newest first");
    let names = catalog.model_names().await.expect("names can be listed");
    assert_eq!(names, [name("birds"), name("pets")], "each name once, in order");
}

async fn finds_by_prefix(catalog: &dyn Catalog) {
    let find = |prefix: String| async move {
        catalog.find_models(&name("pets"), &prefix).await.expect("versions can be found")
    };
    let mut all: Vec<ModelVersion> = (1..=3).map(version).collect();
    all.sort();
    assert_eq!(find(String::new()).await, all[..2], "two are enough to know that there are several");
    for version in all {
        assert_eq!(find(version.to_string()).await, std::slice::from_ref(&version), "a version begins with itself");
        assert!(find(version.as_str()[..4].to_owned()).await.contains(&version));
    }
    for none in ["%", "_", "*", "?", "zz", "'", "\u{10FFFF}"] {
        assert_eq!(find(none.into()).await, [], "no version begins with `{none}`");
    }
    assert_eq!(find("0".repeat(5000)).await, [], "nor with more than a version can have");
}

async fn keeps_evaluations(catalog: &dyn Catalog) {
    let get = |number| async move {
        catalog.evaluation(&name("pets"), &version(number)).await.expect("an evaluation can be asked for")
    };
    assert_eq!(get(1).await, None);
    let [first, second, again] =
        [evaluation(1, "pets", 10, 0), evaluation(1, "pets", 11, 5), evaluation(1, "pets", 10, 9)];
    for (evaluation, latest) in [(&first, &first), (&second, &second), (&first, &second), (&again, &again)] {
        catalog.record_evaluation(evaluation).await.expect("an evaluation can be recorded");
        assert_eq!(get(1).await.as_ref(), Some(latest), "the latest, which may be a repeated one");
    }
    assert_eq!(get(2).await, None, "of that version only");
}
