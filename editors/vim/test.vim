" Looks at the files of Vim with a real Vim: vim -N -u NONE -i NONE -n -es -S editors/vim/test.vim
" $COLOURS has the places that tests/editors.rs wrote, $FLOWRUN names the program, $FORMATTED the flows that are indented
" again, $SAID the file that says what is wrong.
set nocompatible encoding=utf-8
let s:root = expand("<sfile>:p:h")
execute "set runtimepath^=" .. s:root
let g:flowrun = $FLOWRUN
let s:wrong = []
let s:count = 0
filetype plugin indent on
syntax on

let s:groups = {
  \ "comment": '^flow\%(Comment\|Task\)$',
  \ "string": '^flow\%(String\)$',
  \ "raw_string": '^flowRaw$',
  \ "hex_string": '^flowHex$',
  \ "regex": '^flowRegex$',
  \ "number": '^flowNumber$',
  \ "duration": '^flowDuration$',
  \ "keyword": '^flow\%(Declaration\|Statement\|Conditional\|Repeat\|Operator\|Boolean\)$',
  \ }

" What is at the first and the last character of each place.
function! s:Look(file, row, column, length, kind)
  let line = getline(a:row + 1)
  for at in [a:column, a:column + a:length - 1]
    let name = synIDattr(synID(a:row + 1, byteidx(line, at) + 1, 1), "name")
    let s:count += 1
    if name !~# s:groups[a:kind]
      call add(s:wrong, printf("%s:%d:%d: %s is %s", a:file, a:row + 1, at + 1, a:kind, empty(name) ? "nothing" : name))
    endif
  endfor
endfunction

function! s:Flow(file)
  execute "silent edit! " .. fnameescape(a:file)
  if &filetype !=# "flow"
    call add(s:wrong, a:file .. ": it is no flow")
  endif
endfunction

let s:file = ""
for s:line in readfile($COLOURS)
  if s:line =~# '^= '
    let s:file = s:line[2:]
    call s:Flow(s:file)
  else
    let [s:row, s:column, s:length, s:kind] = split(s:line, " ")
    call s:Look(s:file, str2nr(s:row), str2nr(s:column), str2nr(s:length), s:kind)
  endif
endfor
if s:count < 10000
  call add(s:wrong, s:count .. " places were looked at")
endif

" `gg=G` leaves what `flowrun fmt` has laid out.
for s:file in split($FORMATTED, "\n")
  call s:Flow(s:file)
  let s:before = getline(1, "$")
  silent normal! gg=G
  let s:after = getline(1, "$")
  for s:i in range(len(s:before))
    if s:before[s:i] !=# s:after[s:i]
      call add(s:wrong, printf("%s:%d: indented as %s", s:file, s:i + 1, string(s:after[s:i])))
      break
    endif
  endfor
  bwipeout!
endfor

" `:make` finds the place of an error, and of a warning.
for [s:file, s:row, s:column, s:type] in [
  \ ["tests/cases/check/ask_with_wrong_answers.flow", 2, 63, "E"],
  \ ["tests/cases/check/allowed_and_not_allowed.flow", 5, 12, "W"]]
  call s:Flow(s:file)
  silent make!
  let s:found = filter(getqflist(), "v:val.valid")
  if empty(s:found) || [s:found[0].lnum, s:found[0].col, s:found[0].type] != [s:row, s:column, s:type]
    call add(s:wrong, s:file .. ": :make finds " .. string(s:found))
  elseif s:found[0].text =~# '^\s*$'
    call add(s:wrong, s:file .. ": :make finds no message")
  endif
endfor

if !empty(s:wrong)
  call writefile(s:wrong, $SAID)
  cquit!
endif
call writefile([printf("vim: %d places have their colours", s:count)], $SAID)
0cquit
