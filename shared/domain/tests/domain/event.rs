//! Events: what is said twice is one event, and what is said is read back.

use pappus_domain::event::{
    Data, ImagesIngested, ModelEvaluated, ModelTrained, ReleaseChanged, TrainingFailed, TrainingRequested,
};
use pappus_domain::run::{Recipe, TrainingRequest};
use pappus_domain::{Digest, Event, EventKind, RunId, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::material::{leaf, times, versions};

/// An event is read as its own kind only, as what was said, whatever carried it.
fn says<K: EventKind + PartialEq + std::fmt::Debug>(what: &K, subject: &str, at: [Timestamp; 2]) {
    let event = Event::new("train", what, at[0]).unwrap();
    let text = serde_json::to_string(&event).unwrap();
    let carried: Event = serde_json::from_str(&text).unwrap();
    assert_eq!(carried, event);
    assert_eq!(carried.read::<K>().unwrap().as_ref(), Some(what));
    assert_eq!(event.subject.as_deref(), Some(subject));
    assert_eq!((event.source.as_str(), event.kind.as_str()), ("/pappus/train", K::KIND));
    assert_eq!(Event::new("train", what, at[1]).unwrap().id, event.id);
    let other_kind = Event { kind: "io.pappus.other".into(), ..event };
    assert!(other_kind.read::<K>().unwrap().is_none());
}

proptest! {
    #[test]
    fn every_kind_is_read_back(
        n in any::<u64>(), uuid in any::<u128>(), version in versions(), passed: bool, text in ".{0,20}",
        first in times(), second in times(),
    ) {
        let (model, run, at) = (leaf(), RunId(Uuid::from_u128(uuid)), [first, second]);
        let of_version = format!("leaf/{version}");
        says(&ImagesIngested { batch: text.clone(), stored: n }, &text, at);
        says(&ModelTrained { model: model.clone(), version: version.clone(), run }, &of_version, at);
        says(&TrainingFailed { model: model.clone(), run, message: text.clone() }, &run.to_string(), at);
        let data_set = Digest::of(text.as_bytes());
        says(&ModelEvaluated { model: model.clone(), version: version.clone(), data_set, passed }, &of_version, at);
        says(&ReleaseChanged { model: model.clone(), generation: n, champion: version }, "leaf", at);
        let request = TrainingRequest {
            run,
            model,
            recipe: Recipe::Transfer,
            backbone: Some("net.onnx".into()),
            normalisation: Some("caffe".into()),
            seed: n,
            budget_seconds: None,
            reason: text,
        };
        says(&TrainingRequested { request }, &run.to_string(), at);
    }

    #[test]
    fn what_differs_has_another_id(
        batch in "[ab]{0,2}", other in "[ab]{0,2}", stored in 0_u64..3, other_stored in 0_u64..3,
    ) {
        let id = |batch: &str, stored| {
            Event::new("ingest", &ImagesIngested { batch: batch.into(), stored }, Timestamp::UNIX_EPOCH).unwrap().id
        };
        let same = batch == other && stored == other_stored;
        prop_assert_eq!(id(&batch, stored) == id(&other, other_stored), same);
    }
}

/// Reference: Python's `hashlib` and `uuid`. An event sent again after an update must be known as the same.
#[test]
fn ids_are_frozen() {
    let what = ImagesIngested { batch: "b1".into(), stored: 3 };
    let event = Event::new("ingest", &what, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(event.id, "2a7ef180-56a1-80d4-8311-c72cd42c0271");
    let wanted = json!({
        "specversion": "1.0", "datacontenttype": "application/json",
        "id": "2a7ef180-56a1-80d4-8311-c72cd42c0271", "source": "/pappus/ingest", "type": "io.pappus.image.ingested",
        "subject": "b1", "time": "1970-01-01T00:00:00Z", "data": { "batch": "b1", "stored": 3 },
    });
    assert_eq!(serde_json::to_value(event).unwrap(), wanted);
}

#[test]
fn bad_particulars_are_refused_with_their_cause() {
    let good = json!({ "model": "leaf", "version": "a", "run": Uuid::nil() });
    for (field, bad) in [("model", json!("Leaf!")), ("version", json!(7)), ("run", json!("no id"))] {
        let mut data = good.clone();
        data[field] = bad;
        let text = json!({ "specversion": "1.0", "id": "7", "source": "/s", "type": ModelTrained::KIND, "data": data })
            .to_string();
        let error = serde_json::from_str::<Event>(&text).unwrap().read::<ModelTrained>().unwrap_err();
        assert_eq!(error.to_string(), "event `7` of type `io.pappus.model.trained` cannot be read");
        assert!(std::error::Error::source(&error).is_some());
    }
    let empty: Event =
        serde_json::from_value(json!({ "specversion": "1.0", "id": "7", "source": "/s", "type": ModelTrained::KIND }))
            .unwrap();
    assert!(empty.read::<ModelTrained>().is_err());
    let bytes = Data::Bytes { content_type: None, bytes: vec![1] };
    assert!(Event { data: bytes, ..empty }.read::<ModelTrained>().is_err());
}

#[test]
fn what_is_no_event_is_refused() {
    let event = |change: &[(&str, serde_json::Value)]| {
        let mut json = json!({ "specversion": "1.0", "id": "7", "source": "/s", "type": "t" });
        change.iter().for_each(|(name, value)| json[*name] = value.clone());
        serde_json::from_value::<Event>(json)
    };
    assert_eq!(event(&[]).unwrap().data, Data::Json(json!(null)));
    assert_eq!(event(&[("time", json!(null)), ("subject", json!(null))]).unwrap(), event(&[]).unwrap());
    for (change, says) in [
        (&[("specversion", json!("0.3"))][..], "specversion is `0.3`: 1.0 is read"),
        (&[("id", json!(""))], "the attribute `id` is empty"),
        (&[("type", json!(""))], "the attribute `type` is empty"),
        (&[("data_base64", json!("a?"))], "`data_base64` is not base64"),
        (&[("data", json!(1)), ("data_base64", json!("AA=="))], "there are both `data` and `data_base64`"),
        (&[("time", json!("noon"))], "failed to parse"),
    ] {
        let error = event(change).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

proptest! {
    #[test]
    fn data_of_any_kind_is_read_back(bytes in prop::collection::vec(any::<u8>(), 1..40),
                                     content_type in prop::option::of("(image/png|text/plain|application/json)")) {
        let data = Data::from_bytes(content_type, bytes);
        let event = Event { id: "7".into(), source: "/s".into(), kind: "t".into(), subject: None, time: None, data };
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
