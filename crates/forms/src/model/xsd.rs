//! Reads a model from an XML schema: the subset that exports of Studio and Altinn 2 use (app-forms §1.1).

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::json_schema::fixed_value;
use super::restriction::{self, Facets};
use super::{Field, Kind, Model, ModelProblem, ObjectType, Occurs, Place, ReadModel, TypeId, WhenNull, names};
use crate::decimal::Decimal;
use crate::value::FormValue;

const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// How many base types and nested particles one lookup follows.
const MAX_HOPS: usize = 32;

/// How many object types a schema may give.
const MAX_TYPES: usize = 5_000;

pub(super) fn read(class_ref: &str, file: &str, bytes: &[u8]) -> Result<ReadModel, ModelProblem> {
    let problem = |place: String, reason: String| ModelProblem { file: file.to_owned(), place, reason };
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
        .map_err(|_| problem("line 1".to_owned(), "the file is not UTF-8".to_owned()))?;
    let options = ParsingOptions { nodes_limit: 1_000_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| problem(format!("line {}", error.pos().row), error.to_string()))?;
    let schema = document.root_element();
    if !schema.has_tag_name((XSD, "schema")) {
        return Err(problem("line 1".to_owned(), "the document element is not an XML schema".to_owned()));
    }
    let Some(root) = children(schema, "element").next() else {
        return Err(problem("line 1".to_owned(), "the schema has no global element".to_owned()));
    };
    let mut reader = Reader { schema, types: Vec::new(), by_name: HashMap::new(), warnings: Vec::new() };
    let class_name = names::last_segment(class_ref);
    let Some(complex) = reader.complex_type_of(root) else {
        return Err(problem(line_of(root), "the document element has no fields".to_owned()));
    };
    reader.object_type(class_name, complex);
    let warnings = reader.warnings.into_iter().map(|(line, reason)| problem(line, reason)).collect();
    let element = root.attribute("name").unwrap_or(class_name);
    let mut model = Model::from_types(class_ref, element, reader.types)
        .ok_or_else(|| problem("line 1".to_owned(), "the schema declares no types".to_owned()))?;
    model.namespace = schema.attribute("targetNamespace").filter(|namespace| !namespace.is_empty()).map(str::to_owned);
    model.other_root_names.push(class_name.to_owned());
    Ok(ReadModel { model, warnings })
}

struct Reader<'a, 'x> {
    schema: Node<'a, 'x>,
    types: Vec<ObjectType>,
    /// Types made, by the node that declares them.
    by_name: HashMap<roxmltree::NodeId, TypeId>,
    warnings: Vec<(String, String)>,
}

fn children<'a, 'x>(node: Node<'a, 'x>, name: &'static str) -> impl Iterator<Item = Node<'a, 'x>> {
    node.children().filter(move |child| child.has_tag_name((XSD, name)))
}

