//! What becomes of the faults of a server and of the network.
#![cfg(feature = "s3")]
#![allow(clippy::expect_used, reason = "a test may fail so")]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::fake::{Asked, Fake, HANG_UP, Reply, refusal, reply, store, told, url};
use common::key;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use pappus_objects::{Access, Error, ObjectStore, PutMode, S3Store, Writing};
use tokio::net::TcpSocket;
use tokio::time::Instant;

const PART: usize = 8 << 20;

/// Asks a store for one of everything.
async fn everything(store: &S3Store) -> Vec<Error> {
    let name = key("a/b");
    let failed = "nothing can be done";
    vec![
        store.check(Access::Write).await.expect_err(failed),
        store.get(&name, 10).await.expect_err(failed),
        store.get_stream(&name).await.expect_err(failed),
        store.head(&name).await.expect_err(failed),
        store.list("a/", None, 10).await.expect_err(failed),
        store.delete(&name).await.expect_err(failed),
        store.put(&name, Bytes::from_static(b"x"), PutMode::Overwrite).await.expect_err(failed),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_connections_is_unavailable_soon() {
    // A port that is taken, and nobody listens on it.
    let taken = TcpSocket::new_v4().expect("a socket");
    taken.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = taken.local_addr().expect("its address");
    let store = store(&url(address)).await;
    let begun = Instant::now();
    let errors = everything(&store).await;
    assert!(begun.elapsed() < Duration::from_secs(30) * errors.len() as u32, "{:?}", begun.elapsed());
    for error in errors {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(told(&error).contains(&address.to_string()) && told(&error).contains("refused"), "{}", told(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_unavailable_within_the_bound() {
    let fake = Fake::start(|_, _| Reply::Stuck(Vec::new())).await;
    let store = fake.store().await;
    let begun = Instant::now();
    let errors = everything(&store).await;
    assert!(begun.elapsed() <= Duration::from_secs(30) * errors.len() as u32, "{:?}", begun.elapsed());
    for error in errors {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(told(&error).contains("timeout"), "{}", told(&error));
    }
    // A part is given more time.
    let begun = Instant::now();
    let large = Bytes::from(vec![7; PART]);
    let error = store.put(&key("a/b"), large, PutMode::Overwrite).await.expect_err("nobody answers");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(begun.elapsed() <= Duration::from_secs(7 * 60), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_stops_coming_is_unavailable_within_the_bound() {
    let fake = Fake::start(|_, asked| match asked.header("range") {
        "" => Reply::Stuck(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\netag: \"1\"\r\n\r\n01234".to_vec()),
        _ => Reply::Stuck(
            b"HTTP/1.1 206 OK\r\ncontent-length: 5\r\ncontent-range: bytes 5-9/10\r\netag: \"1\"\r\n\r\n".to_vec(),
        ),
    })
    .await;
    let store = fake.store().await;
    let begun = Instant::now();
    let error = store.get(&key("a"), 10).await.expect_err("half of it never comes");
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(told(&error).contains("nothing came for 10 seconds"), "{}", told(&error));
    assert!(begun.elapsed() <= Duration::from_secs(45), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let slow = |_: usize, asked: &Asked| match asked.method.as_str() {
        "GET" => reply(200, "etag: \"1\"\r\n", b"content").late(),
        _ => reply(200, "etag: \"1\"\r\n", b"").late(),
    };
    let fake = Fake::start(slow).await;
    let store = fake.store().await;
    let name = key("a");
    let (put, got) = tokio::join!(store.put(&name, Bytes::from_static(b"x"), PutMode::Overwrite), store.get(&name, 10));
    put.expect("it is written, slowly");
    assert_eq!(got.expect("it is read, slowly"), "content");
    assert_eq!(fake.asked().len(), 2, "nobody lost patience and asked again");
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again() {
    for fault in [refusal(500, "InternalError"), refusal(503, "SlowDown"), HANG_UP, reply(502, "", b"<html>")] {
        let fake = Fake::start(move |number, _| match number {
            0 => fault.clone(),
            _ => reply(200, "etag: \"1\"\r\n", b"content"),
        })
        .await;
        assert_eq!(fake.store().await.get(&key("a"), 10).await.expect("the second time it answers"), "content");
        assert_eq!(fake.asked().len(), 2);
    }
}

#[tokio::test]
async fn an_answer_is_an_error_by_what_can_be_done_about_it() {
    type Is = fn(&Error) -> bool;
    let cases: [(u16, &str, Is, &str); 21] = [
        (404, "NoSuchBucket", |e| matches!(e, Error::NoBucket { .. }), "make it, or name another"),
        (403, "InvalidAccessKeyId", |e| matches!(e, Error::Credentials { .. }), "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", |e| matches!(e, Error::Credentials { .. }), "AWS_SECRET_ACCESS_KEY"),
        (400, "ExpiredToken", |e| matches!(e, Error::Credentials { .. }), "expired"),
        (400, "InvalidToken", |e| matches!(e, Error::Credentials { .. }), "AWS_SESSION_TOKEN"),
        (403, "RequestTimeTooSkewed", |e| matches!(e, Error::Credentials { .. }), "clock"),
        (403, "AccessDenied", |e| matches!(e, Error::PermissionDenied { .. }), "allow this user"),
        (403, "AllAccessDisabled", |e| matches!(e, Error::PermissionDenied { .. }), "allow this user"),
        (301, "PermanentRedirect", |e| matches!(e, Error::WrongRegion { .. }), "`eu-west-1` with `region=…`"),
        (400, "AuthorizationHeaderMalformed", |e| matches!(e, Error::WrongRegion { .. }), "`eu-west-1`"),
        (507, "XMinioStorageFull", |e| matches!(e, Error::Full { .. }), "no space left"),
        (400, "QuotaExceeded", |e| matches!(e, Error::Full { .. }), "no space left"),
        (503, "SlowDown", |e| matches!(e, Error::Busy { .. }), "too much is asked"),
        (503, "SlowDownWrite", |e| matches!(e, Error::Busy { .. }), "too much is asked"),
        (429, "TooManyRequests", |e| matches!(e, Error::Busy { .. }), "too much is asked"),
        (500, "InternalError", |e| matches!(e, Error::Unavailable { .. }), "cannot be reached"),
        (503, "XMinioServerNotInitialized", |e| matches!(e, Error::Unavailable { .. }), "cannot be reached"),
        (400, "InvalidBucketName", |e| matches!(e, Error::Unexpected { .. }), "see that the URL is right"),
        (405, "MethodNotAllowed", |e| matches!(e, Error::Unexpected { .. }), "see that the URL is right"),
        (501, "NotImplemented", |e| matches!(e, Error::Unexpected { .. }), "see that the URL is right"),
        (404, "", |e| matches!(e, Error::Unexpected { .. }), "see that the URL is right"),
    ];
    let asked = cases.map(async |(status, code, is, says)| {
        let answer = match code {
            "" => reply(status, "content-type: text/html\r\n", b"<html>nothing here</html>"),
            code => refusal(status, code),
        };
        let fake = Fake::start(move |_, _| answer.clone()).await;
        let store = fake.store().await;
        let error = store.check(Access::Read).await.expect_err(code);
        assert!(is(&error), "{status} {code}: {error:?}");
        let told = told(&error);
        assert!(told.contains(says) && told.contains(&format!("it answered {status}")), "{status} {code}: {told}");
        let names_place = told.contains("s3://bucket/ at http://127.0.0.1:");
        assert!(names_place || matches!(error, Error::WrongRegion { .. }), "{status} {code}: {told}");
    });
    futures::future::join_all(asked).await;
}

#[tokio::test]
async fn a_check_finds_what_may_not_be_done() {
    type Is = fn(&Asked) -> bool;
    let cases: [(Is, bool); 3] = [
        (|asked| asked.path.contains("list-type=2"), false),
        (|asked| asked.method == "GET" && asked.path.contains("/.tmp/check"), false),
        (|asked| asked.method == "POST", true),
    ];
    for (is_denied, is_reader) in cases {
        let fake = Fake::start(move |_, asked| match asked.method.as_str() {
            _ if is_denied(asked) => refusal(403, "AccessDenied"),
            "GET" if asked.path.contains("/.tmp/check") => refusal(404, "NoSuchKey"),
            "GET" => listing(""),
            _ => uploads(asked),
        })
        .await;
        let store = fake.store().await;
        let error = store.check(Access::Write).await.expect_err("something is denied");
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
        assert_eq!(store.check(Access::Read).await.is_ok(), is_reader, "whoever only reads need not write");
    }
}

#[tokio::test]
async fn it_is_checked_once_whether_one_may_write() {
    let fake = Fake::start(|_, asked| match asked.method.as_str() {
        "GET" if asked.path.contains("/.tmp/check") => refusal(404, "NoSuchKey"),
        "GET" => listing(""),
        _ => uploads(asked),
    })
    .await;
    let store = fake.store().await;
    for _ in 0..3 {
        store.check(Access::Write).await.expect("everything may be done");
    }
    assert_eq!(fake.asked().iter().filter(|asked| asked.method == "POST").count(), 1);
    assert_eq!(fake.asked().iter().filter(|asked| is_abort(asked)).count(), 1, "and nothing is left of it");
}

/// A page of a listing.
fn listing(inner: &str) -> Reply {
    let body = format!("<ListBucketResult><EncodingType>url</EncodingType>{inner}</ListBucketResult>");
    reply(200, "content-type: application/xml\r\n", body.as_bytes())
}

#[tokio::test]
async fn a_listing_goes_on_behind_the_servers_own_pages() {
    let object = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
    let fake = Fake::start(move |number, asked| {
        let next = |token: &str| {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>")
        };
        match number {
            0 => listing(&(object("a%2Fb+c") + &next("one"))),
            1 if asked.path.contains("continuation-token=one") => listing(&next("two")),
            2 if asked.path.contains("continuation-token=two") => listing(&object("a%2Fd%2Be")),
            _ => refusal(400, "InvalidArgument"),
        }
    })
    .await;
    let listed = fake.store().await.list("a/", None, 5000).await.expect("it lists");
    assert_eq!(listed.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["a/b c", "a/d+e"]);
}

#[tokio::test]
async fn keys_that_a_server_does_not_take_are_refused() {
    for code in ["XMinioParentIsObject", "XMinioObjectExistsAsDirectory", "KeyTooLongError", "XMinioInvalidObjectName"]
    {
        let fake = Fake::start(move |_, asked| match asked.method.as_str() {
            "HEAD" => reply(404, "", b""),
            _ => refusal(400, code),
        })
        .await;
        let put = fake.store().await.put(&key("a/b"), Bytes::new(), PutMode::IfAbsent).await;
        assert!(matches!(&put, Err(Error::KeyRefused { .. })), "{put:?}");
    }
}

/// The part of an object that is asked for, of one with the content `0123456789`.
fn digits(asked: &Asked, length: usize) -> Reply {
    let from: usize = asked.header("range").trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0);
    let content = &b"0123456789"[from..];
    let status = if from == 0 { 200 } else { 206 };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\ncontent-range: bytes {from}-9/10\r\netag: \"1\"\r\n\r\n",
        content.len()
    );
    Reply::Bytes([head.as_bytes(), &content[..length.min(content.len())]].concat())
}

#[tokio::test]
async fn reading_goes_on_where_it_broke_off() {
    let fake = Fake::start(|_, asked| digits(asked, 3)).await;
    let store = fake.store().await;
    assert_eq!(store.get(&key("a"), 10).await.expect("all of it"), "0123456789");
    let asked = fake.asked();
    let ranges: Vec<&str> = asked.iter().map(|asked| asked.header("range")).collect();
    assert_eq!(ranges, ["", "bytes=3-", "bytes=6-", "bytes=9-"]);
    assert!(asked[1..].iter().all(|asked| asked.header("if-match") == "\"1\""), "of one version");
    let reading = store.get_stream(&key("a")).await.expect("it is there");
    assert_eq!(reading.size, 10);
    assert_eq!(reading.bytes.try_collect::<Vec<_>>().await.expect("all of it").concat(), b"0123456789");
}

#[tokio::test]
async fn what_cannot_be_read_whole_is_an_error() {
    type Answer = fn(&Asked) -> Reply;
    let cases: [(Answer, &str); 5] = [
        (|asked| digits(asked, 0), "connection"),
        (
            |asked| {
                if asked.header("range").is_empty() { digits(asked, 3) } else { refusal(412, "PreconditionFailed") }
            },
            "it was overwritten while it was read",
        ),
        (
            |asked| if asked.header("range").is_empty() { digits(asked, 3) } else { reply(200, "", b"0123456789") },
            "does not send the rest alone",
        ),
        (|_| reply(200, "", b"0123456789").cut(3), "connection"),
        (|_| Reply::Bytes(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789".to_vec()), "how large it is"),
    ];
    for (answer, says) in cases {
        let fake = Fake::start(move |_, asked| answer(asked)).await;
        let store = fake.store().await;
        let error = store.get(&key("a"), 10).await.expect_err(says);
        assert!(matches!(error, Error::Unavailable { .. } | Error::Unexpected { .. }), "{error:?}");
        assert!(told(&error).contains(says), "{says}: {}", told(&error));
    }
}

#[tokio::test]
async fn an_object_that_is_too_large_is_not_read() {
    let fake =
        Fake::start(|_, _| Reply::Stuck(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n".to_vec())).await;
    let error = fake.store().await.get(&key("a"), 10).await.expect_err("it is too large");
    assert!(matches!(error, Error::TooLarge { size: 1_000_000_000_000, limit: 10, .. }), "{error:?}");
}

/// A server that loses the answer to the first write and refuses the second, for there is an object by then: that of the
/// first, or that of somebody else.
async fn forgetful(is_ours: bool) -> Fake {
    let mark = std::sync::Mutex::new(String::new());
    Fake::start(move |number, asked| {
        let mut mark = mark.lock().expect("no test panics with it");
        match (asked.method.as_str(), number) {
            ("PUT", 0) => {
                assert_eq!(asked.header("if-none-match"), "*");
                *mark = asked.header("x-amz-meta-pappus-write").to_owned();
                assert!(!mark.is_empty());
                HANG_UP
            }
            ("PUT", _) => refusal(412, "PreconditionFailed"),
            ("HEAD", _) if is_ours => reply(200, &format!("x-amz-meta-pappus-write: {mark}\r\n"), b""),
            _ => reply(200, "x-amz-meta-pappus-write: another\r\n", b""),
        }
    })
    .await
}

#[tokio::test]
async fn a_write_of_which_the_answer_was_lost_is_known_again() {
    for is_ours in [true, false] {
        let fake = forgetful(is_ours).await;
        let put = fake.store().await.put(&key("a"), Bytes::from_static(b"x"), PutMode::IfAbsent).await;
        match put {
            Ok(()) => assert!(is_ours),
            Err(error) => assert!(!is_ours && matches!(error, Error::AlreadyExists { .. }), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_write_that_met_another_is_tried_again() {
    let fake = Fake::start(|number, _| match number {
        0 | 1 => refusal(409, "ConditionalRequestConflict"),
        _ => reply(200, "etag: \"1\"\r\n", b""),
    })
    .await;
    let put = fake.store().await.put(&key("a"), Bytes::from_static(b"x"), PutMode::IfAbsent).await;
    put.expect("the other has come to nothing");
    assert_eq!(fake.asked().len(), 3);
}

/// What a server says to an upload in parts, as far as it goes well.
fn uploads(asked: &Asked) -> Reply {
    let xml = |body: &str| reply(200, "content-type: application/xml\r\n", body.as_bytes());
    match (asked.method.as_str(), asked.path.as_str()) {
        ("HEAD", _) => reply(404, "", b""),
        ("POST", path) if path.contains("uploads") => {
            xml("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
        }
        ("PUT", _) => reply(200, "etag: \"p\"\r\n", b""),
        ("POST", _) => xml("<CompleteMultipartUploadResult><ETag>\"w\"</ETag></CompleteMultipartUploadResult>"),
        ("DELETE", _) => reply(204, "", b""),
        other => panic!("nobody asks for {other:?}"),
    }
}

fn is_abort(asked: &Asked) -> bool {
    asked.method == "DELETE" && asked.path.contains("uploadId=u1")
}

#[tokio::test]
async fn a_large_object_goes_in_parts_under_one_condition() {
    let fake = Fake::start(|_, asked| uploads(asked)).await;
    let store = fake.store().await;
    let large = Bytes::from(vec![7; 2 * PART + 5]);
    store.put(&key("a"), large, PutMode::IfAbsent).await.expect("it is written");
    let asked = fake.asked();
    let mut parts: Vec<usize> = asked.iter().filter(|asked| asked.method == "PUT").map(|asked| asked.size).collect();
    parts.sort_unstable();
    assert_eq!(parts, [5, PART, PART]);
    let last = asked.last().expect("it was asked");
    assert!(last.path.contains("uploadId=u1") && last.header("if-none-match") == "*", "{last:?}");
    assert!(!asked.iter().any(is_abort));
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted_before_it_is_told() {
    type Fails = fn(&Asked) -> bool;
    let cases: [Fails; 2] = [
        |asked| asked.path.contains("partNumber=2"),
        |asked| asked.method == "POST" && asked.path.contains("uploadId=u1"),
    ];
    for fails in cases {
        let answer = move |_: usize, asked: &Asked| match fails(asked) {
            true => refusal(403, "AccessDenied"),
            false => uploads(asked),
        };
        let fake = Fake::start(answer).await;
        let store = fake.store().await;
        let error = store.put(&key("a"), Bytes::from(vec![7; 3 * PART]), PutMode::Overwrite).await;
        assert!(matches!(error, Err(Error::PermissionDenied { .. })), "{error:?}");
        assert!(fake.asked().iter().any(is_abort));
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_aborted() {
    let (aborted, abort) = std::sync::mpsc::channel();
    let (sent, mut part) = tokio::sync::mpsc::unbounded_channel();
    let fake = Fake::start(move |_, asked| {
        if is_abort(asked) {
            aborted.send(()).expect("the test listens");
        }
        if asked.method == "PUT" {
            sent.send(()).expect("the test listens");
        }
        uploads(asked)
    })
    .await;
    let store = fake.store().await;
    let endless = stream::iter([Ok(Bytes::from(vec![7; 2 * PART]))]).chain(stream::pending()).boxed();
    let name = key("a");
    let writing = Writing { size: None, bytes: endless };
    tokio::select! {
        written = store.put_stream(&name, writing, PutMode::Overwrite) => panic!("it cannot have ended: {written:?}"),
        sent = part.recv() => sent.expect("a part is sent"),
    }
    let heard = tokio::task::spawn_blocking(move || abort.recv_timeout(Duration::from_secs(60)));
    heard.await.expect("it does not panic").expect("it is aborted");
}

#[tokio::test]
async fn a_failure_behind_a_status_of_success_is_one() {
    // S3 answers before it is done, and can only then say that it is not.
    let fake = Fake::start(|number, asked| match (asked.method.as_str(), asked.path.contains("uploadId")) {
        ("POST", true) if number == 3 => refusal(200, "InternalError"),
        _ => uploads(asked),
    })
    .await;
    let store = fake.store().await;
    store.put(&key("a"), Bytes::from(vec![7; 2 * PART]), PutMode::Overwrite).await.expect("it is tried again");
    let asked = fake.asked();
    let completions = asked.iter().filter(|asked| asked.method == "POST" && asked.path.contains("uploadId"));
    assert_eq!(completions.count(), 2);
}
