//! Where a hotfix comes from, and where it must not get lost: the rules of the git history, in the
//! real binary, beside a real repository.

mod attacks;
pub mod base;
mod criteria;
mod forward_port;
mod keeps;
mod push;
mod sources;
