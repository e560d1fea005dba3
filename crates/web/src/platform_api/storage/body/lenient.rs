//! A JSON value read the way the clients of the storage API count on (platform-storage §0.2).

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// Hands a value over as what the reader wants, where that is possible without guessing.
pub(super) struct Lenient(pub(super) Value);

/// A value that does not fit, and where: `instanceOwner.partyId`, `events[2].user`.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) member: String,
    pub(super) message: String,
}

impl Mismatch {
    fn in_member(mut self, name: &str) -> Self {
        let separator = if self.member.is_empty() || self.member.starts_with('[') { "" } else { "." };
        self.member = format!("{name}{separator}{}", self.member);
        self
    }

    fn in_entry(mut self, index: usize) -> Self {
        let separator = if self.member.is_empty() || self.member.starts_with('[') { "" } else { "." };
        self.member = format!("[{index}]{separator}{}", self.member);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.message)
    }
}

impl std::error::Error for Mismatch {}

/// Messages name kinds, never the values that were sent.
impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { member: String::new(), message: message.to_string() }
    }

    fn invalid_type(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{wanted} was expected"))
    }

    fn invalid_value(_: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::custom(format_args!("{wanted} was expected"))
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Self {
        Self::custom(format_args!("one of {} was expected", variants.join(", ")))
    }

    fn missing_field(name: &'static str) -> Self {
        Self { member: name.to_owned(), message: "it is required".to_owned() }
    }
}

fn expected<T>(what: &str) -> Result<T, Mismatch> {
    Err(de::Error::custom(format_args!("{what} was expected")))
}

/// A whole number, also written as text or with a fraction of zero.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| without_fraction(number)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn without_fraction(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

macro_rules! whole_numbers {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match whole(&self.0) {
                Some(number) => visitor.visit_i64(number),
                None => expected("a whole number"),
            }
        })+
    };
}

macro_rules! texts {
    ($($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.0 {
                Value::String(text) => visitor.visit_string(text),
                Value::Number(number) => visitor.visit_string(number.to_string()),
                Value::Bool(value) => visitor.visit_str(if value { "true" } else { "false" }),
                Value::Null | Value::Array(_) | Value::Object(_) => expected("a text"),
            }
        })+
    };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(entries) => visitor.visit_seq(Entries::of(entries)),
            Value::Object(members) => visitor.visit_map(Members::of_dictionary(members)),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => visitor.visit_i64(whole),
                (None, Some(number)) => visitor.visit_f64(number),
                (None, None) => expected("a smaller number"),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            Value::Number(number) => visitor.visit_bool(number.as_f64() != Some(0.0)),
            _ => expected("true or false"),
        }
    }

    whole_numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 }
    whole_numbers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    texts! { deserialize_str deserialize_string deserialize_char deserialize_bytes deserialize_byte_buf }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let number = match &self.0 {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map_or_else(|| expected("a number"), |number| visitor.visit_f64(number))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.0.is_null() { visitor.visit_unit() } else { expected("nothing") }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    /// A list that is `null` is one without entries.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Array(entries) => visitor.visit_seq(Entries::of(entries)),
            Value::Null => visitor.visit_seq(Entries::of(Vec::new())),
            _ => expected("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    /// A dictionary that is `null` is one without keys.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(Members::of_dictionary(members)),
            Value::Null => visitor.visit_map(Members::of_dictionary(Map::new())),
            _ => expected("an object"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(Members::of_type(members, names)),
            _ => expected("an object"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let named = match &self.0 {
            Value::String(text) => variants.iter().find(|variant| variant.eq_ignore_ascii_case(text.trim())),
            _ => None,
        };
        let numbered = || whole(&self.0).and_then(|number| variants.get(usize::try_from(number).ok()?));
        match named.or_else(numbered) {
            Some(variant) => visitor.visit_enum(Variant(variant)),
            None => Err(de::Error::unknown_variant("", variants)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }
}

/// The entries of a list.
struct Entries {
    rest: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl Entries {
    fn of(entries: Vec<Value>) -> Self {
        Self { rest: entries.into_iter().enumerate() }
    }
}

impl<'de> SeqAccess<'de> for Entries {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some((index, value)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Lenient(value)).map(Some).map_err(|mismatch| mismatch.in_entry(index))
    }
}

/// The members of an object, under the names the reader knows.
struct Members {
    rest: std::vec::IntoIter<(String, Value)>,
    current: Option<(String, Value)>,
}

impl Members {
    fn of_dictionary(members: Map<String, Value>) -> Self {
        Self { rest: members.into_iter().collect::<Vec<_>>().into_iter(), current: None }
    }

    /// Each known name once: of several spellings the last one that was sent.
    fn of_type(members: Map<String, Value>, names: &'static [&'static str]) -> Self {
        let mut known: Vec<(String, Value)> = Vec::with_capacity(names.len());
        for (sent, value) in members {
            let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(&sent)) else { continue };
            known.retain(|(earlier, _)| earlier != name);
            known.push(((*name).to_owned(), value));
        }
        Self { rest: known.into_iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let Some((name, value)) = self.current.take() else { return expected("a member") };
        seed.deserialize(Lenient(value)).map_err(|mismatch| mismatch.in_member(&name))
    }
}

/// A variant of an enumeration without content.
struct Variant(&'static str);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mismatch> {
        let name: de::value::StrDeserializer<'_, Mismatch> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Mismatch> {
        expected("a name")
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mismatch> {
        expected("a name")
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Mismatch> {
        expected("a name")
    }
}
