//! People and their roles.

use std::collections::{BTreeMap, BTreeSet};

use curfew_domain::{
    AccountSet, AuthProvider, BuiltInRole, Cursor, Email, Memberships, Page, PageRequest, RoleSlug, ScopeSet,
    Timestamp, User, UserId,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::entity::app_user::{ActiveModel, Column, Entity, Model};
use crate::entity::user_role;
use crate::row::{Row, changed};
use crate::{ReadUnit, StoreError, WriteUnit};

/// What a login with a password is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordLogin {
    /// Whose it is.
    pub user: UserId,
    /// Whether they may come in.
    pub active: bool,
    /// Who vouches for them.
    pub auth_provider: AuthProvider,
    /// Their password in PHC's format; none when they have none.
    pub password_hash: Option<String>,
}

impl ReadUnit {
    /// The user by that id.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.one_user(Column::Id.eq(id.uuid())).await
    }

    /// The user with that address, in whatever case it is written.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.one_user(Column::EmailFolded.eq(email.folded())).await
    }

    /// The tenant's users, newest first.
    pub async fn users(&self, page: &PageRequest) -> Result<Page<User>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let users = self.with_roles(rows).await?;
        Ok(Page::cut(users, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }

    /// The tenant's users who may ask for access, first made first: those who are active and whose address is verified.
    pub async fn people_who_may_ask(&self, limit: u64) -> Result<Vec<User>, StoreError> {
        let rows = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Active.eq(true))
            .filter(Column::EmailVerified.eq(true))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.tx())
            .await?;
        self.with_roles(rows).await
    }

    /// What a login with that address is judged by. One statement, whether there is such a user or not: the time it
    /// takes must not tell.
    pub async fn password_login(&self, email: &Email) -> Result<Option<PasswordLogin>, StoreError> {
        let row = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::EmailFolded.eq(email.folded()))
            .one(self.tx())
            .await?;
        row.map(password_login).transpose()
    }

    /// How many direct admins besides `user` can sign in: active, and with a password, which is the only way in that there
    /// is yet. To rest a decision on it, call [`WriteUnit::bump_version`] first: whoever else changes roles then
    /// waits.
    pub async fn other_admins_who_can_sign_in(&self, user: UserId) -> Result<u64, StoreError> {
        let admins = user_role::Entity::find()
            .select_only()
            .column(user_role::Column::UserId)
            .filter(user_role::Column::TenantId.eq(self.wall()))
            .filter(user_role::Column::RoleSlug.eq(BuiltInRole::Admin.as_str()));
        let count = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Active.eq(true))
            .filter(Column::AuthProvider.eq(AuthProvider::Local.as_str()))
            .filter(Column::PasswordHash.is_not_null())
            .filter(Column::Id.ne(user.uuid()))
            .filter(Column::Id.in_subquery(sea_orm::QueryTrait::into_query(admins)))
            .count(self.tx())
            .await?;
        Ok(count)
    }

    /// How many users hold each role directly.
    pub async fn users_by_role(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let counts: Vec<(String, i64)> = user_role::Entity::find()
            .select_only()
            .column(user_role::Column::RoleSlug)
            .column_as(user_role::Column::UserId.count(), "users")
            .filter(user_role::Column::TenantId.eq(self.wall()))
            .group_by(user_role::Column::RoleSlug)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(counts.into_iter().map(|(role, users)| (role, users.unsigned_abs())).collect())
    }

    async fn one_user(&self, which: sea_orm::sea_query::SimpleExpr) -> Result<Option<User>, StoreError> {
        let row =
            Entity::find().filter(Column::TenantId.eq(self.wall())).filter(which).one(self.tx()).await?;
        Ok(self.with_roles(row.into_iter().collect()).await?.pop())
    }

    async fn with_roles(&self, rows: Vec<Model>) -> Result<Vec<User>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let held = user_role::Entity::find()
            .filter(user_role::Column::TenantId.eq(self.wall()))
            .filter(user_role::Column::UserId.is_in(rows.iter().map(|row| row.id)))
            .all(self.tx())
            .await?;
        let mut roles: BTreeMap<Uuid, BTreeSet<RoleSlug>> = BTreeMap::new();
        for row in held {
            let at = Row { table: "user_role", id: row.user_id };
            roles.entry(row.user_id).or_default().insert(at.parse("role_slug", &row.role_slug)?);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut memberships = self.memberships(&ids).await?;
        let by_groups = memberships.values().flat_map(|theirs| &theirs.roles);
        let custom = self.scopes_of_custom(roles.values().flatten().chain(by_groups)).await?;
        let mut with_theirs = |row: Model| {
            let (roles, memberships) =
                (roles.remove(&row.id).unwrap_or_default(), memberships.remove(&row.id).unwrap_or_default());
            let mut user = user(roles, memberships, row)?;
            user.custom_scopes = ScopeSet::of_all(user.all_roles().filter_map(|role| custom.get(role)));
            Ok(user)
        };
        rows.into_iter().map(&mut with_theirs).collect()
    }
}

