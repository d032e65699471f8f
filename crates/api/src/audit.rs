use curfew_domain::audit::{AuditAction, ChainHash};
use curfew_domain::{ActorType, AuditEntryId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::AtMost;
use crate::access::one_of;

/// What someone did, in the tenant's sealed log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLogEntry {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: AuditEntryId,
    /// The user or key that did it, or `system`.
    pub actor_id: String,
    /// How they proved who they are.
    #[schema(schema_with = actor_type)]
    pub actor_type: ActorType,
    /// What was done.
    #[schema(value_type = String, example = "grant.revoked")]
    pub action: AuditAction,
    /// The kind of thing it was done to.
    pub resource_type: String,
    /// Which of them.
    pub resource_id: String,
    /// Facts, and personal texts that are not erased. `on_behalf_of`, for what a key did, is the user whose rights it
    /// used.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub metadata: Map<String, Value>,
    /// Why, in the actor's words.
    #[schema(required)]
    pub reasoning: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Its number in the tenant's chain; null for the moment until it is sealed.
    #[schema(required)]
    pub sequence: Option<u64>,
    /// Its hash, in hex.
    #[schema(required, value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    #[serde(serialize_with = "hex")]
    pub hash: Option<ChainHash>,
    /// The hash of the entry before it, in hex.
    #[schema(required, value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    #[serde(serialize_with = "hex")]
    pub previous_hash: Option<ChainHash>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Of this user or key, or `system`.
    #[param(value_type = Option<String>, max_length = 64)]
    pub actor_id: Option<AtMost<64>>,
    /// About this kind of thing.
    #[param(value_type = Option<String>, max_length = 64)]
    pub resource_type: Option<AtMost<64>>,
    /// About this one.
    #[param(value_type = Option<String>, max_length = 255)]
    pub resource_id: Option<AtMost<255>>,
    /// Of this, such as `grant.revoked`.
    #[param(schema_with = action)]
    pub action: Option<AuditAction>,
    /// Not before.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Before.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
}

/// What a walk along the tenant's chain found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditVerification {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// How many entries are sealed.
    pub sealed: u64,
    /// How many wait to be: nothing is proved of them.
    pub unsealed: u64,
    /// How many sealed entries no signed head covers; null while there is no head.
    #[schema(required)]
    pub not_headed: Option<u64>,
    /// How many personal texts were erased: of entries, and what decisions were told of people.
    pub erased_texts: u64,
    /// The hash of the last sealed entry, in hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    #[serde(serialize_with = "hex_of")]
    pub last_hash: ChainHash,
    /// What is wrong, in words.
    pub findings: Vec<String>,
}

pub(crate) fn actor_type() -> utoipa::openapi::schema::Object {
    let types = [ActorType::ApiKey, ActorType::Oidc, ActorType::Local, ActorType::System];
    one_of(types.map(ActorType::as_str))
}

fn action() -> utoipa::openapi::schema::Object {
    one_of(AuditAction::ALL.iter().map(|action| action.as_str()))
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn hex<S: serde::Serializer>(hash: &Option<ChainHash>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.map(|hash| hash.to_string()).serialize(serializer)
}

fn hex_of<S: serde::Serializer>(hash: &ChainHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}
