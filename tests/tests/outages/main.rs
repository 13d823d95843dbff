//! What becomes of the work when a server fails that it stands on: nothing is lost, nothing is there twice, and whoever
//! asked is told.

mod awaited;
mod catalog;
mod contest;
mod crash;
mod dynamodb;
mod mariadb;
mod minio;
mod neighbours_away;
mod slow;
mod standing;
