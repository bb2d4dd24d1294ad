#!/usr/bin/env python3
"""What a power failure may leave of a disk, and whether a journal on it survives that (writer.c has the format).

usage: crash.py LOG SIZE [--images N] [--seed N] [--plant lost-flush|lost-write]

LOG is what `-drive ...,log=LOG` wrote (src/machine/disk_log.h) of a run of writer.c on an image of SIZE zero bytes. After each flush, and at
each of some places between flushes, images are made of what may be there: all that was over before the last flush that
is over began, as it came; and any sectors of what began later, in any order, whole or torn between sectors. In each, what the
journal says was committed must be whole, and at least what had been acknowledged by then must be committed.
--plant makes a fault on purpose, which must be found: a disk that loses what a flush acknowledged, now and then; or single
writes of it.

Prints how many images were looked at, and each failure; status 1 if there is one.
"""
import argparse
import random
import struct
import sys

RING, RECORD, COMMITS, SECTOR = 8, 16, 2, 512
MAGIC = 0x6c616e72756f6a20
BEGINS, ENDS = 1, 2
WRITE, FLUSH = 1, 2
MASK = (1 << 64) - 1


def mix(z):
    z = (z + 0x9e3779b97f4a7c15) & MASK
    z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
    return z ^ z >> 31


def record_of(t, cache={}):
    if t not in cache:
        n = 1 + mix(t) % RECORD
        cache[t] = b"".join(struct.pack("<Q", mix(t << 32 | i)) for i in range(n * SECTOR // 8))
    return cache[t]


def commit_of(t, cache={}):
    if t not in cache:
        cache[t] = struct.pack("<QQ", MAGIC, t) + b"".join(
            struct.pack("<Q", mix(MAGIC ^ t << 32 ^ i)) for i in range(2, SECTOR // 8))
    return cache[t]


def read_log(path):
    """Events in order: (kind, operation, id, offset, bytes, result)."""
    with open(path, "rb") as f:
        text = f.read()
    if text[:8] != b"veedisk\n" or struct.unpack_from("<Q", text, 8)[0] != 1:
        sys.exit(f"{path}: no log of a disk (at offset 0)")
    at, form = 16, struct.Struct("<IIQQQq")
    while at < len(text):
        kind, op, number, offset, size, result = form.unpack_from(text, at)
        at += form.size
        data = b""
        if kind == BEGINS and op == WRITE:
            data = text[at:at + size]
            at += size
        yield kind, op, number, offset, data, result


def committed(image):
    """The last transaction that the journal says is there; 0: none."""
    last = 0
    for place in range(COMMITS):
        sector = bytes(image[place * SECTOR:(place + 1) * SECTOR])
        magic, t = struct.unpack_from("<QQ", sector)
        if magic == MAGIC and t < 1 << 20 and sector == commit_of(t):
            last = max(last, t)
    return last


def fault(image, acknowledged):
    """What is wrong with the image, or None."""
    last = committed(image)
    if last < acknowledged:
        return f"transaction {acknowledged} was acknowledged, and {last} is the last one"
    # The record behind the last one may be on its way, in the place of the oldest.
    for t in range(max(1, last - RING + 2), last + 1):
        at = (COMMITS + t % RING * RECORD) * SECTOR
        want = record_of(t)
        if image[at:at + len(want)] != want:
            return f"transaction {t} is not whole, and {last} is committed"
    return None


class Disk:
    """What may be on the host's disk at a place of the log."""

    def __init__(self, size, plant, chance):
        self.durable = bytearray(size)
        self.loose = {}     # id: (offset, bytes) of writes that no flush covers
        self.over = set()   # ids of those that are over
        self.covers = {}    # a flush that is on its way: the writes that it covers
        self.flushes = 0
        self.plant, self.chance = plant, chance

    def step(self, kind, op, number, offset, data, result):
        if op == WRITE and kind == BEGINS:
            self.loose[number] = (offset, data)
        elif op == WRITE:
            if result < 0:
                return
            begun = self.loose[number]
            self.loose[number] = (begun[0], begun[1][:result])
            self.over.add(number)
        elif op == FLUSH and kind == BEGINS:
            self.covers[number] = set(self.over)
        elif op == FLUSH:
            covered = self.covers.pop(number)
            if result < 0:
                return
            self.flushes += 1
            if self.plant == "lost-flush" and self.chance.random() < 0.2:
                return
            for write in sorted(covered & set(self.loose)):
                if self.plant == "lost-write" and self.chance.random() < 0.02:
                    continue
                at, data = self.loose.pop(write)
                self.durable[at:at + len(data)] = data
            self.over -= covered

    def image(self, chance):
        image = bytearray(self.durable)
        writes = list(self.loose.values())
        chance.shuffle(writes)
        much = chance.random()
        for at, data in writes:
            if chance.random() > much:
                continue
            torn = chance.random() < 0.3
            for piece in range(0, len(data), SECTOR):
                if not torn or chance.random() < 0.5:
                    part = data[piece:piece + SECTOR]
                    image[at + piece:at + piece + len(part)] = part
        return image


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("log")
    parser.add_argument("size", type=int)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=("lost-flush", "lost-write"))
    args = parser.parse_args()
    chance = random.Random(args.seed)
    disk = Disk(args.size, args.plant, chance)
    images = failures = 0
    for event in read_log(args.log):
        disk.step(*event)
        for _ in range(args.images if event[1] == FLUSH else max(1, args.images // 5)):
            images += 1
            wrong = fault(disk.image(chance), disk.flushes // 2)
            if wrong:
                failures += 1
                if failures < 5:
                    print(f"after {disk.flushes} flushes: {wrong}")
    wrong = fault(disk.durable, disk.flushes // 2)
    print(f"{disk.flushes} flushes, {images} images, {failures} failures")
    sys.exit(1 if failures or wrong or disk.flushes < 2 else 0)


main()
