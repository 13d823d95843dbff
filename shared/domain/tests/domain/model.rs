//! The version of a model: all that makes it answer as it does, and nothing else.

use std::collections::BTreeMap;

use pappus_domain::image::Label;
use pappus_domain::model::Preprocessing;
use pappus_domain::{Digest, Manifest};

#[derive(Clone)]
struct Parts {
    files: BTreeMap<String, Digest>,
    classes: Vec<Label>,
    preprocessing: Preprocessing,
    data_set: Digest,
}

impl Parts {
    fn version(&self) -> String {
        Manifest::identify(&self.files, &self.classes, &self.preprocessing, &self.data_set).to_string()
    }
}

fn parts() -> Parts {
    let files = [(Manifest::MODEL, Digest::of(b"m")), (Manifest::GOLDEN, Digest::of(b"g"))];
    Parts {
        files: files.map(|(file, digest)| (file.into(), digest)).into(),
        classes: ["dandelion", "grass"].map(|label| label.parse().unwrap()).into(),
        preprocessing: Preprocessing {
            decode: "rgb8-exif/1".into(),
            resize: "stretch-bilinear/1".into(),
            width: 224,
            height: 224,
        },
        data_set: Digest::of(b"d"),
    }
}

/// Reference: Python's `hashlib`.
#[test]
fn the_version_is_frozen() {
    assert_eq!(parts().version(), "a6d63eefcf23");
}

#[test]
fn every_part_makes_another_version() {
    type Change = fn(&mut Parts);
    let changes: [Change; 8] = [
        |parts| parts.classes.reverse(),
        |parts| parts.preprocessing.decode.push('1'),
        |parts| parts.preprocessing.resize.push('1'),
        |parts| parts.preprocessing.width = 192,
        |parts| parts.preprocessing.height = 192,
        |parts| parts.data_set = Digest::of(b"e"),
        |parts| parts.files.extend([(Manifest::MODEL.into(), Digest::of(b"n"))]),
        |parts| parts.files.extend([("more.bin".into(), Digest::of(b"m"))]),
    ];
    let mut versions = vec![parts().version()];
    for change in changes {
        let mut changed = parts();
        change(&mut changed);
        assert!(!versions.contains(&changed.version()));
        versions.push(changed.version());
    }
}
