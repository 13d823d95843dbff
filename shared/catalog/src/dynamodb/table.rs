//! The requests that the catalog makes of its table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, DeleteRequest, KeysAndAttributes, Put, PutRequest,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update, WriteRequest,
};
use futures::stream::{self, TryStreamExt as _};
use uuid::Uuid;

use super::client::{FIRST, MOST};
use super::fault::{cancelled, fault};
use super::item::{Attributes, Item, PARTITION, ROWS, Row, WRITE, attributes};
use super::key::Key;
use crate::Error;

/// The most rows that DynamoDB reads at once by their keys.
const READ_AT_ONCE: usize = 100;
/// The most rows that it writes at once without conditions.
const WRITE_AT_ONCE: usize = 25;
/// Such writes that are under way at once.
const BATCHES_AT_ONCE: usize = 8;
/// How often a batch that was done in part goes on.
const ROUNDS: u32 = 12;

/// A table and the way to it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// What a row must be for it to be written.
#[derive(Clone, Debug)]
pub(super) enum If {
    /// It must not be there.
    Absent,
    /// It must be as this write left it.
    LeftBy(String),
    /// Whatever it is.
    Whatever,
}

/// One write of a transaction.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// Makes or replaces a row.
    Put(Item, If),
    /// Counts up or down.
    Count(Key, i64),
}

impl Table {
    /// One row, as of now.
    pub(super) async fn get(&self, key: Key) -> Result<Option<Attributes>, Error> {
        let get = self.client.get_item().table_name(&self.name).set_key(Some(attributes(key))).consistent_read(true);
        Ok(get.send().await.map_err(fault)?.item)
    }

    /// Rows, as of now, in no order. No key may be there twice.
    pub(super) async fn get_all(&self, keys: Vec<Key>) -> Result<Vec<Attributes>, Error> {
        let mut rows = Vec::with_capacity(keys.len());
        for some in keys.chunks(READ_AT_ONCE) {
            let mut left: Vec<Attributes> = some.iter().cloned().map(attributes).collect();
            for round in 0.. {
                let wanted = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
                let get = self.client.batch_get_item().request_items(&self.name, wanted.map_err(unbuilt)?);
                let mut got = get.send().await.map_err(fault)?;
                rows.extend(got.responses.take().and_then(|mut rows| rows.remove(&self.name)).unwrap_or_default());
                left = got
                    .unprocessed_keys
                    .and_then(|mut left| left.remove(&self.name))
                    .map(|left| left.keys)
                    .unwrap_or_default();
                if left.is_empty() {
                    break;
                }
                pause(round).await?;
            }
        }
        Ok(rows)
    }

