//! Retraining that runs itself: feedback, a reason, a job, a verdict, and a release or none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use pappus_tests::{Home, Trained, Up, eventually, multipart, pictures, runtime};
use serde_json::{Value, json};

/// Nothing but the truth of answers is a reason to train, and then at once.
const POLICY: &str =
    "[retraining]\nnew_images = 100000\nleast_new_images = 1\ncool_down_minutes = 0\ndaily_maximum = 1000\n";
const CLASSES: [&str; 2] = ["dandelion", "grass"];

/// A home whose champion has learned from so many pictures of each class, and more pictures to be shown it.
struct Place {
    home: Home,
    champion: String,
    /// Pictures that it has not seen, of each class.
    unseen: [Vec<PathBuf>; 2],
}

impl Place {
    /// With `swapped`, each class of those it learns from goes by the other's name.
    fn new(learned: usize, unseen: usize, swapped: bool) -> Result<Option<Self>> {
        if runtime()?.is_none() {
            return Ok(None);
        }
        let home = Home::new()?;
        let policy = home.work().join("policy.toml");
        std::fs::write(&policy, POLICY)?;
        let home = home.with("PAPPUS_POLICY", &policy).with("PAPPUS_KEEP_IMAGES", "yes");
        let drawn = pictures::sample(&home, "photos", 2, learned + unseen)?;
        let mut shown = [Vec::new(), Vec::new()];
        for (class, name) in CLASSES.into_iter().enumerate() {
            let mut files = pictures::files(&drawn.join(name))?;
            shown[class] = files.split_off(learned);
            copy(&files, &home.work().join("learned").join(CLASSES[class ^ usize::from(swapped)]))?;
        }
        home.json(&["ingest", "learned"])?;
        let champion =
            home.json(&["train", "--recipe", "scratch"])?["version"].as_str().context("a version")?.to_owned();
        home.json(&["promote", "--force", &champion])?;
        Ok(Some(Self { home, champion, unseen: shown }))
    }

    /// Shows the function a picture of a class; the answer.
    fn ask(up: &Up, picture: &Path) -> Result<Value> {
        let (kind, body) = multipart(&[("file", &std::fs::read(picture)?[..])]);
        Ok(up.post("/predict", &kind, &body)?.expect(200)?.body)
    }

    /// Of so many pictures of each class, how many are answered rightly; and of how many that is.
    fn right(&self, up: &Up, each: usize) -> Result<(usize, usize)> {
        let mut right = 0;
        for (class, pictures) in self.unseen.iter().enumerate() {
            for picture in pictures.iter().take(each) {
                right += usize::from(Self::ask(up, picture)?["predicted_class"] == CLASSES[class]);
            }
        }
        Ok((right, 2 * each))
    }

    /// Shows pictures of both classes in turns, and then says of each that it is what `truth` makes of its class: all of it
    /// within less time than a training takes.
    fn tell(&self, up: &Up, truth: impl Fn(usize) -> usize) -> Result<()> {
        let mut answers = Vec::new();
        for (first, second) in self.unseen[0].iter().zip(&self.unseen[1]) {
            for (class, picture) in [first, second].into_iter().enumerate() {
                let answer = Self::ask(up, picture)?;
                answers.push((answer["request_id"].as_str().context("an id")?.to_owned(), class));
            }
        }
        for (id, class) in answers {
            let told = json!({ "label": CLASSES[truth(class)] }).to_string();
            let path = format!("/predictions/{id}/feedback");
            let taken = up.post(&path, "application/json", told.as_bytes())?.expect(200)?.body;
            assert_eq!(taken["is_kept"], true, "its bytes were kept: {taken}");
        }
        Ok(())
    }
}

fn copy(files: &[PathBuf], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for file in files {
        std::fs::copy(file, folder.join(file.file_name().context("a name")?))?;
    }
    Ok(())
}

fn champion(up: &Up) -> Result<String> {
    Ok(up.get("/model/info")?.expect(200)?.text("model_version").to_owned())
}

/// What was made of all images, once that is done.
fn made_of_all(up: &Up, images: u64) -> Result<Option<String>> {
    let runs = up.get("/runs?limit=1")?.expect(200)?.body;
    let decisions = up.get("/decisions?limit=1000")?.expect(200)?.body;
    let run = &runs["runs"][0];
    let began = decisions["decisions"].as_array().into_iter().flatten().find(|one| one["run"] == run["run"]);
    let is_of_all = began.is_some_and(|decision| decision["facts"]["labelled_images"] == images);
    Ok(run["version"].as_str().filter(|_| is_of_all).map(str::to_owned))
}

