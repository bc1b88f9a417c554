//! The names of one file: where each stands, what it is a name of, and where that is known.

use crate::source::Span;
use crate::syntax::ast::{
    Bound, CaptureFrom, Expr, ExprKind, File, FileKind, Name, Param, Pattern, Regex, Secrecy, Statement, StatementKind,
};

/// What a name is a name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `param`
    Param,
    /// `secret`
    Secret,
    /// `file`
    File,
    /// `state`
    State,
    /// `wire`
    Wire,
    /// What a statement gives a value.
    Variable,
    /// What a procedure or a handler is given.
    Parameter,
    /// `port`
    Port,
    /// `procedure`
    Procedure,
}

impl Kind {
    /// Returns what people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::Param => "param",
            Kind::Secret => "secret",
            Kind::File => "file",
            Kind::State => "state",
            Kind::Wire => "wire",
            Kind::Variable => "variable",
            Kind::Parameter => "parameter",
            Kind::Port => "port",
            Kind::Procedure => "procedure",
        }
    }
}

/// Where a name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// In the files of one program: ports and procedures.
    Program,
    /// In all of the file: what it declares.
    File,
    /// In the main part of the file.
    Main,
    /// In the procedure or handler that begins at this byte.
    Body(u32),
}

/// What a name is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// It is declared.
    Declared,
    /// It gets a value.
    Written,
    /// It is read, called or chosen.
    Read,
}

/// A name where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    /// The name and nothing else.
    pub span: Span,
    /// The name.
    pub name: String,
    /// What it is a name of.
    pub kind: Kind,
    /// Where it is known.
    pub scope: Scope,
    /// What it is there for.
    pub usage: Use,
}

/// A procedure or handler with variables of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// The whole statement.
    pub span: Span,
    /// The place of its variables.
    pub scope: Scope,
}

/// All names of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// In the order of the text.
    pub all: Vec<Occurrence>,
    /// In the order of the text; none stands in another.
    pub bodies: Vec<Body>,
}

impl Names {
    /// Finds the names of a file.
    pub(crate) fn of(file: &File, text: &str) -> Names {
        let kind = file.header.as_ref().map(|header| header.kind);
        let mut walk = Walk {
            text,
            has_own_handlers: matches!(kind, Some(FileKind::Device | FileKind::Library)),
            declared: file.body.iter().filter_map(declaration).collect(),
            scope: Scope::Main,
            parameters: Vec::new(),
            depth: 0,
            names: Names::default(),
        };
        walk.statements(&file.body);
        let mut names = walk.names;
        names.all.sort_by_key(|found| (found.span.start, found.span.end));
        names.all.dedup_by_key(|found| found.span);
        names
    }

    /// Returns the name at a byte, or right before it.
    pub(crate) fn at(&self, offset: usize) -> Option<&Occurrence> {
        let touches = |found: &&Occurrence| (found.span.start as usize..=found.span.end as usize).contains(&offset);
        self.all
            .iter()
            .rfind(|found| touches(found) && found.span.end as usize != offset)
            .or_else(|| self.all.iter().rfind(touches))
    }

    /// Returns the place whose variables are known at a byte, besides what the file declares.
    pub(crate) fn scope_at(&self, offset: usize) -> Scope {
        let body = self.bodies.iter().find(|body| body.span.range().contains(&offset));
        body.map_or(Scope::Main, |body| body.scope)
    }

    /// Returns where this is declared, or else gets its first value.
    pub(crate) fn origin(&self, of: &Occurrence) -> Option<&Occurrence> {
        let same = || self.all.iter().filter(|found| found.is_same(of));
        let by_use = |usage| same().find(|found| found.usage == usage);
        by_use(Use::Declared).or_else(|| by_use(Use::Written))
    }
}

impl Occurrence {
    /// Whether both are names of the same thing, in one file.
    pub(crate) fn is_same(&self, other: &Occurrence) -> bool {
        let is_kind = (self.kind == other.kind) || self.scope != Scope::Program;
        self.name == other.name && self.scope == other.scope && is_kind
    }
}

/// Returns what a statement declares for the whole file.
fn declaration(statement: &Statement) -> Option<(&str, Kind)> {
    if let StatementKind::Param(param) = &statement.kind {
        return Some((&param.name.node, kind_of(param)));
    }
    if let StatementKind::State { name, .. } = &statement.kind {
        return Some((&name.node, Kind::State));
    }
    if let StatementKind::Wire { name, .. } = &statement.kind {
        return Some((&name.node, Kind::Wire));
    }
    None
}

