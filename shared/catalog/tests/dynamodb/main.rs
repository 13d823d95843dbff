//! A catalog in DynamoDB, against the server that `PAPPUS_TEST_DYNAMODB` names (`dynamodb://…?endpoint=…&region=…`, with
//! any AWS keys in the environment), and against one that answers as DynamoDB does on a bad day.
#![allow(clippy::expect_used, reason = "a test may fail so")]

mod predictions;
mod proxy;
mod rows;
mod server;
mod starting;
mod suite;
mod turned_away;
