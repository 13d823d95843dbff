use std::collections::HashSet;
use std::sync::Mutex;

use rayon::prelude::*;

use super::{CLASSES, MAX_COUNT, SampleError, SampleOptions, draw, generate};

fn decoded(jpeg: &[u8]) -> image::RgbImage {
    image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).expect("a drawn picture decodes").into_rgb8()
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for class in 0..CLASSES.len() {
        assert_eq!(draw(class, 7, 3).unwrap(), draw(class, 7, 3).unwrap());
    }
}

#[test]
fn class_index_and_seed_each_change_the_picture() {
    let mut seen = HashSet::new();
    for class in 0..CLASSES.len() {
        for (index, seed) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            assert!(seen.insert(draw(class, index, seed).unwrap()));
        }
    }
}

#[test]
fn sizes_vary_and_stay_within_bounds() {
    let sizes: Vec<(u32, u32)> =
        (0..24).map(|index| decoded(&draw(index as usize % 8, index, 5).unwrap()).dimensions()).collect();
    let distinct: HashSet<_> = sizes.iter().collect();
    assert!(distinct.len() > 12, "{sizes:?}");
    assert!(sizes.iter().any(|(width, height)| width > height));
    assert!(sizes.iter().any(|(width, height)| width < height));
    for &(width, height) in &sizes {
        assert!((180..=400).contains(&width) && (180..=400).contains(&height));
    }
}

#[test]
fn an_unknown_class_is_refused() {
    let error = draw(CLASSES.len(), 0, 0).unwrap_err();
    assert!(matches!(error, SampleError::UnknownClass { given: 8 }));
}

#[test]
fn options_out_of_range_are_refused_before_anything_is_written() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("sample");
    let attempt = |classes, count| {
        let options = SampleOptions { classes, count, seed: 0 };
        generate(&target, &options, &|_| {}).unwrap_err()
    };
    for classes in [0, 1, 9] {
        let error = attempt(classes, 5);
        assert!(matches!(error, SampleError::Classes { given } if given == classes));
    }
    for count in [0, MAX_COUNT + 1] {
        let error = attempt(2, count);
        assert!(matches!(error, SampleError::Count { given } if given == count));
    }
    assert!(!target.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("occupied");
    std::fs::write(&file, "not a folder").unwrap();
    let error = generate(&file, &SampleOptions::default(), &|_| {}).unwrap_err();
    assert!(matches!(&error, SampleError::Write { path, .. } if path.starts_with(&file)));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_larger_count_only_adds_files() {
    let home = tempfile::tempdir().unwrap();
    let reported = Mutex::new(Vec::new());
    let run = |name: &str, count| {
        let options = SampleOptions { classes: 3, count, seed: 11 };
        let progress = |done| reported.lock().unwrap().push(done);
        generate(&home.path().join(name), &options, &progress).unwrap()
    };
    let small = run("small", 2);
    assert_eq!((small.classes, small.images), (3, 6));
    let mut steps = std::mem::take(&mut *reported.lock().unwrap());
    steps.sort_unstable();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);

    run("large", 3);
    let mut bytes = 0;
    for class in &CLASSES[..3] {
        let folder = |name: &str| home.path().join(name).join(class);
        let files: Vec<_> = std::fs::read_dir(folder("small")).unwrap().collect();
        assert_eq!(files.len(), 2, "no temporary file is left");
        for file in ["00000.jpg", "00001.jpg"] {
            let one = std::fs::read(folder("small").join(file)).unwrap();
            bytes += one.len() as u64;
            assert_eq!(one, std::fs::read(folder("large").join(file)).unwrap());
        }
        assert!(folder("large").join("00002.jpg").exists());
    }
    assert_eq!(small.bytes, bytes);
}

/// Square roots of the shares of 4 × 4 × 4 colours, so that distances are Hellinger's.
fn colours(jpeg: &[u8]) -> Vec<f32> {
    let picture = decoded(jpeg);
    let mut histogram = vec![0.0; 64];
    for pixel in picture.pixels() {
        let [r, g, b] = pixel.0.map(|value| usize::from(value / 64));
        histogram[16 * r + 4 * g + b] += 1.0;
    }
    let pixels = (picture.width() * picture.height()) as f32;
    histogram.iter().map(|n| (n / pixels).sqrt()).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

/// Accuracy of the nearest mean histogram, and of the five nearest histograms, on every other picture.
fn accuracy_by_colour(count: u64) -> (f32, f32) {
    let pictures: Vec<(usize, Vec<f32>)> = (0..count)
        .into_par_iter()
        .flat_map_iter(|index| [0, 1].map(|class| (class, colours(&draw(class, index, 2).unwrap()))))
        .collect();
    let (known, asked) = pictures.split_at(pictures.len() / 2);
    let means = [0, 1].map(|class| {
        let mut mean = vec![0.0; 64];
        for (_, histogram) in known.iter().filter(|(label, _)| *label == class) {
            for (total, share) in mean.iter_mut().zip(histogram) {
                *total += share / (known.len() / 2) as f32;
            }
        }
        mean
    });
    let mut right = (0, 0);
    for (label, histogram) in asked {
        let nearer = distance(histogram, &means[1]) < distance(histogram, &means[0]);
        right.0 += usize::from(usize::from(nearer) == *label);
        let mut ranked: Vec<(f32, usize)> =
            known.iter().map(|(class, other)| (distance(histogram, other), *class)).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let votes: usize = ranked[..5].iter().map(|(_, class)| class).sum();
        right.1 += usize::from(usize::from(votes > 2) == *label);
    }
    let share = |right: usize| right as f32 / asked.len() as f32;
    (share(right.0), share(right.1))
}

#[test]
fn colour_alone_does_not_tell_the_classes_apart() {
    let (by_mean, by_neighbours) = accuracy_by_colour(80);
    assert!(by_mean < 0.9, "nearest mean: {by_mean}");
    assert!(by_neighbours < 0.9, "nearest neighbours: {by_neighbours}");
}
