//! What `lsp` takes.

use clap::Args;

pub(super) const AFTER_LSP_HELP: &str = "\
An editor starts it and speaks the language server protocol with it on standard
input and output. docs/editor.md has the settings for Neovim, Helix, Emacs and
VS Code; for Neovim:

  vim.lsp.start({ name = 'flowrun', cmd = { 'flowrun', 'lsp' },
                  root_dir = vim.fn.getcwd() })

Exit codes: 0 after `shutdown` and `exit`, 1 if the editor is gone without them.";

/// What `lsp` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct LspArguments {
    /// Use standard input and output: so it does anyway
    #[arg(long)]
    pub stdio: bool,
}
