//! Reads an `App` folder once into an immutable, fully checked value, and keeps the set of apps.
//!
//! What is in an [`App`] is parsed, checked and, where clients get it as a document, already written. After loading,
//! no request reads the folder, except for the files of `wwwroot`. Loading tells all problems of a folder at once,
//! each with file and line; a broken app does not stop the others, and a broken change of a served app keeps the last
//! good version. The crate knows nothing of HTTP, of storage or of who asks.
//!
//! Read first: [`App`], [`Problem`], [`Apps`].
//!
//! ```no_run
//! use mottak_apps::App;
//!
//! let loaded = App::load("apps/permit".as_ref());
//! for problem in &loaded.problems {
//!     println!("{problem}");
//! }
//! if let Some(app) = loaded.app {
//!     println!("{} has {} data types", app.id, app.application.data_types.len());
//! }
//! ```

mod app;
mod apps;
mod check;
mod files;
mod json;
mod metadata;
mod models;
mod options;
mod problem;
mod references;
mod rules;
mod settings;
mod shape;
mod texts;
mod ui;
mod watch;

pub use app::{App, LoadOptions, Loaded};
pub use apps::{Apps, Reload, ReloadOutcome};
pub use check::{CheckedFolder, Report, check, render};
pub use files::{ContentHash, app_folder};
pub use metadata::MetadataDocuments;
pub use models::{Document, Models};
pub use options::{AppOption, OptionList, OptionLists};
pub use problem::{Problem, Severity};
pub use settings::{AppSettings, MessagePrefixes};
pub use texts::Texts;
pub use ui::{LayoutSetEntry, Ui, UiFolder, UiGeneration};
pub use watch::{Watch, WatchError};
