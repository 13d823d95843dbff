//! A webhook that takes what Slack's take.

use std::time::Duration;

use async_trait::async_trait;
use pappus_host::Webhook;
use tokio::task::spawn_blocking;
use ureq::Agent;
use uuid::Uuid;

use super::{Channel, PATIENCE, slack};
use crate::error::Error;
use crate::message::{Message, clipped};

/// The most bytes of an answer that are read, and the most characters that are shown.
const ANSWER: u64 = 64 << 10;
const SHOWN: usize = 200;

/// How long a request may take: less than anybody waits for it, so that none goes on unseen.
const ANSWERED: Duration = Duration::from_secs(PATIENCE.as_secs() - 1);

pub(super) struct WebhookChannel {
    agent: Agent,
    webhook: Webhook,
}

impl WebhookChannel {
    pub(super) fn new(webhook: Webhook) -> Self {
        // A redirect would turn into a GET, whose success says nothing of the message.
        let config = Agent::config_builder().max_redirects(0).max_redirects_will_error(false);
        let config = config.http_status_as_error(false).timeout_global(Some(ANSWERED));
        Self { agent: config.build().into(), webhook }
    }

    fn verdict(&self, status: u16, answer: &str) -> Result<(), Error> {
        let answer = self.without_secrets(answer);
        let source = format!("it answered {status} {}", clipped(answer.trim(), SHOWN)).trim_end().to_owned().into();
        let to = self.place();
        match status {
            200..300 => Ok(()),
            408 | 425 | 429 | 500.. => Err(Error::Unreachable { to, source }),
            _ => Err(Error::Refused { to, source }),
        }
    }

    /// The first line of an answer. Some servers say again what they were asked for.
    fn without_secrets(&self, answer: &str) -> String {
        let url = self.webhook.secret();
        let line = answer.trim().lines().next().unwrap_or_default();
        let parts = url.path_segments().into_iter().flatten().chain(url.query()).chain(url.password());
        parts.filter(|part| !part.is_empty()).fold(line.to_owned(), |line, part| line.replace(part, "…"))
    }
}

#[async_trait]
impl Channel for WebhookChannel {
    fn name(&self) -> &str {
        "webhook"
    }

    fn place(&self) -> String {
        format!("the webhook {}", self.webhook)
    }

    async fn send(&self, message: &Message, _: Uuid) -> Result<(), Error> {
        let (agent, url) = (self.agent.clone(), self.webhook.secret().clone());
        let body = slack::body(message).to_string();
        let sent = spawn_blocking(move || post(&agent, url.as_str(), body));
        let unreachable = |source| Error::Unreachable { to: self.place(), source };
        let (status, answer) = sent.await.map_err(|error| unreachable(error.into()))?.map_err(unreachable)?;
        self.verdict(status, &answer)
    }
}

fn post(agent: &Agent, url: &str, body: String) -> Result<(u16, String), crate::error::Source> {
    let mut response = agent.post(url).header("content-type", "application/json").send(body)?;
    let answer = response.body_mut().with_config().limit(ANSWER).read_to_vec();
    // The status says it; an answer that cannot be read says nothing else.
    let answer = answer.unwrap_or_default();
    Ok((response.status().as_u16(), String::from_utf8_lossy(&answer).into_owned()))
}
