//! A server that records what is posted to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

/// A secret part of its URL.
pub const SECRET: &str = "s3cret";

/// A server that answers with a status, and says again what it was asked for.
#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    status: Arc<Mutex<StatusCode>>,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let url = format!("http://{}/services/T0/{SECRET}?key={SECRET}", listener.local_addr().unwrap());
        let this = Self { url, status: Arc::new(Mutex::new(StatusCode::OK)), taken: Arc::default() };
        let router = Router::new().route("/services/T0/{secret}", post(take)).with_state(this.clone());
        tokio::spawn(async move { axum_serve(listener, router).await });
        this
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    /// What was posted so far, whatever was answered.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }
}

async fn axum_serve(listener: TcpListener, router: Router) {
    pappus_host::serve(listener, router, std::future::pending()).await;
}

async fn take(State(this): State<Webhook>, uri: Uri, headers: header::HeaderMap, body: String) -> (StatusCode, String) {
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    this.taken.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    let status = *this.status.lock().unwrap();
    (status, format!("Cannot POST {uri}\nand more"))
}
