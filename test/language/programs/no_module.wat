;; cut: 9
;; error: offset 0x9: unexpected end
;; status: 126
(module (func (export "_start")))
