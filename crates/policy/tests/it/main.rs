//! The engine from outside: rules of evaluation, request documents, and the shared fixtures.

mod conditions;
mod engine;
mod requests;
mod shared_cases;
mod shorthand;
