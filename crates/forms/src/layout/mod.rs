//! Layout files: pages, components and what they bind.
