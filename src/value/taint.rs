//! `Marked`: a value, and what of it is made of secrets.
//!
//! A mark goes where its value goes: into variables, lists and maps, through procedures and operators. So what is made of a
//! secret is known without a search, however short it is. A value without a mark costs nothing more than the value.

use std::ops::Range;
use std::sync::Arc;

use super::Value;
use super::bounds::footprint;

/// Pieces of a secret below so many bytes are joined with the piece beside them.
const SHORT: usize = 4;

/// A value, and what of it is made of secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Marked {
    /// The value.
    pub value: Value,
    /// What of it is made of secrets.
    pub taint: Taint,
}

/// What of a value is made of secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Taint {
    /// Nothing.
    #[default]
    Nothing,
    /// All of it, of the secret with this name.
    All(Arc<str>),
    /// These octets of a text or of bytes.
    Octets(Vec<Stain>),
    /// Of the items of a list or the values of a map, in their order.
    Items(Vec<Taint>),
}

/// Collects the taints of items; as long as none of them is made of a secret it takes no memory.
#[derive(Debug, Default)]
pub struct Taints {
    /// How many items there are.
    len: usize,
    /// Their taints, up to the last that is something.
    taints: Vec<Taint>,
}

/// Octets that are made of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stain {
    /// Which octets.
    pub range: Range<usize>,
    /// The name of the secret.
    pub name: Arc<str>,
}

/// Octets, and which of them are made of secrets: in order, not overlapping.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stained {
    octets: Vec<u8>,
    stains: Vec<Stain>,
}

impl From<Value> for Marked {
    fn from(value: Value) -> Marked {
        Marked { value, taint: Taint::Nothing }
    }
}

impl Marked {
    /// Returns a value with everything in it marked that can tell something of the secret with this name.
    pub fn secret(value: Value, name: &Arc<str>) -> Marked {
        let taint = Taint::spread(&value, name);
        Marked { value, taint }
    }

    /// Returns how much memory it takes, in bytes.
    #[inline]
    pub fn footprint(&self) -> usize {
        let of_marks = if self.taint.is_nothing() { size_of::<Taint>() } else { self.taint.footprint() };
        footprint(&self.value) + of_marks
    }

    /// Returns the value as `${…}` shows it.
    pub fn show(&self) -> Stained {
        let mut shown = Stained::default();
        shown.push(&self.value, &self.taint);
        shown
    }

    /// Returns the octets of the value, see [`Value::octets`].
    pub fn octets(&self) -> Stained {
        match (&self.value, &self.taint) {
            (Value::Bytes(octets), Taint::Octets(stains)) => Stained { octets: octets.clone(), stains: stains.clone() },
            (Value::Bytes(octets), Taint::All(name)) => {
                let all = Stain { range: 0..octets.len(), name: name.clone() };
                Stained { octets: octets.clone(), stains: vec![all] }
            }
            (Value::Bytes(octets), Taint::Nothing | Taint::Items(_)) => {
                Stained { octets: octets.clone(), stains: Vec::new() }
            }
            (
                Value::Text(_)
                | Value::Int(_)
                | Value::Decimal(_)
                | Value::Bool(_)
                | Value::Duration(_)
                | Value::List(_)
                | Value::Map(_)
                | Value::Null,
                _,
            ) => self.show(),
        }
    }
}

impl Taint {
    /// Marks everything in a value that can tell something of a secret: text, bytes, durations, and numbers of four digits or
    /// more. A smaller number, `true`, `false` and null are as good as any other.
    pub fn spread(value: &Value, name: &Arc<str>) -> Taint {
        let items = |taints: Vec<Taint>| {
            if taints.iter().all(Taint::is_nothing) { Taint::Nothing } else { Taint::Items(taints) }
        };
        match value {
            Value::Text(octets) | Value::Bytes(octets) if octets.is_empty() => Taint::Nothing,
            Value::Text(_) | Value::Bytes(_) | Value::Duration(_) => Taint::All(name.clone()),
            Value::Int(n) if has_four_digits(*n) => Taint::All(name.clone()),
            Value::Decimal(n) if n.has_four_digits() => Taint::All(name.clone()),
            Value::Int(_) | Value::Decimal(_) | Value::Bool(_) | Value::Null => Taint::Nothing,
            Value::List(list) => items(list.iter().map(|item| Taint::spread(item, name)).collect()),
            Value::Map(entries) => items(entries.iter().map(|(_, value)| Taint::spread(value, name)).collect()),
        }
    }

    /// Returns the taint of a list or map whose items have these.
    pub fn of_items(items: Vec<Taint>) -> Taint {
        if items.iter().all(Taint::is_nothing) { Taint::Nothing } else { Taint::Items(items) }
    }

