//! From a policy to a grant, at the edge of the application, on both databases.
#![cfg(test)]

mod analyzing;
mod by_hand;
mod deadlines;
mod deleting_tenants;
mod deleting_users;
mod emergencies;
mod ensuring;
mod evaluating;
mod extending;
mod grants;
mod groups;
mod heads;
mod joining;
mod lockdowns;
mod meanwhile;
mod messages;
mod policies;
mod policy_rules;
mod policy_versions;
mod proof;
mod reaching;
mod receiver;
mod records;
mod remembering;
mod requests;
mod reviews;
mod simulating;
mod spellings;
mod tampering;
mod telling;
mod timelines;
mod walls;
mod warnings;
mod webhooks;
mod world;
