//! The client of one server: where its credentials come from, how often it tries, and how long it waits.
//!
//! Each request is tried up to four times, with a pause between that doubles, from half a second on, and is drawn by
//! lot. A connection has to be there within three seconds. An attempt may take ten seconds, and one that moves bytes a
//! second more for every 64 KiB; whatever is asked is given up after half a minute, or three times that more. So a dead
//! server is told of within 30 seconds, and one that dies under the upload of a whole part within 7 minutes.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Builder, Credentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
};

use super::address::Address;
use crate::Error;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt, at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the server may take to answer.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long all attempts may take together.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that moves fewer bytes a second is as good as dead.
const SLOWEST: u64 = 64 << 10;
const NO_REGION: &str = "its region is known neither from `region=…` nor from AWS_REGION: name it";

/// Connects to nobody yet.
pub(super) async fn connect(address: &Address, credentials: Option<Credentials>) -> Result<Client, Error> {
    let given = RegionProviderChain::first_try(address.region.clone().map(Region::new));
    let region = match address.endpoint {
        // Servers that have no regions want this one named.
        Some(_) => given.or_else(EnvironmentVariableRegionProvider::new()).or_else("us-east-1"),
        None => given.or_default_provider(),
    };
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
    if let Some(credentials) = credentials {
        loader = loader.credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Error::BadUrl { held: address.to_string(), wanted: NO_REGION });
    }
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_PAUSE);
    let mut builder = Builder::from(&config)
        .retry_config(retries)
        .timeout_config(patience(0))
        // What is read is watched by whoever reads it, who can go on where it stopped.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().download_enabled(false).build());
    if let Some(endpoint) = &address.endpoint {
        builder = builder
            .endpoint_url(endpoint)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    Ok(Client::from_conf(builder.build()))
}

/// How long a request may take that brings so many bytes.
pub(super) fn patience(bytes: u64) -> TimeoutConfig {
    let on_the_way = Duration::from_secs(bytes / SLOWEST);
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT + on_the_way)
        .operation_timeout(WHOLE_TIMEOUT + 3 * on_the_way)
        .build()
}

/// What stands over the client's settings for a request that brings so many bytes.
pub(super) fn patient(bytes: u64) -> Builder {
    aws_sdk_s3::Config::builder().timeout_config(patience(bytes))
}
