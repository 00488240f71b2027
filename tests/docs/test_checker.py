"""What holds pages against the command tree finds what is wrong, and nothing else."""

import pytest

import docs

PAGE = """
Words, and `alprhub policy show` between them.

```sh
alprhub search '7AB?12*' --purpose stolen_vehicle \\
  --reason 'theft; and more' | head    # a comment
FOO=1 alprhub runs --bad && sudo alprhub gaps
cp x /opt/alprhub
```

```python
alprhub nonsense
```
"""


def test_commands_are_found_where_a_shell_would_run_them() -> None:
    (shell, _) = docs.blocks(PAGE)
    assert list(docs.commands(shell)) == [
        (5, ["search", "7AB?12*", "--purpose", "stolen_vehicle", "--reason", "theft; and more"]),
        (7, ["runs", "--bad"]),
        (7, ["gaps"]),
    ]
    assert list(docs.inline(PAGE)) == [(2, ["policy", "show"])]
    assert docs.faults(PAGE) == []


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("runns", "alprhub has no command runns"),
        ("policy", "alprhub policy wants one of"),
        ("policy shown", "alprhub policy has no command shown"),
        ("runs --ugly", "alprhub runs has no option --ugly"),
        ("runs --limit", "alprhub runs --limit wants a value"),
        ("sync", "alprhub sync wants"),
        ("sync one two", "alprhub sync takes 1 arguments, and here are 2"),
    ],
)
def test_what_is_wrong_is_said(typed: str, wrong: str) -> None:
    assert str(docs.fault(typed.split())).startswith(wrong)


@pytest.mark.parametrize(
    "typed", ["runs --limit 3 --bad", "runs --limit=3", "sync …", "…", "policy --help", "sync one"]
)
def test_what_is_right_passes(typed: str) -> None:
    assert docs.fault(typed.split()) is None


def test_a_command_that_is_only_named_need_not_be_whole() -> None:
    assert docs.faults("Try `alprhub sync`, `alprhub runs --limit` or `alprhub policy`.") == []
    assert docs.faults("Try `alprhub sync --hard`.") == ["line 1: alprhub sync has no option --hard"]


def test_a_block_that_fails_is_told_by_its_line(tmp_path: object) -> None:
    page = "```sh run\nfalse\n```\n"
    with pytest.raises(AssertionError, match="--- line 2"):
        docs.run(page, tmp_path, {"PATH": "/bin:/usr/bin"})  # type: ignore[arg-type]
