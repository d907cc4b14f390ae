//! The web pages of the host a repository is on, made from the remote's
//! address.
//!
//! A page's address has the host, the port of a web address and the
//! repository's path in it, and nothing else: who logs in, and with what,
//! stays out. What is no host known here has no pages.

use gix_url::Scheme;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::name::{Oid, TagName};

/// What may stand in a part of a path as it is (RFC 3986, unreserved).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The pages of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    kind: HostKind,
    /// The repository's own page, without a slash at its end.
    page: String,
}

/// Whose software serves the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostKind {
    GitHub,
    GitLab,
    Bitbucket,
    /// Forgejo, and with it Codeberg, too.
    Gitea,
    Sourcehut,
    Azure,
}

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A tag that the host has.
    Tag(TagName),
    Commit(Oid),
}

impl Spot {
    fn text(&self) -> String {
        match self {
            Spot::Tag(tag) => joined(tag.as_str().split('/')),
            Spot::Commit(oid) => oid.to_string(),
        }
    }

    /// `GTv1.5.0`, `GC3fa9b10…`: as Azure DevOps names versions.
    fn azure(&self) -> String {
        match self {
            Spot::Tag(tag) => format!("GT{}", utf8_percent_encode(tag.as_str(), PART)),
            Spot::Commit(oid) => format!("GC{oid}"),
        }
    }
}

impl Host {
    /// The pages behind a remote's address: a URL, or `user@host:path`. None
    /// where the address is a folder, or the host's software is not known.
    ///
    /// Beside the hosts known by name, one that is called after the software
    /// it runs (`gitlab.example.com`) is taken at its word.
    pub fn of(address: &str) -> Option<Host> {
        let url = gix_url::parse(address).ok()?;
        let web = matches!(url.scheme, Scheme::Http | Scheme::Https);
        if !web && !matches!(url.scheme, Scheme::Ssh | Scheme::Git) {
            return None;
        }
        let name = url.host.as_deref()?.to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        // A name without a dot is most likely an alias of somebody's ssh configuration.
        if !name.bytes().all(plain) || !name.trim_matches('.').contains('.') {
            return None;
        }
        let path = std::str::from_utf8(url.path_query_fragment().path).ok()?.to_owned();
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..") || part.contains(char::is_control)) {
            return None;
        }
        let last = parts.pop()?;
        parts.extend(Some(last.strip_suffix(".git").unwrap_or(last)).filter(|last| !last.is_empty()));

        let (kind, name) = HostKind::at(&name)?;
        let parts = kind.page(name, &parts)?;
        let scheme = if url.scheme == Scheme::Http { "http" } else { "https" };
        let port = url.port.filter(|_| web).map_or(String::new(), |port| format!(":{port}"));
        let name = if kind == HostKind::Azure && parts.moved { "dev.azure.com" } else { name };
        Some(Host { kind, page: format!("{scheme}://{name}{port}/{}", joined(parts.path)) })
    }

    /// What `to` has and `from` has not. Sourcehut compares nothing; there it
    /// is the history of `to`.
    pub fn compare(&self, from: &Spot, to: &Spot) -> String {
        let page = &self.page;
        let (a, b) = (from.text(), to.text());
        match self.kind {
            HostKind::GitHub | HostKind::Gitea => format!("{page}/compare/{a}...{b}"),
            HostKind::GitLab => format!("{page}/-/compare/{a}...{b}"),
            HostKind::Bitbucket => format!("{page}/branches/compare/{b}%0D{a}"),
            HostKind::Sourcehut => format!("{page}/log/{b}"),
            HostKind::Azure => {
                let (a, b) = (from.azure(), to.azure());
                format!("{page}/branchCompare?baseVersion={a}&targetVersion={b}&_a=commits")
            }
        }
    }

    pub fn commit(&self, oid: Oid) -> String {
        let page = &self.page;
        match self.kind {
            HostKind::GitHub | HostKind::Gitea | HostKind::Sourcehut | HostKind::Azure => {
                format!("{page}/commit/{oid}")
            }
            HostKind::GitLab => format!("{page}/-/commit/{oid}"),
            HostKind::Bitbucket => format!("{page}/commits/{oid}"),
        }
    }
}

