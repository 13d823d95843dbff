//! The table: made where it is missing, marked as a catalog, and looked at before it is used.

use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, LocalSecondaryIndex, Projection, ProjectionType,
    ScalarAttributeType, TableDescription, TableStatus,
};
use tokio::time::{Instant, sleep};

use super::fault::fault;
use super::item::{FIRST_ORDER, Item, PARTITION, PLACE, Row, SECOND_ORDER};
use super::key::Key;
use super::table::{If, Table};
use crate::Error;

/// The layout that this program writes and reads. Local indexes are made with the table or never: a layout with others
/// is another table, and `pappus migrate` goes from one to the other.
const LAYOUT: usize = 1;
const APPLICATION: &str = "pappus catalog";

/// How long a table may take to be made, and how often to look.
const MAKING: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);

/// Makes the table a catalog of this layout. Several processes may do so at once.
pub(super) async fn prepare(table: &Table) -> Result<(), Error> {
    let described = active(table).await?;
    if let Some(why) = other_keys(&described) {
        return Err(foreign(table, why));
    }
    if marked(table).await? {
        return Ok(());
    }
    if !is_empty(table).await? {
        // Somebody may have marked and used it since.
        return if marked(table).await? { Ok(()) } else { Err(foreign(table, "it holds items that are no catalog")) };
    }
    let mark = Item::at(Key::layout()).text("application", APPLICATION).number("layout", LAYOUT);
    if table.put(mark, If::Absent).await? {
        tracing::info!(table = table.name, layout = LAYOUT, "made the table a catalog");
    }
    check(table).await
}

/// Whether the table can be reached and is a catalog of this layout.
pub(super) async fn check(table: &Table) -> Result<(), Error> {
    if marked(table).await? { Ok(()) } else { Err(foreign(table, "its item `pappus` `layout` is not there")) }
}

/// Whether the table says that it is a catalog of this layout; an error where it says that it is something else.
async fn marked(table: &Table) -> Result<bool, Error> {
    let Some(found) = table.get(Key::layout()).await? else { return Ok(false) };
    let row = Row::of("layout", found);
    if row.maybe("application").ok().flatten() != Some(APPLICATION) {
        return Err(foreign(table, "its item `pappus` `layout` is another program's"));
    }
    match row.number::<i64>("layout")? {
        found if usize::try_from(found).is_ok_and(|found| found <= LAYOUT) => Ok(true),
        found => Err(Error::NewerSchema { found, known: LAYOUT }),
    }
}

/// Waits until the table is there to be used, and makes it where it is not.
async fn active(table: &Table) -> Result<TableDescription, Error> {
    let begun = Instant::now();
    loop {
        let described = table.client.describe_table().table_name(&table.name).send().await;
        match described.map(|described| described.table) {
            Ok(Some(described)) => match described.table_status {
                Some(TableStatus::Active | TableStatus::Updating) => return Ok(described),
                Some(TableStatus::Creating) => {}
                status => {
                    let status = status.map_or("unknown".into(), |status| status.to_string());
                    return Err(Error::Unavailable(format!("table `{}` is {status}", table.name).into()));
                }
            },
            Ok(None) => return Err(Error::Unavailable("the server does not describe the table".into())),
            Err(error) if error.code() == Some("ResourceNotFoundException") => make(table).await?,
            Err(error) => return Err(fault(error)),
        }
        if begun.elapsed() > MAKING {
            return Err(Error::Unavailable(format!("table `{}` is not ready after {MAKING:?}", table.name).into()));
        }
        sleep(LOOK).await;
    }
}

/// Makes the table; that somebody else is making it at the same time is as good.
async fn make(table: &Table) -> Result<(), Error> {
    let (attributes, keys, orders) = schema().map_err(|source| Error::Unavailable(source.into()))?;
    let made = table
        .client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(keys))
        .set_local_secondary_indexes(Some(orders))
        .send()
        .await;
    match made {
        Ok(_) => tracing::info!(table = table.name, "making the table"),
        Err(error) if error.code() == Some("ResourceInUseException") => {}
        Err(error) => return Err(fault(error)),
    }
    Ok(())
}

type Schema = (Vec<AttributeDefinition>, Vec<KeySchemaElement>, Vec<LocalSecondaryIndex>);

fn schema() -> Result<Schema, BuildError> {
    let text =
        |name| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build();
    let attributes = [PARTITION, PLACE, FIRST_ORDER, SECOND_ORDER].map(text).into_iter().collect::<Result<_, _>>()?;
    let order = |name: &str| {
        LocalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(keys(name)?))
            // Whole rows, so that a page is one request; of a row under a kilobyte, writing the key alone costs the same.
            .projection(Projection::builder().projection_type(ProjectionType::All).build())
            .build()
    };
    Ok((attributes, keys(PLACE)?, vec![order(FIRST_ORDER)?, order(SECOND_ORDER)?]))
}

fn keys(place: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![key(PARTITION, KeyType::Hash)?, key(place, KeyType::Range)?])
}

/// What of the table's keys and indexes is not a catalog's, if something is not.
fn other_keys(described: &TableDescription) -> Option<&'static str> {
    let (attributes, keys, orders) = schema().ok()?;
    if described.key_schema() != keys {
        return Some("its key is not `pk` and `sk`");
    }
    let is_text = |wanted: &AttributeDefinition| described.attribute_definitions().contains(wanted);
    if !attributes.iter().all(is_text) {
        return Some("its keys are not texts");
    }
    let has = |wanted: &LocalSecondaryIndex| {
        described.local_secondary_indexes().iter().any(|found| {
            found.index_name() == Some(wanted.index_name())
                && found.key_schema() == wanted.key_schema()
                && found.projection().and_then(Projection::projection_type) == Some(&ProjectionType::All)
        })
    };
    (!orders.iter().all(has)).then_some("it has no local indexes `by1` and `by2` of whole items")
}

/// Whether there is nothing in the table. Asked only of one that does not say what it is.
async fn is_empty(table: &Table) -> Result<bool, Error> {
    let scan = table.client.scan().table_name(&table.name).consistent_read(true).limit(1).send().await;
    Ok(scan.map_err(fault)?.items().is_empty())
}

fn foreign(table: &Table, why: &'static str) -> Error {
    Error::ForeignTable { table: table.name.clone(), why }
}
