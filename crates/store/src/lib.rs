//! SQLite and in-memory implementations of the store, blobs as rows and files, and migrations.
