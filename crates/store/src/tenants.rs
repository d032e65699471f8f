//! Tenants: each behind its own wall, and readable by its parent.

use std::ops::Deref;

use curfew_domain::{Cursor, Page, PageRequest, Tenant, TenantId, Timestamp};
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::tenant::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, changed};
use crate::{ReadUnit, Store, StoreError, WriteUnit};

impl ReadUnit {
    /// The unit's own tenant.
    pub async fn this_tenant(&self) -> Result<Option<Tenant>, StoreError> {
        let row = Entity::find_by_id(self.wall()).one(self.tx()).await?;
        row.map(tenant).transpose()
    }

    /// The unit's own tenant or one of its children.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let family = Condition::any().add(Column::Id.eq(self.wall())).add(Column::ParentId.eq(self.wall()));
        let row = Entity::find_by_id(id.uuid()).filter(family).one(self.tx()).await?;
        row.map(tenant).transpose()
    }

    /// The ids of the tenant itself and its children. A row that can't be read hides none of them.
    pub async fn tenant_ids(&self) -> Result<Vec<TenantId>, StoreError> {
        let family = Condition::any().add(Column::Id.eq(self.wall())).add(Column::ParentId.eq(self.wall()));
        let ids: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(family)
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(self.tx())
            .await?;
        Ok(ids.into_iter().map(TenantId::from_uuid).collect())
    }

    /// The tenant itself and its children, newest first.
    pub async fn tenants(&self, page: &PageRequest) -> Result<Page<Tenant>, StoreError> {
        let family = Condition::any().add(Column::Id.eq(self.wall())).add(Column::ParentId.eq(self.wall()));
        let rows = Entity::find()
            .filter(family)
            .filter(crate::page::after((Column::CreatedAt, Column::Id), page))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let tenants = rows.into_iter().map(tenant).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(tenants, page.limit, |last| Cursor::at(last.created_at, last.id.uuid())))
    }
}

impl WriteUnit {
    /// Founds the unit's own tenant: the first one of an installation.
    pub async fn insert_this_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        debug_assert_eq!(tenant.id, self.tenant(), "a tenant is founded behind its own wall");
        self.insert_tenant(tenant).await
    }

    /// The unit's own tenant; whoever else would change it waits until the unit is over. Rows that refer to it are
    /// written meanwhile.
    pub async fn lock_this_tenant(&self) -> Result<Option<Tenant>, StoreError> {
        let row = Entity::find_by_id(self.wall()).lock(LockType::NoKeyUpdate).one(self.tx()).await?;
        row.map(tenant).transpose()
    }

    /// Writes what differs between the unit's own tenant as [`Self::lock_this_tenant`] gave it and as it shall be.
    pub async fn update_this_tenant(&self, before: &Tenant, tenant: &Tenant) -> Result<(), StoreError> {
        fn text<T: ToString>(value: Option<&T>) -> Option<String> {
            value.map(ToString::to_string)
        }
        let owner = |tenant: &Tenant| tenant.owner.map(curfew_domain::UserId::uuid);
        let url = |tenant: &Tenant| text(tenant.sso_start_url.as_ref());
        let columns = ActiveModel {
            name: changed(before.name.to_string(), tenant.name.to_string()),
            locale: changed(before.locale.to_string(), tenant.locale.to_string()),
            owner_email: changed(text(before.owner_email.as_ref()), text(tenant.owner_email.as_ref())),
            owner_user_id: changed(owner(before), owner(tenant)),
            sso_start_url: changed(url(before), url(tenant)),
            sso_region: changed(text(before.sso_region.as_ref()), text(tenant.sso_region.as_ref())),
            state: changed(before.state.as_str().to_owned(), tenant.state.as_str().to_owned()),
            mfa_required: changed(before.mfa_required, tenant.mfa_required),
            updated_at: Set(tenant.updated_at.micros()),
            ..ActiveModel::default()
        };
        Entity::update_many().set(columns).filter(Column::Id.eq(self.wall())).exec(self.tx()).await?;
        Ok(())
    }

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let row = ActiveModel {
            id: Set(tenant.id.uuid()),
            parent_id: Set(tenant.parent.map(TenantId::uuid)),
            name: Set(tenant.name.to_string()),
            slug: Set(tenant.slug.to_string()),
            locale: Set(tenant.locale.to_string()),
            owner_email: Set(tenant.owner_email.as_ref().map(ToString::to_string)),
            owner_user_id: Set(tenant.owner.map(curfew_domain::UserId::uuid)),
            sso_start_url: Set(tenant.sso_start_url.as_ref().map(ToString::to_string)),
            sso_region: Set(tenant.sso_region.as_ref().map(ToString::to_string)),
            is_master: Set(tenant.is_master),
            state: Set(tenant.state.as_str().to_owned()),
            mfa_required: Set(tenant.mfa_required),
            created_at: Set(tenant.created_at.micros()),
            updated_at: Set(tenant.updated_at.micros()),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }
}

/// A child tenant being founded: the one unit that spans two walls. It stands behind the master's, where the audit
/// entry is recorded, until [`Founding::cross`] takes it behind the child's.
#[derive(Debug)]
pub struct Founding {
    unit: WriteUnit,
    child: TenantId,
}

impl Store {
    /// Begins to found `child` under `master`: the child's row is written, behind the master's wall.
    pub async fn found_child(&self, master: TenantId, child: &Tenant) -> Result<Founding, StoreError> {
        let unit = self.tenant(master).write().await?;
        let row = Tenant { parent: Some(master), is_master: false, ..child.clone() };
        unit.insert_tenant(&row).await?;
        Ok(Founding { unit, child: row.id })
    }
}

impl Founding {
    /// Takes the transaction behind the child's wall, for its owner and its first audit entry. The commit of the
    /// unit that comes back keeps both halves.
    pub async fn cross(self) -> Result<WriteUnit, StoreError> {
        self.unit.cross(self.child).await
    }
}

impl Deref for Founding {
    type Target = WriteUnit;

    fn deref(&self) -> &WriteUnit {
        &self.unit
    }
}

fn tenant(row: Model) -> Result<Tenant, StoreError> {
    let at = Row { table: "tenant", id: row.id };
    Ok(Tenant {
        id: TenantId::from_uuid(row.id),
        parent: row.parent_id.map(TenantId::from_uuid),
        name: at.parse("name", &row.name)?,
        slug: at.parse("slug", &row.slug)?,
        locale: at.parse("locale", &row.locale)?,
        owner_email: at.parse_some("owner_email", row.owner_email.as_deref())?,
        owner: row.owner_user_id.map(curfew_domain::UserId::from_uuid),
        sso_start_url: at.parse_some("sso_start_url", row.sso_start_url.as_deref())?,
        sso_region: at.parse_some("sso_region", row.sso_region.as_deref())?,
        is_master: row.is_master,
        state: at.parse("state", &row.state)?,
        mfa_required: row.mfa_required,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}
