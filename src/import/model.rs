//! `Script`: what the scripts of all tools have in common: statements, branches, jumps, variables.

use std::collections::BTreeSet;

/// A script, as statements of a flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// The title that the script gives itself.
    pub title: Option<String>,
    /// Lines about how the flow is run, for the comment at its head.
    pub notes: Vec<String>,
    /// What the command line gives, in the order of first use.
    pub params: Vec<Param>,
    /// Settings of the line: `baud 9600`, `eol "\n"`.
    pub settings: Vec<String>,
    /// How long a wait may take if it does not say so itself: `30s`.
    pub timeout: Option<String>,
    /// The statements.
    pub body: Vec<Stmt>,
    /// The lines of the script that say something.
    pub lines: BTreeSet<usize>,
    /// The variables that the flow computes.
    pub variables: BTreeSet<String>,
}

/// What the command line gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Param {
    pub name: String,
    pub kind: ParamKind,
    /// A literal.
    pub default: Option<String>,
    /// What a reader must know of it.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParamKind {
    Plain,
    Secret,
    File,
}

/// A statement, and the line of the script that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stmt {
    /// From 1; 0 if no line says it.
    pub line: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A statement of the flow on one line.
    Plain(String),
    /// A comment of the script.
    Comment(String),
    /// An empty line.
    Gap,
    /// What has no translation.
    Lost {
        text: String,
        why: String,
    },
    /// `if`, each condition with its block, and `else`.
    If {
        branches: Vec<(String, Vec<Stmt>)>,
        otherwise: Vec<Stmt>,
    },
    /// `expect`; an arm without a pattern is that of `timeout`.
    Expect {
        within: Option<String>,
        arms: Vec<(Option<String>, Vec<Stmt>)>,
    },
    /// Any other block: `repeat …`, `step "…"`, `on …`.
    Block {
        head: String,
        body: Vec<Stmt>,
    },
    /// A place to go to.
    Label(String),
    Goto(String),
    /// The script ends here; with a message it has failed.
    End(Option<String>),
}

impl Script {
    /// Adds a statement.
    pub(super) fn plain(&mut self, line: usize, text: impl Into<String>) {
        self.push(line, What::Plain(text.into()));
    }

    /// Adds what has no translation.
    pub(super) fn lost(&mut self, line: usize, text: &str, why: &str) {
        self.push(line, What::Lost { text: text.trim().to_string(), why: why.to_string() });
    }

    /// Adds a statement of any kind.
    pub(super) fn push(&mut self, line: usize, what: What) {
        self.saw(line, &what);
        self.body.push(Stmt { line, what });
    }

    /// Returns a statement that is no part of the body yet; its line says something.
    pub(super) fn stmt(&mut self, line: usize, what: What) -> Stmt {
        self.saw(line, &what);
        Stmt { line, what }
    }

    fn saw(&mut self, line: usize, what: &What) {
        if line > 0 && !matches!(what, What::Comment(_) | What::Gap) {
            self.lines.insert(line);
        }
    }

    /// Declares what the command line gives, once.
    pub(super) fn param(&mut self, name: &str, kind: ParamKind, default: Option<String>, note: Option<&str>) {
        if !self.params.iter().any(|param| param.name == name) {
            self.params.push(Param { name: name.to_string(), kind, default, note: note.map(str::to_string) });
        }
    }

    /// Whether the command line gives this.
    pub(super) fn has_param(&self, name: &str) -> bool {
        self.params.iter().any(|param| param.name == name)
    }

    /// Adds a line to the comment at the head, once.
    pub(super) fn note(&mut self, text: &str) {
        if !self.notes.iter().any(|note| note == text) {
            self.notes.push(text.to_string());
        }
    }

    /// Returns how many lines say something.
    pub(super) fn n_lines(&self) -> usize {
        self.lines.len()
    }
}

/// Returns a statement that no line says.
pub(super) fn made(what: What) -> Stmt {
    Stmt { line: 0, what }
}

impl What {
    /// Returns the text of a statement on one line.
    pub(super) fn plain(&self) -> Option<&str> {
        if let What::Plain(text) = self { Some(text) } else { None }
    }
}

impl Stmt {
    /// Returns the blocks inside of it.
    pub(super) fn blocks(&self) -> Vec<&Vec<Stmt>> {
        match &self.what {
            What::If { branches, otherwise } => {
                branches.iter().map(|(_, body)| body).chain(std::iter::once(otherwise)).collect()
            }
            What::Expect { arms, .. } => arms.iter().map(|(_, body)| body).collect(),
            What::Block { body, .. } => vec![body],
            What::Plain(_)
            | What::Comment(_)
            | What::Gap
            | What::Lost { .. }
            | What::Label(_)
            | What::Goto(_)
            | What::End(_) => Vec::new(),
        }
    }

    /// Returns the blocks inside of it, to change them.
    pub(super) fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match &mut self.what {
            What::If { branches, otherwise } => {
                branches.iter_mut().map(|(_, body)| body).chain(std::iter::once(otherwise)).collect()
            }
            What::Expect { arms, .. } => arms.iter_mut().map(|(_, body)| body).collect(),
            What::Block { body, .. } => vec![body],
            What::Plain(_)
            | What::Comment(_)
            | What::Gap
            | What::Lost { .. }
            | What::Label(_)
            | What::Goto(_)
            | What::End(_) => Vec::new(),
        }
    }

    /// Whether something in it, at any depth, fits.
    pub(super) fn any(&self, fits: &dyn Fn(&What) -> bool) -> bool {
        fits(&self.what) || self.blocks().iter().any(|body| body.iter().any(|stmt| stmt.any(fits)))
    }
}
