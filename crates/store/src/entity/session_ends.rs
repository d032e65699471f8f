//! Ends of AWS's sessions.

pub(crate) mod session_end {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_end")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub assignment_id: Uuid,
        pub instance_arn: String,
        pub account_id: String,
        pub permission_set_arn: String,
        pub permission_set_name: Option<String>,
        pub principal_id: String,
        pub cause: String,
        pub asked_at: i64,
        pub denied_at: Option<i64>,
        pub cut_off_at: Option<i64>,
        pub cut_off_written_at: Option<i64>,
        pub over_at: Option<i64>,
        pub outcome: Option<String>,
        pub place: Option<String>,
    }

    no_relations!();
}

pub(crate) mod session_policy_state {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_policy_state")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub problem: Option<String>,
        pub since: i64,
    }

    no_relations!();
}

pub(crate) mod session_due {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "session_due")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        pub due_at: i64,
        pub generation: i64,
    }

    no_relations!();
}
