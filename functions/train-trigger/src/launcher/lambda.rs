//! Trainings as invocations of the train function on AWS Lambda: for data sets that are learned in fifteen minutes.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use pappus_domain::event::TrainingRequested;
use pappus_domain::run::TrainingRequest;
use pappus_domain::{Event, RunId, Timestamp};
use pappus_host::{Dispose, Disposition, LambdaFunction};

use super::{JobState, Launcher};
use crate::error::Error;

/// How long one try of a request may take, and a request with all its tries.
const TRY: Duration = Duration::from_secs(4);
const WHOLE: Duration = Duration::from_secs(16);

/// Why a function is not invoked, by what can be done about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such function.
    #[error("there is no Lambda function `{0}` in this region: deploy `pappus-train` under that name")]
    NoFunction(String),
    /// A right is missing.
    #[error("these credentials may not invoke Lambda function `{function}`: they need lambda:InvokeFunction: {said}")]
    Forbidden {
        /// The function.
        function: String,
        /// What AWS says.
        said: String,
    },
    /// It may work later.
    #[error("Lambda function `{function}` cannot be invoked: {said}")]
    Unavailable {
        /// The function.
        function: String,
        /// What was seen.
        said: String,
    },
}

impl Dispose for Fault {
    fn disposition(&self) -> Disposition {
        match self {
            Self::NoFunction(_) | Self::Forbidden { .. } => Disposition::Refused,
            Self::Unavailable { .. } => Disposition::Unavailable,
        }
    }
}

/// Invokes one function, and does not wait for it. Lambda tries again by itself what has failed, so the function may be
/// given one run several times, of which the training lease lets one be done.
#[derive(Clone, Debug)]
pub struct LambdaLauncher {
    client: Client,
    function: String,
}

impl LambdaLauncher {
    /// A launcher of a function, with the credentials of the environment.
    pub async fn open(function: &LambdaFunction) -> Self {
        let mut loader = aws_config::from_env();
        if let Some(region) = &function.region {
            loader = loader.region(aws_config::Region::new(region.clone()));
        }
        if let Some(endpoint) = &function.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TRY).operation_timeout(WHOLE).build();
        let loader = loader.timeout_config(timeouts);
        Self { client: Client::new(&loader.load().await), function: function.name.clone() }
    }

    async fn invoke(&self, payload: String) -> Result<(), Fault> {
        let invocation = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload));
        let Err(error) = invocation.send().await else { return Ok(()) };
        let (function, said) = (self.function.clone(), DisplayErrorContext(&error).to_string());
        Err(match error.code() {
            Some("ResourceNotFoundException") => Fault::NoFunction(function),
            Some("AccessDeniedException") => Fault::Forbidden { function, said },
            _ => Fault::Unavailable { function, said },
        })
    }

    fn group(&self) -> String {
        format!("the log group /aws/lambda/{}", self.function)
    }
}

#[async_trait]
impl Launcher for LambdaLauncher {
    async fn launch(&self, request: &TrainingRequest) -> Result<(), Error> {
        let requested = TrainingRequested { request: request.clone() };
        let event = Event::new("train-trigger", &requested, Timestamp::now())?;
        self.invoke(serde_json::to_string(&event)?).await?;
        tracing::info!(run = %request.run, function = self.function, "function invoked");
        Ok(())
    }

    /// Lambda does not say how far an invocation is.
    async fn look(&self, _run: RunId) -> Result<JobState, Error> {
        Ok(JobState::Untold { whereabouts: self.group() })
    }

    /// An invocation cannot be called back. The training looks at its run, and ends where that is over.
    async fn cancel(&self, _run: RunId) -> Result<(), Error> {
        Ok(())
    }

    async fn logs(&self, run: RunId, _lines: i64) -> Result<String, Error> {
        Err(Error::NoLogs { run, place: self.group() })
    }
}
