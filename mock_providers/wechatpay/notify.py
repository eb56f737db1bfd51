SCHEDULE: dict[str, tuple[int, ...]] = {"": (15, 15, 30)}