    /// Whether nothing is made of a secret.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Taint::Nothing)
    }

    fn footprint(&self) -> usize {
        let inside = match self {
            Taint::Nothing | Taint::All(_) => 0,
            Taint::Octets(stains) => size_of_val(stains.as_slice()),
            Taint::Items(taints) => taints.iter().map(Taint::footprint).sum(),
        };
        size_of::<Taint>() + inside
    }

    /// Returns the taint of an item of a list or a map.
    pub fn item(&self, index: usize) -> Taint {
        match self {
            Taint::Nothing | Taint::Octets(_) => Taint::Nothing,
            Taint::All(name) => Taint::All(name.clone()),
            Taint::Items(items) => items.get(index).cloned().unwrap_or_default(),
        }
    }

    /// Returns the name of one of the secrets; none if there is none.
    pub fn name(&self) -> Option<&Arc<str>> {
        match self {
            Taint::Nothing => None,
            Taint::All(name) => Some(name),
            Taint::Octets(stains) => stains.first().map(|stain| &stain.name),
            Taint::Items(items) => items.iter().find_map(Taint::name),
        }
    }
}

impl Taints {
    /// Adds the taint of the next item.
    pub fn push(&mut self, taint: Taint) {
        if !taint.is_nothing() {
            self.taints.resize(self.len, Taint::Nothing);
            self.taints.push(taint);
        }
        self.len += 1;
    }

    /// Whether none of the items is made of a secret.
    pub fn are_nothing(&self) -> bool {
        self.taints.is_empty()
    }

    /// Returns the taint of each item.
    pub fn into_all(mut self) -> Vec<Taint> {
        self.taints.resize(self.len, Taint::Nothing);
        self.taints
    }

    /// Returns the taint of the list or the map of the items.
    pub fn into_taint(self) -> Taint {
        if self.are_nothing() { Taint::Nothing } else { Taint::Items(self.into_all()) }
    }
}

impl Stained {
    /// Takes octets of which these are made of secrets; they are in order and do not overlap.
    pub fn new(octets: Vec<u8>, stains: Vec<Stain>) -> Stained {
        Stained { octets, stains }
    }