fn kind_of(param: &Param) -> Kind {
    match param.secrecy {
        _ if param.is_file => Kind::File,
        Secrecy::Secret => Kind::Secret,
        Secrecy::Open => Kind::Param,
    }
}

struct Walk<'a> {
    text: &'a str,
    /// Whether an `on` at the top level has variables of its own: so it is in devices and in libraries.
    has_own_handlers: bool,
    declared: Vec<(&'a str, Kind)>,
    scope: Scope,
    /// Those of the body that is walked.
    parameters: Vec<&'a str>,
    depth: usize,
    names: Names,
}

impl<'a> Walk<'a> {
    fn statements(&mut self, body: &'a [Statement]) {
        body.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'a Statement) {
        let parameters: Option<&'a [Name]> = if let StatementKind::Procedure { name, parameters, .. } = &statement.kind
        {
            self.add(name.span, &name.node, Kind::Procedure, Scope::Program, Use::Declared);
            Some(parameters)
        } else if let StatementKind::OnHook { parameters, .. } = &statement.kind {
            Some(parameters)
        } else if let StatementKind::OnSignal { .. } | StatementKind::OnWire { .. } = &statement.kind {
            Some(&[])
        } else if let StatementKind::On { .. } = &statement.kind {
            (self.has_own_handlers && self.depth == 0).then_some(&[])
        } else {
            None
        };
        let Some(parameters) = parameters else { return self.parts(statement) };
        let scope = Scope::Body(statement.span.start);
        self.names.bodies.push(Body { span: statement.span, scope });
        let outer_scope = std::mem::replace(&mut self.scope, scope);
        let named = parameters.iter().map(|parameter| parameter.node.as_str()).collect();
        let outer_parameters = std::mem::replace(&mut self.parameters, named);
        for parameter in parameters {
            self.add(parameter.span, &parameter.node, Kind::Parameter, scope, Use::Declared);
        }
        self.parts(statement);
        self.scope = outer_scope;
        self.parameters = outer_parameters;
    }

    /// Finds the names in a statement itself and in its blocks.
    fn parts(&mut self, statement: &'a Statement) {
        self.ports_and_procedures(statement);
        for bind in statement.binds() {
            match bind.into {
                Bound::Name(name) => {
                    let usage = if declaration(statement).is_some() { Use::Declared } else { Use::Written };
                    self.variable(name.span, &name.node, usage);
                }
                Bound::Groups(pattern) => self.groups(pattern),
            }
        }
        for name in statement.names() {
            self.variable(name.span, &name.node, Use::Read);
        }
        statement.expressions().into_iter().for_each(|expr| self.expr(expr));
        for pattern in statement.patterns() {
            pattern.expressions().into_iter().for_each(|expr| self.expr(expr));
            if let Some(port) = &pattern.port {
                self.add(port.span, &port.node, Kind::Port, Scope::Program, Use::Read);
            }
        }
        if let StatementKind::Capture { name, from: CaptureFrom::Pattern { pattern, .. }, .. } = &statement.kind
            && let Some(regex) = pattern.regex()
        {
            // The group that is taken has the name of the variable.
            for (span, group) in groups_in(regex, self.text).into_iter().filter(|(_, group)| *group == name.node) {
                self.variable(span, group, Use::Read);
            }
        }
        self.depth += 1;
        statement.blocks().into_iter().for_each(|block| self.statements(&block.body));
        self.depth -= 1;
    }

    fn ports_and_procedures(&mut self, statement: &'a Statement) {
        if let StatementKind::Call { name, .. } = &statement.kind {
            self.add(name.span, &name.node, Kind::Procedure, Scope::Program, Use::Read);
        } else if let StatementKind::Port(port) = &statement.kind {
            self.add(port.name.span, &port.name.node, Kind::Port, Scope::Program, Use::Declared);
        } else if let StatementKind::Using { port, .. } = &statement.kind {
            self.add(port.span, &port.node, Kind::Port, Scope::Program, Use::Read);
        } else if let StatementKind::Use { ports, .. } = &statement.kind {
            for port in ports {
                self.add(port.span, &port.node, Kind::Port, Scope::Program, Use::Read);
            }
        }
    }

