;; run: --argv0 name FILE one "two words"
;; output: 3
;; output: name|one|two words|
;; status: 3
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "print_i32" (func $print (param i32)))
  (import "env" "print_str" (func $str (param i32 i32)))
  (memory 1)
  (func (export "_start") (local $at i32)
    (if (call $sizes (i32.const 0) (i32.const 4)) (then (unreachable)))
    (if (call $get (i32.const 100) (i32.const 1000)) (then (unreachable)))
    (call $print (i32.load (i32.const 0)))
    (if (i32.ne (i32.load (i32.const 104)) (i32.const 1005)) (then (unreachable)))
    (local.set $at (i32.const 1000))
    (loop $l
      (if (i32.eqz (i32.load8_u (local.get $at))) (then (i32.store8 (local.get $at) (i32.const 124))))
      (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1)))
        (i32.add (i32.const 1000) (i32.load (i32.const 4))))))
    (i32.store8 (local.get $at) (i32.const 10))
    (call $str (i32.const 1000) (i32.add (i32.load (i32.const 4)) (i32.const 1)))
    (call $exit (i32.load (i32.const 0)))
    (unreachable)))
