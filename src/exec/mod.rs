//! Other people's commands: argv, environment, folder, timeout, process group, signals.
