//! The workspace as it is: what cargo says of its manifests, and what its sources name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::rules::{Graph, Member};

/// Reads the workspace that this test was built from.
pub(crate) fn read() -> Graph {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(vec!["--offline".to_owned(), "--filter-platform".to_owned(), host()])
        .exec()
        .expect("cargo metadata");
    let members = metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.to_string(), member(package)))
        .collect();
    Graph { members, built_from: built_from(&metadata) }
}

/// Only this machine's crates are sure to have been downloaded.
fn host() -> String {
    let version = std::process::Command::new("rustc").arg("-vV").output().expect("rustc");
    let text = String::from_utf8(version.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host line").to_owned()
}

fn member(package: &Package) -> Member {
    let of_kind = |dev: bool| {
        package
            .dependencies
            .iter()
            .filter(|dependency| (dependency.kind == DependencyKind::Development) == dev)
            .map(|dependency| dependency.name.clone())
            .collect()
    };
    let mut named_in_sources = BTreeSet::new();
    let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
    collect_names(&folder.join("src").into_std_path_buf(), &mut named_in_sources);
    Member { dependencies: of_kind(false), dev_dependencies: of_kind(true), named_in_sources }
}

fn collect_names(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect_names(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(names_in(&fs::read_to_string(&path).expect("a source file")));
        }
    }
}

/// What stands at the beginning of a path (`axum` in `axum::Router`), outside comments; also `extern`-like
/// re-exports further in (`curfew_store::sea_orm::Value`).
pub(crate) fn names_in(source: &str) -> BTreeSet<String> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| {
            let parts: Vec<&str> = line.split("::").collect();
            let all_but_last = parts.len().saturating_sub(1);
            parts.into_iter().take(all_but_last).map(last_word).collect::<Vec<_>>()
        })
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn last_word(text: &str) -> &str {
    let start = text.rfind(|character: char| !(character.is_alphanumeric() || character == '_'));
    &text[start.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))..]
}

/// What each package is built from on this machine. Build scripts and procedural macros count: they are run, but
/// not linked, so what *they* are built from is left out.
fn built_from(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in &resolve.nodes {
        let linked = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        // Two versions of one package are one node here: what either needs, both are said to need.
        graph.entry(names[&node.id].clone()).or_default().extend(linked.map(|one| names[&one.pkg].clone()));
    }
    graph
}
