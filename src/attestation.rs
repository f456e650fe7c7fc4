//! The statement about an image: what was published or promoted, from which branch, and what every
//! rule said. It is attached to the digest in the registry, so it travels with the bytes, whatever
//! they are called.

pub mod statement;
