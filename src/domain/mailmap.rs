//! What `.mailmap` says of people (gitmailmap(5)), as git reads it: later
//! lines beat earlier ones, and neither names nor addresses mind case.

use gix_actor::SignatureRef;

use super::name::Actor;

/// Who is who.
#[derive(Debug, Clone, Default)]
pub struct Mailmap(gix_mailmap::Snapshot);

impl Mailmap {
    /// Of some files, the later ones beat the earlier. Lines that are none of
    /// a mailmap say nothing.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Mailmap {
        let mut people = gix_mailmap::Snapshot::default();
        for text in texts {
            people.merge(gix_mailmap::parse_ignore_errors(text));
        }
        Mailmap(people)
    }

    /// The one name and address of a person.
    pub fn canonical(&self, actor: Actor) -> Actor {
        let Actor { name, email } = &actor;
        let who = SignatureRef { name: name.as_str().into(), email: email.as_str().into(), time: "" };
        let Some(found) = self.0.try_resolve_ref(who) else { return actor };
        let text = |found: Option<&[u8]>, own: &str| {
            found.map_or_else(|| own.to_owned(), |found| String::from_utf8_lossy(found).into_owned())
        };
        Actor::new(
            &text(found.name.map(|name| &**name), name),
            &text(found.email.map(|email| &**email), email),
        )
    }

    /// Whether two are one person.
    pub fn is_one(&self, one: &Actor, other: &Actor) -> bool {
        one.is(other) || self.canonical(one.clone()).is(&self.canonical(other.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_known_as_git_knows_them() {
        let text = "Ana <ana@example.com> <Ana@Home.Example>\n\
            # nobody <is@said.example>\n\
            Bob Proper <bob@example.com> bobby <shared@example.com>\n\
            <kim@example.com> <kim@old.example> # since May\n\
            Lou <lou@example.com>\n\
            not a line\n";
        let people = Mailmap::of([text.as_bytes()]);
        for (from, to) in [
            ("ana <ana@home.example>", "Ana <ana@example.com>"),
            ("x <ANA@HOME.EXAMPLE>", "Ana <ana@example.com>"),
            ("BOBBY <Shared@example.com>", "Bob Proper <bob@example.com>"),
            ("Somebody <shared@example.com>", "Somebody <shared@example.com>"),
            ("Kim K <KIM@old.example>", "Kim K <kim@example.com>"),
            ("l <lou@example.com>", "Lou <lou@example.com>"),
            ("nobody <is@said.example>", "nobody <is@said.example>"),
        ] {
            assert_eq!(people.canonical(from.parse().unwrap()).to_string(), to);
        }
        let later = Mailmap::of([text.as_bytes(), b"A <a@b.example> <ana@home.example>\n"]);
        assert_eq!(later.canonical("x <ana@home.example>".parse().unwrap()).email, "a@b.example");
    }
}
