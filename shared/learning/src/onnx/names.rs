//! The names of tensors: which are used where. A node that holds graphs (`If`, `Loop`) also reads what those read.

use std::collections::{HashMap, HashSet};

use super::proto::{GraphProto, NodeProto};

/// The names that are taken in a graph.
#[derive(Debug, Clone, Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// Every name in `graph`.
    pub fn of(graph: &GraphProto) -> Self {
        Self(all(graph).into_iter().map(str::to_owned).collect())
    }

    /// Takes `name`.
    pub fn take(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// `hint` itself, or with a number behind it when the name is taken. The name is taken from now on.
    pub fn unique(&mut self, hint: &str) -> String {
        let mut name = hint.to_owned();
        let mut number = 1_u32;
        while !self.0.insert(name.clone()) {
            number += 1;
            name = format!("{hint}_{number}");
        }
        name
    }
}

/// The names that `node` reads: its inputs, and everything named inside the graphs it holds.
pub fn reads(node: &NodeProto) -> HashSet<&str> {
    let mut found: HashSet<&str> = node.input.iter().filter(|name| !name.is_empty()).map(String::as_str).collect();
    for graph in graphs_of(node) {
        found.extend(all(graph));
    }
    found
}

fn all(graph: &GraphProto) -> HashSet<&str> {
    let mut found: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    found.extend(graph.sparse_initializer.iter().filter_map(|t| t.values.as_ref()).map(|values| values.name.as_str()));
    found.extend(graph.input.iter().chain(&graph.output).map(|value| value.name.as_str()));
    for node in &graph.node {
        found.extend(node.output.iter().map(String::as_str));
        found.extend(reads(node));
    }
    found.remove("");
    found
}

/// Gives tensors of `graph` other names, in every place where they are used. Descriptions of inner tensors are dropped.
pub fn rename(graph: &mut GraphProto, new_names: &HashMap<String, String>) {
    let apply = |name: &mut String| {
        if let Some(new) = new_names.get(name) {
            name.clone_from(new);
        }
    };
    graph.initializer.iter_mut().for_each(|tensor| apply(&mut tensor.name));
    graph.sparse_initializer.iter_mut().filter_map(|t| t.values.as_mut()).for_each(|values| apply(&mut values.name));
    graph.input.iter_mut().chain(&mut graph.output).for_each(|value| apply(&mut value.name));
    graph.value_info.clear();
    graph.quantization_annotation.clear();
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(apply);
        for attribute in &mut node.attribute {
            for inner in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
                rename(inner, new_names);
            }
        }
    }
}

fn graphs_of(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.as_deref().into_iter().chain(&attribute.graphs))
}
