; The last pattern that fits wins in Helix and Neovim.

(comment) @comment

; ---- words ----

[
  "flow" "device" "library" "use" "sim" "tag" "port" "using" "param" "secret" "file" "volatile" "state" "wire" "serial"
  "procedure" "unique" "step" "finally" "soft"
] @keyword

[
  "send" "raw" "reply" "expect" "all" "none" "quiet" "await" "read" "bytes" "as" "until" "capture" "from" "compute"
  "measure" "unit" "limits" "assert" "fail" "now" "ask" "choices" "default" "hook" "send_file" "receive_file" "by" "skip"
  "ignore" "save" "log" "sleep" "after" "unplug" "reopen" "call" "baud" "echo" "break" "within"
  "timeout" "every" "retry" "unless" "at" "most" "line" "prompt" "on" "off" "dtr" "rts" "cts" "dsr" "dcd" "ri"
] @keyword

[(restart) (flush)] @keyword
["if" "else"] @keyword.conditional
["repeat" "for" "while"] @keyword.repeat
(repeat_until "until" @keyword.repeat)
(for "in" @keyword.repeat)
"return" @keyword.return
"try" @keyword.exception
["and" "or" "not" "in" "matches"] @keyword.operator

; ---- operators ----

["=" "==" "!=" ">=" "<=" ">" "<" "+" "-" "*" "/" "%" "->" ".."] @operator
["," ":" "."] @punctuation.delimiter
["{" "}" "(" ")" "[" "]"] @punctuation.bracket

; ---- names ----

(name) @variable
(parameters (name) @variable.parameter)
(procedure name: (name) @function)
(call name: (name) @function.call)
(function_name) @function.builtin
(setting_name) @property
(setting_word) @constant
(key) @property
(port name: (name) @module)
(using port: (name) @module)
(using_port port: (name) @module)
(use (name) @module)

; ---- literals ----

(number) @number
(duration) @number
(boolean) @boolean
(string) @string
(raw_string) @string
(hex_string) @string.special
(regex) @string.regexp
(escape) @string.escape
(header title: (string) @markup.heading)
(interpolation ["${" "}"] @punctuation.special)
