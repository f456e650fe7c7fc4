//! Train mode: hotfixes that go into trains, with a change log and a spec file (seed B).

mod bump;
mod example;
mod forms;
mod hostile;
mod lines;
mod numbers;
mod patterns;
mod pulls;
mod ticket;
mod trains;
mod world;
