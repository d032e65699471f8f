use curfew_domain::policy::Effect;
use curfew_domain::{AuditEntryId, DecisionId, PolicyId, RequestId, RuleId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::policy_rules::EffectSchema;

/// A time that policy was asked about a request: when it was made, and again at its last approval.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019539b8-7a3b-7c4d-8e5f-0123456789ab", "request_id": "019539b8-1a3b-7c4d-8e5f-0123456789ab",
    "outcome": "approved",
    "policies": [{
        "policy_id": "019539b7-1a3b-7c4d-8e5f-0123456789ab", "version": 3, "effect": "permit",
        "rule_ids": ["019539b7-2a3b-7c4d-8e5f-0123456789ab"]
    }],
    "notices": [], "created_at": "2026-03-01T12:00:00.000000Z",
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "audit": {
        "entry_id": "019539b8-7b3b-7c4d-8e5f-0123456789ab",
        "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    },
    "record": null, "personal": null
}))]
pub struct RequestDecision {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: DecisionId,
    /// About which request.
    #[schema(value_type = Uuid)]
    pub request_id: RequestId,
    /// What policy said: `approved`, `needs_approval` or `denied`.
    #[schema(pattern = "^(approved|needs_approval|denied)$", example = "approved")]
    pub outcome: String,
    /// The policies that decided; none where no rule permits it.
    pub policies: Vec<DecisionPolicy>,
    /// The texts of the rules that decided.
    pub notices: Vec<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// SHA-256 of `record` as RFC 8785 canonical JSON, in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub content_hash: String,
    /// The entry of the audit log that proves it.
    #[schema(required)]
    pub audit: Option<DecisionProof>,
    /// All that is proved: what policies were told (`context`) and how each group answered (`trace`) too. Null without
    /// the scope `policies:read` or `requests:approve`.
    #[schema(required, value_type = Option<Object>)]
    pub record: Option<Value>,
    /// What policies were told of the person, and in their words. `record.context.personal` is its hash. Null where
    /// `record` is, and once it is erased.
    #[schema(required, value_type = Option<Object>)]
    pub personal: Option<Value>,
}

/// A policy that decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionPolicy {
    /// Which.
    #[schema(value_type = Uuid)]
    pub policy_id: PolicyId,
    /// In which version: `GET /v1/policies/{policyId}/versions` has it.
    pub version: u32,
    /// To what effect.
    #[schema(value_type = EffectSchema)]
    pub effect: Effect,
    /// By which of its rules.
    #[schema(value_type = Vec<Uuid>)]
    pub rule_ids: Vec<RuleId>,
}

/// What the audit log says of a decision.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionProof {
    /// The entry, `request.evaluated`.
    #[schema(value_type = Uuid)]
    pub entry_id: AuditEntryId,
    /// The hash of what was kept, as it was logged. Where it is not `content_hash`, somebody has changed what is kept.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub content_hash: String,
}
