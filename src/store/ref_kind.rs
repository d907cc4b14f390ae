//! What a ref is for, as its name tells. Nobody else takes a ref's name apart for that.

/// What kind of ref a full name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefKind {
    /// A chain, which only ever grows by commits on top of its tip.
    Chain,
    /// A tag, which never moves.
    Tag,
    /// A branch, which is the user's.
    Branch,
    /// Any other ref: what keeps artifacts or output, or a copy of a remote's ref.
    Other,
}

impl RefKind {
    /// Returns the kind of a ref; `None` if the name is no full name of a ref.
    pub(crate) fn of(name: &str) -> Option<RefKind> {
        Some(match name.strip_prefix("refs/")?.split('/').next()? {
            "notes" => RefKind::Chain,
            "tags" => RefKind::Tag,
            "heads" => RefKind::Branch,
            _ => RefKind::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_a_ref_is_for() {
        for (name, kind) in [
            ("refs/notes/rel/shop/env/prod", Some(RefKind::Chain)),
            ("refs/tags/v1.0.0", Some(RefKind::Tag)),
            ("refs/heads/notes/x", Some(RefKind::Branch)),
            ("refs/rel/shop/artifacts/1.0.0-rc.1", Some(RefKind::Other)),
            ("refs/tagsy", Some(RefKind::Other)),
            ("v1.0.0", None),
        ] {
            assert_eq!(RefKind::of(name), kind, "{name}");
        }
    }
}
