#!/usr/bin/env python3
"""Draws the cost of a packet against the number of calls, from what `cargo bench --bench pacing -- --csv FILE` wrote.

    for n in 100 500 1000 2000 4000 8000; do cargo bench --bench pacing -- --streams $n --csv pacing.csv; done
    docs/plots/pacing.py pacing.csv > docs/pacing.svg

Medians are lines, each measurement is a dot. A measurement in which packets were missing is a hollow dot.
"""
import csv
import math
import statistics
import sys

WAYS = {"bare": ("bare loop, plain sends", "#888888"), "plain": ("engine, plain sends", "#c46a1f"), "batched": ("engine, io_uring", "#1f6fc4")}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 24, 44, 56


def main():
    rows = [(int(n), way, float(cpu), float(p99), float(arrived)) for n, way, cpu, p99, arrived in csv.reader(open(sys.argv[1]))]
    counts = sorted({row[0] for row in rows})
    low, high = math.log(counts[0] * 0.8), math.log(counts[-1] * 1.25)
    top = math.ceil(max(row[2] for row in rows) * 1.1)
    x = lambda n: LEFT + (math.log(n) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
    y = lambda cpu: HEIGHT - BOTTOM - cpu / top * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    step = 1 if top <= 10 else 2
    for mark in range(0, top + 1, step):
        out.append(f'<path d="M{LEFT} {y(mark):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
                   f'<text x="{LEFT - 8}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark}</text>')
    for n in counts:
        out.append(f'<text x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">calls that hear a prompt</text>')
    out.append(f'<text x="{LEFT}" y="20" font-weight="bold">CPU for each packet sent, µs</text>')
    for place, (way, (name, colour)) in enumerate(WAYS.items()):
        points = []
        for n in counts:
            costs = [row[2] for row in rows if row[0] == n and row[1] == way]
            if not costs:
                continue
            points.append(f"{x(n):.1f},{y(statistics.median(costs)):.1f}")
            for _, _, cpu, _, arrived in (row for row in rows if row[0] == n and row[1] == way):
                fill = colour if arrived > 0.98 else "none"
                out.append(f'<circle cx="{x(n):.1f}" cy="{y(cpu):.1f}" r="3" fill="{fill}" stroke="{colour}" fill-opacity="0.5"/>')
        out.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        at = LEFT + 10 + 190 * place
        out.append(f'<path d="M{at} 34h22" stroke="{colour}" stroke-width="2"/><text x="{at + 28}" y="38">{name}</text>')
    out.append("</svg>")
    print("\n".join(out))


main()
