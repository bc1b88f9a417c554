//! `param`, `secret` and `file`: what the command line may give.

use super::Compiler;
use super::names::sample;
use crate::diagnostic::Code;
use crate::pattern::{Fit, Regex};
use crate::program::{ExprKind, Param};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

impl Compiler<'_> {
    /// Compiles `param apn = "internet"`, `secret key` and `file fw`.
    pub(super) fn param(&mut self, param: &ast::Param) -> Param {
        self.params.push(param.name.node.clone());
        let (default, kind) = match &param.default {
            Some(default) => {
                self.refuse_later_names(default, param.name.span);
                let (expr, kind) = self.expr(default);
                (Some(expr), kind)
            }
            None => (None, Type::Text),
        };
        let kind = if param.is_file { self.kind_of_file(param, kind) } else { kind };
        if let (Type::List | Type::Map, Some(regex)) = (kind, &param.matches) {
            let message = format!("{} is not text, so no regex can match it", kind.title());
            self.problem(Code::CheckType, regex.span, message, "for texts only").help =
                Some("leave `matches` out, and `assert` what must hold".to_string());
        }
        self.check_unique(param);
        let matches = param.matches.as_ref().and_then(|regex| {
            let text = sample(regex);
            self.refuse_values(regex);
            match Regex::new(&text, &regex.flags, Fit::Whole) {
                Ok(compiled) => Some((text, compiled)),
                Err(why) => {
                    self.problem(Code::CheckRegex, regex.span, format!("this regex cannot be compiled: {why}"), "here");
                    None
                }
            }
        });
        if let (Some((text, regex)), Some(default), Some(expr)) = (&matches, &default, &param.default)
            && let ExprKind::Const(value) = &default.kind
            && !regex.is_match(&value.show())
        {
            let message = format!("the default of `{}` does not match `/{text}/`", param.name.node);
            self.problem(Code::CheckRegex, expr.span, message, "does not match as a whole").help =
                Some("the regex must match the whole value, a default too: `.*` matches any text".to_string());
        }
        let site = self.site(param.name.span);
        let variable = self.globals.get_mut(&param.name.node).expect("params were noted before");
        variable.kind = kind;
        let slot = variable.place;
        Param {
            name: param.name.node.clone(),
            slot,
            is_secret: variable.is_secret,
            makes_secrets: false,
            is_unique: param.unique.is_some(),
            is_file: param.is_file,
            kind,
            matches,
            default,
            site,
        }
    }

    /// Returns the type of a `file`, whose default is what is in it.
    fn kind_of_file(&mut self, param: &ast::Param, kind: Type) -> Type {
        if !matches!(kind, Type::Bytes | Type::Text | Type::Any) {
            let message = format!("the content of a file must be bytes or text, this is {}", kind.title());
            self.problem(Code::CheckType, param.name.span, message, "declared here").help =
                Some("the default is the content of the file: `file fw = x\"7f 45 4c 46\"`".to_string());
        }
        Type::Bytes
    }

    /// Reports names in a default that have no value yet when it is worked out.
    fn refuse_later_names(&mut self, default: &ast::Expr, declared: Span) {
        let mut names = std::collections::HashSet::new();
        default.for_each_name(&mut |name| {
            names.insert(name.to_string());
        });
        let mut later: Vec<String> = names
            .into_iter()
            .filter(|name| {
                let site = self.globals.get(name).and_then(|variable| variable.declared);
                site.is_some_and(|site| site.source == self.file.source && site.span.start >= declared.start)
            })
            .collect();
        later.sort_unstable();
        for name in later {
            let message = format!("`{name}` has no value yet: it is declared later");
            self.problem(Code::CheckUnknownName, default.span, message, "computed before that").help =
                Some(format!("declare `{name}` before it is used"));
        }
    }
}
