//! Versions: how they are written, ordered, counted on and put into tags.
//!
//! A version here is only ever a release's (`1.5.0`) or a candidate's
//! (`1.5.0-rc.2`). Which versions are taken, and which is the newest, is the
//! caller's knowledge; nothing here looks at tags, clocks or history.

mod calver;
mod notation;
mod number;
mod tag_style;

pub use calver::CalverFormat;
pub use notation::{Bump, Notation, Scheme};
pub use number::{CandidateMark, CandidateVersion, Version, split_candidate};
pub use tag_style::{ParsedTag, TagStyle};
