//! The database: SQLite and PostgreSQL from one code.

pub mod keyring;
