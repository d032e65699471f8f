//! The cache of AWS resources as it is shown: pushed over discovered, in the order of rank and name.

use curfew_domain::{AccountId, CachedResource, Cursor, InstanceArn, Page, PageRequest, ResourceType};
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::aws_resource::{Column, Entity};
use crate::{ReadUnit, StoreError};

/// Sorts after every rank: what has none comes last.
const UNRANKED: i64 = 1 << 32;

/// What is to be listed.
#[derive(Debug, Clone, Copy)]
pub struct ResourceFilter<'a> {
    /// Through which instance.
    pub instance: &'a InstanceArn,
    /// Only this kind.
    pub kind: Option<ResourceType>,
    /// Only what lies in this account.
    pub account: Option<&'a AccountId>,
    /// Only what has this in its name or id, whatever the case; beyond ASCII, as the database has it.
    pub text: Option<&'a str>,
}

impl ReadUnit {
    /// A page of the cache: weak ranks first, then strong, then what has none; by name within. What AWS no longer
    /// has is left out.
    pub async fn list_aws_resources(
        &self,
        filter: ResourceFilter<'_>,
        page: &PageRequest,
    ) -> Result<Page<CachedResource>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::InstanceArn.eq(filter.instance.as_str()))
            .filter(Column::GoneAt.is_null());
        if let Some(kind) = filter.kind {
            query = query.filter(Column::Kind.eq(kind.as_str()));
        }
        if let Some(account) = filter.account {
            query = query.filter(Column::AccountId.eq(account.as_str()));
        }
        if let Some(text) = filter.text {
            query = query.filter(contains(text));
        }
        if let Some(last) = page.after.as_ref().and_then(Position::of) {
            query = query.filter(last.is_before());
        }
        let rows = query
            .order_by_asc(rank())
            .order_by_asc(name())
            .order_by_asc(Column::Id)
            .limit(page.limit.rows_to_read())
            .all(self.tx())
            .await?;
        let resources = rows.into_iter().map(crate::aws_resources::cached).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(resources, page.limit, |last| Position::at(last).cursor()))
    }
}

fn rank() -> SimpleExpr {
    Func::coalesce([Expr::col(Column::Rank), Expr::value(UNRANKED)]).into()
}

fn name() -> SimpleExpr {
    let names = [Column::PushedName, Column::DiscoveredName, Column::AwsId];
    Func::coalesce(names.map(Expr::col)).into()
}

fn contains(text: &str) -> SimpleExpr {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    // The database lowers both sides: SQLite, and PostgreSQL in some locales, know the case of ASCII letters alone, and
    // not even what is written the same would be found.
    let lower = |text: SimpleExpr| SimpleExpr::from(Func::lower(text));
    let pattern = || {
        let escape = Expr::Constant('\\'.into());
        lower(Expr::value(format!("%{escaped}%"))).binary(BinOper::Escape, escape)
    };
    let has_it = |column: SimpleExpr| lower(column).binary(BinOper::Like, pattern());
    has_it(name()).or(has_it(Expr::col(Column::AwsId)))
}

/// Where a page ended.
struct Position {
    rank: i64,
    id: Uuid,
    name: String,
}

impl Position {
    fn at(resource: &CachedResource) -> Self {
        let pushed = resource.pushed.as_ref();
        Self {
            rank: pushed.and_then(|pushed| pushed.rank).map_or(UNRANKED, i64::from),
            id: resource.id.uuid(),
            name: resource.shown_name().to_owned(),
        }
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = self.rank.to_be_bytes().to_vec();
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.name.as_bytes());
        Cursor::from_bytes(bytes)
    }

    /// None for what this list can't have given out.
    fn of(cursor: &Cursor) -> Option<Self> {
        let (rank, rest) = cursor.bytes().split_first_chunk::<8>()?;
        let (id, name) = rest.split_first_chunk::<16>()?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        Some(Self { rank: i64::from_be_bytes(*rank), id: Uuid::from_bytes(*id), name })
    }

    fn is_before(&self) -> SimpleExpr {
        Expr::tuple([rank(), name(), Expr::col(Column::Id)]).gt(Expr::tuple([
            Expr::value(self.rank),
            Expr::value(self.name.as_str()),
            Expr::value(self.id),
        ]))
    }
}
