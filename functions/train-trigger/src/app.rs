//! The train-trigger function, as its host sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use pappus_domain::event::{AlertRaised, FeedbackGiven, ImagesIngested, ModelTrained, ScheduleCame, TrainingRequested};
use pappus_domain::run::TrainingRequest;
use pappus_domain::trigger::{Cause, Decision, DecisionRecord, Hindrance};
use pappus_domain::{Event, EventKind as _, Timestamp};
use pappus_host::{App, Context, Failure, Host, Launch, OnEvent, Outcome};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::api;
use crate::error::Error;
use crate::launcher::{Child, Launcher, open};
use crate::supervisor::{Supervisor, Telling};
use crate::trigger::{Decided, Glance, Trigger};

/// How often a training under way is looked at by the decision that waits for its end.
const LOOK: Duration = Duration::from_secs(1);
/// The same of one that waits for its start.
const LONGEST_LOOK: Duration = Duration::from_secs(15);
const HOUR: Duration = Duration::from_hours(1);

/// Decides whether to train where there is a reason to, and launches what was decided.
struct OnReason {
    decider: Arc<Decider>,
    /// Nothing where the event that asks for a training starts it, at the train function.
    supervisor: Option<Arc<Supervisor>>,
    context: Context,
}

/// The train-trigger function with a launcher of your own, or with none.
pub fn app_with(context: Context, launcher: Option<Arc<dyn Launcher>>) -> App {
    let decider = Arc::new(Decider::new(context.clone(), launcher.clone()));
    app_of(decider, launcher, Telling::ByJob, context)
}

/// The same where images come without an event, from another process: every `period` it decides by itself, if there are
/// other labelled images than at the last decision.
pub fn app_watching(context: Context, launcher: Arc<dyn Launcher>, telling: Telling, period: Duration) -> App {
    let decider = Arc::new(Decider::new(context.clone(), Some(launcher.clone())));
    tokio::spawn(watch(Arc::downgrade(&decider), period));
    app_of(decider, Some(launcher), telling, context)
}

fn app_of(decider: Arc<Decider>, launcher: Option<Arc<dyn Launcher>>, telling: Telling, context: Context) -> App {
    let supervisor = launcher.map(|launcher| Arc::new(Supervisor::new(context.clone(), launcher, telling)));
    // AWS Lambda freezes a process between two events: there it looks when it wakes.
    if let Some(supervisor) = supervisor.as_ref().filter(|_| context.settings.host == Host::Server) {
        supervisor.attend();
    }
    let router = api::router(decider.clone());
    App { name: "train-trigger", router, on_event: Arc::new(OnReason { decider, supervisor, context }) }
}

/// The train-trigger function on its own: trainings start where the event arrives that asks for them, unless
/// `PAPPUS_LAUNCHER` says where they are to be launched. In a child process that is `pappus-train`, from the folder of this
/// program.
///
/// # Errors
/// What keeps that place from being used.
pub async fn app(context: Context) -> Result<App, Failure> {
    let program = std::env::current_exe().unwrap_or_default().with_file_name("pappus-train");
    let child = Child { program, arguments: Vec::new() };
    let launch = context.settings.launcher.clone().unwrap_or(Launch::Events);
    let launcher = open(&context, &launch, child).await?;
    Ok(app_with(context, launcher))
}

#[async_trait]
impl OnEvent for OnReason {
    fn kinds(&self) -> Vec<&'static str> {
        let mut kinds =
            vec![ImagesIngested::KIND, FeedbackGiven::KIND, ScheduleCame::KIND, AlertRaised::KIND, ModelTrained::KIND];
        if self.supervisor.is_some() {
            kinds.push(TrainingRequested::KIND);
        }
        kinds
    }

    async fn on_event(&self, event: Event) -> Result<Outcome, Failure> {
        if let Some(TrainingRequested { request }) = event.read()? {
            return self.launch(request).await;
        }
        if let Some(supervisor) = &self.supervisor {
            supervisor.look_soon();
        }
        let Some(cause) = cause(&event)? else { return Ok(Outcome::NOTHING) };
        let decided = self.decider.decide(cause).await?;
        Ok(Outcome { answer: None, events: self.decider.consequences(decided).await? })
    }

    async fn ready(&self) -> Result<(), Failure> {
        self.context.check().await
    }

    async fn wake(&self) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.round().await;
        }
    }
}

impl OnReason {
    async fn launch(&self, request: TrainingRequest) -> Result<Outcome, Failure> {
        let over = self.context.catalog.run(&request.run).await?.is_some_and(|run| run.status.is_over());
        if let Some(supervisor) = self.supervisor.as_ref().filter(|_| !over)
            && request.model == self.context.settings.model
        {
            supervisor.launch(&request).await?;
        }
        Ok(Outcome::NOTHING)
    }
}

/// Why an event asks whether to train, if it does.
fn cause(event: &Event) -> Result<Option<Cause>, Failure> {
    if let Some(AlertRaised { name, resolved, .. }) = event.read()? {
        return Ok((!resolved).then_some(Cause::Alert { name }));
    }
    if event.read::<ScheduleCame>()?.is_some() {
        return Ok(Some(Cause::Schedule));
    }
    if event.read::<FeedbackGiven>()?.is_some() {
        return Ok(Some(Cause::Feedback));
    }
    event.read::<ImagesIngested>()?;
    event.read::<ModelTrained>()?;
    Ok(Some(Cause::Change))
}

fn requested(request: TrainingRequest) -> Result<Event, Failure> {
    let requested = TrainingRequested { request };
    Ok(Event::new("train-trigger", &requested, Timestamp::now()).map_err(Error::from)?)
}

