def load(region: str) -> dict:
    return {}
