//! Names: what is refused, and that what is accepted is written and read back as itself.

use std::fmt::Display;
use std::str::FromStr;

use pappus_domain::image::Label;
use pappus_domain::prediction::PredictionId;
use pappus_domain::run::Recipe;
use pappus_domain::{Digest, ImageFormat, ModelName, ModelVersion, RunId};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::material::{digests, labels};

/// A text is either refused by the parser and by serde alike, or comes back as the same value from both.
fn reads_as_it_writes<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let json = serde_json::to_string(text).unwrap();
    let Ok(value) = text.parse::<T>() else {
        prop_assert!(serde_json::from_str::<T>(&json).is_err());
        return Ok(());
    };
    prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), &value);
    prop_assert_eq!(&serde_json::from_str::<T>(&serde_json::to_string(&value).unwrap()).unwrap(), &value);
    prop_assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    Ok(())
}

proptest! {
    #[test]
    fn no_text_confuses_a_parser(
        text in prop_oneof![".{0,80}", "[-a-z0-9]{0,66}", "[0-9a-fA-F]{62,66}", r"[ ./\\\t]{0,4}"],
    ) {
        reads_as_it_writes::<Label>(&text)?;
        reads_as_it_writes::<ModelName>(&text)?;
        reads_as_it_writes::<ModelVersion>(&text)?;
        reads_as_it_writes::<Digest>(&text)?;
        prop_assert!(text.parse::<RunId>().is_err() && text.parse::<PredictionId>().is_err());
    }

    #[test]
    fn a_digest_is_64_lowercase_digits(digest in digests()) {
        let text = digest.to_string();
        prop_assert!(text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        prop_assert_eq!(text.parse::<Digest>(), Ok(digest));
        prop_assert_eq!(text.to_uppercase().parse::<Digest>(), Ok(digest));
        prop_assert_eq!(digest.short(12), &text[..12]);
        prop_assert_eq!(digest.leading_u64(), u64::from_str_radix(&text[..16], 16).unwrap());
        reads_as_it_writes::<Digest>(&text)?;
    }

    #[test]
    fn lists_of_parts_share_no_digest(
        bytes in prop::collection::vec(any::<u8>(), 1..20), at in any::<prop::sample::Index>(),
    ) {
        let (left, right) = bytes.split_at(at.index(bytes.len()));
        prop_assert_ne!(Digest::of_parts([left, right]), Digest::of_parts([bytes.as_slice()]));
        prop_assert_ne!(Digest::of_parts([left, right]), Digest::of_parts([left, right, &[]]));
    }

    #[test]
    fn every_label_can_be_a_folder(label in labels()) {
        let text = label.as_str();
        prop_assert!(!text.contains(['/', '\\', '\0', '\n', '\t']) && text == text.trim());
        prop_assert!(!matches!(text, "." | ".."));
        reads_as_it_writes::<Label>(text)?;
    }

    #[test]
    fn every_version_is_made_of_twelve_digits(digest in digests()) {
        let version = ModelVersion::from_digest(&digest);
        prop_assert_eq!(version.as_str().len(), 12);
        reads_as_it_writes::<ModelVersion>(version.as_str())?;
    }
}

/// Reference: Python's `hashlib`.
#[test]
fn digests_are_sha_256() {
    let wanted = "788d31ee6ea53d774db37010da71bb8ed600711e67f69a918ebce64d8a656dd1";
    assert_eq!(Digest::of(b"pappus").to_string(), wanted);
    let parts: [&[u8]; 2] = [b"ab", b"c"];
    let wanted = "43ee655579de01ca739b3f95c1c2d3f46d353b2c0df818064ea594506cdb2617";
    assert_eq!(Digest::of_parts(parts).to_string(), wanted);
}

#[test]
fn names_have_bounds() {
    let longest = "x".repeat(64);
    for good in ["a", "dandelion-grass", "0-0", &longest] {
        assert_eq!(good.parse::<ModelName>().unwrap().as_str(), good);
    }
    for bad in ["", "-a", "a-", "A", "a b", "a/b", "ä", "..", &"x".repeat(65)] {
        let message = bad.parse::<ModelName>().unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{bad}` cannot be the name of a model")), "{message}");
    }
    assert_eq!(" Wiesen-Löwenzahn\n".parse::<Label>().unwrap().as_str(), "Wiesen-Löwenzahn");
    assert!("ö".repeat(64).parse::<Label>().is_ok());
    for bad in ["", "  ", ".", " .. ", "a/b", "a\\b", "a\tb", "a\u{0}", &"ö".repeat(65)] {
        assert!(bad.parse::<Label>().is_err(), "{bad:?}");
    }
    let endless = "x".repeat(1 << 20).parse::<Label>().unwrap_err().to_string();
    assert!(endless.len() < 300, "a message quotes no more than the start of a text");
}

#[test]
fn closed_lists_are_read_as_they_are_written() {
    for format in ImageFormat::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
        assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
    }
    for recipe in [Recipe::Auto, Recipe::Transfer, Recipe::Scratch] {
        assert_eq!(recipe.as_str().parse(), Ok(recipe));
        assert_eq!(serde_json::to_value(recipe).unwrap(), recipe.as_str());
    }
    assert_eq!("gif".parse::<ImageFormat>().unwrap_err().to_string(), "`gif` is no image format");
    assert!("Auto".parse::<Recipe>().is_err());
}
