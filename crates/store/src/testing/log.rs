//! The audit log as a test looks at it.

use curfew_domain::{PageLimit, PageRequest, TenantId};

use crate::Store;
use crate::audit::{AuditFilter, AuditRecord};

/// A tenant's sealed entries, in the chain's order.
pub async fn sealed_log(store: &Store, tenant: TenantId) -> Vec<AuditRecord> {
    let unit = store.tenant(tenant).read().await.expect("the database does it");
    let mut entries = Vec::new();
    let mut page = PageRequest { limit: PageLimit::MAX, after: None };
    loop {
        let read = unit.audit_page(&AuditFilter::default(), &page).await.expect("the database does it");
        entries.extend(read.items.into_iter().filter(|entry| entry.sealed.is_some()));
        if read.next.is_none() {
            entries.sort_by_key(|entry| entry.sealed.map(|sealed| sealed.sequence));
            return entries;
        }
        page.after = read.next;
    }
}