    /// Adds octets that are made of no secret.
    pub fn push_plain(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Adds a value as `${…}` shows it.
    pub fn push(&mut self, value: &Value, taint: &Taint) {
        let start = self.octets.len();
        match (taint, value) {
            (Taint::Nothing, Value::Text(text)) => self.octets.extend_from_slice(text),
            (Taint::Nothing, _) => self.octets.extend(value.show()),
            (Taint::Octets(stains), Value::Text(text)) => {
                self.octets.extend_from_slice(text);
                stains.iter().for_each(|stain| self.stain(moved(&stain.range, 1, start), &stain.name));
            }
            // Each octet shows as two digits.
            (Taint::Octets(stains), Value::Bytes(_)) => {
                self.octets.extend(value.show());
                stains.iter().for_each(|stain| self.stain(moved(&stain.range, 2, start), &stain.name));
            }
            (Taint::Items(taints), Value::List(items)) => {
                self.push_plain(b"[");
                for (i, item) in items.iter().enumerate() {
                    self.push_plain(if i > 0 { b", " } else { b"" });
                    self.push(item, taints.get(i).unwrap_or(&Taint::Nothing));
                }
                self.push_plain(b"]");
            }
            (Taint::Items(taints), Value::Map(entries)) => {
                self.push_plain(b"{");
                for (i, (key, value)) in entries.iter().enumerate() {
                    self.push_plain(if i > 0 { b", " } else { b"" });
                    self.push_plain(key.as_bytes());
                    self.push_plain(b": ");
                    self.push(value, taints.get(i).unwrap_or(&Taint::Nothing));
                }
                self.push_plain(b"}");
            }
            (Taint::All(_) | Taint::Octets(_) | Taint::Items(_), _) => {
                self.octets.extend(value.show());
                if let Some(name) = taint.name() {
                    self.stain(start..self.octets.len(), name);
                }
            }
        }
    }

    /// Adds the octets of another one.
    pub fn join(&mut self, other: &Stained) {
        let start = self.octets.len();
        self.octets.extend_from_slice(&other.octets);
        other.stains.iter().for_each(|stain| self.stain(moved(&stain.range, 1, start), &stain.name));
    }

    /// Returns a piece.
    pub fn piece(&self, range: Range<usize>) -> Stained {
        let octets = self.octets.get(range.clone()).unwrap_or_default().to_vec();
        let mut piece = Stained { octets, stains: Vec::new() };
        let first = self.stains.partition_point(|stain| stain.range.end <= range.start);
        for stain in self.stains[first..].iter().take_while(|stain| stain.range.start < range.end) {
            let (start, end) = (stain.range.start.max(range.start), stain.range.end.min(range.end));
            if start < end {
                piece.stain(start - range.start..end - range.start, &stain.name);
            }
        }
        piece
    }

    /// Returns the octets.
    pub fn plain(&self) -> &[u8] {
        &self.octets
    }

    /// Returns which octets are made of secrets.
    pub fn stains(&self) -> &[Stain] {
        &self.stains
    }

    /// Returns what is to be known of the octets as a value: a text, or bytes.
    pub fn taint(&self) -> Taint {
        match self.stains.as_slice() {
            [] => Taint::Nothing,
            [all] if all.range == (0..self.octets.len()) => Taint::All(all.name.clone()),
            stains => Taint::Octets(stains.to_vec()),
        }
    }

    /// Returns the octets as a text.
    pub fn into_text(self) -> Marked {
        let taint = self.taint();
        Marked { value: Value::Text(self.octets), taint }
    }

    /// Returns the octets with the names of secrets in the place of what is made of them; `known` has the name that some
    /// octets are known by, if it is another one. Of neighbours with one name it stands once.
    pub fn covered(self, known: impl Fn(&[u8]) -> Option<Arc<str>>) -> Vec<u8> {
        if self.stains.is_empty() {
            return self.octets;
        }
        let mut out = Vec::with_capacity(self.octets.len());
        let mut end = 0;
        let mut last: Option<Arc<str>> = None;
        for stain in &self.stains {
            let gap = &self.octets[end..stain.range.start];
            out.extend_from_slice(gap);
            let name = known(&self.octets[stain.range.clone()]).unwrap_or_else(|| stain.name.clone());
            if !gap.is_empty() || last.as_ref() != Some(&name) {
                out.extend_from_slice(format!("«{name}»").as_bytes());
            }
            end = stain.range.end;
            last = Some(name);
        }
        out.extend_from_slice(&self.octets[end..]);
        out
    }

    /// Marks octets behind all that are marked. A piece that is too short to be known by itself joins its neighbour.
    fn stain(&mut self, range: Range<usize>, name: &Arc<str>) {
        if range.is_empty() {
            return;
        }
        match self.stains.last_mut() {
            Some(last)
                if last.range.end == range.start
                    && last.name == *name
                    && (last.range.len() < SHORT || range.len() < SHORT) =>
            {
                last.range.end = range.end;
            }
            Some(_) | None => self.stains.push(Stain { range, name: name.clone() }),
        }
    }
}

/// Whether a number has so many digits that it can be told from others.
pub fn has_four_digits(n: i64) -> bool {
    n.unsigned_abs() >= 1000
}

fn moved(range: &Range<usize>, times: usize, by: usize) -> Range<usize> {
    range.start * times + by..range.end * times + by
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Arc<str> {
        text.into()
    }

    fn covered(stained: Stained) -> String {
        String::from_utf8_lossy(&stained.covered(|_| None)).into_owned()
    }

    #[test]
    fn the_mark_of_a_part_stands_where_the_part_stands() {
        let mut text = Stained::default();
        text.push_plain(b"AT+PIN=");
        text.push(&Value::text("1234"), &Taint::All(name("pin")));
        text.push_plain(b",1");
        let text = text.into_text();
        assert_eq!(covered(text.show()), "AT+PIN=«pin»,1");
        assert_eq!(covered(text.show().piece(0..9)), "AT+PIN=«pin»");
        assert_eq!(covered(text.show().piece(0..7)), "AT+PIN=");
        assert_eq!(covered(text.show().piece(9..13)), "«pin»,1");
    }

    #[test]
    fn the_leaves_of_a_map_have_marks_of_their_own() {
        let map = Value::Map(vec![
            ("key".into(), Value::text("Tr0ub4dor")),
            ("code".into(), Value::Int(200)),
            ("n".into(), Value::List(vec![Value::Int(471_199), Value::Bool(true), Value::Null])),
        ]);
        let map = Marked::secret(map, &name("m"));
        assert_eq!(covered(map.show()), "{key: «m», code: 200, n: [«m», true, null]}");
        assert_eq!(map.taint.item(1), Taint::Nothing);
    }

    #[test]
    fn bytes_show_as_hex_and_their_marks_with_them() {
        let stains = vec![Stain { range: 1..2, name: name("k") }];
        let bytes = Marked { value: Value::Bytes(vec![1, 2, 3]), taint: Taint::Octets(stains) };
        assert_eq!(covered(bytes.show()), "01«k»03");
        assert_eq!(bytes.octets().covered(|_| None), [&[1][..], "«k»".as_bytes(), &[3]].concat());
    }

    #[test]
    fn characters_of_a_secret_become_one_piece_again() {
        let mut text = Stained::default();
        for c in ["T", "r", "0", "u", "b"] {
            text.push(&Value::text(c), &Taint::All(name("key")));
        }
        assert_eq!(text.stains(), [Stain { range: 0..5, name: name("key") }]);
        text.push(&Value::text("other"), &Taint::All(name("other")));
        assert_eq!(covered(text), "«key»«other»");
    }
}
