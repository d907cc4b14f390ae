//! The `rel` program: everything is in the library.

fn main() -> std::process::ExitCode {
    rel::run(std::env::args_os(), rel::world::World::from_process)
}
