//! The two steps, sentence by sentence, over a repository that is made
//! in-process: no test below starts one.

mod containment;
mod left_behind;
mod revisions;
