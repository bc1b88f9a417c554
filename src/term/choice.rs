//! What the terminal can be set to: modes, time stamps and line ends, each with the names that the user types.

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It goes out at once; what comes goes to the terminal as it is.
    Console,
    /// It goes into a line that Enter sends; what comes stands above that line, and control bytes are shown.
    Line,
}

impl Mode {
    pub(crate) const NAMES: [(&'static str, Mode); 2] = [("console", Mode::Console), ("line", Mode::Line)];

    /// Returns the other one.
    pub(crate) fn other(self) -> Mode {
        match self {
            Mode::Console => Mode::Line,
            Mode::Line => Mode::Console,
        }
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        name_of(self, &Mode::NAMES)
    }
}

/// What stands before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamps {
    /// Nothing.
    Off,
    /// The time of day.
    Clock,
    /// The time since the line before.
    Delta,
}

impl Stamps {
    pub(crate) const NAMES: [(&'static str, Stamps); 3] =
        [("off", Stamps::Off), ("clock", Stamps::Clock), ("delta", Stamps::Delta)];

    /// Returns the next one.
    pub(crate) fn next(self) -> Stamps {
        next_of(self, &Stamps::NAMES)
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        name_of(self, &Stamps::NAMES)
    }
}

/// What the Enter key sends.
#[derive(Clone, Debug, PartialEq, Eq, Copy)]
pub(crate) enum LineEnd {
    /// CR.
    Cr,
    /// LF.
    Lf,
    /// CR and LF.
    CrLf,
    /// Nothing.
    None,
}

impl LineEnd {
    pub(crate) const NAMES: [(&'static str, LineEnd); 4] =
        [("cr", LineEnd::Cr), ("lf", LineEnd::Lf), ("crlf", LineEnd::CrLf), ("none", LineEnd::None)];

    /// Returns the next one.
    pub(crate) fn next(self) -> LineEnd {
        next_of(self, &LineEnd::NAMES)
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        name_of(self, &LineEnd::NAMES)
    }

    /// Returns its bytes.
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Cr => b"\r",
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
            LineEnd::None => b"",
        }
    }

    /// Returns the one that has these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Option<LineEnd> {
        LineEnd::NAMES.iter().map(|(_, end)| *end).find(|end| end.bytes() == bytes)
    }
}

/// How line ends that come are shown in a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newline {
    /// As they are.
    Keep,
    /// A bare LF begins a new line.
    Lf,
    /// A bare CR begins a new line.
    Cr,
}

impl Newline {
    pub(crate) const NAMES: [(&'static str, Newline); 3] =
        [("keep", Newline::Keep), ("lf", Newline::Lf), ("cr", Newline::Cr)];

    /// Returns the next one.
    pub(crate) fn next(self) -> Newline {
        next_of(self, &Newline::NAMES)
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        name_of(self, &Newline::NAMES)
    }
}

fn name_of<T: PartialEq + Copy>(choice: T, names: &[(&'static str, T)]) -> &'static str {
    names.iter().find(|(_, other)| *other == choice).map_or("", |(name, _)| name)
}

fn next_of<T: PartialEq + Copy>(choice: T, names: &[(&'static str, T)]) -> T {
    let at = names.iter().position(|(_, other)| *other == choice).unwrap_or(0);
    names[(at + 1) % names.len()].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_through_all_of_them() {
        assert_eq!(Stamps::Off.next().next().next(), Stamps::Off);
        assert_eq!(LineEnd::Cr.next().next().next().next(), LineEnd::Cr);
        assert_eq!(Newline::Keep.next().next().next(), Newline::Keep);
        assert_eq!(Mode::Console.other().other(), Mode::Console);
    }

    #[test]
    fn a_line_end_is_known_by_its_bytes() {
        assert_eq!(LineEnd::of(b"\r\n"), Some(LineEnd::CrLf));
        assert_eq!(LineEnd::of(b";"), None);
    }
}
