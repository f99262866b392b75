"""Seeded changes to bytes and to JSON, the same for the same generator."""

import copy
import json
import struct

EXTREMES = [0, 1, 2, 31, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 53, (1 << 63) - 1,
            1 << 63, (1 << 64) - 1]
TEXTS = ["", " ", "\u0000", "a\u001b[31mb", "\u202eabc", "../../x", "a" * 5000, "%s%n", "nan", "-1", "1e999",
         "\u0301" * 200, "\ud83d\ude00", "\u2028", "null", "0x41", "😀"]
VALUES = [None, True, False, 0, -1, 1, 1 << 31, 1 << 53, (1 << 64) - 1, -(1 << 63), 0.5, 1e308, [], {}, [[]], "0" * 64]


def mutated_bytes(rng, data, times=None):
    """One to four changes: a bit, a byte, a number, a slice put in, taken out, doubled, or the end cut off."""
    data = bytearray(data)
    for _ in range(times or rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        choice = rng.randrange(8)
        if choice == 0 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif choice == 1 and place < len(data):
            data[place] = rng.randrange(256)
        elif choice == 2:
            number = rng.choice(EXTREMES)
            raw = struct.pack("<Q", number)[:rng.choice([1, 2, 4, 8])]
            data[place:place + len(raw)] = raw
        elif choice == 3:
            data[place:place] = rng.randbytes(rng.randint(1, 40))
        elif choice == 4:
            del data[place:place + rng.randint(1, 200)]
        elif choice == 5:
            part = data[place:place + rng.randint(1, 200)]
            data[place:place] = part
        elif choice == 6 and rng.random() < 0.4:
            del data[place:]
        else:
            other = rng.randrange(len(data) + 1)
            length = rng.randint(1, 32)
            data[place:place + length] = data[other:other + length]
    return bytes(data)


def paths(value, here=()):
    """The way to every node of a JSON value."""
    yield here
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], here + (key,))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from paths(one, here + (index,))


def mutated_json(rng, value, times=None):
    """A copy in which one to three nodes are other values, gone, doubled or renamed."""
    value = copy.deepcopy(value)
    for _ in range(times or rng.randint(1, 3)):
        ways = [way for way in paths(value) if way]
        if not ways:
            return rng.choice(VALUES)
        way = rng.choice(ways)
        parent = value
        for step in way[:-1]:
            parent = parent[step]
        last = way[-1]
        choice = rng.randrange(5)
        if choice == 0:
            del parent[last]
        elif choice == 1 and isinstance(parent, dict):
            parent[rng.choice(TEXTS)] = parent.pop(last)
        elif choice == 2 and isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(parent[last]))
        elif choice == 3:
            parent[last] = rng.choice(TEXTS)
        else:
            parent[last] = rng.choice(VALUES)
    return value


def mutated_text(rng, value):
    """Bytes of mutated JSON; now and then bytes that are mutated themselves, or nested beyond measure."""
    choice = rng.random()
    if choice < 0.6:
        return json.dumps(mutated_json(rng, value), ensure_ascii=False).encode(errors="surrogatepass")
    if choice < 0.95:
        return mutated_bytes(rng, json.dumps(value).encode())
    return rng.choice([b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"\\u0000" * 50_000 + b'"', b"", b"\xff\xfe", b"1" * 100_000])
