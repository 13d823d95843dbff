//! Images that are bad, and sources that cannot be had.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::Result;
use pappus_tests::{Home, pictures};
use serde_json::{Value, json};

/// The reason for which a file was refused.
fn reason<'a>(images: &'a Value, file: &str) -> &'a str {
    let of_file = |image: &&Value| image["origin"].as_str().is_some_and(|origin| origin.ends_with(file));
    let image = images.as_array().and_then(|images| images.iter().find(of_file));
    image.and_then(|image| image["reason"].as_str()).unwrap_or_default()
}

#[test]
fn bad_images_are_quarantined_with_reasons_and_the_rest_goes_on() -> Result<()> {
    let home = Home::new()?;
    let good = std::fs::read(&pictures::files(&pictures::sample(&home, "drawn", 2, 2)?)?[0])?;
    let class = home.work().join("photos/moss");
    std::fs::create_dir_all(&class)?;
    for (file, bytes) in [
        ("good.jpg", good.as_slice()),
        ("the-same-again.jpg", &good),
        ("truncated.jpg", &good[..good.len() * 2 / 3]),
        ("text.jpg", b"this is no picture at all, whatever its name says"),
        ("one-pixel.png", &pictures::png(1, 1, 1)?),
        ("bomb.png", &pictures::bomb()?),
        ("animated.gif", &pictures::animated_gif()),
        ("nothing.jpg", b""),
    ] {
        std::fs::write(class.join(file), bytes)?;
    }
    let taken = home.json(&["ingest", "photos"])?;
    let counted = ["seen", "stored", "duplicates", "quarantined", "unreadable"].map(|name| taken[name].as_u64());
    assert_eq!(counted, [Some(8), Some(1), Some(1), Some(6), Some(0)], "{taken}");
    assert_eq!(taken["attention"].as_array().map(Vec::len), Some(6));

    let images = home.json(&["images", "--quarantined"])?;
    assert!(reason(&images, "truncated.jpg").contains("cut off"), "{images}");
    assert!(reason(&images, "text.jpg").contains("not an image of a known format"), "{images}");
    assert!(reason(&images, "one-pixel.png").contains("1×1 pixels, smaller than"), "{images}");
    assert!(reason(&images, "bomb.png").contains("20000×20000 pixels, more than"), "{images}");
    assert!(reason(&images, "animated.gif").contains("GIF is not read"), "{images}");
    assert!(reason(&images, "nothing.jpg").contains("empty"), "{images}");
    assert_eq!(home.json(&["status"])?["images"]["stored"], 1);
    assert_eq!(home.check_objects()?.0, 1);

    let told = home.run(&["ingest", "photos"])?.expect(0)?;
    assert!(told.stdout.contains("truncated.jpg: the image is cut off"), "{}", told.stdout);
    Ok(())
}

#[test]
fn nothing_usable_is_a_failure() -> Result<()> {
    let home = Home::new()?;
    std::fs::create_dir_all(home.work().join("empty/class"))?;
    let refusal = home.refusal(1, &["ingest", "empty"])?;
    assert!(refusal.contains("empty has no files in it: give a folder"), "{refusal}");

    let refusal = home.refusal(1, &["ingest", "absent"])?;
    assert!(refusal.contains("absent cannot be read"), "{refusal}");

    std::fs::write(home.work().join("empty/class/notes.txt"), "not an image")?;
    let refusal = home.refusal(1, &["ingest", "empty"])?;
    assert!(refusal.contains("none of what was given is an image"), "{refusal}");
    Ok(())
}

#[test]
fn a_known_image_keeps_its_label_unless_told_otherwise() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", 3)?;
    home.json(&["ingest", "photos"])?;
    let taken = home.json(&["ingest", "photos", "--label", "fern"])?;
    assert_eq!((&taken["conflicts"], &taken["attention"][0]["kept"]), (&json!(3), &json!("moss")));
    assert_eq!(home.json(&["ingest", "photos", "--label", "fern", "--relabel"])?["relabelled"], 3);
    assert_eq!(home.json(&["status"])?["images"]["labels"], json!({ "fern": 3 }));
    Ok(())
}

#[test]
fn a_manifest_without_its_columns_is_refused() -> Result<()> {
    let home = Home::new()?;
    std::fs::write(home.work().join("plants.csv"), "url_source,class\nphotos/1.jpg,moss\n")?;
    let refusal = home.refusal(1, &["ingest", "plants.csv"])?;
    assert!(refusal.contains("no column `label`") && refusal.contains("`url_source`, `class`"), "{refusal}");
    assert_eq!(home.json(&["status"])?["sources"], json!({}));
    Ok(())
}

