//! The audit log: entries, their canonical bytes, and the chain that seals them.
//!
//! An entry is written in the transaction of the change that it tells of; its place in the chain is given
//! afterwards. Names, addresses, reasons and other personal text enter as salted commitments, whose plain text
//! can be erased without breaking the chain.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Actor, ActorType, AuditEntryId, Entropy, TenantId, Timestamp, UserId};

macro_rules! audit_actions {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// What was done. Names are `resource.verb_in_past_tense` and are never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction {
            $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant),+
        }

        impl AuditAction {
            /// All of them.
            pub const ALL: &[AuditAction] = &[$(AuditAction::$variant),+];

            /// The name in the log.
            pub const fn as_str(self) -> &'static str {
                match self { $(AuditAction::$variant => $name),+ }
            }
        }
    };
}

audit_actions! {
    ApiKeyCreated = "api_key.created",
    ApiKeyRevoked = "api_key.revoked",
    AssignmentCalled = "assignment.called",
    AssignmentClaimed = "assignment.claimed",
    AssignmentConfirmed = "assignment.confirmed",
    AssignmentFailed = "assignment.failed",
    AssignmentGone = "assignment.gone",
    AssignmentReappeared = "assignment.reappeared",
    AssignmentUnwatched = "assignment.unwatched",
    AwsConfigDeleted = "aws_config.deleted",
    AwsConfigSaved = "aws_config.saved",
    AwsConnectionSuspended = "aws_connection.suspended",
    AwsConnectionTested = "aws_connection.tested",
    AwsConnectionVerified = "aws_connection.verified",
    AwsPermissionSetChanged = "aws_permission_set.changed",
    AwsResourcesPushed = "aws_resources.pushed",
    AwsSyncEnded = "aws_sync.ended",
    AwsSyncStarted = "aws_sync.started",
    DriftDetected = "drift.detected",
    DriftResolved = "drift.resolved",
    ExternalIdCancelled = "external_id.cancelled",
    ExternalIdCommitted = "external_id.committed",
    ExternalIdRotated = "external_id.rotated",
    GrantCreated = "grant.created",
    GrantActive = "grant.active",
    GrantExpired = "grant.expired",
    GrantExpiringSoon = "grant.expiring_soon",
    GrantExtended = "grant.extended",
    GrantFailed = "grant.failed",
    GrantRevoked = "grant.revoked",
    GrantUpdated = "grant.updated",
    GroupCreated = "group.created",
    GroupDeleted = "group.deleted",
    GroupMemberAdded = "group.member_added",
    GroupMemberRemoved = "group.member_removed",
    GroupRoleAdded = "group.role_added",
    GroupRoleRemoved = "group.role_removed",
    GroupUpdated = "group.updated",
    LockdownEnded = "lockdown.ended",
    LockdownStarted = "lockdown.started",
    LoginFailed = "login.failed",
    LoginSucceeded = "login.succeeded",
    LoggedOut = "session.logged_out",
    MfaNotEnforced = "mfa.not_enforced",
    NotificationChannelCreated = "notification_channel.created",
    NotificationChannelDeleted = "notification_channel.deleted",
    NotificationChannelTested = "notification_channel.tested",
    NotificationChannelUpdated = "notification_channel.updated",
    PasswordSet = "user.password_set",
    PlatformModeSet = "platform.mode_set",
    PolicyCreated = "policy.created",
    PolicyDeleted = "policy.deleted",
    PolicyRestored = "policy.restored",
    PolicyUpdated = "policy.updated",
    RequestApprovalGiven = "request.approval_given",
    RequestApproved = "request.approved",
    RequestBreakGlass = "request.break_glass",
    RequestCancelled = "request.cancelled",
    RequestDenied = "request.denied",
    RequestEvaluated = "request.evaluated",
    RequestExpired = "request.expired",
    RequestMessageAdded = "request.message_added",
    RequestPending = "request.pending",
    RequestReviewOwed = "request.review_owed",
    RequestReviewed = "request.reviewed",
    RequestSubmitted = "request.submitted",
    RevocationOverdue = "revocation.overdue",
    RoleCreated = "role.created",
    RoleDeleted = "role.deleted",
    RoleUpdated = "role.updated",
    SessionRefreshed = "session.refreshed",
    SettingChanged = "setting.changed",
    TenantCreated = "tenant.created",
    TenantDeleted = "tenant.deleted",
    TenantDeletionStarted = "tenant.deletion_started",
    TenantRecovered = "tenant.recovered",
    TenantUpdated = "tenant.updated",
    UserActivated = "user.activated",
    UserCreated = "user.created",
    UserDeleted = "user.deleted",
    UserSuspended = "user.suspended",
    UserUpdated = "user.updated",
}

