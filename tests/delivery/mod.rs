//! The two steps, sentence by sentence, over a repository that is made
//! in-process: no test below starts one.

mod bases;
mod containment;
mod cuts;
mod left_behind;
mod plans;
mod reading;
mod records;
mod revisions;
mod running;
mod ways_back;
