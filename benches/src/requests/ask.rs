//! What is measured.

/// One request, ready to be sent.
pub(crate) struct Ask {
    pub(crate) tenant: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}
