//! The `rel` program: everything is in the library.

fn main() -> std::process::ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    rel::run(std::env::args_os(), rel::world::World::from_process)
}
