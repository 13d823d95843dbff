//! Names that MLflow takes.

/// The most bytes of a name: MLflow keeps 250.
const MOST: usize = 250;

/// A name of a metric, parameter or tag, such as MLflow takes: letters, digits, `_`, `-`, `.`, `:`, `/` and spaces; no part
/// of it is a step in a path.
pub(super) fn name(text: &str) -> String {
    let allowed = |c: char| match c {
        '×' => 'x',
        c if c.is_alphanumeric() || "_-.:/ ".contains(c) => c,
        _ => '_',
    };
    let text: String = text.chars().map(allowed).collect();
    let parts = text.split('/').filter(|part| !part.is_empty());
    let name = parts.map(|part| if matches!(part, "." | "..") { "_" } else { part }).collect::<Vec<_>>().join("/");
    let mut end = name.len().min(MOST);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    match &name[..end] {
        "" => "_".into(),
        name => name.trim_end_matches('/').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_holds_what_mlflow_takes() {
        for (text, expected) in [
            ("accuracy", "accuracy"),
            (
                "path/transfer 224×224 mean and maximum, again at 128×128/lambda",
                "path/transfer 224x224 mean and maximum_ again at 128x128/lambda",
            ),
            ("Löwenzahn", "Löwenzahn"),
            ("/a//../b/", "a/_/b"),
            ("(?)", "___"),
            ("", "_"),
        ] {
            assert_eq!(name(text), expected);
        }
        assert_eq!(name(&"ü".repeat(200)), "ü".repeat(125));
        assert_eq!(name(&format!("{}/x", "a".repeat(249))), "a".repeat(249));
    }
}
