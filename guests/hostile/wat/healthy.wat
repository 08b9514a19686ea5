;; Does nothing wrong: what must go on working while the others misbehave.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
