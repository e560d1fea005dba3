//! The expression language of layouts and processes.
