//! Settings: what the environment says, and what is wrong with it.
#![allow(clippy::unwrap_used)] // a test may panic

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pappus_domain::trigger::{Policy, Schedule};
use pappus_host::{
    Bus, Context, Email, Encryption, Error, EventBus, Events, Host, JobTemplate, LambdaFunction, Launch, Service,
    Settings,
};
use pappus_telemetry::LogFormat;
use proptest::prelude::*;

/// Settings from these variables and no others.
fn read(variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::read(find, None)
}

#[test]
fn nothing_need_be_set() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.home, PathBuf::from(".pappus"));
    assert_eq!(settings.objects, "file://.pappus/objects");
    assert_eq!(settings.catalog, "sqlite://.pappus/catalog.db");
    assert_eq!((settings.model.as_str(), settings.port, settings.log.as_str()), ("classifier", 8080, "info"));
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!((settings.events, settings.launcher, settings.host), (None, None, Host::Server));
    assert_eq!(settings.tracking, None);
    assert_eq!(settings.service, Service::default());
}

#[test]
fn an_empty_variable_is_as_one_that_is_not_set() {
    let names = ["PAPPUS_HOME", "PAPPUS_OBJECTS", "PAPPUS_CATALOG", "PAPPUS_MODEL", "PAPPUS_EVENTS", "PORT"];
    let settings = read(&names.map(|name| (name, ""))).unwrap();
    assert_eq!((settings.model.as_str(), settings.port), ("classifier", 8080));
    assert_eq!(settings.objects, "file://.pappus/objects");
}

#[test]
fn every_variable_is_heard() {
    let settings = read(&[
        ("PAPPUS_HOME", "/var/pappus"),
        ("PAPPUS_CATALOG", "sqlite:///else/where.db"),
        ("PAPPUS_MODEL", "pets"),
        ("PAPPUS_LOG", "warn"),
        ("PAPPUS_LOG_FORMAT", "json"),
        ("PAPPUS_EVENTS", "local:"),
        ("PAPPUS_LAUNCHER", "process:"),
        ("PAPPUS_TRACKING", "none:"),
        ("PORT", "0"),
    ]);
    let settings = settings.unwrap();
    assert_eq!(settings.objects, "file:///var/pappus/objects");
    assert_eq!(settings.catalog, "sqlite:///else/where.db");
    assert_eq!((settings.model.as_str(), settings.port, settings.log.as_str()), ("pets", 0, "warn"));
    assert_eq!(settings.log_format, LogFormat::Json);
}

