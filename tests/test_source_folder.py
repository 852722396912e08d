"""The package's folder without its compiled modules says in one line what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import bp_core as bp


def test_the_uncompiled_package_says_what_to_do(tmp_path):
    """As a plain `python` meets it in a clone's root; -S leaves out what an editable install adds."""
    source = Path(bp.__file__).parent
    shutil.copytree(source, tmp_path / "bp_core", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    finished = subprocess.run(
        [sys.executable, "-S", "-c", "import bp_core"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    last = finished.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: this bp_core is the source folder")
    assert "pip install -e ." in last
