//! Form data as XML (app-forms §1.3): the stored document to values, and values to its exact bytes.
//!
//! Signatures hash the written bytes, so the writer makes every byte itself.

mod read;
mod write;

use std::sync::Arc;

pub use read::XmlReadError;

use crate::data::FormData;
use crate::model::Model;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XSD: &str = "http://www.w3.org/2001/XMLSchema";

impl FormData {
    /// Reads an XML document of the model: elements in any order, unknown ones ignored, the last of duplicates kept.
    ///
    /// A document without namespace is accepted for a model with one.
    ///
    /// # Errors
    /// An empty or malformed document, a document type declaration, another root element or namespace, nesting deeper
    /// than 64, or a value that is not of its type.
    pub fn from_xml(model: &Arc<Model>, bytes: &[u8]) -> Result<Self, XmlReadError> {
        Ok(Self::from_root(model, read::read(model, bytes)?))
    }

    /// The document as it is stored: XML declaration, then the root, no byte order mark and no blanks between elements.
    pub fn to_xml(&self) -> String {
        let mut document = String::from(DECLARATION);
        document.push_str(&self.to_xml_without_declaration());
        document
    }

    /// The document as `Accept: application/xml` gets it (app-forms §1.4).
    pub fn to_xml_without_declaration(&self) -> String {
        write::root(self.model(), self.root())
    }
}

const DECLARATION: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
