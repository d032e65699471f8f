//! Policies, requests, grants and assignments.

pub(crate) mod policy {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "policy")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub description: Option<String>,
        pub enabled: bool,
        pub priority: i32,
        pub max_duration_seconds: i64,
        pub default_duration_seconds: Option<i64>,
        pub notification_channel: Option<String>,
        pub approval_mode: String,
        pub approval_timeout_seconds: Option<i64>,
        pub approvals_required: i32,
        #[sea_orm(column_type = "JsonBinary")]
        pub approver_groups: Json,
        pub allow_break_glass: bool,
        pub break_glass_max_duration_seconds: Option<i64>,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod policy_rule {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "policy_rule")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub policy_id: Uuid,
        pub ordinal: i32,
        pub written_text: String,
        pub resolved_text: String,
        pub notice: Option<String>,
        pub audit_session: bool,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod policy_version {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "policy_version")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub policy_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        #[sea_orm(column_type = "JsonBinary")]
        pub body: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub changed: Json,
        pub made_by: String,
        pub made_at: i64,
        pub change_reason: Option<String>,
    }

    no_relations!();
}

pub(crate) mod access_request {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_request")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub requester_id: Uuid,
        pub resource_type: String,
        pub resource_id: String,
        pub action: String,
        pub account_id: Option<String>,
        pub permission_set_arn: String,
        pub principal_id: String,
        pub reason: Option<String>,
        pub status: String,
        pub decision_reasoning: Option<String>,
        pub decided_by: Option<String>,
        pub decided_at: Option<i64>,
        pub approval_mode: Option<String>,
        #[sea_orm(column_type = "JsonBinary")]
        pub approval_rules: Json,
        pub break_glass: bool,
        pub requested_seconds: Option<i64>,
        pub duration_seconds: Option<i64>,
        pub expires_at: Option<i64>,
        pub grant_id: Option<Uuid>,
        pub extends_grant_id: Option<Uuid>,
        pub policy_id: Option<Uuid>,
        #[sea_orm(column_type = "JsonBinary")]
        pub notices: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub review: Option<Json>,
        pub owes_review: bool,
        #[sea_orm(column_type = "JsonBinary")]
        pub metadata: Json,
        pub source_ip: Option<String>,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod decision {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "decision")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub request_id: Uuid,
        pub outcome: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub policy_ids: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub rules: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub notices: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub context: Json,
        #[sea_orm(column_type = "JsonBinary")]
        pub personal: Option<Json>,
        #[sea_orm(column_type = "JsonBinary")]
        pub trace: Json,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod approval {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub request_id: Uuid,
        pub approver_id: Uuid,
        #[sea_orm(column_type = "JsonBinary")]
        pub approver_groups: Json,
        pub verdict: String,
        pub reasoning: Option<String>,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod request_message {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "request_message")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub request_id: Uuid,
        pub author_type: String,
        pub author_id: String,
        pub content: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub metadata: Json,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod access_grant {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_grant")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub request_id: Option<Uuid>,
        pub grantee_id: Uuid,
        pub resource_type: String,
        pub resource_id: String,
        pub action: String,
        pub account_id: Option<String>,
        pub permission_set_arn: String,
        pub duration_seconds: i64,
        pub decided_at: i64,
        pub start_by: i64,
        pub started_at: Option<i64>,
        pub succeeded_at: Option<i64>,
        pub expires_at: Option<i64>,
        pub failed_at: Option<i64>,
        pub end_noted_at: Option<i64>,
        pub expiring_noted_at: Option<i64>,
        pub revoked_at: Option<i64>,
        /// The database's own: never written.
        pub is_open: bool,
        pub revoked_by: Option<String>,
        pub revoke_reason: Option<String>,
        pub failure: Option<String>,
        pub audit_enabled: bool,
        #[sea_orm(column_type = "JsonBinary")]
        pub metadata: Json,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod assignment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "assignment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub instance_arn: String,
        pub region: String,
        pub identity_store_id: String,
        pub account_id: String,
        pub permission_set_arn: String,
        pub principal_id: String,
        pub phase: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub observed: Json,
        pub fence: i64,
        pub claim_wanted_at: Option<i64>,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod grant_assignment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "grant_assignment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub grant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub assignment_id: Uuid,
        pub standing: bool,
    }

    no_relations!();
}

pub(crate) mod assignment_call {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "assignment_call")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub assignment_id: Uuid,
        pub kind: String,
        pub fence: i64,
        pub sent_at: i64,
        pub aws_request_id: Option<String>,
        pub outcome: Option<String>,
        pub outcome_at: Option<i64>,
        pub error: Option<String>,
    }

    no_relations!();
}
