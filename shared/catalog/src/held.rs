//! Work under a lease.

use std::future::Future;
use std::time::Duration;

use pappus_domain::{Lease, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::SharedCatalog;

/// Does `work` while a lease is held, which is renewed meanwhile. Nothing where the lease was lost: then the work was
/// dropped where it stood. It is for the caller to give the lease back.
pub async fn while_held<T>(catalog: &SharedCatalog, lease: Lease, work: impl Future<Output = T>) -> Option<T> {
    let (lost, is_lost) = watch::channel(false);
    // A set, for it stops its tasks when it is dropped, as it is when nobody waits for this work any more.
    let mut heart = JoinSet::new();
    heart.spawn(beat(catalog.clone(), lease, lost));
    tokio::select! {
        done = work => Some(done),
        // The value is sent once, and the sender lives as long as the heart.
        _ = wait(is_lost) => None,
    }
}

async fn wait(mut is_lost: watch::Receiver<bool>) {
    // An error means that the heart has stopped without losing the lease: then nothing is lost.
    if is_lost.wait_for(|lost| *lost).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Renews the lease until it is lost.
async fn beat(catalog: SharedCatalog, mut lease: Lease, lost: watch::Sender<bool>) {
    let every = Duration::try_from(Lease::HEARTBEAT).unwrap_or(Duration::from_secs(1));
    let mut tick = tokio::time::interval(every);
    loop {
        tick.tick().await;
        // Once the lease has run out it may be another's, whatever a catalog that hangs will say in the end.
        let left = lease.expires_at.duration_since(Timestamp::now());
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        match timeout(left, catalog.renew_lease(&lease, Timestamp::now())).await {
            Ok(Ok(Some(renewed))) => lease = renewed,
            // The catalog may come back before the lease runs out.
            Ok(Err(_)) if !lease.is_expired(Timestamp::now()) => {}
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    // The work may have ended meanwhile.
    let _ = lost.send(true);
}
