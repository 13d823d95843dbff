//! A small mail server: one command a line, no encryption.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
}

/// A mail server that may refuse recipients.
#[derive(Clone)]
pub struct Smtp {
    pub address: SocketAddr,
    /// What it answers to `RCPT`.
    recipient: Arc<Mutex<&'static str>>,
    /// Whom it does not know.
    refused: Arc<Mutex<&'static str>>,
    mails: Arc<Mutex<Vec<Mail>>>,
    /// Every command that it was given.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let recipient = Arc::new(Mutex::new("250 ok"));
        let refused = Arc::new(Mutex::new("nobody"));
        let this = Self { address, recipient, refused, mails: Arc::default(), heard: Arc::default() };
        let server = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                // A client may go at any time.
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        this
    }

    /// A setting that names it.
    pub fn url(&self) -> String {
        format!("smtp://{}?from=pappus@example.org&to=ada@example.org&to=bob@example.org&tls=none", self.address)
    }

    /// What it answers to each recipient from now on.
    pub fn recipients(&self, answer: &'static str) {
        *self.recipient.lock().unwrap() = answer;
    }

    /// Whom it refuses for good from now on.
    pub fn refuses(&self, address: &'static str) {
        *self.refused.lock().unwrap() = address;
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    async fn talk(self, stream: TcpStream) -> Option<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        say(&mut writer, "220 test").await?;
        let mut mail = Mail { from: String::new(), to: Vec::new(), text: String::new() };
        while let Some(line) = lines.next_line().await.ok()? {
            self.heard.lock().unwrap().push(line.clone());
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "AUTH" => "235 welcome",
                "MAIL" => {
                    mail.from = between(&line).to_owned();
                    "250 ok"
                }
                "RCPT" => {
                    mail.to.push(between(&line).to_owned());
                    let is_refused = between(&line) == *self.refused.lock().unwrap();
                    if is_refused { "550 no such user" } else { *self.recipient.lock().unwrap() }
                }
                "DATA" => {
                    say(&mut writer, "354 go on").await?;
                    mail.text = text(&mut lines).await?;
                    self.mails.lock().unwrap().push(mail.clone());
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "502 what",
            };
            say(&mut writer, answer).await?;
        }
        Some(())
    }
}

async fn say(writer: &mut OwnedWriteHalf, answer: &str) -> Option<()> {
    writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()
}

/// A mail up to the line that is one dot.
async fn text(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match lines.next_line().await.ok()??.as_str() {
            "." => return Some(text),
            line => text += &format!("{}\n", line.strip_prefix('.').unwrap_or(line)),
        }
    }
}

fn between(line: &str) -> &str {
    line.split(['<', '>']).nth(1).unwrap_or_default()
}
