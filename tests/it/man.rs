//! `rel man`.

use std::collections::BTreeSet;
use std::fs;

use crate::remote::Kind;
use crate::repo::Shop;

#[test]
fn the_page_of_rel_has_every_section() {
    let shop = Shop::bare(Kind::Path);
    let page = shop.ana().rel(&["man"]).ok().stdout;
    assert!(page.contains(".TH rel 1 "), "{page}");
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "GLOBAL OPTIONS",
        "COMMANDS",
        "EXAMPLES",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "SEE ALSO",
    ] {
        let heading =
            if section.contains(' ') { format!(".SH \"{section}\"") } else { format!(".SH {section}") };
        assert!(page.lines().any(|line| line == heading), "no {section} in {page}");
    }
    for word in [
        "rel\\-cherry\\-pick(1)",
        "\\fB130\\fR",
        "REL_CONFIG",
        "REL_RUN_URL",
        "refs/notes/rel/PROJECT/env/ENV",
    ] {
        assert!(page.contains(word), "no {word} in {page}");
    }
}

#[test]
fn the_page_of_a_verb_has_its_own_flags_and_no_others() {
    let shop = Shop::bare(Kind::Path);
    let ana = shop.ana();
    let page = ana.rel(&["man", "deploy"]).ok().stdout;
    assert!(page.contains(".TH rel-deploy 1 "), "{page}");
    assert!(page.contains("\\fBrel deploy\\fR [OPTIONS] <ENV> [RC]"), "{page}");
    assert!(page.contains("\\-\\-take\\-over") && page.contains("rel promote"), "{page}");
    assert!(!page.contains("\\-\\-offline") && !page.contains("EXIT STATUS"), "{page}");
    assert_eq!(ana.rel(&["man", "promote"]).ok().stdout, page);
    assert!(ana.rel(&["man", "config", "check"]).ok().stdout.contains(".TH rel-config-check 1 "));
    assert_eq!(ana.json(&["man", "deploy"])["page"], page.as_str());
}

#[test]
fn an_unknown_verb_is_refused_with_the_nearest() {
    let shop = Shop::bare(Kind::Path);
    let output = shop.ana().rel(&["man", "deplo", "--json"]).code(4);
    assert_eq!(output.kind(), "not-found");
    assert!(output.ways_on().contains("deploy"), "{output:?}");
    shop.ana().rel(&["man", "deploy", "fast", "--json"]).code(4);
}

#[test]
fn all_pages_are_written_and_none_with_dry_run() {
    let shop = Shop::bare(Kind::Path);
    let ana = shop.ana();
    let would = ana.rel(&["man", "--dir", "pages/man1", "--dry-run"]).ok();
    assert!(would.stdout.contains("would be written"), "{would:?}");
    assert!(!ana.dir.join("pages").exists());
    let document = ana.json(&["man", "--dir", "pages/man1"]);
    let told: BTreeSet<String> = document["written"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let files = fs::read_dir(ana.dir.join("pages/man1")).unwrap();
    let written: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(written, told);
    let help = ana.rel(&["--help"]).ok().stdout;
    let verbs =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for verb in verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help") {
        assert!(written.contains(&format!("rel-{verb}.1")), "no page of {verb}");
    }
    assert!(written.contains("rel.1") && written.contains("rel-config-check.1"));
    for name in &written {
        let page = fs::read_to_string(ana.dir.join("pages/man1").join(name)).unwrap();
        // A line that begins with a dot is a request; these are all there are.
        let requests = page.lines().filter(|line| line.starts_with('.') || line.starts_with('\''));
        let known = [".ie", ".el", ".TH", ".SH", ".PP", ".TP", ".RS", ".RE", ".IP", ".nf", ".fi", ".br"];
        for line in requests {
            assert!(known.contains(&line.split(' ').next().unwrap()), "{name}: {line}");
        }
    }
}
