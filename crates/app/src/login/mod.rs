//! Signing in, staying in, and signing out.

pub mod backoff;
mod initial_password;
mod methods;
mod refresh;
mod sign_in;
mod sign_out;
mod tenant;
mod tries;

pub use initial_password::{SetInitialPassword, set_initial_password};
pub use methods::{LoginMethod, LoginMethods, methods};
pub use refresh::refresh;
pub use sign_in::{SignIn, sign_in};
pub use sign_out::sign_out;
pub use tenant::LoginName;
