//! A server that answers as a test says, rightly or not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pappus_objects::{Credentials, Error, S3Store};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What no message may show.
pub const SECRET: &str = "wJalrXUtnFEMI";

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// By names in lowercase.
    pub headers: BTreeMap<String, String>,
    pub size: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// The same, two seconds later.
    Late(Vec<u8>),
    /// These bytes, and then nothing for ever.
    Stuck(Vec<u8>),
}

impl Reply {
    /// The same, later.
    pub fn late(self) -> Self {
        let (Self::Bytes(bytes) | Self::Late(bytes) | Self::Stuck(bytes)) = self;
        Self::Late(bytes)
    }

    /// The same without its last bytes.
    pub fn cut(self, count: usize) -> Self {
        let (Self::Bytes(mut bytes) | Self::Late(mut bytes) | Self::Stuck(mut bytes)) = self;
        bytes.truncate(bytes.len() - count);
        Self::Bytes(bytes)
    }
}

/// An answer with its length.
pub fn reply(status: u16, headers: &str, body: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n", body.len());
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// An answer that is an error of S3's.
pub fn refusal(status: u16, code: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>What happened.\nAnd more.</Message>\
         <AWSAccessKeyId>AKIDFAKE</AWSAccessKeyId><StringToSign>{SECRET}</StringToSign></Error>"
    );
    reply(status, "content-type: application/xml\r\nx-amz-bucket-region: eu-west-1\r\n", body.as_bytes())
}

/// A connection that ends without an answer.
pub const HANG_UP: Reply = Reply::Bytes(Vec::new());

/// A server on a free port of this machine; gone when dropped.
pub struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Fake {
    /// Starts a server that answers each request by its number, from 0, and what it is.
    pub async fn start(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    // The client may go at any time.
                    let _ = converse(stream, &seen, &*answer).await;
                });
            }
        });
        Self { address, asked, server }
    }

    pub fn url(&self) -> String {
        url(self.address)
    }

    pub async fn store(&self) -> S3Store {
        store(&self.url()).await
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics with it").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The URL of a store on a server at an address.
pub fn url(address: SocketAddr) -> String {
    format!("s3://bucket?endpoint=http://{address}")
}

/// A store with credentials of the test's.
pub async fn store(url: &str) -> S3Store {
    let credentials = Credentials::new("AKIDFAKE", SECRET, None, None, "test");
    S3Store::open(url, Some(credentials)).await.expect("it opens")
}

/// An error with all its causes, which show no secret.
pub fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains('\n'), "it is one line: {text}");
    for shown in [&text, &format!("{error:?}")] {
        assert!(!shown.contains(SECRET) && !shown.contains("AKIDFAKE"), "it shows a secret: {shown}");
    }
    text
}

async fn converse(
    stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(usize, &Asked) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(asked) = read(&mut stream).await? else { return Ok(()) };
    let number = {
        let mut seen = seen.lock().expect("no test panics with it");
        seen.push(asked.clone());
        seen.len() - 1
    };
    match answer(number, &asked) {
        Reply::Bytes(bytes) => stream.write_all(&bytes).await,
        Reply::Late(bytes) => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            stream.write_all(&bytes).await
        }
        Reply::Stuck(bytes) => {
            stream.write_all(&bytes).await?;
            // Until the client goes.
            stream.read_u8().await.map(drop)
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines[0].split(' ').map(str::to_owned);
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let size = headers.get("content-length").map_or(0, |length| length.parse().expect("a number"));
    if headers.get("expect").is_some_and(|expect| expect == "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    stream.read_exact(&mut vec![0; size]).await?;
    let (method, path) = (first.next().expect("a method"), first.next().expect("a path"));
    Ok(Some(Asked { method, path, headers, size }))
}
