//! Rows that are found before the tenant is known.

pub(crate) mod installation {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "installation")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub platform_mode: String,
        pub setup_completed_at: Option<i64>,
        pub master_tenant_id: Option<Uuid>,
        pub kept_clock: i64,
    }

    no_relations!();
}

pub(crate) mod credential {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "credential")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub hash: Vec<u8>,
        pub key_id: i64,
        pub kind: String,
        pub tenant_id: Uuid,
        pub subject_id: Uuid,
        pub expires_at: Option<i64>,
        pub revoked_at: Option<i64>,
        pub version: i64,
    }

    no_relations!();
}

pub(crate) mod login_name {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "login_name")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        pub key_id: i64,
        pub tenant_id: Uuid,
    }

    no_relations!();
}

pub(crate) mod login_attempt {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "login_attempt")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub scope: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key_hash: Vec<u8>,
        pub key_id: i64,
        pub failures: i64,
        pub last_failure_at: Option<i64>,
        pub last_success_at: Option<i64>,
        pub forget_at: i64,
    }

    no_relations!();
}

pub(crate) mod instance_claim {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "instance_claim")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub instance_arn: String,
        pub tenant_id: Uuid,
        pub claimed_at: i64,
    }

    no_relations!();
}

pub(crate) mod connection_lease {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "connection_lease")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub node_id: Uuid,
        pub fence: i64,
        pub expires_at: i64,
    }

    no_relations!();
}

pub(crate) mod due {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "due")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub assignment_id: Uuid,
        pub tenant_id: Uuid,
        pub due_at: i64,
        pub generation: i64,
        pub take_back_at: Option<i64>,
    }

    no_relations!();
}

pub(crate) mod request_due {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "request_due")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub request_id: Uuid,
        pub tenant_id: Uuid,
        pub due_at: i64,
    }

    no_relations!();
}

pub(crate) mod audit_unsealed {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_unsealed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub entry_id: Uuid,
        pub tenant_id: Uuid,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod tenant_version {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenant_version")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub version: i64,
    }

    no_relations!();
}

pub(crate) mod tenant_deletion {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "tenant_deletion")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub parent_id: Uuid,
        pub requested_at: i64,
        pub assignments_left: i64,
        pub waits_for: Option<String>,
        pub looked_at: Option<i64>,
        pub erased_at: Option<i64>,
    }

    no_relations!();
}

pub(crate) mod outbox_due {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox_due")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub channel_id: Option<Uuid>,
        pub rank: i32,
        pub due_at: i64,
        pub claims: i64,
    }

    no_relations!();
}
