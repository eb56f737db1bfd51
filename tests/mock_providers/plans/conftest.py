from tests.mock_providers.webhooks.conftest import live

__all__ = ["live"]
