//! Alerts, as Alertmanager's webhook tells them (version 4).

use std::collections::BTreeMap;

use pappus_domain::event::AlertRaised;
use pappus_domain::{Event, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::shaped;
use crate::disposition::Failure;

#[derive(Deserialize)]
struct Webhook {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
}

pub(super) fn read(json: Value) -> Result<Vec<Result<Event, Failure>>, Failure> {
    let Webhook { alerts } = shaped(json, "Alertmanager webhook")?;
    Ok(alerts.into_iter().map(event).collect())
}

fn event(alert: Alert) -> Result<Event, Failure> {
    let Alert { status, mut labels, mut annotations, starts_at } = alert;
    let summary = annotations.remove("summary").or_else(|| annotations.remove("description"));
    let raised = AlertRaised {
        name: labels.remove("alertname").unwrap_or_else(|| "alert".into()),
        resolved: status == "resolved",
        labels,
        summary: summary.unwrap_or_default(),
    };
    let event = Event::new("alert", &raised, starts_at).map_err(Failure::from_error)?;
    // Alertmanager repeats an alert that goes on; another time it is another alert.
    Ok(Event { id: format!("{}@{starts_at}", event.id), ..event })
}