    fn groups(&mut self, pattern: &'a Pattern) {
        let Some(regex) = pattern.regex() else { return };
        for (span, name) in groups_in(regex, self.text) {
            self.variable(span, name, Use::Written);
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        if let ExprKind::Name(name) = &expr.kind {
            self.variable(expr.span, name, Use::Read);
        }
        expr.parts().into_iter().for_each(|part| self.expr(part));
    }

    fn variable(&mut self, span: Span, name: &str, usage: Use) {
        let declared = self.declared.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        let (kind, scope) = match declared {
            _ if self.parameters.contains(&name) => (Kind::Parameter, self.scope),
            Some(kind) => (kind, Scope::File),
            None => (Kind::Variable, self.scope),
        };
        self.add(span, name, kind, scope, usage);
    }

    fn add(&mut self, span: Span, name: &str, kind: Kind, scope: Scope, usage: Use) {
        // The span of a value in parentheses has the parentheses in it.
        let Some(at) = self.text.get(span.range()).and_then(|text| text.find(name)) else { return };
        let start = span.start as usize + at;
        let span = Span::new(start, start + name.len());
        self.names.all.push(Occurrence { span, name: name.to_string(), kind, scope, usage });
    }
}

/// Returns the names of the groups of a regex, where they stand.
pub(crate) fn groups_in<'a>(regex: &Regex, text: &'a str) -> Vec<(Span, &'a str)> {
    let Some(written) = text.get(regex.span.range()) else { return Vec::new() };
    let mut groups = Vec::new();
    let mut is_class = false;
    let mut chars = written.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => is_class = true,
            ']' => is_class = false,
            '(' if !is_class => {
                let rest = &written[at..];
                let Some(begin) = ["(?<", "(?P<"].into_iter().find(|begin| rest.starts_with(begin)) else { continue };
                let Some((name, _)) = rest[begin.len()..].split_once('>') else { continue };
                if !name.is_empty() && !name.starts_with(['=', '!']) {
                    let start = regex.span.start as usize + at + begin.len();
                    groups.push((Span::new(start, start + name.len()), &text[start..start + name.len()]));
                }
            }
            _ => {}
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Sources};
    use crate::syntax::parse;

    fn names(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("a.flow", text));
        let parsed = parse(id, sources.get(id));
        let shown = |found: &Occurrence| {
            assert_eq!(&text[found.span.range()], found.name);
            let scope = match found.scope {
                Scope::Program => "program",
                Scope::File => "file",
                Scope::Main => "main",
                Scope::Body(_) => "body",
            };
            format!("{} {scope} {:?} {}", found.kind.title(), found.usage, found.name)
        };
        Names::of(&parsed.file, text).all.iter().map(shown).collect()
    }

    #[test]
    fn a_flow_has_one_main_part_and_its_procedures_have_their_own_variables() {
        let text = "flow \"t\"\nparam apn\nprocedure p(a) { log a + apn + b }\nexpect /(?<b>.)/\non /x/ { log (b) }\ncall p(\"${b}\") -> c\n";
        assert_eq!(
            names(text),
            [
                "param file Declared apn",
                "procedure program Declared p",
                "parameter body Declared a",
                "parameter body Read a",
                "param file Read apn",
                "variable body Read b",
                "variable main Written b",
                "variable main Read b",
                "procedure program Read p",
                "variable main Read b",
                "variable main Written c"
            ]
        );
    }

    #[test]
    fn a_handler_of_a_device_has_its_own_variables_and_shares_states() {
        let text = "device \"t\"\nstate n = 0\non line /A(?<x>.)/ { compute n = x }\non hook \"h\" (x) { reply x }\n";
        assert_eq!(
            names(text),
            [
                "state file Declared n",
                "variable body Written x",
                "state file Written n",
                "variable body Read x",
                "parameter body Declared x",
                "parameter body Read x"
            ]
        );
    }

    #[test]
    fn ports_and_the_group_that_a_capture_takes_are_names_too() {
        let text = "flow \"t\"\nuse \"a.flow\" for b\nport b { sim \"d.flow\" }\nusing b { send \"1\" }\n\
                    expect { using b line \"x\" -> { log 1 } }\ncapture v from /\\((?<v>[(?<w>]+)/\n";
        assert_eq!(
            names(text),
            [
                "port program Read b",
                "port program Declared b",
                "port program Read b",
                "port program Read b",
                "variable main Written v",
                "variable main Read v"
            ]
        );
    }
}
