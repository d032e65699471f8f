//! What proves who is asking: found by a keyed hash, before the tenant is known.

use curfew_domain::{ApiKeyId, CredentialId, SessionId, TenantId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use crate::entity::credential::{ActiveModel, Column, Entity, Model};
use crate::entity::tenant_version;
use crate::keyring::{KeyId, KeyedHash};
use crate::row::{Row, micros, moment, number};
use crate::{StoreError, UnwalledRead, UnwalledStore, WriteUnit};

/// Whom a credential speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialSubject {
    /// A user's login.
    Session(SessionId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// The owner of a new tenant, who has no password yet.
    SetupLink(UserId),
}

impl CredentialSubject {
    const fn kind(self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::ApiKey(_) => "api_key",
            Self::SetupLink(_) => "setup_link",
        }
    }

    const fn id(self) -> Uuid {
        match self {
            Self::Session(id) => id.uuid(),
            Self::ApiKey(id) => id.uuid(),
            Self::SetupLink(id) => id.uuid(),
        }
    }
}

/// A credential as it is kept: nothing that could be shown to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// The keyed hash of the secret.
    pub hash: KeyedHash,
    /// Whose tenant it opens.
    pub tenant: TenantId,
    /// Whom it speaks for.
    pub subject: CredentialSubject,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// Moves with every change: caches ask whether it moved.
    pub version: u64,
}

impl UnwalledRead {
    /// The credential that one of `candidates` is the hash of; live or not.
    pub async fn find_credential(&self, candidates: &[KeyedHash]) -> Result<Option<Credential>, StoreError> {
        let digests = candidates.iter().map(|hash| hash.digest.to_vec());
        let rows = Entity::find().filter(Column::Hash.is_in(digests)).all(self.tx()).await?;
        let found = rows.into_iter().map(credential).collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().find(|found| candidates.contains(&found.hash)))
    }
}

impl UnwalledRead {
    /// How many credentials are live at `now` and are not kept under `current`: without the master key that they are
    /// kept under they are refused.
    pub async fn stale_credentials(&self, current: KeyId, now: Timestamp) -> Result<u64, StoreError> {
        let live = Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.micros()));
        let stale = Entity::find()
            .filter(Column::KeyId.ne(i64::from(current.get())))
            .filter(Column::RevokedAt.is_null())
            .filter(live);
        Ok(stale.count(self.tx()).await?)
    }
}

/// How a credential stands at one moment: all that what is remembered of it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The credential.
    pub credential: Credential,
    /// Its tenant's version.
    pub tenant_version: u64,
}

impl UnwalledStore {
    /// How the credentials that any of `candidates` is the hash of stand now. One statement, outside any unit: it is
    /// on the path of every request.
    pub async fn standings(&self, candidates: &[KeyedHash]) -> Result<Vec<Standing>, StoreError> {
        let digests = candidates.iter().map(|hash| hash.digest.to_vec());
        let version = Expr::col((tenant_version::Entity, tenant_version::Column::Version));
        let its_tenant = Entity::belongs_to(tenant_version::Entity)
            .from(Column::TenantId)
            .to(tenant_version::Column::TenantId);
        let rows: Vec<StandingRow> = Entity::find()
            .column_as(version, "tenant_version")
            .join(JoinType::LeftJoin, its_tenant.into())
            .filter(Column::Hash.is_in(digests))
            .into_model()
            .all(self.readers())
            .await?;
        let standings = rows.into_iter().map(standing).collect::<Result<Vec<_>, _>>()?;
        Ok(standings.into_iter().filter(|found| candidates.contains(&found.credential.hash)).collect())
    }
}

#[derive(FromQueryResult)]
struct StandingRow {
    #[sea_orm(nested)]
    credential: Model,
    tenant_version: Option<i64>,
}

fn standing(row: StandingRow) -> Result<Standing, StoreError> {
    let at = Row { table: "tenant_version", id: row.credential.tenant_id };
    let tenant_version = row.tenant_version.map_or(Ok(0), |version| at.count("version", version))?;
    Ok(Standing { credential: credential(row.credential)?, tenant_version })
}

impl WriteUnit {
    /// Keeps a credential of the unit's tenant.
    pub async fn insert_credential(&self, new: &Credential) -> Result<(), StoreError> {
        let row = ActiveModel {
            id: Set(new.id.uuid()),
            hash: Set(new.hash.digest.to_vec()),
            key_id: Set(new.hash.key.get().into()),
            kind: Set(new.subject.kind().to_owned()),
            tenant_id: Set(self.wall()),
            subject_id: Set(new.subject.id()),
            expires_at: Set(micros(new.expires_at)),
            revoked_at: Set(micros(new.revoked_at)),
            version: Set(number(new.version)),
        };
        Entity::insert(row).exec_without_returning(self.tx()).await?;
        Ok(())
    }

    /// Ends all credentials of `subject` that have not ended. Answers how many.
    pub async fn revoke_credentials(
        &self,
        subject: CredentialSubject,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let ended = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now.micros()))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Kind.eq(subject.kind()))
            .filter(Column::SubjectId.eq(subject.id()))
            .filter(Column::RevokedAt.is_null())
            .exec(self.tx())
            .await?;
        Ok(ended.rows_affected)
    }
}

impl WriteUnit {
    /// Keeps a credential's hash under another master key. Its version stays: nothing that matters has changed.
    pub async fn rehash_credential(&self, id: CredentialId, hash: &KeyedHash) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Hash, Expr::value(hash.digest.to_vec()))
            .col_expr(Column::KeyId, Expr::value(i64::from(hash.key.get())))
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Id.eq(id.uuid()))
            .exec(self.tx())
            .await?;
        Ok(())
    }

    /// Forgets all credentials of `subject`, which is over for good.
    pub async fn delete_credentials(&self, subject: CredentialSubject) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::TenantId.eq(self.wall()))
            .filter(Column::Kind.eq(subject.kind()))
            .filter(Column::SubjectId.eq(subject.id()))
            .exec(self.tx())
            .await?;
        Ok(())
    }
}

fn credential(row: Model) -> Result<Credential, StoreError> {
    let at = Row { table: "credential", id: row.id };
    let subject = match row.kind.as_str() {
        "session" => CredentialSubject::Session(SessionId::from_uuid(row.subject_id)),
        "api_key" => CredentialSubject::ApiKey(ApiKeyId::from_uuid(row.subject_id)),
        "setup_link" => CredentialSubject::SetupLink(UserId::from_uuid(row.subject_id)),
        other => return Err(at.corrupt("kind", format!("no such kind: {other}"))),
    };
    Ok(Credential {
        id: CredentialId::from_uuid(row.id),
        hash: at.keyed_hash(row.key_id, &row.hash)?,
        tenant: TenantId::from_uuid(row.tenant_id),
        subject,
        expires_at: moment(row.expires_at),
        revoked_at: moment(row.revoked_at),
        version: at.count("version", row.version)?,
    })
}