#[test]
fn events_go_where_the_environment_says() {
    let events = |variables: &[(&str, &str)]| read(variables).unwrap().events;
    assert_eq!(events(&[("PAPPUS_EVENTS", "reply:"), ("K_SINK", "http://broker/")]), Some(Events::Answered));
    let sink = || ("K_SINK", "http://broker-ingress.knative-eventing/plants/default");
    let knative = |extensions| Some(Events::Knative { sink: sink().1.parse().unwrap(), extensions });
    assert_eq!(events(&[sink()]), knative(Vec::new()), "a sink that is named is used");
    let overrides = ("K_CE_OVERRIDES", r#"{"extensions":{"team":"plants"}}"#);
    let expected = knative(vec![("team".into(), "plants".into())]);
    assert_eq!(events(&[("PAPPUS_EVENTS", "knative:"), sink(), overrides]), expected);
    let bus = EventBus { name: "pappus".into(), region: None, endpoint: Some("http://127.0.0.1:5000".into()) };
    let url = ("PAPPUS_EVENTS", "eventbridge://pappus?endpoint=http://127.0.0.1:5000");
    assert_eq!(events(&[url]), Some(Events::EventBridge(bus)));
}

#[test]
fn trainings_run_where_the_environment_says() {
    let launcher = |value| read(&[("PAPPUS_LAUNCHER", value)]).unwrap().launcher;
    assert_eq!(launcher("events:"), Some(Launch::Events));
    let template = JobTemplate { namespace: "plants".into(), config_map: "pappus-training.v2".into() };
    assert_eq!(launcher("kubernetes://plants/pappus-training.v2"), Some(Launch::Kubernetes(template)));
    let plain = LambdaFunction { name: "Pappus_train".into(), region: None, endpoint: None };
    assert_eq!(launcher("lambda://Pappus_train"), Some(Launch::Lambda(plain.clone())));
    let (region, endpoint) = (Some("eu-west-3".into()), Some("http://127.0.0.1:5000".into()));
    let elsewhere = LambdaFunction { region, endpoint, ..plain };
    let url = "lambda://Pappus_train?region=eu-west-3&endpoint=http://127.0.0.1:5000";
    assert_eq!(launcher(url), Some(Launch::Lambda(elsewhere)));
    assert_eq!(read(&[]).unwrap().launch_timeout, Duration::from_secs(600));
    assert_eq!(read(&[("PAPPUS_LAUNCH_TIMEOUT", "90")]).unwrap().launch_timeout, Duration::from_secs(90));
}

#[test]
fn what_knative_cannot_be_told_is_named() {
    let said = |variables: &[(&str, &str)]| read(variables).unwrap_err().to_string();
    assert!(said(&[("PAPPUS_EVENTS", "knative:")]).starts_with("K_SINK is ``: "));
    let sink = ("K_SINK", "http://broker/");
    for (overrides, is) in [
        ("{", "1 bytes, wrong at line 1 column 1"),
        (r#"{"extensions":{"team":["s3cret"]}}"#, "34 bytes, wrong at line 1 column 22"),
    ] {
        let said = said(&[sink, ("K_CE_OVERRIDES", overrides)]);
        assert!(said.starts_with(&format!("K_CE_OVERRIDES is `{is}`: ")) && !said.contains("s3cret"), "{said}");
    }
    let shouting = r#"{"extensions":{"Team":"plants"}}"#;
    assert!(said(&[sink, ("K_CE_OVERRIDES", shouting)]).starts_with("K_CE_OVERRIDES is `Team`: "));
}

#[test]
fn mlflow_is_told_where_it_is_named() {
    assert_eq!(read(&[("PAPPUS_TRACKING", "none:"), ("MLFLOW_TRACKING_USERNAME", "ada")]).unwrap().tracking, None);
    let named = [("PAPPUS_TRACKING", "https://mlflow.example/team"), ("MLFLOW_TRACKING_TOKEN", "t0ken")];
    let settings = read(&named).unwrap();
    assert_eq!(settings.tracking.as_ref().unwrap().to_string(), "https://mlflow.example/team");
    assert!(!format!("{settings:?}").contains("t0ken"), "{settings:?}");
    let said = |variables: &[(&str, &str)]| read(variables).unwrap_err().to_string();
    let half = said(&[("PAPPUS_TRACKING", "http://mlflow:5000"), ("MLFLOW_TRACKING_USERNAME", "ada")]);
    assert!(half.starts_with("MLFLOW_TRACKING_PASSWORD is ``: it may be the password"), "{half}");
    let secret = said(&[("PAPPUS_TRACKING", "databricks://ada:s3cret@host")]);
    assert!(secret.starts_with("PAPPUS_TRACKING is `databricks://…@host`: ") && !secret.contains("s3cret"), "{secret}");
}

#[test]
fn people_are_told_where_the_environment_says() {
    assert!(!read(&[("PAPPUS_SMTP_PASSWORD", "s3cret")]).unwrap().notify.is_set());
    let webhook = ("PAPPUS_NOTIFY_WEBHOOK", "https://hooks.slack.com/services/T0/B0/s3cret");
    let settings = read(&[webhook]).unwrap();
    assert_eq!(settings.notify.webhook.as_ref().unwrap().secret().as_str(), webhook.1);
    assert!(settings.notify.is_set() && settings.notify.email.is_none());
    let email = |url: &str, password: &str| {
        let read = read(&[("PAPPUS_NOTIFY_EMAIL", url), ("PAPPUS_SMTP_PASSWORD", password)]);
        read.unwrap().notify.email.unwrap()
    };
    let (from, to) =
        ("pappus@example.org".to_owned(), vec!["ada+ml@example.org".to_owned(), "bob@localhost".to_owned()]);
    let query = "from=pappus@example.org&to=ada%2Bml@example.org&to=bob@localhost";
    let login = Some(("pappus@example.org".to_owned(), "s3cret".to_owned()));
    let known = |encryption, port| Email {
        host: "mail.example.org".into(),
        port,
        encryption,
        login: login.clone(),
        from: from.clone(),
        to: to.clone(),
    };
    let user = "pappus%40example.org@mail.example.org";
    assert_eq!(email(&format!("smtp://{user}?{query}"), "s3cret"), known(Encryption::StartTls, 587));
    assert_eq!(email(&format!("smtps://{user}/?{query}"), "s3cret"), known(Encryption::Tls, 465));
    let here = email(&format!("smtp://ada@localhost:25?{query}&tls=none"), "s3cret");
    assert_eq!((here.encryption, here.port, here.login.is_some()), (Encryption::None, 25, true));
    let local = email(&format!("smtp://[::1]:2525?{query}"), "");
    assert_eq!((local.host.as_str(), local.port, local.login.as_ref()), ("::1", 2525, None));
    let shown = format!("{:?}", read(&[webhook, ("PAPPUS_NOTIFY_EMAIL", &format!("smtp://[::1]?{query}"))]).unwrap());
    assert!(shown.contains("Webhook(https://hooks.slack.com/…)") && shown.contains("smtp://[::1]:587"), "{shown}");
    for shown in [shown, format!("{:?} {0}", known(Encryption::Tls, 465))] {
        assert!(!shown.contains("s3cret") && !shown.contains("services"), "{shown}");
    }
}

#[test]
fn where_nobody_can_be_told_is_named_without_secrets() {
    let wrong = |variables: &[(&str, &str)]| {
        let error = read(variables).unwrap_err();
        assert!(error.is_setting());
        let said = error.to_string();
        assert!(!said.contains("s3cret"), "{said}");
        said
    };
    for (value, is) in [
        ("hooks.slack.com/services/s3cret", "…"),
        ("hooks.slack.com:443/services/s3cret", "…"),
        ("ftp://ada:s3cret@hooks.slack.com/services/s3cret", "ftp://hooks.slack.com/…"),
        ("https://", "…"),
    ] {
        let said = wrong(&[("PAPPUS_NOTIFY_WEBHOOK", value)]);
        assert!(
            said.starts_with(&format!("PAPPUS_NOTIFY_WEBHOOK is `{is}`: it may be the http or https URL")),
            "{said}"
        );
    }
    for (value, is) in [
        ("ada@example.org", "…"),
        ("smtp://ada:s3cret@mail?from=a@b&to=c@d", "smtp://mail/…"),
        ("smtp://s3cret:x?from=a@b&to=c@d", "…"),
        ("mail://mail?from=a@b&to=c@d", "mail://mail/…"),
        ("smtp://mail", "smtp://mail/…"),
        ("smtp://mail?from=a@b", "smtp://mail/…"),
        ("smtp://mail?to=a@b", "smtp://mail/…"),
        ("smtp://mail?from=a@b&from=a@b&to=c@d", "smtp://mail/…"),
        ("smtp://mail?from=a@b&to=nobody", "smtp://mail/…"),
        ("smtp://mail?from=a@b&to=a%0d%0aRCPT@b", "smtp://mail/…"),
        ("smtp://mail?from=a@b&to=Ada%20<a@b>", "smtp://mail/…"),
        ("smtp://mail?from=a@b&to=c@d&password=s3cret", "smtp://mail/…"),
        ("smtp://mail?from=a@b&to=c@d&tls=perhaps", "smtp://mail/…"),
        ("smtps://mail?from=a@b&to=c@d&tls=none", "smtps://mail/…"),
        ("smtp://mail/s3cret?from=a@b&to=c@d", "smtp://mail/…"),
    ] {
        let said = wrong(&[("PAPPUS_NOTIFY_EMAIL", value)]);
        assert!(
            said.starts_with(&format!("PAPPUS_NOTIFY_EMAIL is `{is}`: it may be `smtp://USER@HOST:PORT?")),
            "{said}"
        );
    }
    let said = wrong(&[("PAPPUS_NOTIFY_EMAIL", "smtp://ada@mail?from=a@b&to=c@d")]);
    assert!(said.starts_with("PAPPUS_SMTP_PASSWORD is ``: it may be the password of the user"), "{said}");
    let clear = "smtp://ada@mail?from=a@b&to=c@d&tls=none";
    let said = wrong(&[("PAPPUS_NOTIFY_EMAIL", clear), ("PAPPUS_SMTP_PASSWORD", "s3cret")]);
    assert!(said.starts_with("PAPPUS_SMTP_PASSWORD") && said.contains("everybody on the way"), "{said}");
    let said = wrong(&[("PAPPUS_NOTIFY_EMAIL", "smtp://mail?from=a@b&to=c@d"), ("PAPPUS_SMTP_PASSWORD", "s3cret")]);
    assert!(said.starts_with("PAPPUS_SMTP_PASSWORD is `…`: it may be not set"), "{said}");
}

#[test]
fn a_secret_is_not_shown() {
    let sink = ("K_SINK", "https://user:s3cret@broker/path");
    let stores = [
        ("PAPPUS_OBJECTS", "s3://plants?endpoint=http://user:s3cret@minio:9000"),
        ("PAPPUS_CATALOG", "mysql://user:s3/cret@host/db"),
    ];
    let knative = format!(
        "{:?}",
        read(&[stores[0], stores[1], sink, ("K_CE_OVERRIDES", r#"{"extensions":{"a":"s3cret"}}"#)]).unwrap()
    );
    let bus = ("PAPPUS_EVENTS", "eventbridge://bus?endpoint=http://user:s3cret@moto:5000");
    let bus = format!("{:?}", read(&[bus]).unwrap());
    let function = ("PAPPUS_LAUNCHER", "lambda://train?endpoint=http://user:s3cret@moto:5000");
    let function = format!("{:?}", read(&[function]).unwrap());
    for (shown, parts) in [
        (&knative, &["https://…@broker/path", "s3://…@minio:9000", "mysql://…@host/db"][..]),
        (&bus, &["http://…@moto:5000"]),
        (&function, &["http://…@moto:5000"]),
    ] {
        assert!(parts.iter().all(|part| shown.contains(part)) && !shown.contains("cret"), "{shown}");
    }
    for (variable, value, is) in [
        ("K_SINK", "htp://user:s3cret@broker/", "htp://…@broker/"),
        ("K_SINK", "user:s3cret@broker", "…@broker"),
        ("PAPPUS_EVENTS", "kafka://user:s3cret@broker/topic", "kafka://…@broker/topic"),
        ("PAPPUS_LAUNCHER", "ssh://user:s3cret@host", "ssh://…@host"),
    ] {
        let said = read(&[(variable, value)]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{variable} is `{is}`: ")), "{said}");
    }
    let long = read(&[("PAPPUS_EVENTS", &"x".repeat(1000))]).unwrap_err().to_string();
    assert!(long.len() < 400, "{long}");
}

#[test]
fn the_host_is_found_out() {
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
        ("AWS_LAMBDA_FUNCTION_NAME", "predict"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
    ];
    let settings = read(&lambda).unwrap();
    assert_eq!((settings.host, settings.log_format), (Host::Lambda, LogFormat::Json));
    assert_eq!(settings.service.labels(), [("service", "predict".into()), ("revision", "7".into())]);
    let settings = read(&[("K_SERVICE", "predict"), ("K_REVISION", "predict-00001"), ("PAPPUS_LOG_FORMAT", "text")]);
    let settings = settings.unwrap();
    assert_eq!((settings.host, settings.log_format), (Host::Server, LogFormat::Text));
    assert_eq!(settings.service.revision.as_deref(), Some("predict-00001"));
}

#[test]
fn a_home_that_is_given_stands_over_the_environment() {
    let home = |name: &str| (name == "PAPPUS_HOME").then(|| "/from/the/environment".to_owned());
    let settings = Settings::read(home, Some("/given".into())).unwrap();
    assert_eq!(settings.catalog, "sqlite:///given/catalog.db");
}

#[test]
fn a_wrong_value_is_named_with_its_variable_and_what_it_may_be() {
    for (variable, value, allowed) in [
        ("PAPPUS_EVENTS", "local", "`local:`"),
        ("PAPPUS_EVENTS", "eventbridge:", "eventbridge://BUS"),
        ("PAPPUS_EVENTS", "eventbridge://bus?colour=red", "eventbridge://BUS"),
        ("PAPPUS_EVENTS", "kafka://broker/topic", "`knative:`"),
        ("K_SINK", "broker", "an http or https URL"),
        ("K_SINK", "ftp://broker/", "an http or https URL"),
        ("PAPPUS_LAUNCHER", "process", "`process:`, `events:`, `kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes://plants", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes://plants/", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes://plants/train/job.yaml", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes://Plants/train", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes://plants/-train", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "kubernetes:///train", "`kubernetes://NAMESPACE/CONFIGMAP`"),
        ("PAPPUS_LAUNCHER", "lambda:train", "`lambda://FUNCTION?region=…&endpoint=…`"),
        ("PAPPUS_LAUNCHER", "lambda://train?colour=red", "`lambda://FUNCTION?region=…&endpoint=…`"),
        ("PAPPUS_LAUNCHER", "lambda://train/live", "`lambda://FUNCTION?region=…&endpoint=…`"),
        ("PAPPUS_LAUNCH_TIMEOUT", "0", "a number of seconds from 1 on"),
        ("PAPPUS_LAUNCH_TIMEOUT", "10m", "a number of seconds from 1 on"),
        ("PAPPUS_TRACKING", "mlflow:5000", "the http or https URL of an MLflow server"),
        ("PAPPUS_MODEL", "My Model", "1 to 64 lowercase letters, digits and inner hyphens"),
        ("PAPPUS_MODEL", "-pets", "inner hyphens"),
        ("PAPPUS_LOG_FORMAT", "xml", "`text` or `json`"),
        ("PAPPUS_PREDICTIONS_DAYS", "0", "from 1 to 36500"),
        ("PAPPUS_PREDICTIONS_DAYS", "36501", "from 1 to 36500"),
        ("PAPPUS_PREDICTIONS_DAYS", "a week", "from 1 to 36500"),
        ("PORT", "65536", "a port number from 0 to 65535"),
        ("PORT", "http", "a port number"),
        ("PORT", "-1", "a port number"),
    ] {
        let error = read(&[(variable, value)]).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(&format!("{variable} is `{value}`: it may be ")), "{message}");
        assert!(message.contains(allowed), "{message}");
        assert!(error.is_setting());
    }
}

async fn open(variables: &[(&str, &str)]) -> Error {
    match Context::open(read(variables).unwrap(), Arc::new(Bus::new().0)).await {
        Ok(_) => panic!("it opens: {variables:?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_url_of_no_store_is_named_with_its_variable() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    for (variable, value) in [("PAPPUS_OBJECTS", "ftp://host/objects"), ("PAPPUS_CATALOG", "postgres://host/db")] {
        let error = open(&[("PAPPUS_HOME", home), (variable, value)]).await;
        assert_eq!(error.to_string(), format!("{variable} cannot be used"));
        assert!(error.is_setting());
        assert!(std::error::Error::source(&error).unwrap().to_string().contains(value), "{error:?}");
    }
}

#[test]
fn what_other_settings_mend_is_told_from_what_time_mends() {
    use pappus_objects::Error as Objects;
    let (at, source) = (|| "the store".to_owned(), || "because".into());
    for (error, is_setting) in [
        (Objects::NoBucket { at: at(), source: source() }, true),
        (Objects::Credentials { at: at(), why: "they are wrong", source: source() }, true),
        (Objects::PermissionDenied { at: at(), source: source() }, true),
        (Objects::WrongRegion { at: at(), region: "`eu-west-1`".into(), source: source() }, true),
        (Objects::Unexpected { at: at(), source: source() }, true),
        (Objects::Unavailable { at: at(), source: source() }, false),
        (Objects::Busy { at: at(), source: source() }, false),
        (Objects::Full { at: at(), source: source() }, false),
    ] {
        assert_eq!(Error::from(error).is_setting(), is_setting);
    }
}

#[tokio::test]
async fn the_home_folder_may_have_any_name() {
    let parent = tempfile::tempdir().unwrap();
    for name in ["with space", "a%20b", "what?", "no#1", "ü", "100%"] {
        let home = parent.path().join(name);
        let settings = Settings::read(|_| None, Some(home.clone())).unwrap();
        let context = Context::open(settings, Arc::new(Bus::new().0)).await.unwrap();
        context.catalog.close().await;
        assert!(home.join("catalog.db").is_file() && home.join("objects").is_dir(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_taken_or_named(variable in prop::sample::select(&["PORT", "PAPPUS_MODEL", "PAPPUS_EVENTS"][..]),
                                   value in "[^@\\pC]{1,20}") {
        if let Err(error) = read(&[(variable, &value)]) {
            let message = error.to_string();
            prop_assert!(message.contains(variable) && message.contains(&value), "{}", message);
        }
    }
}

#[test]
fn a_policy_is_read_and_what_is_wrong_with_it_is_named() {
    assert_eq!(read(&[]).unwrap().policy, Policy::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let with = |text: &str| {
        std::fs::write(&file, text).unwrap();
        read(&[("PAPPUS_POLICY", file.to_str().unwrap())])
    };
    let policy = with("[retraining]\nnew_images = 20\nschedule = \"weekly\"\n").unwrap().policy;
    assert_eq!(policy, Policy { new_images: 20, schedule: Some(Schedule::Weekly), ..Policy::default() });
    assert_eq!(with("").unwrap().policy, Policy::default());
    for (text, says) in [
        ("[retraining]\nnew_imagez = 20\n", "line 2: unknown field `new_imagez`, expected one of `new_images`"),
        ("[training]\n", "line 1: unknown field `training`"),
        ("[retraining]\n\nnew_images = \"many\"\n", "line 3: invalid type: string \"many\""),
        ("[retraining]\nconfidence = 1.5\n", "[retraining]: `confidence` is 1.5: it may be a share"),
        ("[retraining]\nschedule = \"hourly\"\n", "line 2: unknown variant `hourly`, expected `daily` or `weekly`"),
        (&"#".repeat(70_000), "it has 70000 bytes, and at most 65536 are read"),
    ] {
        let error = with(text).unwrap_err();
        assert!(error.is_setting(), "{error}");
        let said = error.to_string();
        let named = format!("PAPPUS_POLICY cannot be used: {}: ", file.display());
        assert!(said.starts_with(&named) && said.contains(says), "{said}");
    }
    let said = read(&[("PAPPUS_POLICY", "/nowhere/policy.toml")]).unwrap_err().to_string();
    assert!(said.contains("/nowhere/policy.toml: No such file"), "{said}");
}
