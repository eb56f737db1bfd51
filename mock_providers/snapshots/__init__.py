"""Snapshots: a space as it was at one instant, both halves of it, in a directory of its own under data/snapshots."""
