"""The migrations make exactly the tables the models describe."""

import tempfile
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import mock_providers
import yibao
from mock_providers.settings import Settings as MockSettings
from yibao.settings import Settings


@pytest.mark.parametrize("half", ["mock_providers", "yibao"])
def test_a_new_database_has_what_the_models_describe(half: str, tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(dir=tmp_path))
    if half == "yibao":
        app = yibao.create_app(Settings(data=place, background=False))
    else:
        app = mock_providers.create_app(MockSettings(data=place, background=False))
    db = import_module(f"{half}.db").db
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        made = list(compare_metadata(context, db.metadata))
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
        counted = {row[0] for row in tables}
    assert made == []
    assert counted == {name for name, table in db.metadata.tables.items() if table.kwargs.get("sqlite_autoincrement")}


@pytest.mark.parametrize("half", ["mock_providers", "yibao"])
def test_an_up_to_date_database_is_left_alone_and_alembic_is_not_needed(half: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, pathlib\n"
        f"from {half} import create_app\n"
        f"from {half}.settings import Settings\n"
        f"create_app(Settings(data=pathlib.Path({str(tmp_path)!r}), background=False))\n"
        "print('alembic' in sys.modules)\n"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_a_database_of_a_newer_program_is_refused_in_words(tmp_path: Path) -> None:
    app = mock_providers.create_app(MockSettings(data=tmp_path, background=False))
    del app
    engine = create_engine(f"sqlite:///{tmp_path / 'mock.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(RuntimeError, match="9999"):
        mock_providers.create_app(MockSettings(data=tmp_path, background=False))
