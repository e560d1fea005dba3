//! The developers' side over HTTP: its pages, and the test token generator.

mod generator;
mod pages;
mod world;
