//! What is to be done about a run, given how far its job has come.

use jiff::SignedDuration;
use pappus_domain::{Run, RunStatus, Timestamp};

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
    /// Looks in a row that found none.
    absences: u32,
    /// Whether somebody holds the training lease for this run now.
    is_at_work: bool,
    /// When somebody did, or when it was first looked.
    at_work: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing yet.
    Wait,
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
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { launched: false, absences: 0, is_at_work: false, at_work: now }
    }

    /// Takes note of a look.
    pub(crate) fn note(&mut self, state: &JobState, is_at_work: bool, now: Timestamp) {
        let is_absent = *state == JobState::Absent;
        self.launched |= !matches!(state, JobState::Absent | JobState::Untold { .. });
        self.absences = if is_absent { self.absences + 1 } else { 0 };
        self.is_at_work = is_at_work;
        if is_at_work {
            self.at_work = now;
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
    match state {
        JobState::Running => Act::Wait,
        JobState::Failed { why } => Act::Fail(why.clone()),
        JobState::Succeeded => Act::Fail("its job ended well and left the run undone: see what it has written".into()),
        JobState::Pending { why, since } if is_late(*since) => {
            let why = why.as_deref().unwrap_or("nobody says why");
            Act::GiveUp(format!("{why} (its job did not begin within {seconds} seconds)"))
        }
        JobState::Untold { whereabouts } if is_late(seen.at_work) => {
            Act::Fail(format!("nobody has been at work on it for {seconds} seconds: see {whereabouts}"))
        }
        JobState::Pending { .. } | JobState::Untold { .. } => Act::Wait,
        JobState::Absent => absent(run, seen),
    }
}

fn over(run: &Run, state: &JobState, now: Timestamp) -> Act {
    let is_failed = matches!(run.status, RunStatus::Failed { .. });
    match state {
        JobState::Pending { .. } => Act::Cancel,
        JobState::Running if is_failed && now.duration_since(run.updated_at) > GOODBYE => Act::Cancel,
        // What has made a model may have much to tell of it.
        JobState::Running => Act::Wait,
        _ => Act::Forget,
    }
}

/// Of a run that was never launched nothing can be said: whoever is told to launch it may be on the way.
fn absent(run: &Run, seen: &Seen) -> Act {
    let was_there = seen.launched || matches!(run.status, RunStatus::Running { .. });
    if was_there && seen.absences >= ABSENCES {
        return Act::Fail("it was cut off: its job is gone, and nobody is at work on it".into());
    }
    Act::Wait
}
