"""The documentation says what the commands do, because it is made from them."""

from pathlib import Path

from ui.reference import FILE, reference

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_reference_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "run `python -m ui.reference`"


def test_every_command_and_option_is_in_the_reference(command) -> None:
    names = [line.split()[0] for line in command("--help").out.partition("Commands:")[2].splitlines() if line.strip()]
    document = FILE.read_text(encoding="utf-8")

    for name in names:
        section = document.partition(f"## de-copilot {name}\n")[2].partition("\n## ")[0]
        options = {w.strip("`,[]") for w in command(name, "--help").out.split() if w.startswith("--")}
        assert section
        assert {o for o in options if o.rstrip(".") not in section} == set()


def test_every_command_in_the_readme_exists(command) -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    named = {line.partition("de-copilot ")[2].split()[0].strip("`") for line in lines if "`de-copilot " in line}

    assert named
    assert {name for name in named if command(name, "--help").code != 0} == set()
