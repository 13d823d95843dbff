//! Requests and answers.

use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::DEADLINE;

/// An answer; its body is null where it is no JSON.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Answer {
    pub(crate) fn of(mut response: ureq::http::Response<ureq::Body>) -> Result<Self> {
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        Ok(Self { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// Reads one off a connection that is closed after it, or is to be.
    ///
    /// # Errors
    /// Where there is none.
    pub fn read(stream: &mut TcpStream) -> Result<Self> {
        let head = read_head(stream)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let headers = head.to_ascii_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.context("no length")?.trim().parse()?];
        stream.read_exact(&mut body)?;
        Ok(Self { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    /// Itself, if it has this status.
    ///
    /// # Errors
    /// Where it has another.
    pub fn expect(self, status: u16) -> Result<Self> {
        if self.status != status {
            bail!("answered {} instead of {status}: {}", self.status, self.body);
        }
        Ok(self)
    }

    /// A text of the body.
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_default()
    }
}

/// Reads up to the empty line, and nothing behind it.
pub(crate) fn read_head(stream: &mut TcpStream) -> Result<String> {
    // One byte of room: what comes behind the head stays in the stream.
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            bail!("the connection was closed after `{head}`");
        }
    }
    Ok(head)
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE));
    config.build().into()
}

/// A form of files, each under a field's name: the content type, and the body.
pub fn multipart(files: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let boundary = "a-boundary-that-no-image-holds";
    let mut body = Vec::new();
    for (number, (field, bytes)) in files.iter().enumerate() {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{number}.jpg\"\r\n\
             content-type: image/jpeg\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
