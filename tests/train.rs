//! Train mode: hotfixes that go into trains, with a change log and a spec file (seed B).

mod bump;
mod deployment;
mod example;
mod forms;
mod hostile;
mod lines;
mod numbers;
mod patterns;
mod production;
mod pulls;
mod ticket;
mod trains;
mod unnumbered;
mod versions;
mod world;
