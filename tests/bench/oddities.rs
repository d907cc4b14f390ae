//! A small repository of picks that are easily got wrong: odd names, renames,
//! merges, roots, what is there already, and text that is not in UTF-8.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rel::domain::name::Oid;

use crate::sides::Pick;
use crate::surroundings::Surroundings;

/// What makes other commits of the same picks.
pub const SETTINGS: [(&str, &str); 3] =
    [("merge.directoryRenames", "true"), ("i18n.commitEncoding", "ISO-8859-1"), ("diff.renames", "false")];

/// Names that are quoted, or taken for something else, where nobody takes care.
const NAMES: [&[u8]; 13] = [
    b"plain",
    b"two  words",
    b" blanks around ",
    b"\"quoted\" it's",
    b"back\\slash",
    b"tab\there",
    b"line\nbreak",
    b"-dash",
    b":(glob)*",
    b"$HOME ~ {}",
    b"\xc3\xbcn\xc3\xafcode/\xf0\x9f\xa6\x80",
    b"e\xcc\x81",
    b"l\xe4tin",
];

/// A commit that is there as its bytes are: author, other headers, message.
type Raw = (&'static [u8], &'static [u8], &'static [u8]);

const RAW: [Raw; 16] = [
    (b"\xc3\x84nne O'Neil", b"", b"fix: gr\xc3\xbc\xc3\x9fe \xe2\x82\xac\n"),
    (b"J\xf6rg", b"encoding ISO-8859-1\n", b"fix: Gr\xfc\xdfe\n\nSigned-off-by: J\xf6rg <j@x>\n"),
    (b"J\xf6rg", b"encoding latin1\ngpgsig x\n author y\n", b"fix: Gr\xfc\xdfe"),
    (b"J\xf6rg", b"encoding klingon\n", b"fix: Gr\xfc\xdfe\n"),
    (b"J\xf6rg", b"", b"fix: Gr\xfc\xdfe \xc3\xbc\n"),
    (b"K", b"encoding Shift_JIS\n", b"\x93\xfa\x96{\n"),
    (b"K", b"encoding Shift_JIS\n", b"\x93\xfa\x96{\xff\n"),
    (b"K", b"encoding UTF-8\n", b"fix: \xc3\xbc\n"),
    (b"K", b"mergetag object 1\n type commit\nother x\n", b"fix: headers\n"),
    (b"K", b"", b"fix: reviewed\n\nbody\n\nReviewed-by: B\nIssue : 7"),
    (b"K", b"", b"fix: signed\n\nprose\nSigned-off-by: B <b@x>\nmore\n\n\n"),
    (b"K", b"", b"fix: picked\n\n(cherry picked from commit 0123456789012345678901234567890123456789)\n"),
    (b"K", b"", b"\n \n\nfix: blanks  \t\n\n\n\nbody\r\n\n    code\n"),
    (b"K", b"", b"fix: old\n\nSigned-off-by: B\n\nConflicts:\n\ta b\n"),
    (b"K", b"", b"fix: comments\n\nX: y\n# comment\n"),
    (b"K", b"", b""),
];

/// Makes it: where it is, and what is to be picked.
pub fn make(around: &Surroundings) -> (PathBuf, Vec<(String, Pick)>) {
    let place = around.at("shop");
    around.ask_git(&around.at("."), &["init", "--quiet", "shop"]);
    let mut making = Making { around, place, cases: Vec::new(), base: None, release: None };
    making.base_and_release();
    making.names();
    making.contents();
    making.moves();
    making.what_is_there();
    making.merges_and_roots();
    making.texts();
    (making.place, making.cases)
}

struct Making<'s> {
    around: &'s Surroundings,
    place: PathBuf,
    cases: Vec<(String, Pick)>,
    base: Option<Oid>,
    release: Option<Oid>,
}

/// Twenty lines, one of which is this one.
fn lines(number: usize, line: &str) -> String {
    (1..=20).map(|at| if at == number { format!("{line}\n") } else { format!("{at}\n") }).collect()
}

