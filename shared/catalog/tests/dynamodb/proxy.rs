//! A server that answers as DynamoDB does on a bad day: what it does with each request a test decides. The rest it hands
//! on to a real one, where there is one behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// A request, as the test sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Such as `PutItem`.
    pub operation: String,
    pub body: Value,
}

impl Call {
    /// Whether it changes rows.
    pub fn is_write(&self) -> bool {
        ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"].contains(&&*self.operation)
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is handed on.
    Through,
    /// It is handed on after a while.
    Late(Duration),
    /// It is handed on once this says so.
    Held(watch::Receiver<bool>),
    /// It is handed on, and nobody hears the answer.
    Unheard,
    /// The first half of a batch is handed on, and the rest left undone.
    Half,
    /// It is turned away with this code.
    Refused(&'static str),
    /// It is turned away as a transaction that others were in the way of.
    Conflict,
    /// It is answered with this status and text, whatever it was.
    Answered(u16, &'static str),
    /// It is never answered.
    Silence,
}

type Decide = dyn Fn(&Call) -> Fate + Send + Sync;

pub struct Proxy {
    pub endpoint: String,
    calls: Arc<Mutex<Vec<Call>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port, before the server `behind` it.
    pub async fn before(behind: Option<&str>, decide: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let behind = behind.map(|url| url.trim_start_matches("http://").parse().expect("an address and a port"));
        let (calls, decide): (Arc<Mutex<Vec<Call>>>, Arc<Decide>) = (Arc::default(), Arc::new(decide));
        let heard = Arc::clone(&calls);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (decide, heard) = (Arc::clone(&decide), Arc::clone(&heard));
                // A client that goes away is its own matter.
                tokio::spawn(async move { serve(client, behind, &*decide, &heard).await.ok() });
            }
        });
        Self { endpoint, calls, serving }
    }

    /// The operations that were asked for until now.
    pub fn operations(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().map(|call| call.operation.clone()).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request a connection.
async fn serve(
    mut client: TcpStream,
    behind: Option<SocketAddr>,
    decide: &Decide,
    heard: &Mutex<Vec<Call>>,
) -> std::io::Result<()> {
    let Some((head, body)) = read_request(&mut client).await? else { return Ok(()) };
    let target = head.lines().find(|line| line.to_lowercase().starts_with("x-amz-target:"));
    let operation = target.and_then(|line| line.rsplit('.').next()).unwrap_or_default().trim().to_owned();
    let call = Call { operation, body: serde_json::from_slice(&body).unwrap_or_default() };
    let fate = decide(&call);
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
    let behind = || behind.expect("a server behind, for what is handed on");
    match fate {
        Fate::Through => client.write_all(&hand_on(behind(), &head, &body).await?).await,
        Fate::Late(delay) => {
            sleep(delay).await;
            client.write_all(&hand_on(behind(), &head, &body).await?).await
        }
        Fate::Held(mut go) => {
            // Whoever would say so is gone: then nothing is waited for.
            let _ = go.wait_for(|go| *go).await;
            client.write_all(&hand_on(behind(), &head, &body).await?).await
        }
        Fate::Unheard => hand_on(behind(), &head, &body).await.map(drop),
        Fate::Half => {
            let (first, rest) = halves(&call.body);
            let answer = hand_on(behind(), &head, first.to_string().as_bytes()).await?;
            client.write_all(&with_rest(&answer, &call.operation, rest)).await
        }
        Fate::Refused(code) => client.write_all(&error(code, &json!({}))).await,
        Fate::Conflict => {
            let of = |key: &str| call.body[key].as_array().map_or(1, Vec::len);
            let reasons = vec![json!({"Code": "TransactionConflict"}); of("TransactItems")];
            let code = match call.operation.as_str() {
                "TransactWriteItems" => "TransactionCanceledException",
                _ => "TransactionConflictException",
            };
            client.write_all(&error(code, &json!({ "CancellationReasons": reasons }))).await
        }
        Fate::Answered(status, text) => client.write_all(&answer(status, text)).await,
        // Until the client gives up, and closes.
        Fate::Silence => client.read(&mut [0]).await.map(drop),
    }
}

async fn read_request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or(0) {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((head, body)))
}

/// Asks the server behind, and returns its whole answer.
async fn hand_on(behind: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(behind).await?;
    let is_ours = |line: &&str| {
        let line = line.to_lowercase();
        !line.is_empty() && !line.starts_with("content-length:") && !line.starts_with("connection:")
    };
    let mut request: Vec<&str> = head.lines().filter(is_ours).collect();
    let length = format!("content-length: {}", body.len());
    request.extend([length.as_str(), "connection: close", "\r\n"]);
    server.write_all(request.join("\r\n").trim_end().as_bytes()).await?;
    server.write_all(b"\r\n\r\n").await?;
    server.write_all(body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// The requests of a batch, as two batches.
fn halves(body: &Value) -> (Value, Value) {
    let (mut first, mut rest) = (body.clone(), json!({}));
    for (table, asked) in body["RequestItems"].as_object().into_iter().flatten() {
        let list = |value: &Value| value.as_array().or_else(|| value["Keys"].as_array()).expect("a batch").clone();
        let mut all = list(asked);
        let late = all.split_off(all.len().div_ceil(2));
        let like = |list: Vec<Value>| match asked {
            Value::Array(_) => json!(list),
            _ => {
                let mut keys = asked.clone();
                keys["Keys"] = json!(list);
                keys
            }
        };
        first["RequestItems"][table] = like(all);
        if !late.is_empty() {
            rest[table] = like(late);
        }
    }
    (first, rest)
}

/// The answer to half a batch.
fn with_rest(whole: &[u8], operation: &str, rest: Value) -> Vec<u8> {
    let start = whole.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer") + 4;
    let mut body: Value = serde_json::from_slice(&whole[start..]).expect("JSON");
    body[if operation == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" }] = rest;
    answer(200, &body.to_string())
}

fn error(code: &str, more: &Value) -> Vec<u8> {
    let mut body = more.clone();
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    body["message"] = json!("as the test wants it");
    answer(400, &body.to_string())
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} As-Is\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\nconnection: close"
    );
    format!("{head}\r\n\r\n{body}").into_bytes()
}