    /// Writes a row under a condition; whether that held. A write that was not answered, and so was tried again, is known
    /// by its mark.
    pub(super) async fn put(&self, item: Item, condition: If) -> Result<bool, Error> {
        let (mark, item) = marked(item);
        let (expression, names, values) = condition.parts();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(there)) => {
                let left_by = there.item().and_then(|item| item.get(WRITE));
                Ok(left_by == Some(&AttributeValue::S(mark)))
            }
            _ => Err(fault(error)),
        }
    }

    /// Removes a row that is as this write left it; whether it was.
    pub(super) async fn delete(&self, key: Key, left_by: &str) -> Result<bool, Error> {
        let (expression, names, values) = If::LeftBy(left_by.into()).parts();
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .set_condition_expression(expression)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(fault(error)),
        }
    }

    /// Sets an attribute that a row lacks; a row that has it, or is not there, stays as it is.
    pub(super) async fn complete(&self, key: Key, name: &str, value: String) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .update_expression("SET #name = :value, #write = :write")
            .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#name)")
            .expression_attribute_names("#name", name)
            .expression_attribute_names("#write", WRITE)
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_values(":value", AttributeValue::S(value))
            .expression_attribute_values(":write", AttributeValue::S(mark()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }

    /// Writes up to 100 rows, no row twice, if every condition holds: all of them, or none where one does not.
    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<bool, Error> {
        let writes =
            writes.into_iter().map(|write| self.part(write)).collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
        // The token makes DynamoDB do once what an answer that was lost makes the client ask for again.
        let transact = self.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(mark());
        let Err(error) = transact.send().await else { return Ok(true) };
        let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if cancelled.cancellation_reasons().iter().any(failed) =>
            {
                Ok(false)
            }
            _ => Err(cancelled(error)),
        }
    }

    fn part(&self, write: Write) -> Result<TransactWriteItem, BuildError> {
        let part = TransactWriteItem::builder();
        match write {
            Write::Put(item, condition) => {
                let (expression, names, values) = condition.parts();
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(marked(item).1))
                    .set_condition_expression(expression)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values);
                Ok(part.put(put.build()?).build())
            }
            Write::Count(key, difference) => {
                let update = Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(attributes(key)))
                    .update_expression("ADD #rows :difference")
                    .expression_attribute_names("#rows", ROWS)
                    .expression_attribute_values(":difference", AttributeValue::N(difference.to_string()));
                Ok(part.update(update.build()?).build())
            }
        }
    }

    /// Writes rows whatever is there, not as one.
    pub(super) async fn put_all(&self, items: Vec<Item>) -> Result<(), Error> {
        let request = |item| PutRequest::builder().set_item(Some(marked(item).1)).build();
        let requests = items.into_iter().map(|item| Ok(WriteRequest::builder().put_request(request(item)?).build()));
        self.write_all(requests.collect::<Result<_, _>>().map_err(unbuilt)?).await
    }

    /// Removes rows, not as one.
    pub(super) async fn delete_all(&self, keys: Vec<Key>) -> Result<(), Error> {
        let request = |key| DeleteRequest::builder().set_key(Some(attributes(key))).build();
        let requests = keys.into_iter().map(|key| Ok(WriteRequest::builder().delete_request(request(key)?).build()));
        self.write_all(requests.collect::<Result<_, _>>().map_err(unbuilt)?).await
    }

    async fn write_all(&self, requests: Vec<WriteRequest>) -> Result<(), Error> {
        let batches = stream::iter(requests.chunks(WRITE_AT_ONCE).map(Ok));
        batches.try_for_each_concurrent(BATCHES_AT_ONCE, |some| self.write_some(some.to_vec())).await
    }

    async fn write_some(&self, mut left: Vec<WriteRequest>) -> Result<(), Error> {
        for round in 0.. {
            let write = self.client.batch_write_item().request_items(&self.name, left);
            let written = write.send().await.map_err(fault)?;
            left = written.unprocessed_items.and_then(|mut left| left.remove(&self.name)).unwrap_or_default();
            if left.is_empty() {
                break;
            }
            pause(round).await?;
        }
        Ok(())
    }
}

type Parts = (Option<String>, Option<HashMap<String, String>>, Option<Attributes>);

impl If {
    /// That a row is still what was read, or still not there.
    pub(super) fn still(known: Option<&Row>) -> Result<Self, Error> {
        known.map_or(Ok(Self::Absent), |known| Ok(Self::LeftBy(known.write()?.into())))
    }

    /// As DynamoDB has it: the expression, and what the names and values in it stand for.
    fn parts(self) -> Parts {
        let named = |name: &str, of: &str| Some(HashMap::from([(name.to_owned(), of.to_owned())]));
        match self {
            Self::Absent => (Some("attribute_not_exists(#pk)".into()), named("#pk", PARTITION), None),
            Self::LeftBy(write) => (
                Some("#write = :before".into()),
                named("#write", WRITE),
                Some(HashMap::from([(":before".into(), AttributeValue::S(write))])),
            ),
            Self::Whatever => (None, None, None),
        }
    }
}

/// A row with the mark of the write that it is to be written by.
fn marked(item: Item) -> (String, Attributes) {
    let mark = mark();
    let item = item.text(WRITE, &mark).into_attributes();
    (mark, item)
}

/// A mark that no other write has.
pub(super) fn mark() -> String {
    Uuid::now_v7().simple().to_string()
}

/// A request that lacks something that every request of its kind has: never, in truth.
fn unbuilt(error: BuildError) -> Error {
    Error::Unavailable(error.into())
}

/// Waits before what was done in part goes on: twice as long each time, and by chance shorter, so that those who were
/// turned away together do not come back together.
async fn pause(round: u32) -> Result<(), Error> {
    if round == ROUNDS {
        return Err(Error::Busy("DynamoDB did only a part of what was asked of it, time and again".into()));
    }
    let most = FIRST.saturating_mul(1 << round.min(16)).min(MOST);
    let chance = f64::from(Uuid::now_v7().as_bytes()[15]) / 256.0;
    tokio::time::sleep(most.mul_f64(chance)).await;
    Ok(())
}
