"""Makes spirals.csv: three spirals that wind into each other, 150 points each. Same output each time."""

import math
import random

POINTS = 150
TURNS = 1.25

random.seed(7)
print("x,y,spiral")
for i in range(POINTS):
    for spiral in range(3):
        radius = 0.05 + 0.95 * i / POINTS
        angle = TURNS * 2 * math.pi * i / POINTS + spiral * 2 * math.pi / 3
        x = radius * math.cos(angle) + random.gauss(0, 0.02)
        y = radius * math.sin(angle) + random.gauss(0, 0.02)
        print(f"{x:.4f},{y:.4f},{spiral}")
