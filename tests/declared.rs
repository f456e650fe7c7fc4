//! What people declare: by trailers in a real repository, and by what a scripted GitHub or Gitea says of
//! labels, reviews, texts and issues; judged by the real binary.

mod agreed;
mod hostile;
mod issue;
mod temporary;
mod trailers;
mod triage;
mod world;
