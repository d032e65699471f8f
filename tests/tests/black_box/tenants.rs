//! Two tenants, and every operation with the other's ids.
