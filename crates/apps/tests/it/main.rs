//! Loading apps from disk.

mod broken;
mod documents;
mod folder;
mod garbage;
mod own_apps;
mod reload;
mod shared_apps;
