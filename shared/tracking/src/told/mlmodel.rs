//! The description of a package as an MLflow model, so that `mlflow.pyfunc.load_model("models:/NAME@champion")` answers.

use pappus_domain::Manifest;
use serde_json::json;

/// The file beside those of the package.
pub(crate) const MLMODEL: &str = "MLmodel";

/// Its text: YAML, of which JSON is a part. `run` is MLflow's id of the run.
pub(crate) fn mlmodel(manifest: &Manifest, run: &str) -> String {
    let Manifest { classes, preprocessing, created_at, .. } = manifest;
    let tensor = |name: &str, dtype: &str, shape: &[i64]| {
        json!([{ "name": name, "type": "tensor", "tensor-spec": { "dtype": dtype, "shape": shape } }]).to_string()
    };
    let image = [-1, preprocessing.height.into(), preprocessing.width.into(), 3];
    let probabilities = [-1, i64::try_from(classes.len()).unwrap_or(i64::MAX)];
    let description = json!({
        "artifact_path": "model",
        "flavors": {
            "onnx": { "data": Manifest::MODEL, "code": null, "providers": ["CPUExecutionProvider"] },
            "python_function": { "data": Manifest::MODEL, "loader_module": "mlflow.onnx" },
        },
        "metadata": { "classes": classes },
        "run_id": run,
        "signature": {
            "inputs": tensor("image", "uint8", &image),
            "outputs": tensor("probabilities", "float32", &probabilities),
            "params": null,
        },
        "utc_time_created": created_at.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string(),
    });
    format!("{description:#}\n")
}

#[cfg(test)]
mod tests {
    use pappus_catalog::contract::samples;
    use serde_json::Value;

    use super::mlmodel;

    #[test]
    fn it_says_what_goes_in_and_what_comes_out() {
        let text = mlmodel(&samples::manifest(1, "pets"), "abc");
        let described: Value = serde_json::from_str(&text).unwrap();
        let inputs: Value = serde_json::from_str(described["signature"]["inputs"].as_str().unwrap()).unwrap();
        assert_eq!(inputs[0]["tensor-spec"]["shape"], serde_json::json!([-1, 96, 96, 3]));
        let outputs: Value = serde_json::from_str(described["signature"]["outputs"].as_str().unwrap()).unwrap();
        assert_eq!(outputs[0]["tensor-spec"]["shape"], serde_json::json!([-1, 2]));
        assert_eq!((&described["run_id"], &described["metadata"]["classes"][0]), (&"abc".into(), &"cat".into()));
        assert_eq!(text, mlmodel(&samples::manifest(1, "pets"), "abc"), "the same each time");
    }
}
