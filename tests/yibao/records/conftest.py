"""Records are made by buying: the shop of the settlement tests."""

from tests.yibao.settlement.conftest import bureau, buyer, shared, shop, yibao

__all__ = ["bureau", "buyer", "shared", "shop", "yibao"]
