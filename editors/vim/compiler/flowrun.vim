" `:make` checks the flow and fills the quickfix list. g:flowrun names the program if it is not on the PATH.
if exists("current_compiler")
  finish
endif
let current_compiler = "flowrun"

if exists(":CompilerSet") != 2
  command -nargs=* CompilerSet setlocal <args>
endif

let s:program = escape(get(g:, "flowrun", "flowrun"), ' \|"')
execute "CompilerSet makeprg=" .. s:program .. "\\ check\\ --color\\ never\\ %:S"

" A message, more of it on lines that begin with a bar, and its place:
"   × the default is an answer that does not fit
"    ╭─[a.flow:2:63]
CompilerSet errorformat=
  \%E%\\s%#×\ %m,
  \%W%\\s%#⚠\ %m,
  \%Z%\\s%#╭─[%f:%l:%c],
  \%C%\\s%#│\ %m,
  \%-C%.%#,
  \%-G%.%#
