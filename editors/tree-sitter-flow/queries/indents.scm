[
  (block)
  (port_block)
  (serial)
  (expect_any)
  (expect_all)
  (list)
  (map)
  (arguments)
] @indent.begin

["}" "]" ")"] @indent.end @indent.branch
