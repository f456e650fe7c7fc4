//! Judges a hotfix by the team's written process, publishes its image tag, and keeps it out of QA.
//!
//! The binary is a step of a Drone or Woodpecker pipeline; this library is its inside. Data goes one
//! way, as [`run`] shows. A file never imports one that stands above it in this list.

pub mod run;

pub mod overrides;

pub mod rules;

pub mod facts;
pub mod publish;

pub mod attestation;

pub mod pipeline;

pub mod ci;
pub mod policy;
pub mod report;
pub mod settings;

pub mod registry;

pub mod declaration;

pub mod day;
pub mod environment;
pub mod git;
pub mod glob;
pub mod hotfix;
pub mod http;
pub mod problem;
pub mod secret;
pub mod signing;
pub mod train;
pub mod verdict;
