"""siegelctl db migrate and status, against a cluster of their own."""

import json
import subprocess

import pytest

import store


@pytest.fixture(scope="module")
def cluster():
    one = store.Cluster()
    yield one
    one.close()


@pytest.fixture
def database(cluster, tmp_path):
    return cluster.database(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """A folder of migrations: folder(3, "CREATE …") writes 0003_m.sql."""
    where = tmp_path / "migrations"
    where.mkdir()

    def write(number, sql, name="m"):
        schema = "CREATE SCHEMA IF NOT EXISTS siegel; " if number == 1 else ""
        (where / f"{number:04}_{name}.sql").write_text(schema + sql)
        return where

    return write


def applied(database):
    text = database.sql("SELECT version FROM siegel_migration.schema_migration ORDER BY version")
    return [int(v) for v in text.split()]


def test_the_product_s_own(database):
    first = database.migrate()
    assert "applied 0001_house.sql" in first.stdout
    assert "nothing to do" in database.migrate().stdout
    rows = json.loads(database.siegelctl("db", "status", "--json", "--dir", store.MIGRATIONS).stdout)["migrations"]
    assert [r["state"] for r in rows] == ["applied"] * len(rows)
    assert database.sql("SELECT count(*) FROM siegel.tenant") == "0"


def test_in_order_and_once(database, folder):
    where = folder(1, "CREATE TABLE t (a int); INSERT INTO t VALUES (1);")
    folder(2, "UPDATE t SET a = a + 1;")
    (where / "README.md").write_text("not a migration")
    (where / "roles.sql").write_text("SELECT broken")
    assert database.migrate(where).stdout.splitlines() == ["applied 0001_m.sql", "applied 0002_m.sql"]
    folder(3, "UPDATE t SET a = a * 10;")
    assert database.migrate(where).stdout.splitlines() == ["applied 0003_m.sql"]
    assert database.sql("SELECT a FROM t") == "20"
    assert applied(database) == [1, 2, 3]


def test_a_failure_leaves_nothing(database, folder):
    where = folder(1, "CREATE TABLE t (a int);")
    folder(2, "INSERT INTO t VALUES (1); CREATE TABLE u (a int); SELECT 1 / 0;")
    folder(3, "CREATE TABLE v (a int);")
    done = database.migrate(where, check=False)
    assert done.returncode == 1
    assert "0002_m.sql" in done.stderr and "division by zero" in done.stderr
    assert applied(database) == [1]
    assert database.sql("SELECT count(*) FROM t") == "0"
    assert database.sql("SELECT to_regclass('u') IS NULL AND to_regclass('v') IS NULL") == "t"
    folder(2, "INSERT INTO t VALUES (1);")
    database.migrate(where)
    assert applied(database) == [1, 2, 3]


def test_a_changed_file_is_refused(database, folder):
    where = folder(1, "CREATE TABLE t (a int);")
    database.migrate(where)
    folder(1, "CREATE TABLE t (a int); -- touched")
    folder(2, "CREATE TABLE u (a int);")
    done = database.migrate(where, check=False)
    assert done.returncode == 1 and "0001_m.sql was changed" in done.stderr
    assert applied(database) == [1]
    status = database.siegelctl("db", "status", "--json", "--dir", where, check=False)
    assert status.returncode == 1
    assert [m["state"] for m in json.loads(status.stdout)["migrations"]] == ["changed", "pending"]


def test_an_older_folder_is_refused(database, folder):
    where = folder(1, "CREATE TABLE t (a int);")
    last = folder(2, "CREATE TABLE u (a int);") / "0002_m.sql"
    database.migrate(where)
    last.unlink()
    done = database.migrate(where, check=False)
    assert done.returncode == 1 and "0002_m.sql is applied but isn't in the folder" in done.stderr


@pytest.mark.parametrize("numbers, why", [((1, 3), "no migration 0002"), ((2,), "no migration 0001"), ((), "no NNNN_name.sql")])
def test_gaps_are_refused(database, folder, tmp_path, numbers, why):
    for n in numbers:
        folder(n, f"CREATE TABLE t{n} (a int);")
    done = database.migrate(tmp_path / "migrations", check=False)
    assert done.returncode == 1 and why in done.stderr
    assert database.sql("SELECT to_regclass('t1') IS NULL AND to_regclass('t2') IS NULL") == "t"


def test_two_of_one_number_are_refused(database, folder):
    where = folder(1, "CREATE TABLE t (a int);")
    folder(1, "CREATE TABLE u (a int);", name="n")
    done = database.migrate(where, check=False)
    assert done.returncode == 1 and "the same number" in done.stderr


def test_several_at_once(database, folder):
    where = folder(1, "CREATE TABLE t (a int); SELECT pg_sleep(0.3);")
    folder(2, "INSERT INTO t VALUES (1); SELECT pg_sleep(2.5);")
    runs = [subprocess.Popen(database.command("db", "migrate", "--dir", where), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)]
    out = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], out
    assert sorted(text for text, _ in out)[:1] == ["applied 0001_m.sql\napplied 0002_m.sql\n"]
    assert sum("nothing to do" in text for text, _ in out) == 3
    assert database.sql("SELECT count(*) FROM t") == "1"


def test_nobody_else_may(database):
    """The services' roles can't touch the list of migrations."""
    database.migrate()
    for role in ("siegel_ca", "siegel_api", "siegel_est", "siegel_scep", "siegel_va", "siegel_sched", "siegel_setup"):
        assert database.sql("SELECT 1 FROM siegel_migration.schema_migration", role=role, check=False) == ""


def template(**more):
    return json.dumps({"kind": "cert_server", "title": "A", "title_de": "B", "description": "C", "description_de": "D", "definition": {}, **more})


def test_templates(database, tmp_path):
    """The templates of profiles become those of the folder, all of them or none."""
    where = tmp_path / "profiles"
    where.mkdir()
    (where / "one.json").write_text(template())
    (where / "README.md").write_text("no template")

    def migrate():
        return database.siegelctl("db", "migrate", "--dir", store.MIGRATIONS, "--profiles", where, check=False)

    def names():
        return database.sql("SELECT string_agg(name || ' ' || title_de, ',' ORDER BY name) FROM siegel.profile_template")

    assert migrate().returncode == 0 and names() == "one B"
    (where / "two.json").write_text(template(title_de="Zwei"))
    assert migrate().returncode == 0 and names() == "one B,two Zwei"
    for bad in ("{", "[]", '{"kind": "cert_server"}', template(title=1)):
        (where / "three.json").write_text(bad)
        (where / "one.json").write_text(template(title_de="anders"))
        done = migrate()
        assert done.returncode == 1 and "three.json" in done.stderr, (bad, done)
        assert names() == "one B,two Zwei"
    (where / "three.json").unlink()
    (where / "two.json").unlink()
    assert migrate().returncode == 0 and names() == "one anders"
    assert database.migrate().returncode == 0 and names() == "one anders"  # with --dir alone they stay
