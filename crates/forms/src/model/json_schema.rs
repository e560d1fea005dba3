//! Reads a model from a JSON schema, as Studio's generator does (app-forms §1.2).

use std::collections::HashMap;

use super::restriction::{self, Facets};
use super::{Field, Kind, Model, ModelProblem, ObjectType, Occurs, Place, ReadModel, TypeId, WhenNull, names};
use crate::decimal::Decimal;
use crate::json::{self, Syntax};
use crate::value::{FormObject, FormValue};

/// How many `$ref`, `allOf` and `oneOf` one lookup follows.
const MAX_HOPS: usize = 32;

/// How many object types a schema may give; a guard against schemas made to explode.
const MAX_TYPES: usize = 5_000;

/// The model, and whether its root element's name is a guess.
pub(super) fn read(class_ref: &str, file: &str, bytes: &[u8]) -> Result<(ReadModel, bool), ModelProblem> {
    let problem = |place: &str, reason: String| ModelProblem { file: file.to_owned(), place: place.to_owned(), reason };
    let schema = json::parse(bytes, Syntax::AppFile)
        .map_err(|error| problem(&format!("line {}", error.line), error.reason.into_owned()))?;
    let Some(schema) = schema.as_object() else {
        return Err(problem("/", "the schema is not an object".to_owned()));
    };
    let mut reader = Reader { schema, types: Vec::new(), by_pointer: HashMap::new(), warnings: Vec::new() };
    let root = reader.find_root(class_ref);
    let fields_known = reader.members_of(root.node, 0).len();
    if fields_known == 0 {
        return Err(problem("/properties", "the schema declares no fields".to_owned()));
    }
    reader.object_type(names::last_segment(class_ref), root.node, root.pointer.clone());
    let warnings = reader.warnings.iter().map(|(place, reason)| problem(place, reason.clone())).collect();
    let element = root.element.unwrap_or_else(|| "root".to_owned());
    let types = reader.types;
    let mut model = Model::from_types(class_ref, &element, types)
        .ok_or_else(|| problem("/", "the schema declares no types".to_owned()))?;
    model.other_root_names.push(model.class_name.clone());
    Ok((ReadModel { model, warnings }, root.element_is_guessed))
}

struct Reader<'s> {
    schema: &'s FormObject,
    types: Vec<ObjectType>,
    by_pointer: HashMap<String, TypeId>,
    warnings: Vec<(String, String)>,
}

struct Root<'s> {
    node: &'s FormObject,
    pointer: String,
    element: Option<String>,
    element_is_guessed: bool,
}

/// A property as an object's schema declares it.
struct Member<'s> {
    name: &'s str,
    node: &'s FormObject,
    required: bool,
}

