//! What the prediction log costs, and what writers and removers of it do to each other.

use futures::future::{BoxFuture, FutureExt as _, join};
use pappus_catalog::contract::samples::{prediction, time};
use pappus_catalog::{DynamoDbCatalog, Predictions as _, TimeRange};
use pappus_domain::prediction::PredictionId;
use pappus_domain::{Prediction, Timestamp};
use tokio::sync::watch;
use uuid::{NoContext, Uuid};

use crate::proxy::{Call, Fate, Proxy};
use crate::server::TestTable;

const ALWAYS: TimeRange = TimeRange { from: None, until: None };

/// A prediction as `predict` makes them: its id is of its time.
fn made(at: Timestamp) -> Prediction {
    let millisecond = at.as_millisecond().cast_unsigned();
    let time = uuid::Timestamp::from_unix(NoContext, millisecond / 1000, (millisecond % 1000 * 1_000_000) as u32);
    Prediction { id: PredictionId(Uuid::new_v7(time)), at, ..prediction(0, 0) }
}

/// What is asked of the server while a call lasts.
async fn asked<T>(proxy: &Proxy, call: impl Future<Output = T>) -> (T, Vec<String>) {
    let before = proxy.operations().len();
    let answer = call.await;
    (answer, proxy.operations().split_off(before))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_does_not_grow_with_the_log() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    let proxy = Proxy::before(Some(&table.endpoint), |_| Fate::Through).await;
    let catalog = DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens");
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).expect("a moment of this century");
    let log: Vec<Prediction> = (0..1000).map(|_| made(now)).collect();
    catalog.log_predictions(&log).await.expect("it logs");
    let (logged, asked_to_log) = asked(&proxy, catalog.log_predictions(&[made(now)])).await;
    logged.expect("it logs");
    assert_eq!(asked_to_log, ["PutItem"], "one write a prediction, in an hour that is known");
    let (found, asked_for_one) = asked(&proxy, catalog.prediction(&log[7].id)).await;
    assert_eq!(found.expect("it reads").as_ref(), Some(&log[7]));
    assert_eq!(asked_for_one, ["GetItem"]);
    let (page, asked_for_page) = asked(&proxy, catalog.predictions(&ALWAYS, None, 50)).await;
    assert_eq!(page.expect("it reads").len(), 50);
    assert!(asked_for_page.len() <= 1 + 8 + 8, "the list of hours, and each part of one, twice at most");
    let (count, asked_to_count) = asked(&proxy, catalog.count_predictions(&ALWAYS, 100)).await;
    assert_eq!(count.expect("it counts"), 100);
    assert!(asked_to_count.len() <= 1 + 8);
    // Hours that are far apart are not looked for in between.
    catalog.log_predictions(&[made(time(0))]).await.expect("it logs");
    let old = TimeRange { from: Some(Timestamp::UNIX_EPOCH), until: Some(time(1_000_000)) };
    let (page, asked_for_old) = asked(&proxy, catalog.predictions(&old, None, 50)).await;
    assert_eq!(page.expect("it reads").len(), 1);
    assert_eq!(asked_for_old, ["Query", "Query"], "years without a prediction cost nothing");
    table.delete().await;
}

/// A prediction of one partition, `seconds` after some moment of its hour.
fn of_one_hour(seconds: i64) -> Prediction {
    let millisecond = time(seconds).as_millisecond().cast_unsigned();
    let id = uuid::Builder::from_unix_timestamp_millis(millisecond, &[7; 10]).into_uuid();
    Prediction { id: PredictionId(id), ..prediction(0, seconds) }
}

/// A catalog whose requests that `is_held` picks wait for `go`; and word of the first of them.
async fn held_up(
    table: &TestTable,
    is_held: fn(&Call) -> bool,
    go: watch::Receiver<bool>,
) -> (DynamoDbCatalog, Proxy, watch::Receiver<bool>) {
    let (reached, is_reached) = watch::channel(false);
    let proxy = Proxy::before(Some(&table.endpoint), move |call| {
        if !is_held(call) {
            return Fate::Through;
        }
        reached.send_replace(true);
        Fate::Held(go.clone())
    });
    let proxy = proxy.await;
    (DynamoDbCatalog::open(&table.url_at(&proxy.endpoint)).await.expect("it opens"), proxy, is_reached)
}

fn strikes_off(call: &Call) -> bool {
    let requests = call.body["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values());
    let mut requests = requests.filter_map(|requests| requests.as_array()).flatten();
    requests.any(|request| request["DeleteRequest"]["Key"]["pk"]["S"] == "prediction")
}

fn logs(call: &Call) -> bool {
    call.operation == "PutItem"
}

/// Writes a prediction to an hour that is being emptied, once with the remover stopped before it strikes the hour off, and
/// once with the writer stopped before it writes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_while_its_hour_is_struck_off_is_listed() {
    let first: fn(&Call) -> bool = strikes_off;
    for (is_held, is_remover_held) in [(first, true), (logs, false)] {
        let Some(table) = TestTable::new() else { return };
        let catalog = table.open().await;
        catalog.log_predictions(&[of_one_hour(0)]).await.expect("it logs");
        let (go, gone) = watch::channel(false);
        let (hindered, _proxy, mut reached) = held_up(&table, is_held, gone).await;
        let (remover, writer) = if is_remover_held { (&hindered, &catalog) } else { (&catalog, &hindered) };
        let kept = of_one_hour(1);
        let (remove, log) =
            (remover.delete_predictions(time(7200), 100), writer.log_predictions(std::slice::from_ref(&kept)));
        let (first, second): (BoxFuture<'_, ()>, BoxFuture<'_, ()>) = {
            let remove = remove.map(|removed| assert_eq!(removed.expect("it removes"), 1)).boxed();
            let log = log.map(|logged| logged.expect("it logs")).boxed();
            if is_remover_held { (remove, log) } else { (log, remove) }
        };
        let second = async {
            reached.wait_for(|reached| *reached).await.expect("it is reached");
            second.await;
            go.send_replace(true);
        };
        join(first, second).await;
        let listed = catalog.predictions(&ALWAYS, None, 10).await.expect("it reads");
        assert_eq!(listed, [kept], "held up was the remover: {is_remover_held}");
        table.delete().await;
    }
}