/// Decides, one decision after another: of many images at once, the first fifty ask for a training, and the others see
/// that they have.
pub(crate) struct Decider {
    trigger: Trigger,
    pub(crate) context: Context,
    /// What the last decision was made on; held while one is made.
    decided_on: Mutex<Option<Glance>>,
    is_waiting: AtomicBool,
    /// Whether trainings start elsewhere, where the event that asks for one arrives.
    is_apart: bool,
    /// Whether this process goes on when it has answered. AWS Lambda freezes it: there the next event decides.
    goes_on: bool,
}

impl Decider {
    fn new(context: Context, launcher: Option<Arc<dyn Launcher>>) -> Self {
        let (is_apart, goes_on) = (launcher.is_none(), context.settings.host == Host::Server);
        let trigger = Trigger::new(context.clone());
        let trigger = launcher.into_iter().fold(trigger, Trigger::with_jobs);
        let (decided_on, is_waiting) = (Mutex::default(), AtomicBool::default());
        Self { trigger, context, decided_on, is_waiting, is_apart, goes_on }
    }

    async fn decide(&self, cause: Cause) -> Result<Decided, Failure> {
        let mut decided_on = self.decided_on.lock().await;
        let decided = self.trigger.decide(cause).await?;
        let decision = &decided.record.decision;
        tracing::info!(train = decision.train(), reason = %decision, run = ?decided.record.run, "whether to train");
        *decided_on = Some(Glance::from(&decided.record.facts));
        Ok(decided)
    }

    /// Decides because somebody asks, who is told the decision whatever it is.
    pub(crate) async fn decide_for(self: &Arc<Self>, cause: Cause) -> Result<DecisionRecord, Failure> {
        let Decided { record, request } = self.decide(cause).await?;
        match request {
            Some(request) => self.context.events.publish(requested(request)?).await?,
            None if self.is_apart => {}
            None => self.decide_later(&record.decision).await?,
        }
        Ok(record)
    }

    /// The events that follow from a decision.
    async fn consequences(self: &Arc<Self>, Decided { record, request }: Decided) -> Result<Vec<Event>, Failure> {
        if let Some(request) = request {
            return Ok(vec![requested(request)?]);
        }
        if self.is_apart {
            // What a training under way makes is an event, which decides anew; nothing may depend on what this process
            // does behind its answer. But one that nobody has begun may be one that nobody was told of.
            let asked_for = self.trigger.asked_for().await?;
            return asked_for.map_or(Ok(Vec::new()), |request| Err(Error::NotBegun(request.run).into()));
        }
        self.decide_later(&record.decision).await?;
        Ok(Vec::new())
    }

    /// Decides once more when what hinders is over by itself: a cool-down, or a training under way, which may have begun
    /// without the images of now.
    async fn decide_later(self: &Arc<Self>, decision: &Decision) -> Result<(), Failure> {
        match decision.hindrance {
            _ if !self.goes_on => {}
            Some(Hindrance::CoolDown { until }) => self.decide_after(Some(until)),
            _ if self.trigger.under_way().await?.is_some() => self.decide_after(None),
            _ => {}
        }
        Ok(())
    }

    /// Decides once more when the training under way is over, and `then` has come.
    fn decide_after(self: &Arc<Self>, then: Option<Timestamp>) {
        if self.is_waiting.swap(true, Ordering::Relaxed) {
            return;
        }
        let decider = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(then) = then {
                let wait = then.duration_since(Timestamp::now());
                tokio::time::sleep(wait.try_into().unwrap_or(Duration::ZERO)).await;
            }
            decider.until_free().await;
            decider.is_waiting.store(false, Ordering::Relaxed);
            if let Err(failure) = decider.decide_and_publish(Cause::Change).await {
                tracing::error!(error = %failure, "whether to train could not be decided");
            }
        });
    }

    /// Waits until no training is under way. A neighbour that is away says nothing about it.
    async fn until_free(&self) {
        let mut pause = LOOK;
        while !matches!(self.trigger.under_way().await, Ok(None)) {
            tokio::time::sleep(pause).await;
            // A job that waits for its start may do so for long, and others are asked about it.
            let is_at_work = matches!(self.trigger.at_work().await, Ok(Some(_)));
            pause = if is_at_work { LOOK } else { LONGEST_LOOK.min(pause * 2) };
        }
    }

    async fn decide_and_publish(self: &Arc<Self>, cause: Cause) -> Result<(), Failure> {
        let decided = self.decide(cause).await?;
        for event in self.consequences(decided).await? {
            self.context.events.publish(event).await?;
        }
        Ok(())
    }

    /// Decides, if there is anything that the last decision did not know.
    async fn look(self: &Arc<Self>) -> Result<(), Failure> {
        let glance = self.trigger.glance().await?;
        if *self.decided_on.lock().await == Some(glance) {
            return Ok(());
        }
        self.decide_and_publish(Cause::Change).await
    }
}

/// Looks every `period`, and every hour as a schedule would have it, for as long as there is an app that decides.
async fn watch(decider: Weak<Decider>, period: Duration) {
    // At once too: a laptop may never run for an hour.
    let mut scheduled: Option<Instant> = None;
    loop {
        tokio::time::sleep(period).await;
        let Some(decider) = decider.upgrade() else { return };
        let looked = if scheduled.is_some_and(|at| at.elapsed() < HOUR) {
            decider.look().await
        } else {
            let decided = decider.decide_and_publish(Cause::Schedule).await;
            scheduled = decided.is_ok().then(Instant::now).or(scheduled);
            decided
        };
        if let Err(failure) = looked {
            tracing::warn!(error = %failure, "whether to train could not be decided, to be tried again");
        }
    }
}
