//! Reads an App folder once into an immutable, fully checked value, and keeps the set of apps.