impl std::fmt::Display for AuditAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An entry as it is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// The kind of thing it was done to: `grant`, `user`, `policy`, ….
    pub resource_type: &'static str,
    /// Which of them.
    pub resource_id: String,
    /// Facts that are nobody's personal data: ids, counts, states.
    pub metadata: Map<String, Value>,
    /// Personal or free text, by name: kept aside, and erasable.
    pub personal: Vec<(&'static str, String)>,
}

impl NewEntry {
    /// An entry without further facts.
    pub fn new(
        actor: Actor,
        action: AuditAction,
        resource_type: &'static str,
        resource_id: impl ToString,
    ) -> Self {
        Self {
            actor,
            action,
            resource_type,
            resource_id: resource_id.to_string(),
            metadata: Map::new(),
            personal: Vec::new(),
        }
    }

    /// Adds a fact that is nobody's personal data.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }

    /// Adds personal or free text: the chain holds a commitment, the text can be erased.
    #[must_use]
    pub fn with_personal(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.personal.push((name, text.into()));
        self
    }
}

/// Personal text of an entry with the salt of its commitment. Erasing means dropping this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalText {
    /// What it is: `reason`, `email`, ….
    pub name: String,
    /// 16 random bytes, without which the commitment can't be guessed from the text.
    pub salt: [u8; 16],
    /// The text.
    pub text: String,
}

impl PersonalText {
    /// What the chain holds instead of the text: `sha256(salt || text)`, in hex.
    pub fn commitment(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update(self.text.as_bytes());
        hex(&hasher.finalize())
    }
}

/// The bytes that are sealed, and what they commit to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEntry {
    /// Its id.
    pub id: AuditEntryId,
    /// RFC 8785 canonical JSON of an [`EntryBody`]; kept as text, for `jsonb` re-orders.
    pub body: String,
    /// Texts that the body commits to.
    pub personal: Vec<PersonalText>,
}

/// What an entry's canonical bytes say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryBody {
    /// Its id.
    pub id: AuditEntryId,
    /// Whose log it is in.
    pub tenant_id: TenantId,
    /// How the one who acted proved who they are.
    pub actor_type: ActorType,
    /// The user, the key, or `system`.
    pub actor_id: String,
    /// The person whose rights were used, where that is not the actor itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<UserId>,
    /// What was done.
    pub action: AuditAction,
    /// To what kind of thing.
    pub resource_type: String,
    /// To which.
    pub resource_id: String,
    /// Facts.
    pub metadata: Map<String, Value>,
    /// Name of each personal text -> its commitment.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub commitments: Map<String, Value>,
    /// When.
    pub created_at: Timestamp,
}

