//! Data sets and runs.

use std::collections::BTreeMap;

use futures::future::join_all;
use pappus_domain::{Run, RunStatus};

use super::samples::{digest, name, run, time, version};
use crate::{Catalog, DataSetRecord, Error};

pub(super) async fn suite(catalog: &dyn Catalog) {
    data_sets_are_brought_up_to_date(catalog).await;
    runs_are_created_once(catalog).await;
    runs_move_on(catalog).await;
    runs_that_are_over_stay_over(catalog).await;
    one_end_of_many_wins(catalog).await;
    figures_must_be_numbers(catalog).await;
    lists_the_last(catalog).await;
}

async fn get(catalog: &dyn Catalog, of: &Run) -> Option<Run> {
    catalog.run(&of.request.run).await.expect("a run can be asked for")
}

async fn data_sets_are_brought_up_to_date(catalog: &dyn Catalog) {
    assert_eq!(catalog.data_set(&digest(1)).await.expect("a data set can be asked for"), None);
    let first = DataSetRecord { digest: digest(1), labelled: 320, frozen_at: time(0) };
    let other = DataSetRecord { digest: digest(2), labelled: 7, frozen_at: time(1) };
    for data_set in [&first, &other, &DataSetRecord { labelled: 330, frozen_at: time(5), ..first.clone() }] {
        catalog.record_data_set(data_set).await.expect("a data set can be recorded");
    }
    for expected in [DataSetRecord { labelled: 330, ..first }, other] {
        let found = catalog.data_set(&expected.digest).await.expect("a data set can be asked for");
        assert_eq!(found, Some(expected), "the last count, and the first time");
    }
}

async fn runs_are_created_once(catalog: &dyn Catalog) {
    let run = run(1, "pets");
    assert_eq!(get(catalog, &run).await, None);
    let moved_on = Run { status: RunStatus::RUNNING, data_set: Some(digest(1)), ..run.clone() };
    for again in [&run, &moved_on] {
        catalog.create_run(again).await.expect("a run can be recorded");
    }
    assert_eq!(get(catalog, &run).await, Some(run), "a run as it was first recorded");
}

async fn runs_move_on(catalog: &dyn Catalog) {
    let mut run = run(1, "pets");
    let id = run.request.run;
    let steps = [(Some(digest(1)), 10), (None, 11), (Some(digest(2)), 12)];
    for (data_set, seconds) in steps {
        let moved = catalog.update_run(&id, data_set.as_ref(), &RunStatus::RUNNING, time(seconds)).await;
        assert!(moved.expect("a run can be moved on"), "a run that is not over moves");
        run.data_set = data_set.or(run.data_set);
        (run.status, run.updated_at) = (RunStatus::RUNNING, time(seconds));
        assert_eq!(get(catalog, &run).await.as_ref(), Some(&run), "`None` keeps the data set");
    }
}

async fn runs_that_are_over_stay_over(catalog: &dyn Catalog) {
    let metrics = BTreeMap::from([("accuracy".to_owned(), 0.1 + 0.2), ("tiny".to_owned(), f64::MIN_POSITIVE)]);
    let ends =
        [RunStatus::Succeeded { version: version(1), metrics }, RunStatus::Failed { message: "out of memory".into() }];
    for (number, end) in (1..).zip(ends) {
        let run = run(number, "pets");
        let id = run.request.run;
        catalog.create_run(&run).await.expect("a run can be recorded");
        assert!(catalog.update_run(&id, None, &end, time(20)).await.expect("a run can end"));
        let over = get(catalog, &run).await.expect("it is there");
        assert_eq!((&over.status, over.updated_at), (&end, time(20)));
        for late in [RunStatus::RUNNING, RunStatus::Failed { message: "late".into() }] {
            let moved = catalog.update_run(&id, Some(&digest(9)), &late, time(30)).await;
            assert!(!moved.expect("that it stays is no error"), "a run that is over does not move");
        }
        assert_eq!(get(catalog, &run).await, Some(over), "not even its data set or time");
    }
    let unknown = run(77, "pets").request.run;
    assert!(!catalog.update_run(&unknown, None, &RunStatus::RUNNING, time(0)).await.expect("no error"));
}

async fn one_end_of_many_wins(catalog: &dyn Catalog) {
    let run = run(5, "fish");
    catalog.create_run(&run).await.expect("a run can be recorded");
    let ends: Vec<RunStatus> = (0..8).map(|number| RunStatus::Failed { message: number.to_string() }).collect();
    let moves = ends.iter().map(|end| catalog.update_run(&run.request.run, None, end, time(20)));
    let moved: Vec<bool> = join_all(moves).await.into_iter().map(|moved| moved.expect("a run can end")).collect();
    let won: Vec<&RunStatus> = ends.iter().zip(&moved).filter_map(|(end, moved)| moved.then_some(end)).collect();
    assert_eq!(won.len(), 1, "one of 8 ends at once is the end: {moved:?}");
    assert_eq!(&get(catalog, &run).await.expect("it is there").status, won[0]);
}

async fn figures_must_be_numbers(catalog: &dyn Catalog) {
    let run = run(3, "pets");
    catalog.create_run(&run).await.expect("a run can be recorded");
    let metrics = BTreeMap::from([("accuracy".to_owned(), f64::NAN)]);
    let end = RunStatus::Succeeded { version: version(1), metrics };
    let written = catalog.update_run(&run.request.run, None, &end, time(20)).await;
    assert!(matches!(written, Err(Error::Unwritable { .. })), "{written:?}");
    assert_eq!(get(catalog, &run).await, Some(run), "nothing is written that cannot be read");
}

async fn lists_the_last(catalog: &dyn Catalog) {
    catalog.create_run(&run(4, "birds")).await.expect("a run can be recorded");
    let pets = catalog.runs(&name("pets"), 2).await.expect("runs can be listed");
    let seconds: Vec<_> = pets.iter().map(|run| run.requested_at).collect();
    assert_eq!(seconds, [time(3), time(2)], "the last runs of one model, newest first");
    assert_eq!(catalog.runs(&name("birds"), 9).await.expect("runs can be listed"), [run(4, "birds")]);
    assert_eq!(catalog.runs(&name("birds"), 0).await.expect("none can be asked for"), []);
    assert_eq!(catalog.runs(&name("nothing"), 9).await.expect("runs can be listed"), []);
}
