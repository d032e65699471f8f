//! `curfewd recover`: what a restored database has forgotten of AWS.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use curfew_app::audit::all_tenants;
use curfew_app::reconciler::{Node, NotRecovered, Recovered, Recovery, Unknown, recover};
use curfew_app::{App, with_causes};
use curfew_domain::audit::ChainHead;
use curfew_domain::{DriftOutcome, NodeId, TenantId};
use serde_json::{Value, json};

use super::{serve, verify};
use crate::config::{Config, Source};
use crate::serve::{ServeError, Server, check_is_there};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// One tenant alone, by slug or id.
    pub(super) tenant: Option<&'a str>,
    /// Only sets that are exclusive to Curfew.
    pub(super) exclusive_only: bool,
    /// Whether logins go on.
    pub(super) keeps_sessions: bool,
    /// The file of heads that was in use before the restore.
    pub(super) heads: Option<&'a Path>,
    /// Whether a program reads the output.
    pub(super) json: bool,
}

/// Everything is compared, and nothing waits for anybody.
const ALL_KNOWN: u8 = 0;
/// Something could not be compared: run it again.
const NOT_ALL_COMPARED: u8 = 1;
/// Everything is compared, and an admin has to look at what was found.
const FOUND: u8 = 3;

/// A tenant, as people call it, and how it went.
struct Line {
    tenant: TenantId,
    slug: String,
    went: Result<Recovered, NotRecovered>,
}

pub(super) async fn run(source: &Source, wish: Wish<'_>) -> Result<ExitCode, ServeError> {
    let config = Config::read(source).map_err(ServeError::Config)?;
    let heads = match wish.heads {
        Some(file) => verify::genuine_heads(source, file)?,
        None => Vec::new(),
    };
    check_is_there(&config.database)?;
    let wiring = serve::wiring(&config, false).await;
    let server = Server::prepare(config, wiring).await?;
    // What was decided by the clock of before is not decided anew by an earlier one.
    if let Some(last) = heads.iter().map(|head| head.at).max() {
        server.not_before(last);
    }
    let lines = server.while_open(async |app| all(app, wish, &heads).await).await?;
    let status = status(&lines);
    let text = if wish.json { as_json(&lines) } else { as_text(&lines, status) };
    let mut output = std::io::stdout().lock();
    // Whoever closed the output still gets the status.
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
    Ok(status.into())
}

async fn all(app: &Arc<App>, wish: Wish<'_>, heads: &[ChainHead]) -> Result<Vec<Line>, ServeError> {
    let node = Node::new(NodeId::new(app.now(), app.entropy.as_ref()));
    let mut lines = Vec::new();
    for tenant in all_tenants(&app.store).await? {
        let unit = app.store.tenant(tenant).read().await?;
        let slug = unit.this_tenant().await?.map(|tenant| tenant.slug.to_string()).unwrap_or_default();
        drop(unit);
        if wish.tenant.is_some_and(|wanted| wanted != slug && wanted != tenant.to_string()) {
            continue;
        }
        let of_tenant = heads.iter().filter(|head| head.tenant == tenant);
        let how = Recovery {
            exclusive_only: wish.exclusive_only,
            keeps_sessions: wish.keeps_sessions,
            last_entry: of_tenant.map(|head| head.sequence).max(),
        };
        // What is wrong with one tenant keeps no other from being compared.
        lines.push(Line { tenant, slug, went: recover(app, &node, tenant, &how).await });
    }
    match wish.tenant {
        Some(wanted) if lines.is_empty() => Err(ServeError::NoSuchTenant { name: wanted.to_owned() }),
        _ => Ok(lines),
    }
}

fn status(lines: &[Line]) -> u8 {
    let whole = |line: &Line| line.went.as_ref().is_ok_and(|went| went.not_compared.is_empty());
    let waits = |line: &Line| {
        line.went.as_ref().is_ok_and(|went| went.unknown.iter().any(|unknown| !is_removed(unknown)))
    };
    if !lines.iter().all(whole) {
        NOT_ALL_COMPARED
    } else if lines.iter().any(waits) {
        FOUND
    } else {
        ALL_KNOWN
    }
}

fn is_removed(unknown: &Unknown) -> bool {
    unknown.finding.outcome == DriftOutcome::Removed
}

/// One line a fact.
fn as_text(lines: &[Line], status: u8) -> String {
    let mut text: Vec<String> = lines.iter().flat_map(of_tenant).collect();
    text.push(
        match status {
            ALL_KNOWN => "all is compared, and nothing waits for anybody",
            FOUND => "all is compared: an admin has to adopt or remove what is unknown",
            _ => "NOT ALL COULD BE COMPARED: run it again",
        }
        .to_owned(),
    );
    text.join("\n") + "\n"
}

fn of_tenant(line: &Line) -> Vec<String> {
    let name = format!("tenant {} ({})", line.slug, line.tenant);
    let went = match &line.went {
        Ok(went) => went,
        Err(error) => return vec![format!("{name}: not compared: {}", with_causes(error))],
    };
    let counts = format!(
        "{name}: {} places compared, {} unknown, {} grants ended, {} logins ended{}",
        went.places,
        went.unknown.len(),
        went.ended.len(),
        went.sessions_ended,
        if went.is_connected { "" } else { "; AWS is not connected" },
    );
    let unknown = went.unknown.iter().map(|Unknown { finding, email }| {
        let place = &finding.place;
        let who = email.as_deref().unwrap_or("-").escape_debug();
        format!(
            "  unknown {} {} {} {who} {} drift {}",
            place.account,
            place.permission_set,
            place.principal,
            finding.outcome.as_str(),
            finding.id
        )
    });
    let ended = went.ended.iter().map(|grant| format!("  ended grant {grant}"));
    let not_compared = went.not_compared.iter().map(|(place, why)| format!("  not compared {place}: {why}"));
    std::iter::once(counts).chain(unknown).chain(ended).chain(not_compared).collect()
}

fn as_json(lines: &[Line]) -> String {
    let tenants: Vec<Value> = lines.iter().map(json_of).collect();
    json!({ "tenants": tenants }).to_string() + "\n"
}

fn json_of(line: &Line) -> Value {
    let went = match &line.went {
        Ok(went) => went,
        Err(error) => {
            return json!({ "id": line.tenant, "slug": line.slug, "error": with_causes(error) });
        }
    };
    let unknown: Vec<Value> = went
        .unknown
        .iter()
        .map(|Unknown { finding, email }| {
            json!({
                "drift_id": finding.id, "account_id": finding.place.account,
                "permission_set_arn": finding.place.permission_set, "principal_id": finding.place.principal,
                "email": email, "outcome": finding.outcome.as_str(),
            })
        })
        .collect();
    let not_compared: Vec<Value> =
        went.not_compared.iter().map(|(place, why)| json!({ "place": place, "why": why })).collect();
    json!({
        "id": line.tenant, "slug": line.slug, "connected": went.is_connected, "places": went.places,
        "unknown": unknown, "grants_ended": went.ended, "sessions_ended": went.sessions_ended,
        "not_compared": not_compared,
    })
}