fn line_of(node: Node<'_, '_>) -> String {
    format!("line {}", node.document().text_pos_at(node.range().start).row)
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

impl<'a, 'x> Reader<'a, 'x> {
    fn named(&self, kind: &'static str, name: &str) -> Option<Node<'a, 'x>> {
        children(self.schema, kind).find(|node| node.attribute("name") == Some(local(name)))
    }

    /// The complex type of an element: inline, or named by `type`.
    fn complex_type_of(&self, element: Node<'a, 'x>) -> Option<Node<'a, 'x>> {
        children(element, "complexType").next().or_else(|| {
            let name = element.attribute("type")?;
            self.named("complexType", name)
        })
    }

    fn object_type(&mut self, name: &str, complex: Node<'a, 'x>) -> TypeId {
        if let Some(&known) = self.by_name.get(&complex.id()) {
            return known;
        }
        if self.types.len() >= MAX_TYPES {
            if self.types.len() == MAX_TYPES {
                self.warnings.push((line_of(complex), "too many types; deeper ones are left empty".to_owned()));
                self.types.push(ObjectType::new(name, Vec::new()));
            }
            return TypeId(MAX_TYPES);
        }
        let id = TypeId(self.types.len());
        self.types.push(ObjectType::new(name, Vec::new()));
        self.by_name.insert(complex.id(), id);
        let mut fields = Vec::new();
        self.collect(complex, &mut fields, 0);
        let type_name = complex.attribute("name").unwrap_or(name);
        self.types[id.0] = ObjectType::new(type_name, fields);
        id
    }

    /// The fields of a type or particle, in document order; base types first.
    fn collect(&mut self, node: Node<'a, 'x>, fields: &mut Vec<Field>, hops: usize) {
        if hops > MAX_HOPS {
            return;
        }
        for child in node.children().filter(|child| child.tag_name().namespace() == Some(XSD)) {
            match child.tag_name().name() {
                "sequence" | "all" | "choice" | "complexContent" => self.collect(child, fields, hops + 1),
                "simpleContent" => {
                    if let Some(extension) = child.children().find(Node::is_element) {
                        let base = extension.attribute("base").unwrap_or("string");
                        let value = self.text_content(base, extension);
                        self.push(fields, Some(value), extension);
                        self.collect(extension, fields, hops + 1);
                    }
                }
                "extension" | "restriction" => {
                    let base = child.attribute("base").and_then(|base| self.named("complexType", base));
                    if let Some(base) = base {
                        self.collect(base, fields, hops + 1);
                    }
                    self.collect(child, fields, hops + 1);
                }
                "group" | "attributeGroup" => {
                    let kind = if child.tag_name().name() == "group" { "group" } else { "attributeGroup" };
                    if let Some(group) = child.attribute("ref").and_then(|name| self.named(kind, name)) {
                        self.collect(group, fields, hops + 1);
                    }
                }
                "element" => {
                    let field = self.element(child);
                    self.push(fields, field, child);
                }
                "attribute" => {
                    let field = self.attribute(child);
                    self.push(fields, field, child);
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, fields: &mut Vec<Field>, field: Option<Field>, declared: Node<'a, 'x>) {
        let Some(field) = field else { return };
        if fields.iter().any(|other| other.name == field.name) {
            self.warnings.push((line_of(declared), format!("a second field called `{}` is left out", field.name)));
        } else {
            fields.push(field);
        }
    }

    fn usable_name(&mut self, node: Node<'a, 'x>) -> Option<&'a str> {
        let name = node.attribute("name");
        if name.is_none() {
            self.warnings.push((line_of(node), "a declaration without a name is left out".to_owned()));
        }
        name.filter(|name| *name != crate::value::ROW_ID)
    }

    fn element(&mut self, given: Node<'a, 'x>) -> Option<Field> {
        let declared = match given.attribute("ref") {
            Some(name) => self.named("element", name)?,
            None => given,
        };
        let name = self.usable_name(declared)?;
        let is_list = match given.attribute("maxOccurs") {
            Some("unbounded") => true,
            Some(count) => count.parse::<u64>().is_ok_and(|count| count > 1),
            None => false,
        };
        let is_required = given.attribute("minOccurs") != Some("0");
        let is_nillable = matches!(declared.attribute("nillable"), Some("true" | "1"));
        let (kind, restrictions) = match self.complex_type_of(declared) {
            Some(complex) => (Kind::Object(self.object_type(name, complex)), Vec::new()),
            None => self.simple(declared, is_required && !is_nillable, is_list),
        };
        let mut field = if is_list { Field::list(name, kind) } else { Field::element(name, kind) };
        field.restrictions = restrictions;
        if field.occurs == Occurs::Once && (is_nillable || (kind.is_value_type() && is_required)) {
            field.when_null = WhenNull::Nil;
        }
        Some(field)
    }

    fn attribute(&mut self, node: Node<'a, 'x>) -> Option<Field> {
        let name = self.usable_name(node)?;
        let (kind, restrictions) = self.simple(node, false, false);
        let mut field = Field::element(name, kind);
        field.name = names::camel_case(&field.property_name);
        field.place = Place::Attribute;
        field.restrictions = restrictions;
        field.fixed = node.attribute("fixed").and_then(|text| fixed_value(kind, &FormValue::from(text)));
        if kind.is_value_type() {
            field.when_null = WhenNull::Impossible;
        }
        Some(field)
    }

    fn text_content(&mut self, base: &str, extension: Node<'a, 'x>) -> Field {
        let mut facets = XsdFacets::default();
        let kind = self.kind_of(base, &mut facets, 0);
        let (restrictions, unusable) = restriction::from_facets(&facets.with_kind(kind));
        self.warnings.extend(unusable.into_iter().map(|reason| (line_of(extension), reason)));
        let mut field = Field::element("value", kind);
        field.place = Place::TextContent;
        field.restrictions = restrictions;
        field
    }

    /// The kind and restrictions of an element or attribute with a simple type.
    fn simple(&mut self, node: Node<'a, 'x>, is_required: bool, is_list: bool) -> (Kind, Vec<super::Restriction>) {
        let mut facets = XsdFacets::default();
        let kind = match children(node, "simpleType").next() {
            Some(inline) => self.kind_of_simple(inline, &mut facets, 0),
            None => self.kind_of(node.attribute("type").unwrap_or("string"), &mut facets, 0),
        };
        facets.facets.is_required = is_required;
        facets.facets.is_list = is_list;
        let (restrictions, unusable) = restriction::from_facets(&facets.with_kind(kind));
        self.warnings.extend(unusable.into_iter().map(|reason| (line_of(node), reason)));
        (kind, restrictions)
    }

    fn kind_of_simple(&self, simple: Node<'a, 'x>, facets: &mut XsdFacets, hops: usize) -> Kind {
        let Some(restriction) = children(simple, "restriction").next().filter(|_| hops < MAX_HOPS) else {
            return Kind::Text;
        };
        for facet in restriction.children().filter(Node::is_element) {
            facets.take(facet.tag_name().name(), facet.attribute("value").unwrap_or_default());
        }
        match children(restriction, "simpleType").next() {
            Some(inline) => self.kind_of_simple(inline, facets, hops + 1),
            None => self.kind_of(restriction.attribute("base").unwrap_or("string"), facets, hops + 1),
        }
    }

    fn kind_of(&self, type_name: &str, facets: &mut XsdFacets, hops: usize) -> Kind {
        if let Some(simple) = self.named("simpleType", type_name) {
            return self.kind_of_simple(simple, facets, hops);
        }
        let name = local(type_name);
        facets.facets.xsd_type = name.to_ascii_lowercase();
        match name {
            "boolean" => Kind::Bool,
            "dateTime" => Kind::DateTime,
            "decimal" | "double" | "float" => Kind::Decimal,
            "int" => facets.whole(Kind::Integer { bits: 32 }),
            "long" => facets.whole(Kind::Integer { bits: 64 }),
            "short" => facets.whole(Kind::Integer { bits: 16 }),
            "integer" | "positiveInteger" | "nonNegativeInteger" | "negativeInteger" | "nonPositiveInteger" => {
                facets.whole(Kind::Decimal)
            }
            _ => {
                let formats = [
                    ("date", "date"),
                    ("time", "time"),
                    ("gYear", "year"),
                    ("gYearMonth", "year-month"),
                    ("gMonth", "month"),
                    ("gDay", "day"),
                    ("anyURI", "uri"),
                ];
                facets.facets.format =
                    formats.iter().find(|(xsd, _)| *xsd == name).map(|(_, format)| (*format).to_owned());
                Kind::Text
            }
        }
    }
}

/// Facets as they are met from the outermost restriction inwards; the outermost wins.
#[derive(Default)]
struct XsdFacets {
    facets: Facets,
}

impl XsdFacets {
    fn take(&mut self, facet: &str, value: &str) {
        let facets = &mut self.facets;
        let length = || value.parse::<u32>().ok();
        let number = || Decimal::parse_xml(value).ok();
        match facet {
            "length" => {
                facets.min_length = facets.min_length.or_else(length);
                facets.max_length = facets.max_length.or_else(length);
            }
            "minLength" => facets.min_length = facets.min_length.or_else(length),
            "maxLength" => facets.max_length = facets.max_length.or_else(length),
            "pattern" => facets.patterns.push(value.to_owned()),
            "minInclusive" => facets.minimum = facets.minimum.or_else(number),
            "maxInclusive" => facets.maximum = facets.maximum.or_else(number),
            "totalDigits" => facets.total_digits = facets.total_digits.or_else(length),
            _ => {}
        }
    }

    fn whole(&mut self, kind: Kind) -> Kind {
        self.facets.is_whole = true;
        kind
    }

    fn with_kind(mut self, kind: Kind) -> Facets {
        self.facets.kind = Some(kind);
        self.facets
    }
}
