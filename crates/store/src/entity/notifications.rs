//! Who is told of what.

pub(crate) mod notification {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notification")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub entry_id: Uuid,
        pub event_type: String,
        pub title: String,
        pub body: String,
        pub resource_type: Option<String>,
        pub resource_id: Option<String>,
        pub read_at: Option<i64>,
        pub created_at: i64,
    }

    no_relations!();
}

pub(crate) mod notification_preference {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notification_preference")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_type: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel: String,
        pub enabled: bool,
    }

    no_relations!();
}

pub(crate) mod notification_channel {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notification_channel")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub channel_type: String,
        pub config_sealed: Vec<u8>,
        pub secret_sealed: Option<Vec<u8>>,
        pub former_secret_sealed: Option<Vec<u8>>,
        pub former_until: Option<i64>,
        pub enabled: bool,
        #[sea_orm(column_type = "JsonBinary")]
        pub event_filters: Json,
        pub created_at: i64,
        pub updated_at: i64,
    }

    no_relations!();
}

pub(crate) mod delivery {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub channel_id: Uuid,
        pub entry_id: Uuid,
        pub event_type: String,
        pub state: String,
        pub attempts: i32,
        pub next_attempt_at: Option<i64>,
        pub last_attempt_at: Option<i64>,
        pub status_code: Option<i32>,
        pub failure: Option<String>,
        pub created_at: i64,
    }

    no_relations!();
}
