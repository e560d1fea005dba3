//! The names XACML uses for things: attribute categories, data types, and the Altinn ids the engine itself knows.

/// Namespace of every element of a policy or request.
pub(crate) const XACML: &str = "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17";

/// Attribute id of the one action attribute a request carries.
pub const ACTION_ID: &str = "urn:oasis:names:tc:xacml:1.0:action:action-id";

/// Obligation category: minimum authentication level for everyone (contract §1.4).
pub const MINIMUM_LEVEL: &str = "urn:altinn:minimum-authenticationlevel";

/// Obligation category: the lower minimum for a caller that has a `urn:altinn:org` claim (contract §1.4).
pub const MINIMUM_LEVEL_ORG: &str = "urn:altinn:minimum-authenticationlevel-org";

/// Whom or what an attribute describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The one who acts.
    Subject,
    /// What is acted upon: app, instance, task, instance owner.
    Resource,
    /// What is done.
    Action,
    /// Circumstances, such as the time.
    Environment,
    /// Any other category URI. Targets never look at these; conditions may.
    Other(Box<str>),
}

const CATEGORIES: [(&str, Category); 4] = [
    ("urn:oasis:names:tc:xacml:1.0:subject-category:access-subject", Category::Subject),
    ("urn:oasis:names:tc:xacml:3.0:attribute-category:resource", Category::Resource),
    ("urn:oasis:names:tc:xacml:3.0:attribute-category:action", Category::Action),
    ("urn:oasis:names:tc:xacml:3.0:attribute-category:environment", Category::Environment),
];

impl Category {
    /// The category a URI names.
    pub fn from_uri(uri: &str) -> Self {
        CATEGORIES
            .into_iter()
            .find(|(known, _)| *known == uri)
            .map_or_else(|| Self::Other(uri.into()), |(_, category)| category)
    }

    /// The URI, as written in policies and requests.
    pub fn uri(&self) -> &str {
        if let Self::Other(uri) = self {
            return uri;
        }
        CATEGORIES.iter().find(|(_, category)| category == self).map_or("", |(uri, _)| uri)
    }
}

/// The data type of an attribute value, one variant per type the functions know.
///
/// Two types are the same when their URIs are the same text; no value is converted to match another type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `xs:string`, the type of nearly every attribute.
    #[default]
    String,
    /// `xs:anyURI`.
    AnyUri,
    /// `xs:integer`.
    Integer,
    /// `xs:double`.
    Double,
    /// `xs:boolean`.
    Boolean,
    /// `xs:date`.
    Date,
    /// `xs:time`.
    Time,
    /// `xs:dateTime`.
    DateTime,
    /// `xs:dayTimeDuration`.
    DayTimeDuration,
    /// `xs:yearMonthDuration`.
    YearMonthDuration,
    /// `xs:hexBinary`.
    HexBinary,
    /// `xs:base64Binary`.
    Base64Binary,
    /// XACML's X.500 directory name.
    X500Name,
    /// XACML's mail address.
    Rfc822Name,
    /// Any other URI. Values of such a type are carried and echoed, and match nothing.
    Other(Box<str>),
}

const DATA_TYPES: [(&str, DataType); 14] = [
    ("http://www.w3.org/2001/XMLSchema#string", DataType::String),
    ("http://www.w3.org/2001/XMLSchema#anyURI", DataType::AnyUri),
    ("http://www.w3.org/2001/XMLSchema#integer", DataType::Integer),
    ("http://www.w3.org/2001/XMLSchema#double", DataType::Double),
    ("http://www.w3.org/2001/XMLSchema#boolean", DataType::Boolean),
    ("http://www.w3.org/2001/XMLSchema#date", DataType::Date),
    ("http://www.w3.org/2001/XMLSchema#time", DataType::Time),
    ("http://www.w3.org/2001/XMLSchema#dateTime", DataType::DateTime),
    ("http://www.w3.org/2001/XMLSchema#dayTimeDuration", DataType::DayTimeDuration),
    ("http://www.w3.org/2001/XMLSchema#yearMonthDuration", DataType::YearMonthDuration),
    ("http://www.w3.org/2001/XMLSchema#hexBinary", DataType::HexBinary),
    ("http://www.w3.org/2001/XMLSchema#base64Binary", DataType::Base64Binary),
    ("urn:oasis:names:tc:xacml:1.0:data-type:x500Name", DataType::X500Name),
    ("urn:oasis:names:tc:xacml:1.0:data-type:rfc822Name", DataType::Rfc822Name),
];

impl DataType {
    /// The data type a URI names.
    pub fn from_uri(uri: &str) -> Self {
        DATA_TYPES
            .into_iter()
            .find(|(known, _)| *known == uri)
            .map_or_else(|| Self::Other(uri.into()), |(_, data_type)| data_type)
    }

    /// The URI, as written in policies and requests.
    pub fn uri(&self) -> &str {
        if let Self::Other(uri) = self {
            return uri;
        }
        DATA_TYPES.iter().find(|(_, data_type)| data_type == self).map_or("", |(uri, _)| uri)
    }
}