impl Making<'_> {
    fn git(&self, words: &[&str]) -> String {
        self.around.ask_git(&self.place, words)
    }

    fn at(&self, name: &[u8]) -> PathBuf {
        self.place.join(Path::new(OsStr::from_bytes(name)))
    }

    fn write(&self, name: impl AsRef<[u8]>, text: impl AsRef<[u8]>) {
        let path = self.at(name.as_ref());
        fs::create_dir_all(path.parent().expect("it is in the repository")).expect("a folder under target/");
        fs::write(path, text).expect("a file under target/");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from.as_bytes()), self.at(to.as_bytes())).expect("it was made");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.at(name.as_bytes())).expect("it was made");
    }

    fn link(&self, name: &str, to: &str) {
        symlink(to, self.at(name.as_bytes())).expect("a file under target/");
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name.as_bytes()), fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    /// A submodule that nobody checked out.
    fn submodule(&self, at: &str) {
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{at},sub")]);
    }

    fn head(&self) -> Oid {
        self.git(&["rev-parse", "HEAD"]).parse().expect("git prints ids")
    }

    fn base(&self) -> Oid {
        self.base.expect("it is made first")
    }

    fn release(&self) -> Oid {
        self.release.expect("it is made first")
    }

    fn go_to(&self, commit: Oid) {
        self.git(&["checkout", "--quiet", "--force", "--detach", &commit.to_string()]);
        self.git(&["clean", "--quiet", "-ffdx", "-e", "sub"]);
    }

    /// Commits whatever is there.
    fn commit(&self, message: &str) -> Oid {
        self.git(&["add", "--all", "--", ".", ":(exclude)sub"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// A commit with this change on top of the base.
    fn change(&self, name: &str, change: impl FnOnce(&Self)) -> Oid {
        self.go_to(self.base());
        change(self);
        self.commit(name)
    }

    fn pick(&mut self, name: impl Into<String>, source: Oid, mainline: Option<u32>) {
        let pick = Pick { source, onto: self.release(), mainline };
        self.cases.push((name.into(), pick));
    }

    /// The pick of such a commit onto the release.
    fn case(&mut self, name: &str, change: impl FnOnce(&Self)) {
        let source = self.change(name, change);
        self.pick(name, source, None);
    }

    /// What trunk was, and what the release has made of it since.
    fn base_and_release(&mut self) {
        self.write(".gitattributes", "*.dos text eol=crlf\nlog merge=union\n*.bin binary\n");
        for name in NAMES {
            self.write(name, lines(0, ""));
        }
        for name in ["old dir/a", "old dir/b", "moved", "twice", "gone", "left"] {
            // What is alike in nothing cannot be taken for a rename of the other.
            self.write(name, (1..=20).map(|at| format!("{name} {at}\n")).collect::<String>());
        }
        self.write("text.dos", lines(0, "").replace('\n', "\r\n"));
        self.write("log", "one\n");
        self.write("data.bin", [0, 1, 2, 255]);
        self.write("other.bin", [0, 1, 2, 254]);
        self.write("run.sh", "#!/bin/sh\n");
        self.write("kind", "a file\n");
        self.write("empty", "");
        self.link("link", "plain");
        self.git(&["add", "--all"]);
        fs::create_dir(self.at(b"sub")).expect("a folder under target/");
        self.submodule(&"1".repeat(40));
        self.base = Some(self.commit("base"));

        for name in NAMES {
            self.write(name, lines(5, "released"));
        }
        self.rename("old dir", "new dir");
        self.rename("moved", "elsewhere");
        self.rename("twice", "twice here");
        self.remove("gone");
        self.write("both", "of the release\n");
        self.write("spot/inside", "of the release\n");
        self.write("place", "of the release\n");
        self.write("log", "one\nreleased\n");
        self.write("other.bin", [0, 9, 9, 254]);
        self.remove("kind");
        self.link("kind", "plain");
        self.release = Some(self.commit("release"));
    }

    fn names(&mut self) {
        for name in NAMES {
            let text = name.escape_ascii();
            self.case(&format!("a fix in {text}"), |at| at.write(name, lines(15, "fixed")));
            self.case(&format!("a conflict in {text}"), |at| at.write(name, lines(5, "fixed")));
        }
        self.case("a conflict in all of them", |at| {
            NAMES.iter().for_each(|name| at.write(name, lines(5, "fixed")));
        });
        self.case("new names", |at| {
            NAMES.iter().for_each(|name| at.write([*name, b".new"].concat(), "new\n"))
        });
        self.case("a fix and a conflict", |at| {
            at.write("plain", lines(5, "fixed"));
            at.write("-dash", lines(15, "fixed"));
        });
    }

    fn contents(&mut self) {
        self.case("line endings", |at| {
            at.write("text.dos", lines(15, "fixed").replace('\n', "\r\n"));
        });
        self.case("a merge driver", |at| at.write("log", "one\nfixed\n"));
        self.case("a binary file", |at| at.write("data.bin", [0, 9, 2, 255]));
        self.case("a conflict of binary files", |at| at.write("other.bin", [0, 7, 7, 254]));
        self.case("a mode", |at| at.mode("run.sh", 0o755));
        self.case("a mode and a text", |at| {
            at.mode("plain", 0o755);
            at.write("plain", lines(15, "fixed"));
        });
        self.case("a symbolic link", |at| {
            at.remove("link");
            at.link("link", "moved");
        });
        self.case("a file that became a link there", |at| at.write("kind", "another file\n"));
        self.case("an empty file filled", |at| at.write("empty", "no more\n"));
        self.case("a new empty file", |at| at.write("as empty", ""));
        self.case("no newline at the end", |at| at.write("plain", lines(15, "fixed").trim_end()));
        let submodule = self.change("a submodule", |at| at.submodule(&"2".repeat(40)));
        self.pick("a submodule", submodule, None);
    }

    fn moves(&mut self) {
        let long = |name: &str, line: &str| -> String {
            (1..=20)
                .map(|at| format!("{name} {}\n", if at == 15 { line.to_owned() } else { at.to_string() }))
                .collect()
        };
        self.case("a fix in a folder that was renamed there", |at| {
            at.write("old dir/a", long("old dir/a", "fixed"));
        });
        self.case("a new file in a folder that was renamed there", |at| at.write("old dir/c", "new\n"));
        self.case("a fix in a file that was moved there", |at| at.write("moved", long("moved", "fixed")));
        self.case("a fix in a file that was removed there", |at| at.write("gone", long("gone", "fixed")));
        self.case("a file removed that was moved there", |at| at.remove("moved"));
        self.case("a file removed", |at| at.remove("left"));
        self.case("a file moved", |at| at.rename("left", "right"));
        self.case("a file moved elsewhere than there", |at| at.rename("twice", "twice away"));
        self.case("a folder renamed otherwise than there", |at| at.rename("old dir", "other dir"));
        self.case("a file that was added there too", |at| at.write("both", "of trunk\n"));
        self.case("a file where there is a folder", |at| at.write("spot", "of trunk\n"));
        self.case("a folder where there is a file", |at| at.write("place/inside", "of trunk\n"));
    }

    fn what_is_there(&mut self) {
        self.case("the same change", |at| at.write("plain", lines(5, "released")));
        self.case("the same removal", |at| at.remove("gone"));
        self.case("the same rename", |at| at.rename("moved", "elsewhere"));
        self.case("nothing at all", |_| {});
        let (base, release) = (self.base(), self.release());
        self.pick("the root that it grew from", base, None);
        self.pick("itself", release, None);
        self.cases
            .push(("onto its own parent".to_owned(), Pick { source: release, onto: base, mainline: None }));
    }

    fn merges_and_roots(&mut self) {
        let left = self.change("left", |at| at.write("plain", lines(15, "left")));
        let right = self.change("right", |at| at.write("-dash", lines(15, "right")));
        let third = self.change("third", |at| at.write("third", "third\n"));
        let conflicting = self.change("conflicting", |at| at.write("plain", lines(5, "fixed")));
        let merge = |at: &Self, parents: &[Oid], evil: Option<&str>| {
            at.go_to(parents[0]);
            let others: Vec<String> = parents[1..].iter().map(Oid::to_string).collect();
            let merging = ["merge", "--quiet", "--no-ff", "--no-commit"].into_iter();
            at.git(&merging.chain(others.iter().map(String::as_str)).collect::<Vec<_>>());
            if let Some(text) = evil {
                at.write("of the merge alone", text);
            }
            at.commit("merge")
        };
        let two = merge(self, &[left, right], None);
        let evil = merge(self, &[left, right], Some("evil\n"));
        let three = merge(self, &[left, right, third], None);
        let clashing = merge(self, &[right, conflicting], None);
        for (name, commit, parents) in [
            ("a merge", two, 2),
            ("an evil merge", evil, 2),
            ("a merge of three", three, 3),
            ("a merge that conflicts", clashing, 2),
        ] {
            self.pick(format!("{name}, without -m"), commit, None);
            for side in 1..=parents + 1 {
                self.pick(format!("{name}, -m {side}"), commit, Some(side));
            }
        }
        self.pick("no merge, -m 1", left, Some(1));
        self.pick("no merge, -m 2", left, Some(2));

        let root = |at: &Self, name: &str, text: &str| {
            at.git(&["checkout", "--quiet", "--force", "--orphan", &format!("root-{name}")]);
            at.git(&["rm", "--quiet", "-r", "--force", "."]);
            at.git(&["clean", "--quiet", "-ffdx"]);
            at.write(name, text);
            at.commit("root")
        };
        let new = root(self, "new", "new\n");
        let clashing = root(self, "plain", "clashes\n");
        let same = root(self, "both", "of the release\n");
        self.pick("a root", new, None);
        self.pick("a root, -m 1", new, Some(1));
        self.pick("a root, -m 2", new, Some(2));
        self.pick("a root that conflicts", clashing, None);
        self.pick("a root with what is there", same, None);
    }

    fn texts(&mut self) {
        let tree = self.change("texts", |at| at.write("plain", lines(15, "fixed")));
        let tree = self.git(&["rev-parse", &format!("{tree}^{{tree}}")]);
        let base = self.base();
        for (author, headers, message) in RAW {
            let times = [&b" <k@x> 1500000000 -0730\ncommitter "[..], author, b" <k@x> 1500000001 +0545\n"];
            let begin = format!("tree {tree}\nparent {base}\nauthor ").into_bytes();
            let data = [&begin[..], author, &times.concat(), headers, b"\n", message].concat();
            let file = self.around.at("raw");
            fs::write(&file, &data).expect("a file under target/");
            let words = ["hash-object", "-w", "-t", "commit", "--literally", &file.to_string_lossy()];
            let source = self.git(&words).parse().expect("git prints ids");
            self.pick(format!("text {}", data[begin.len()..].escape_ascii()), source, None);
        }
    }
}
