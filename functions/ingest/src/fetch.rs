//! Bytes from URLs, with limits, timeouts and patience.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

/// Tries of one URL, the first among them.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What was read: at most a limit, and whether there was more.
pub(crate) struct Fetched {
    pub(crate) bytes: Bytes,
    pub(crate) is_cut: bool,
}

/// Fetches over HTTP. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    agent: ureq::Agent,
}

enum Fault {
    /// Again may go better.
    Passing(String),
    Lasting(String),
}

impl Fetcher {
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(WHOLE_TIMEOUT))
            .max_redirects(5)
            .user_agent(concat!("pappus/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into() }
    }

    /// Fetches what a URL names, at most `limit` bytes of it. Blocks.
    ///
    /// # Errors
    /// Why it cannot be had, for people.
    pub(crate) fn fetch(&self, url: &str, limit: u64) -> Result<Fetched, String> {
        let parsed = Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
        if parsed.scheme() == "file" {
            let path = parsed.to_file_path().map_err(|()| "not the URL of a local file".to_owned())?;
            return read_file(&path, limit).map_err(|error| error.to_string());
        }
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.get(url, limit) {
                Ok(fetched) => return Ok(fetched),
                Err(Fault::Lasting(reason)) => return Err(reason),
                Err(Fault::Passing(reason)) => tracing::debug!(url, reason, "fetching failed, to be tried again"),
            }
            thread::sleep(pause);
            pause *= 3;
        }
        self.get(url, limit).map_err(|fault| match fault {
            Fault::Passing(reason) => format!("{reason}, {TRIES} times"),
            Fault::Lasting(reason) => reason,
        })
    }

    fn get(&self, url: &str, limit: u64) -> Result<Fetched, Fault> {
        let response = self.agent.get(url).call().map_err(|error| match error {
            ureq::Error::BadUri(_) | ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
                Fault::Lasting(error.to_string())
            }
            _ => Fault::Passing(error.to_string()),
        })?;
        match response.status().as_u16() {
            200..=299 => {}
            status @ (408 | 425 | 429 | 500..=599) => {
                return Err(Fault::Passing(format!("the server answered {status}")));
            }
            status => return Err(Fault::Lasting(format!("the server answered {status}"))),
        }
        read(response.into_body().into_reader(), limit).map_err(|error| Fault::Passing(error.to_string()))
    }
}

/// Reads at most `limit` bytes of a file.
pub(crate) fn read_file(path: &Path, limit: u64) -> io::Result<Fetched> {
    read(File::open(path)?, limit)
}

fn read(source: impl Read, limit: u64) -> io::Result<Fetched> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > limit;
    Ok(Fetched { bytes: bytes.into(), is_cut })
}
