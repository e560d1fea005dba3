//! The whole: the real binary with real apps, its commands, its configuration, its end.

mod authority;
mod backup;
mod commands;
mod crash;
mod dev;
mod export;
mod options;
mod reload;
mod running;
mod serve;
mod stopping;
mod store;
