//! The client: how long it waits, and what it tries again.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction, RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Credentials, ProvideCredentials as _};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::CancellationReason;

use super::address::Address;
use super::fault::NO_CREDENTIALS;
use crate::Error;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one try of a request may take.
const TRY: Duration = Duration::from_secs(8);
/// How long a request may take, all tries together: what a dead server costs.
const REQUEST: Duration = Duration::from_secs(20);
/// Tries of a request that was turned away, or not answered.
const TRIES: u32 = 10;
/// Before the second try, on average half of this; then twice as long each time, at most [`MOST`].
pub(super) const FIRST: Duration = Duration::from_millis(50);
pub(super) const MOST: Duration = Duration::from_secs(2);

/// A client for the server that the address names, with the credentials of the environment where none are given.
///
/// # Errors
/// [`Error::Credentials`] where the environment has none either, [`Error::BadUrl`] where nothing names a region.
pub(super) async fn connect(address: &Address, credentials: Option<Credentials>) -> Result<Client, Error> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &address.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &address.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = credentials {
        loader = loader.credentials_provider(credentials);
    }
    let shared = loader.load().await;
    if shared.region().is_none() {
        return Err(address.lacks_region());
    }
    let provider = shared.credentials_provider();
    let no_credentials = |source| Error::Credentials { hint: NO_CREDENTIALS, source };
    match provider {
        Some(provider) => provider.provide_credentials().await.map_err(|source| no_credentials(source.into()))?,
        None => return Err(no_credentials("there is nothing that provides them".into())),
    };
    // Each request has its tries: nothing is saved by giving all of them up where many fail at once.
    let tries = RetryPartition::custom("catalog").token_bucket(TokenBucket::unlimited()).build();
    let config = Builder::from(&shared)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .operation_attempt_timeout(TRY)
                .operation_timeout(REQUEST)
                .build(),
        )
        .retry_config(
            RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(FIRST).with_max_backoff(MOST),
        )
        .retry_partition(tries)
        .retry_classifier(Conflicts)
        .build();
    Ok(Client::from_conf(config))
}

/// Tries writes again that others were in the way of. The SDK by itself tries again what was throttled or not answered.
#[derive(Debug)]
struct Conflicts;

impl ClassifyRetry for Conflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let Some(error) = error.as_operation_error() else { return RetryAction::NoActionIndicated };
        let code = || {
            let put = error.downcast_ref::<PutItemError>().and_then(ProvideErrorMetadata::code);
            let update = || error.downcast_ref::<UpdateItemError>().and_then(ProvideErrorMetadata::code);
            let delete = || error.downcast_ref::<DeleteItemError>().and_then(ProvideErrorMetadata::code);
            let batch = || error.downcast_ref::<BatchWriteItemError>().and_then(ProvideErrorMetadata::code);
            put.or_else(update).or_else(delete).or_else(batch)
        };
        let again = match error.downcast_ref::<TransactWriteItemsError>() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                is_passing(cancelled.cancellation_reasons())
            }
            Some(_) => false,
            None => code() == Some("TransactionConflictException"),
        };
        if again { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "transaction conflicts"
    }
}

/// Whether a transaction may succeed as it is, later: nothing stood against it but others' haste.
pub(super) fn is_passing(reasons: &[CancellationReason]) -> bool {
    reasons.iter().all(|reason| {
        matches!(
            reason.code(),
            None | Some("None" | "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
        )
    })
}