impl WriteUnit {
    /// Makes a user. `password_hash` is in PHC's format; none for one who has no password (yet).
    pub async fn insert_user(&self, user: &User, password_hash: Option<&str>) -> Result<(), StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.wall()),
            id: Set(user.id.uuid()),
            email: Set(user.email.to_string()),
            email_folded: Set(user.email.folded()),
            name: Set(user.name.to_string()),
            auth_provider: Set(user.auth_provider.as_str().to_owned()),
            active: Set(user.active),
            email_verified: Set(user.email_verified),
            is_owner: Set(user.is_owner),
            password_hash: Set(password_hash.map(str::to_owned)),
            account_set_by: Set(user.account_set.map(|set| set.by.uuid())),
            account_set_at: Set(user.account_set.map(|set| set.at.micros())),
            created_at: Set(user.created_at.micros()),
            updated_at: Set(user.updated_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        self.insert_roles(user).await
    }

    /// Writes what differs between a user as they were read and as they shall be, roles included; e-mail and password
    /// never do, nor do memberships. Call [`WriteUnit::bump_version`] before reading them: of two who change a user, the second then waits,
    /// and reads what the first wrote.
    pub async fn update_user(&self, before: &User, user: &User) -> Result<(), StoreError> {
        let set_by = |user: &User| user.account_set.map(|set| set.by.uuid());
        let set_at = |user: &User| user.account_set.map(|set| set.at.micros());
        let columns = ActiveModel {
            name: changed(before.name.to_string(), user.name.to_string()),
            active: changed(before.active, user.active),
            email_verified: changed(before.email_verified, user.email_verified),
            is_owner: changed(before.is_owner, user.is_owner),
            account_set_by: changed(set_by(before), set_by(user)),
            account_set_at: changed(set_at(before), set_at(user)),
            updated_at: Set(user.updated_at.micros()),
            ..ActiveModel::default()
        };
        Entity::update_many()
            .set(columns)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(user.id.uuid()))
            .exec(self.tx())
            .await?;
        if before.roles == user.roles {
            return Ok(());
        }
        user_role::Entity::delete_many()
            .filter(user_role::Column::TenantId.eq(self.wall()))
            .filter(user_role::Column::UserId.eq(user.id.uuid()))
            .exec(self.tx())
            .await?;
        self.insert_roles(user).await
    }

    /// Gives a user another password, in PHC's format.
    pub async fn set_password_hash(&self, id: UserId, hash: &str) -> Result<(), StoreError> {
        let changed = ActiveModel { password_hash: Set(Some(hash.to_owned())), ..ActiveModel::default() };
        Entity::update_many()
            .set(changed)
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    async fn insert_roles(&self, user: &User) -> Result<(), StoreError> {
        if user.roles.is_empty() {
            return Ok(());
        }
        let rows = user.roles.iter().map(|role| user_role::ActiveModel {
            tenant_id: Set(self.wall()),
            user_id: Set(user.id.uuid()),
            role_slug: Set(role.to_string()),
        });
        user_role::Entity::insert_many(rows).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

fn password_login(row: Model) -> Result<PasswordLogin, StoreError> {
    let at = Row { table: "app_user", id: row.id };
    Ok(PasswordLogin {
        user: UserId::from_uuid(row.id),
        active: row.active,
        auth_provider: at.parse("auth_provider", &row.auth_provider)?,
        password_hash: row.password_hash,
    })
}

fn user(roles: BTreeSet<RoleSlug>, memberships: Memberships, row: Model) -> Result<User, StoreError> {
    let at = Row { table: "app_user", id: row.id };
    let account_set = row
        .account_set_by
        .zip(row.account_set_at)
        .map(|(by, set_at)| AccountSet { by: UserId::from_uuid(by), at: Timestamp::from_micros(set_at) });
    Ok(User {
        id: UserId::from_uuid(row.id),
        email: at.parse("email", &row.email)?,
        name: at.parse("name", &row.name)?,
        roles,
        memberships,
        custom_scopes: ScopeSet::default(),
        auth_provider: at.parse("auth_provider", &row.auth_provider)?,
        active: row.active,
        email_verified: row.email_verified,
        is_owner: row.is_owner,
        account_set,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
