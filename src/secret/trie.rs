//! `Trie`: every word of one alphabet, found in a stream of symbols; a word can be added at any time.
//!
//! A search is a set of places in it, one for each symbol at which a word may have begun. A place stays right when words are
//! added.

use super::words::{WordId, Words};

/// A word is looked for in pieces of so many symbols: what is held back for it, and what a stream of one symbol costs, stays
/// small, however long it is.
pub(super) const PIECE: usize = 256;

/// A piece of a few symbols that come again and again is so long.
const MONOTONOUS: usize = 32;

/// The number of a node; the first node is the root.
type NodeId = u32;

const ROOT: NodeId = 0;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// A word that goes through here; the node stands for a part of it.
    word: WordId,
    /// Where in the word the piece begins.
    base: u32,
    /// Which symbols of the piece: `from < to`, but for the root.
    from: u16,
    to: u16,
    /// The first of them.
    first: u8,
    parent: NodeId,
    /// The first child; [`ROOT`] is none.
    child: NodeId,
    /// The next child of the same parent; [`ROOT`] is none.
    next: NodeId,
    end: Option<Ending>,
}

/// What ends at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Whose word it is.
    pub secret: u32,
    /// Whether it goes on from another piece of the word.
    pub goes_on: bool,
}

/// A place in a trie: the symbols from the root to it have just come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    node: NodeId,
    depth: u16,
}

/// Words of one alphabet.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// The child of the root for each first symbol; empty until there is a word, for most runs have no secret.
    roots: Box<[NodeId]>,
    /// A bit for each two symbols that a word begins with: nearly all input is passed over by it. Empty like `roots`.
    pairs: Box<[u64]>,
}

impl Default for Trie {
    fn default() -> Trie {
        let root =
            Node { word: 0, base: 0, from: 0, to: 0, first: 0, parent: ROOT, child: ROOT, next: ROOT, end: None };
        Trie { nodes: vec![root], roots: Box::default(), pairs: Box::default() }
    }
}

impl Trie {
    /// Adds some symbols of a word, in pieces.
    pub(super) fn add(&mut self, words: &Words, word: WordId, symbols: std::ops::Range<usize>) {
        let secret = words.secret(word);
        let mut at = symbols.start;
        while at < symbols.end {
            let left = symbols.end - at;
            let most = piece_at(words, word, at..symbols.end);
            // The last piece takes the few symbols that would be too short for one.
            let n = if left < most + super::SHORTEST { left } else { most };
            self.add_piece(words, (word, at), n, Ending { secret, goes_on: at > symbols.start });
            at += n;
        }
    }

    fn add_piece(&mut self, words: &Words, (word, base): (WordId, usize), n: usize, end: Ending) {
        let symbol = |index: usize| words.symbol(word, base + index);
        if n < 2 {
            return;
        }
        if self.pairs.is_empty() {
            self.roots = vec![ROOT; 256].into();
            self.pairs = vec![0; 1024].into();
        }
        let (index, bit) = pair(symbol(0), symbol(1));
        self.pairs[index] |= bit;
        let (mut node, mut depth) = (ROOT, 0);
        while depth < n {
            let Some(child) = self.child(node, symbol(depth)) else {
                node = self.grow(node, (word, base), depth..n, symbol(depth));
                break;
            };
            let known = self.nodes[child as usize];
            let same = (depth..n.min(usize::from(known.to)))
                .take_while(|at| words.symbol(known.word, known.base as usize + at) == symbol(*at))
                .count();
            depth += same;
            node = if depth < usize::from(known.to) { self.split(words, child, depth) } else { child };
            // The last word that was added stands for all that begin like it.
            let there = &mut self.nodes[node as usize];
            (there.word, there.base) = (word, base as u32);
        }
        let there = &mut self.nodes[node as usize].end;
        let goes_on = end.goes_on || there.is_some_and(|there| there.goes_on);
        *there = Some(Ending { goes_on, ..end });
    }

    /// Says whether a word begins with a symbol.
    pub(super) fn has_first(&self, symbol: u8) -> bool {
        self.roots.get(usize::from(symbol)).is_some_and(|child| *child != ROOT)
    }

