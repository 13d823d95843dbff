//! Settings as they may be shown: in messages, in logs, to whoever debugs.

use std::fmt;

use crate::launch::LambdaFunction;
use crate::settings::{EventBus, Events, Settings};

/// The most characters of a setting that are said again.
const LENGTH: usize = 200;

/// A setting without what may be a secret, who is named before an `@`, and not at any length.
pub(crate) fn shown(value: &str) -> String {
    let scheme = value.split_once(':').map_or("", |(scheme, _)| scheme);
    // Paths, which name nobody.
    let is_path = matches!(scheme, "file" | "sqlite" | "memory");
    let text = match value.rsplit_once('@').filter(|_| !is_path) {
        // What is no URL may be a secret from its first letter on.
        Some((before, host)) if before.contains("://") => format!("{scheme}://…@{host}"),
        Some((_, host)) => format!("…@{host}"),
        None => value.into(),
    };
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("Local"),
            Self::Answered => f.write_str("Answered"),
            Self::Knative { sink, extensions } => {
                let names: Vec<_> = extensions.iter().map(|(name, _)| name).collect();
                f.debug_struct("Knative").field("sink", &shown(sink.as_str())).field("extensions", &names).finish()
            }
            Self::EventBridge(bus) => f.debug_tuple("EventBridge").field(bus).finish(),
        }
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, region, endpoint } = self;
        let endpoint = endpoint.as_deref().map(shown);
        f.debug_struct("EventBus").field("name", name).field("region", region).field("endpoint", &endpoint).finish()
    }
}

impl fmt::Debug for LambdaFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, region, endpoint } = self;
        let endpoint = endpoint.as_deref().map(shown);
        f.debug_struct("LambdaFunction")
            .field("name", name)
            .field("region", region)
            .field("endpoint", &endpoint)
            .finish()
    }
}

/// Without passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            home,
            objects,
            catalog,
            model,
            log,
            log_format,
            predictions_days,
            keep_images,
            port,
            events,
            launcher,
            launch_timeout,
            policy,
            api_keys,
            tracking,
            notify,
            host,
            service,
            access,
        } = self;
        f.debug_struct("Settings")
            .field("home", home)
            .field("objects", &shown(objects))
            .field("catalog", &shown(catalog))
            .field("model", model)
            .field("log", log)
            .field("log_format", log_format)
            .field("predictions_days", predictions_days)
            .field("keep_images", keep_images)
            .field("port", port)
            .field("events", events)
            .field("launcher", launcher)
            .field("launch_timeout", launch_timeout)
            .field("policy", policy)
            .field("api_keys", api_keys)
            .field("tracking", tracking)
            .field("notify", notify)
            .field("host", host)
            .field("service", service)
            .field("access", access)
            .finish()
    }
}
