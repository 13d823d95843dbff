//! Which version answers, and who may change that.
#![allow(clippy::unwrap_used)] // a test may panic

use std::sync::Arc;

use pappus_catalog::Error as CatalogError;
use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelEvaluated, ReleaseChanged, ScheduleCame};
use pappus_domain::release::{CannotChange, LedgerEntry, ReleaseAction};
use pappus_domain::trigger::DecisionRecord;
use pappus_domain::verdict::{Evaluation, Gate, Verdict};
use pappus_domain::{Event, ModelVersion, Release, Timestamp};
use pappus_host::{Bus, Context, Dispose as _, Disposition, Failure, Settings};
use pappus_promote::{By, Error, Promote};
use pappus_tracking::News;
use serde_json::json;
use tempfile::TempDir;

struct Place {
    context: Context,
    promote: Promote,
    _home: TempDir,
}

async fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    // A server to be told of releases, where nobody listens.
    let variables = |name: &str| match name {
        "PAPPUS_MODEL" => Some("pets".to_owned()),
        "PAPPUS_TRACKING" => Some("http://127.0.0.1:1".to_owned()),
        _ => None,
    };
    let settings = Settings::read(variables, Some(home.path().into())).unwrap();
    let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
    Place { promote: Promote::new(context.clone()), context, _home: home }
}

fn by() -> By {
    By { actor: "ada".into(), reason: "because".into() }
}

impl Place {
    /// A version that nobody has judged.
    async fn version(&self, number: u64) -> ModelVersion {
        self.context.catalog.record_model(&samples::manifest(number, "pets")).await.unwrap();
        samples::version(number)
    }

    /// A version that was judged against a champion.
    async fn judged(&self, number: u64, passed: bool, champion: Option<&ModelVersion>) -> ModelVersion {
        let gate = |name: &str, passed| Gate { name: name.into(), passed, figures: "9 of 10".into() };
        let gates = vec![gate("calibrated", true), gate("better-than-guessing", passed)];
        let evaluation = Evaluation {
            verdict: Verdict { passed, gates },
            champion: champion.cloned(),
            at: Timestamp::now(),
            ..samples::evaluation(number, "pets", 1, 0)
        };
        let version = self.version(number).await;
        self.context.catalog.record_evaluation(&evaluation).await.unwrap();
        version
    }

    /// The same of a version that was trained since train-trigger has decided so.
    async fn decided(&self, number: u64, passed: bool, champion: Option<&ModelVersion>) -> ModelVersion {
        let run = Some(samples::manifest(number, "pets").training.run);
        let decision = DecisionRecord { run, ..samples::decision(number, "pets", number as i64) };
        self.context.catalog.record_decision(&decision).await.unwrap();
        self.judged(number, passed, champion).await
    }

    /// Until the clock by which the catalog counts, in milliseconds, has gone on.
    async fn after_a_moment(&self) {
        let begun = Timestamp::now().as_millisecond();
        while Timestamp::now().as_millisecond() == begun {
            tokio::task::yield_now().await;
        }
    }

    async fn release(&self) -> Option<Release> {
        self.context.catalog.release(&samples::name("pets")).await.unwrap()
    }

    /// The ledger, found to be whole: what was done, to which version.
    async fn ledger(&self) -> Vec<(ReleaseAction, ModelVersion)> {
        let entries = self.context.catalog.ledger(&samples::name("pets")).await.unwrap();
        LedgerEntry::verify(&entries).unwrap();
        let generations: Vec<u64> = entries.iter().map(|entry| entry.generation).collect();
        assert_eq!(generations, (1..=entries.len() as u64).collect::<Vec<_>>());
        entries.into_iter().map(|entry| (entry.action, entry.to)).collect()
    }

    /// How much waits to be told of this model's releases.
    async fn to_be_told(&self) -> usize {
        let keys = self.context.objects.list("tracking/outbox/", None, 100).await.unwrap();
        for meta in &keys {
            let news = self.context.objects.get(&meta.key, 1 << 20).await.unwrap();
            assert_eq!(serde_json::from_slice::<News>(&news).unwrap(), News::Release { model: samples::name("pets") });
        }
        keys.len()
    }

    async fn deliver(&self, event: Event) -> Result<Vec<Event>, Failure> {
        pappus_promote::app(self.context.clone()).on_event.on_event(event).await.map(|outcome| outcome.events)
    }
}

