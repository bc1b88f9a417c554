//! `Place`: a place of a labgrid coordinator, by its name and with its port.

use std::fmt;

use super::real::RealPort;
use super::{AddressError, Fault};

/// What an address of a place begins with.
const SCHEME: &str = "labgrid";

/// What a place, or several, are called: what follows `labgrid:`.
///
/// Invariant: neither part is empty. [`fmt::Display`] writes the address as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlaceName {
    place: String,
    resource: Option<String>,
}

/// A place that has been acquired, and the port that it has until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    name: PlaceName,
    port: RealPort,
}

impl PlaceName {
    /// Reads an address; `None` if it is of another kind.
    ///
    /// # Errors
    ///
    /// The name of the place is missing, or that of its resource behind a slash.
    pub(crate) fn read(typed: &str) -> Option<Result<PlaceName, AddressError>> {
        let (scheme, rest) = typed.split_once(':')?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        let (place, resource) = match rest.split_once('/') {
            Some((place, resource)) => (place, Some(resource)),
            None => (rest, None),
        };
        if place.is_empty() || resource.is_some_and(str::is_empty) {
            let place = if place.is_empty() { "PLACE" } else { place };
            let instead = Some(format!("{SCHEME}:{place}"));
            return Some(Err(AddressError::Malformed { typed: typed.to_string(), fault: Fault::NoPlace, instead }));
        }
        Some(Ok(PlaceName { place: place.to_string(), resource: resource.map(str::to_string) }))
    }

    /// Returns the name of the place, or the pattern that it is.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns which of its ports is meant, if one is named.
    pub(crate) fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Returns which of these places are meant, in natural order: the one of this name, or all that fit the pattern.
    ///
    /// # Errors
    ///
    /// The pattern is none.
    pub(crate) fn fitting(&self, there: &[String]) -> Result<Vec<PlaceName>, AddressError> {
        let called = |place: &String| PlaceName { place: place.clone(), resource: self.resource.clone() };
        if there.contains(&self.place) || !super::is_pattern(&self.place) {
            return Ok(there.iter().filter(|place| **place == self.place).map(called).collect());
        }
        let pattern = super::pattern(&self.place, &self.to_string())?;
        let mut fitting: Vec<PlaceName> = there.iter().filter(|place| pattern.matches(place)).map(called).collect();
        fitting.sort_by(|a, b| super::natural_order(&a.place, &b.place));
        Ok(fitting)
    }
}

impl fmt::Display for PlaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}:{}", self.place)?;
        self.resource.iter().try_for_each(|resource| write!(f, "/{resource}"))
    }
}

impl Place {
    /// Joins a place with the port that it has.
    pub(crate) fn new(name: PlaceName, port: RealPort) -> Place {
        Place { name, port }
    }

    /// Returns what it is called.
    pub(crate) fn name(&self) -> &PlaceName {
        &self.name
    }

    /// Returns the port that is opened for it.
    pub(crate) fn port(&self) -> &RealPort {
        &self.port
    }
}
