//! Questions about history, against the `git` program and against plain sets.

mod hostile;
mod patches;
mod random;
mod reading;
mod shapes;
