//! How large a value may become: without a limit a flow could double a text until memory ends.

use super::Value;

/// How much a value may weigh: its octets, and eight for each value and key in it.
pub const WEIGHT_LIMIT: usize = 1 << 20;

/// How deep lists and maps may be nested in each other.
pub const DEPTH_LIMIT: usize = 64;

/// Checks that a value is neither heavier than [`WEIGHT_LIMIT`] nor nested deeper than [`DEPTH_LIMIT`].
///
/// What passes can be shown, compared, copied and dropped by recursion. The error says what to do.
pub fn check_bounds(value: &Value) -> Result<(), String> {
    let mut room = WEIGHT_LIMIT;
    weigh(value, DEPTH_LIMIT, &mut room)
}

/// How much several values may weigh that are about to become one.
#[derive(Debug)]
pub struct Room(usize);

impl Default for Room {
    fn default() -> Room {
        Room(WEIGHT_LIMIT)
    }
}

impl Room {
    /// Takes the room that one of the values needs.
    ///
    /// # Errors
    ///
    /// There is not enough.
    pub fn take(&mut self, value: &Value) -> Result<(), String> {
        weigh(value, DEPTH_LIMIT, &mut self.0)
    }
}

/// Returns how much memory a value takes, in bytes: its octets, and a fixed size for each value and each key in it.
#[inline]
pub fn footprint(value: &Value) -> usize {
    let inside = match value {
        Value::Text(octets) | Value::Bytes(octets) => octets.len(),
        Value::Int(_) | Value::Decimal(_) | Value::Bool(_) | Value::Duration(_) | Value::Null => 0,
        Value::List(items) => footprint_of_items(items),
        Value::Map(entries) => footprint_of_entries(entries),
    };
    size_of::<Value>() + inside
}

#[inline(never)]
fn footprint_of_items(items: &[Value]) -> usize {
    items.iter().map(footprint).sum()
}

#[inline(never)]
fn footprint_of_entries(entries: &[(String, Value)]) -> usize {
    entries.iter().map(|(key, value)| size_of::<String>() + key.len() + footprint(value)).sum()
}

/// Checks that a text of `length` octets is within the limit before anyone makes it.
#[inline]
pub fn check_length(length: usize) -> Result<(), String> {
    if length > WEIGHT_LIMIT { Err(too_heavy()) } else { Ok(()) }
}

fn weigh(value: &Value, levels: usize, room: &mut usize) -> Result<(), String> {
    take(room, 8)?;
    match value {
        Value::Text(octets) | Value::Bytes(octets) => take(room, octets.len()),
        Value::Int(_) | Value::Decimal(_) | Value::Bool(_) | Value::Duration(_) | Value::Null => Ok(()),
        Value::List(items) => {
            let levels = levels.checked_sub(1).ok_or_else(too_deep)?;
            items.iter().try_for_each(|item| weigh(item, levels, room))
        }
        Value::Map(entries) => {
            let levels = levels.checked_sub(1).ok_or_else(too_deep)?;
            entries.iter().try_for_each(|(key, value)| {
                take(room, key.len() + 8)?;
                weigh(value, levels, room)
            })
        }
    }
}

fn take(room: &mut usize, weight: usize) -> Result<(), String> {
    *room = room.checked_sub(weight).ok_or_else(too_heavy)?;
    Ok(())
}

#[cold]
fn too_heavy() -> String {
    "the value is larger than 1 MiB: work on smaller pieces".to_string()
}

fn too_deep() -> String {
    format!("lists and maps are nested deeper than {DEPTH_LIMIT}: make the value flatter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_beyond_the_limits_is_refused_and_one_at_them_is_not() {
        assert_eq!(check_bounds(&Value::Text(vec![0; WEIGHT_LIMIT - 8])), Ok(()));
        assert!(check_bounds(&Value::Text(vec![0; WEIGHT_LIMIT - 7])).is_err());
        assert!(check_bounds(&Value::List(vec![Value::Null; WEIGHT_LIMIT / 8])).is_err());
        let nested = |n| (0..n).fold(Value::Int(1), |inner, _| Value::Map(vec![("a".to_string(), inner)]));
        assert_eq!(check_bounds(&nested(DEPTH_LIMIT)), Ok(()));
        assert!(check_bounds(&nested(DEPTH_LIMIT + 1)).is_err());
    }
}
