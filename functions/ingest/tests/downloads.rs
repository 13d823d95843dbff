//! Images from servers, good and bad ones.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use common::{Place, picture, place};
use pappus_catalog::OnConflict;
use pappus_domain::image::Label;
use pappus_ingest::Fate;
use tokio::net::TcpListener;

fn label(name: &str) -> Label {
    name.parse().unwrap()
}

/// What a server was asked, and how often.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

/// A server on a free port. Returns where it is, and what it has been asked.
async fn server() -> (String, Asked) {
    let asked = Asked::default();
    let app = Router::new().route("/{what}/{number}", get(answer)).with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

async fn answer(State(asked): State<Asked>, Path((what, number)): Path<(String, u32)>) -> Response {
    let times = {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(format!("{what}/{number}")).or_default();
        *times += 1;
        *times
    };
    match what.as_str() {
        "busy" if times == 1 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "image" | "busy" => picture(number).into_response(),
        "moved" => Redirect::temporary(&format!("/image/{number}")).into_response(),
        "loop" => Redirect::temporary(&format!("/loop/{number}")).into_response(),
        "text" => "a page that says what you look for is gone".into_response(),
        "large" => vec![0; (10 << 20) + 1].into_response(),
        "broken" => {
            // Half of what was announced, and then the connection ends.
            let half = futures::stream::iter([Ok(picture(number)), Err(std::io::Error::other("the end"))]);
            Response::builder().header("content-length", 100_000).body(Body::from_stream(half)).unwrap()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn fetch(place: &Place, urls: &[String]) -> pappus_ingest::Summary {
    let lines: String = urls.iter().map(|url| format!("{url},cat\n")).collect();
    let manifest = place.file("list.csv", format!("url_source,label\n{lines}").as_bytes());
    place.take_manifest(&manifest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_fetched_stored_and_settled_also_behind_a_redirect() {
    let (place, (url, asked)) = (place().await, server().await);
    let summary = fetch(&place, &[format!("{url}/image/1"), format!("{url}/moved/2")]).await;
    assert_eq!((summary.seen, summary.stored), (2, 2));
    assert_eq!(place.label(&picture(2)).await, "cat");
    assert_eq!(place.image(&picture(1)).await.unwrap().origin, format!("{url}/image/1"));
    assert_eq!(place.sources().await, BTreeMap::from([("stored".into(), 2)]));
    assert_eq!(asked.lock().unwrap()["image/1"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_fails_at_once_with_the_servers_word() {
    let (place, (url, asked)) = (place().await, server().await);
    let summary = fetch(&place, &[format!("{url}/gone/1"), format!("{url}/loop/1")]).await;
    assert_eq!((summary.seen, summary.unreadable), (2, 2));
    let Fate::Unreadable { reason } = &summary.attention[0].fate else { panic!("{summary:?}") };
    assert!(reason.contains("404"), "{reason}");
    assert_eq!(place.sources().await, BTreeMap::from([("failed".into(), 2)]));
    assert_eq!(asked.lock().unwrap()["gone/1"], 1, "it is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_asked_again() {
    let (place, (url, asked)) = (place().await, server().await);
    let summary = fetch(&place, &[format!("{url}/busy/1")]).await;
    assert_eq!((summary.stored, summary.unreadable), (1, 0));
    assert_eq!(asked.lock().unwrap()["busy/1"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_never_taken_for_an_image() {
    let (place, (url, asked)) = (place().await, server().await);
    let summary = fetch(&place, &[format!("{url}/broken/1"), format!("{url}/image/2")]).await;
    assert_eq!((summary.stored, summary.unreadable), (1, 1));
    let Fate::Unreadable { reason } = &summary.attention[0].fate else { panic!("{summary:?}") };
    assert!(reason.contains("4 times"), "{reason}");
    assert_eq!(asked.lock().unwrap()["broken/1"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_a_body_is_given_up_and_a_page_is_quarantined() {
    let (place, (url, asked)) = (place().await, server().await);
    let summary = fetch(&place, &[format!("{url}/large/1"), format!("{url}/text/1")]).await;
    assert_eq!((summary.unreadable, summary.quarantined), (1, 1));
    let Fate::Unreadable { reason } = &summary.attention[0].fate else { panic!("{summary:?}") };
    assert!(reason.contains("more than the 10485760 bytes"), "{reason}");
    assert_eq!(place.sources().await, BTreeMap::from([("failed".into(), 2)]));
    assert_eq!(asked.lock().unwrap()["large/1"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_fails_its_sources() {
    let place = place().await;
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let summary = fetch(&place, &[format!("http://{address}/1.jpg")]).await;
    assert_eq!((summary.seen, summary.unreadable), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_is_fetched_again_only_if_its_bytes_were_lost() {
    let (place, (url, asked)) = (place().await, server().await);
    let urls = [format!("{url}/image/1"), format!("{url}/image/2")];
    assert_eq!(fetch(&place, &urls).await.stored, 2);
    let key = pappus_domain::Image::object_key(&pappus_domain::Digest::of(&picture(2))).parse().unwrap();
    place.context.objects.delete(&key).await.unwrap();
    let summary = fetch(&place, &urls).await;
    assert_eq!((summary.seen, summary.stored, summary.duplicates), (2, 0, 2));
    assert_eq!(place.context.objects.get(&key, 1 << 20).await.unwrap(), picture(2));
    assert_eq!(*asked.lock().unwrap(), BTreeMap::from([("image/1".into(), 1), ("image/2".into(), 2)]));
    assert_eq!(place.sources().await, BTreeMap::from([("stored".into(), 2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_cut_off_goes_on_where_it_was() {
    const IMAGES: usize = 900;
    let (place, (url, asked)) = (place().await, server().await);
    let lines: String = (0..IMAGES).map(|number| format!("{url}/image/{number},cat\n")).collect();
    let manifest = place.file("list.csv", format!("url_source,label\n{lines}").as_bytes());
    assert_eq!(place.ingest.read_manifest(&manifest).await.unwrap().pending, IMAGES as u64);
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let progress = move |seen| {
        let _ = sender.send(seen);
    };
    tokio::select! {
        summary = place.ingest.fetch_pending(progress) => panic!("it was quick: {summary:?}"),
        seen = told.recv() => assert!(seen.unwrap() > 0),
    }
    // The recorder of the first may still be writing what it holds; both see the same rows.
    let before = place.sources().await.get("stored").copied().unwrap_or(0);
    assert!(before > 0, "what was fetched is settled");
    let summary = place.ingest.fetch_pending(|_| {}).await.unwrap();
    assert!(summary.seen < IMAGES as u64, "it goes on, and does not begin anew: {summary:?}");
    assert_eq!(place.sources().await, BTreeMap::from([("stored".into(), IMAGES as u64)]));
    assert_eq!((place.images().await.len(), place.objects().await), (IMAGES, IMAGES));
    let asked: usize = asked.lock().unwrap().values().sum();
    assert!(asked < IMAGES + 200, "{asked} requests for {IMAGES} images");
}

#[tokio::test]
async fn sources_that_are_asked_for_are_fetched_and_no_others() {
    let (place, (url, asked)) = (place().await, server().await);
    // What an earlier manifest has left stays for whoever fetches that.
    place.context.catalog.add_sources(&[(format!("{url}/image/9"), label("cat"))], OnConflict::Keep).await.unwrap();
    let sources = || vec![(format!("{url}/image/1"), label("cat")), (format!("{url}/text/2"), label("dog"))];
    let summary = place.ingest.sources(sources()).await.unwrap();
    assert_eq!((summary.seen, summary.stored, summary.quarantined), (2, 1, 1), "{summary:?}");
    assert_eq!(place.label(&picture(1)).await, "cat");
    let again = place.ingest.sources(sources()).await.unwrap();
    assert_eq!((again.seen, again.stored, again.duplicates), (2, 0, 1), "{again:?}");
    let asked = asked.lock().unwrap();
    assert_eq!((asked.get("image/1"), asked.get("image/9")), (Some(&1), None), "what is known is not fetched again");
}
