"""`alprhub cameras`: where each stands and which site it belongs to, by name."""

from typing import Any


def test_cameras_are_told_by_name_and_their_vendors_ids_only_where_asked_for(run: Any, filled: Any, sql: Any) -> None:
    sql("UPDATE cameras SET name = 'Pier Ave 3', latitude = 33.861712345, longitude = -118.4015")
    head, row = run("cameras", "list").out.splitlines()
    assert head.split() == ["camera", "site", "source", "latitude", "longitude"]
    assert row.split() == ["Pier", "Ave", "3", "drop", "33.86171", "-118.4015"]
    assert run("cameras", "list", "--ids").out.splitlines()[1].split()[-1] == "pier"
    assert run("cameras", "list", "--json").json()[0]["latitude"] == 33.861712345


def test_a_camera_is_put_into_a_site_by_its_name_and_that_is_said(run: Any, filled: Any, sql: Any) -> None:
    sql("UPDATE cameras SET name = 'Pier Ave 3'")
    assert run("cameras", "site", "drop", "Pier Ave 3", "Harbor").out == "Pier Ave 3 of drop belongs to Harbor\n"
    assert run("cameras", "site", "drop", "pier").out == "Pier Ave 3 of drop belongs to no site\n"
    done = run("cameras", "site", "drop", "Strand", "Harbor")
    assert (done.code, "alprhub cameras list" in done.err) == (66, True)
