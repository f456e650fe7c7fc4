//! What the forge says of a hotfix: the real binary beside a real repository and a scripted GitHub or
//! Gitea. Every answer of the script and every request of ours is checked against the forges' own
//! descriptions (tests/data/openapi).

mod addresses;
mod calls;
mod forward;
mod merges;
mod promotions;
mod requests;
mod reviews;
mod ways;
mod weather;
pub mod world;
