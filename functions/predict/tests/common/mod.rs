//! A predict function over stores in a folder of its own, with tiny models to release.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use image::{ImageFormat, Rgb, RgbImage};
use pappus_catalog::contract::samples;
use pappus_domain::event::ReleaseChanged;
use pappus_domain::model::Training;
use pappus_domain::release::ReleaseAction;
use pappus_domain::{Event, ModelVersion, Release, Timestamp};
use pappus_host::{App, Bus, Context, Hosted, Outlet, Settings, local};
use pappus_inference::{Golden, GoldenImage, Limits, Network, PROBABILITIES, Package, Runtime, decode, resize};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Whether there is ONNX Runtime; says so on the terminal where there is none.
pub fn has_runtime() -> bool {
    let has = std::env::var_os("ORT_DYLIB_PATH").is_some();
    if !has {
        let _ = writeln!(std::io::stderr(), "skipped: ORT_DYLIB_PATH does not name ONNX Runtime's library");
    }
    has
}

/// Stores in a folder that goes with it.
pub struct Stores {
    pub context: Context,
    _home: TempDir,
}

pub async fn stores() -> Stores {
    let home = tempfile::tempdir().unwrap();
    let tiny = |name: &str| (name == "PAPPUS_MODEL").then(|| "tiny".to_owned());
    let settings = Settings::read(tiny, Some(home.path().into())).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    Stores { context, _home: home }
}

/// Stores, and a predict function over them that answers with a first version.
pub async fn serving() -> (Stores, App, ModelVersion) {
    let stores = stores().await;
    let version = stores.publish(9.0).await;
    stores.release(&version).await;
    let app = app(&stores.context).await;
    (stores, app, version)
}

/// A predict function whose router answers all that it does when it is hosted where everybody is an operator.
pub async fn app(context: &Context) -> App {
    let app = pappus_predict::app(context.clone()).await;
    let router = Hosted::new(app.clone(), context.clone(), Outlet::Answered).router();
    App { router: local(router), ..app }
}

pub const SIDE: u32 = 8;

/// Which colour a picture is of: blue, green or red; the greater `gain` the surer.
fn network(gain: f32) -> Vec<u8> {
    let mut graph = GraphBuilder::new("tiny", 13);
    let side = Dim::Size(SIDE.into());
    let image = graph.input("image", DataType::Uint8, &[Dim::Name("n"), side, side, Dim::Size(3)]);
    let numbers = graph.node("Cast", &[&image], vec![attribute::int("to", DataType::Float as i64)]);
    let pooling = vec![attribute::ints("axes", &[1, 2]), attribute::int("keepdims", 0)];
    let mean = graph.node("ReduceMean", &[&numbers], pooling);
    let gain = gain / 255.0;
    let weights = graph.floats("weights", &[3, 3], &[0.0, 0.0, gain, 0.0, gain, 0.0, gain, 0.0, 0.0]);
    let logits = graph.node("Gemm", &[&mean, &weights], vec![attribute::int("transB", 1)]);
    let answer = graph.node_named("Softmax", &[&logits], PROBABILITIES, vec![attribute::int("axis", 1)]);
    graph.output(&answer, DataType::Float, &[Dim::Name("n"), Dim::Size(3)]);
    graph.finish().into_bytes()
}

/// An image file of one colour.
pub fn picture(colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(48, 40, Rgb(colour)).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn red() -> Vec<u8> {
    picture([240, 10, 10], ImageFormat::Jpeg)
}

impl Stores {
    /// Makes a version and writes it to the stores.
    pub async fn publish(&self, gain: f32) -> ModelVersion {
        let onnx = network(gain);
        let image = picture([10, 240, 10], ImageFormat::Png);
        let pixels = resize(&decode(&image, &Limits::default()).unwrap(), SIDE, SIDE).unwrap();
        let mut network = Network::load(&Runtime::load().unwrap(), &onnx).unwrap();
        let probabilities = network.run(&pixels, 1, PROBABILITIES).unwrap();
        let golden = Golden { tolerance: Golden::TOLERANCE, images: vec![GoldenImage { image, probabilities }] };
        let classes = ["blue", "green", "red"].map(samples::name).to_vec();
        let training: Training = samples::manifest(1, "tiny").training;
        let name = samples::name("tiny");
        let package = Package::new(name, classes, (SIDE, SIDE), onnx, golden, training, Timestamp::now()).unwrap();
        package.write(&*self.context.objects).await.unwrap();
        self.context.catalog.record_model(&package.manifest).await.unwrap();
        package.manifest.version
    }

    /// Makes a version the champion, and returns the event that says so.
    pub async fn release(&self, version: &ModelVersion) -> Event {
        let catalog = &self.context.catalog;
        let model = samples::name("tiny");
        let current = catalog.release(&model).await.unwrap();
        let next = Release::promote(current.as_ref(), &model, version).unwrap();
        catalog.change_release(current.as_ref(), &next, samples::change(ReleaseAction::Promote, 0)).await.unwrap();
        let changed = ReleaseChanged { model, generation: next.generation, champion: next.champion };
        Event::new("promote", &changed, Timestamp::now()).unwrap()
    }
}

/// Hands an event to the function.
pub async fn deliver(app: &App, event: Event) {
    app.on_event.on_event(event).await.unwrap();
}

/// Sends a request; the answer's body as text.
pub async fn send(app: &App, request: Request<Body>) -> (StatusCode, String) {
    let response = app.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

pub async fn get(app: &App, path: &str) -> (StatusCode, Value) {
    let (status, body) = send(app, Request::get(path).body(Body::empty()).unwrap()).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Posts a body of a type.
pub async fn post(app: &App, path: &str, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
    let (status, body) = send(app, request).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Posts a form of files: the name of each field, the name of its file, its bytes.
pub async fn post_form(app: &App, path: &str, fields: &[(&str, &str, &[u8])]) -> (StatusCode, Value) {
    let mut body = Vec::new();
    for (name, file, bytes) in fields {
        let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n");
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--edge--\r\n");
    post(app, path, "multipart/form-data; boundary=edge", body).await
}

/// The names of an object's fields, in order.
pub fn fields(json: &Value) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What an error says.
pub fn detail(json: &Value) -> &str {
    assert_eq!(fields(json), ["detail"]);
    json["detail"].as_str().unwrap()
}
