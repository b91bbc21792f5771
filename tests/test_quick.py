"""`make quick` finds the tests of what changed: near ones first, none that cannot see the change."""

from __future__ import annotations

from tests.quick import files_that_test

TEXTS = {
    "trialsim/__init__.py": "from trialsim.rates import rate\n",
    "trialsim/rates/__init__.py": "from trialsim.rates.rate import rate\n",
    "trialsim/rates/rate.py": "from trialsim.rates.kernel import add\n\ndef rate(x):\n    return add(x)\n",
    "trialsim/rates/kernel.py": "LIMIT = 3\n\ndef add(x):\n    return x + LIMIT\n",
    "trialsim/other.py": "def rate_of_another(x):\n    return x\n",
    "tests/helper.py": "TEN = 10\n",
    "tests/rates/test_kernel.py": "from trialsim.rates.kernel import LIMIT\n",
    "tests/rates/test_rate.py": "from trialsim.rates import rate\n",
    "tests/faults/test_rate.py": "import trialsim as ts\n\nassert ts.rate(1) == 4\n",
    "tests/test_other.py": "from tests.helper import TEN\nfrom trialsim.other import rate_of_another\n",
    "tests/test_example.py": "PATH = 'protocols/example.toml'\n",
}
IMPORTERS = {
    "trialsim.rates.kernel": {"trialsim.rates.rate"},
    "trialsim.rates.rate": {"trialsim.rates"},
    "trialsim.rates": {"trialsim"},
}


def test_tests_of_a_kernel_come_before_those_of_what_uses_it_and_long_kinds_last() -> None:
    assert files_that_test(["trialsim/rates/kernel.py"], TEXTS, IMPORTERS) == [
        "tests/rates/test_kernel.py",
        "trialsim/rates/kernel.py",
        "tests/rates/test_rate.py",
        "trialsim/rates/rate.py",
        "tests/faults/test_rate.py",
    ]


def test_a_changed_test_comes_first_and_a_helper_or_a_file_by_its_name_brings_its_users() -> None:
    assert files_that_test(["tests/rates/test_rate.py", "trialsim/other.py"], TEXTS, IMPORTERS) == [
        "tests/rates/test_rate.py",
        "tests/test_other.py",
        "trialsim/other.py",
    ]
    assert files_that_test(["tests/helper.py"], TEXTS, IMPORTERS) == ["tests/test_other.py"]
    assert files_that_test(["protocols/example.toml"], TEXTS, IMPORTERS) == ["tests/test_example.py"]


def test_what_no_test_can_see_brings_none() -> None:
    assert files_that_test([], TEXTS, IMPORTERS) == []
    assert files_that_test(["docs/analysis.md", "trialsim/rates/__init__.py"], TEXTS, IMPORTERS) == []
