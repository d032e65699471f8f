//! What proves who is asking: tokens, passwords, JWTs, and the console's cookie. Pure but for the time a password
//! takes; what is known of each is kept by the store.

mod cookie;
mod csrf;
mod jwt;
pub mod password;
mod token;

pub use cookie::{BadPublicUrl, ConsoleCookie};
pub use csrf::CsrfToken;
pub use jwt::{BadJwt, Claims, JwtIssuer, JwtSecret, SignError};
pub use token::{SecretToken, TokenKind};