    /// Says whether a word begins with two symbols.
    #[inline]
    pub(super) fn has_pair(&self, first: u8, second: u8) -> bool {
        let (index, bit) = pair(first, second);
        self.pairs.get(index).is_some_and(|pairs| pairs & bit != 0)
    }

    /// Returns the place behind two symbols with which a word begins.
    pub(super) fn begin(&self, words: &Words, first: u8, second: u8) -> Option<Place> {
        let node = self.child(ROOT, first)?;
        self.step(words, Place { node, depth: 1 }, second)
    }

    /// Returns the place behind one more symbol, if a word goes on with it.
    pub(super) fn step(&self, words: &Words, place: Place, symbol: u8) -> Option<Place> {
        let Place { node, depth } = self.now(place);
        let known = &self.nodes[node as usize];
        if depth < known.to {
            let goes_on = words.symbol(known.word, known.base as usize + usize::from(depth)) == symbol;
            return goes_on.then_some(Place { node, depth: depth + 1 });
        }
        self.child(node, symbol).map(|node| Place { node, depth: depth + 1 })
    }

    /// Returns what ends at a place.
    pub(super) fn end(&self, place: Place) -> Option<Ending> {
        let Place { node, depth } = self.now(place);
        let known = &self.nodes[node as usize];
        known.end.filter(|_| depth == known.to)
    }

    /// Says whether a word goes on behind a place.
    pub(super) fn goes_on(&self, place: Place) -> bool {
        let Place { node, depth } = self.now(place);
        let known = &self.nodes[node as usize];
        depth < known.to || known.child != ROOT
    }

    /// Returns how many symbols lead to a place, and one of the secrets that go through it.
    pub(super) fn begun(&self, words: &Words, place: Place) -> (usize, u32) {
        (usize::from(place.depth), words.secret(self.nodes[place.node as usize].word))
    }

    /// Returns a place as it is since the last word was added: its node may have been split.
    fn now(&self, mut place: Place) -> Place {
        while place.depth <= self.nodes[place.node as usize].from {
            place.node = self.nodes[place.node as usize].parent;
        }
        place
    }

    fn child(&self, node: NodeId, first: u8) -> Option<NodeId> {
        if node == ROOT {
            return self.roots.get(usize::from(first)).copied().filter(|child| *child != ROOT);
        }
        let mut child = self.nodes[node as usize].child;
        while child != ROOT && self.nodes[child as usize].first != first {
            child = self.nodes[child as usize].next;
        }
        (child != ROOT).then_some(child)
    }

    /// Adds a child.
    fn grow(
        &mut self,
        parent: NodeId,
        (word, base): (WordId, usize),
        part: std::ops::Range<usize>,
        first: u8,
    ) -> NodeId {
        let id = self.nodes.len() as NodeId;
        let next = self.nodes[parent as usize].child;
        self.nodes.push(Node {
            word,
            base: base as u32,
            from: part.start as u16,
            to: part.end as u16,
            first,
            parent,
            child: ROOT,
            next: if parent == ROOT { ROOT } else { next },
            end: None,
        });
        if parent == ROOT {
            self.roots[usize::from(first)] = id;
        } else {
            self.nodes[parent as usize].child = id;
        }
        id
    }

    /// Puts a node above another, for its part before a place.
    fn split(&mut self, words: &Words, lower: NodeId, at: usize) -> NodeId {
        let upper = self.nodes.len() as NodeId;
        let known = self.nodes[lower as usize];
        self.nodes.push(Node { to: at as u16, child: lower, end: None, ..known });
        if known.parent == ROOT {
            self.roots[usize::from(known.first)] = upper;
        } else {
            let mut link = &mut self.nodes[known.parent as usize].child;
            while *link != lower {
                let sibling = *link as usize;
                link = &mut self.nodes[sibling].next;
            }
            *link = upper;
        }
        let first = words.symbol(known.word, known.base as usize + at);
        let node = &mut self.nodes[lower as usize];
        (node.from, node.first, node.parent, node.next) = (at as u16, first, upper, ROOT);
        upper
    }
}

