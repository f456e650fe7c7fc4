//! The world that the binary meets in the tests: CI servers, registries, checkouts.

#![allow(dead_code, reason = "not every test uses every part of the world")]

pub mod binary;
pub mod drone_api;
#[path = "../../examples/quickstart/registry.rs"]
pub mod embedded;
pub mod files;
pub mod fixtures;
pub mod gate;
pub mod git;
pub mod git_server;
pub mod http;
pub mod image;
pub mod kubernetes;
pub mod openapi;
pub mod pipeline;
pub mod processor;
pub mod recorder;
pub mod registry;
pub mod repository;
pub mod scripted;
pub mod team;
pub mod token_service;
pub mod yaml;