impl<'s> Reader<'s> {
    fn find_root(&self, class_ref: &str) -> Root<'s> {
        let stated = self.schema.get("@xsdRootElement").and_then(FormValue::as_text).filter(|name| !name.is_empty());
        if stated.is_none()
            && let Some(root) = self.find_old_form_root(class_ref)
        {
            return root;
        }
        let message_name = self.schema.get("info").and_then(FormValue::as_object).map(|info| {
            let name = info.get("meldingsnavn").and_then(FormValue::as_text);
            name.unwrap_or("melding").to_owned()
        });
        // The root element loses its `-` in the classes of the original.
        let element = stated.map(|name| name.replace('-', "")).or(message_name);
        let element_is_guessed = stated.is_none();
        Root { node: self.schema, pointer: String::new(), element, element_is_guessed }
    }

    /// Old exports have no fields at the top: the properties of the root are elements that refer to definitions.
    fn find_old_form_root(&self, class_ref: &str) -> Option<Root<'s>> {
        let properties = self.schema.get("properties")?.as_object()?;
        let references: Vec<(&str, &str)> = properties
            .iter()
            .filter_map(|(name, node)| Some((name, node.as_object()?.get("$ref")?.as_text()?)))
            .collect();
        if references.is_empty() || references.len() * 2 < properties.len() {
            return None;
        }
        let class = names::last_segment(class_ref);
        let by_class = references.iter().find(|(_, pointer)| {
            pointer.rsplit('/').next().is_some_and(|definition| names::same_property(definition, class))
        });
        let (element, pointer) = by_class.or(references.first())?;
        let node = self.target(pointer)?;
        Some(Root {
            node,
            pointer: (*pointer).to_owned(),
            element: Some(element.replace('-', "")),
            element_is_guessed: false,
        })
    }

    /// The definition a `$ref` names: `#/$defs/X` or `#/definitions/X`, or any pointer into the document.
    fn target(&self, pointer: &str) -> Option<&'s FormObject> {
        let mut node = self.schema;
        for part in pointer.strip_prefix('#')?.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = node.get(&part)?.as_object()?;
        }
        Some(node)
    }

    /// The parts a node is made of: itself, then what `$ref`, `allOf`, `oneOf` and `anyOf` bring in, in that order.
    fn parts(&self, node: &'s FormObject, hops: usize) -> Vec<&'s FormObject> {
        let mut parts = vec![node];
        if hops >= MAX_HOPS {
            return parts;
        }
        if let Some(target) = node.get("$ref").and_then(FormValue::as_text).and_then(|pointer| self.target(pointer)) {
            parts.extend(self.parts(target, hops + 1));
        }
        let alternatives = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|keyword| node.get(keyword)?.as_list());
        for alternative in alternatives.flatten().filter_map(FormValue::as_object) {
            // Breadth is bounded too: each level of nesting counts double.
            parts.extend(self.parts(alternative, hops + 2));
        }
        parts
    }

    /// The properties of an object's schema, in order; a later declaration of a name is dropped.
    fn members_of(&self, node: &'s FormObject, hops: usize) -> Vec<Member<'s>> {
        let mut members: Vec<Member<'s>> = Vec::new();
        for part in self.parts(node, hops) {
            let required: Vec<&str> = part
                .get("required")
                .and_then(FormValue::as_list)
                .map(|names| names.iter().filter_map(FormValue::as_text).collect())
                .unwrap_or_default();
            let properties = part.get("properties").and_then(FormValue::as_object);
            for (name, node) in properties.into_iter().flat_map(FormObject::iter) {
                if let Some(node) = node.as_object()
                    && !members.iter().any(|member| member.name == name)
                {
                    members.push(Member { name, node, required: false });
                }
            }
            for member in &mut members {
                member.required |= required.contains(&member.name);
            }
        }
        members
    }

    /// Makes the type of an object's schema, or finds the one made before for the same definition.
    fn object_type(&mut self, name: &str, node: &'s FormObject, pointer: String) -> TypeId {
        if let Some(&known) = self.by_pointer.get(&pointer) {
            return known;
        }
        if self.types.len() >= MAX_TYPES {
            if self.types.len() == MAX_TYPES {
                self.warnings.push((pointer, "the schema has too many types; deeper ones are left empty".to_owned()));
                self.types.push(ObjectType::new(name, Vec::new()));
            }
            return TypeId(MAX_TYPES);
        }
        let id = TypeId(self.types.len());
        self.types.push(ObjectType::new(name, Vec::new()));
        self.by_pointer.insert(pointer.clone(), id);
        let members = self.members_of(node, 0);
        let mut fields: Vec<Field> = Vec::with_capacity(members.len());
        for member in members {
            let place = format!("{pointer}/properties/{}", member.name.replace('~', "~0").replace('/', "~1"));
            if let Some(field) = self.field(&member, place.clone()) {
                if fields.iter().any(|other| other.name == field.name) {
                    self.warnings.push((place, format!("a second field called `{}` is left out", field.name)));
                    continue;
                }
                fields.push(field);
            }
        }
        self.types[id.0] = ObjectType::new(name, fields);
        id
    }

    fn field(&mut self, member: &Member<'s>, place: String) -> Option<Field> {
        let name = member.name;
        if name == crate::value::ROW_ID {
            return None;
        }
        if !names::is_xml_name(name) {
            self.warnings.push((place, format!("`{name}` cannot be an XML name; the field is left out")));
            return None;
        }
        let mut parts = self.parts(member.node, 0);
        let marker = own_text(member.node, "@xsdType").unwrap_or_default();
        let is_attribute = is_true(member.node, "@xsdAttribute") || marker.eq_ignore_ascii_case("XmlAttribute");
        let is_text = is_true(member.node, "@xsdText") || marker.eq_ignore_ascii_case("XmlSimpleContentExtension");
        let occurs = if has_type(&parts, "array") { Occurs::Repeated } else { Occurs::Once };
        let mut pointer = place.clone();
        let mut node = member.node;
        if occurs == Occurs::Repeated {
            let items = parts.iter().find_map(|part| part.get("items")?.as_object());
            let Some(items) = items else {
                self.warnings.push((place, "a list without `items`; taken as a list of strings".to_owned()));
                return Some(Field::list(name, Kind::Text));
            };
            pointer.push_str("/items");
            node = items;
            parts = self.parts(items, 0);
        }
        let is_nillable = is_nillable(&parts) || is_true(member.node, "@xsdNillable");
        let kind = if is_object(&parts) {
            let (definition, definition_pointer) = self.definition_of(node, pointer);
            let type_name = definition_pointer.rsplit('/').next().filter(|_| definition_pointer.starts_with('#'));
            let type_name = type_name.unwrap_or(name).to_owned();
            Kind::Object(self.object_type(&type_name, definition, definition_pointer))
        } else {
            value_kind(&parts)
        };
        let is_singled_out = member.node.get("oneOf").is_some();
        let when_null = match kind {
            _ if occurs == Occurs::Repeated => WhenNull::Omitted,
            kind if is_attribute && kind.is_value_type() => WhenNull::Impossible,
            _ if is_attribute || is_text => WhenNull::Omitted,
            _ if is_nillable => WhenNull::Nil,
            kind if kind.is_value_type() && (member.required || is_singled_out) => WhenNull::Nil,
            _ => WhenNull::Omitted,
        };
        let constant = parts.iter().find_map(|part| part.get("const")).filter(|_| is_attribute);
        let fixed = constant.and_then(|value| fixed_value(kind, value));
        let mut facets = Facets::of_schema(&parts, kind, member.required && !is_nillable);
        facets.is_list = occurs == Occurs::Repeated;
        let (restrictions, unusable) = restriction::from_facets(&facets);
        self.warnings.extend(unusable.into_iter().map(|reason| (place.clone(), reason)));
        let property_name = names::property_name(name);
        let json_name = match (is_attribute, is_text) {
            (_, true) => "value".to_owned(),
            (true, false) => names::camel_case(&property_name),
            (false, false) => name.to_owned(),
        };
        Some(Field {
            name: json_name,
            xml_name: name.to_owned(),
            property_name: if is_text { "value".to_owned() } else { property_name },
            place: match (is_attribute, is_text) {
                (_, true) => Place::TextContent,
                (true, false) => Place::Attribute,
                (false, false) => Place::Element,
            },
            kind,
            occurs,
            when_null,
            fixed,
            default: None,
            restrictions,
        })
    }

    /// Follows plain references to the definition that has the properties; its pointer names the type.
    fn definition_of(&self, node: &'s FormObject, pointer: String) -> (&'s FormObject, String) {
        let (mut node, mut pointer) = (node, pointer);
        for _ in 0..MAX_HOPS {
            if node.get("properties").is_some() {
                break;
            }
            let single = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|keyword| {
                let mut alternatives = node.get(keyword)?.as_list()?.iter().filter_map(FormValue::as_object);
                let with_ref = alternatives.find(|alternative| alternative.get("$ref").is_some())?;
                with_ref.get("$ref")?.as_text()
            });
            let reference = node.get("$ref").and_then(FormValue::as_text).or(single);
            let Some((target, reference)) = reference.and_then(|r| Some((self.target(r)?, r))) else { break };
            node = target;
            pointer = reference.to_owned();
        }
        (node, pointer)
    }
}

