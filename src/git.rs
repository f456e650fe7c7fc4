//! git's own formats, as far as they are read without the `git` program: references in files, and the
//! protocol that servers speak. What is asked of whom, and why, stands in [`crate::facts`].

pub mod refs;
pub mod wire;
