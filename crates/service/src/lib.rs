//! The use cases: load what is needed, decide, commit one change. Declares the ports it needs from the world.
