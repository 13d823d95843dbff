//! A training over stores in a folder of its own, with pictures of two kinds.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part, and a test may panic

use std::io::{Cursor, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use pappus_catalog::OnConflict;
use pappus_catalog::contract::samples;
use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::{Digest, Image, ImageStatus, PerceptualHash, Run, RunId, RunStatus, Timestamp};
use pappus_host::{Bus, Context, Settings};
use pappus_inference::{Limits, decode, perceptual_hash};
use pappus_learning::onnx::proto::DataType;
use pappus_learning::onnx::{Dim, GraphBuilder, attribute};
use pappus_objects::{
    Access, Allowed, Bucket, Error, Key, Meta, ObjectStore, Objects, PutMode, Reading, SignedUrl, Writing,
};
use pappus_train::{Step, Train};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// Whether there is ONNX Runtime; says so on the terminal where there is none.
pub fn has_runtime() -> bool {
    let has = std::env::var_os("ORT_DYLIB_PATH").is_some();
    if !has {
        let _ = writeln!(std::io::stderr(), "skipped: ORT_DYLIB_PATH does not name ONNX Runtime's library");
    }
    has
}

/// Stores in a folder that goes with it.
pub struct Place {
    pub context: Context,
    pub home: TempDir,
}

pub async fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let pets = |name: &str| (name == "PAPPUS_MODEL").then(|| "pets".to_owned());
    let settings = Settings::read(pets, Some(home.path().into())).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    Place { context, home }
}