/// The parts of a page's path, and whether it is on another host than asked.
struct HostPage<'a> {
    path: Vec<&'a str>,
    moved: bool,
}

impl HostKind {
    /// What a host runs, and the name that its pages are under: some have
    /// another for ssh where only the web's port is open.
    fn at(name: &str) -> Option<(HostKind, &str)> {
        let known = match name {
            "github.com" | "ssh.github.com" | "www.github.com" => Some((HostKind::GitHub, "github.com")),
            "gitlab.com" | "altssh.gitlab.com" => Some((HostKind::GitLab, "gitlab.com")),
            "bitbucket.org" | "altssh.bitbucket.org" => Some((HostKind::Bitbucket, "bitbucket.org")),
            "codeberg.org" | "gitea.com" => Some((HostKind::Gitea, name)),
            "git.sr.ht" => Some((HostKind::Sourcehut, name)),
            "dev.azure.com" | "ssh.dev.azure.com" => Some((HostKind::Azure, name)),
            _ if name.ends_with(".visualstudio.com") => Some((HostKind::Azure, name)),
            _ => None,
        };
        let called = |word: &str| name.contains(word);
        known.or_else(|| {
            let kind = if called("gitlab") {
                HostKind::GitLab
            } else if called("gitea") || called("forgejo") {
                HostKind::Gitea
            } else if called("github") {
                HostKind::GitHub
            } else {
                return None;
            };
            Some((kind, name))
        })
    }

    /// Where a repository's page is, by the path it is fetched from; none
    /// where no repository is kept.
    fn page<'a>(self, host: &str, path: &[&'a str]) -> Option<HostPage<'a>> {
        let here = |path: &[&'a str]| Some(HostPage { path: path.to_vec(), moved: false });
        match (self, path) {
            (HostKind::GitHub | HostKind::Bitbucket | HostKind::Sourcehut, [_, _]) => here(path),
            // Groups within groups; or all of it in a folder of the host.
            (HostKind::GitLab | HostKind::Gitea, [_, _, ..]) => here(path),
            (HostKind::Azure, ["v3", org, project, repository])
                if matches!(host, "ssh.dev.azure.com" | "vs-ssh.visualstudio.com") =>
            {
                Some(HostPage { path: vec![org, project, "_git", repository], moved: true })
            }
            (HostKind::Azure, [.., "_git", _])
                if !host.starts_with("ssh.") && !host.starts_with("vs-ssh.") =>
            {
                here(path)
            }
            _ => None,
        }
    }
}

