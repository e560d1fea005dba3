//! The developers' side over HTTP: the test token generator, and that nothing of it is there without.

mod generator;
mod world;