/// Something could not be put into canonical form.
#[derive(Debug, thiserror::Error)]
#[error("it can't be written as canonical JSON")]
pub struct NotCanonical(#[from] serde_json::Error);

/// The hash of what is kept beside the log: SHA-256 of its RFC 8785 canonical JSON, in hex. An entry that holds it
/// proves what is kept.
pub fn content_hash(content: &impl Serialize) -> Result<String, NotCanonical> {
    Ok(hex(&Sha256::digest(serde_json_canonicalizer::to_vec(content)?)))
}

/// Fixes an entry: gives it its id, salts and canonical bytes.
pub fn write(
    tenant: TenantId,
    entry: NewEntry,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<WrittenEntry, NotCanonical> {
    write_as(AuditEntryId::new(now, entropy), tenant, entry, now, entropy)
}

/// Ids for so many entries of one moment, which ascend: those that are written piece by piece stand in their order too.
pub fn ascending_ids(count: usize, now: Timestamp, entropy: &dyn Entropy) -> Vec<AuditEntryId> {
    let mut ids: Vec<_> = (0..count).map(|_| AuditEntryId::new(now, entropy)).collect();
    ids.sort_unstable();
    ids
}

/// Fixes an entry under an id of [`ascending_ids`].
pub fn write_as(
    id: AuditEntryId,
    tenant: TenantId,
    entry: NewEntry,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<WrittenEntry, NotCanonical> {
    let personal: Vec<PersonalText> =
        entry.personal.into_iter().map(|(name, text)| salted(name, text, entropy)).collect();
    let commitments =
        personal.iter().map(|text| (text.name.clone(), Value::String(text.commitment()))).collect();
    let on_behalf_of = match entry.actor {
        Actor::ApiKey { maker, .. } => Some(maker),
        _ => None,
    };
    let body = EntryBody {
        id,
        tenant_id: tenant,
        actor_type: entry.actor.actor_type(),
        actor_id: entry.actor.id(),
        on_behalf_of,
        action: entry.action,
        resource_type: entry.resource_type.to_owned(),
        resource_id: entry.resource_id,
        metadata: entry.metadata,
        commitments,
        created_at: now,
    };
    Ok(WrittenEntry { id, body: serde_json_canonicalizer::to_string(&body)?, personal })
}

fn salted(name: &str, text: String, entropy: &dyn Entropy) -> PersonalText {
    let mut salt = [0_u8; 16];
    entropy.fill(&mut salt);
    PersonalText { name: name.to_owned(), salt, text }
}

/// A link's hash: 32 bytes of SHA-256, in hex on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first entry of a chain follows.
    pub const START: ChainHash = ChainHash([0; 32]);

    /// From its bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for storage.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of the entry that follows this one:
    /// `sha256("curfew-audit-1" || tenant || sequence (u64, big-endian) || previous || body)`.
    #[must_use]
    pub fn next(&self, tenant: TenantId, sequence: u64, body: &str) -> ChainHash {
        let mut hasher = Sha256::new();
        hasher.update(b"curfew-audit-1");
        hasher.update(tenant.uuid().as_bytes());
        hasher.update(sequence.to_be_bytes());
        hasher.update(self.0);
        hasher.update(body.as_bytes());
        ChainHash(hasher.finalize().into())
    }
}

impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl std::str::FromStr for ChainHash {
    type Err = crate::Invalid;

    fn from_str(text: &str) -> Result<Self, crate::Invalid> {
        let wrong = || crate::Invalid::new("a hash has 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0_u8; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// The head of a tenant's chain: what is signed, and leaves the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Whose chain.
    pub tenant: TenantId,
    /// The last sealed entry's number; entries count from 1.
    pub sequence: u64,
    /// Its hash.
    pub hash: ChainHash,
    /// When the head was taken.
    pub at: Timestamp,
}

impl ChainHead {
    /// The bytes that a signature covers.
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!(
            "curfew-audit-head-1\n{}\n{}\n{}\n{}\n",
            self.tenant,
            self.sequence,
            self.hash,
            self.at.micros()
        )
        .into_bytes()
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn written() -> WrittenEntry {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
        let entry = NewEntry::new(Actor::System, AuditAction::GrantExpired, "grant", "g1")
            .with("z", 1)
            .with("a", true)
            .with_personal("reason", "INC-1 for Dana");
        write(tenant, entry, at(), &Counting(1.into())).unwrap()
    }

    fn at() -> Timestamp {
        Timestamp::from_micros(1_000_000)
    }

    #[test]
    fn ids_of_one_moment_ascend_whatever_randomness_gives() {
        struct Falling(std::sync::atomic::AtomicU8);

        impl Entropy for Falling {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed));
            }
        }

        let ids = ascending_ids(5, at(), &Falling(200.into()));
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn the_body_is_canonical_and_holds_no_personal_text() {
        let entry = written();
        assert!(!entry.body.contains("Dana"), "{}", entry.body);
        assert!(entry.body.contains(r#""metadata":{"a":true,"z":1}"#), "{}", entry.body);
        let body: EntryBody = serde_json::from_str(&entry.body).unwrap();
        assert_eq!(body.commitments["reason"], entry.personal[0].commitment());
        assert_eq!(serde_json_canonicalizer::to_string(&body).unwrap(), entry.body);
    }

    #[test]
    fn a_hash_depends_on_tenant_place_predecessor_and_body() {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
        let other = TenantId::from_uuid(uuid::Uuid::from_u128(8));
        let first = ChainHash::START.next(tenant, 1, "{}");
        assert_ne!(first, ChainHash::START.next(other, 1, "{}"));
        assert_ne!(first, ChainHash::START.next(tenant, 2, "{}"));
        assert_ne!(first, ChainHash::START.next(tenant, 1, "{ }"));
        assert_ne!(first, first.next(tenant, 1, "{}"));
        assert_eq!(first.to_string().parse(), Ok(first));
    }
}