#[test]
fn feedback_against_the_champion_ends_in_a_better_one() -> Result<()> {
    let Some(place) = Place::new(24, 90, true)? else { return Ok(()) };
    let up = Up::start(&place.home)?;
    assert_eq!(champion(&up)?, place.champion);
    let (right, asked) = place.right(&up, 20)?;
    assert!(right < asked / 2, "it has learned the wrong names: {right} of {asked} right");
    place.tell(&up, |class| class)?;

    let another =
        eventually("another version answers", || Ok(Some(champion(&up)?).filter(|version| *version != place.champion)))
            .with_context(|| up.log())?;
    // It answers with the right names, also the pictures that it was told of as wrong.
    let (right, asked) = place.right(&up, 20)?;
    assert!(right > asked * 3 / 4, "{right} of {asked} right: {}", up.log());

    // And a person sees why.
    let decisions = up.get("/decisions?limit=500")?.expect(200)?.body;
    let of = |decision: &Value, what: &str| {
        decision["reasons"].as_array().is_some_and(|reasons| reasons.iter().any(|reason| reason["reason"] == what))
    };
    let asked = decisions["decisions"].as_array().context("a list")?.iter().filter(|one| one["train"] == true);
    let asked: Vec<_> = asked.collect();
    assert!(!asked.is_empty() && asked.iter().all(|one| of(one, "live-accuracy")), "{asked:?}");
    let run = asked[0]["run"].as_str().context("a run")?;
    assert_eq!(up.get(&format!("/runs/{run}"))?.expect(200)?.text("run"), run);
    let status = place.home.json(&["status"])?;
    assert_ne!(status["release"]["champion"], place.champion.as_str());
    assert_eq!(status["last_decisions"].as_array().map(Vec::len), Some(3));
    assert!(
        status["images"]["labels"]["grass"].as_u64() > Some(24),
        "the images are labelled ones: {another} {status}"
    );
    let images = place.home.json(&["images", "--limit", "1000"])?;
    let from_feedback = |image: &&Value| image["origin"].as_str().is_some_and(|origin| origin.starts_with("feedback:"));
    assert_eq!(images.as_array().context("a list")?.iter().filter(from_feedback).count(), 180);
    up.stop().map(drop)
}

#[test]
fn feedback_that_is_wrong_leaves_the_champion_where_it_is() -> Result<()> {
    let Some(place) = Place::new(50, 50, false)? else { return Ok(()) };
    let up = Up::start(&place.home)?;
    // As often as not: what is learned from it knows nothing.
    place.tell(&up, |class| class ^ 1)?;
    let candidate = eventually("all has been learned from", || made_of_all(&up, 200)).with_context(|| up.log())?;
    let post = |path: &str, body: Value| up.post(path, "application/json", body.to_string().as_bytes())?.expect(200);
    let judged = post("/evaluate", json!({ "version": candidate }))?.body;
    assert_eq!((&judged["passed"], &judged["champion"]), (&json!(false), &json!(place.champion)), "{judged}");
    // The reason is still there, and nothing to be learned: it is not tried for ever.
    let decided = post("/decisions", json!({ "cause": "schedule" }))?.body;
    assert_eq!(decided["decision"]["reasons"][0]["reason"], "live-accuracy", "{decided}");
    assert_eq!(decided["decision"]["hindrance"]["hindrance"], "few-new-images", "{decided}");
    assert_eq!(champion(&up)?, place.champion);
    let verdicts = eventually("each candidate is judged", || {
        let models = place.home.json(&["models"])?;
        let candidates = models.as_array().into_iter().flatten();
        let candidates = candidates.filter(|model| model["manifest"]["version"] != place.champion.as_str());
        let verdicts: Vec<String> = candidates.map(|one| one["verdict"].to_string()).collect();
        Ok((!verdicts.contains(&"\"not evaluated\"".to_owned())).then_some(verdicts))
    })?;
    assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| verdict == "\"failed\""), "{verdicts:?}");
    assert_eq!(place.home.json(&["status"])?["ledger_entries"], 1);
    up.stop().map(drop)
}

