" Two blanks for each level of blocks and brackets, as `flowrun fmt` lays them out.
if exists("b:did_indent")
  finish
endif
let b:did_indent = 1

setlocal indentexpr=FlowIndent(v:lnum) indentkeys=0},0],0),o,O,!^F autoindent
let b:undo_indent = "setlocal indentexpr< indentkeys< autoindent<"

if exists("*FlowIndent")
  finish
endif

" Returns a line without texts, regexes and comments.
function! s:Code(lnum)
  let code = ""
  let line = getline(a:lnum)
  for column in range(strlen(line))
    if line[column] =~# '[][(){}]'
      let name = synIDattr(synID(a:lnum, column + 1, 1), "name")
      if name =~# '^flow\%(String\|Raw\|Hex\|Regex\|RegexEscape\|Escape\|Special\|Interpolation\|Braces\|Comment\)$'
        continue
      endif
      let code ..= line[column]
    elseif line[column] =~# '\S'
      let code ..= "x"
    endif
  endfor
  return code
endfunction

" Whether a line outside of brackets goes on in the next one.
function! s:GoesOn(lnum)
  let line = a:lnum > 0 ? getline(a:lnum) : ""
  if line =~# '^\s*#'
    return 0
  endif
  let line = substitute(line, '\s\+#[^"`]*$', "", "")
  return line =~# '\%([=+*%]\|\<and\|\<or\)\s*$'
    \ || line =~# ',\s*$' && line =~# '^\s*\%(.*[{}] \+\)\?\<\%(assert\|fail\|hook\|tag\|use\|ask\)\>'
endfunction

function! FlowIndent(lnum)
  let before = prevnonblank(a:lnum - 1)
  if before == 0
    return 0
  endif
  let line = getline(a:lnum)
  let code = s:Code(before)
  let is_closing = line =~# '^\s*[]})]'
  let level = 0
  for sign in split(code, '\zs')
    let level += sign =~# '[[({]' ? 1 : sign =~# '[])}]' ? -1 : 0
  endfor
  " What closes at the beginning of the line before has moved that line already.
  let level -= strlen(matchstr(code, '^[])}]\+')) * -1
  " Several brackets that open in one line are one level.
  let level = max([code =~# '^[])}]' ? 0 : -1, min([1, level])])
  let first = prevnonblank(before - 1)
  if s:GoesOn(before) && level == 0
    let level += !s:GoesOn(first)
  elseif s:GoesOn(first)
    let level -= 1
  endif
  return max([0, indent(before) + level * shiftwidth() - (is_closing ? shiftwidth() : 0)])
endfunction
