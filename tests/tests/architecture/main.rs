//! The shape of the workspace: who may depend on whom (`docs/architecture.md`).

mod rules;
mod workspace;

use std::collections::BTreeSet;

use rules::{Graph, Member, violations};

#[test]
fn the_workspace_follows_the_arrows() {
    let graph = workspace::read();
    for known in ["curfew-domain", "curfewd", "curfew-sim", "curfew-tests"] {
        assert!(graph.members.contains_key(known), "{known} was not found: is the graph read rightly?");
    }
    for (member, other) in [("curfew-store", "tokio"), ("curfewd", "axum"), ("curfew-policy", "cedar-policy")]
    {
        assert!(graph.built_from[member].contains(other), "{member} should be built from {other}");
    }
    let found = violations(&graph);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A small workspace in which all is well, to be spoilt by each test.
fn sound() -> Graph {
    let mut graph = Graph::default();
    for (name, others) in [
        ("curfew-domain", vec!["serde"]),
        ("curfew-policy", vec!["curfew-domain", "cedar-policy"]),
        ("curfew-store", vec!["curfew-domain", "sea-orm", "tokio"]),
        ("curfew-aws", vec!["curfew-domain", "aws-sdk-sts", "aws-smithy-types"]),
        ("curfew-app", vec!["curfew-domain", "curfew-policy", "curfew-aws", "curfew-store", "tokio"]),
        ("curfew-api", vec!["curfew-domain", "utoipa"]),
        ("curfew-http", vec!["curfew-app", "curfew-api", "axum"]),
        ("curfewd", vec!["curfew-http", "curfew-app", "axum"]),
        ("curfew-sim", vec!["axum", "aws-lc-rs"]),
        ("curfew-demo", vec!["curfewd", "curfew-sim", "axum"]),
    ] {
        depend(&mut graph, name, &others);
    }
    graph
}

fn depend(graph: &mut Graph, name: &str, others: &[&str]) {
    let others: BTreeSet<String> = others.iter().map(|other| (*other).to_owned()).collect();
    graph.built_from.entry(name.to_owned()).or_default().extend(others.clone());
    graph.members.entry(name.to_owned()).or_default().dependencies.extend(others);
}

fn member<'a>(graph: &'a mut Graph, name: &str) -> &'a mut Member {
    graph.members.get_mut(name).expect("a member")
}

#[track_caller]
fn assert_one(graph: &Graph, expected: &str) {
    let found = violations(graph);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(expected), "{found:#?}");
}

#[test]
fn a_sound_workspace_has_no_violations() {
    assert_eq!(violations(&sound()), Vec::<String>::new());
}

#[test]
fn an_arrow_to_the_right_is_found() {
    for (from, to) in [
        ("curfew-domain", "curfew-api"),
        ("curfew-store", "curfew-policy"),
        ("curfew-app", "curfew-http"),
        ("curfew-http", "curfew-store"),
        ("curfew-api", "curfew-app"),
        ("curfew-sim", "curfew-domain"),
    ] {
        let mut graph = sound();
        member(&mut graph, from).dependencies.insert(to.to_owned());
        assert_one(&graph, &format!("{from} depends on {to}"));
    }
}

#[test]
fn a_library_named_outside_its_crate_is_found() {
    for (from, to) in [
        ("curfew-app", "sea-orm"),
        ("curfew-app", "sqlx"),
        ("curfew-http", "cedar-policy"),
        ("curfew-store", "cedar-policy-formatter"),
        ("curfewd", "aws-config"),
        ("curfew-app", "aws-sdk-ssoadmin"),
        ("curfew-app", "axum"),
        ("curfew-api", "utoipa-axum"),
    ] {
        let mut graph = sound();
        depend(&mut graph, from, &[to]);
        assert_one(&graph, &format!("{from} declares {to}"));
    }
}

#[test]
fn a_library_reached_through_a_re_export_is_found() {
    let mut graph = sound();
    let names = workspace::names_in("use curfew_store::sea_orm::Value;\n// cedar_policy::Entity is not ours");
    member(&mut graph, "curfew-app").named_in_sources.extend(names);
    assert_one(&graph, "curfew-app names sea-orm");
}

#[test]
fn a_name_that_only_begins_like_a_library_is_no_violation() {
    let mut graph = sound();
    let names = workspace::names_in("let x = cedar_policy_set::parse(axumic::go(), policy.aws_types);");
    assert!(names.contains("cedar_policy_set") && names.contains("axumic"), "{names:?}");
    member(&mut graph, "curfew-app").named_in_sources.insert("axumic".to_owned());
    assert_eq!(violations(&graph), Vec::<String>::new());
}

#[test]
fn tokio_anywhere_below_domain_or_policy_is_found() {
    let mut graph = sound();
    graph.built_from.insert("serde".to_owned(), BTreeSet::from(["innocent".to_owned()]));
    graph.built_from.insert("innocent".to_owned(), BTreeSet::from(["tokio".to_owned()]));
    let found = violations(&graph);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("curfew-domain -> serde -> innocent -> tokio"), "{found:#?}");
}

#[test]
fn a_stand_in_inside_the_server_is_found() {
    let mut graph = sound();
    depend(&mut graph, "curfewd", &["curfew-sim"]);
    let found = violations(&graph);
    assert!(found.iter().any(|one| one.contains("the server contains curfew-sim")), "{found:#?}");
    assert!(found.iter().any(|one| one.contains("curfewd depends on curfew-sim")), "{found:#?}");
}

#[test]
fn tests_may_look_left_at_themselves_and_at_the_stand_in_but_not_right() {
    let mut graph = sound();
    member(&mut graph, "curfew-http").dev_dependencies.extend([
        "curfew-store".to_owned(),
        "curfew-sim".to_owned(),
        "curfew-http".to_owned(),
    ]);
    assert_eq!(violations(&graph), Vec::<String>::new());
    member(&mut graph, "curfew-store").dev_dependencies.insert("curfew-app".to_owned());
    assert_one(&graph, "the tests of curfew-store depend on curfew-app");
}

#[test]
fn a_crate_without_a_rule_is_found() {
    let mut graph = sound();
    depend(&mut graph, "curfew-common", &["serde"]);
    assert_one(&graph, "curfew-common has no line");
}