#[test]
fn a_manifest_is_taken_in_as_a_folder_is() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", 2)?;
    let manifest = |text: &str| std::fs::write(home.work().join("plants.csv"), format!("url_source,label\n{text}"));
    manifest("photos/moss/0000.png,moss\nphotos/moss/0001.png,moss\n")?;
    let refusal = home.refusal(2, &["ingest", "photos", "plants.csv", "--label", "fern"])?;
    assert!(refusal.contains("--label") && refusal.contains("each line of plants.csv names its class"), "{refusal}");
    assert!(!home.path().exists(), "wrong usage leaves nothing behind");
    assert_eq!(home.json(&["ingest", "plants.csv"])?["stored"], 2);

    manifest("photos/moss/0000.png,moss\nphotos/moss/0001.png,fern\n")?;
    let told = home.run(&["ingest", "plants.csv"])?.expect(0)?.stdout;
    for part in ["2 seen: 0 stored, 1 known already", "1 known under another label", "--relabel", "known as `moss`"] {
        assert!(told.contains(part), "{told}");
    }
    let told = home.run(&["ingest", "plants.csv", "--relabel"])?.expect(0)?.stdout;
    assert!(told.contains("1 known already") && told.contains("1 relabelled"), "{told}");
    assert_eq!(home.json(&["status"])?["images"]["labels"], json!({ "fern": 1, "moss": 1 }));
    Ok(())
}

#[test]
fn a_manifest_without_a_line_of_use_is_a_failure() -> Result<()> {
    let home = Home::new()?;
    std::fs::write(home.work().join("plants.csv"), "url_source,label\n,moss\nftp://example.org/1.jpg,moss\n")?;
    let ended = home.run(&["ingest", "plants.csv"])?.expect(1)?;
    for part in ["line 2: url_source is empty", "line 3: ", "scheme `ftp` cannot be fetched"] {
        assert!(ended.stdout.contains(part), "{ended:?}");
    }
    assert!(ended.stderr.contains("none of what was given is an image"), "{ended:?}");
    Ok(())
}

/// Answers each request with the next of `answers`, and then no more.
fn server(answers: Vec<(u16, Vec<u8>)>) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> Result<()> {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept()?;
            // The head of a request without a body comes in one piece.
            let _ = stream.read(&mut [0; 4096])?;
            write!(stream, "HTTP/1.1 {status} so\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
            stream.write_all(&body)?;
        }
        Ok(())
    });
    Ok(format!("http://{address}/picture.png"))
}

#[test]
fn sources_that_cannot_be_had_are_tried_again_by_the_same_command() -> Result<()> {
    let home = Home::new()?;
    pictures::noise(&home, "photos", "moss", 2)?;
    let late = server(vec![(404, Vec::new()), (200, pictures::png(64, 64, 99)?)])?;
    // Nothing has ever listened on port 1.
    let refused = "http://127.0.0.1:1/picture.png";
    let manifest = format!(
        "url_source,photographer,label\nphotos/moss/0000.png,me,moss\nphotos/moss/0001.png,me,moss\n{late},you,fern\n\
         {refused},you,fern\nftp://example.org/picture.png,you,fern\nphotos/moss/0001.png,me,\n"
    );
    std::fs::write(home.work().join("plants.csv"), manifest)?;

    let taken = home.json(&["ingest", "plants.csv"])?;
    assert_eq!((&taken["stored"], &taken["unreadable"]), (&json!(2), &json!(2)), "{taken}");
    assert_eq!(taken["manifest_faults"].as_array().map(Vec::len), Some(2), "{taken}");
    let reasons = taken["attention"].to_string();
    assert!(reasons.contains("the server answered 404") && reasons.contains("4 times"), "{reasons}");
    assert_eq!(home.json(&["status"])?["sources"], json!({ "stored": 2, "failed": 2 }));

    let taken = home.json(&["ingest", "plants.csv"])?;
    let counted = ["seen", "stored", "duplicates", "unreadable"].map(|name| taken[name].as_u64());
    assert_eq!(counted, [Some(4), Some(1), Some(2), Some(1)], "{taken}");
    let status = home.json(&["status"])?;
    assert_eq!(status["sources"], json!({ "stored": 3, "failed": 1 }));
    assert_eq!(status["images"]["labels"], json!({ "moss": 2, "fern": 1 }));
    Ok(())
}
