#!/usr/bin/env python3
"""A slow, lossy line between two network namespaces, packet by packet, where the kernel has no netem.

Each end is a TUN device inside its namespace. Every packet waits for the same delay; some are dropped, drawn from a seed.
What is dropped is really gone: TCP above has to notice and send it again.
Usage: link.py NAMESPACE ADDRESS NAMESPACE ADDRESS DELAY_MILLISECONDS LOSS_PERCENT SEED
Says "ready" when the line is up; when its input ends, says how many packets it carried and dropped, and leaves.
"""
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def end(name, namespace, address, other):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    for words in (["link", "set", name, "netns", namespace],
                  ["-n", namespace, "addr", "add", address, "peer", other, "dev", name],
                  ["-n", namespace, "link", "set", name, "up"]):
        subprocess.run(["ip", *words], check=True)
    return device


def main():
    first, first_address, second, second_address, delay, loss, seed = sys.argv[1:]
    delay, loss, draw = float(delay) / 1000, float(loss) / 100, random.Random(int(seed))
    ends = [end(f"pm{os.getpid()}a", first, first_address, second_address),
            end(f"pm{os.getpid()}b", second, second_address, first_address)]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    print("ready", flush=True)
    waiting, number, counts = [], 0, {"packets": 0, "dropped": 0, "bytes": 0}
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, target, packet = heapq.heappop(waiting)
            try:
                os.write(target, packet)
            except OSError:
                counts["dropped"] += 1
        pause = max(0.0, waiting[0][0] - now) if waiting else 1.0
        readable, _, _ = select.select([*ends, sys.stdin], [], [], pause)
        for source in readable:
            if source is sys.stdin:
                print(json.dumps(counts), flush=True)
                return
            try:
                packet = os.read(source, 65536)
            except OSError:
                continue
            counts["packets"] += 1
            counts["bytes"] += len(packet)
            if draw.random() < loss:
                counts["dropped"] += 1
                continue
            number += 1
            heapq.heappush(waiting, (time.monotonic() + delay, number, other[source], packet))


if __name__ == "__main__":
    main()
