//! Locks of elements: a locked one keeps its content (platform-storage §2.5).
//!
//! Neither locking nor unlocking touches anything or leaves an event.

use mottak_model::DataElement;

use super::element_of;
use crate::authentication::Caller;
use crate::data::ElementId;
use crate::draft::{Author, Draft};
use crate::instances::read::{load_known, load_permitted_any};
use crate::storage::task::{Question, to_write};
use crate::{Refusal, Service};
