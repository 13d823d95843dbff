//! Servers that do not want this program, or are not there.

use std::error::Error as _;
use std::net::TcpListener;
use std::time::Duration;

use futures::future::join_all;
use pappus_catalog::{DynamoDbCatalog, Error};
use tokio::time::timeout;

use crate::proxy::{Fate, Proxy};
use crate::server::{ANY_KEYS, among};

/// What opening the catalog of a server comes to, within the time that is promised and some for a busy machine.
async fn refusal(endpoint: &str) -> Error {
    let url = format!("dynamodb://pappus-test?endpoint={endpoint}&region=eu-central-1");
    let opened = timeout(Duration::from_secs(40), DynamoDbCatalog::open(&url)).await;
    opened.expect("a server that does not answer is given up").expect_err("it cannot be opened")
}

/// What comes of a server that treats every request alike.
async fn refusal_where(fate: Fate) -> Error {
    let proxy = Proxy::before(None, move |_| fate.clone()).await;
    refusal(&proxy.endpoint).await
}

/// Everything that an error and its sources say.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn a_server_that_turns_everything_away_is_busy() {
    among("turned_away::a_server_that_turns_everything_away_is_busy", ANY_KEYS, async {
        let codes = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];
        for (error, code) in join_all(codes.map(|code| refusal_where(Fate::Refused(code)))).await.iter().zip(codes) {
            assert!(matches!(error, Error::Busy(_)), "{code}: {error:?}");
            assert!(whole(error).contains(code), "{}", whole(error));
        }
    });
}

#[test]
fn keys_that_are_not_taken_are_told_of_by_the_variable() {
    among("turned_away::keys_that_are_not_taken_are_told_of_by_the_variable", ANY_KEYS, async {
        let codes = ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"];
        let errors = join_all(codes.map(|code| refusal_where(Fate::Refused(code)))).await;
        for error in errors {
            assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
            assert!(error.to_string().contains("set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"), "{error}");
            assert!(!whole(&error).contains("a secret"), "{}", whole(&error));
        }
        let denied = refusal_where(Fate::Refused("AccessDeniedException")).await;
        assert!(matches!(denied, Error::Credentials { .. }), "{denied:?}");
        assert!(denied.to_string().contains("may not do this"), "{denied}");
    });
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    among("turned_away::a_server_that_does_not_answer_is_given_up", ANY_KEYS, async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let nobody = format!("http://{}", listener.local_addr().expect("its address"));
        drop(listener);
        let fates =
            [Fate::Silence, Fate::Answered(200, "<html>"), Fate::Answered(503, "<html>"), Fate::Answered(404, "")];
        let mut errors = join_all(fates.map(refusal_where)).await;
        errors.push(refusal(&nobody).await);
        for error in errors {
            assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
            assert!(error.source().is_some(), "what happened is kept");
        }
    });
}

/// Nothing but what the test says: neither a home with settings in it nor a cloud's machine.
const NOTHING: [(&str, Option<&str>); 10] = [
    ("AWS_ACCESS_KEY_ID", None),
    ("AWS_SECRET_ACCESS_KEY", None),
    ("AWS_SESSION_TOKEN", None),
    ("AWS_PROFILE", None),
    ("AWS_REGION", None),
    ("AWS_DEFAULT_REGION", None),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", None),
    ("AWS_CONFIG_FILE", Some("/nonexistent/config")),
    ("AWS_SHARED_CREDENTIALS_FILE", Some("/nonexistent/credentials")),
    ("AWS_EC2_METADATA_DISABLED", Some("true")),
];

#[test]
fn keys_and_a_region_that_are_missing_are_named() {
    among("turned_away::keys_and_a_region_that_are_missing_are_named", &NOTHING, async {
        let error = refusal("http://127.0.0.1:1").await;
        assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
        assert!(error.to_string().contains("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{error}");
        let error = DynamoDbCatalog::open("dynamodb://pappus-test").await.expect_err("no region");
        assert!(matches!(error, Error::BadUrl { .. }), "{error:?}");
        assert!(error.to_string().contains("set AWS_REGION"), "{error}");
    });
}

#[tokio::test]
async fn a_url_that_says_something_else_is_refused() {
    let bad = [
        "dynamodb:table",
        "dynamodb://",
        "dynamodb://ab",
        "dynamodb://key:secret@table",
        "dynamodb://a/table",
        "dynamodb://table?password=secret",
        "dynamodb://table?region=",
        "dynamodb://table?region=a&region=b",
        "dynamodb://table?region=a/b",
        "dynamodb://table?endpoint=127.0.0.1:8000",
        "dynamodb://table?endpoint=http://",
        "dynamodb://table?endpoint=http://user:secret@host",
        "dynamodb://table?endpoint=%ff",
    ];
    for url in bad {
        let error = pappus_catalog::open(url).await.expect_err(url);
        assert!(matches!(error, Error::BadUrl { .. }), "{url}: {error:?}");
        assert!(error.to_string().contains("dynamodb://TABLE?region=REGION"), "{error}");
        assert!(!error.to_string().contains("secret"), "a password is not for messages: {error}");
    }
}
