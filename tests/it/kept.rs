//! What commands print is kept to its end, whoever opens it anew, ends or is killed.

use nix::sys::signal::Signal;

use crate::repo::{Desk, Shop};
use crate::world::wait_until;

/// Prints after what it waits for.
const HOLDS: &str = "#!/bin/sh
mkdir -p \"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN\"
echo before
echo $$ > \"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN/part\"
mv \"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN/part\" \"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN/pid\"
while [ -e \"$SHOP/hold-staging\" ]; do sleep 0.02; done
set -e
head -c 300000 /dev/zero | tr '\\0' 'x'
echo
echo after
";

fn shop_with(deploy: &str) -> Shop {
    let shop = Shop::new();
    let ana = shop.ana();
    ana.script("deploy.sh", deploy);
    ana.script("verify.sh", "#!/bin/sh\n");
    ana.commit_all("build: deploy otherwise");
    shop
}

fn kept(desk: &Desk<'_>) -> String {
    std::fs::read_to_string(desk.dir.join(".git/rel/shop/output/staging/1.log")).unwrap_or_default()
}

#[cfg(target_os = "linux")]
/// The keepers that a process has started and that still run.
fn keepers(parent: u32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        rest.get(1) == Some(&parent.to_string().as_str()) && argv.ends_with(b"__keep-output\0")
    })
    .collect()
}

#[test]
fn every_command_may_open_its_output_anew() {
    let again = "echo one
echo two > /dev/stderr
echo three | tee /dev/stderr > /dev/null
echo four | dd of=/dev/stdout 2> /dev/null
echo five | sort -o /dev/stderr
echo six
";
    let shop = Shop::new();
    let ana = shop.ana();
    for script in ["build.sh", "deploy.sh", "verify.sh"] {
        let text = std::fs::read_to_string(ana.dir.join(script)).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        ana.script(script, &format!("{first}\n{again}{rest}"));
    }
    ana.script("hook.sh", &format!("#!/bin/sh\n{again}"));
    let toml = ana.dir.join("release.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(&toml, format!("{text}\n[hooks]\nbefore_deploy = \"./hook.sh\"\n")).unwrap();
    ana.commit_all("build: print more");
    let words = ["one", "two", "three", "four", "five", "six"];
    let cut = ana.rel(&["cut", "--no-deploy", "--yes"]).ok();
    let deployed = ana.rel(&["deploy", "staging", "--yes"]).ok();
    for (name, shown) in [
        ("build", &cut.stderr),
        ("before_deploy", &deployed.stderr),
        ("deploy", &deployed.stderr),
        ("verify", &deployed.stderr),
    ] {
        let mark = format!("{name} | ");
        let lines: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix(&mark)).collect();
        assert_eq!(lines.get(..6), Some(&words[..]), "{name}: {shown}");
    }
    let all: Vec<String> =
        kept(&ana).lines().filter(|line| words.contains(line)).map(str::to_owned).collect();
    assert_eq!(all, [words, words].concat(), "of deploy and verify nothing is truncated");
}

#[test]
fn a_killed_rel_costs_nothing_of_what_its_command_prints() {
    let shop = shop_with(HOLDS);
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes"]);
    let command = shop.world.running("staging", 1);
    ana.noted();
    running.signal(Signal::SIGKILL);
    running.wait().code(137);
    shop.world.clear("hold-staging");
    wait_until("the rest is kept", || kept(&ana).ends_with("x\nafter\n"));
    assert_eq!(kept(&ana).len(), "before\n".len() + 300_001 + "after\n".len());
    command.is_gone();
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_keeper_is_replaced_and_its_command_goes_on() {
    let shop = shop_with(HOLDS);
    let ana = shop.ana();
    ana.cut(&[]);
    shop.world.set("hold-staging");
    let running = ana.start(&["deploy", "staging", "--yes"]);
    shop.world.running("staging", 1);
    ana.noted();
    let rel = running.pid();
    let [keeper] = keepers(rel)[..] else { panic!("one for each command") };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(keeper), Signal::SIGKILL).unwrap();
    wait_until("another is there", || keepers(rel).iter().any(|pid| *pid != keeper));
    shop.world.clear("hold-staging");
    running.wait().ok();
    let kept = kept(&ana);
    assert!(kept.starts_with("before\n\nrel: what keeps this output was killed"), "{}", &kept[..80]);
    assert!(kept.contains("x\nafter\n"));
}

#[test]
fn a_service_in_the_background_is_neither_waited_for_nor_broken() {
    let shop = shop_with(
        "#!/bin/sh
mkdir -p \"$SHOP/deploy/$REL_ENV-$REL_FENCE_TOKEN\"
(while [ -d \"$SHOP\" ] && [ ! -e \"$SHOP/stop\" ]; do echo tick; sleep 0.02; done; echo last; touch \"$SHOP/served\") &
echo up
",
    );
    let ana = shop.ana();
    ana.cut(&[]);
    ana.deploy("staging", &[]);
    let before = kept(&ana).len();
    wait_until("it prints on", || kept(&ana).len() > before);
    shop.world.set("stop");
    wait_until("it ends by itself", || shop.world.shop().join("served").exists());
    wait_until("its last word is kept", || kept(&ana).ends_with("last\n"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_a_failure_that_is_said() {
    let shop = Shop::new();
    let ana = shop.ana();
    for args in [&["--version"][..], &["list"], &["status", "--json"], &["cut", "--yes", "--no-deploy"]] {
        let mut command = ana.command(args);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        let told = "error: it is done, but its result could not be written to standard output\n  caused by: ";
        assert!(said.contains(told), "{args:?}: {said}");
    }
}
