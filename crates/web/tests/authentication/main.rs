//! Tokens over HTTP: which are believed, which are given, and with what keys (platform-authentication §8.1–8.3, §8.5,
//! §8.6).
//!
//! The server is one of production: it stands at a time of its own, signs with a key these tests hold, and exchanges
//! tokens of two providers whose keys they hold as well.

mod attacks;
mod exchange;
mod keys;
mod refresh;
mod world;