#[test]
fn each_stage_can_be_asked_over_http() -> Result<()> {
    let Some(home) = Trained::copy()? else { return Ok(()) };
    let up = Up::start(&home)?;
    let post = |path: &str, body: Value| up.post(path, "application/json", body.to_string().as_bytes());
    let release = up.get("/release")?.expect(200)?.body;
    assert_eq!(release["release"]["champion"], home.second.as_str());
    let judged = post("/evaluate", json!({ "version": home.first }))?.expect(200)?.body;
    assert_eq!((&judged["passed"], &judged["champion"]), (&json!(false), &json!(home.second)), "too few test images");
    assert_eq!(post("/evaluate", json!({ "version": home.first }))?.expect(200)?.body["at"], judged["at"], "it stands");
    let refused = post("/promote", json!({ "version": home.first, "reason": "trying it" }))?.expect(400)?;
    assert!(refused.text("detail").contains("enough-test-images"), "{}", refused.body);
    let again = post("/promote", json!({ "version": home.second, "reason": "trying it" }))?.expect(200)?.body;
    assert_eq!((&again["moved"], &again["release"]["generation"]), (&json!(false), &json!(2)));
    let back = post("/rollback", json!({ "reason": "it was worse" }))?.expect(200)?.body;
    assert_eq!((&back["moved"], &back["release"]["champion"]), (&json!(true), &json!(home.first)));
    eventually("the version before answers", || Ok((champion(&up)? == home.first).then_some(())))?;
    for (path, body, status, said) in [
        ("/sources", json!({ "sources": [{ "url": "file:///etc/passwd", "label": "grass" }] }), 400, "no http"),
        ("/sources", json!({ "sources": [{ "url": "http://x/1.jpg", "label": "a/b" }] }), 400, "cannot be a label"),
        ("/evaluate", json!({ "version": "ffffffffffff" }), 404, "there is no model version"),
        ("/promote", json!({ "version": "ffffffffffff", "reason": "" }), 404, "there is no model version"),
        ("/promote", json!({ "version": home.second }), 400, "missing field `reason`"),
        ("/rollback", json!({ "why": "" }), 400, "unknown field `why`"),
    ] {
        let answer = post(path, body)?;
        assert!(
            answer.status == status && answer.text("detail").contains(said),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    let empty = post("/sources", json!({ "sources": [] }))?.expect(200)?.body;
    assert_eq!((&empty["seen"], &empty["stored"]), (&json!(0), &json!(0)));
    up.stop().map(drop)
}

/// The process at work on a run, once it has been launched.
fn job(up: &Up, run: &str) -> Result<String> {
    eventually("the job is launched", || {
        let log = up.log();
        let launched = log.lines().find(|line| line.contains("training started") && line.contains(run));
        let process = launched.and_then(|line| line.split_once("pid=")).map(|(_, process)| process);
        // As the log says it: `pid=Some(7)`, or `pid=7`.
        Ok(process.map(|process| process.chars().filter(char::is_ascii_digit).collect::<String>()))
    })
}

/// Asks until a training is begun: whoever died holds the lease for a while.
fn asked(up: &Up) -> Result<String> {
    eventually("a training is begun", || {
        let wish = json!({ "cause": "operator", "reason": "trying it" }).to_string();
        let decided = up.post("/decisions", "application/json", wish.as_bytes())?.expect(200)?.body;
        let run = decided["decision"]["run"].as_str().map(str::to_owned);
        if run.is_none() {
            std::thread::sleep(Duration::from_millis(250));
        }
        Ok(run)
    })
}

fn status(up: &Up, run: &str) -> Result<Value> {
    Ok(up.get(&format!("/runs/{run}"))?.expect(200)?.body)
}

fn over(up: &Up, run: &str) -> Result<Value> {
    eventually("the run is over", || {
        let run = status(up, run)?;
        Ok(matches!(run["status"].as_str(), Some("succeeded" | "failed")).then_some(run))
    })
}

#[test]
#[ignore = "twelve trainings, each of which waits for the lease of the one before: scripts/test --full"]
fn a_job_that_is_killed_at_any_moment_is_followed_by_the_next() -> Result<()> {
    let Some(place) = Place::new(20, 5, false)? else { return Ok(()) };
    let up = Up::start(&place.home)?;
    let first = asked(&up)?;
    let begun = Instant::now();
    over(&up, &first)?;
    let took = begun.elapsed();
    let mut killed = 0;
    for number in 0..10 {
        // Each has a picture more, and makes another version.
        let (class, picture) = (number % 2, &place.unseen[number % 2][number / 2]);
        copy(std::slice::from_ref(picture), &place.home.work().join("more").join(CLASSES[class]))?;
        place.home.json(&["ingest", "more"])?;
        let run = asked(&up)?;
        let process = job(&up, &run)?;
        // A moment by chance: the last digits of a run's id are random.
        let chance = u32::from_str_radix(&run[run.len() - 4..], 16)?;
        std::thread::sleep(took.mul_f64(f64::from(chance) / f64::from(u16::MAX)));
        Command::new("kill").args(["-KILL", &process]).output()?;
        let ended = over(&up, &run)?;
        if ended["status"] == "failed" {
            assert!(ended["message"].as_str().is_some_and(|why| why.contains("killed")), "{ended}");
            killed += 1;
        }
        let (images, versions) = place.home.check_objects()?;
        assert_eq!(images, 41 + number);
        let models = place.home.json(&["models"])?;
        let known =
            models.as_array().context("a list")?.iter().filter_map(|model| model["manifest"]["version"].as_str());
        for version in known.chain(ended["version"].as_str()) {
            assert!(versions.iter().any(|whole| whole == version), "{version} has no whole package");
        }
    }
    assert!(killed >= 3, "only {killed} of ten were at work when they were killed");
    let last = over(&up, &asked(&up)?)?;
    assert_eq!(last["status"], "succeeded", "the next one trains: {last}");
    let runs = up.get("/runs?limit=100")?.expect(200)?.body;
    // The champion's own, the first, the ten, and the last.
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(13), "no run is lost: {runs}");
    up.stop().map(drop)
}
