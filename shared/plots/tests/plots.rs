//! Every plot: what is on it, and that nothing that is measured keeps it from being drawn.
#![allow(clippy::unwrap_used)] // a test may panic, and so may what helps it

mod material;

use std::collections::HashSet;

use material::{answers, classes, evaluation, every_plot, png, search, svg, texts, tiles};
use pappus_domain::Digest;
use pappus_domain::stats::{Answer, Mistake, Roc};
use pappus_domain::verdict::Evaluation;
use pappus_plots::{MISTAKES, Thumbnail, Tile};
use proptest::prelude::*;

/// To be looked at whenever it changes: a browser shows it.
#[test]
fn a_small_plot_is_drawn_as_it_was() {
    let classes = classes(&["dandelion", "grass"]);
    let drawn = pappus_plots::confusion(&evaluation(&classes, &answers(2, 10, 0))).unwrap().svg;
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/confusion.svg");
    if drawn != std::fs::read_to_string(golden).unwrap_or_default() {
        let found = concat!(env!("CARGO_TARGET_TMPDIR"), "/confusion.svg");
        std::fs::write(found, drawn).unwrap();
        panic!("{found} is not {golden}: look at both, and copy the first over the second if it is meant");
    }
}

#[test]
fn every_plot_of_few_and_many_classes_is_whole() {
    for count in [2, 7, 40, 60] {
        let answers = answers(count, 4, 0);
        for (name, drawing) in every_plot(&evaluation(&material::numbered(count), &answers), &answers) {
            let document = svg(&drawing);
            let side = |name: &str| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
            let size = (side("width"), side("height"));
            assert!(size.0 <= 1000 && size.1 <= 1500, "{name} of {count} classes: {size:?}");
            let picture = png(&drawing);
            assert_eq!(picture.dimensions(), (2 * size.0, 2 * size.1), "{name} of {count} classes");
            let colors: HashSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
            let drawn = picture.pixels().filter(|pixel| pixel.0 != [255; 3]).count();
            assert!(colors.len() > 20 && drawn > 5000, "{name} of {count} classes: {} colours", colors.len());
            // But for pictures, which are noise here.
            let limit = if name == "mistakes" { 4 << 20 } else { 1 << 20 };
            assert!(drawing.png.len() < limit && drawing.svg.len() < limit, "{name} of {count} classes");
        }
    }
}

#[test]
fn the_same_figures_make_the_same_bytes_and_others_make_others() {
    let of = |skill: usize| {
        let answers = answers(3, 8, skill);
        every_plot(&evaluation(&material::numbered(3), &answers), &answers)
    };
    for (((name, one), (_, same)), (_, other)) in of(0).into_iter().zip(of(0)).zip(of(1)) {
        assert_eq!(one, same, "{name}");
        assert!(one.svg != other.svg && one.png != other.png, "{name}");
    }
}

#[test]
fn texts_stay_on_the_sheet() {
    for count in [2, 7, 40] {
        let answers = answers(count, 4, 0);
        for (name, drawing) in every_plot(&evaluation(&material::numbered(count), &answers), &answers) {
            let document = svg(&drawing);
            let sides: Vec<f64> = document
                .root_element()
                .attribute("viewBox")
                .unwrap()
                .split(' ')
                .map(|side| side.parse().unwrap())
                .collect();
            for node in document.descendants().filter(|node| node.has_tag_name("text")) {
                let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
                let text = node.text().unwrap().trim();
                // The average width of the letters of a sans serif, about.
                let length = 0.53 * number("font-size") * text.chars().count() as f64;
                let before = match node.attribute("text-anchor").unwrap() {
                    "start" => 0.0,
                    "middle" => length / 2.0,
                    _ => length,
                };
                let (from, to, end) = match node.attribute("transform") {
                    None => (number("x") - before, number("x") - before + length, sides[2]),
                    Some(_) => (number("y") + before - length, number("y") + before, sides[3]),
                };
                assert!(from >= 0.0 && to <= end, "`{text}` on {name} of {count} classes: {from} to {to} of {end}");
            }
        }
    }
}

