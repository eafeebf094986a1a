//! Parse, run, exit.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Judging makes and frees millions of small values: the allocators of glibc and musl would take most of its time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(ecs_network_audit::cli::run().code())
}
