#!/usr/bin/env python3
"""random_module.py SEED: prints a valid module (text format) whose `main` computes a number from everything it did.

Functions call earlier ones, directly and through a table; loops run a bounded number of times; branches carry values and
leave operands behind; memory, globals and locals are used throughout. Some modules trap, always at the same place.
Values of NaNs never get into the result, because their bits may differ between implementations.
"""
import random
import sys

TYPES = ["i32", "i64", "f32", "f64"]
INT_BINARY = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"]
INT_DIVIDE = ["div_s", "div_u", "rem_s", "rem_u"]
INT_COMPARE = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
INT_UNARY = ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"]
FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"]
FLOAT_COMPARE = ["eq", "ne", "lt", "gt", "le", "ge"]
FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"]
INTEGERS = [0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 127, 128, 255, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff]
FLOATS = ["0", "-0", "1", "-1", "0.5", "1.5", "2.5", "-2.5", "1e10", "-1e10", "1e-10", "0x1p-149", "inf", "-inf", "nan"]


class Function:
    def __init__(self, make, index, params, results):
        self.r, self.make, self.index, self.params, self.results = make.r, make, index, params, results
        self.locals = list(params) + [self.r.choice(TYPES) for _ in range(self.r.randrange(1, 7))]
        self.counters = 0
        self.labels = []  # innermost last: the types that a branch there takes

    def text(self):
        body = [self.statement(3) for _ in range(self.r.randrange(2, 6))]
        body += [self.value(t, 3) for t in self.results]
        extra = self.locals[len(self.params):] + ["i32"] * self.counters
        head = f'(func $f{self.index}' + "".join(f" (param {t})" for t in self.params)
        head += "".join(f" (result {t})" for t in self.results)
        return head + "".join(f" (local {t})" for t in extra) + "\n  " + "\n  ".join(body) + ")"

    def local(self, t):
        found = [n for n, other in enumerate(self.locals) if other == t]
        return self.r.choice(found) if found else None

    # ---- values

    def constant(self, t):
        if t[0] == "i":
            value = self.r.choice(INTEGERS)
            if self.r.random() < 0.3:
                value = -value
            if t == "i64" and self.r.random() < 0.4:
                value = value << self.r.randrange(32)
            return f"({t}.const {value % 2**int(t[1:])})"
        return f"({t}.const {self.r.choice(FLOATS)})"

    def value(self, t, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.15:
            n = self.local(t)
            return f"(local.get {n})" if n is not None and r.random() < 0.7 else self.constant(t)
        makers = [self.binary, self.binary, self.unary, self.load, self.select, self.block, self.choose, self.call,
                  self.convert, self.convert, self.tee, self.glob, self.loop_value]
        return r.choice(makers)(t, depth - 1)

    def binary(self, t, depth):
        if t[0] == "i" and self.r.random() < 0.15:
            divisor = self.value(t, depth)
            if self.r.random() < 0.97:
                divisor = f"({t}.or {divisor} ({t}.const {self.r.choice([1, 3, 4])}))"
            return f"({t}.{self.r.choice(INT_DIVIDE)} {self.value(t, depth)} {divisor})"
        op = self.r.choice(INT_BINARY if t[0] == "i" else FLOAT_BINARY)
        if op == "copysign":  # the sign of a number, not that of a NaN
            return f"({t}.copysign {self.value(t, depth)} ({t}.convert_i32_s {self.value('i32', depth)}))"
        return f"({t}.{op} {self.value(t, depth)} {self.value(t, depth)})"

    def unary(self, t, depth):
        ops = INT_UNARY + (["extend32_s"] if t == "i64" else []) if t[0] == "i" else FLOAT_UNARY
        return f"({t}.{self.r.choice(ops)} {self.value(t, depth)})"

    def condition(self, depth):
        t = self.r.choice(TYPES)
        if t[0] == "i" and self.r.random() < 0.2:
            return f"({t}.eqz {self.value(t, depth)})"
        op = self.r.choice(INT_COMPARE if t[0] == "i" else FLOAT_COMPARE)
        return f"({t}.{op} {self.value(t, depth)} {self.value(t, depth)})"

    def address(self, depth):
        return f"(i32.and {self.value('i32', depth)} (i32.const 0x7ff8))"

    def load(self, t, depth):
        forms = ["load"]
        if t[0] == "i":
            forms += ["load8_s", "load8_u", "load16_s", "load16_u"] + (["load32_s", "load32_u"] if t == "i64" else [])
        form, offset = self.r.choice(forms), self.r.choice([0, 0, 1, 8, 1000])
        text = f"({t}.{form} offset={offset} {self.address(depth)})"
        return text if t[0] == "i" else f"({t}.add {text} ({t}.const 0))"

    def select(self, t, depth):
        form = f" (result {t})" if self.r.random() < 0.3 else ""
        return f"(select{form} {self.value(t, depth)} {self.value(t, depth)} {self.condition(depth)})"

    def choose(self, t, depth):
        self.labels.append([t])
        text = f"(if (result {t}) {{}} (then {self.inside(t, depth)}) (else {self.inside(t, depth)}))"
        self.labels.pop()
        return text.format(self.condition(depth))

    def inside(self, t, depth):
        return "".join(self.statement(depth - 1) + " " for _ in range(self.r.randrange(2))) + self.value(t, depth)

    def block(self, t, depth):
        """Branches leave the block with a value on top of others."""
        self.labels.append([t])
        below = [self.value(self.r.choice(TYPES), depth - 1) for _ in range(self.r.randrange(3))]
        text = f"(block (result {t}) {' '.join(below)} {self.value(t, depth)} "
        text += f"(br_if 0 {self.condition(depth - 1)}) " + "(drop) " * (len(below) + 1)
        text += self.inside(t, depth) + ")"
        self.labels.pop()
        return text

    def loop_value(self, t, depth):
        counter = self.counter()
        self.labels.append(None)
        body = f"(drop) {self.inside(t, depth)}" if self.r.random() < 0.5 else f"{self.value(t, depth)} {self.join(t)}"
        self.labels.pop()
        return (f"(local.set {counter} (i32.const {self.r.randrange(1, 5)})) {self.value(t, depth)} "
                f"(loop (param {t}) (result {t}) {body} "
                f"(br_if 0 (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))")

    def join(self, t):
        return f"({t}.{self.r.choice(['add', 'sub', 'mul'])})"

    def counter(self):
        self.counters += 1
        return f"$c{self.index}_{self.counters}"

    def call(self, t, depth):
        found = [f for f in self.make.functions if f.results == [t]]
        if not found or self.make.budget <= 0:
            return self.value(t, depth)
        self.make.budget -= 1
        f = self.r.choice(found)
        args = " ".join(self.value(p, depth - 1) for p in f.params)
        if self.r.random() < 0.4:
            types = "".join(f" (param {p})" for p in f.params) + f" (result {t})"
            return f"(call_indirect{types} {args} (i32.const {f.index}))"
        return f"(call $f{f.index} {args})"

    def convert(self, t, depth):
        other = self.r.choice([x for x in TYPES if x != t])
        value = self.value(other, depth)
        if t == "i32" and other == "i64":
            return f"(i32.wrap_i64 {value})"
        if t == "i64" and other == "i32":
            return f"(i64.extend_i32_{self.r.choice('su')} {value})"
        if t[0] == "i":
            return f"({t}.trunc_sat_{other}_{self.r.choice('su')} {value})"
        if other[0] == "f":
            return f"(f32.demote_f64 {value})" if t == "f32" else f"(f64.promote_f32 {value})"
        if t[1:] == other[1:] and self.r.random() < 0.3:
            return f"({t}.reinterpret_{other} {value})"
        return f"({t}.convert_{other}_{self.r.choice('su')} {value})"

    def tee(self, t, depth):
        n = self.local(t)
        return self.value(t, depth) if n is None else f"(local.tee {n} {self.value(t, depth)})"

    def glob(self, t, depth):
        return f"(global.get ${self.r.choice(['g', 'k'])}_{t})"

    # ---- statements

    def statement(self, depth):
        if depth <= 0:
            return self.assign(1)
        makers = [self.assign, self.assign, self.store, self.store, self.set_global, self.branch_out, self.loop,
                  self.when, self.switch, self.effect, self.ranges]
        return self.r.choice(makers)(depth)

    def assign(self, depth):
        n = self.r.randrange(len(self.locals))
        return f"(local.set {n} {self.value(self.locals[n], depth)})"

    def store(self, depth):
        t = self.r.choice(TYPES)
        forms = ["store"] + (["store8", "store16"] + (["store32"] if t == "i64" else []) if t[0] == "i" else [])
        value = self.value(t, depth)
        if t[0] == "f":  # no NaN's bits in memory
            value = f"({t}.min ({t}.abs {value}) ({t}.const 1e30))"
            value = f"({t}.convert_i64_s (i64.trunc_sat_{t}_s {value}))"
        return f"({t}.{self.r.choice(forms)} offset={self.r.choice([0, 3, 64])} {self.address(depth)} {value})"

    def set_global(self, depth):
        t = self.r.choice(TYPES)
        return f"(global.set $g_{t} {self.value(t, depth)})"

    def branch_out(self, depth):
        return f"(block (br_if 0 {self.condition(depth)}) {self.statement(depth - 1)})"

    def when(self, depth):
        other = f" (else {self.statement(depth - 1)})" if self.r.random() < 0.5 else ""
        return f"(if {self.condition(depth)} (then {self.statement(depth - 1)}){other})"

    def loop(self, depth):
        counter = self.counter()
        body = " ".join(self.statement(depth - 1) for _ in range(self.r.randrange(1, 3)))
        return (f"(local.set {counter} (i32.const {self.r.randrange(1, 6)})) (loop {body} "
                f"(br_if 0 (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))")

    def switch(self, depth):
        n = self.r.randrange(1, 6)
        text = "(block " * n + f"(br_table {' '.join(str(self.r.randrange(n)) for _ in range(n + 1))} {self.value('i32', depth)})"
        for _ in range(n):
            text += ") " + self.statement(depth - 1)
        return text

    def effect(self, depth):
        return f"(drop {self.value(self.r.choice(TYPES), depth)})"

    def ranges(self, depth):
        if self.r.random() < 0.5:
            return f"(memory.fill {self.address(depth)} {self.value('i32', depth)} (i32.const {self.r.randrange(64)}))"
        return f"(memory.copy {self.address(depth)} {self.address(depth)} (i32.const {self.r.randrange(64)}))"


class Maker:
    def __init__(self, seed):
        self.r, self.functions, self.budget = random.Random(seed), [], 0

    def module(self):
        text = ["(module", '(memory (export "memory") 1)']
        for t in TYPES:
            text.append(f"(global $g_{t} (mut {t}) ({t}.const {self.r.randrange(100)}))")
            text.append(f"(global $k_{t} {t} ({t}.const {self.r.randrange(100)}))")
        for n in range(self.r.randrange(2, 8)):
            params = [self.r.choice(TYPES) for _ in range(self.r.randrange(5))]
            results = [self.r.choice(TYPES)] if self.r.random() < 0.85 else [self.r.choice(TYPES) for _ in range(3)]
            self.budget = 4
            f = Function(self, n, params, results)
            body = f.text()
            names = [f"$c{n}_{k + 1}" for k in range(f.counters)]
            for k, name in enumerate(names):  # counters are locals behind the others
                body = body.replace(name + " ", f"{len(f.locals) + k} ").replace(name + ")", f"{len(f.locals) + k})")
            text.append(body)
            self.functions.append(f)
        text.append(f"(table {len(self.functions)} funcref)")
        text.append("(elem (i32.const 0)" + "".join(f" $f{f.index}" for f in self.functions) + ")")
        return "\n".join(text + [self.main(), ")"])

    def main(self):
        lines = ['(func (export "main") (result i64) (local $sum i64) (local $at i32)']
        for f in self.functions:
            caller = Function(self, 0, [], [])
            caller.locals = []
            lines.append(f"  (call $f{f.index} {' '.join(caller.constant(p) for p in f.params)})")
            for t in reversed(f.results):
                lines.append("  " + self.into_sum(t))
        for t in TYPES:
            lines.append(f"  (global.get $g_{t}) " + self.into_sum(t))
        lines.append("  (loop (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5)) (i64.load (local.get $at))))")
        lines.append("    (local.set $at (i32.add (local.get $at) (i32.const 8)))")
        lines.append("    (br_if 0 (i32.lt_u (local.get $at) (i32.const 65536))))")
        return "\n".join(lines + ["  (local.get $sum))"])

    def into_sum(self, t):
        make = {"i32": "(i64.extend_i32_s)", "i64": "", "f32": "(i64.trunc_sat_f32_s)", "f64": "(i64.trunc_sat_f64_s)"}
        return f"{make[t]} (local.get $sum) (i64.const 31) (i64.mul) (i64.add) (local.set $sum)"


if __name__ == "__main__":
    print(Maker(int(sys.argv[1])).module())
