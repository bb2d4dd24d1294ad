;; poll_oneoff: what it reports is due, and all that is due; errors are events; nothing is done with bad memory.
;; An event is printed as user data * 1000000 + error * 10000 + kind * 1000 + flags * 100 + bytes.
;; stdin: abc
;; output: 0 2 clocks: the first
;; output: 111000000
;; output: 0 deadlines that are past, now, and far
;; output: 1000000
;; output: 3000000
;; output: 0 two at the same time
;; output: 1000000
;; output: 2000000
;; output: 0 the time of day
;; output: 2000000
;; output: 0 never, and zero
;; output: 2000000
;; output: 0 descriptors that are not there, or not for that, kinds and clocks that there are not
;; output: 1081000
;; output: 3082000
;; output: 4081000
;; output: 5280000
;; output: 6280000
;; output: 7289000
;; output: 0 the processor's time: past, and never
;; output: 1000000
;; output: 2580000
;; output: 0 input, and output
;; output: 1001003
;; output: 2002001
;; output: 0 the end of input
;; output: 1001100
;; output: 0 events over subscriptions
;; output: 2000000
;; output: 28 no subscriptions
;; output: 28 too many
;; output: 21 nowhere
;; output: 21 nowhere
;; output: 21 nowhere
;; output: 21 nowhere
;; output: 8 closed
;; output: 0 closed
;; output: 1081000
;; status: 0
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "env" "print_i64" (func $print (param i64)))
  (import "env" "print_str" (func $str (param i32 i32)))
  (memory 1)
  (global $n (mut i32) (i32.const 0))
  (data (i32.const 30000)
    "0 2 clocks: the first\n"
    "0 deadlines that are past, now, and far\n"
    "0 two at the same time\n"
    "0 the time of day\n"
    "0 never, and zero\n"
    "0 descriptors that are not there, or not for that, kinds and clocks that there are not\n"
    "0 the processor's time: past, and never\n"
    "0 input, and output\n"
    "0 the end of input\n"
    "0 events over subscriptions\n"
    " no subscriptions\n" " too many\n" " nowhere\n" " nowhere\n" " nowhere\n" " nowhere\n" " closed\n" "0 closed\n\00")
  (global $text (mut i32) (i32.const 30000))
  ;; the next line of the text
  (func $line (local $end i32)
    (local.set $end (global.get $text))
    (loop $l
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br_if $l (i32.ne (i32.load8_u (i32.sub (local.get $end) (i32.const 1))) (i32.const 10))))
    (call $str (global.get $text) (i32.sub (local.get $end) (global.get $text)))
    (global.set $text (local.get $end)))
  ;; an error, before the line
  (func $error (param $e i32)
    (i32.store8 (i32.const 29000) (i32.add (i32.const 48) (i32.div_u (local.get $e) (i32.const 10))))
    (i32.store8 (i32.const 29001) (i32.add (i32.const 48) (i32.rem_u (local.get $e) (i32.const 10))))
    (if (i32.lt_u (local.get $e) (i32.const 10))
      (then (call $str (i32.const 29001) (i32.const 1)))
      (else (call $str (i32.const 29000) (i32.const 2))))
    (call $line))
  (func $subscribe (param $user i64) (param $kind i32) (param $of i32) (param $timeout i64) (param $flags i32)
    (local $at i32)
    (local.set $at (i32.mul (global.get $n) (i32.const 48)))
    (i64.store (local.get $at) (local.get $user))
    (i32.store8 offset=8 (local.get $at) (local.get $kind))
    (i32.store offset=16 (local.get $at) (local.get $of))
    (i64.store offset=24 (local.get $at) (local.get $timeout))
    (i32.store16 offset=40 (local.get $at) (local.get $flags))
    (global.set $n (i32.add (global.get $n) (i32.const 1))))
  ;; polls, and prints the events, which are at $out
  (func $report (param $out i32) (local $k i32)
    (if (call $poll (i32.const 0) (local.get $out) (global.get $n) (i32.const 20000)) (then (unreachable)))
    (call $line)
    (global.set $n (i32.const 0))
    (if (i32.eqz (i32.load (i32.const 20000))) (then (unreachable)))
    (loop $l
      (call $print (i64.add
        (i64.add
          (i64.mul (i64.load (local.get $out)) (i64.const 1000000))
          (i64.mul (i64.load16_u offset=8 (local.get $out)) (i64.const 10000)))
        (i64.add
          (i64.mul (i64.load8_u offset=10 (local.get $out)) (i64.const 1000))
          (i64.add
            (i64.mul (i64.load16_u offset=24 (local.get $out)) (i64.const 100))
            (i64.load offset=16 (local.get $out))))))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (br_if $l (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.load (i32.const 20000))))))
  (func $now (param $clock i32) (result i64)
    (drop (call $clock (local.get $clock) (i64.const 1) (i32.const 20008)))
    (i64.load (i32.const 20008)))
  (func $clear (global.set $n (i32.const 0)))
  (func (export "_start")
    (call $subscribe (i64.const 111) (i32.const 0) (i32.const 1) (i64.const 10000000) (i32.const 0))
    (call $subscribe (i64.const 222) (i32.const 0) (i32.const 1) (i64.const 1000000000000) (i32.const 0))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 1) (i64.const 1) (i32.const 1))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1)
      (i64.add (call $now (i32.const 1)) (i64.const 1000000000000)) (i32.const 1))
    (call $subscribe (i64.const 3) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 1) (i64.const 5000000) (i32.const 0))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1) (i64.const 5000000) (i32.const 0))
    (call $subscribe (i64.const 3) (i32.const 0) (i32.const 0) (i64.const 5000000000000) (i32.const 0))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 0)
      (i64.add (call $now (i32.const 0)) (i64.const 1000000000000)) (i32.const 1))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 0)
      (i64.add (call $now (i32.const 0)) (i64.const 5000000)) (i32.const 1))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 1) (i64.const -1) (i32.const 0))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 3) (i32.const 0) (i32.const 0) (i64.const -1) (i32.const 1))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 1) (i32.const 7) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1) (i64.const 1000000000000) (i32.const 0))
    (call $subscribe (i64.const 3) (i32.const 2) (i32.const 0) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 4) (i32.const 1) (i32.const 1) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 5) (i32.const 0) (i32.const 17) (i64.const 1) (i32.const 0))
    (call $subscribe (i64.const 6) (i32.const 0) (i32.const 1) (i64.const 1) (i32.const 2))
    (call $subscribe (i64.const 7) (i32.const 9) (i32.const 1) (i64.const 1) (i32.const 0))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 2) (i64.const 1) (i32.const 1))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 3) (i64.const 1000000000000) (i32.const 0))
    (call $report (i32.const 10000))
    ;; until there is input
    (call $subscribe (i64.const 1) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 0))
    (drop (call $poll (i32.const 0) (i32.const 10000) (global.get $n) (i32.const 20000)))
    ;; whether its writer has gone already is not known
    (call $subscribe (i64.const 2) (i32.const 2) (i32.const 1) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 3) (i32.const 0) (i32.const 1) (i64.const 1000000000000) (i32.const 0))
    (call $report_open)
    (i32.store (i32.const 21000) (i32.const 22000))
    (i32.store (i32.const 21004) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 21000) (i32.const 1) (i32.const 21008)))
    (call $subscribe (i64.const 1) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 0))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1) (i64.const 1000000000000) (i32.const 0))
    (call $report (i32.const 10000))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 1) (i64.const 1000000000000) (i32.const 0))
    (call $subscribe (i64.const 2) (i32.const 0) (i32.const 1) (i64.const 1) (i32.const 1))
    (call $report (i32.const 8))
    (call $error (call $poll (i32.const 0) (i32.const 10000) (i32.const 0) (i32.const 20000)))
    (call $error (call $poll (i32.const 0) (i32.const 10000) (i32.const 100000) (i32.const 20000)))
    (call $subscribe (i64.const 1) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 0))
    (i64.store (i32.const 10000) (i64.const 0))
    (i32.store (i32.const 20000) (i32.const 55))
    (call $error (call $poll (i32.const 65500) (i32.const 10000) (i32.const 1) (i32.const 20000)))
    (call $error (call $poll (i32.const 0) (i32.const 65510) (i32.const 1) (i32.const 20000)))
    (call $error (call $poll (i32.const 0) (i32.const 10000) (i32.const 1) (i32.const 65533)))
    (call $error (call $poll (i32.const 0) (i32.const 10000) (i32.const 1) (i32.const -1)))
    (if (i64.ne (i64.load (i32.const 10000)) (i64.const 0)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 20000)) (i32.const 55)) (then (unreachable)))
    (call $clear)
    (drop (call $close (i32.const 0)))
    (call $error (call $close (i32.const 0)))
    (call $subscribe (i64.const 1) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 0))
    (call $report (i32.const 10000)))
  ;; without the flag of the first event
  (func $report_open
    (drop (call $poll (i32.const 0) (i32.const 10000) (global.get $n) (i32.const 20000)))
    (call $line)
    (call $clear)
    (if (i32.ne (i32.load (i32.const 20000)) (i32.const 2)) (then (unreachable)))
    (call $print (i64.add (i64.const 1001000) (i64.load (i32.const 10016))))
    (call $print (i64.add (i64.const 2002000) (i64.load (i32.const 10048))))))
