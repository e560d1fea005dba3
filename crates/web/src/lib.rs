//! HTTP in: one module per API family, and the mapping from refusals to status codes and bodies.
