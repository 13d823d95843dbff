//! Writing an object: with one request, or as parts that become an object together.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::time::sleep;
use uuid::Uuid;

use super::Remote;
use super::client::patient;
use super::fault::Fault;
use crate::{Error, Key, PutMode};

/// The name of the metadata by which a write knows its own.
const MARK: &str = "pappus-write";
/// How often to try again where another write of the same key was under way, and the pause before the first time.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A write of one object. A server may have done what it could not tell of any more, and then refuse the same again; so
/// what is written is marked, and a refusal asked after.
pub(super) struct Write<'a> {
    pub(super) remote: &'a Remote,
    pub(super) key: &'a Key,
    pub(super) mode: PutMode,
    mark: String,
}

impl<'a> Write<'a> {
    pub(super) fn new(remote: &'a Remote, key: &'a Key, mode: PutMode) -> Self {
        Self { remote, key, mode, mark: Uuid::now_v7().to_string() }
    }

    /// What the server calls the object.
    pub(super) fn full(&self) -> String {
        self.remote.address.full(self.key.as_str())
    }

    /// The name and the value of the mark.
    pub(super) fn mark(&self) -> (&'static str, &str) {
        (MARK, &self.mark)
    }

    /// The condition under which a request writes.
    pub(super) fn condition(&self) -> Option<String> {
        (self.mode == PutMode::IfAbsent).then(|| "*".to_owned())
    }

    /// Writes the object with one request.
    pub(super) async fn at_once(&self, bytes: Bytes) -> Result<(), Error> {
        for number in 0..TRIES {
            match self.request(bytes.clone()).await {
                Err(fault) if fault.is_conflict() => sleep(FIRST_PAUSE * 2_u32.pow(number)).await,
                Err(fault) => return self.settle(fault).await,
                Ok(()) => return Ok(()),
            }
        }
        match self.request(bytes).await {
            Err(fault) => self.settle(fault).await,
            Ok(()) => Ok(()),
        }
    }

    async fn request(&self, bytes: Bytes) -> Result<(), Fault> {
        let Remote { client, address } = self.remote;
        let (name, value) = self.mark();
        let size = bytes.len() as u64;
        let put = client.put_object().bucket(&address.bucket).key(self.full()).body(ByteStream::from(bytes));
        let put = put.metadata(name, value).set_if_none_match(self.condition());
        put.customize().config_override(patient(size)).send().await?;
        Ok(())
    }

    /// What has become of a write of which the last request failed. Only where it was refused can it have been done
    /// before.
    pub(super) async fn settle(&self, fault: Fault) -> Result<(), Error> {
        let is_refused = fault.is_unmet() || fault.is_conflict();
        let may_be_done = is_refused || fault.is_over();
        let error = fault.of_object(&self.remote.address, self.key);
        if !may_be_done {
            return Err(error);
        }
        match self.look().await {
            Ok(Found::Ours) => Ok(()),
            Ok(Found::Another) if is_refused && self.mode == PutMode::IfAbsent => {
                Err(Error::AlreadyExists { key: self.key.clone() })
            }
            _ => Err(error),
        }
    }

    /// Whose object is there.
    pub(super) async fn look(&self) -> Result<Found, Error> {
        let Remote { client, address } = self.remote;
        match client.head_object().bucket(&address.bucket).key(self.full()).send().await.map_err(Fault::from) {
            Ok(head) if head.metadata().and_then(|all| all.get(MARK)) == Some(&self.mark) => Ok(Found::Ours),
            Ok(_) => Ok(Found::Another),
            Err(fault) if fault.is_absence() => Ok(Found::Nothing),
            Err(fault) => Err(fault.of_object(address, self.key)),
        }
    }
}

/// Whose object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// That of this very write.
    Ours,
    Another,
}
