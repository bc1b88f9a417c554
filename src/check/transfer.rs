//! `send_file` and `receive_file` to instructions.

use super::Compiler;
use super::expr::{ANYTHING, TIME};
use crate::diagnostic::Code;
use crate::diagnostic::nearest::nearest;
use crate::program::{FileReceive, FileSend, Op, Protocol};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, Name};
use crate::value::Type;

impl Compiler<'_> {
    /// Compiles `send_file fw by xmodem`.
    pub(super) fn send_file(&mut self, file: &ast::SendFile, head: Span) {
        let variable = if let ExprKind::Name(name) = &file.content.kind { Some(name.clone()) } else { None };
        let content = self.want(&file.content, &[Type::Bytes, Type::Text], "what is in a file");
        let protocol = file.protocol.as_ref().map(|name| self.protocol(name));
        if let Some(name) = &file.name
            && protocol != Some(Protocol::Ymodem)
        {
            self.problem(Code::CheckMisplaced, name.span, "only YMODEM sends a file name", "not here").help =
                Some("write `by ymodem` after it, or leave the name out".to_string());
        }
        let name = self.want_some(file.name.as_ref(), ANYTHING, "the name of a file");
        let within = self.want_some(file.within.as_ref(), TIME, "`within`");
        let is_variable = variable.is_some();
        let title = variable.unwrap_or_else(|| "the file".to_string());
        self.emit(Op::SendFile(FileSend { content, title, is_variable, name, protocol, within }.into()), head);
    }

    /// Compiles `receive_file image by xmodem`.
    pub(super) fn receive_file(&mut self, file: &ast::ReceiveFile, head: Span) {
        let protocol = self.protocol(&file.protocol);
        let within = self.want_some(file.within.as_ref(), TIME, "`within`");
        let target = self.target(&file.name, Type::Bytes, file.secrecy);
        self.emit(Op::ReceiveFile(FileReceive { target, protocol, within, is_kept: false }.into()), head);
    }

    fn protocol(&mut self, name: &Name) -> Protocol {
        if let Some(protocol) = Protocol::named(&name.node) {
            return protocol;
        }
        let names = Protocol::ALL.map(Protocol::name);
        let help = match nearest(&name.node, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are: {}", names.join(", ")),
        };
        let message = format!("there is no protocol `{}` for files", name.node);
        self.problem(Code::CheckUnknownName, name.span, message, "not a protocol").help = Some(help);
        Protocol::Xmodem
    }
}
