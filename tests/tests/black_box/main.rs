//! Stories about the running program, each on SQLite and on PostgreSQL.

mod access;
mod connecting;
mod crashes;
mod explaining;
mod first_run;
mod groups;
mod kms;
mod outages;
mod proving;
mod recovering;
mod starting;
mod telling;
mod templates;
mod tenants;
