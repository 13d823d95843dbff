//! People, told by commands and by `pappus up` through a webhook.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use pappus_tests::{Home, Trained, Up, eventually, pictures, runtime};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A server that keeps what is posted to it.
struct Webhook {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Value>>>,
    // Ends the server when dropped.
    _runtime: Runtime,
}

impl Webhook {
    fn start() -> Result<Self> {
        let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
        let taking = taken.clone();
        let take = post(async move |body: Bytes| {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            taking.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        });
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(pappus_host::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
        let address = listener.local_addr()?;
        runtime.spawn(pappus_host::serve(listener, Router::new().route("/hooks/s3cret", take), std::future::pending()));
        Ok(Self { address, taken, _runtime: runtime })
    }

    fn url(&self) -> String {
        format!("http://{}/hooks/s3cret", self.address)
    }

    /// The texts of what was posted so far.
    fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().map(|body| body["text"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn a_test_message_says_whether_people_can_be_told() -> Result<()> {
    let home = Home::new()?;
    let refusal = home.refusal(2, &["notify", "--test"])?;
    assert!(refusal.contains("PAPPUS_NOTIFY_WEBHOOK") && refusal.contains("PAPPUS_NOTIFY_EMAIL"), "{refusal}");
    assert!(home.refusal(2, &["notify"])?.contains("required arguments"), "the test is all that it can do");

    let webhook = Webhook::start()?;
    let told = Home::new()?.with("PAPPUS_NOTIFY_WEBHOOK", webhook.url());
    let said = told.run(&["notify", "--test"])?.expect(0)?.stdout;
    assert_eq!(said, "the webhook http://127.0.0.1/… has taken a test message\n");
    assert!(webhook.texts()[0].starts_with("classifier: a test message\n"), "{:?}", webhook.texts());

    let nobody = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let mail = format!("smtp://{nobody}?from=pappus@example.org&to=ada@example.org&tls=none");
    let half = told.with("PAPPUS_NOTIFY_EMAIL", mail);
    let ended = half.run(&["notify", "--test"])?.expect(1)?;
    assert_eq!((ended.stdout, webhook.texts().len()), (said, 2));
    let refused = format!("error: ada@example.org by the mail server smtp://{nobody} cannot be told: ");
    assert!(ended.stderr.starts_with(&refused) && ended.stderr.contains("refused"), "{}", ended.stderr);
    Ok(())
}

#[test]
fn a_wrong_place_to_tell_is_one_line_without_secrets() -> Result<()> {
    for (variable, value, is) in [
        ("PAPPUS_NOTIFY_WEBHOOK", "hooks.slack.com/services/s3cret", "…"),
        ("PAPPUS_NOTIFY_EMAIL", "smtp://ada:s3cret@mail?from=a@b&to=c@d", "smtp://mail/…"),
    ] {
        let refusal = Home::new()?.with(variable, value).refusal(2, &["status"])?;
        assert!(refusal.starts_with(&format!("{variable} is `{is}`: it may be ")), "{refusal}");
        assert!(!refusal.contains("s3cret"), "{refusal}");
    }
    Ok(())
}

#[test]
fn a_rollback_by_hand_is_told_once_and_done_where_nobody_can_be_told() -> Result<()> {
    let Some(trained) = Trained::copy()? else { return Ok(()) };
    let webhook = Webhook::start()?;
    let home = Home::copy_of(trained.work())?.with("PAPPUS_NOTIFY_WEBHOOK", webhook.url());
    let said = home.run(&["rollback", "--reason", "too many moles"])?.expect(0)?;
    let texts = webhook.texts();
    assert_eq!(texts.len(), 1);
    let title = format!("classifier: rolled back to version {}\n", trained.first);
    assert!(texts[0].starts_with(&title) && texts[0].contains(": too many moles\n"), "{texts:?}");
    assert!(said.stderr.is_empty(), "{}", said.stderr);

    let nobody = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let away = Home::copy_of(trained.work())?.with("PAPPUS_NOTIFY_WEBHOOK", format!("http://{nobody}/s3cret"));
    let said = away.run(&["rollback"])?.expect(0)?;
    assert!(said.stderr.contains("people were not told") && !said.stderr.contains("s3cret"), "{}", said.stderr);
    assert_eq!(away.json(&["status"])?["release"]["champion"], trained.first.as_str());
    Ok(())
}

#[test]
fn up_tells_of_a_training_that_fails() -> Result<()> {
    if runtime()?.is_none() {
        return Ok(());
    }
    let webhook = Webhook::start()?;
    let home = Home::new()?.with("PAPPUS_NOTIFY_WEBHOOK", webhook.url());
    // Enough to train on, and of one class.
    pictures::noise(&home, "photos", "grass", 60)?;
    home.json(&["ingest", "photos"])?;
    let up = Up::start(&home)?;
    up.event("io.pappus.image.ingested", "1", &json!({ "batch": "photos", "stored": 60 }))?;
    let text = eventually("the webhook is told", || Ok(webhook.texts().pop()))?;
    assert!(text.starts_with("classifier: a training failed\n") && text.contains("`grass`"), "{text}");
    let runs = home.json(&["runs"])?;
    assert!(text.contains(runs[0]["run"].as_str().unwrap_or("a run")), "{text}");
    up.stop()?;
    assert_eq!(webhook.texts().len(), 1);
    Ok(())
}
