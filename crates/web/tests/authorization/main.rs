//! Who may do what over HTTP, and what holds for every request whatever it asks for.
//!
//! `matrix.txt` says for every route and every kind of caller what comes back; the other modules look at tokens,
//! paths, headers, refusals, the antiforgery pair, the start page and the developers' logins.

mod antiforgery;
mod callers;
mod developers;
mod enforcement;
mod headers;
mod logs;
mod matrix;
mod paths;
mod refusals;
mod storage_requests;
mod tokens;
