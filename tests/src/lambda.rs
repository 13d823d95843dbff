//! One function in a process of its own, hosted by AWS Lambda.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pappus_host::{Invoked, RuntimeApi};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::program::function;
use crate::running::{Ended, Running};
use crate::{DEADLINE, Home};

/// A function that AWS Lambda hosts; killed when dropped.
#[derive(Debug)]
pub struct Lambda {
    running: Running,
    api: RuntimeApi,
    runtime: Runtime,
}

impl Lambda {
    /// Starts `pappus-NAME` in a home, where Lambda's runtime API is.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(home: &Home, name: &str) -> Result<Self> {
        Self::host(home.command_of(&function(name)?), name)
    }

    /// Starts any program as a function.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn host(mut command: Command, name: &str) -> Result<Self> {
        let runtime = Runtime::new()?;
        let api = runtime.block_on(RuntimeApi::start())?;
        command.envs(api.variables(name));
        Ok(Self { running: Running::start(command)?, api, runtime })
    }

    /// Invokes it; how it ended, `response` or `error`, and with what.
    ///
    /// # Errors
    /// Where there is no answer before the deadline.
    pub fn invoke(&mut self, payload: &Value) -> Result<(String, Value)> {
        let Invoked { how, json, .. } = self.answer(payload)?;
        Ok((how, json))
    }

    fn answer(&mut self, payload: &Value) -> Result<Invoked> {
        let invoking = self.api.invoke(payload.to_string());
        let answer = self.runtime.block_on(async { timeout(DEADLINE, invoking).await });
        answer.ok().flatten().with_context(|| format!("no answer: {}", self.running.log()))
    }

    /// Asks over HTTP as a function URL does; status and body of the answer.
    ///
    /// # Errors
    /// Where there is no answer, or one that is none to a request.
    pub fn ask(&mut self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Result<(u64, Vec<u8>)> {
        read(&self.answer(&request(method, path, content_type, body))?)
    }

    /// Asks as somebody whom IAM has let in.
    ///
    /// # Errors
    /// As [`Lambda::ask`].
    pub fn ask_by_iam(&mut self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Result<(u64, Vec<u8>)> {
        let mut request = request(method, path, content_type, body);
        request["requestContext"]["authorizer"] = json!({ "iam": { "userArn": "arn:aws:iam::123456789012:user/ada" } });
        read(&self.answer(&request)?)
    }

    /// Has an image answered, and freezes the function once the answer is there: before it hears that this has come, which
    /// is when Lambda may freeze it. `look` is given the answer, and may look at what there is now.
    ///
    /// # Errors
    /// Where there is no answer, or one that is none to a request; what `look` fails with.
    pub fn ask_and_freeze(&mut self, jpeg: &[u8], look: impl FnOnce(Value) -> Result<()>) -> Result<()> {
        let answer = self.answer(&request("POST", "/predict", "image/jpeg", jpeg))?;
        self.running.freeze()?;
        let (status, body) = read(&answer)?;
        ensure!(status == 200, "{}", answer.json);
        let seen = look(serde_json::from_slice(&body)?);
        self.running.signal("CONT")?;
        seen
    }

    /// Asks it to stop, as Lambda does, and sees that it ends as asked.
    ///
    /// # Errors
    /// Where it ends otherwise.
    pub fn stop(self) -> Result<Ended> {
        self.running.signal("TERM")?;
        self.running.wait()?.expect(0)
    }
}

fn request(method: &str, path: &str, content_type: &str, body: &[u8]) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": { "content-type": content_type },
        "requestContext": { "http": { "method": method, "path": path }, "stage": "$default" },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
    })
}

fn read(Invoked { how, json, .. }: &Invoked) -> Result<(u64, Vec<u8>)> {
    ensure!(how == "response", "{json}");
    let text = json["body"].as_str().context("no body")?;
    let body = if json["isBase64Encoded"] == true { STANDARD.decode(text)? } else { text.into() };
    Ok((json["statusCode"].as_u64().context("no status")?, body))
}
