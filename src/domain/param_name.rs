//! Which variables no parameter is named after: they change what a command
//! runs, or where, instead of telling it something.

/// What a name is or begins with (`*`), and what such a variable does.
const TAKEN: [(&[&str], &str); 8] = [
    (&["REL_*"], "rel itself says these to commands"),
    (&["PATH", "CDPATH"], "it says where programs are looked for"),
    (
        &["LD_*", "DYLD_*", "LIBPATH", "SHLIB_PATH", "GCONV_PATH", "GLIBC_TUNABLES", "MALLOC_*"],
        "it changes what is loaded into programs",
    ),
    (
        &[
            "SHELL",
            "SHELLOPTS",
            "BASHOPTS",
            "BASH_*",
            "ENV",
            "IFS",
            "PS4",
            "PROMPT_COMMAND",
            "ZDOTDIR",
            "KSH_ENV",
        ],
        "it changes what shells run, and how they read it",
    ),
    (&["GIT_*", "SSH_ASKPASS", "SSH_AUTH_SOCK"], "it changes what git does, and for which repository"),
    (
        &["EDITOR", "VISUAL", "PAGER", "BROWSER", "LESSOPEN", "LESSCLOSE", "MANPAGER"],
        "programs run what it says",
    ),
    (
        &[
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONSTARTUP",
            "PERL5LIB",
            "PERL5OPT",
            "PERL5DB",
            "PERLLIB",
            "RUBYLIB",
            "RUBYOPT",
            "NODE_OPTIONS",
            "NODE_PATH",
            "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "_JAVA_OPTIONS",
            "CLASSPATH",
            "LUA_PATH",
            "LUA_CPATH",
            "LUA_INIT",
            "PHPRC",
            "PHP_INI_SCAN_DIR",
            "MAKEFLAGS",
            "MAKEFILES",
            "GNUMAKEFLAGS",
        ],
        "it changes what an interpreter runs",
    ),
    (&["HOME", "XDG_*", "TMPDIR", "PWD", "OLDPWD"], "programs look there for what they do"),
];

/// Why no parameter may have this name; `None` if one may.
pub fn taken(name: &str) -> Option<&'static str> {
    let is = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *pattern,
    };
    TAKEN.iter().find(|(names, _)| names.iter().any(is)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_what_runs_names_no_parameter() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "DYLD_INSERT_LIBRARIES",
            "GIT_DIR",
            "GIT_SSH_COMMAND",
            "REL_YES",
            "BASH_ENV",
            "ENV",
            "IFS",
            "SHELL",
            "HOME",
            "PYTHONPATH",
            "NODE_OPTIONS",
        ] {
            assert!(taken(name).is_some(), "{name}");
        }
        for name in [
            "REPLICAS",
            "TOKEN",
            "APP_PATH",
            "ENVIRONMENT",
            "GITHUB_TOKEN",
            "RELEASE",
            "LDAP_URL",
            "NODE_ENV",
        ] {
            assert_eq!(taken(name), None, "{name}");
        }
    }
}
