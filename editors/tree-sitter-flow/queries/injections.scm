((comment) @injection.content
  (#set! injection.language "comment"))

((regex_text) @injection.content
  (#set! injection.language "regex"))