#[test]
fn names_of_any_length_and_script_are_drawn() {
    let long = "w".repeat(64);
    let names = ["蒲公英", "одуванчик", "<a href='x'>&\"", &long, "🌼 daisy", "rtl \u{202e}abc \u{ffff}"];
    let classes = classes(&names);
    let answers = answers(6, 4, 0);
    for (name, drawing) in every_plot(&evaluation(&classes, &answers), &answers) {
        let found = texts(&drawing);
        if name != "reliability" && name != "training" {
            for wanted in ["蒲公英", "🌼 daisy"] {
                assert!(found.iter().any(|text| text == wanted), "{name} lacks {wanted}: {found:?}");
            }
            assert!(found.iter().any(|text| text.starts_with("<a hre")), "{name}: {found:?}");
            assert!(found.iter().any(|text| text.starts_with("ww") && text.contains('…')), "{name}: {found:?}");
        }
        assert!(!drawing.svg.contains(['\u{202e}', '\u{ffff}']), "{name}");
        png(&drawing);
    }
    // The PNG's font has neither of these; it tells them apart all the same.
    let answers = material::answers(2, 4, 0);
    let of = |names: &[&str]| pappus_plots::confusion(&evaluation(&material::classes(names), &answers)).unwrap().png;
    assert_ne!(of(&["犬", "cat"]), of(&["cat", "犬"]));
    assert_eq!(of(&["犬", "cat"]), of(&["猫", "cat"]), "a number takes the place of a name that it lacks");
}

#[test]
fn a_class_without_test_images_is_said_to_have_none() {
    let absent = material::without_images_of_the_last(3, 6);
    let evaluation = evaluation(&material::numbered(3), &absent);
    let plots = every_plot(&evaluation, &absent);
    let said = |wanted: &str, text: &str| {
        let (_, drawing) = plots.iter().find(|(name, _)| *name == wanted).unwrap();
        let found = texts(drawing);
        assert!(found.iter().any(|found| found == text), "{wanted} lacks `{text}`: {found:?}");
    };
    said("confusion", "no test images");
    said("classes", "–");
    let curves = (0..3).filter_map(|class| Roc::of(class, &absent));
    let found = texts(&pappus_plots::roc(&evaluation, curves).unwrap());
    assert!(found.contains(&"1 of 3 have no curve: too few test images".into()), "{found:?}");
}

#[test]
fn of_too_many_classes_those_with_mistakes_are_shown() {
    let mut answers = answers(60, 2, 2);
    // Only the last class is taken for another.
    let last = answers.last_mut().unwrap();
    assert_eq!(last.truth, 59);
    last.probabilities.swap(59, 7);
    let evaluation = evaluation(&material::numbered(60), &answers);
    let found = texts(&pappus_plots::confusion(&evaluation).unwrap());
    for wanted in [
        "class 60",
        "21 others",
        "the 39 of 60 classes with the most mistakes; the other 21 are one row and column, grey among themselves",
    ] {
        assert!(found.iter().any(|text| text == wanted), "{wanted}: {found:?}");
    }
    let found = texts(&pappus_plots::classes(&evaluation).unwrap());
    assert!(found.contains(&"class 60".into()) && found.contains(&"class 8".into()), "{found:?}");
    assert!(found.contains(&"the 40 of 60 classes with the lowest F1, and the mean of all".into()), "{found:?}");
}

