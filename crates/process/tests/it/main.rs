//! Tests of the process crate from outside: text cases, the shared definitions, rules of the contract, and input
//! that must not break it.

mod cases;
mod never_panics;
mod picture;
mod rules;
mod shared_definitions;
