"""`alprhub retention` and `alprhub policy preview | activate`: what is over, its certificates, and another policy."""

from pathlib import Path
from typing import Any

import yaml

from hub.policy.document import FOLDER


def shorter(tmp_path: Path) -> str:
    """A file with the default policy, whose rules all end after an hour."""
    data = yaml.safe_load(FOLDER.joinpath("hermosa-beach.yaml").read_text())
    for rule in data["retention"]["rules"]:
        if rule["max"] is not None:
            rule["max"] = {"dur": "PT1S", "clock": "captured_at"}
    file = tmp_path / "shorter.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


def test_another_policy_is_previewed_put_in_force_and_its_purge_is_certified(
    run: Any, filled: Any, tmp_path: Path
) -> None:
    name = shorter(tmp_path)
    (change,) = run("policy", "preview", name, "--json").json()
    assert (change["connection"], change["reads"], change["end_now"]) == ("drop", 2, 2)
    assert "would purge 2 reads of drop at once" in run("policy", "preview", name).out
    assert run("retention", "preview", "--json").json() == []
    told = run("policy", "activate", name, "--reason", "a shorter schedule", "--yes", "--json").json()
    assert (told["changed"], told["shortened"], told["lengthened"]) == (2, 2, 0)
    assert run("policy", "activate", name, "--reason", "again", "--yes").code == 75
    (over,) = run("retention", "preview", "--json").json()
    assert over["reads"] == 2
    assert run("retention", "purge", "--json").json()["purged"] == {"drop": 2}
    reads = run("retention", "certificates", "--json").json()[-1]
    assert (reads["connection"], reads["reads"]) == ("drop", 2)
    assert run("retention", "certificates", "--verify", "--json").json()["verified"] >= 1


def test_the_custodian_must_be_named(run: Any, filled: Any) -> None:
    assert run("retention", "certificates", "--countersign", "1").code == 65
    assert run("retention", "certificates", "--countersign", "1", "--custodian", "R. Custodian").code == 66


def test_a_policy_that_is_not_there_is_not_put_in_force(run: Any, filled: Any) -> None:
    assert run("policy", "activate", "nowhere", "--reason", "a reason", "--yes").code == 66
    assert run("policy", "preview", "nowhere").code == 66