#[test]
fn the_figures_are_written_beside_the_shapes() {
    let answers = answers(2, 10, 0);
    let evaluation = evaluation(&classes(&["dandelion", "grass"]), &answers);
    let report = &evaluation.report;
    let curve = Roc::of(0, &answers).unwrap();
    let plots = every_plot(&evaluation, &answers);
    let [confusion, classes, reliability] =
        ["confusion", "classes", "reliability"].map(|name| texts(&plots.iter().find(|(n, _)| *n == name).unwrap().1));
    for row in &report.confusion {
        for count in row {
            assert!(confusion.contains(&count.to_string()), "{count}: {confusion:?}");
        }
    }
    for class in &report.classes {
        let recall = format!("{:.1} %", 100.0 * class.recall.value);
        assert!(classes.contains(&recall), "{recall}: {classes:?}");
    }
    for bin in &report.calibration.bins {
        assert!(reliability.contains(&bin.accuracy.of.to_string()), "{bin:?}: {reliability:?}");
    }
    let error = format!("expected calibration error {:.1} %", 100.0 * report.calibration.error);
    assert!(reliability.iter().any(|text| text.starts_with(&error)), "{error}: {reliability:?}");
    let auc = curve.auc;
    let found = texts(&pappus_plots::roc(&evaluation, [curve]).unwrap());
    let wanted = format!("{:.3} ({:.3} to {:.3})", auc.value, auc.low, auc.high);
    assert!(found.contains(&wanted) && found.contains(&"dandelion against grass".into()), "{wanted}: {found:?}");
}

#[test]
fn a_curve_of_very_many_images_stays_small() {
    let answer = |index: usize| {
        let p = ((index * 7919) % 65_536) as f32 / 65_536.0;
        Answer { truth: index % 2, probabilities: vec![p, 1.0 - p] }
    };
    let many: Vec<Answer> = (0..80_000).map(answer).collect();
    let curve = Roc::of(0, &many).unwrap();
    assert!(curve.points.len() > 50_000, "{}", curve.points.len());
    let drawing = pappus_plots::roc(&evaluation(&material::numbered(2), &many), [curve]).unwrap();
    assert!(drawing.svg.len() < 100_000, "{}", drawing.svg.len());
}

#[test]
fn the_surest_mistakes_are_seen() {
    const PINK: [u8; 3] = [250, 10, 200];
    let evaluation = evaluation(&classes(&["dandelion", "grass"]), &answers(2, 10, 0));
    let mistake = Mistake { answer: 0, truth: 0, answered: 1, probability: 0.987 };
    let picture = |width: u32, height: u32| Thumbnail::new(width, height, PINK.repeat((width * height) as usize));
    let image = Digest::of(b"image");
    let tiles = [picture(256, 256), picture(100, 30), None].map(|thumbnail| Tile { mistake, image, thumbnail });
    let drawing = pappus_plots::mistakes(&evaluation, &tiles).unwrap();
    let pink = png(&drawing).pixels().filter(|pixel| pixel.0 == PINK).count();
    assert_eq!(pink, 256 * 256 + 100 * 30, "each pixel of a picture is one of the sheet");
    let found = texts(&drawing);
    for wanted in ["dandelion", "grass", "98.7 % sure", "cannot be shown", &image.short(8)] {
        assert!(found.iter().any(|text| text == wanted), "{wanted}: {found:?}");
    }
    let document = svg(&drawing);
    let images: Vec<_> = document.descendants().filter(|node| node.has_tag_name("image")).collect();
    let embedded = images.iter().map(|node| material::embedded(node.attribute("href").unwrap()));
    assert_eq!(embedded.map(|image| image.dimensions()).collect::<Vec<_>>(), [(256, 256), (100, 30)]);
    assert_eq!(picture(0, 10), None);
    assert_eq!(picture(257, 10), None);
    assert_eq!(Thumbnail::new(2, 2, vec![0; 11]), None);
    for (size, wanted) in [((400, 300), (256, 192)), ((10, 10_000), (1, 256)), ((32, 32), (256, 256)), ((0, 0), (1, 1))]
    {
        assert_eq!(Thumbnail::size(size.0, size.1), wanted);
    }
}

