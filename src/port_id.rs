//! `PortId`: which of the ports of a run.

/// One of the ports of a run, by its place among those that the flow declares; the first has the number 0.
///
/// Most runs have one port; its number is never shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(u16);

impl PortId {
    /// The port that is meant when nothing is said: the only one of most runs.
    pub const FIRST: PortId = PortId(0);

    /// Returns the port at a place; `None` beyond the 65,536 that can be numbered.
    pub fn new(index: usize) -> Option<PortId> {
        u16::try_from(index).ok().map(PortId)
    }

    /// Returns the port with this number.
    pub(crate) const fn numbered(number: u16) -> PortId {
        PortId(number)
    }

    /// Returns its place.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
