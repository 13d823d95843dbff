//! What is to be done about a run, given how far its job has come.

use jiff::SignedDuration;
use pappus_domain::{Lease, Run, RunStatus, Timestamp};

use crate::launcher::JobState;

/// How long the job of a run that has failed may go on: the training sees that, and has to say goodbye.
const GOODBYE: SignedDuration = SignedDuration::from_secs(30);
/// Looks in a row that find no job, before there is none: what writes a run's end and what ends the job are not one.
const ABSENCES: u32 = 2;

/// What has been seen of a run's job.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Whether there has been a job.
    pub(crate) launched: bool,
    /// Why it could not be launched, the last time that it was tried.
    not_launched: Option<String>,
    /// Looks in a row that found none.
    absences: u32,
    /// Whether somebody holds the training lease for this run now.
    is_at_work: bool,
    /// When somebody was last seen to.
    at_work: Option<Timestamp>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing yet.
    Wait,
    /// It is to be launched: nobody has, or it could not be.
    Launch,
    /// The run has failed.
    Fail(String),
    /// The run has failed, and its job is to end.
    GiveUp(String),
    /// The job is to end, for its run is over.
    Cancel,
    /// Nothing any more: run and job are over.
    Forget,
}

impl Seen {
    /// Of a run that is looked at for the first time.
    pub(crate) const fn new() -> Self {
        Self { launched: false, not_launched: None, absences: 0, is_at_work: false, at_work: None }
    }

    /// Takes note of a launch, or of why there was none.
    pub(crate) fn note_launch(&mut self, outcome: Result<(), String>) {
        self.launched |= outcome.is_ok();
        self.not_launched = outcome.err();
    }

    /// Takes note of a look.
    pub(crate) fn note(&mut self, state: &JobState, is_at_work: bool, now: Timestamp) {
        let is_absent = *state == JobState::Absent;
        self.launched |= !matches!(state, JobState::Absent | JobState::Untold { .. });
        self.absences = if is_absent { self.absences + 1 } else { 0 };
        self.is_at_work = is_at_work;
        if is_at_work {
            self.at_work = Some(now);
        }
    }
}

/// What is to be done about a run.
pub(crate) fn judge(run: &Run, state: &JobState, seen: &Seen, patience: SignedDuration, now: Timestamp) -> Act {
    if run.status.is_over() {
        return over(run, state, now);
    }
    if seen.is_at_work {
        // In this job or in another: of two clusters' jobs the lease has chosen one.
        return Act::Wait;
    }
    let seconds = patience.as_secs();
    let is_late = |since: Timestamp| now.duration_since(since) > patience;
    // By its row too: whoever looks may have begun to only now.
    let at_work = seen.at_work.map_or(run.updated_at, |at| at.max(run.updated_at));
    match state {
        JobState::Running if is_late(at_work) => Act::GiveUp(format!(
            "its job runs, and nobody has been at work on it for {seconds} seconds: see `pappus logs {}`",
            run.request.run
        )),
        JobState::Failed { why } => Act::Fail(why.clone()),
        JobState::Succeeded => Act::Fail("its job ended well and left the run undone: see what it has written".into()),
        JobState::Pending { why, since } if is_late(*since) => {
            let why = why.as_deref().unwrap_or("nobody says why");
            Act::GiveUp(format!("{why} (its job did not begin within {seconds} seconds)"))
        }
        JobState::Untold { whereabouts } if is_late(at_work) => {
            Act::Fail(format!("nobody has been at work on it for {seconds} seconds: see {whereabouts}"))
        }
        JobState::Untold { .. } if seen.not_launched.is_some() => Act::Launch,
        JobState::Pending { .. } | JobState::Running | JobState::Untold { .. } => Act::Wait,
        JobState::Absent => absent(run, seen, patience, now),
    }
}

fn over(run: &Run, state: &JobState, now: Timestamp) -> Act {
    let is_failed = matches!(run.status, RunStatus::Failed { .. });
    let is_late = now.duration_since(run.updated_at) > GOODBYE;
    match state {
        // Nobody is in it yet. Where it has made a model, its node has not been able to say that somebody was.
        JobState::Pending { .. } if is_failed || is_late => Act::Cancel,
        JobState::Running if is_failed && is_late => Act::Cancel,
        // What has made a model may have much to tell of it.
        JobState::Pending { .. } | JobState::Running => Act::Wait,
        _ => Act::Forget,
    }
}

fn absent(run: &Run, seen: &Seen, patience: SignedDuration, now: Timestamp) -> Act {
    if seen.launched || matches!(run.status, RunStatus::Running { .. }) {
        if seen.absences < ABSENCES {
            return Act::Wait;
        }
        return Act::Fail("it was cut off: its job is gone, and nobody is at work on it".into());
    }
    let waited = now.duration_since(run.requested_at);
    if waited > patience {
        let why = seen.not_launched.as_deref().unwrap_or("nobody was there to launch it");
        return Act::Fail(format!("{why} (it could not be launched within {} seconds)", patience.as_secs()));
    }
    // Whoever is told to launch it may be on the way; but they may have ended before they did.
    if seen.not_launched.is_some() || waited > Lease::LIFE { Act::Launch } else { Act::Wait }
}
