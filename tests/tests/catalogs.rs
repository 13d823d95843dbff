//! A catalog that cannot be used is a wrong setting: exit code 2, and one line that names the variable and what to do.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use pappus_tests::{Database, Ended, Function, Home, neighbour, place, unique};
use tokio::runtime::Runtime;

/// Sees that neither the program nor a function begins with this catalog, and that both say why, without the password.
fn refused(catalog: &str, says: &str) -> Result<()> {
    let home = Home::new()?.with("PAPPUS_CATALOG", catalog);
    let Ended { stderr, .. } = home.run(&["status"])?.expect(2)?;
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: PAPPUS_CATALOG cannot be used: ") && stderr.contains(says), "{stderr}");
    let started = Function::start(&home, "train-trigger", &[]).err().context("it cannot start")?.to_string();
    assert!(started.contains("PAPPUS_CATALOG cannot be used: ") && started.contains(says), "{started}");
    assert!(!stderr.contains("s3cret") && !started.contains("s3cret"), "{stderr}{started}");
    let (account, _) = catalog.strip_prefix("mysql://").and_then(|rest| rest.split_once('@')).unwrap_or_default();
    if let Some((_, secret)) = account.split_once(':') {
        assert!(!stderr.contains(secret) && !started.contains(secret), "{stderr}{started}");
    }
    Ok(())
}

#[test]
fn a_scheme_of_no_catalog_is_refused() -> Result<()> {
    refused("postgres://ada:s3cret@host/plants", "`sqlite://relative/path`")?;
    refused("postgres://ada@host/plants?password=s3cret", "`sqlite://relative/path`")
}

#[test]
fn a_database_that_cannot_be_used_is_refused() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_MYSQL") else { return Ok(()) };
    let (account, address) = server.rsplit_once('@').context("a URL with a user")?;
    let (user, _) = account.rsplit_once(':').context("a URL with a password")?;
    refused(&format!("{user}:wrong-one@{address}"), "check the user")?;
    let (server_alone, _) = server.rsplit_once('/').context("a URL with a database")?;
    refused(&format!("{server_alone}/pappus_missing"), "create it")?;

    let database = Database::new(&server)?;
    database.execute("CREATE TABLE runs (run_uuid VARCHAR(32))")?;
    refused(&database.url(), "a database of its own")?;

    let database = Database::new(&server)?;
    Home::new()?.with("PAPPUS_CATALOG", database.url()).json(&["status"])?;
    database.execute("UPDATE pappus_layout SET layout = 1000")?;
    refused(&database.url(), "use the version of pappus that wrote it")
}

#[test]
fn a_table_that_cannot_be_used_is_refused() -> Result<()> {
    let Some(server) = neighbour("PAPPUS_TEST_DYNAMODB") else { return Ok(()) };
    let table = format!("customers-{}", unique());
    make_table(&server, &table)?;
    refused(&place(&server, &table)?, "name another table")?;
    refused(&place(&server, "no")?, "dynamodb://TABLE")
}

/// Makes a table such as another program has.
fn make_table(url: &str, table: &str) -> Result<()> {
    let (_, query) = url.split_once("endpoint=").context("a URL with an endpoint")?;
    let endpoint = query.split('&').next().context("an endpoint")?;
    let (id, secret) = (std::env::var("AWS_ACCESS_KEY_ID")?, std::env::var("AWS_SECRET_ACCESS_KEY")?);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .build();
    let number = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::N).build()?;
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?;
    let made = aws_sdk_dynamodb::Client::from_conf(config)
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(number)
        .key_schema(key)
        .send();
    Runtime::new()?.block_on(made)?;
    Ok(())
}
