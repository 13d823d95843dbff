//! The server that tests run against, and tables of their own in it.

use std::io::Write as _;
use std::process::Command;

use aws_sdk_dynamodb::Client;
use pappus_catalog::DynamoDbCatalog;
use uuid::Uuid;

/// Says something that the test runner does not keep to itself when the test passes.
pub fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("standard error is open");
}

/// A table for one test, which goes with it.
pub struct TestTable {
    pub name: String,
    pub endpoint: String,
    region: String,
}

impl TestTable {
    /// A name that no table has; `None`, said aloud, where there is no server to test against.
    pub fn new() -> Option<Self> {
        let Ok(url) = std::env::var("PAPPUS_TEST_DYNAMODB") else {
            say("skipped: PAPPUS_TEST_DYNAMODB names no DynamoDB to test against");
            return None;
        };
        let parameter = |name: &str| {
            let parameters = url.split_once('?').expect("a URL with parameters").1.split('&');
            let mut values = parameters.filter_map(|parameter| parameter.split_once('='));
            values.find(|(key, _)| *key == name).expect("an endpoint and a region").1.to_owned()
        };
        let name = format!("pappus-test-{}", Uuid::now_v7().simple());
        Some(Self { name, endpoint: parameter("endpoint"), region: parameter("region") })
    }

    /// The URL of the table, by way of this server.
    pub fn url_at(&self, endpoint: &str) -> String {
        format!("dynamodb://{}?endpoint={endpoint}&region={}", self.name, self.region)
    }

    pub async fn open(&self) -> DynamoDbCatalog {
        DynamoDbCatalog::open(&self.url_at(&self.endpoint)).await.expect("it opens")
    }

    /// The server itself.
    pub async fn client(&self) -> Client {
        let region = aws_config::Region::new(self.region.clone());
        Client::new(&aws_config::from_env().endpoint_url(&self.endpoint).region(region).load().await)
    }

    pub async fn delete(self) {
        // What was never made need not go.
        let _ = self.client().await.delete_table().table_name(&self.name).send().await;
    }
}

/// Runs `test`, the one of this name, with these variables in its environment, or without them: in a process of its own,
/// since the environment is the whole process's.
pub fn among(name: &str, variables: &[(&str, Option<&str>)], test: impl Future<Output = ()>) {
    const CHILD: &str = "PAPPUS_TEST_CHILD";
    if std::env::var(CHILD).is_ok_and(|child| child == name) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(test);
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args([name, "--exact", "--nocapture"]).env(CHILD, name);
    for (variable, value) in variables {
        match value {
            Some(value) => child.env(variable, value),
            None => child.env_remove(variable),
        };
    }
    let output = child.output().expect("this program runs");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("1 passed"), "there is a test {name}");
}

/// The environment of a test that needs keys, and no server that knows them.
pub const ANY_KEYS: &[(&str, Option<&str>)] =
    &[("AWS_ACCESS_KEY_ID", Some("AKIATEST")), ("AWS_SECRET_ACCESS_KEY", Some("a secret"))];
