//! What an error of DynamoDB amounts to.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use super::client::is_passing;
use crate::Error;

pub(super) const NO_CREDENTIALS: &str = "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
     or AWS_PROFILE, or give this machine a role";
const BAD_CREDENTIALS: &str = "it does not take these AWS credentials: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, \
     where they are temporary, AWS_SESSION_TOKEN to ones that are valid and have not expired";
const DENIED: &str = "the owner of AWS_ACCESS_KEY_ID, or the role of this machine, may not do this: allow it what \
     docs/catalog.md lists";

/// What the server, or the way to it, said.
pub(super) fn fault<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    match code {
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "ThrottlingException"
        | "LimitExceededException"
        | "TransactionInProgressException"
        | "TransactionConflictException" => Error::Busy(error.into()),
        "ItemCollectionSizeLimitExceededException" => Error::Full(error.into()),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken" => Error::Credentials { hint: BAD_CREDENTIALS, source: error.into() },
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => {
            Error::Credentials { hint: DENIED, source: error.into() }
        }
        _ => Error::Unavailable(error.into()),
    }
}

/// What stood against a transaction, where that is not a condition of its own.
pub(super) fn cancelled(error: SdkError<TransactWriteItemsError>) -> Error {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return fault(error);
    };
    let reasons = cancelled.cancellation_reasons();
    if is_passing(reasons) {
        return Error::Busy(error.into());
    }
    if reasons.iter().any(|reason| reason.code() == Some("ItemCollectionSizeLimitExceeded")) {
        return Error::Full(error.into());
    }
    Error::Unavailable(error.into())
}
