//! Who is told, how often, and what becomes of it where somebody cannot be told.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::smtp::Smtp;
use common::webhook::{SECRET, Webhook};
use common::{event, failed, place};
use pappus_domain::{Event, RunId};
use pappus_host::{Disposition, Settings};
use pappus_notify::Notify;
use uuid::Uuid;

const WEBHOOK: &str = "PAPPUS_NOTIFY_WEBHOOK";
const EMAIL: &str = "PAPPUS_NOTIFY_EMAIL";

fn failure() -> Event {
    event(&failed(RunId(Uuid::nil())))
}

/// An address where nobody listens.
fn nowhere() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn both_channels_are_told_once_however_often_an_event_comes() {
    let (webhook, smtp) = (Webhook::start().await, Smtp::start().await);
    let place = place(&[(WEBHOOK, &webhook.url), (EMAIL, &smtp.url())]).await;
    let event = failure();
    for _ in 0..3 {
        place.deliver(&event).await.unwrap();
    }
    assert_eq!((webhook.taken().len(), smtp.mails().len()), (1, 2), "each of two recipients has a mail");
    let wanted = ["email-686b5e4cf4f9", "email-cfe00dde46ef", "webhook"];
    let wanted = wanted.map(|channel| format!("notifications/{}/{channel}.json", event.id));
    assert_eq!(place.records().await, wanted);
}

#[tokio::test]
async fn a_mail_is_plain_text_with_an_id_that_follows_from_the_event() {
    let smtp = Smtp::start().await;
    let place = place(&[(EMAIL, &smtp.url())]).await;
    let event = failure();
    place.deliver(&event).await.unwrap();
    let mut mails = smtp.mails();
    mails.sort_by_key(|mail| mail.to.clone());
    let recipients: Vec<_> = mails.iter().map(|mail| (mail.from.as_str(), mail.to.join(" "))).collect();
    let from = "pappus@example.org";
    assert_eq!(recipients, [(from, "ada@example.org".to_owned()), (from, "bob@example.org".to_owned())]);
    let mail = mails.remove(0);
    let (head, body) = mail.text.split_once("\n\n").unwrap();
    for line in [
        "Subject: pets: a training failed",
        "From: pappus@example.org",
        "To: ada@example.org, bob@example.org",
        &format!("Message-ID: <{}@example.org>", event.id),
        "Content-Type: text/plain; charset=utf-8",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(head.lines().any(|found| found == line), "{line}\n{head}");
    }
    assert!(head.contains("\nDate: "), "{head}");
    assert!(body.starts_with("there are no labelled images <!channel>\nrun 00000000-"), "{body}");
}

#[tokio::test]
async fn a_channel_that_is_down_fails_the_event_and_the_other_is_told_once() {
    let (webhook, smtp) = (Webhook::start().await, Smtp::start().await);
    let place = place(&[(WEBHOOK, &webhook.url), (EMAIL, &smtp.url())]).await;
    webhook.answers(503);
    smtp.recipients("451 later");
    let failure = place.deliver(&failure()).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
    smtp.recipients("250 ok");
    for status in [408, 429, 500] {
        webhook.answers(status);
        let failure = place.deliver(&self::failure()).await.unwrap_err();
        assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
        assert!(failure.to_string().contains(&format!("cannot be told: it answered {status}")), "{failure}");
    }
    assert_eq!((webhook.taken().len(), smtp.mails().len()), (4, 2));
    webhook.answers(200);
    place.deliver(&self::failure()).await.unwrap();
    place.deliver(&self::failure()).await.unwrap();
    assert_eq!((webhook.taken().len(), smtp.mails().len()), (5, 2));
}

