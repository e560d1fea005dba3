//! The platform's own APIs, beside those of the apps.

pub mod authentication;
pub mod storage;
