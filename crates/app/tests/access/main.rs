//! From a policy to a grant, at the edge of the application, on both databases.
#![cfg(test)]

mod analyzing;
mod by_hand;
mod ensuring;
mod evaluating;
mod extending;
mod grants;
mod groups;
mod heads;
mod joining;
mod meanwhile;
mod policies;
mod policy_rules;
mod policy_versions;
mod proof;
mod reaching;
mod remembering;
mod requests;
mod reviews;
mod simulating;
mod spellings;
mod tampering;
mod telling;
mod walls;
mod warnings;
mod world;
