//! Tables that are missing, of others, or of another version.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use futures::future::join_all;
use pappus_catalog::contract::samples::image;
use pappus_catalog::{Catalog as _, DynamoDbCatalog, Error, Images as _, OnConflict, Recorded};

use crate::server::TestTable;

#[tokio::test(flavor = "multi_thread")]
async fn ten_that_start_at_once_make_one_table() {
    let Some(table) = TestTable::new() else { return };
    let record = async |number| {
        let catalog = table.open().await;
        let recorded = catalog.record_images(&[image(number, None)], OnConflict::Keep).await;
        assert_eq!(recorded.expect("it records"), [Recorded::New]);
    };
    join_all((0..10).map(record)).await;
    let catalog = table.open().await;
    assert_eq!(catalog.image_counts().await.expect("it counts").stored, 10, "nothing is lost");
    catalog.check().await.expect("it can be used");
    table.delete().await;
}

/// Sets an attribute of the row that says what the table is.
async fn mark(table: &TestTable, name: &str, value: AttributeValue) {
    let update = table.client().await.update_item().table_name(&table.name);
    let update = update
        .key("pk", AttributeValue::S("pappus".into()))
        .key("sk", AttributeValue::S("layout".into()))
        .update_expression("SET #name = :value")
        .expression_attribute_names("#name", name)
        .expression_attribute_values(":value", value);
    update.send().await.expect("it can be set");
}

async fn refusal(table: &TestTable) -> Error {
    DynamoDbCatalog::open(&table.url_at(&table.endpoint)).await.expect_err("it is no catalog of this program's")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_layout_is_refused() {
    let Some(table) = TestTable::new() else { return };
    let catalog = table.open().await;
    mark(&table, "layout", AttributeValue::N("1000".into())).await;
    for error in [refusal(&table).await, catalog.check().await.expect_err("not any more")] {
        assert!(matches!(error, Error::NewerSchema { found: 1000, .. }), "{error:?}");
        assert!(error.to_string().contains("use the version of pappus that wrote it"), "{error}");
    }
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_others_have_marked_is_refused() {
    let Some(table) = TestTable::new() else { return };
    table.open().await;
    mark(&table, "application", AttributeValue::S("bicycles".into())).await;
    assert!(matches!(refusal(&table).await, Error::ForeignTable { .. }));
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_other_items_is_refused_and_left_alone() {
    let Some(table) = TestTable::new() else { return };
    let client = table.client().await;
    table.open().await;
    let key = |name: &str| AttributeValue::S(name.into());
    let delete = client.delete_item().table_name(&table.name).key("pk", key("pappus")).key("sk", key("layout"));
    delete.send().await.expect("the mark can be removed");
    table.open().await;
    let delete = client.delete_item().table_name(&table.name).key("pk", key("pappus")).key("sk", key("layout"));
    delete.send().await.expect("the mark can be removed");
    let put = client.put_item().table_name(&table.name).item("pk", key("customer")).item("sk", key("1"));
    put.send().await.expect("it can be put");
    let error = refusal(&table).await;
    assert!(matches!(&error, Error::ForeignTable { table: name, .. } if *name == table.name), "{error:?}");
    assert!(error.to_string().contains("name another table"), "{error}");
    let items = client.scan().table_name(&table.name).send().await.expect("it can be looked at");
    assert_eq!(items.count(), 1, "nothing was put into it");
    table.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_other_keys_is_refused() {
    let Some(table) = TestTable::new() else { return };
    let definition = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::N).build();
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build();
    let client = table.client().await;
    let make = client.create_table().table_name(&table.name).billing_mode(BillingMode::PayPerRequest);
    let make = make.attribute_definitions(definition.expect("whole")).key_schema(key.expect("whole"));
    make.send().await.expect("it can be made");
    let error = refusal(&table).await;
    assert!(matches!(&error, Error::ForeignTable { .. }), "{error:?}");
    assert!(error.to_string().contains("its key is not"), "{error}");
    table.delete().await;
}
