//! The catalog in MySQL or MariaDB, against the server that PAPPUS_TEST_MYSQL names.
#![allow(clippy::expect_used, reason = "a test may fail so")]

mod database;
mod exactness;
mod faults;
mod opening;
mod plans;
mod suite;
mod together;
