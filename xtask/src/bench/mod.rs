//! Load on a release build.

/// What `cargo xtask bench` can be told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> anyhow::Result<()> {
    Ok(())
}
