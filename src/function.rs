//! `Function`: every function that a flow can call, what it takes, what it gives and what it hides.

use crate::value::bounds::check_bounds;
use crate::value::random::Rng;
use crate::value::{Type, Value};
use arguments::Arguments;
use table::TABLE;

mod arguments;
mod checks;
mod ciphers;
mod encodings;
mod form;
mod numbers;
mod octets;
mod structure;
mod surroundings;
mod table;
mod text;

/// A function of the language: the number of its row in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Function {
    /// `row < TABLE.len()`.
    row: u8,
}

/// What can be said of a function before it is called.
#[derive(Debug)]
pub struct Signature {
    /// The name in a flow.
    pub name: &'static str,
    /// What it takes, in order; the optional ones come last.
    pub parameters: &'static [Parameter],
    /// The type of what it gives; [`Type::Any`] if that depends on the arguments.
    pub result: Type,
    /// What becomes of a secret argument.
    pub secrecy: Secrecy,
}

/// One thing that a function takes.
#[derive(Debug)]
pub struct Parameter {
    /// The name in the documentation and in messages.
    pub name: &'static str,
    /// The types that will do; [`Type::Any`] among them accepts everything.
    pub accepts: &'static [Type],
    /// Whether it may be left out.
    pub optional: bool,
}

/// What becomes of a secret argument in the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Secrecy {
    /// The result is made of everything in the arguments.
    Keeps,
    /// Each octet of the result is made of the octet in the same place of the first argument.
    Copies,
    /// The result is a piece of the first argument: from the place that the second one says, or without blanks at its ends.
    Cuts,
    /// The result has the pieces of the first argument between places where the second one stands.
    Splits,
    /// The result has the items of the first argument with the second one between them.
    Joins,
    /// The result is a part of what the first argument spells.
    Selects,
    /// The result is what the first argument has under the second one, or the third.
    Gets,
    /// The result is the first argument with the last one in it.
    Adds,
    /// The result is the first argument without some of its items.
    Drops,
    /// The result does not tell the secret: a digest, a checksum, a length, a yes or no.
    Hides,
}

/// What functions may read besides their arguments.
#[derive(Debug)]
pub struct Ambient {
    /// Where what looks random comes from.
    pub rng: Rng,
    /// The time of day: milliseconds since 1970 in UTC.
    pub unix_millis: i64,
}

impl Function {
    /// Returns the function of this name.
    pub fn find(name: &str) -> Option<Function> {
        Function::all().find(|function| function.signature().name == name)
    }

    /// Returns every function, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Function> {
        (0..TABLE.len()).filter_map(|row| u8::try_from(row).ok()).map(|row| Function { row })
    }

    /// Returns what the function takes and gives.
    pub fn signature(self) -> &'static Signature {
        &TABLE[usize::from(self.row)].signature
    }

    /// Returns the type of what the function gives for arguments of these types.
    pub fn result_for(self, arguments: &[Type]) -> Type {
        let signature = self.signature();
        match (signature.name, arguments.first()) {
            ("min" | "max" | "abs", _) if arguments.iter().all(|kind| *kind == Type::Int) => Type::Int,
            ("min" | "max" | "abs", _) if arguments.iter().all(|kind| *kind == Type::Decimal) => Type::Decimal,
            ("round", _) => {
                if arguments.len() > 1 {
                    Type::Decimal
                } else {
                    Type::Int
                }
            }
            // A piece of bytes is bytes, and a piece of everything else is text.
            ("replace" | "substring", Some(Type::Any)) => Type::Any,
            ("replace" | "substring", Some(Type::Bytes)) => Type::Bytes,
            ("replace" | "substring", _) => Type::Text,
            _ => signature.result,
        }
    }

    /// Checks a text that a flow gives as the argument at this place, if the function takes only certain texts there.
    pub fn check_word(self, place: usize, text: &str) -> Result<(), Wrong> {
        match (self.signature().name, place) {
            ("crc", 0) => checks::check_name(text),
            ("aes_cbc_encrypt" | "aes_cbc_decrypt", 3) | ("aes_ecb_encrypt" | "aes_ecb_decrypt", 2) => {
                ciphers::check_padding(text)
            }
            ("totp", 3) => ciphers::check_method(text),
            ("encode" | "decode", 1) => encodings::check_label(text),
            _ => Ok(()),
        }
    }

    /// Checks a key of a map that a flow gives as an argument, if the function takes only certain keys.
    pub fn check_key(self, key: &str) -> Result<(), Wrong> {
        if self.signature().name == "crc" { checks::check_parameter(key) } else { Ok(()) }
    }

    /// Whether the same arguments always give the same: neither the time of day nor anything random is in the result.
    pub fn is_steady(self) -> bool {
        matches!(TABLE[usize::from(self.row)].work, Work::Alone(_))
    }

    /// Works the result out; the error is a sentence for the flow's author.
    ///
    /// Arguments and result are held to the limits of [`check_bounds`]. An error quotes an argument whole or not
    /// at all, so that secrets in it can be found and masked.
    pub fn call(self, arguments: &[Value], ambient: &mut Ambient) -> Result<Value, String> {
        let row = &TABLE[usize::from(self.row)];
        let arguments = Arguments::checked(&row.signature, arguments)?;
        let result = match row.work {
            Work::Alone(work) => work(&arguments),
            Work::Ambient(work) => work(&arguments, ambient),
        }?;
        check_bounds(&result)?;
        Ok(result)
    }
}

/// What is wrong with an argument that stands in the text of a flow.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Signature {
    /// Returns how many arguments the function needs at least.
    pub fn n_required(&self) -> usize {
        self.parameters.iter().filter(|parameter| !parameter.optional).count()
    }

    /// Checks the number of arguments of a call.
    pub fn check_count(&self, n_arguments: usize) -> Result<(), String> {
        let (least, most) = (self.n_required(), self.parameters.len());
        if (least..=most).contains(&n_arguments) {
            return Ok(());
        }
        let wanted = if least == most { most.to_string() } else { format!("{least} or {most}") };
        let noun = if wanted == "1" { "argument" } else { "arguments" };
        Err(format!("`{}` takes {wanted} {noun}, not {n_arguments}", self.name))
    }
}

impl Parameter {
    /// Says whether a value of this type will do; of [`Type::Any`] only the run can tell.
    pub fn is_open_to(&self, kind: Type) -> bool {
        kind == Type::Any || self.accepts.contains(&Type::Any) || self.accepts.contains(&kind)
    }

    /// Returns what the parameter accepts, in words: `text or a whole number`.
    pub fn accepted(&self) -> String {
        let titles: Vec<&str> = self.accepts.iter().map(|kind| kind.title()).collect();
        match titles.split_last() {
            Some((last, [])) => (*last).to_string(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_string(),
        }
    }
}

/// A row of the table.
struct Row {
    signature: Signature,
    work: Work,
}

/// How a function is worked out.
enum Work {
    /// From the arguments alone.
    Alone(fn(&Arguments<'_>) -> Result<Value, String>),
    /// From the arguments, the time of day and the generator.
    Ambient(fn(&Arguments<'_>, &mut Ambient) -> Result<Value, String>),
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
