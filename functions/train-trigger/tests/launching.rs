//! Trainings as child processes: shell scripts stand in for the training program.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use common::{Place, place};
use pappus_catalog::contract::samples;
use pappus_domain::event::{ModelTrained, TrainingFailed};
use pappus_domain::run::TrainingRequest;
use pappus_domain::{Event, RunId, RunStatus, Timestamp};
use pappus_host::{Dispose as _, Disposition};
use pappus_train_trigger::{Error, JobState, Launcher as _, ProcessLauncher};

/// A launcher of a shell script, which is given the run as `$1`.
fn script(place: &Place, text: &str) -> ProcessLauncher {
    let arguments = ["-c", text, "training"].map(Into::into).to_vec();
    ProcessLauncher::new(place.context.clone(), "/bin/sh".into(), arguments)
}

async fn request(place: &Place, id: &RunId) -> TrainingRequest {
    place.run(id).await.request
}

/// Waits until a run is over.
async fn over(place: &Place, id: &RunId) -> RunStatus {
    loop {
        let status = place.run(id).await.status;
        if status.is_over() {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

async fn message(place: &Place, id: &RunId) -> String {
    match over(place, id).await {
        RunStatus::Failed { message } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_events_that_a_training_writes_are_published_in_order() {
    let mut place = place().await;
    let id = place.asked(1).await;
    let event = |number| {
        let trained = ModelTrained { model: samples::name("pets"), version: samples::version(number), run: id };
        Event::new("train", &trained, Timestamp::UNIX_EPOCH).unwrap()
    };
    let lines = [1, 2].map(|number| serde_json::to_string(&event(number)).unwrap());
    let text = format!("echo '{}'; echo a line that is no event; echo '{}'", lines[0], lines[1]);
    script(&place, &text).launch(&request(&place, &id).await).await.unwrap();
    assert_eq!(place.published.recv().await, Some(event(1)));
    assert_eq!(place.published.recv().await, Some(event(2)));
    assert_eq!(place.run(&id).await.status, RunStatus::Requested, "it ended well, and its row is its own matter");
}

#[tokio::test]
async fn the_program_is_given_its_arguments_and_the_run() {
    let place = place().await;
    let id = place.asked(1).await;
    let file = place.home.path().join("argument");
    script(&place, &format!("echo \"$1\" > '{}'; exit 1", file.display()))
        .launch(&request(&place, &id).await)
        .await
        .unwrap();
    over(&place, &id).await;
    assert_eq!(std::fs::read_to_string(file).unwrap(), format!("{id}\n"));
}

#[tokio::test]
async fn a_training_that_dies_is_marked_failed_with_what_killed_it() {
    let mut place = place().await;
    for (number, text, says) in [
        (1, "kill -KILL $$", "killed: perhaps the machine ran out of memory"),
        (2, "kill -SEGV $$", "signal: 11"),
        (3, "exit 3", "exit status: 3"),
    ] {
        let id = place.asked(number).await;
        script(&place, text).launch(&request(&place, &id).await).await.unwrap();
        let message = message(&place, &id).await;
        assert!(message.contains(says), "{message}");
        to_be_told(&place, number as usize).await;
        let event = place.published.recv().await.unwrap();
        let told = TrainingFailed { model: samples::name("pets"), run: id, message };
        assert_eq!(event.read::<TrainingFailed>().unwrap(), Some(told));
    }
}

/// Waits until there is word of so many runs to be told.
async fn to_be_told(place: &Place, count: usize) {
    while place.context.objects.list("tracking/outbox/", None, 100).await.unwrap().len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_training_that_said_itself_how_it_failed_is_believed() {
    let mut place = place().await;
    let (id, next) = (place.asked(1).await, place.asked(2).await);
    let said = RunStatus::Failed { message: "there are no labelled images".into() };
    place.context.catalog.update_run(&id, None, &said, Timestamp::now()).await.unwrap();
    let trained = ModelTrained { model: samples::name("pets"), version: samples::version(1), run: id };
    let event = Event::new("train", &trained, Timestamp::UNIX_EPOCH).unwrap();
    script(&place, &format!("echo '{}'; exit 1", serde_json::to_string(&event).unwrap()))
        .launch(&request(&place, &id).await)
        .await
        .unwrap();
    place.published.recv().await.unwrap();
    // The next one is over after the first has been looked at: both are watched by this one thread.
    script(&place, "exit 1").launch(&request(&place, &next).await).await.unwrap();
    over(&place, &next).await;
    assert_eq!(place.run(&id).await.status, said);
    let told = place.published.recv().await.unwrap().subject;
    assert_eq!(told, Some(next.to_string()), "of the first one nothing is added");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let place = place().await;
    let id = place.asked(1).await;
    let launcher = ProcessLauncher::new(place.context.clone(), "/no/such/program".into(), Vec::new());
    let error = launcher.launch(&request(&place, &id).await).await.unwrap_err();
    assert!(matches!(error, Error::Launch { .. }), "{error:?}");
    assert!(error.to_string().contains("/no/such/program cannot be started"), "{error}");
    assert_eq!(error.disposition(), Disposition::Unavailable);
}

#[tokio::test]
async fn one_process_a_run_which_ends_when_it_is_cancelled() {
    let place = place().await;
    let id = place.asked(1).await;
    let file = place.home.path().join("begun");
    let text = format!("trap 'exit 7' TERM; echo begun >> '{}'; while :; do sleep 0.05; done", file.display());
    let launcher = script(&place, &text);
    assert_eq!(launcher.look(id).await.unwrap(), JobState::Absent);
    let asked = request(&place, &id).await;
    launcher.launch(&asked).await.unwrap();
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    launcher.launch(&asked).await.unwrap();
    assert_eq!(launcher.look(id).await.unwrap(), JobState::Running);
    launcher.cancel(id).await.unwrap();
    let said = message(&place, &id).await;
    assert!(said.contains("exit status: 7"), "{said}");
    assert_eq!(launcher.look(id).await.unwrap(), JobState::Failed { why: said });
    assert_eq!(std::fs::read_to_string(file).unwrap(), "begun\n", "it was launched once");
    let error = launcher.logs(id, 10).await.unwrap_err();
    assert!(error.to_string().contains("standard error of the process"), "{error}");
}