#[test]
fn a_sheet_of_mistakes_is_bounded_and_may_be_empty() {
    let evaluation = evaluation(&material::numbered(2), &answers(2, 30, 0));
    let drawing = pappus_plots::mistakes(&evaluation, &tiles(3 * MISTAKES)).unwrap();
    let images = svg(&drawing).descendants().filter(|node| node.has_tag_name("image")).count();
    assert_eq!(images, MISTAKES);
    // Noise is the worst that can be.
    assert!(drawing.png.len() < 5 << 20 && drawing.svg.len() < 3 << 20, "{}", drawing.png.len());
    let perfect = material::evaluation(&material::numbered(2), &answers(2, 30, 2));
    let drawing = pappus_plots::mistakes(&perfect, &[]).unwrap();
    assert!(texts(&drawing).contains(&"no mistakes".into()), "{:?}", texts(&drawing));
    png(&drawing);
}

#[test]
fn a_training_says_what_it_tried_and_what_it_kept() {
    let (manifest, validation) = search(3);
    let found = texts(&pappus_plots::training(&manifest, &validation).unwrap());
    for wanted in [
        "leaf 0a1b2c3d4e5f, 254 training images",
        "5 folds, 4 times; bars: one standard deviation from fold to fold, each way",
        "chosen: λ = 0.001",
        "way 1, kept",
        "way 0",
        "way 2",
        "10⁻³",
        "accuracy 90.0 %, loss 0.300",
    ] {
        assert!(found.iter().any(|text| text == wanted), "{wanted}: {found:?}");
    }
    let (manifest, many) = search(30);
    let found = texts(&pappus_plots::training(&manifest, &many).unwrap());
    assert!(found.contains(&"and 18 more".into()), "{found:?}");
    let (manifest, mut none) = search(0);
    none.kept = 7;
    png(&pappus_plots::training(&manifest, &none).unwrap());
}

/// Numbers of every kind, most of them no use.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(-1.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        0.0..1.0,
    ]
}

fn spoil(evaluation: &mut Evaluation, numbers: &[f64]) {
    let mut numbers = numbers.iter().copied().cycle();
    let mut next = || numbers.next().unwrap();
    let report = &mut evaluation.report;
    for share in [&mut report.accuracy.value, &mut report.accuracy.low, &mut report.accuracy.high] {
        *share = next();
    }
    for interval in [&mut report.macro_precision, &mut report.macro_recall, &mut report.macro_f1] {
        (interval.value, interval.low, interval.high) = (next(), next(), next());
    }
    for class in &mut report.classes {
        class.f1 = next();
        for share in [&mut class.precision, &mut class.recall] {
            (share.value, share.low, share.high) = (next(), next(), next());
        }
    }
    report.calibration.error = next();
    for bin in &mut report.calibration.bins {
        (bin.above, bin.up_to, bin.confidence) = (next(), next(), next());
        (bin.accuracy.value, bin.accuracy.low, bin.accuracy.high) = (next(), next(), next());
    }
    report.confusion.pop();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn numbers_that_are_none_do_not_matter(numbers in prop::collection::vec(any_number(), 1..40), count in 2_usize..50) {
        let answers = answers(count, 2, 0);
        let mut spoilt = evaluation(&material::numbered(count), &answers);
        spoil(&mut spoilt, &numbers);
        for (_, drawing) in every_plot(&spoilt, &answers) {
            svg(&drawing);
        }
        let (manifest, mut validation) = search(4);
        let mut numbers = numbers.into_iter().cycle();
        for point in validation.curves.iter_mut().flat_map(|curve| &mut curve.points) {
            let mut next = || numbers.next().unwrap();
            (point.lambda, point.accuracy, point.accuracy_deviation) = (next(), next(), next());
            (point.log_loss, point.log_loss_deviation) = (next(), next());
        }
        svg(&pappus_plots::training(&manifest, &validation).unwrap());
    }
}
