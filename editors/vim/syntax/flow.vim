" Flow, device and library files of flowrun.
if exists("b:current_syntax")
  finish
endif
let s:cpo_save = &cpo
set cpo&vim

" Where a word is in two lists, the later one counts.
syntax keyword flowFunction
  \ abs aes_cbc_decrypt aes_cbc_encrypt aes_ecb_decrypt aes_ecb_encrypt append at_escape at_unescape
  \ base32 base64 bit_and bit_or bit_xor bytes bytes_be bytes_le contains crc crc16_ccitt
  \ crc16_modbus crc32 decimal decode encode ends_with fletcher16 fletcher32 form_decode form_encode
  \ format format_time get hex hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 index int join json keys
  \ len lower lrc max md5 millis min pad random_digits random_hex random_text replace round seconds
  \ sha1 sha256 sha512 shift_left shift_right sorted_concat sorted_form split starts_with substring
  \ sum8 text to_json totp trim ucs2 uint_be uint_le unbase32 unbase64 unhex unix_millis unix_time
  \ unucs2 upper url_decode url_encode uuid with without xor16 xor8
syntax keyword flowDeclaration
  \ device file finally flow library param port procedure secret serial sim soft state step tag
  \ unique use using volatile wire
syntax keyword flowStatement
  \ after all as ask assert at await baud break by bytes call capture choices compute cts dcd default
  \ dsr dtr echo expect fail flush from hook ignore limits line log measure most none now off on
  \ prompt quiet raw read receive_file reopen reply restart retry return ri rts save send send_file
  \ skip sleep timeout unit unless unplug within
syntax keyword flowConditional
  \ else if try
syntax keyword flowRepeat
  \ every for repeat until while
syntax keyword flowOperator
  \ and in matches not or
syntax keyword flowBoolean
  \ false true

syntax match flowNumber /\<\d\+\%(\.\d\+\%([eE][-+]\?\d\+\)\?\)\?\>/
syntax match flowNumber /\<0x\x\+\>/
syntax match flowDuration /\<\d\+\%(\.\d\+\)\?\%(ms\|s\|m\|h\)\>/
" A key of a map and the part of a value may be any word.
syntax match flowKey /\<\h\w*\ze[ \t]*:/
syntax match flowKey /\.\zs\h\w*/
syntax match flowName /\%(\<\%(procedure\|call\)\s\+\)\@32<=\h\w*/

" `serial { … }` has words of its own.
syntax region flowSerial matchgroup=flowDeclaration start=/\<serial\s*{/ matchgroup=NONE end=/}/
  \ contains=flowComment,flowString,flowRaw,flowNumber,flowDuration,flowSetting
syntax keyword flowSetting contained
  \ baud dtr dtr_at_close echo encoding eol flow_control format guard header line_pace pace reconnect
  \ rs485 rs485_after rs485_before rts rts_at_close settle

" Nothing goes on in the next line, so that a text that is not closed yet colours only its own.
syntax region flowString start=/"/ end=/"/ end=/$/ oneline contains=flowEscape,flowInterpolation
syntax region flowRaw start=/`/ end=/`/ end=/$/ oneline contains=flowInterpolation
syntax region flowHex start=/\<x"/ end=/"/ end=/$/ oneline
syntax match flowEscape /\\\%(x\x\x\|u{\x\{1,6}}\|.\)/ contained
syntax region flowInterpolation matchgroup=flowSpecial start=/${/ end=/}/ end=/$/ oneline contained
  \ contains=flowFunction,flowOperator,flowBoolean,flowNumber,flowDuration,flowString,flowRaw,flowHex,flowBraces
syntax region flowBraces start=/{/ end=/}/ end=/$/ oneline contained transparent
  \ contains=flowFunction,flowOperator,flowBoolean,flowNumber,flowDuration,flowString,flowRaw,flowHex,flowBraces,flowKey

" A regex stands behind a word that a pattern follows, or at the beginning of an arm; any other slash divides.
syntax region flowRegex oneline contains=flowRegexEscape,flowInterpolation
  \ start=/\%(\<\%(line\|prompt\|matches\|from\|expect\|await\|on\|unless\|none\|ignore\|secret\|until\)\s*\)\@32<=\//
  \ skip=/\\./ end=/\/\a*/ end=/$/
syntax region flowRegex oneline contains=flowRegexEscape,flowInterpolation
  \ start=/\%(^\s*\|[{}>,]\s*\|\<using\s\+\h\w*\s\+\|["`]\s\+\)\@64<=\/\ze\S/
  \ skip=/\\./ end=/\/\a*/ end=/$/
syntax match flowRegexEscape /\\./ contained
syntax match flowComment /#.*$/ contains=flowTask,@Spell
syntax keyword flowTask allow contained

" Only `serial { … }` crosses lines.
syntax sync minlines=30

highlight default link flowDeclaration Keyword
highlight default link flowStatement Statement
highlight default link flowConditional Conditional
highlight default link flowRepeat Repeat
highlight default link flowOperator Operator
highlight default link flowFunction Function
highlight default link flowName Function
highlight default link flowBoolean Boolean
highlight default link flowNumber Number
highlight default link flowDuration Number
highlight default link flowKey Identifier
highlight default link flowSetting Type
highlight default link flowString String
highlight default link flowRaw String
highlight default link flowHex String
highlight default link flowRegex String
highlight default link flowEscape SpecialChar
highlight default link flowRegexEscape SpecialChar
highlight default link flowSpecial Special
highlight default link flowComment Comment
highlight default link flowTask Todo

let b:current_syntax = "flow"
let &cpo = s:cpo_save
unlet s:cpo_save
