" Flow, device and library files of flowrun.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:# commentstring=#\ %s formatoptions-=t formatoptions+=croql
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal suffixesadd=.flow
setlocal include=^\\s*\\%(use\\\|sim\\)\\>
setlocal define=^\\s*\\%(procedure\\\|param\\\|secret\\\|state\\\|wire\\)\\>
let b:undo_ftplugin = "setlocal comments< commentstring< formatoptions< expandtab< shiftwidth< softtabstop< suffixesadd< include< define<"

if exists("loaded_matchit") && !exists("b:match_words")
  let b:match_words = '\<if\>:\<else\>,\<try\>:\<else\>'
  let b:undo_ftplugin ..= " | unlet! b:match_words"
endif

compiler flowrun
