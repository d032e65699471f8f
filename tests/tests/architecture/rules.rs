//! The arrows of the workspace, as rules over a graph of crates.
//!
//! A new crate needs a line in [`uses`]; a crate that has none is a violation by itself.

use std::collections::{BTreeMap, BTreeSet};

/// Who depends on whom, by package names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// The workspace's own crates, with what they declare.
    pub(crate) members: BTreeMap<String, Member>,
    /// Everything that was resolved: package to the packages that it is built from, own ones among them.
    pub(crate) built_from: BTreeMap<String, BTreeSet<String>>,
}

/// What a crate of the workspace declares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// To be built and to run.
    pub(crate) dependencies: BTreeSet<String>,
    /// For its tests.
    pub(crate) dev_dependencies: BTreeSet<String>,
    /// The crates that its sources name in a path, as `sea_orm`.
    pub(crate) named_in_sources: BTreeSet<String>,
}

/// One of these and its siblings are named in `owners` alone.
struct Owned {
    what: &'static str,
    prefixes: &'static [&'static str],
    owners: &'static [&'static str],
}

const OWNED: &[Owned] = &[
    Owned {
        what: "the AWS SDK",
        prefixes: &[
            "aws-config",
            "aws-credential-types",
            "aws-runtime",
            "aws-sdk-",
            "aws-sigv4",
            "aws-smithy-",
            "aws-types",
        ],
        owners: &["curfew-aws"],
    },
    Owned { what: "SeaORM", prefixes: &["sea-orm", "sea-query", "sqlx"], owners: &["curfew-store"] },
    Owned { what: "Cedar", prefixes: &["cedar-policy"], owners: &["curfew-policy", "curfew-analysis"] },
    Owned {
        what: "axum",
        prefixes: &["axum", "utoipa-axum"],
        owners: &["curfew-http", "curfew-sim", "curfewd"],
    },
];

/// They name what they measure or show.
const FREE_TO_NAME: &[&str] = &["curfew-benches", "curfew-demo", "curfew-tests"];

/// What the sources of a program that people run in earnest must not bring along.
const STAND_INS: &[&str] = &["curfew-sim", "curfew-demo", "curfew-tests", "curfew-benches"];

const WITHOUT_TOKIO: &[&str] = &["curfew-domain", "curfew-policy"];

/// The crates of the workspace that `member` may be built from directly; `None` for one that nobody thought of.
fn uses(member: &str) -> Option<&'static [&'static str]> {
    Some(match member {
        "curfew-domain" | "curfew-sim" => &[],
        "curfew-policy" | "curfew-aws" | "curfew-store" | "curfew-api" => &["curfew-domain"],
        "curfew-analysis" => &["curfew-domain", "curfew-policy"],
        "curfew-app" => &["curfew-domain", "curfew-policy", "curfew-analysis", "curfew-aws", "curfew-store"],
        "curfew-http" => &["curfew-domain", "curfew-app", "curfew-api"],
        "curfewd" => &[
            "curfew-domain",
            "curfew-policy",
            "curfew-analysis",
            "curfew-aws",
            "curfew-store",
            "curfew-app",
            "curfew-api",
            "curfew-http",
        ],
        "curfew" => &["curfew-api"],
        "curfew-demo" => &["curfewd", "curfew-sim"],
        "curfew-benches" => &["curfew-domain", "curfew-policy", "curfew-sim", "curfew-tests"],
        "curfew-tests" => &[
            "curfew-domain",
            "curfew-policy",
            "curfew-analysis",
            "curfew-aws",
            "curfew-store",
            "curfew-app",
            "curfew-api",
            "curfew-http",
            "curfewd",
            "curfew",
            "curfew-sim",
        ],
        _ => return None,
    })
}

/// Everything in `graph` that goes against the arrows, in words; empty when nothing does.
pub(crate) fn violations(graph: &Graph) -> Vec<String> {
    let own: BTreeSet<&str> = graph.members.keys().map(String::as_str).collect();
    let mut found = Vec::new();
    for (name, member) in &graph.members {
        let Some(allowed) = uses(name) else {
            found.push(format!("{name} has no line in the architecture's rules"));
            continue;
        };
        found.extend(against_the_arrows(name, member, allowed, &own));
        found.extend(named_outside(name, member));
        found.extend(brought_along(graph, name));
    }
    found
}

fn against_the_arrows(name: &str, member: &Member, allowed: &[&str], own: &BTreeSet<&str>) -> Vec<String> {
    let mut found: Vec<String> = member
        .dependencies
        .iter()
        .filter(|other| own.contains(other.as_str()) && !allowed.contains(&other.as_str()))
        .map(|other| format!("{name} depends on {other}, against the arrows"))
        .collect();
    let left = everything_left_of(name);
    found.extend(
        member
            .dev_dependencies
            .iter()
            .filter(|other| own.contains(other.as_str()))
            // A crate names itself to turn on its own `testing` feature.
            .filter(|other| *other != "curfew-sim" && *other != name && !left.contains(other.as_str()))
            .map(|other| format!("the tests of {name} depend on {other}, against the arrows")),
    );
    found
}

/// What a crate's tests may name: all that it is built from, at any distance.
fn everything_left_of(name: &str) -> BTreeSet<&'static str> {
    let mut left = BTreeSet::new();
    let mut ahead: Vec<&'static str> = uses(name).unwrap_or_default().to_vec();
    while let Some(next) = ahead.pop() {
        if left.insert(next) {
            ahead.extend(uses(next).unwrap_or_default());
        }
    }
    left
}

fn named_outside(name: &str, member: &Member) -> Vec<String> {
    if FREE_TO_NAME.contains(&name) {
        return Vec::new();
    }
    let declared = member.dependencies.iter().map(|other| (other.clone(), "declares"));
    let written = member.named_in_sources.iter().map(|path| (path.replace('_', "-"), "names"));
    declared
        .chain(written)
        .filter_map(|(other, how)| {
            let owned = OWNED.iter().find(|owned| owned.covers(&other))?;
            let elsewhere = !owned.owners.contains(&name);
            elsewhere.then(|| format!("{name} {how} {other}: {} belongs to {:?}", owned.what, owned.owners))
        })
        .collect()
}

impl Owned {
    fn covers(&self, package: &str) -> bool {
        self.prefixes.iter().any(|prefix| {
            package
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || prefix.ends_with('-'))
        })
    }
}

fn brought_along(graph: &Graph, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    if WITHOUT_TOKIO.contains(&name)
        && let Some(way) = way_to(graph, name, "tokio")
    {
        found.push(format!("{name} is built from tokio: {}", way.join(" -> ")));
    }
    if name == "curfewd" {
        found.extend(STAND_INS.iter().filter_map(|stand_in| {
            way_to(graph, name, stand_in)
                .map(|way| format!("the server contains {stand_in}: {}", way.join(" -> ")))
        }));
    }
    found
}

/// One way from a package to something that it is built from.
fn way_to(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from]);
    let mut ways = vec![vec![from]];
    while let Some(way) = ways.pop() {
        let at = way.last().copied().unwrap_or(from);
        for next in graph.built_from.get(at).into_iter().flatten() {
            if next == to {
                return Some(way.iter().map(|step| (*step).to_owned()).chain([to.to_owned()]).collect());
            }
            if seen.insert(next) {
                ways.push(way.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}
