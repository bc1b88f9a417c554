//! `ask` to an instruction: what a person is asked, and which answers fit.

use super::Compiler;
use super::expr::ANYTHING;
use super::names::sample;
use crate::diagnostic::Code;
use crate::pattern::{Fit, Regex};
use crate::program::{AnswerFits, Expr, ExprKind, Op, Question};
use crate::source::Span;
use crate::syntax::ast::{self, Name, Secrecy};
use crate::value::{Type, Value};

impl Compiler<'_> {
    /// Compiles `ask`.
    pub(super) fn ask(
        &mut self,
        prompt: &ast::Expr,
        (secrecy, name): (Secrecy, Option<&Name>),
        fits: &ast::AnswerFits,
        default: Option<&ast::Expr>,
        head: Span,
    ) {
        self.only_flow(head, "`ask`");
        let prompt = self.want(prompt, ANYTHING, "what a person is asked");
        let fits = self.fits(fits, secrecy);
        let answer = self.want_some(default, ANYTHING, "a default answer");
        if let (Some(written), Some(Expr { kind: ExprKind::Const(value), .. })) = (default, &answer)
            && let Some(expected) = unfit(&fits, value)
        {
            let message = "the default is an answer that does not fit";
            self.problem(Code::CheckType, written.span, message, expected).help =
                Some("it is the answer when nobody is there, so it must fit too".to_string());
        }
        let target = name.map(|name| self.target(name, Type::Text, secrecy));
        self.emit(Op::Ask(Question { prompt, target, fits, default: answer }.into()), head);
    }

    fn fits(&mut self, fits: &ast::AnswerFits, secrecy: Secrecy) -> AnswerFits {
        match fits {
            ast::AnswerFits::Any => AnswerFits::Any,
            ast::AnswerFits::OneOf(choices) => {
                if let (Secrecy::Secret, Some(first)) = (secrecy, choices.first()) {
                    let message = "a secret cannot be one of the choices: all choices are shown";
                    self.problem(Code::CheckType, first.span, message, "shown to everybody").help =
                        Some("leave `secret` out, or the choices".to_string());
                }
                choices.iter().for_each(|choice| self.refuse_secrets(choice));
                AnswerFits::OneOf(choices.iter().map(|choice| self.want(choice, ANYTHING, "a choice")).collect())
            }
            ast::AnswerFits::Regex(regex) => {
                self.refuse_values(regex);
                let text = sample(regex);
                match Regex::new(&text, &regex.flags, Fit::Whole) {
                    Ok(compiled) => AnswerFits::Regex(text, compiled),
                    Err(why) => {
                        let message = format!("this regex cannot be compiled: {why}");
                        self.problem(Code::CheckRegex, regex.span, message, "here");
                        AnswerFits::Any
                    }
                }
            }
        }
    }
}

impl Compiler<'_> {
    /// Refuses a choice that is made of a secret: all choices are shown.
    fn refuse_secrets(&mut self, choice: &ast::Expr) {
        let mut secret = None;
        choice.for_each_name(&mut |name| {
            let is_secret = self.find(name).is_some_and(|(_, variable)| variable.is_secret);
            secret = secret.or(is_secret.then_some(name));
        });
        if let Some(name) = secret {
            let message = format!("the choices are shown, and `{name}` is a secret");
            self.problem(Code::CheckType, choice.span, message, "shown to everybody").help =
                Some("leave it out, or ask for the secret with `as secret NAME`".to_string());
        }
    }
}

/// Returns what would fit instead, if that is known and a value does not.
fn unfit(fits: &AnswerFits, value: &Value) -> Option<String> {
    let answer = value.show();
    match fits {
        AnswerFits::Any => None,
        AnswerFits::OneOf(choices) => {
            let known: Option<Vec<Vec<u8>>> = choices.iter().map(text_of).collect();
            known.filter(|known| !known.contains(&answer)).map(|_| "none of the choices".to_string())
        }
        AnswerFits::Regex(text, regex) => (!regex.is_match(&answer)).then(|| format!("must match `/{text}/`")),
    }
}

fn text_of(choice: &Expr) -> Option<Vec<u8>> {
    match &choice.kind {
        ExprKind::Const(value) => Some(value.show()),
        ExprKind::Template(_)
        | ExprKind::Variable(..)
        | ExprKind::Call(..)
        | ExprKind::List(_)
        | ExprKind::Map(_)
        | ExprKind::Not(_)
        | ExprKind::Negative(_)
        | ExprKind::Binary(..)
        | ExprKind::Matches(..)
        | ExprKind::Index(..)
        | ExprKind::Through(..) => None,
    }
}
