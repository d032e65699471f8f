//! Two numbers for each tenant. One moves with all that decides who may do what: people, roles, groups, policies,
//! settings, keys, suspension and lockdown. The other moves with the connection to AWS, and with what AWS tells. Caches
//! ask whether they moved.
//!
//! Each has a row of its own. Whoever moves the first may wait for a person's row, and whoever holds that for the
//! connection's: if a change of the connection waited for the first number too, the three could wait in a ring.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::row::Row;
use crate::{ReadUnit, StoreError, WriteUnit};

/// A tenant's versions; 0 before the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Of what decides who may do what.
    pub rules: u64,
    /// Of the connection to AWS, and of what AWS tells.
    pub aws: u64,
}

#[derive(FromQueryResult)]
struct Found {
    rules: Option<i64>,
    aws: Option<i64>,
}

impl ReadUnit {
    /// The unit's own tenant's versions, read at one moment.
    pub async fn versions(&self) -> Result<Versions, StoreError> {
        let sql = "SELECT (SELECT version FROM tenant_version WHERE tenant_id = $1) AS rules, \
                   (SELECT version FROM tenant_aws_version WHERE tenant_id = $2) AS aws";
        let values = [self.wall().into(), self.wall().into()];
        let statement = Statement::from_sql_and_values(self.tx().get_database_backend(), sql, values);
        let Some(found) = Found::find_by_statement(statement).one(self.tx()).await? else {
            return Ok(Versions::default());
        };
        let at = Row { table: "tenant_version", id: self.tenant() };
        Ok(Versions {
            rules: at.count("version", found.rules.unwrap_or_default())?,
            aws: at.count("aws", found.aws.unwrap_or_default())?,
        })
    }
}

impl WriteUnit {
    /// Moves the version of what decides who may do what. Two units that do so wait for each other: an ordinary write
    /// must not.
    pub async fn bump_version(&self) -> Result<(), StoreError> {
        self.bump("tenant_version").await
    }

    /// Moves the version of AWS, for a unit that has written what it is of: last, before the commit.
    pub(crate) async fn bump_aws_version(&self) -> Result<(), StoreError> {
        self.bump("tenant_aws_version").await
    }

    async fn bump(&self, table: &str) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO {table} (tenant_id, version) VALUES ($1, 1) \
             ON CONFLICT (tenant_id) DO UPDATE SET version = {table}.version + 1"
        );
        let backend = self.tx().get_database_backend();
        self.tx().execute_raw(Statement::from_sql_and_values(backend, sql, [self.wall().into()])).await?;
        Ok(())
    }
}
