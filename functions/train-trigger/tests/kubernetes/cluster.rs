//! A namespace of a cluster with the project's own manifests in it. No node is there: a test says what one would.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ResourceQuota, ServiceAccount};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt as _};
use pappus_host::JobTemplate;
use pappus_train_trigger::kubernetes::KubernetesLauncher;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// Whose rights the launcher has.
const ACCOUNT: &str = "pappus-train-trigger";
pub const CONFIG_MAP: &str = "pappus-training";
/// How long controllers may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Cluster {
    admin: Config,
    client: Client,
    pub namespace: String,
}

/// A namespace of its own; nothing, with a word, where no cluster is named.
pub async fn cluster() -> Option<Cluster> {
    let Ok(file) = std::env::var("PAPPUS_TEST_KUBERNETES") else {
        let _ = writeln!(std::io::stderr(), "skipped: PAPPUS_TEST_KUBERNETES names no cluster to make a namespace in");
        return None;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let admin = Kubeconfig::read_from(file).unwrap();
    let admin = Config::from_custom_kubeconfig(admin, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(admin.clone()).unwrap();
    let namespace = format!("pappus-test-{}", Uuid::now_v7());
    let cluster = Cluster { admin, client, namespace };
    cluster.create::<Namespace>("/api/v1/namespaces", &json!({ "metadata": { "name": cluster.namespace } })).await;
    cluster.access().await;
    Some(cluster)
}

fn manifest(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../k8s-knative/base/training");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

impl Cluster {
    async fn create<T: DeserializeOwned>(&self, path: &str, object: &Value) -> T {
        let request = axum::http::Request::post(path).header("content-type", "application/json");
        self.client.request(request.body(serde_json::to_vec(object).unwrap()).unwrap()).await.unwrap()
    }

    /// The accounts and rights that the project asks for.
    async fn access(&self) {
        for text in manifest("access.yaml").split("\n---\n") {
            let mut object: Value = serde_saphyr::from_str(text).unwrap();
            let group = match object["kind"].as_str().unwrap() {
                "ServiceAccount" => "api/v1",
                _ => "apis/rbac.authorization.k8s.io/v1",
            };
            let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
            for subject in object["subjects"].as_array_mut().into_iter().flatten() {
                subject["namespace"] = self.namespace.as_str().into();
            }
            self.create::<Value>(&format!("/{group}/namespaces/{}/{plural}", self.namespace), &object).await;
        }
    }

    /// The project's own template, changed by a test.
    pub async fn template(&self, change: impl FnOnce(String) -> String) {
        let text = change(manifest("job.yaml"));
        let map = json!({ "metadata": { "name": CONFIG_MAP }, "data": { "job.yaml": text } });
        let map: ConfigMap = serde_json::from_value(map).unwrap();
        self.of::<ConfigMap>().create(&PostParams::default(), &map).await.unwrap();
    }

    /// Lets the namespace take no more jobs.
    pub async fn no_jobs(&self) {
        let quota = json!({ "metadata": { "name": "none" }, "spec": { "hard": { "count/jobs.batch": "0" } } });
        let quota: ResourceQuota = serde_json::from_value(quota).unwrap();
        self.of::<ResourceQuota>().create(&PostParams::default(), &quota).await.unwrap();
        while self.of::<ResourceQuota>().get("none").await.unwrap().status.and_then(|status| status.hard).is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn of<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A launcher with the rights of the project's account, in this namespace.
    pub async fn launcher(&self) -> KubernetesLauncher {
        self.launcher_in(&self.namespace).await
    }

    /// The same in another namespace.
    pub async fn launcher_in(&self, namespace: &str) -> KubernetesLauncher {
        let place = JobTemplate { namespace: namespace.into(), config_map: CONFIG_MAP.into() };
        KubernetesLauncher::new(self.account().await, place)
    }

    /// With what status the API server answers the project's account that reads something.
    pub async fn answer_to_account(&self, path: &str) -> u16 {
        let request = axum::http::Request::get(format!("/{path}")).body(Vec::new()).unwrap();
        match self.account().await.request::<Value>(request).await {
            Ok(_) => 200,
            Err(kube::Error::Api(status)) => status.code,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A client with the rights of the project's account, as its pods have them.
    async fn account(&self) -> Client {
        let wish: TokenRequest = serde_json::from_value(json!({ "spec": { "audiences": [] } })).unwrap();
        let accounts = self.of::<ServiceAccount>();
        let token = accounts.create_token_request(ACCOUNT, &PostParams::default(), &wish).await.unwrap();
        let mut config = self.admin.clone();
        config.auth_info = AuthInfo::default();
        config.auth_info.token = Some(token.status.unwrap().token.into());
        Client::try_from(config).unwrap()
    }

    pub async fn jobs(&self) -> Vec<Job> {
        self.of::<Job>().list(&ListParams::default()).await.unwrap().items
    }

    /// Waits for the pod that the controllers make.
    pub async fn pod(&self) -> Pod {
        let pod = async {
            loop {
                let pods = self.of::<Pod>().list(&ListParams::default()).await.unwrap().items;
                if let Some(pod) = pods.into_iter().next() {
                    return pod;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, pod).await.unwrap()
    }

    /// Says of a pod what its node would.
    pub async fn say(&self, pod: &Pod, phase: &str, state: Value) {
        let container = json!({
            "name": "train", "image": "pappus-train", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        });
        let status = json!({ "status": { "phase": phase, "containerStatuses": [container] } });
        let params = PatchParams::default();
        self.of::<Pod>().patch_status(&pod.name_any(), &params, &Patch::Merge(&status)).await.unwrap();
    }

    /// Removes the namespace.
    pub async fn end(self) {
        let all: Api<Namespace> = Api::all(self.client.clone());
        all.delete(&self.namespace, &kube::api::DeleteParams::default()).await.unwrap();
    }
}