#[tokio::test]
async fn a_version_that_passed_becomes_champion_and_the_ledger_says_who_and_why() {
    let place = place().await;
    let version = place.judged(1, true, None).await;
    let changed = place.promote.promote(&version, false, by()).await.unwrap();
    let release = Release { model: samples::name("pets"), champion: version.clone(), previous: None, generation: 1 };
    assert_eq!((&changed.release, place.release().await), (&release, Some(release.clone())));
    let entry = changed.entry.as_ref().unwrap();
    assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("ada", "because"));
    assert_eq!(changed.event(), ReleaseChanged { model: release.model, generation: 1, champion: version.clone() });
    assert_eq!(place.ledger().await, [(ReleaseAction::Promote, version)]);
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_not_released_even_by_force() {
    let place = place().await;
    for force in [false, true] {
        let error = place.promote.promote(&samples::version(1), force, by()).await.unwrap_err();
        assert!(matches!(error, Error::NoVersion(_)), "{error:?}");
        assert!(error.to_string().contains("`pappus models`"), "{error}");
        assert_eq!(error.disposition(), Disposition::Absent);
    }
    assert_eq!(place.release().await, None);
}

#[tokio::test]
async fn a_version_that_nobody_judged_is_released_by_force_only() {
    let place = place().await;
    let version = place.version(1).await;
    let error = place.promote.promote(&version, false, by()).await.unwrap_err();
    assert!(matches!(error, Error::NotEvaluated(_)), "{error:?}");
    assert!(error.to_string().contains(&format!("run `pappus evaluate {version}` first")), "{error}");
    assert_eq!((place.release().await, place.ledger().await.len()), (None, 0));
    place.promote.promote(&version, true, by()).await.unwrap();
    assert_eq!(place.release().await.unwrap().champion, version);
}

#[tokio::test]
async fn a_version_that_failed_a_gate_is_released_by_force_only() {
    let place = place().await;
    let version = place.judged(1, false, None).await;
    let error = place.promote.promote(&version, false, by()).await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("did not pass better-than-guessing (9 of 10):"), "{message}");
    assert!(!message.contains("calibrated"), "only what failed: {message}");
    assert_eq!(error.disposition(), Disposition::Refused);
    place.promote.promote(&version, true, by()).await.unwrap();
    assert_eq!(place.release().await.unwrap().champion, version);
}