/// Parts of a path as an address has them.
fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let encoded = parts.into_iter().map(|part| utf8_percent_encode(part, PART).to_string());
    encoded.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(address: &str) -> Option<String> {
        Host::of(address).map(|host| host.page)
    }

    #[test]
    fn every_spelling_of_an_address_is_one_page() {
        for address in [
            "https://github.com/o/r",
            "https://github.com/o/r/",
            "https://github.com/o/r.git",
            "https://GitHub.com/o/r.git?x=y#z",
            "https://ana:s3cret@github.com/o/r.git",
            "https://x-access-token:ghp_s3cret@github.com/o/r",
            "git@github.com:o/r.git",
            "git@github.com:/o/r.git",
            "github.com:o/r",
            "ssh://git@github.com/o/r.git",
            "ssh://git@github.com:22/o/r.git",
            "ssh://git@ssh.github.com:443/o/r.git",
            "git+ssh://git@github.com/o/r.git",
            "git://github.com/o/r.git",
        ] {
            assert_eq!(page(address).as_deref(), Some("https://github.com/o/r"), "{address}");
        }
    }

    #[test]
    fn what_is_no_host_known_has_no_pages() {
        for address in [
            "",
            "/srv/git/github.com/o/r.git",
            "../github.com/r.git",
            "file:///srv/github.com/o/r.git",
            "https://example.com/o/r.git",
            "git@example.com:o/r.git",
            "git@github-work:o/r.git",
            "https://github.com/",
            "https://github.com/o",
            "https://github.com/o/r/tree/main",
            "https://github.com/o/../r",
            "https://github.com/o/.git",
            "git@github.com:",
            "ext::sh -c github.com/o/r",
            "codecommit::eu-central-1://github.com/o/r",
            "https://git hub.com/o/r",
            "https://[::1]/github/r",
            "https://dev.azure.com/org/project",
            "git@ssh.dev.azure.com:org/project/_git/r",
        ] {
            assert_eq!(page(address), None, "{address}");
        }
    }

    #[test]
    fn each_host_has_its_own_pages() {
        let commit: Oid = "3fa9b10000000000000000000000000000000000".parse().unwrap();
        let (from, to) = (Spot::Commit(commit), Spot::Tag("shop/v1.6.0+1".parse().unwrap()));
        for (address, compare, one) in [
            (
                "git@github.example.com:o/r.git",
                "https://github.example.com/o/r/compare/{}...shop/v1.6.0%2B1",
                "https://github.example.com/o/r/commit/{}",
            ),
            (
                "https://gitlab.com/g/sub/r.git",
                "https://gitlab.com/g/sub/r/-/compare/{}...shop/v1.6.0%2B1",
                "https://gitlab.com/g/sub/r/-/commit/{}",
            ),
            (
                "ssh://git@altssh.gitlab.com:443/g/r.git",
                "https://gitlab.com/g/r/-/compare/{}...shop/v1.6.0%2B1",
                "https://gitlab.com/g/r/-/commit/{}",
            ),
            (
                "http://gitlab.example.com:8080/g/r.git",
                "http://gitlab.example.com:8080/g/r/-/compare/{}...shop/v1.6.0%2B1",
                "http://gitlab.example.com:8080/g/r/-/commit/{}",
            ),
            (
                "ssh://git@gitea.example.com:2222/o/r.git",
                "https://gitea.example.com/o/r/compare/{}...shop/v1.6.0%2B1",
                "https://gitea.example.com/o/r/commit/{}",
            ),
            (
                "git@codeberg.org:o/r.git",
                "https://codeberg.org/o/r/compare/{}...shop/v1.6.0%2B1",
                "https://codeberg.org/o/r/commit/{}",
            ),
            (
                "https://ana@bitbucket.org/o/r.git",
                "https://bitbucket.org/o/r/branches/compare/shop/v1.6.0%2B1%0D{}",
                "https://bitbucket.org/o/r/commits/{}",
            ),
            (
                "git@git.sr.ht:~o/r",
                "https://git.sr.ht/~o/r/log/shop/v1.6.0%2B1",
                "https://git.sr.ht/~o/r/commit/{}",
            ),
            (
                "https://org@dev.azure.com/org/my%20shop/_git/r",
                "https://dev.azure.com/org/my%20shop/_git/r/branchCompare?baseVersion=GC{}&targetVersion=GTshop%2Fv1.6.0%2B1&_a=commits",
                "https://dev.azure.com/org/my%20shop/_git/r/commit/{}",
            ),
            (
                "git@ssh.dev.azure.com:v3/org/shop/r",
                "https://dev.azure.com/org/shop/_git/r/branchCompare?baseVersion=GC{}&targetVersion=GTshop%2Fv1.6.0%2B1&_a=commits",
                "https://dev.azure.com/org/shop/_git/r/commit/{}",
            ),
            (
                "https://org.visualstudio.com/DefaultCollection/shop/_git/r",
                "https://org.visualstudio.com/DefaultCollection/shop/_git/r/branchCompare?baseVersion=GC{}&targetVersion=GTshop%2Fv1.6.0%2B1&_a=commits",
                "https://org.visualstudio.com/DefaultCollection/shop/_git/r/commit/{}",
            ),
        ] {
            let host = Host::of(address).unwrap_or_else(|| panic!("{address}"));
            let with = |page: &str| page.replace("{}", &commit.to_string());
            assert_eq!(host.compare(&from, &to), with(compare), "{address}");
            assert_eq!(host.commit(commit), with(one), "{address}");
        }
    }

    #[test]
    fn nothing_secret_and_nothing_strange_comes_out() {
        let host = Host::of("https://ana:s3cret@gitlab.example.com/g/a%20%22b%22%3Cc%3E.git?t=s3cret");
        let page = host.unwrap().page;
        assert_eq!(page, "https://gitlab.example.com/g/a%20%22b%22%3Cc%3E");
        assert_eq!(Host::of("https://gitlab.com/g/a%1b%5b2J").map(|host| host.page), None);
    }
}