/// Two kinds of picture, easily told: stripes and discs. Each number is another picture.
pub fn picture(stripes: bool, number: u32) -> Vec<u8> {
    let mut state = number.wrapping_mul(2_654_435_761) ^ u32::from(stripes);
    let mut draw = |range: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % range
    };
    let (dx, dy, width) = (draw(40) as i32, draw(40) as i32, 5 + draw(4) as i32);
    let discs: Vec<(i32, i32, i32)> = (0..7).map(|_| (draw(72) as i32, draw(72) as i32, 6 + draw(7) as i32)).collect();
    let shade = 120 + draw(60) as u8;
    let picture = RgbImage::from_fn(72, 72, |x, y| {
        let (x, y) = (x as i32, y as i32);
        let grain = ((x * 31 + y * 17 + dx * 7) % 11) as u8;
        let figure = match stripes {
            true => ((x + dx) / width + (y + dy) / 24) % 2 == 0,
            false => discs.iter().any(|(cx, cy, r)| (x - cx).pow(2) + (y - cy).pow(2) < r * r),
        };
        if figure { Rgb([shade + grain, 60, 40 + grain]) } else { Rgb([30 + grain, shade - 20, 90]) }
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A small network of the kind that is trained on many classes, with weights that nobody has trained.
fn network() -> Vec<u8> {
    const UNITS: i64 = 16;
    const CLASSES: i64 = 10;
    let weights =
        |count: i64| (0..count).map(|i| ((i * i * 31 + i * 17) % 101) as f32 / 101.0 - 0.5).collect::<Vec<_>>();
    let mut graph = GraphBuilder::new("network", 13);
    let side = Dim::Size(64);
    let data = graph.input("data", DataType::Float, &[Dim::Name("n"), Dim::Size(3), side, side]);
    let kernels = graph.floats("kernels", &[UNITS, 3, 3, 3], &weights(UNITS * 27));
    let map = graph.node("Conv", &[&data, &kernels], vec![attribute::ints("strides", &[2, 2])]);
    let map = graph.node("Relu", &[&map], vec![]);
    let pool = graph.node("GlobalAveragePool", &[&map], vec![]);
    let features = graph.node("Flatten", &[&pool], vec![]);
    let classes = graph.floats("classes", &[UNITS, CLASSES], &weights(UNITS * CLASSES));
    let scores = graph.node("MatMul", &[&features, &classes], vec![]);
    graph.output(&scores, DataType::Float, &[Dim::Name("n"), Dim::Size(CLASSES)]);
    graph.finish().into_bytes()
}

/// A store of which a part cannot be used.
#[derive(Debug)]
struct Faulty {
    objects: Objects,
    prefix: &'static str,
    answers: bool,
}

impl Faulty {
    async fn reach(&self, key: &Key) -> Result<(), Error> {
        if !key.as_str().starts_with(self.prefix) {
            return Ok(());
        }
        if !self.answers {
            std::future::pending::<()>().await;
        }
        Err(Error::Unavailable { at: key.to_string(), source: "a bad sector".into() })
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), Error> {
        self.reach(key).await?;
        self.objects.put(key, bytes, mode).await
    }

    async fn put_stream(&self, key: &Key, writing: Writing<'_>, mode: PutMode) -> Result<u64, Error> {
        self.reach(key).await?;
        self.objects.put_stream(key, writing, mode).await
    }

    async fn get_stream(&self, key: &Key) -> Result<Reading, Error> {
        self.reach(key).await?;
        self.objects.get_stream(key).await
    }

    async fn get(&self, key: &Key, limit: u64) -> Result<Bytes, Error> {
        self.reach(key).await?;
        self.objects.get(key, limit).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.objects.head(key).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.objects.delete(key).await
    }

    async fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Meta>, Error> {
        self.objects.list(prefix, after, limit).await
    }

    async fn sign(&self, key: &Key, allowed: Allowed, life: Duration) -> Result<Option<SignedUrl>, Error> {
        self.objects.sign(key, allowed, life).await
    }

    fn bucket(&self) -> Option<Bucket<'_>> {
        self.objects.bucket()
    }

    async fn check(&self, access: Access) -> Result<(), Error> {
        self.objects.check(access).await
    }
}

impl Place {
    /// The same place, where objects under a prefix can be neither read nor written: it says so, or never answers.
    pub fn faulty(&self, prefix: &'static str, answers: bool) -> Context {
        let objects = Arc::new(Faulty { objects: self.context.objects.clone(), prefix, answers });
        Context { objects, ..self.context.clone() }
    }

    /// Stores an image as ingest does.
    pub async fn store(&self, bytes: Vec<u8>, label: Option<&str>) -> Digest {
        let pixels = decode(&bytes, &Limits::default()).unwrap();
        let perceptual: PerceptualHash = perceptual_hash(&pixels).unwrap();
        let (format, width, height) = (pixels.format, pixels.width, pixels.height);
        let id = Digest::of(&bytes);
        let image = Image {
            id,
            status: ImageStatus::Stored { format, width, height, perceptual },
            label: label.map(samples::name),
            origin: "drawn".into(),
            bytes: bytes.len() as u64,
            recorded_at: Timestamp::now(),
        };
        let key = Image::object_key(&id).parse().unwrap();
        self.context.objects.put(&key, bytes.into(), PutMode::Overwrite).await.unwrap();
        self.context.catalog.record_images(&[image], OnConflict::Keep).await.unwrap();
        id
    }

    /// Stores so many pictures of each kind.
    pub async fn draw(&self, each: u32) {
        for number in 0..each {
            self.store(picture(true, number), Some("stripes")).await;
            self.store(picture(false, number), Some("discs")).await;
        }
    }

    /// Asks for a training.
    pub async fn ask(&self, number: u64, change: impl FnOnce(&mut TrainingRequest)) -> RunId {
        let mut request = TrainingRequest {
            recipe: Recipe::Scratch,
            backbone: None,
            normalisation: None,
            seed: 1,
            ..samples::run(number, "pets").request
        };
        change(&mut request);
        let id = request.run;
        let run = Run { request, ..samples::run(number, "pets") };
        self.context.catalog.create_run(&run).await.unwrap();
        id
    }

    /// Asks for a training on a small network.
    pub async fn ask_transfer(&self, number: u64, change: impl FnOnce(&mut TrainingRequest)) -> RunId {
        let path = self.home.path().join("network.onnx");
        std::fs::write(&path, network()).unwrap();
        self.ask(number, |request| {
            request.recipe = Recipe::Transfer;
            request.backbone = Some(path);
            request.normalisation = Some("imagenet".into());
            change(request);
        })
        .await
    }

    pub async fn status(&self, id: &RunId) -> RunStatus {
        self.context.catalog.run(id).await.unwrap().unwrap().status
    }

    /// Why a run failed.
    pub async fn failure(&self, id: &RunId) -> String {
        match self.status(id).await {
            RunStatus::Failed { message } => message,
            other => panic!("the run has not failed: {other:?}"),
        }
    }

    pub async fn object(&self, key: &str) -> Vec<u8> {
        self.context.objects.get(&key.parse().unwrap(), 1 << 30).await.unwrap().into()
    }

    pub async fn put(&self, key: &str, bytes: &'static [u8]) {
        self.context.objects.put(&key.parse().unwrap(), bytes.into(), PutMode::Overwrite).await.unwrap();
    }

    /// The keys of the objects under a prefix.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let found = self.context.objects.list(prefix, None, 1000).await.unwrap();
        found.into_iter().map(|meta| meta.key.to_string()).collect()
    }

    /// Changes the catalog's file behind its back.
    pub async fn tamper(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.home.path().join("catalog.db"));
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    }

    pub fn train(&self) -> Train {
        Train::new(self.context.clone(), Arc::new(|_| {}))
    }

    /// A training that writes down what it says.
    pub fn train_telling(&self) -> (Train, Arc<Mutex<Vec<Step>>>) {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let told = steps.clone();
        let train = Train::new(self.context.clone(), Arc::new(move |step| told.lock().unwrap().push(step)));
        (train, steps)
    }
}