fn own_text<'s>(node: &'s FormObject, keyword: &str) -> Option<&'s str> {
    node.get(keyword).and_then(FormValue::as_text)
}

fn is_true(node: &FormObject, keyword: &str) -> bool {
    node.get(keyword).and_then(FormValue::as_bool) == Some(true)
}

/// The type names that the parts of a node state.
fn types<'s>(parts: &[&'s FormObject]) -> Vec<&'s str> {
    let mut found = Vec::new();
    for part in parts {
        match part.get("type") {
            Some(FormValue::Text(name)) => found.push(name.as_str()),
            Some(FormValue::List(names)) => found.extend(names.iter().filter_map(FormValue::as_text)),
            _ => {}
        }
    }
    found
}

fn has_type(parts: &[&FormObject], name: &str) -> bool {
    types(parts).contains(&name)
}

fn is_object(parts: &[&FormObject]) -> bool {
    has_type(parts, "object") || parts.iter().any(|part| part.get("properties").is_some())
}

fn is_nillable(parts: &[&FormObject]) -> bool {
    has_type(parts, "null") || parts.iter().any(|part| is_true(part, "@xsdNillable"))
}

fn value_kind(parts: &[&FormObject]) -> Kind {
    let text = |keyword: &str| parts.iter().find_map(|part| own_text(part, keyword));
    match types(parts).into_iter().find(|name| *name != "null") {
        Some("boolean") => Kind::Bool,
        Some("number") => Kind::Decimal,
        Some("integer") => match text("@xsdType").unwrap_or_default().to_ascii_lowercase().as_str() {
            "int" => Kind::Integer { bits: 32 },
            "long" => Kind::Integer { bits: 64 },
            "short" => Kind::Integer { bits: 16 },
            _ => Kind::Decimal,
        },
        _ if text("format") == Some("date-time") => Kind::DateTime,
        _ => Kind::Text,
    }
}

/// A `const` in the type of its field: numbers are usually written as text.
pub(super) fn fixed_value(kind: Kind, value: &FormValue) -> Option<FormValue> {
    match (kind, value) {
        (Kind::Decimal | Kind::Integer { .. }, FormValue::Text(text)) => {
            Decimal::parse_xml(text).ok().map(FormValue::Number)
        }
        (Kind::Bool, FormValue::Text(text)) => text.parse().ok().map(FormValue::Bool),
        (Kind::Text, FormValue::Number(number)) => Some(FormValue::Text(number.to_string())),
        (Kind::Text | Kind::DateTime, FormValue::Text(_))
        | (Kind::Decimal | Kind::Integer { .. }, FormValue::Number(_))
        | (Kind::Bool, FormValue::Bool(_)) => Some(value.clone()),
        _ => None,
    }
}