#[tokio::test]
async fn a_verdict_against_another_champion_is_outdated() {
    let place = place().await;
    let first = place.judged(1, true, None).await;
    let second = place.judged(2, true, Some(&first)).await;
    let third = place.judged(3, true, Some(&first)).await;
    for version in [&first, &second] {
        place.promote.promote(version, false, by()).await.unwrap();
    }
    let error = place.promote.promote(&third, false, by()).await.unwrap_err();
    assert!(matches!(error, Error::Outdated { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&format!("judged against {first}, but the champion is {second} now")), "{message}");
    assert!(message.contains(&format!("run `pappus evaluate {third}` again")), "{message}");
    let alone = place.judged(4, true, None).await;
    let message = place.promote.promote(&alone, false, by()).await.unwrap_err().to_string();
    assert!(message.contains("judged against no champion"), "{message}");
    assert_eq!(place.release().await.unwrap().champion, second);
}

#[tokio::test]
async fn the_champion_stays_champion_and_nothing_is_written() {
    let place = place().await;
    let version = place.judged(1, true, None).await;
    place.promote.promote(&version, false, by()).await.unwrap();
    for force in [false, true] {
        let again = place.promote.promote(&version, force, by()).await.unwrap();
        assert_eq!((again.release.generation, again.entry), (1, None));
    }
    assert_eq!(place.ledger().await.len(), 1);
}

#[tokio::test]
async fn rolling_back_twice_brings_the_champion_back() {
    let place = place().await;
    let first = place.judged(1, true, None).await;
    let second = place.judged(2, true, Some(&first)).await;
    for version in [&first, &second] {
        place.promote.promote(version, false, by()).await.unwrap();
    }
    let back = place.promote.roll_back(by()).await.unwrap();
    assert_eq!((&back.release.champion, &back.release.previous), (&first, &Some(second.clone())));
    let forth = place.promote.roll_back(by()).await.unwrap();
    assert_eq!((&forth.release.champion, forth.release.generation), (&second, 4));
    let actions = [ReleaseAction::Promote, ReleaseAction::Promote, ReleaseAction::Rollback, ReleaseAction::Rollback];
    let expected: Vec<_> = actions.into_iter().zip([first.clone(), second.clone(), first, second]).collect();
    assert_eq!(place.ledger().await, expected);
}

#[tokio::test]
async fn there_is_nothing_to_roll_back_to_at_first() {
    let place = place().await;
    let error = place.promote.roll_back(by()).await.unwrap_err();
    assert!(matches!(error, Error::NothingReleased), "{error:?}");
    let version = place.judged(1, true, None).await;
    place.promote.promote(&version, false, by()).await.unwrap();
    let error = place.promote.roll_back(by()).await.unwrap_err();
    assert!(matches!(error, Error::Cannot(CannotChange::NothingBefore)), "{error:?}");
    assert_eq!(place.release().await.unwrap().champion, version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_promote_at_once_one_wins_and_the_other_is_told_who() {
    let place = place().await;
    let mut generation = 0;
    let mut conflicts = 0;
    // Whether two really meet is up to chance; whoever meets must behave.
    for round in 0..40 {
        let (a, b) = (place.version(2 * round).await, place.version(2 * round + 1).await);
        let promote = |version: ModelVersion| {
            let promote = place.promote.clone();
            tokio::spawn(async move { promote.promote(&version, true, by()).await })
        };
        let (first, second) = (promote(a), promote(b));
        let outcomes = [first.await.unwrap(), second.await.unwrap()];
        generation += outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
        let release = place.release().await.unwrap();
        assert_eq!(release.generation, generation);
        for error in outcomes.into_iter().filter_map(Result::err) {
            conflicts += 1;
            assert_eq!(error.disposition(), Disposition::Conflict);
            let Error::Catalog(CatalogError::ReleaseMoved { found: Some(found), .. }) = &error else {
                panic!("{error:?}")
            };
            assert_eq!(**found, release);
            let message = Failure::from(error).to_string();
            assert!(message.contains(release.champion.as_str()), "{message}");
        }
    }
    assert!(conflicts > 0, "in 40 rounds no two met");
    assert_eq!(place.ledger().await.len() as u64, generation);
}

#[tokio::test]
async fn one_who_decided_on_an_old_release_is_told_who_won() {
    let place = place().await;
    let (first, second) = (place.version(1).await, place.version(2).await);
    place.promote.promote(&first, true, by()).await.unwrap();
    let name = samples::name("pets");
    let stale = Release::promote(None, &name, &second).unwrap();
    let change = samples::change(ReleaseAction::Promote, 0);
    let error = place.context.catalog.change_release(None, &stale, change).await.unwrap_err();
    let error = Error::from(error);
    assert_eq!(error.disposition(), Disposition::Conflict);
    let message = Failure::from(error).to_string();
    assert!(message.contains(&format!("expected none, found `{first}` at generation 1")), "{message}");
}

fn evaluated(model: &str, version: &ModelVersion, passed: bool) -> Event {
    let model = samples::name(model);
    let evaluated = ModelEvaluated { model, version: version.clone(), data_set: samples::digest(1), passed };
    Event::new("evaluate", &evaluated, Timestamp::now()).unwrap()
}

#[tokio::test]
async fn a_version_that_passed_is_released_by_its_event_and_again_the_same_is_said() {
    let place = place().await;
    let version = place.judged(1, true, None).await;
    for _ in 0..2 {
        let events = place.deliver(evaluated("pets", &version, true)).await.unwrap();
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let changed: ReleaseChanged = event.read().unwrap().unwrap();
        assert_eq!((changed.champion, changed.generation), (version.clone(), 1));
    }
    assert_eq!(place.ledger().await.len(), 1);
    let entry = &place.context.catalog.ledger(&samples::name("pets")).await.unwrap()[0];
    assert_eq!(entry.actor, "promote");
    assert!(entry.reason.contains("passed its evaluation on data set"), "{}", entry.reason);
}

#[tokio::test]
async fn a_verdict_that_is_delivered_again_does_not_undo_a_rollback() {
    let place = place().await;
    let first = place.judged(1, true, None).await;
    let second = place.judged(2, true, Some(&first)).await;
    for version in [&first, &second] {
        place.deliver(evaluated("pets", version, true)).await.unwrap();
    }
    place.promote.roll_back(by()).await.unwrap();
    assert_eq!(place.deliver(evaluated("pets", &second, true)).await.unwrap(), []);
    assert_eq!((place.release().await.unwrap().champion, place.ledger().await.len()), (first.clone(), 3));

    let events = place.deliver(evaluated("pets", &first, true)).await.unwrap();
    let told: Vec<ReleaseChanged> = events.iter().map(|event| event.read().unwrap().unwrap()).collect();
    let standing = ReleaseChanged { model: samples::name("pets"), generation: 3, champion: first };
    assert_eq!(told, [standing], "the champion's is said again: it may not have been heard");

    let error = place.promote.promote_new(&second, by()).await.unwrap_err();
    assert!(matches!(&error, Error::Replaced(version) if *version == second), "{error:?}");
    assert!(error.to_string().contains(&format!("`pappus promote {second}` brings it back")), "{error}");
    place.promote.promote(&second, false, by()).await.unwrap();
    assert_eq!(place.release().await.unwrap().champion, second, "an operator may");
}

#[tokio::test]
async fn events_of_failed_outdated_or_other_models_release_nothing() {
    let place = place().await;
    let champion = place.judged(1, true, None).await;
    place.promote.promote(&champion, false, by()).await.unwrap();
    let failed = place.judged(2, false, Some(&champion)).await;
    let outdated = place.judged(3, true, None).await;
    for event in
        [evaluated("pets", &failed, false), evaluated("pets", &outdated, true), evaluated("cars", &failed, true)]
    {
        assert_eq!(place.deliver(event).await.unwrap(), []);
    }
    assert_eq!(place.release().await.unwrap().champion, champion);
}

fn schedule() -> Event {
    Event::new("schedule", &ScheduleCame { name: "hourly".into() }, Timestamp::now()).unwrap()
}

#[tokio::test]
async fn what_passed_and_was_told_of_to_nobody_is_released_when_a_schedule_comes() {
    let place = place().await;
    assert_eq!(place.deliver(schedule()).await.unwrap(), [], "there is nothing");
    let first = place.decided(1, true, None).await;
    let events = place.deliver(schedule()).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.read::<ReleaseChanged>().unwrap().unwrap().champion, first);
    assert_eq!(place.deliver(schedule()).await.unwrap(), [], "it is done");
    // Newer ones that failed or were not judged beside this champion do not stand in the way of one that passed.
    let second = place.decided(2, true, Some(&first)).await;
    place.decided(3, false, Some(&first)).await;
    place.decided(4, true, None).await;
    place.version(5).await;
    assert_eq!(place.deliver(schedule()).await.unwrap().len(), 1);
    assert_eq!(place.release().await.unwrap().champion, second);
    assert_eq!(place.ledger().await.len(), 2);
}

#[tokio::test]
async fn a_schedule_brings_nothing_back_that_was_replaced_or_is_older() {
    let place = place().await;
    let first = place.decided(1, true, None).await;
    place.deliver(evaluated("pets", &first, true)).await.unwrap();
    let older = place.decided(2, true, Some(&first)).await;
    let newer = place.decided(3, true, Some(&first)).await;
    place.deliver(evaluated("pets", &newer, true)).await.unwrap();
    place.after_a_moment().await;
    place.promote.roll_back(by()).await.unwrap();
    assert_eq!(place.deliver(schedule()).await.unwrap(), []);
    assert_eq!(place.release().await.unwrap().champion, first, "neither {newer} nor {older}");
}

#[tokio::test]
async fn a_schedule_releases_no_verdict_from_before_a_rollback() {
    let place = place().await;
    let first = place.decided(1, true, None).await;
    place.deliver(evaluated("pets", &first, true)).await.unwrap();
    let second = place.decided(2, true, Some(&first)).await;
    place.decided(3, true, Some(&first)).await;
    place.deliver(evaluated("pets", &second, true)).await.unwrap();
    place.after_a_moment().await;
    place.promote.roll_back(by()).await.unwrap();
    assert_eq!(place.deliver(schedule()).await.unwrap(), [], "somebody has chosen the first since");
    let fourth = place.decided(4, true, Some(&first)).await;
    assert_eq!(place.deliver(schedule()).await.unwrap().len(), 1);
    assert_eq!(place.release().await.unwrap().champion, fourth, "what is judged after that is news");
}

#[tokio::test]
async fn a_schedule_leaves_to_people_what_they_have_trained() {
    let place = place().await;
    place.judged(1, true, None).await;
    assert_eq!(place.deliver(schedule()).await.unwrap(), []);
    assert_eq!(place.release().await, None);
}

#[tokio::test]
async fn an_event_that_lies_or_has_no_shape_is_refused() {
    let place = place().await;
    let failed = place.judged(1, false, None).await;
    let failure = place.deliver(evaluated("pets", &failed, true)).await.unwrap_err();
    assert_eq!(failure.disposition(), Disposition::Refused, "{failure}");
    let shapeless = Event { data: json!([]).into(), ..evaluated("pets", &failed, true) };
    assert_eq!(place.deliver(shapeless).await.unwrap_err().disposition(), Disposition::Refused);
    assert_eq!(place.release().await, None);
}

#[tokio::test]
async fn each_change_leaves_word_for_mlflow_and_waits_for_nobody() {
    let place = place().await;
    let (first, second) = (place.judged(1, true, None).await, place.version(2).await);
    place.promote.promote(&first, false, by()).await.unwrap();
    assert_eq!(place.to_be_told().await, 1);
    place.promote.promote(&second, false, by()).await.unwrap_err();
    assert_eq!(place.to_be_told().await, 1, "nothing has changed");
    place.promote.promote(&second, true, by()).await.unwrap();
    place.promote.roll_back(by()).await.unwrap();
    assert_eq!(place.to_be_told().await, 3);
    // Whoever made it champion may have been cut off before it left word.
    place.promote.promote(&first, false, by()).await.unwrap();
    assert_eq!(place.to_be_told().await, 4);
}
