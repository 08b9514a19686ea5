;; Wants 50 000 table elements before its first instruction.
(module
  (table 50000 funcref)
  (memory (export "memory") 1)
  (func (export "_start")))