/// Returns how long a piece is that begins at a symbol: short where a few symbols come again and again, for each time a search
/// begins anew.
fn piece_at(words: &Words, word: WordId, symbols: std::ops::Range<usize>) -> usize {
    let end = symbols.end.min(symbols.start + 2 * MONOTONOUS);
    let repeats = |period: &usize| {
        let mut pairs = symbols.start..end.saturating_sub(*period);
        pairs.all(|at| words.symbol(word, at) == words.symbol(word, at + period))
    };
    if end - symbols.start > MONOTONOUS && (1..=MONOTONOUS / 4).any(|period| repeats(&period)) {
        MONOTONOUS
    } else {
        PIECE
    }
}

fn pair(first: u8, second: u8) -> (usize, u64) {
    let place = usize::from(first) << 8 | usize::from(second);
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::super::words::Coding;
    use super::*;

    /// Returns where words end in a text, with their numbers; all that end at one place.
    fn ends(trie: &Trie, words: &Words, text: &[u8]) -> Vec<(usize, u32)> {
        let mut found = Vec::new();
        for start in 0..text.len().saturating_sub(1) {
            let mut place = trie.begin(words, text[start], text[start + 1]);
            let mut at = start + 2;
            while let Some(there) = place {
                found.extend(trie.end(there).map(|end| (at, end.secret)));
                place = text.get(at).and_then(|symbol| trie.step(words, there, *symbol));
                at += 1;
            }
        }
        found
    }

    fn add(trie: &mut Trie, words: &mut Words, text: &[u8], secret: u32) {
        let at = words.keep(text);
        let word = words.add(at, text.len(), Coding::Text, secret);
        trie.add(words, word, 0..text.len());
    }

    #[test]
    fn every_word_is_found_whatever_was_added_before_and_after() {
        let texts: [&[u8]; 7] = [b"abcd", b"abcdef", b"abxy", b"ab", b"b", b"bcde", b"abcdeg"];
        for skip in 0..texts.len() {
            let (mut trie, mut words) = (Trie::default(), Words::default());
            for (i, text) in texts.iter().enumerate().cycle().skip(skip).take(texts.len()) {
                add(&mut trie, &mut words, text, i as u32);
            }
            let mut found = ends(&trie, &words, b"abcdefabxyabcdeg");
            found.sort_unstable();
            let expected = [(2, 3), (4, 0), (5, 5), (6, 1), (8, 3), (10, 2), (12, 3), (14, 0), (15, 5), (16, 6)];
            assert_eq!(found, expected, "from {skip} on");
        }
    }

    #[test]
    fn a_place_stays_right_when_words_are_added() {
        let (mut trie, mut words) = (Trie::default(), Words::default());
        add(&mut trie, &mut words, b"abcdefgh", 0);
        let place = trie.begin(&words, b'a', b'b').expect("a word begins so");
        let place = trie.step(&words, place, b'c').expect("it goes on");
        for (i, text) in [&b"abcdxx"[..], b"abcx", b"abcd", b"abx", b"abc"].into_iter().enumerate() {
            add(&mut trie, &mut words, text, i as u32 + 1);
            let mut there = place;
            for symbol in b"defgh" {
                there = trie.step(&words, there, *symbol).expect("the first word still goes on");
            }
            assert_eq!(trie.end(there).map(|end| end.secret), Some(0));
        }
        assert_eq!(trie.end(place).map(|end| end.secret), Some(5));
    }

    #[test]
    fn a_long_word_is_found_in_pieces_and_memory_grows_by_its_pieces() {
        let (mut trie, mut words) = (Trie::default(), Words::default());
        add(&mut trie, &mut words, &b"x".repeat(512 << 10), 0);
        assert_eq!(trie.nodes.len(), 2, "all pieces are the same");
        let text: Vec<u8> = (0..PIECE * 2 + 3).map(|i| (i * i / 7) as u8).collect();
        add(&mut trie, &mut words, &text, 1);
        let found: Vec<_> = ends(&trie, &words, &text).into_iter().filter(|(_, secret)| *secret == 1).collect();
        assert_eq!(found, [(PIECE, 1), (PIECE * 2 + 3, 1)]);
    }
}
