//! The audit log.

pub(crate) mod audit_entry {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub body: String,
        pub created_at: i64,
        pub actor_id: String,
        pub person_id: Option<Uuid>,
        pub action: String,
        pub resource_type: String,
        pub resource_id: String,
        pub sequence: Option<i64>,
        pub hash: Option<Vec<u8>>,
        pub previous_hash: Option<Vec<u8>>,
    }

    no_relations!();
}

pub(crate) mod audit_text {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_text")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub entry_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub salt: Vec<u8>,
        pub text: String,
    }

    no_relations!();
}

pub(crate) mod audit_head {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_head")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sequence: i64,
        pub hash: Vec<u8>,
        pub at: i64,
        pub key_id: String,
        pub signature: Vec<u8>,
    }

    no_relations!();
}