#[tokio::test]
async fn where_nobody_listens_the_event_fails_for_now() {
    let server = nowhere();
    let (webhook, email) = (format!("http://{server}/{SECRET}"), format!("smtp://{server}?from=a@b&to=c@d&tls=none"));
    for variable in [(WEBHOOK, webhook.as_str()), (EMAIL, email.as_str())] {
        let place = place(&[variable]).await;
        let failure = place.deliver(&failure()).await.unwrap_err();
        assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
        assert!(!failure.to_string().contains(SECRET), "{failure}");
        assert_eq!(place.records().await, [] as [String; 0]);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_waited_for_ten_seconds() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let server = silent.local_addr().unwrap();
    let (webhook, email) = (format!("http://{server}/"), format!("smtp://{server}?from=a@b&to=c@d&tls=none"));
    let place = place(&[(WEBHOOK, &webhook), (EMAIL, &email)]).await;
    let begun = Instant::now();
    let failure = place.deliver(&failure()).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Unavailable, "{failure}");
    assert!((9..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    for status in [301, 400, 403, 404, 410] {
        let webhook = Webhook::start().await;
        let place = place(&[(WEBHOOK, &webhook.url)]).await;
        webhook.answers(status);
        place.deliver(&failure()).await.unwrap();
        webhook.answers(200);
        place.deliver(&failure()).await.unwrap();
        assert_eq!(webhook.taken().len(), 1, "{status}");
        let record = place.records().await.remove(0).parse().unwrap();
        let record = place.context.objects.get(&record, 1 << 10).await.unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let refusal = record["refusal"].as_str().unwrap();
        assert!(refusal.contains(&format!("refuses the message: it answered {status}")), "{refusal}");
        assert!(!refusal.contains(SECRET), "{refusal}");
    }
    let smtp = Smtp::start().await;
    let place = place(&[(EMAIL, &smtp.url())]).await;
    smtp.refuses("bob@example.org");
    place.deliver(&failure()).await.unwrap();
    smtp.refuses("nobody");
    place.deliver(&failure()).await.unwrap();
    let recipients: Vec<_> = smtp.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!((recipients, place.records().await.len()), (vec!["ada@example.org".into()], 2), "of two one has gone");
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_where_encryption_is_wanted() {
    let smtp = Smtp::start().await;
    let url = format!("smtp://ada@{}?from=a@b&to=c@d", smtp.address);
    let place = place(&[(EMAIL, &url), ("PAPPUS_SMTP_PASSWORD", SECRET)]).await;
    // A server that has no STARTTLS will have none in a moment either.
    place.deliver(&failure()).await.unwrap();
    assert!(smtp.heard().iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{:?}", smtp.heard());
}

#[tokio::test]
async fn a_server_that_knows_users_is_told_who_asks() {
    let smtp = Smtp::start().await;
    let url = smtp.url().replace("smtp://", "smtp://ada@");
    let place = place(&[(EMAIL, &url), ("PAPPUS_SMTP_PASSWORD", SECRET)]).await;
    place.deliver(&failure()).await.unwrap();
    // base64 of NUL ada NUL s3cret
    assert!(smtp.heard().contains(&"AUTH PLAIN AGFkYQBzM2NyZXQ=".to_owned()), "{:?}", smtp.heard());
    assert_eq!(smtp.mails().len(), 2);
}

#[tokio::test]
async fn where_nobody_is_named_nobody_is_told() {
    let place = place(&[]).await;
    place.deliver(&failure()).await.unwrap();
    assert_eq!(place.records().await, [] as [String; 0]);
}

#[tokio::test]
async fn an_event_of_any_id_has_a_place() {
    let webhook = Webhook::start().await;
    let place = place(&[(WEBHOOK, &webhook.url)]).await;
    for id in ["../../models", "a/b", "…"] {
        let event = Event { id: id.into(), ..failure() };
        for _ in 0..2 {
            place.deliver(&event).await.unwrap();
        }
    }
    assert_eq!((webhook.taken().len(), place.records().await.len()), (3, 3));
}

#[tokio::test]
async fn an_event_that_says_nothing_is_refused() {
    let place = place(&[(WEBHOOK, "http://127.0.0.1:1/")]).await;
    let event = Event { data: serde_json::json!({ "run": 7 }).into(), ..failure() };
    assert_eq!(place.deliver(&event).await.unwrap_err().disposition(), Disposition::Refused);
}

#[tokio::test]
async fn a_test_message_goes_to_each_channel_and_says_what_became_of_it() {
    let (webhook, smtp) = (Webhook::start().await, Smtp::start().await);
    webhook.answers(404);
    let place = place(&[(WEBHOOK, &webhook.url), (EMAIL, &smtp.url())]).await;
    let tried = Notify::test(&place.context.settings).await.unwrap();
    assert_eq!(tried.iter().map(|tried| tried.sent.is_ok()).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(tried[1].to, format!("ada@example.org by the mail server smtp://{}", smtp.address));
    assert!(smtp.mails()[0].text.contains("Subject: pets: a test message"));
    assert_eq!(place.records().await, [] as [String; 0]);
}

/// What is logged, for the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_in_what_is_shown_or_logged() {
    let log = Log::default();
    let writer = log.clone();
    let logs = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    let _logging = tracing::subscriber::set_default(logs.with_writer(move || writer.clone()).finish());
    let (webhook, smtp) = (Webhook::start().await, Smtp::start().await);
    let url = smtp.url().replace("smtp://", &format!("smtp://{SECRET}@"));
    let variables = [(WEBHOOK, webhook.url.as_str()), (EMAIL, &url), ("PAPPUS_SMTP_PASSWORD", SECRET)];
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let settings = format!("{:?}", Settings::read(find, None).unwrap());
    assert!(!settings.contains(SECRET) && settings.contains("Webhook(http://127.0.0.1/…)"), "{settings}");
    let place = place(&variables).await;
    for (status, answer) in [(404, "451 later"), (200, "550 never")] {
        webhook.answers(status);
        smtp.recipients(answer);
        if let Err(failure) = place.deliver(&failure()).await {
            assert!(!format!("{failure} {failure:?}").contains(SECRET), "{failure:?}");
        }
    }
    for tried in Notify::test(&place.context.settings).await.unwrap() {
        assert!(!format!("{tried:?}").contains(SECRET), "{tried:?}");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("people were not told") && !log.contains(SECRET), "{log}");
}
