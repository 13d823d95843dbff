//! Records of Kafka, as Lambda's event source mapping brings them. CloudEvents in both modes of the Kafka binding; a
//! record without the attributes of one is an event by itself, named by where it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pappus_domain::event::Data;
use pappus_domain::{Event, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{cloud_event, refused, shaped};
use crate::disposition::Failure;

/// The type of an event that was a record and no CloudEvent, as Knative's Kafka source calls it.
const RECORD: &str = "dev.knative.kafka.event";

#[derive(Deserialize)]
struct Batch {
    records: BTreeMap<String, Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    topic: String,
    partition: i64,
    offset: i64,
    timestamp: Option<i64>,
    value: Option<String>,
    #[serde(default)]
    headers: Vec<BTreeMap<String, Vec<i16>>>,
}

pub(super) fn read(json: Value) -> Result<Vec<Result<Event, Failure>>, Failure> {
    let Batch { records } = shaped(json, "batch of Kafka records")?;
    Ok(records.into_values().flatten().map(|record| event(&record)).collect())
}

fn event(record: &Record) -> Result<Event, Failure> {
    let Record { topic, partition, offset, .. } = record;
    let place = format!("record {offset} of partition {partition} of topic `{topic}`: ");
    let value = STANDARD.decode(record.value.as_deref().unwrap_or_default());
    let value = value.map_err(|error| refused(format!("{place}its value is not base64: {error}")))?;
    let content_type = record.header("content-type")?;
    if content_type.as_deref().is_some_and(|kind| kind.starts_with("application/cloudevents+json")) {
        return cloud_event::structured(&value);
    }
    if record.header("ce_id")?.is_some() {
        let get = |name: &str| record.header(&format!("ce_{name}"));
        return cloud_event::from_attributes(get, &format!("{place}the header `ce_"), content_type, &value);
    }
    let time = record.timestamp.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Ok(Event {
        id: format!("partition:{partition}/offset:{offset}"),
        source: format!("kafka:{topic}"),
        kind: RECORD.into(),
        subject: None,
        time,
        data: Data::from_bytes(content_type.map(Cow::into_owned), value),
    })
}

impl Record {
    /// A header's value, which comes as a list of signed bytes.
    fn header(&self, name: &str) -> Result<Option<Cow<'static, str>>, Failure> {
        let found = self.headers.iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let Some((_, bytes)) = found else { return Ok(None) };
        let bytes = bytes.iter().map(|byte| (*byte as u16 & 0xff) as u8).collect();
        let text =
            String::from_utf8(bytes).map_err(|_| refused(format!("the header `{name}` of a record is not text")))?;
        Ok(Some(text.into()))
    }
}
