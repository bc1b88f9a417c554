[
  (block)
  (port_block)
  (serial)
  (expect_any)
  (expect_all)
  (list)
  (map)
] @fold
