//! A whole server in one process, and clients in every role, for tests over HTTP.
//!
//! ```no_run
//! # async fn test() {
//! use mottak_testkit::TestServer;
//! let server = TestServer::with_example_apps();
//! let created = server.user(1337).post("/ttd/kulturstotte/instances?instanceOwnerPartyId=501337").send().await;
//! assert_eq!(created.status, 201);
//! # }
//! ```

mod backing;
mod client;
mod faulty;
mod seed;
mod server;

pub use backing::{Backing, Engines};
pub use client::{Answer, Client, Sending};
pub use faulty::{FaultyStore, Operation};
pub use seed::Seed;
pub use server::{TestServer, TestServerBuilder};
