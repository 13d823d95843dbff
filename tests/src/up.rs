//! All functions in one process, answering over HTTP.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::http::{Answer, agent};
use crate::running::{Ended, Running};
use crate::{DEADLINE, Home, eventually};

/// All functions in one process, answering on a free port of this machine; killed when dropped.
#[derive(Debug)]
pub struct Up {
    running: Running,
    address: SocketAddr,
    agent: ureq::Agent,
}

impl Up {
    /// Starts `pappus up` in a home, and returns once it listens.
    ///
    /// # Errors
    /// Where it ends before.
    pub fn start(home: &Home) -> Result<Self> {
        let mut running = home.start(&["up", "--port", "0"])?;
        let address = eventually("pappus up listens", || {
            let log = running.log();
            let told = log.lines().find_map(|line| line.split_once("listening address="));
            if told.is_none() && !running.is_alive()? {
                bail!("pappus up ended: {}", running.log());
            }
            Ok(told.and_then(|(_, address)| address.trim().parse().ok()))
        })?;
        Ok(Self { running, address, agent: agent() })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// `GET`.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        Answer::of(self.agent.get(self.url(path)).call()?)
    }

    /// `POST`.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Result<Answer> {
        Answer::of(self.agent.post(self.url(path)).header("content-type", content_type).send(body)?)
    }

    /// Says that something happened.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn event(&self, kind: &str, id: &str, data: &Value) -> Result<()> {
        let event =
            serde_json::json!({ "specversion": "1.0", "id": id, "source": "/test", "type": kind, "data": data });
        let answer = self.post("/events", "application/cloudevents+json", event.to_string().as_bytes())?;
        answer.expect(204).map(drop)
    }

    /// A connection on which to be rude.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(stream)
    }

    /// A connection on which the head of a `POST` of `length` bytes has been sent, and which the server has begun to read
    /// the body of.
    ///
    /// # Errors
    /// Where the server does not ask for the body.
    pub fn begin_post(&self, path: &str, content_type: &str, length: usize) -> Result<TcpStream> {
        let mut stream = self.connect()?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
             expect: 100-continue\r\n\r\n"
        )?;
        let head = crate::http::read_head(&mut stream)?;
        if !head.starts_with("HTTP/1.1 100") {
            bail!("the server did not ask for the body: {head}");
        }
        Ok(stream)
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it does not end, or has panicked.
    pub fn wait(self) -> Result<Ended> {
        self.running.wait()
    }

    /// Asks it to stop, and sees that it ends as asked.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub fn stop(self) -> Result<Ended> {
        self.signal("TERM")?;
        self.wait()?.expect(0).context("after SIGTERM")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
