//! Functions on lists, maps, forms and JSON.

use std::collections::HashSet;

use super::arguments::Arguments;
use crate::value::{Value, coding, json as json_text};

type Outcome = Result<Value, String>;

/// Writes a form, the values as they show: a digest as hex.
pub(super) fn form_encode(given: &Arguments<'_>) -> Outcome {
    let fields = given.map(0).iter().map(|(name, value)| (name.as_str(), value.show()));
    Ok(Value::text(coding::form_encode(fields)))
}

/// Reads a form; of a name that comes twice, the last value counts.
pub(super) fn form_decode(given: &Arguments<'_>) -> Outcome {
    let fields = coding::form_decode(&given.octets(0))?;
    Ok(Value::Map(fields.into_iter().map(|(name, value)| (name, Value::Text(value))).collect()))
}

/// Returns the value at a path in a JSON text.
pub(super) fn json(given: &Arguments<'_>) -> Outcome {
    json_text::json(&given.octets(0), &given.utf8(1)?)
}

/// Writes compact JSON.
pub(super) fn to_json(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(json_text::to_json(given.value(0))))
}

/// Joins keys and values in the order of the keys, with nothing between.
pub(super) fn sorted_concat(given: &Arguments<'_>) -> Outcome {
    let joined = sorted(given.map(0)).flat_map(|(key, value)| [key.as_bytes().to_vec(), value.show()]);
    Ok(Value::Text(joined.collect::<Vec<_>>().concat()))
}

/// Joins `key=value` in the order of the keys with `&`, nothing encoded.
pub(super) fn sorted_form(given: &Arguments<'_>) -> Outcome {
    let fields = sorted(given.map(0)).map(|(key, value)| [key.as_bytes(), b"=", &value.show()].concat());
    Ok(Value::Text(fields.collect::<Vec<_>>().join(b"&".as_slice())))
}

/// Returns the value of a key, or the default.
pub(super) fn get(given: &Arguments<'_>) -> Outcome {
    let key = given.utf8(1)?;
    let found = given.map(0).iter().find(|(name, _)| *name == key);
    Ok(found.map_or(given.value(2), |(_, value)| value).clone())
}

/// Returns the map with this entry; a key that is there keeps its place, a new one comes last.
pub(super) fn with(given: &Arguments<'_>) -> Outcome {
    let (mut entries, key, value) = (given.map(0).to_vec(), given.utf8(1)?, given.value(2).clone());
    match entries.iter_mut().find(|(name, _)| *name == key) {
        Some(entry) => entry.1 = value,
        None => entries.push((key, value)),
    }
    Ok(Value::Map(entries))
}

/// Returns the map without some keys, a list or one text; those that are not there do not matter.
pub(super) fn without(given: &Arguments<'_>) -> Outcome {
    let key = given.value(1);
    let unwanted: HashSet<Vec<u8>> =
        if let Value::List(keys) = key { keys.iter().map(Value::octets).collect() } else { [key.octets()].into() };
    let kept = given.map(0).iter().filter(|(name, _)| !unwanted.contains(name.as_bytes()));
    Ok(Value::Map(kept.cloned().collect()))
}

/// Returns the keys in the order of the map.
pub(super) fn keys(given: &Arguments<'_>) -> Outcome {
    Ok(Value::List(given.map(0).iter().map(|(name, _)| Value::text(name.as_str())).collect()))
}

/// Returns the list with one more item.
pub(super) fn append(given: &Arguments<'_>) -> Outcome {
    let mut items = given.list(0).to_vec();
    items.push(given.value(1).clone());
    Ok(Value::List(items))
}

/// Sorts by the octets of the keys, as signatures want it.
fn sorted(entries: &[(String, Value)]) -> impl Iterator<Item = &(String, Value)> {
    let mut entries: Vec<&(String, Value)> = entries.iter().collect();
    entries.sort_by_key(|(name, _)| name.as_str());
    entries.into_iter()
}
