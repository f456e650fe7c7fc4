//! The built binary against real parts. One program for all tests, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod attestation;
mod before;
mod branches;
mod confidential;
mod decisions;
mod declared;
mod docs;
mod examples;
mod footprint;
mod forge;
mod history;
mod identity;
mod interrupted;
mod monotone;
mod openapi;
mod overrides;
mod pipeline_file;
mod pipeline_world;
mod production;
mod publish;
mod races;
mod random;
mod recorded;
mod references;
mod registry_world;
mod remote;
mod running;
mod scripted;
mod secrets;
mod settings;
mod sources;
mod support;
mod telling;
mod train;
mod ways_round;
mod weather;
mod words;
mod workspace;
