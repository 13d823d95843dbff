//! A slow way to a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// What the URLs of servers on this machine have.
const HERE: &str = "127.0.0.1:";

/// A way to a server on this machine on which every answer comes late.
#[derive(Debug)]
pub struct Proxy {
    behind: SocketAddr,
    address: SocketAddr,
    // Ends it when dropped.
    _runtime: Runtime,
}

impl Proxy {
    /// Listens on a free port before the server that a URL names.
    ///
    /// # Errors
    /// Where it cannot listen, or the URL names no server on this machine.
    pub fn before(url: &str, late: Duration) -> Result<Self> {
        let (_, port) = url.split_once(HERE).context("a server on this machine")?;
        let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
        let behind = SocketAddr::from((Ipv4Addr::LOCALHOST, port[..digits].parse()?));
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Whoever goes away while it is served does so on its own account.
                tokio::spawn(async move { forward(client, behind, late).await.ok() });
            }
        });
        Ok(Self { behind, address, _runtime: runtime })
    }

    /// The URL of the server behind, with this before it.
    pub fn on_the_way(&self, url: &str) -> String {
        url.replace(&self.behind.to_string(), &self.address.to_string())
    }
}

/// Carries bytes both ways until either side closes. Only the first bytes of an answer are late: the rest follows them.
async fn forward(mut client: TcpStream, behind: SocketAddr, late: Duration) -> std::io::Result<()> {
    let mut server = TcpStream::connect(behind).await?;
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_answer = false;
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let count = count?;
                if count == 0 {
                    return Ok(());
                }
                is_answer = false;
                server.write_all(&asked[..count]).await?;
            }
            count = server.read(&mut answered) => {
                let count = count?;
                if count == 0 {
                    return Ok(());
                }
                if !is_answer {
                    sleep(late).await;
                    is_answer = true;
                }
                client.write_all(&answered[..count]).await?;
            }
        }
    }
}
