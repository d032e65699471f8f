//! Tenants, people and credentials.

pub(crate) mod tenant {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenant")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub parent_id: Option<Uuid>,
        pub name: String,
        pub slug: String,
        pub locale: String,
        pub owner_email: Option<String>,
        pub owner_user_id: Option<Uuid>,
        pub sso_start_url: Option<String>,
        pub sso_region: Option<String>,
        pub is_master: bool,
        pub state: String,
        pub mfa_required: bool,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod app_user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "app_user")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub email_folded: String,
        pub name: String,
        pub auth_provider: String,
        pub active: bool,
        pub email_verified: bool,
        pub is_owner: bool,
        pub password_hash: Option<String>,
        pub account_set_by: Option<Uuid>,
        pub account_set_at: Option<i64>,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod user_role {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_role")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub role_slug: String,
    }

    no_relations!();
}

pub(crate) mod user_group {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_group")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub name_folded: String,
        pub source: String,
        pub description: Option<String>,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod group_member {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "group_member")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub source: String,
        pub joined_at: i64,
    }

    no_relations!();
}

pub(crate) mod group_role {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "group_role")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub role_slug: String,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod custom_role {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "custom_role")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub slug: String,
        pub name: String,
        pub description: Option<String>,
        #[sea_orm(column_type = "JsonBinary")]
        pub scopes: Json,
        pub created_by: Uuid,
        pub updated_by: Uuid,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod session {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub kind: String,
        pub created_at: i64,
        pub expires_at: i64,
        pub chain_ends_at: i64,
        pub ended_at: Option<i64>,
        pub address: Option<String>,
    }

    no_relations!();
}

pub(crate) mod api_key {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_key")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub scopes: Json,
        pub created_by: Uuid,
        pub last_used_at: Option<i64>,
        pub expires_at: Option<i64>,
        pub revoked_at: Option<i64>,
        pub revoked_by: Option<Uuid>,
        pub created_at: i64,
        pub identity_provider_id: Option<Uuid>,
    }

    no_relations!();
}

pub(crate) mod tenant_domain {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenant_domain")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub domain: String,
        pub verified_at: Option<i64>,
        pub verification_token: String,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod oidc_config {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "oidc_config")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub issuer_url: String,
        pub client_id: String,
        pub client_secret_sealed: Vec<u8>,
        #[sea_orm(column_type = "JsonBinary")]
        pub scopes: Json,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod setting {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "setting")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        #[sea_orm(column_type = "JsonBinary")]
        pub value: Json,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod idempotency {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub principal: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub route: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key_hash: Vec<u8>,
        pub body_hash: Vec<u8>,
        pub status: Option<i32>,
        pub resource_id: Option<String>,
        pub created_at: i64,
        pub expires_at: i64,
    }

    no_relations!();
}
