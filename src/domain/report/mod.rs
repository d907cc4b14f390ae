//! What verbs have to say, as facts: made below, worded once, in `ui`.

pub mod recovered;
pub mod work;
