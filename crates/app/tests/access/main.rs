//! From a policy to a grant, at the edge of the application, on both databases.
#![cfg(test)]

mod grants;
mod policies;
mod requests;
mod reviews;
mod walls;
mod world;
